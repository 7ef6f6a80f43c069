//! South African identity numbers: birthday, serial, status and Luhn check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, luhn::luhn};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999999", "999999 9999 999", "999999 9999 99 9"],
    prove,
    topics: &[Topic::Identity],
    words: &["south african id*", "rsa id", "sa id", "id nommer"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "za-id",
    summary: "A South African identity number",
    severity: Severity::High,
    category: Category::Pii,
    label: "ZA_ID_NUMBER",
    docs: Docs {
        finds: "Thirteen digits: a date of birth, four digits, 0, 1 or 2 for the status, 8 or 9, and a \
                correct Luhn check digit.",
        matters: docs::IDENTITY,
        example: "`ID number 8001015000086` becomes `ID number <ZA_ID_NUMBER_1>`.",
        fix: docs::MASK,
        limits: "Numbers with another twelfth digit, which were given out long ago, are not found.",
    },
    references: &[
        Reference::Spec("Identification Act 68 of 1997 (South Africa)"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["ID number 8001015000086", "My South African ID is 9202201234088.", "9912316789285"],
    passes: &["8001015009086", "9913326789285", "9902294321191", "80010150090", "8001015000087"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = date::is_yymmdd(chars, 0)
        && matches!(chars.get(10), Some(b'0'..=b'2'))
        && matches!(chars.get(11), Some(b'8' | b'9'))
        && luhn(chars);
    fits.then_some(Proof::Likely)
}
