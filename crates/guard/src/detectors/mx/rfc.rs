//! Mexican taxpayer codes (RFC): letters of the name, a date and three characters.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAAA999999***", "AAA999999***"],
    prove,
    topics: &[Topic::Tax],
    words: &["rfc", "registro federal de contribuyentes"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "mx-rfc",
    summary: "A Mexican taxpayer code (RFC)",
    severity: Severity::High,
    category: Category::Pii,
    label: "MX_RFC",
    docs: Docs {
        finds: "Four letters of a person or three of a company, a date and three letters or digits of which \
                the last is a check character.",
        matters: docs::TAX,
        example: "`RFC GODE561231GR8` becomes `RFC <MX_RFC_1>`.",
        fix: docs::MASK,
        limits: "With a wrong check character, or for companies without a word that names it, it scores below \
                 the default threshold. Names with Ñ or & are not found.",
    },
    references: &[
        Reference::Spec("Servicio de Administración Tributaria (Mexico), RFC"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["RFC GODE561231GR8", "GODE561231GR8", "rfc: HEGG560427MVZ"],
    passes: &["GODE561231GR9", "GODE561331GR8", "GODE56123GR8", "GODE561231GR88", "GO1E561231GR8"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (check, head) = chars.split_last()?;
    let letters = chars.len() - 9;
    if !date::is_yymmdd(chars, letters) {
        return None;
    }
    // A space stands before the letters of a company, and has the value 37; so has Ñ 38 behind N 23,
    // and & 24 between.
    let value =
        |byte: u8| weighted::value(byte) + u32::from(byte > b'N' && byte.is_ascii_alphabetic());
    let first = if letters == 3 { 37 * 13 } else { 0 };
    let weights = (2..=letters as u32 + 9).rev();
    let sum: u32 = head.iter().zip(weights).map(|(byte, weight)| value(*byte) * weight).sum();
    let expected = match (11 - (sum + first) % 11) % 11 {
        0 => b'0',
        10 => b'A',
        digit => b'0' + digit as u8,
    };
    let distinct = *check == expected && letters == 4 && number.is_upper();
    Some(match (distinct, *check == expected) {
        (true, _) => Proof::Likely,
        (false, true) => Proof::Checked,
        (false, false) => Proof::Shaped,
    })
}
