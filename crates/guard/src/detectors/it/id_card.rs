//! Italian identity cards: paper cards and both kinds of electronic ones.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AA9999999", "AA 9999999", "9999999AA", "AA99999AA"],
    prove: |_| Some(Proof::Faint),
    topics: &[Topic::Identity],
    words: &["carta d identità", "carta di identità", "documento d identità", "cie"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "it-id-card",
    summary: "The number of an Italian identity card",
    severity: Severity::High,
    category: Category::Pii,
    label: "IT_IDENTITY_CARD",
    docs: Docs {
        finds: "Two letters and seven digits, seven digits and two letters, or two letters, five digits and \
                two letters.",
        matters: docs::IDENTITY,
        example: "`carta d'identità CA12345AA` becomes `carta d'identità <IT_IDENTITY_CARD_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Ministero dell'Interno, Carta di identità elettronica"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "carta d'identità CA12345AA",
        "carta identità 1234567Aa, documento di identità 1234567Aa",
        "identity card AX 1234567",
    ],
    passes: &["1234567Aa", "CA1234AA", "1234567A", "CA123456AA", "12345678AA"],
};
