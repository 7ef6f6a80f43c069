//! German driving licences: eleven characters of authority, serial, check and copy.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AA99999999*", "A*99*****9*"],
    prove: |number| Some(Proof::when(number.shape == 0, Proof::Faint, Proof::Named)),
    topics: &[Topic::Driving],
    words: &["führerscheinnummer*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-driver-license",
    summary: "The number of a German driving licence",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_DRIVER_LICENSE",
    docs: Docs {
        finds: "Eleven characters: a letter and a letter or digit of the authority, two digits, five \
                characters of the serial number, and two for check and copy.",
        matters: docs::IDENTITY,
        example: "`Führerschein B072RRE2I55` becomes `Führerschein <DE_DRIVER_LICENSE_1>`.",
        fix: docs::MASK,
        limits: "Without a word that names it, it scores below the default threshold, since many codes look \
                 like it.",
    },
    references: &[
        Reference::Spec("FeV annex 8"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "Führerschein B072RRE2I55",
        "driving licence BO12345678A",
        "Führerscheinnummer: N0704578035",
    ],
    passes: &["MU123456785", "B072RRE2I5", "072RRE2I555", "B072RRE2I555", "BO-12345678A"],
};
