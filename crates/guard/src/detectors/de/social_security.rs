//! German pension insurance numbers: office, birthday, initial, serial and check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999A999", "99 999999 A 999", "99 999999 A999"],
    prove,
    topics: &[Topic::SocialSecurity],
    words: &["rvnr", "rentenversicherungsnummer*", "sozialversicherungsausweis*", "svnr"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-social-security",
    summary: "A German pension insurance number",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_SOCIAL_SECURITY",
    docs: Docs {
        finds: "Twelve characters: two digits of the office, a date of birth, the initial of the name at \
                birth, two digits and a check digit that is correct; together or as `15 070649 C 103`.",
        matters: docs::IDENTITY,
        example: "`RVNR 15070649C103` becomes `RVNR <DE_SOCIAL_SECURITY_1>`.",
        fix: docs::MASK,
        limits: "Numbers with a mistyped character are not found.",
    },
    references: &[
        Reference::Spec("section 147 SGB VI"),
        Reference::Spec("VKVV section 4"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["RVNR 15070649C103", "65070803A019", "Rentenversicherungsnummer 15 070649 C 103"],
    passes: &["15070649C100", "15850649C103", "15070049C103", "150706491103", "15070649C1030"],
};

const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    // The letter counts as the two digits of its place in the alphabet.
    let letter = weighted::value(*chars.get(8)?) - 9;
    let mut values: Vec<u32> = chars.iter().take(8).map(|byte| weighted::value(*byte)).collect();
    values.extend([letter / 10, letter % 10]);
    values.extend(chars.get(9..11)?.iter().map(|byte| weighted::value(*byte)));
    let products = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight);
    let sum: u32 = products.map(|product| product / 10 + product % 10).sum();
    (sum % 10 == weighted::digit(chars, 11)? && date::is_ddmmyy(chars, 2)).then_some(Proof::Sure)
}
