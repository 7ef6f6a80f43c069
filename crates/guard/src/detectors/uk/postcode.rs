//! British postcodes: outward and inward code.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &[
        "A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA", "A99AA", "A999AA",
        "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA",
    ],
    prove,
    topics: &[Topic::Address],
    words: &["postcode*", "post code*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "uk-postcode",
    summary: "A British postcode",
    severity: Severity::Low,
    category: Category::Pii,
    label: "UK_POSTCODE",
    docs: Docs {
        finds: "An outward code of a letter or two and a digit or two (with a letter at the end in some \
                towns), and an inward code of a digit and two letters, with or without a space, in letters \
                that are in use at their place.",
        matters: docs::ADDRESS,
        example: "`postcode SW1A 1AA` becomes `postcode <UK_POSTCODE_1>`.",
        fix: docs::MASK,
        limits: "Many codes look like it, so that it scores below the default threshold without a word that \
                 names it. Which postcodes are in use is not looked up.",
    },
    references: &[
        Reference::Spec("BS 7666-5"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "postcode SW1A 1AA",
        "post code: M60 1NW",
        "Address EC1A1BB",
        "address: 10 Downing Street, SW1A 2AA",
    ],
    passes: &["M60 1NW", "XA1 1AA", "M1 1AI", "SW1A-1AA", "SW1A 1A", "QA1 1AA", "AI1 1AA"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (outward, inward) = chars.split_at_checked(chars.len().checked_sub(3)?)?;
    let area = outward.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let last = outward.last()?;
    let fits = !b"QVX".contains(chars.first()?)
        && (area == 1 || !b"IJZ".contains(outward.get(1)?))
        && !inward.iter().any(|byte| b"CIKMOV".contains(byte))
        && match (area, last.is_ascii_alphabetic()) {
            (1, true) => b"ABCDEFGHJKPSTUW".contains(last),
            (2, true) => b"ABEHMNPRVWXY".contains(last),
            _ => true,
        };
    fits.then_some(Proof::when(number.is_upper(), Proof::Shaped, Proof::Chance))
}
