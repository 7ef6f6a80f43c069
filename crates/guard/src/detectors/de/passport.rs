//! German passports: nine characters of the document alphabet.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A*******9", "A********9"],
    prove,
    topics: &[Topic::Passport],
    words: &["pass nr", "reisepass*", "passnummer"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-passport",
    summary: "The number of a German passport",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_PASSPORT",
    docs: Docs {
        finds: "Nine characters of the alphabet of German documents that begin with C, F, G, H, J or K and \
                end in a check digit, or ten with the check digit of the machine-readable zone.",
        matters: docs::IDENTITY,
        example: "`Reisepass C01X00T478` becomes `Reisepass <DE_PASSPORT_1>`.",
        fix: docs::MASK,
        limits: "Of the nine characters printed on a passport the last is no check digit; a number whose last \
                 digit does not happen to be one is found only after a word that names it.",
    },
    references: &[
        Reference::Spec("ICAO 9303 part 3 section 4.9"),
        Reference::Spec("PassV annex 1"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["Reisepass C01X00T478", "C01X00T41", "Pass-Nr.: F12345671", "passport C01X00T47"],
    passes: &["C01234567", "F12345678", "L01X00T47", "A01234567", "C01X00T4"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (last, head) = chars.split_last()?;
    let fits =
        head.iter().all(|byte| byte.is_ascii_digit() || super::id_card::LETTERS.contains(byte))
            && matches!(chars.first(), Some(b'C' | b'F' | b'G' | b'H' | b'J' | b'K'));
    match (weighted::icao(head) == weighted::value(*last), chars.len()) {
        _ if !fits => None,
        (true, 10) => Some(Proof::Likely),
        (true, _) => Some(Proof::when(number.is_upper(), Proof::Likely, Proof::Checked)),
        (false, 9) => Some(Proof::Named),
        (false, _) => None,
    }
}
