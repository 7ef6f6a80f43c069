//! Belgian national numbers: birthday, serial and check digits modulo 97.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::date;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "99999999999",
        "99.99.99-999.99",
        "999999-999-99",
        "999999 999 99",
        "99.99.99.999.99",
        "99 99 99 999 99",
    ],
    prove,
    topics: &[Topic::SocialSecurity, Topic::Identity],
    words: &[
        "rijksregisternummer*",
        "insz",
        "niss",
        "numéro national",
        "numéro de registre national",
        "bis nummer",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "be-national-number",
    summary: "A Belgian national number",
    severity: Severity::High,
    category: Category::Pii,
    label: "BE_NATIONAL_NUMBER",
    docs: Docs {
        finds: "Eleven digits: a date of birth, three digits and two check digits (modulo 97, with 2 before \
                the number for births since 2000) that are correct, together or as `85.07.30-033.28`; 20 or \
                40 is added to the month of numbers for people who are not in the register.",
        matters: docs::IDENTITY,
        example: "`rijksregisternummer 85.07.30-033.28` becomes `rijksregisternummer <BE_NATIONAL_NUMBER_1>`.",
        fix: docs::MASK,
        limits: "Numbers with an unknown date of birth are not found.",
    },
    references: &[
        Reference::Spec("Arrêté royal du 3 avril 1984 relatif au numéro d'identification"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["rijksregisternummer 85.07.30-033.28", "85073003328", "NISS 85.07.30-033.28"],
    passes: &["85.07.30-033.29", "85073003329", "85.13.30-033.28", "8507300332", "850730033280"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let part = |at: usize| chars.get(at..at + 2).map(crate::checks::number);
    let (year, month, day) = (part(0)?, part(2)?, part(4)?);
    let head = crate::checks::number(chars.get(..9)?);
    let key = part(9)?;
    let checked = 97 - head % 97 == key || 97 - (head + 2_000_000_000) % 97 == key;
    let born = date::is_date(year, month % 20, day) && month < 60;
    (checked && born).then_some(Proof::when(number.is_grouped(), Proof::Sure, Proof::Likely))
}
