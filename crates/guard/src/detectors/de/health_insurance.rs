//! German health insurance numbers: a letter and nine digits, the last a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A999999999"],
    prove,
    topics: &[Topic::Health],
    words: &["kvnr", "krankenversichertennummer*", "versicherten nr*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-health-insurance",
    summary: "A German health insurance number",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_HEALTH_INSURANCE",
    docs: Docs {
        finds: "A letter and nine digits whose check digit is correct.",
        matters: docs::HEALTH,
        example: "`KVNR A123456780` becomes `KVNR <DE_HEALTH_INSURANCE_1>`.",
        fix: docs::MASK,
        limits: "One code of this shape in ten has the right check digit. Numbers in small letters score \
                 below the default threshold without a word that names them.",
    },
    references: &[
        Reference::Spec("section 290 SGB V"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["KVNR A123456780", "C000500021", "Versichertennummer: z000000005"],
    passes: &["M123456789", "A000500010", "A1234567890", "1123456780", "A12345678"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let letter = weighted::value(*chars.first()?) - 9;
    let digits = chars.get(1..9)?.iter().map(|byte| weighted::value(*byte));
    let values = [letter / 10, letter % 10].into_iter().chain(digits);
    let products = values.zip([1, 2].into_iter().cycle()).map(|(value, weight)| value * weight);
    let sum: u32 = products.map(|product| product / 10 + product % 10).sum();
    let fits = sum % 10 == weighted::digit(chars, 9)?;
    fits.then_some(Proof::when(number.is_upper(), Proof::Likely, Proof::Checked))
}
