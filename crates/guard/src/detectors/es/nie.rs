//! Spanish identity numbers of foreigners: X, Y or Z, seven digits and a letter.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A9999999A", "A9999999-A", "A-9999999-A", "A-9999999A"],
    prove,
    topics: &[Topic::Identity],
    words: &["nie", "número de identidad de extranjero", "identificación de extranjero"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "es-nie",
    summary: "A Spanish identity number of a foreigner (NIE)",
    severity: Severity::High,
    category: Category::Pii,
    label: "ES_NIE",
    docs: Docs {
        finds: "X, Y or Z, seven digits and, with or without dashes, the letter that belongs to the number \
                (modulo 23).",
        matters: docs::IDENTITY,
        example: "`NIE X9613851N` becomes `NIE <ES_NIE_1>`.",
        fix: docs::MASK,
        limits: "Numbers with a mistyped character are not found.",
    },
    references: &[
        Reference::Spec("Real Decreto 557/2011 article 206"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["NIE X9613851N", "Y8063915-Z", "Mi NIE es z8078221m"],
    passes: &["Y8063915Q", "W8063915Q", "x9613851q", "Z807822M", "Z80782211M"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let (letter, rest) = number.chars().split_last()?;
    let first = match rest.first()? {
        b'X' => 0,
        b'Y' => 10_000_000,
        b'Z' => 20_000_000,
        _ => return None,
    };
    let rest = first + crate::checks::number(rest);
    (super::nif::LETTERS.get(rest as usize % 23) == Some(letter)).then_some(Proof::Sure)
}
