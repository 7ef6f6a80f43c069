//! Dutch citizen service numbers: nine digits that pass the test of eleven.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999", "9999.99.999", "9999 99 999", "999 999 999", "999.999.999"],
    prove,
    topics: &[Topic::SocialSecurity, Topic::Identity],
    words: &["bsn", "burgerservicenummer*", "sofinummer*", "sofi nummer"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "nl-bsn",
    summary: "A Dutch citizen service number",
    severity: Severity::High,
    category: Category::Pii,
    label: "NL_BSN",
    docs: Docs {
        finds: "Nine digits, together or in groups, whose weighted sum is divisible by 11.",
        matters: docs::IDENTITY,
        example: "`BSN 111222333` becomes `BSN <NL_BSN_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in eleven fits the sum.",
    },
    references: &[
        Reference::Spec("Wet algemene bepalingen burgerservicenummer"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["BSN 111222333", "burgerservicenummer: 123456782", "bsn 1112.22.333"],
    passes: &["111222334", "000000000", "11122233", "1112223330", "111-222-333"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let last = weighted::digit(chars, 8)?;
    (sum > 0 && sum % 11 == last).then_some(Proof::Checked)
}
