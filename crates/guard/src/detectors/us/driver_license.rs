//! United States driver licences, as the states number them.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "A9{3,18}",
        "AA9{2,7}",
        "9{6,14}",
        "9999999999999999",
        "AAA999999",
        "99999999AA",
        "A999_9999_9999",
        "A9999_99999_99999",
        "9999999A",
        "99999999A",
        "999999999A",
        "AA999999A",
        "A999999A",
        "999AA9999",
        "99AAA9{5,6}",
        "A9A9A",
    ],
    prove: |_| Some(Proof::Faint),
    topics: &[Topic::Driving],
    words: &["dl", "dmv", "driver license*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-driver-license",
    summary: "The number of a United States driver licence",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_DRIVER_LICENSE",
    docs: Docs {
        finds: "Letters and digits of a length that some state uses: a letter or two with digits, or digits \
                alone.",
        matters: docs::IDENTITY,
        example: "`driver license H12234567` becomes `driver license <US_DRIVER_LICENSE_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, and plain digits look like it, so that it scores below the default \
                 threshold without a word that names it.",
    },
    references: &[
        Reference::Spec("AAMVA DL/ID Card Design Standard"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["driver license H12234567", "DL no. F255-9215-0094", "driver's license: CA1234567"],
    passes: &["123456789", "H12234567", "H12", "12345678901234567", "H-12234567"],
};
