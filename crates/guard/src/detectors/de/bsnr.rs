//! German numbers of medical practices: nine digits that begin with a region.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999"],
    prove,
    topics: &[],
    words: &[
        "bsnr",
        "betriebsstätte*",
        "betriebsstättennummer*",
        "nebenbetriebsstätte*",
        "nbsnr",
        "practice number*",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "de-bsnr",
    summary: "A number of a German medical practice",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "DE_BSNR",
    docs: Docs {
        finds: "Nine digits that begin with the number of a regional association of physicians.",
        matters: docs::DOCTOR,
        example: "`BSNR 021234568` becomes `BSNR <DE_BSNR_1>`.",
        fix: docs::MASK,
        limits: "There is no check digit, so that it scores below the default threshold without a word that \
                 names it.",
    },
    references: &[
        Reference::Spec("KBV, Arzt- und Betriebsstättennummern"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["BSNR 021234568", "Betriebsstättennummer: 711234567", "bsnr 991234567"],
    passes: &["000000000", "02123456", "0212345689", "02123456A", "02-1234568"],
};

/// The regional associations, and 99 for places outside them.
const REGIONS: [u64; 22] =
    [1, 2, 3, 17, 20, 38, 46, 51, 52, 55, 60, 61, 62, 71, 72, 73, 78, 83, 88, 93, 98, 99];

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let known = REGIONS.contains(&crate::checks::number(chars.get(..2)?));
    (!weighted::is_uniform(chars)).then_some(Proof::when(known, Proof::Faint, Proof::Named))
}
