//! Thai national identity numbers: thirteen digits, the last a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999999", "9-9999-99999-99-9", "9 9999 99999 99 9"],
    prove,
    topics: &[Topic::Identity],
    words: &["tnin", "thai id", "thai national id", "เลขประจำตัวประชาชน", "เลขบัตรประชาชน"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "th-tnin",
    summary: "A Thai national identity number",
    severity: Severity::High,
    category: Category::Pii,
    label: "TH_TNIN",
    docs: Docs {
        finds: "Thirteen digits, together or as `1-2345-67890-12-1`, that begin with 1 to 8 and the number of \
                a province, and whose check digit (modulo 11) is correct.",
        matters: docs::IDENTITY,
        example: "`เลขประจำตัวประชาชน 1-2345-67890-12-1` becomes `เลขประจำตัวประชาชน <TH_TNIN_1>`.",
        fix: docs::MASK,
        limits: "Without separators and without a word that names it, it scores below the default threshold, \
                 since times in milliseconds look like it.",
    },
    references: &[
        Reference::Spec("Civil Registration Act (Thailand) B.E. 2534"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "เลขประจำตัวประชาชน 1-2345-67890-12-1",
        "TNIN: 2345678901234",
        "My Thai ID is 1234567890121",
    ],
    passes: &["2345678901235", "1111111111111", "1034567890124", "9345678901234", "12345678901211"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let sum = weighted::sum(chars, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let province = crate::checks::number(chars.get(1..3)?);
    let fits = (11 - sum % 11) % 10 == weighted::digit(chars, 12)?
        && matches!(chars.first(), Some(b'1'..=b'8'))
        && (10..=96).contains(&province)
        && !weighted::is_uniform(chars);
    fits.then_some(Proof::when(number.is_grouped(), Proof::Sure, Proof::Checked))
}
