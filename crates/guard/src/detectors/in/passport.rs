//! Indian passports: a letter and seven digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A9999999", "A99 99999"],
    prove,
    topics: &[Topic::Passport],
    words: &["indian passport"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "in-passport",
    summary: "The number of an Indian passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "IN_PASSPORT",
    docs: Docs {
        finds: "A letter other than Q, X and Z and seven digits of which the first and the last are not 0.",
        matters: docs::IDENTITY,
        example: "`passport T3569075` becomes `passport <IN_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Passport Seva, passport number format"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["passport T3569075", "my passport number is B3097651", "पासपोर्ट C3590543"],
    passes: &["T356907", "Q3569075", "T0569075", "T35690751", "T3569070"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = !matches!(chars.first(), Some(b'Q' | b'X' | b'Z'))
        && chars.get(1) != Some(&b'0')
        && chars.last() != Some(&b'0');
    fits.then_some(Proof::Faint)
}
