//! British passports: two letters and seven digits, or nine digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AA9999999", "999999999"],
    prove: |number| Some(Proof::when(number.shape == 0, Proof::Faint, Proof::Named)),
    topics: &[Topic::Passport],
    words: &["british passport"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "uk-passport",
    summary: "The number of a British passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "UK_PASSPORT",
    docs: Docs {
        finds: "Two letters and seven digits, or, after a word that names it, nine digits.",
        matters: docs::IDENTITY,
        example: "`passport XY9876543` becomes `passport <UK_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("ICAO 9303 part 4"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["passport XY9876543", "passport: ab1234567", "My passport number is 925665416"],
    passes: &["XY9876543", "A12345678", "1234567AB", "XY98765432", "925665416"],
};
