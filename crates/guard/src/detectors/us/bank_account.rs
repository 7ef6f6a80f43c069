//! United States bank account numbers: eight to seventeen digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9{8,17}"],
    prove: |_| Some(Proof::Faint),
    topics: &[Topic::Bank],
    words: &["checking account*", "savings account*", "bank account*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-bank-account",
    summary: "A United States bank account number",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_BANK_NUMBER",
    docs: Docs {
        finds: "Eight to seventeen digits after a word such as `account number`.",
        matters: docs::BANK,
        example: "`account number 945456787654` becomes `account number <US_BANK_NUMBER_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Nacha Operating Rules, appendix three"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["account number 945456787654", "acct no. 12345678", "bank account: 00123456789"],
    passes: &["1234567", "123456789012345678", "1234-5678", "0.12345678"],
};
