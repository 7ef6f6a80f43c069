//! German VAT identification numbers: DE and nine digits, ISO 7064 check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::iso7064;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["de999999999", "de~999999999", "de~999~999~999", "de999~999~999"],
    prove,
    topics: &[Topic::Vat, Topic::Tax],
    words: &["ust idnr*", "umsatzsteuer*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-vat-id",
    summary: "A German VAT identification number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "DE_VAT_ID",
    docs: Docs {
        finds: "`DE` and nine digits, together or in groups of three with any separators, whose check digit \
                is correct (ISO 7064 MOD 11,10).",
        matters: docs::COMPANY,
        example: "`USt-IdNr. DE136695976` becomes `USt-IdNr. <DE_VAT_ID_1>`.",
        fix: docs::MASK,
        limits: "With a wrong check digit it scores below the default threshold, unless a word names it.",
    },
    references: &[
        Reference::Spec("section 27a UStG"),
        Reference::Spec("ISO/IEC 7064 MOD 11,10"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["USt-IdNr. DE136695976", "DE 129 273 398", "de-136-695-976", "VAT: DE123456789"],
    passes: &[
        "DE123456789",
        "AT123456789",
        "DE12345678",
        "DE1234567890",
        "FR12345678901",
        "XDE136695976",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    Some(Proof::when(iso7064::mod_11_10(number.chars().get(2..)?), Proof::Sure, Proof::Shaped))
}
