//! Italian VAT numbers: eleven digits with a Luhn check digit, and an office.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::luhn::luhn;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999", "it99999999999", "it 99999999999"],
    prove,
    topics: &[Topic::Vat, Topic::Tax],
    words: &["partita iva", "p iva", "piva"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "it-vat",
    summary: "An Italian VAT number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "IT_VAT_CODE",
    docs: Docs {
        finds: "Eleven digits, with or without `IT` before them, with a correct Luhn check digit.",
        matters: docs::COMPANY,
        example: "`partita IVA 01333550323` becomes `partita IVA <IT_VAT_CODE_1>`.",
        fix: docs::MASK,
        limits: "Without `IT` and without a word that names it, it scores below the default threshold, since \
                 one plain number in ten has the right check digit.",
    },
    references: &[
        Reference::Spec("DPR 633/1972 article 35"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["partita IVA 01333550323", "IT01333550323", "P. IVA: 01333550323"],
    passes: &["01333550324", "00000000000", "IT01333550324", "0133355032", "013335503230"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let digits = chars.strip_prefix(b"IT").unwrap_or(chars);
    let fits = luhn(digits) && !digits.starts_with(b"0000000");
    fits.then_some(Proof::when(digits.len() < chars.len(), Proof::Sure, Proof::Checked))
}
