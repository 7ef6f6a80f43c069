//! Australian Company Numbers: nine digits, the last a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999", "999 999 999"],
    prove,
    topics: &[Topic::Company],
    words: &["acn", "australian company number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "au-acn",
    summary: "An Australian company number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "AU_ACN",
    docs: Docs {
        finds: "Nine digits, together or in groups of three, whose check digit (weights 8 to 1, modulo 10) is \
                correct.",
        matters: docs::COMPANY,
        example: "`ACN 000 000 019` becomes `ACN <AU_ACN_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec(
            "Australian Securities and Investments Commission, Australian Company Number digit check",
        ),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["ACN 000 000 019", "acn: 006249976", "company number 004 085 616"],
    passes: &["824 753 557", "824753557", "000 000 010", "000 000 019 7", "0000000190"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[8, 7, 6, 5, 4, 3, 2, 1]);
    ((10 - sum % 10) % 10 == weighted::digit(chars, 8)? && sum > 0).then_some(Proof::Checked)
}
