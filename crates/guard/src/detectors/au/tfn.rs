//! Australian Tax File Numbers: nine digits, a weighted sum modulo 11.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999", "999 999 999", "999-999-999"],
    prove,
    topics: &[Topic::Tax],
    words: &["tfn", "tax file number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "au-tfn",
    summary: "An Australian tax file number",
    severity: Severity::High,
    category: Category::Pii,
    label: "AU_TFN",
    docs: Docs {
        finds: "Nine digits, together or in groups of three, whose weighted sum is divisible by 11.",
        matters: docs::TAX,
        example: "`TFN 876 543 210` becomes `TFN <AU_TFN_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in eleven fits the sum. Old numbers of eight digits are not found.",
    },
    references: &[
        Reference::Spec("Australian Taxation Office, Tax file number algorithm"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["TFN 876 543 210", "tax file number: 876543210", "my tfn is 123 456 782"],
    passes: &["824 753 557", "876 543 211", "123 456\n789", "876 543 210 5", "8765432100"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[1, 4, 3, 7, 5, 8, 6, 9, 10]);
    (sum.is_multiple_of(11) && !weighted::is_uniform(chars)).then_some(Proof::Checked)
}
