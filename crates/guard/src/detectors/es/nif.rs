//! Spanish tax identification numbers of persons: seven or eight digits and a letter.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999A", "99999999-A", "9999999A", "9999999-A"],
    prove,
    topics: &[Topic::Tax, Topic::Identity],
    words: &["nif", "dni", "documento nacional de identidad"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "es-nif",
    summary: "A Spanish tax identification number (NIF or DNI)",
    severity: Severity::High,
    category: Category::Pii,
    label: "ES_NIF",
    docs: Docs {
        finds: "Seven or eight digits and, with or without a dash, the letter that belongs to the number \
                (modulo 23).",
        matters: docs::IDENTITY,
        example: "`DNI 55555555K` becomes `DNI <ES_NIF_1>`.",
        fix: docs::MASK,
        limits: "Numbers of companies, which begin with a letter, are not found. Numbers of seven digits, or \
                 in small letters, score below the default threshold without a word that names them.",
    },
    references: &[
        Reference::Spec("Real Decreto 1553/2005"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["DNI 55555555K", "NIF 1111111-G", "12345678-Z"],
    passes: &["1111111-G", "55555555A", "12345678-A", "123456Z", "123456789Z", "401-023-2138"],
};

/// The letter of each remainder.
pub(super) const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let (letter, digits) = number.chars().split_last()?;
    let fits = LETTERS.get(crate::checks::number(digits) as usize % 23) == Some(letter);
    let whole = digits.len() == 8 && number.is_upper();
    fits.then_some(Proof::when(whole, Proof::Likely, Proof::Checked))
}
