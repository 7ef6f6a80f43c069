//! Korean resident registration numbers: birthday, sex and century, region and serial.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999999", "999999-9999999"],
    prove,
    topics: &[Topic::Identity],
    words: &["rrn", "resident registration*", "주민등록번호*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "kr-rrn",
    summary: "A Korean resident registration number",
    severity: Severity::High,
    category: Category::Pii,
    label: "KR_RRN",
    docs: Docs {
        finds: "A date of birth, a dash or nothing, a digit from 1 to 4 and six more.",
        matters: docs::IDENTITY,
        example: "`주민등록번호 960121-1021413` becomes `주민등록번호 <KR_RRN_1>`.",
        fix: docs::MASK,
        limits: "Thirteen digits without a dash score below the default threshold without a word that names \
                 them, since times in milliseconds look like them.",
    },
    references: &[
        Reference::Spec("Resident Registration Act (Korea), enforcement rule article 2"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["주민등록번호 960121-1021413", "960121-1234567", "RRN 9601211021413"],
    passes: &[
        "001332-1234567",
        "960121+1021413",
        "960111-10214131",
        "760413-5212134",
        "051102-9234110",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    prove_resident(number, 1..=4, 11)
}

/// What the six digits of a birthday, the digit of sex and century and six more make.
pub(super) fn prove_resident(
    number: &Number<'_>,
    sexes: std::ops::RangeInclusive<u32>,
    base: u32,
) -> Option<Proof> {
    let chars = number.chars();
    let sex = weighted::digit(chars, 6)?;
    let region = crate::checks::number(chars.get(7..9)?);
    if !sexes.contains(&sex) || !date::is_yymmdd(chars, 0) || region > 95 {
        return None;
    }
    let sum = weighted::sum(chars, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let checked = (base - sum % 11) % 10 == weighted::digit(chars, 12)?;
    // Numbers issued since October 2020 have no check digit.
    Some(match (number.is_grouped(), checked) {
        (true, true) => Proof::Sure,
        (true, false) => Proof::Likely,
        (false, true) => Proof::Checked,
        (false, false) => Proof::Shaped,
    })
}
