//! Swedish organisation numbers: ten digits with a Luhn check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{luhn::luhn, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999-9999", "9999999999"],
    prove,
    topics: &[Topic::Company],
    words: &["orgnr", "org nr", "organisationsnummer*", "org nummer"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "se-organisation-number",
    summary: "A Swedish organisation number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "SE_ORGANISATIONSNUMMER",
    docs: Docs {
        finds: "Ten digits, with or without a dash behind the sixth, of which the third is at least 2 and the \
                last the Luhn check digit.",
        matters: docs::COMPANY,
        example: "`orgnr 556703-7485` becomes `orgnr <SE_ORGANISATIONSNUMMER_1>`.",
        fix: docs::MASK,
        limits: "Ten digits without a dash score below the default threshold without a word that names them. \
                 That of a sole trader is the personal number.",
    },
    references: &[
        Reference::Spec("Lag (1974:174) om identitetsbeteckning för juridiska personer"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["orgnr 556703-7485", "212000-0142", "organisationsnummer 2120000142"],
    passes: &["556703-7486", "551703-7480", "556703-7r85", "556703 7485"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = luhn(chars) && weighted::digit(chars, 2)? >= 2 && !chars.starts_with(b"0");
    (fits && !weighted::is_uniform(chars)).then_some(Proof::when(
        number.is_grouped(),
        Proof::Likely,
        Proof::Checked,
    ))
}
