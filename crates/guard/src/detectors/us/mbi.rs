//! United States Medicare beneficiary identifiers: eleven characters of a fixed pattern.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9A*9-A*9-AA99", "9A*9A*9AA99", "9A*9 A*9 AA99"],
    prove,
    topics: &[Topic::Health],
    words: &["mbi", "medicare*", "beneficiary identifier*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-mbi",
    summary: "A United States Medicare beneficiary identifier",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_MBI",
    docs: Docs {
        finds: "Eleven characters, together or as `1EG4-TE5-MK73`, of digits and of letters other than S, L, \
                O, I, B and Z at fixed places.",
        matters: docs::HEALTH,
        example: "`MBI 1EG4-TE5-MK73` becomes `MBI <US_MBI_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit. In small letters without dashes it scores below the default \
                 threshold without a word that names it.",
    },
    references: &[
        Reference::Spec("CMS, Understanding the Medicare Beneficiary Identifier"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["MBI 1EG4-TE5-MK73", "1EG4TE5MK73", "9xx9-xx9-xx99"],
    passes: &[
        "1EG4-LE5-MK73",
        "1EG4-TE5-OK73",
        "1EG4-TE5-MI73",
        "12G4-TE5-MK73",
        "0EG4-TE5-MK73",
        "1EG4-TE5MK73",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = chars.first() != Some(&b'0') && !chars.iter().any(|byte| b"SLOIBZ".contains(byte));
    let distinct = number.is_grouped() || number.is_upper();
    fits.then_some(Proof::when(distinct, Proof::Likely, Proof::Shaped))
}
