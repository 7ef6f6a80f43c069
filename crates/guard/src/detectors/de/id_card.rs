//! German identity cards: the serial number of the card, with or without its check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A*******9", "A********9"],
    prove,
    topics: &[Topic::Identity],
    words: &["personalausweis*", "ausweisnummer*", "ausweis nr", "perso", "id card"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-id-card",
    summary: "The number of a German identity card",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_ID_CARD",
    docs: Docs {
        finds: "Nine characters of the alphabet of German documents that begin with a letter of an authority \
                and end in a check digit, ten with the check digit of the machine-readable zone, or `T` and \
                eight digits of an old card.",
        matters: docs::IDENTITY,
        example: "`Ausweisnummer L01X00T471` becomes `Ausweisnummer <DE_ID_CARD_1>`.",
        fix: docs::MASK,
        limits: "Of the nine characters printed on a card the last is no check digit; a number whose last \
                 digit does not happen to be one is found only after a word that names it.",
    },
    references: &[
        Reference::Spec("ICAO 9303 part 3 section 4.9"),
        Reference::Spec("PAuswV annex 1"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "Ausweisnummer L01X00T471",
        "L01X00T44",
        "Personalausweis L01X00T47",
        "Ausweis: T22000129",
    ],
    passes: &["T22000129", "L01X00T47", "L01X00T440", "A01X00T44", "L01X00T4A", "LOIXOOT44"],
};

/// Letters of German document numbers: no vowels, and none that look like digits.
pub(super) const LETTERS: &[u8] = b"CFGHJKLMNPRTVWXYZ";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (last, head) = chars.split_last()?;
    let fits = head.iter().all(|byte| byte.is_ascii_digit() || LETTERS.contains(byte))
        && LETTERS.contains(chars.first()?);
    let old = chars.starts_with(b"T") && chars.iter().skip(1).all(u8::is_ascii_digit);
    match (weighted::icao(head) == weighted::value(*last), chars.len()) {
        _ if !fits => None,
        (true, 10) => Some(Proof::Likely),
        (true, _) => Some(Proof::when(number.is_upper(), Proof::Likely, Proof::Checked)),
        (false, 9) => Some(Proof::when(old, Proof::Shaped, Proof::Named)),
        (false, _) => None,
    }
}
