//! British vehicle registrations: current style, prefix style and suffix style.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "AA99 AAA",
        "AA99AAA",
        "A9{1,3} AAA",
        "A9AAA",
        "A99AAA",
        "A999AAA",
        "AAA 9A",
        "AAA 99A",
        "AAA 999A",
        "AAA9A",
        "AAA99A",
        "AAA999A",
    ],
    prove,
    topics: &[Topic::Vehicle],
    words: &["vrm", "dvla", "number plate*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "uk-vehicle-registration",
    summary: "A British vehicle registration",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "UK_VEHICLE_REGISTRATION",
    docs: Docs {
        finds: "Two letters, two digits of a half year since 2001 and three letters; or the older styles with \
                the letter of the year before or behind, in letters that are in use at their place; with or \
                without a space.",
        matters: docs::VEHICLE,
        example: "`vehicle AB51 ABC` becomes `vehicle <UK_VEHICLE_REGISTRATION_1>`.",
        fix: docs::MASK,
        limits: "Old styles, small letters and plates without a space score below the default threshold \
                 without a word that names them. Plates of Northern Ireland and plates without a date are not \
                 found.",
    },
    references: &[
        Reference::Spec("DVLA, INF104"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "AB51 ABC",
        "vehicle BD62XYZ",
        "plate aa02 aaa",
        "reg no K1 ABC",
        "registration ABC 123D",
    ],
    passes: &[
        "K1 ABC",
        "aa02 aaa",
        "BD62XYZ",
        "IB51 ABC",
        "AQ51 ABC",
        "AB00 ABC",
        "AB49 ABC",
        "AB80 ABC",
        "I123 BCD",
        "O123 BCD",
        "ABC 123I",
        "XXXAB51ABCYYY",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let none_of = |part: &[u8], out: &[u8]| !part.iter().any(|byte| out.contains(byte));
    match number.shape {
        0 | 1 => {
            let age = crate::checks::number(chars.get(2..4)?);
            let fits = none_of(chars.get(..2)?, b"IQZ")
                && none_of(chars.get(4..)?, b"IQ")
                && matches!(age, 2..=29 | 51..=79);
            let distinct = number.is_upper() && number.is_grouped();
            fits.then_some(Proof::when(distinct, Proof::Likely, Proof::Shaped))
        }
        2..=5 => {
            let letters = chars.get(chars.len() - 3..)?;
            let fits = none_of(chars.get(..1)?, b"IOQUZ") && none_of(letters, b"IQZ");
            fits.then_some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Chance))
        }
        _ => {
            let fits = none_of(chars.get(..3)?, b"IQZ")
                && none_of(chars.get(chars.len() - 1..)?, b"IOQUZ");
            fits.then_some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Chance))
        }
    }
}
