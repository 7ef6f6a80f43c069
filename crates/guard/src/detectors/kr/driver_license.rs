//! Korean driving licences: region, year, serial, check.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99_99_999999_99", "999999999999"],
    prove,
    topics: &[Topic::Driving],
    words: &["운전면허*", "면허번호"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "kr-driver-license",
    summary: "The number of a Korean driving licence",
    severity: Severity::High,
    category: Category::Pii,
    label: "KR_DRIVER_LICENSE",
    docs: Docs {
        finds: "Two digits of a region (11 to 28), two of the year, six of the serial number and two for \
                check, with dashes or spaces between them.",
        matters: docs::IDENTITY,
        example: "`운전면허 11-22-123456-12` becomes `운전면허 <KR_DRIVER_LICENSE_1>`.",
        fix: docs::MASK,
        limits: "Without separators it is found only after a word that names it. Old licences with the name \
                 of the region are not found.",
    },
    references: &[
        Reference::Spec("Road Traffic Act (Korea), enforcement rule"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["운전면허 11-22-123456-12", "28 22 123456 12", "driver license 112212345612"],
    passes: &[
        "10-22-123456-12",
        "29-22-123456-12",
        "11-22-12345-12",
        "112212345612",
        "11-22 123456-12",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let region = crate::checks::number(number.chars().get(..2)?);
    let proof = Proof::when(number.is_grouped(), Proof::Likely, Proof::Named);
    (11..=28).contains(&region).then_some(proof)
}
