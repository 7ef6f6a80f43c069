//! Philippine unified multi-purpose identification: the common reference number.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999-9999999-9", "999999999999"],
    prove: |number| Some(Proof::when(number.is_grouped(), Proof::Shaped, Proof::Named)),
    topics: &[Topic::SocialSecurity],
    words: &["umid", "crn", "common reference number*", "gsis", "sss number"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "ph-umid",
    summary: "A Philippine common reference number (UMID)",
    severity: Severity::High,
    category: Category::Pii,
    label: "PH_UMID",
    docs: Docs {
        finds: "Twelve digits as `0111-2345678-9`, or together after a word that names them.",
        matters: docs::IDENTITY,
        example: "`UMID 0111-2345678-9` becomes `UMID <PH_UMID_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Social Security System (Philippines), UMID"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["UMID 0111-2345678-9", "CRN: 0111-2345678-9", "umid 011123456789"],
    passes: &["0111-234567-9", "0111-2345678-90", "011123456789", "0111 2345678 9"],
};
