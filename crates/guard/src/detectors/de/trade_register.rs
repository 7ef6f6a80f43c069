//! German trade register numbers: HRA or HRB and up to six digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["hra 9{1,6}", "hrb 9{1,6}", "hra9{1,6}", "hrb9{1,6}"],
    prove: |_| Some(Proof::Shaped),
    topics: &[Topic::Company],
    words: &["registergericht", "amtsgericht*", "handelsregister*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-trade-register",
    summary: "A number of the German trade register",
    severity: Severity::Low,
    category: Category::Pii,
    label: "DE_TRADE_REGISTER",
    docs: Docs {
        finds: "`HRA` or `HRB` and one to six digits.",
        matters: docs::COMPANY,
        example: "`Amtsgericht München HRB 12345` becomes `Amtsgericht München <DE_TRADE_REGISTER_1>`.",
        fix: docs::MASK,
        limits: "The register is public, so that the number scores below the default threshold unless a word \
                 such as `Amtsgericht` stands before it. Registers of associations and partnerships (VR, PR) \
                 are not read.",
    },
    references: &[
        Reference::Spec("HGB section 8"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "Amtsgericht München HRB 12345",
        "Handelsregister hra 1",
        "AG Köln, Handelsregister: HRB123456",
    ],
    passes: &["HRB 123456", "HR 12345", "HRB 1234567", "HRC 12345", "XHRB 12345", "HRB-12345"],
};
