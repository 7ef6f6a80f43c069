//! Swiss social security numbers: 756 and ten digits with an EAN check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999999", "999.9999.9999.99", "999 9999 9999 99", "999-9999-9999-99"],
    prove,
    topics: &[Topic::SocialSecurity],
    words: &["ahv*", "avs", "ahvn13", "navs13", "ahv nummer*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "ch-ahv",
    summary: "A Swiss social security number (AHV)",
    severity: Severity::High,
    category: Category::Pii,
    label: "CH_AHV",
    docs: Docs {
        finds: "Thirteen digits that begin with 756, together or as `756.9217.0769.85`, whose check digit \
                (EAN-13) is correct.",
        matters: docs::IDENTITY,
        example: "`AHV-Nr. 756.9217.0769.85` becomes `AHV-Nr. <CH_AHV_1>`.",
        fix: docs::MASK,
        limits: "Bar codes of goods that were registered in the country of code 756 do not exist. Numbers \
                 with a mistyped digit are not found.",
    },
    references: &[
        Reference::Spec("AHVG article 50c"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["AHV-Nr. 756.9217.0769.85", "7569217076985", "numéro AVS 756 9217 0769 85"],
    passes: &["756.9217.0769.84", "755.9217.0769.85", "756921707698", "75692170769850"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    let fits =
        chars.starts_with(b"756") && sum.is_multiple_of(10) && !chars.ends_with(b"0000000000");
    fits.then_some(Proof::when(number.is_grouped(), Proof::Sure, Proof::Likely))
}
