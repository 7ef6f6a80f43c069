//! Korean foreigner registration numbers: like those of residents, with other digits of sex.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999999", "999999-9999999"],
    prove,
    topics: &[Topic::Identity],
    words: &["frn", "alien registration*", "foreigner registration*", "외국인등록*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "kr-frn",
    summary: "A Korean foreigner registration number",
    severity: Severity::High,
    category: Category::Pii,
    label: "KR_FRN",
    docs: Docs {
        finds: "A date of birth, a dash or nothing, a digit from 5 to 8 and six more.",
        matters: docs::IDENTITY,
        example: "`외국인등록번호 911124-5678901` becomes `외국인등록번호 <KR_FRN_1>`.",
        fix: docs::MASK,
        limits: "Thirteen digits without a dash score below the default threshold without a word that names \
                 them.",
    },
    references: &[
        Reference::Spec("Immigration Act (Korea), enforcement decree"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["외국인등록번호 911124-5678901", "FRN 9111245678901", "050912-6000012"],
    passes: &["001332-5234567", "000402-2214431", "911124-56789012", "911124 5678901"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    super::rrn::prove_resident(number, 5..=8, 13)
}
