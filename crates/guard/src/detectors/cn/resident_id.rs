//! Chinese resident identity numbers: region, birthday, serial and check character.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, iso7064};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999999999*", "999999999999999"],
    prove,
    topics: &[Topic::Identity],
    words: &["身份证*", "居民身份证", "resident identity card*", "公民身份号码"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "cn-resident-id",
    summary: "A Chinese resident identity number",
    severity: Severity::High,
    category: Category::Pii,
    label: "CN_RESIDENT_ID",
    docs: Docs {
        finds: "Eighteen characters: six digits of a region, a date of birth, three digits and a check \
                character (ISO 7064 MOD 11-2) that is correct.",
        matters: docs::IDENTITY,
        example: "`身份证 11010519491231002X` becomes `身份证 <CN_RESIDENT_ID_1>`.",
        fix: docs::MASK,
        limits: "Numbers of fifteen digits, given out until 1999, are found only after a word that names \
                 them.",
    },
    references: &[
        Reference::Spec("GB 11643-1999"),
        Reference::Spec("ISO/IEC 7064 MOD 11-2"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["身份证 11010519491231002X", "440308199901101512", "身份证号码：110105491231002"],
    passes: &[
        "110105194912310021",
        "11010519491331002X",
        "91010519491231002X",
        "1101051949123100",
        "110105491231002",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let region = crate::checks::number(chars.get(..2)?);
    if !matches!(region, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83) {
        return None;
    }
    if chars.len() == 15 {
        return date::is_yymmdd(chars, 6).then_some(Proof::Named);
    }
    (date::is_yyyymmdd(chars, 6) && iso7064::mod_11_2(chars)).then_some(Proof::Sure)
}
