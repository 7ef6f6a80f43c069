//! Finnish personal identity codes: birthday, century sign, number and check character.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::date;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999A999*", "999999-999*", "999999+999*"],
    prove,
    topics: &[Topic::Identity],
    words: &["hetu", "henkilötunnus*", "personbeteckning*", "personal identity code"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "fi-personal-identity",
    summary: "A Finnish personal identity code",
    severity: Severity::High,
    category: Category::Pii,
    label: "FI_PERSONAL_IDENTITY_CODE",
    docs: Docs {
        finds: "A date of birth, the sign of its century, three digits and a check character (modulo 31) that \
                is correct.",
        matters: docs::IDENTITY,
        example: "`hetu 020594X903P` becomes `hetu <FI_PERSONAL_IDENTITY_CODE_1>`.",
        fix: docs::MASK,
        limits: "Codes with a mistyped character are not found. Codes for tests (900 to 999) are found like \
                 others.",
    },
    references: &[
        Reference::Spec("Finnish Government Decree 128/2010 section 2"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "hetu 020594X903P",
        "131052-308T",
        "My personal identity code is: 010594Y9032. Thank you.",
        "131052+308T",
    ],
    passes: &[
        "111111-111A",
        "311190-1111",
        "310289-211C",
        "012245A110G",
        "131052-308U",
        "131052-308TT",
    ],
};

const CHECKS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let (check, head) = number.chars().split_last()?;
    let century = number.text.get(6)?.to_ascii_uppercase();
    let rest = crate::checks::number(head) as usize % 31;
    let serial = crate::checks::number(head.get(head.len().saturating_sub(3)..)?);
    let fits = b"+-YXWVUABCDEF".contains(&century)
        && date::is_ddmmyy(head, 0)
        && serial >= 2
        && CHECKS.get(rest) == Some(check);
    fits.then_some(Proof::Sure)
}
