//! Italian passports: two letters and seven digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AA9999999"],
    prove: |_| Some(Proof::Faint),
    topics: &[Topic::Passport],
    words: &["passaporto*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "it-passport",
    summary: "The number of an Italian passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "IT_PASSPORT",
    docs: Docs {
        finds: "Two letters and seven digits.",
        matters: docs::IDENTITY,
        example: "`passaporto YA1234567` becomes `passaporto <IT_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("ICAO 9303 part 4"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["passaporto YA1234567", "passport AA1234567", "n. passaporto: ya1234567"],
    passes: &["A1234567", "AA123456", "AAA123456", "AA12345678"],
};
