//! Swedish personal numbers: birthday, serial and Luhn check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, luhn::luhn};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "999999999999",
        "99999999-9999",
        "99999999+9999",
        "999999-9999",
        "999999+9999",
        "9999999999",
    ],
    prove,
    topics: &[Topic::Identity],
    words: &[
        "personnummer*",
        "pnr",
        "samordningsnummer*",
        "personal identity number",
        "svenskt personnummer",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "se-personal-number",
    summary: "A Swedish personal or coordination number",
    severity: Severity::High,
    category: Category::Pii,
    label: "SE_PERSONNUMMER",
    docs: Docs {
        finds: "A date of birth with or without its century, a dash, a plus or nothing, and four digits of \
                which the last is the Luhn check digit; 60 is added to the day of coordination numbers.",
        matters: docs::IDENTITY,
        example: "`personnummer 19910924-2397` becomes `personnummer <SE_PERSONNUMMER_1>`.",
        fix: docs::MASK,
        limits: "Ten digits without a sign score below the default threshold without a word that names them.",
    },
    references: &[
        Reference::Spec("Folkbokföringslag (1991:481) section 18"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["personnummer 19910924-2397", "189004119807", "910924-2397", "pnr 9109242397"],
    passes: &["19001309-2393", "200504422381", "19910924-2398", "189x09179809", "910924 2397"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let century = chars.len() - 10;
    let short = chars.get(century..)?;
    let mut birth: Vec<u8> = chars.to_vec();
    // The day of a coordination number.
    if let Some(tens @ b'6'..=b'9') = birth.get_mut(century + 4) {
        *tens -= 6;
    }
    let born = if century == 2 { date::is_yyyymmdd(&birth, 0) } else { date::is_yymmdd(&birth, 0) };
    let plain = chars.len() == 10 && !number.is_grouped();
    (born && luhn(short)).then_some(Proof::when(plain, Proof::Checked, Proof::Likely))
}
