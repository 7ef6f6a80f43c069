//! German postcodes: five digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999", "d-99999"],
    prove,
    topics: &[],
    words: &[
        "plz",
        "postleitzahl*",
        "postcode*",
        "postal code*",
        "zip code*",
        "anschrift*",
        "wohnhaft*",
        "code postal",
        "código postal",
        "codice postale",
        "kod pocztowy",
        "postnummer*",
        "posta kodu",
        "индекс",
        "邮编",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-postcode",
    summary: "A German postcode",
    severity: Severity::Low,
    category: Category::Pii,
    label: "DE_POSTCODE",
    docs: Docs {
        finds: "Five digits from 01001 to 99998, after a word such as `PLZ` or with `D-` before them.",
        matters: docs::ADDRESS,
        example: "`PLZ 10115` becomes `PLZ <DE_POSTCODE_1>`.",
        fix: docs::MASK,
        limits: "Any five digits in that range look like it, so that it scores below the default threshold \
                 without a word that names it. Which postcodes are in use is not looked up.",
    },
    references: &[
        Reference::Spec("Deutsche Post, Postleitzahlen"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["PLZ 10115", "Postleitzahl 80331 München", "D-01001"],
    passes: &["01000", "101150", "1011", "00999", "99999"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let fits = (1001..=99_998).contains(&crate::checks::number(number.chars()))
        && number.chars() != b"01000";
    fits.then_some(Proof::when(number.is_grouped(), Proof::Likely, Proof::Faint))
}
