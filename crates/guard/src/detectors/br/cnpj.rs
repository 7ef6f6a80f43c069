//! Brazilian CNPJ numbers: fourteen characters, the last two check digits.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99.999.999/9999-99", "99999999999999", "**.***.***/****-99"],
    prove,
    topics: &[Topic::Tax, Topic::Company],
    words: &["cnpj", "cadastro nacional da pessoa jurídica"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "br-cnpj",
    summary: "A Brazilian CNPJ number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "BR_CNPJ",
    docs: Docs {
        finds: "Fourteen digits (or twelve letters and digits and two digits, as given out since 2026), \
                together or as `11.222.333/0001-81`, whose two check digits are correct.",
        matters: docs::COMPANY,
        example: "`CNPJ 11.222.333/0001-81` becomes `CNPJ <BR_CNPJ_1>`.",
        fix: docs::MASK,
        limits: "Written without dots and without a word that names it, it scores below the default \
                 threshold, since one plain number in a hundred has the right check digits.",
    },
    references: &[
        Reference::Spec("Receita Federal do Brasil, CNPJ"),
        Reference::Spec("Instrução Normativa RFB 2229/2024"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["CNPJ 11.222.333/0001-81", "11222333000181 cnpj 11222333000181", "12.ABC.345/01DE-35"],
    passes: &["11.222.333/0001-82", "00.000.000/0000-00", "1122233300018", "11.222.333-0001/81"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    // Letters count as their code less that of 0.
    let values: Vec<u32> = chars.iter().map(|byte| u32::from(*byte) - u32::from(b'0')).collect();
    let checks = |len: usize| {
        let head = values.get(..len)?.iter().rev().zip((2..=9).cycle());
        let rest = head.map(|(value, weight)| value * weight).sum::<u32>() % 11;
        Some(if rest < 2 { 0 } else { 11 - rest } == *values.get(len)?)
    };
    let fits = checks(12)? && checks(13)? && !weighted::is_uniform(chars);
    fits.then_some(Proof::when(number.is_grouped(), Proof::Sure, Proof::Checked))
}
