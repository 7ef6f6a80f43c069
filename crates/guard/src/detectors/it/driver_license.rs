//! Italian driving licences: two letters, seven digits, a letter, or U1 and eight characters.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AA9999999A", "u9*******A"],
    prove,
    topics: &[Topic::Driving],
    words: &["patente*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "it-driver-license",
    summary: "The number of an Italian driving licence",
    severity: Severity::High,
    category: Category::Pii,
    label: "IT_DRIVER_LICENSE",
    docs: Docs {
        finds: "Two letters, seven digits and a letter, or `U1`, seven characters without vowels other than U \
                and Y, and a letter.",
        matters: docs::IDENTITY,
        example: "`patente AA0123456B` becomes `patente <IT_DRIVER_LICENSE_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Ministero delle Infrastrutture e dei Trasporti, patente di guida"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["patente AA0123456B", "driving licence U1H00B000C", "patente di guida u1h00b000c"],
    passes: &["U1H00B000C", "AA012345B", "U2H00B000C", "U1A00B000C", "AA01234567", "AA0123456BC"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let letters = b"BCDFGHJKLMNPRSTUWXYZ";
    let serial = |byte: &u8| byte.is_ascii_digit() || letters.contains(byte);
    let fits =
        number.shape == 0 || (chars.get(1) == Some(&b'1') && chars.get(2..9)?.iter().all(serial));
    fits.then_some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Faint))
}
