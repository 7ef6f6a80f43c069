//! Turkish number plates: province, letters and digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99 A{1,3} 9{2,5}", "99A9{2,5}", "99AA9{2,5}", "99AAA9{2,4}"],
    prove,
    topics: &[Topic::Vehicle],
    words: &["plaka*", "araç plakası"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "tr-license-plate",
    summary: "A Turkish number plate",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "TR_LICENSE_PLATE",
    docs: Docs {
        finds: "The number of a province from 01 to 81, one to three letters and two to five digits, together \
                or with spaces.",
        matters: docs::VEHICLE,
        example: "`plaka 34 ABC 123` becomes `plaka <TR_LICENSE_PLATE_1>`.",
        fix: docs::MASK,
        limits: "Many things look like it, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Karayolları Trafik Yönetmeliği, article 54"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["plaka 34 ABC 123", "plaka numarası 34ABC1234", "Araç plakası 06 A 123 olarak"],
    passes: &[
        "34ABC1234",
        "99 ABC 123",
        "00 ABC 123",
        "34 ABCD 123",
        "34 ABC 1",
        "34-ABC-123",
        "12 of 2024",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let province = crate::checks::number(number.chars().get(..2)?);
    let letters = number.chars().iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let digits = number.chars().len() - 2 - letters;
    // `12 of 2024`
    let word = !number.is_upper() && letters == 2 && digits == 4;
    let fits = (1..=81).contains(&province) && !word && letters + digits <= 7;
    let small = Proof::when(number.is_grouped(), Proof::Chance, Proof::Faint);
    fits.then_some(Proof::when(number.is_upper(), Proof::Shaped, small))
}
