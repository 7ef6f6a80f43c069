//! Nigerian number plates: area, three digits, year and series.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAA-999AA", "AAA999AA", "AAA 999AA", "AAA 999 AA"],
    prove: |number| Some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Faint)),
    topics: &[Topic::Vehicle],
    words: &["plate number*", "frsc"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "ng-vehicle-registration",
    summary: "A Nigerian number plate",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "NG_VEHICLE_REGISTRATION",
    docs: Docs {
        finds: "Three letters of the area, three digits and two letters, with or without a dash behind the \
                area.",
        matters: docs::VEHICLE,
        example: "`plate ABJ-123XY` becomes `plate <NG_VEHICLE_REGISTRATION_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Federal Road Safety Corps (Nigeria), number plates"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["plate ABJ-123XY", "number plate APP456CV", "the vehicle app-456cv"],
    passes: &["APP456CV", "AB-1234CD", "ABJ-12XY", "ABJ-1234XY", "ABJ-123XYZ", "ABCD-123XY"],
};
