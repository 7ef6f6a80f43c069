//! Vehicle identification numbers: seventeen characters, often with a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["*************9999"],
    prove,
    topics: &[Topic::Vehicle],
    words: &[
        "vin",
        "vehicle identification*",
        "fin",
        "fahrgestellnummer*",
        "fahrzeug identifizierungsnummer*",
        "chassis*",
        "numéro de châssis",
        "bastidor",
        "telaio",
        "车架号",
        "車台番号",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "vin",
    summary: "A vehicle identification number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "VIN",
    docs: Docs {
        finds: "Seventeen digits and letters other than I, O and Q, with digits among the last four. In North \
                America the ninth is a check digit.",
        matters: docs::VEHICLE,
        example: "`VIN 1M8GDM9AXKP042788` becomes `VIN <VIN_1>`.",
        fix: docs::MASK,
        limits: "Elsewhere there is no check digit; such numbers score below the default threshold without a \
                 word that names them.",
    },
    references: &[
        Reference::Spec("ISO 3779"),
        Reference::Spec("49 CFR 565"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["VIN 1M8GDM9AXKP042788", "1HGCM82633A004352", "FIN: WVWZZZ1JZXW000001"],
    passes: &[
        "1M8GDM9AXKP04278",
        "1M8GDM9AXKPO42788",
        "12345678901234567",
        "1M8GDM9AXKP0427888",
        "ABCDEFGHJKLMN1234",
    ],
};

/// Values of A to Z; I, O and Q are not used.
const VALUES: [u32; 26] =
    [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9];
const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let letters = chars.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if chars.iter().any(|byte| b"IOQ".contains(byte)) || !(3..=12).contains(&letters) {
        return None;
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        _ => VALUES.get(usize::from(byte - b'A')).copied().unwrap_or_default(),
    };
    let sum: u32 = chars.iter().zip(WEIGHTS).map(|(byte, weight)| value(*byte) * weight).sum();
    let check = chars.get(8)?;
    let checked = if *check == b'X' {
        sum % 11 == 10
    } else {
        check.is_ascii_digit() && sum % 11 == value(*check)
    };
    Some(match (checked, number.is_upper()) {
        (true, true) => Proof::Likely,
        (true, false) => Proof::Checked,
        (false, true) => Proof::Shaped,
        (false, false) => Proof::Named,
    })
}
