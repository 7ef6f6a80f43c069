//! German number plates: district, letters and digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "A{1,3} A{1,2} 9{1,4}",
        "A{1,3}-A{1,2}-9{1,4}",
        "A{1,3}-A{1,2} 9{1,4}",
        "A{1,3} A{1,2} 99A",
        "A{1,3} A{1,2} 999A",
        "A{1,3}-A{1,2}-99A",
        "A{1,3}-A{1,2}-999A",
        "A{1,3}-A{1,2} 99A",
        "A{1,3}-A{1,2} 999A",
        "A{1,3} A9{1,4}",
        "A{1,3} AA9{1,4}",
        "A{1,3}-A9{1,4}",
        "A{1,3}-AA9{1,4}",
    ],
    prove,
    topics: &[Topic::Vehicle],
    words: &["kennzeichen*", "nummernschild*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-license-plate",
    summary: "A German number plate",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "DE_LICENSE_PLATE",
    docs: Docs {
        finds: "One to three letters of the district, one or two letters and one to four digits, with spaces \
                or dashes between them, and `E` or `H` at the end where there is one.",
        matters: docs::VEHICLE,
        example: "`Kennzeichen HH-AB 1234` becomes `Kennzeichen <DE_LICENSE_PLATE_1>`.",
        fix: docs::MASK,
        limits: "Many things look like it, so that it scores below the default threshold without a word that \
                 names it. Whether the district exists is not looked up.",
    },
    references: &[
        Reference::Spec("FZV annex 1"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "Kennzeichen HH-AB 1234",
        "Nummernschild: B AB 1234",
        "plate M-XY-999",
        "Kfz KA EF 12H",
    ],
    passes: &[
        "B AB 1234",
        "M-XY-999",
        "HHHH-AB-1234",
        "HH-ABC-1234",
        "HH-AB-12345",
        "HH-AB-0123",
        "KA EF 12X",
        "is in 2019",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let digits = chars.iter().position(u8::is_ascii_digit)?;
    let suffix =
        chars.last().is_none_or(|byte| byte.is_ascii_digit() || matches!(byte, b'E' | b'H'));
    // `is in 2019`
    let word = !number.is_upper() && number.text.contains(&b' ') && chars.len() - digits == 4;
    let fits = suffix && !word && chars.get(digits) != Some(&b'0');
    let spaced = number.text.contains(&b' ');
    let small = Proof::when(spaced, Proof::Chance, Proof::Faint);
    fits.then_some(Proof::when(number.is_upper(), Proof::Shaped, small))
}
