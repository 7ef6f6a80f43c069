//! United States passports: nine digits, or a letter and eight digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A99999999", "999999999"],
    prove: |_| Some(Proof::Faint),
    topics: &[Topic::Passport],
    words: &["us passport", "passport card"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-passport",
    summary: "The number of a United States passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_PASSPORT",
    docs: Docs {
        finds: "Nine digits, or a letter and eight digits.",
        matters: docs::IDENTITY,
        example: "`passport A12803456` becomes `passport <US_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("ICAO 9303 part 4"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["passport A12803456", "my travel document is 912803456", "us passport 912803456"],
    passes: &["A1280345", "A128034567", "9128034567", "91280345"],
};
