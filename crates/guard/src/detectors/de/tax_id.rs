//! German tax identification numbers: eleven digits, one of them repeated, ISO 7064 check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::iso7064;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999", "99 999 999 999"],
    prove,
    topics: &[Topic::Tax],
    words: &["steuer id*", "idnr", "steueridentifikationsnummer*", "steuerliche id*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-tax-id",
    summary: "A German tax identification number",
    severity: Severity::High,
    category: Category::Pii,
    label: "DE_TAX_ID",
    docs: Docs {
        finds: "Eleven digits, together or as `12 345 678 901`, that do not begin with 0, whose check digit \
                is correct (ISO 7064 MOD 11,10), and of whose first ten digits one occurs two or three times \
                and no other more than once.",
        matters: docs::TAX,
        example: "`Steuer-ID 86095742719` becomes `Steuer-ID <DE_TAX_ID_1>`.",
        fix: docs::MASK,
        limits: "Numbers in which all of the first ten digits differ are for tests; they score below the \
                 default threshold without a word that names them.",
    },
    references: &[
        Reference::Spec("section 139b AO"),
        Reference::Spec("ISO/IEC 7064 MOD 11,10"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["Steuer-ID 86095742719", "47036892816", "tax id: 12345678903", "IdNr. 86 095 742 719"],
    passes: &[
        "86095742718",
        "11112345678",
        "02345678903",
        "98765432100",
        "1234567890",
        "860957427190",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let head = chars.get(..10)?;
    let count = |digit: u8| crate::checks::digits(head).filter(|other| *other == digit).count();
    let most = (0..10).map(count).max()?;
    let repeated = (0..10).filter(|digit| count(*digit) > 1).count();
    let in_row = head.array_windows().any(|[a, b, c]| a == b && b == c);
    let fits = iso7064::mod_11_10(chars)
        && !head.starts_with(b"0")
        && most <= 3
        && repeated <= 1
        && !in_row;
    fits.then_some(Proof::when(repeated == 1, Proof::Likely, Proof::Checked))
}
