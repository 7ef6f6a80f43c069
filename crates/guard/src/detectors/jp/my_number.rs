//! Japanese individual numbers (My Number): twelve digits, the last a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999999", "9999_9999_9999"],
    prove,
    topics: &[Topic::Identity],
    words: &["my number", "mynumber", "individual number", "マイナンバー*", "個人番号"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "jp-my-number",
    summary: "A Japanese individual number (My Number)",
    severity: Severity::High,
    category: Category::Pii,
    label: "JP_MY_NUMBER",
    docs: Docs {
        finds: "Twelve digits, together or in groups of four, whose check digit (modulo 11) is correct.",
        matters: docs::IDENTITY,
        example: "`マイナンバー 1234 5678 9018` becomes `マイナンバー <JP_MY_NUMBER_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec(
            "Ministry of Internal Affairs and Communications (Japan), ordinance 85 of 2014, article 5",
        ),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["マイナンバー 1234 5678 9018", "個人番号 123456789018", "My Number: 1234-5678-9018"],
    passes: &["123456789019", "1234 5678 901", "000000000000", "1234567890180"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    (sum > 0 && check == weighted::digit(chars, 11)?).then_some(Proof::Checked)
}
