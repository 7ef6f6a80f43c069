//! Licences of doctors and others, after words that say so.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9{4,11}", "A9{4,10}", "AA9{4,10}", "AAA9{4,9}", "A-9{4,10}", "AA-9{4,10}"],
    prove: |_| Some(Proof::Named),
    topics: &[],
    words: &[
        "medical license*",
        "medical licence*",
        "physician license*",
        "nursing license*",
        "pharmacist license*",
        "license to practice",
        "approbation*",
        "rpps",
        "numéro d ordre",
        "colegiado",
        "número de colegiado",
        "iscrizione all ordine",
        "big nummer",
        "prawo wykonywania zawodu",
        "执业证",
        "医师执照",
        "医師免許",
        "의사면허",
        "врачебная лицензия",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "medical-license",
    summary: "The number of a medical licence",
    severity: Severity::High,
    category: Category::Pii,
    label: "MEDICAL_LICENSE",
    docs: Docs {
        finds: "Four to eleven digits, with up to three letters before them, after words such as `medical \
                license`.",
        matters: docs::DOCTOR,
        example: "`medical license MD123456` becomes `medical license <MEDICAL_LICENSE_1>`.",
        fix: docs::MASK,
        limits: "Every state and chamber numbers licences in its own way and without check digits, so that it \
                 is found only after a word that names it.",
    },
    references: &[
        Reference::Spec("Federation of State Medical Boards, physician licence"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "medical license MD123456",
        "Approbation Nr. 12345",
        "número de colegiado 282812345",
        "医师执照 110101234",
    ],
    passes: &["license 12", "MD123456", "medical license plate", "ABCD12345"],
};
