//! Spanish passports: three letters and six digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAA999999"],
    prove: |_| Some(Proof::Faint),
    topics: &[Topic::Passport],
    words: &["pasaporte*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "es-passport",
    summary: "The number of a Spanish passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "ES_PASSPORT",
    docs: Docs {
        finds: "Three letters and six digits.",
        matters: docs::IDENTITY,
        example: "`pasaporte AAA123456` becomes `pasaporte <ES_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("ICAO 9303 part 4"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["pasaporte AAA123456", "passport no. xyz987654", "pasaporte nº AaA123456"],
    passes: &["AAA123456", "AAAA12345", "AAA12345", "AAA1234567", "AAA-123456"],
};
