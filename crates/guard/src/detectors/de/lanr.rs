//! German physician numbers: six digits, a check digit and two of the specialty.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999"],
    prove,
    topics: &[Topic::Doctor],
    words: &["lanr", "arztnummer*", "lebenslange arztnummer"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-lanr",
    summary: "A number of a German physician",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "DE_LANR",
    docs: Docs {
        finds: "Nine digits of which the seventh is the check digit of the first six (weights 4 and 9, modulo \
                10).",
        matters: docs::DOCTOR,
        example: "`LANR 123456601` becomes `LANR <DE_LANR_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec("KBV, Arzt- und Betriebsstättennummern"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["LANR 123456601", "Arztnummer: 555555501", "lanr 987654401"],
    passes: &["123456901", "100000401", "1234566010", "12345660", "000000000"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[4, 9, 4, 9, 4, 9]);
    ((10 - sum % 10) % 10 == weighted::digit(chars, 6)? && sum > 0).then_some(Proof::Checked)
}
