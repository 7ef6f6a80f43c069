//! French social security numbers (NIR): sex, birth, place, order and key.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "999999999999999",
        "99999*999999999",
        "9 99 99 99 999 999 99",
        "9 99 99 9* 999 999 99",
        "9999999999999 99",
        "9999999999999",
    ],
    prove,
    topics: &[Topic::SocialSecurity],
    words: &["nir", "numéro de sécurité sociale", "numéro insee", "n sécu", "sécu", "carte vitale"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "fr-nir",
    summary: "A French social security number (NIR)",
    severity: Severity::High,
    category: Category::Pii,
    label: "FR_NIR",
    docs: Docs {
        finds: "Thirteen digits that begin with the sex, year and month of birth and a department (2A and 2B \
                too), and the key of two digits that is correct (modulo 97), together or in the usual groups.",
        matters: docs::IDENTITY,
        example: "`sécurité sociale 2 55 08 14 168 025 38` becomes `sécurité sociale <FR_NIR_1>`.",
        fix: docs::MASK,
        limits: "Without the key it is found only after a word that names it.",
    },
    references: &[
        Reference::Spec("INSEE, Numéro d'inscription au répertoire"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "sécurité sociale 2 55 08 14 168 025 38",
        "255081416802538",
        "NIR 2550814168025",
        "n° sécu: 1 85 05 78 006 084 91",
    ],
    passes: &[
        "2 55 08 14 168 025 39",
        "9 55 08 14 168 025 38",
        "255131416802538",
        "2550814168025",
        "25508141680253",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let month = crate::checks::number(chars.get(3..5)?);
    let born = matches!(chars.first()?, b'1'..=b'4' | b'7' | b'8')
        && matches!(month, 1..=12 | 20..=42 | 50..=99);
    // The departments of Corsica count as 19 and 18.
    let mut digits = chars.get(..13)?.to_vec();
    match digits.get_mut(5..7)? {
        part @ [b'2', b'A'] => part.copy_from_slice(b"19"),
        part @ [b'2', b'B'] => part.copy_from_slice(b"18"),
        part if part.iter().all(u8::is_ascii_digit) => {}
        _ => return None,
    }
    if !born {
        return None;
    }
    let Some(key) = chars.get(13..).filter(|key| !key.is_empty()) else {
        return Some(Proof::Named);
    };
    let fits = 97 - crate::checks::number(&digits) % 97 == crate::checks::number(key);
    fits.then_some(Proof::when(number.is_grouped(), Proof::Sure, Proof::Likely))
}
