//! Korean passports: a letter of the kind, three digits, a letter and four digits, or eight digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A999A9999", "A99999999"],
    prove,
    topics: &[Topic::Passport],
    words: &["여권*", "korean passport"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "kr-passport",
    summary: "The number of a Korean passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "KR_PASSPORT",
    docs: Docs {
        finds: "One of the letters M, S, R, O, D and G, three digits, a letter and four digits; or one of \
                these letters and eight digits.",
        matters: docs::IDENTITY,
        example: "`여권 M123A4567` becomes `여권 <KR_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Passport Act (Korea), enforcement rule"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["여권 M123A4567", "passport no. m456B7890", "passport M12345678"],
    passes: &["M123A4567", "M1234A567", "M1234567", "M123456789", "M123-A4567", "X123A4567"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let known = b"MSRODG".contains(number.chars().first()?);
    let new = number.shape == 0 && number.is_upper();
    known.then_some(Proof::when(new, Proof::Shaped, Proof::Faint))
}
