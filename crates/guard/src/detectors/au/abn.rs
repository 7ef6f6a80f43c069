//! Australian Business Numbers: eleven digits, a weighted sum modulo 89.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999", "99 999 999 999", "99-999-999-999"],
    prove,
    topics: &[Topic::Company, Topic::Tax],
    words: &["abn", "australian business number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "au-abn",
    summary: "An Australian business number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "AU_ABN",
    docs: Docs {
        finds: "Eleven digits, together or as `51 824 753 556`, that do not begin with 0 and whose weighted \
                sum is divisible by 89.",
        matters: docs::COMPANY,
        example: "`ABN 51 824 753 556` becomes `ABN <AU_ABN_1>`.",
        fix: docs::MASK,
        limits: "Eleven digits without groups and without a word such as `ABN` before them score below the \
                 default threshold. A sole trader's number is personal, a company's is not; the number does \
                 not say which it is.",
    },
    references: &[
        Reference::Spec("Australian Business Register, Format of the ABN"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "ABN 51 824 753 556",
        "51-824-753-556",
        "my Australian business number is 51824753556.",
    ],
    passes: &[
        "51824753556",
        "52824753556",
        "00000000560",
        "51 824 753 557",
        "5282475355632",
        "51 824 753\n556",
        "1 51 824 753 556",
    ],
};

const WEIGHTS: [u32; 11] = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    // One is taken from the first digit, which has the weight ten.
    let sum = weighted::sum(chars, &WEIGHTS).checked_sub(10)?;
    let fits = sum.is_multiple_of(89) && !chars.starts_with(b"0");
    fits.then_some(Proof::when(number.is_grouped(), Proof::Likely, Proof::Checked))
}
