//! United States national provider identifiers: ten digits with a Luhn check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{luhn::luhn, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["9999999999", "9999_999_999"],
    prove,
    topics: &[Topic::Doctor],
    words: &["npi", "national provider*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-npi",
    summary: "A United States national provider identifier",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "US_NPI",
    docs: Docs {
        finds: "Ten digits, together or in groups of four, three and three, that begin with 1 or 2 and whose \
                Luhn check digit, counted with 80840 before them, is correct.",
        matters: docs::DOCTOR,
        example: "`NPI 1234567893` becomes `NPI <US_NPI_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one plain \
                 number in ten has the right check digit, and telephone numbers look like it.",
    },
    references: &[
        Reference::Spec("45 CFR 162.406"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["NPI 1234567893", "NPI: 1234-567-893", "provider id: 1234 567 893"],
    passes: &[
        "1234-567-893",
        "123456789",
        "1111111112",
        "1234567890",
        "3234567893",
        "1234-567 893",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let mut prefixed = b"80840".to_vec();
    prefixed.extend_from_slice(chars);
    let fits = matches!(chars.first(), Some(b'1' | b'2'))
        && luhn(&prefixed)
        && !weighted::is_uniform(chars.get(..9)?);
    fits.then_some(Proof::Checked)
}
