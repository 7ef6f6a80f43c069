//! Singaporean identity numbers of citizens, residents and foreigners.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A9999999A"],
    prove,
    topics: &[Topic::Identity],
    words: &["nric", "fin", "fin number", "nric number", "work permit no"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "sg-nric",
    summary: "A Singaporean identity number (NRIC or FIN)",
    severity: Severity::High,
    category: Category::Pii,
    label: "SG_NRIC_FIN",
    docs: Docs {
        finds: "One of the letters S, T, F, G and M, seven digits and a check letter.",
        matters: docs::IDENTITY,
        example: "`NRIC S1234567D` becomes `NRIC <SG_NRIC_FIN_1>`.",
        fix: docs::MASK,
        limits: "With another check letter it scores below the default threshold without a word that names \
                 it.",
    },
    references: &[
        Reference::Spec("National Registration Act (Singapore)"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["NRIC S1234567D", "M4332674T", "FIN number G1122144L", "t1234567j"],
    passes: &["PA12348L", "A1234567D", "S123456D", "S12345678D", "S1234567-D"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (offset, letters) = match chars.first()? {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return None,
    };
    let sum = weighted::sum(chars, &[2, 7, 6, 5, 4, 3, 2]) + offset;
    let checked = letters.get(sum as usize % 11) == chars.last();
    Some(Proof::when(
        checked,
        Proof::when(number.is_upper(), Proof::Sure, Proof::Likely),
        Proof::Shaped,
    ))
}
