//! United States bank routing numbers: nine digits with a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999", "9999-9999-9"],
    prove,
    topics: &[Topic::Bank],
    words: &["aba", "routing*", "rtn", "transit number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-aba-routing",
    summary: "A United States bank routing number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "US_ABA_ROUTING",
    docs: Docs {
        finds: "Nine digits, together or as `3222-7162-7`, that begin with a number of a Federal Reserve \
                district and whose check digit (weights 3, 7 and 1) is correct.",
        matters: docs::BANK,
        example: "`routing number 121000358` becomes `routing number <US_ABA_ROUTING_1>`.",
        fix: docs::MASK,
        limits: "Without dashes and without a word that names it, it scores below the default threshold, \
                 since one plain number in thirty fits.",
    },
    references: &[
        Reference::Spec("ABA Routing Number Policy"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["routing number 121000358", "3222-7162-7", "ABA 071101307"],
    passes: &["421042111", "1234-0000-0", "121000359", "1210003580", "000000000"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let district = crate::checks::number(chars.get(..2)?);
    let sum = weighted::sum(chars, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
    let fits =
        matches!(district, 0..=12 | 21..=32 | 61..=72 | 80) && sum.is_multiple_of(10) && sum > 0;
    fits.then_some(Proof::when(number.is_grouped(), Proof::Likely, Proof::Checked))
}
