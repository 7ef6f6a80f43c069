//! Australian Medicare card numbers: ten or eleven digits, the ninth a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999 99999 9", "9999-99999-9", "9999 99999 9 9", "9999999999", "99999999999"],
    prove,
    topics: &[Topic::Health],
    words: &["medicare*", "irn"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "au-medicare",
    summary: "An Australian Medicare card number",
    severity: Severity::High,
    category: Category::Pii,
    label: "AU_MEDICARE",
    docs: Docs {
        finds: "Ten digits, or eleven with that of the card holder, that begin with 2 to 6 and whose ninth \
                digit is the check digit of the first eight.",
        matters: docs::HEALTH,
        example: "`Medicare 2123 45670 1` becomes `Medicare <AU_MEDICARE_1>`.",
        fix: docs::MASK,
        limits: "Written without spaces and without a word that names it, it scores below the default \
                 threshold.",
    },
    references: &[
        Reference::Spec("Australian Digital Health Agency, Medicare card number"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["Medicare 2123 45670 1", "medicare card 2123456701", "Medicare no. 2123 45670 1 2"],
    passes: &["2123 25870 1", "1123 45670 1", "2123 45671 1", "2123 45670", "2123456701234"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[1, 3, 7, 9, 1, 3, 7, 9]);
    let fits = sum % 10 == weighted::digit(chars, 8)? && matches!(chars.first(), Some(b'2'..=b'6'));
    fits.then_some(Proof::when(number.is_grouped(), Proof::Likely, Proof::Checked))
}
