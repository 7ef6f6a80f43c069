//! Nigerian national identification numbers: eleven digits with a Verhoeff check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{verhoeff::verhoeff, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999", "9999 999 9999", "9999-999-9999"],
    prove,
    topics: &[Topic::Identity],
    words: &["nin", "national identification number*", "nimc"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "ng-nin",
    summary: "A Nigerian national identification number",
    severity: Severity::High,
    category: Category::Pii,
    label: "NG_NIN",
    docs: Docs {
        finds: "Eleven digits whose Verhoeff check digit is correct.",
        matters: docs::IDENTITY,
        example: "`NIN 12345678902` becomes `NIN <NG_NIN_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec("National Identity Management Commission (Nigeria)"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["NIN 12345678902", "national identification number: 76543210985", "NIN 1234-567-8902"],
    passes: &["12345678901", "1234567890a", "00000000000", "1234567890"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    (verhoeff(chars) && !weighted::is_uniform(chars)).then_some(Proof::Checked)
}
