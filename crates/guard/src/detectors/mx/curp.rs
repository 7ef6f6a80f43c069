//! Mexican CURP codes: name, birthday, sex, state and check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAAA999999AAAAAA*9"],
    prove,
    topics: &[Topic::Identity],
    words: &["curp", "clave única de registro*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "mx-curp",
    summary: "A Mexican population registry code (CURP)",
    severity: Severity::High,
    category: Category::Pii,
    label: "MX_CURP",
    docs: Docs {
        finds: "Eighteen characters: four letters of the name, a date of birth, H, M or X, two letters of a \
                state, three consonants, a letter or digit and a check digit that is correct.",
        matters: docs::IDENTITY,
        example: "`CURP HEGG560427MVZRRL04` becomes `CURP <MX_CURP_1>`.",
        fix: docs::MASK,
        limits: "With a wrong check digit it scores below the default threshold without a word that names it.",
    },
    references: &[
        Reference::Spec("Instructivo normativo para la asignación de la CURP, DOF 18/10/2021"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["CURP HEGG560427MVZRRL04", "hegg560427mvzrrl04", "clave curp: HEGG560427MVZRRL05"],
    passes: &[
        "HEGG560427MVZRRL05",
        "HEGG561327MVZRRL04",
        "HEGG560427QVZRRL04",
        "HEGG560427MXXRRL04",
        "HEGG560427MVZRRL0",
        "HEGG560427MVZRRL044",
    ],
};

const STATES: &[u8] = b"AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let state = chars.get(11..13)?;
    let known = STATES.split(|byte| *byte == b' ').any(|code| code == state);
    if !date::is_yymmdd(chars, 4) || !b"HMX".contains(chars.get(10)?) || !known {
        return None;
    }
    // The alphabet has Ñ behind N, so that letters after it count one more.
    let value =
        |byte: u8| weighted::value(byte) + u32::from(byte > b'N' && byte.is_ascii_alphabetic());
    let sum: u32 =
        chars.iter().take(17).zip((2..=18).rev()).map(|(byte, weight)| value(*byte) * weight).sum();
    let checked = (10 - sum % 10) % 10 == weighted::digit(chars, 17)?;
    Some(Proof::when(checked, Proof::Sure, Proof::Shaped))
}
