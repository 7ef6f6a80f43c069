//! Philippine taxpayer numbers: nine digits, and three or five of the branch.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "999-999-999-999",
        "999 999 999 999",
        "999-999-999-99999",
        "999-999-999",
        "999999999999",
        "999999999",
    ],
    prove: |number| {
        Some(match number.shape {
            0..=2 => Proof::Shaped,
            3 | 4 => Proof::Faint,
            _ => Proof::Named,
        })
    },
    topics: &[Topic::Tax],
    words: &["bir tin", "bir", "tin"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "ph-tin",
    summary: "A Philippine taxpayer identification number",
    severity: Severity::High,
    category: Category::Pii,
    label: "PH_TIN",
    docs: Docs {
        finds: "Nine digits in groups of three with a branch of three or five digits behind them, or twelve \
                digits together.",
        matters: docs::TAX,
        example: "`TIN: 000-123-456-001` becomes `TIN: <PH_TIN_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Bureau of Internal Revenue (Philippines), TIN"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["TIN: 000-123-456-001", "BIR TIN: 000123456000", "Tax ID: 000-123-456"],
    passes: &["000-123-456-01", "000-123-4567", "0001234560001", "000-123 456-001"],
};
