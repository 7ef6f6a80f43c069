//! Indian voter cards (EPIC): three letters and seven digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAA9999999"],
    prove: |number| Some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Faint)),
    topics: &[Topic::Voter],
    words: &["epic", "epic no", "elector photo*", "voter*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "in-voter-id",
    summary: "The number of an Indian voter card",
    severity: Severity::High,
    category: Category::Pii,
    label: "IN_VOTER",
    docs: Docs {
        finds: "Three letters and seven digits.",
        matters: docs::IDENTITY,
        example: "`voter id DBJ2289013` becomes `voter id <IN_VOTER_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("Election Commission of India, EPIC"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["voter id DBJ2289013", "EPIC No. uzb2345117", "मतदाता CPJ4467918"],
    passes: &["DBJ228901", "DBJ22890133", "DB12289013", "DBJ-2289013"],
};
