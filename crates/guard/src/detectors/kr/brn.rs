//! Korean business registration numbers: ten digits, the last a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999", "999-99-99999"],
    prove,
    topics: &[Topic::Company, Topic::Tax],
    words: &["brn", "사업자등록번호*", "business registration number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "kr-brn",
    summary: "A Korean business registration number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "KR_BRN",
    docs: Docs {
        finds: "Ten digits, together or as `104-86-56659`, whose check digit is correct.",
        matters: docs::COMPANY,
        example: "`사업자등록번호 104-86-56659` becomes `사업자등록번호 <KR_BRN_1>`.",
        fix: docs::MASK,
        limits: "Without dashes and without a word that names it, it scores below the default threshold, \
                 since one plain number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec("National Tax Service of Korea, business registration number"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "사업자등록번호 104-86-56659",
        "BRN 1048656659",
        "business registration number: 1048656659",
    ],
    passes: &["110-81-412722", "110-81-4127A", "123-45-67890", "1048656658", "104 86 56659"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum =
        weighted::sum(chars, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + weighted::digit(chars, 8)? * 5 / 10;
    let fits = (10 - sum % 10) % 10 == weighted::digit(chars, 9)? && !weighted::is_uniform(chars);
    fits.then_some(Proof::when(number.is_grouped(), Proof::Likely, Proof::Checked))
}
