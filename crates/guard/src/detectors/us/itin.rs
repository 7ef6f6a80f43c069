//! United States individual taxpayer numbers: 9 and eight digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999_99_9999", "999999999", "999-999999", "99999-9999"],
    prove,
    topics: &[Topic::Tax],
    words: &["itin", "individual taxpayer*", "taxpayer id*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-itin",
    summary: "A United States individual taxpayer number",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_ITIN",
    docs: Docs {
        finds: "Nine digits that begin with 9 and whose fourth and fifth are from 50 to 65, 70 to 88, 90 to \
                92 or 94 to 99, in groups like a social security number or together.",
        matters: docs::TAX,
        example: "`ITIN 911-70-1234` becomes `ITIN <US_ITIN_1>`.",
        fix: docs::MASK,
        limits: "Without groups it scores below the default threshold without a word that names it.",
    },
    references: &[
        Reference::Spec("IRS Publication 1915"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["ITIN 911-70-1234", "911-53-1234", "tax id 911701234", "911 64 1234"],
    passes: &[
        "911-89-1234",
        "911-93-1234",
        "811-70-1234",
        "911-70-12345",
        "911-70 1234",
        "9117012345",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let group = crate::checks::number(chars.get(3..5)?);
    let fits = chars.starts_with(b"9") && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    fits.then_some(match number.shape {
        0 => Proof::Likely,
        1 => Proof::Shaped,
        _ => Proof::Faint,
    })
}
