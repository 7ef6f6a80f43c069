//! British NHS numbers: ten digits, the last a check digit modulo 11.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999", "999_999_9999"],
    prove,
    topics: &[Topic::Health],
    words: &["nhs", "nhs number*", "nhs no", "national health service"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "uk-nhs",
    summary: "A British NHS number",
    severity: Severity::High,
    category: Category::Pii,
    label: "UK_NHS",
    docs: Docs {
        finds: "Ten digits, together or in groups of three, three and four, whose check digit (modulo 11) is \
                correct.",
        matters: docs::IDENTITY,
        example: "`NHS number 943 476 5919` becomes `NHS number <UK_NHS_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since telephone \
                 numbers are written alike and one in eleven has the right check digit.",
    },
    references: &[
        Reference::Spec("NHS Data Dictionary, NHS number"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["NHS number 943 476 5919", "nhs: 9434765919", "patient 401-023-2137"],
    passes: &["401-023-2138", "943 476 5918", "943 476-5919", "94347659190", "0000000000"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let fits = (11 - sum % 11) % 11 == weighted::digit(chars, 9)?;
    (fits && !weighted::is_uniform(chars)).then_some(Proof::Checked)
}
