//! Indian Permanent Account Numbers: five letters, four digits, a letter.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAAAA9999A"],
    prove,
    topics: &[Topic::Tax],
    words: &["pan", "pan card", "pan no", "pan number", "permanent account number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "in-pan",
    summary: "An Indian permanent account number",
    severity: Severity::High,
    category: Category::Pii,
    label: "IN_PAN",
    docs: Docs {
        finds: "Five letters of which the fourth says what kind of holder it has, four digits and a letter.",
        matters: docs::TAX,
        example: "`PAN ABCPD1234Z` becomes `PAN <IN_PAN_1>`.",
        fix: docs::MASK,
        limits: "The check letter is not published. With another fourth letter, or in small letters, it \
                 scores below the default threshold without a word that names it.",
    },
    references: &[
        Reference::Spec("Income Tax Department of India, Structure of PAN"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["PAN ABCPD1234Z", "ABCPD1234Z", "pan card abcpd1234z"],
    passes: &["ABCND1234Z", "ABCPD12345", "ABCPD1234ZZ", "ABC1D1234Z", "AABCPD1234Z"],
};

/// Kinds of holders, by the fourth letter.
pub(super) const HOLDERS: &[u8] = b"ABCEFGHJKLPT";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let known = HOLDERS.contains(number.chars().get(3)?);
    Some(Proof::when(known && number.is_upper(), Proof::Likely, Proof::Shaped))
}
