//! Indian goods and services tax numbers: state, PAN, entity and check character.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99AAAAA9999A*z*"],
    prove,
    topics: &[Topic::Vat, Topic::Tax],
    words: &["gstin", "gst*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "in-gstin",
    summary: "An Indian goods and services tax number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "IN_GSTIN",
    docs: Docs {
        finds: "Two digits of a state, the permanent account number of the holder, a digit or letter, `Z` and \
                a check character.",
        matters: docs::COMPANY,
        example: "`GSTIN 27AAPFU0939F1ZV` becomes `GSTIN <IN_GSTIN_1>`.",
        fix: docs::MASK,
        limits: "With a wrong check character it is found too, with a lower score, since its shape is like no \
                 other.",
    },
    references: &[
        Reference::Spec("Goods and Services Tax Network, GSTIN structure"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["GSTIN 27AAPFU0939F1ZV", "27ABCDE1234F1Z5", "GST registration: 07PQRST6789K1Z2"],
    passes: &[
        "27ABCDE1234F1Z55",
        "00ABCDE1234F1Z5",
        "38ABCDE1234F1Z5",
        "27ABCDE1234F1Y5",
        "27ABCDE1234F0Z5",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let (check, head) = number.chars().split_last()?;
    let products = head.iter().zip([1, 2].into_iter().cycle());
    let products = products.map(|(byte, weight)| weighted::value(*byte) * weight);
    let sum: u32 = products.map(|product| product / 36 + product % 36).sum();
    let checked = (36 - sum % 36) % 36 == weighted::value(*check);
    let state = crate::checks::number(head.get(..2)?);
    // Codes beyond 37 came later and count only with a correct check character.
    let known = (1..=37).contains(&state) || (checked && matches!(state, 38 | 97 | 99));
    let fits = known && head.get(12) != Some(&b'0');
    fits.then_some(Proof::when(checked, Proof::Sure, Proof::Likely))
}
