//! Indian Aadhaar numbers: twelve digits with a Verhoeff check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::verhoeff::verhoeff;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999999", "9999_9999_9999", "9999:9999:9999"],
    prove,
    topics: &[Topic::Identity],
    words: &["aadhaar*", "aadhar*", "uidai", "uid number", "आधार", "ஆதார்", "ఆధార్", "আধার", "આધાર"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "in-aadhaar",
    summary: "An Indian Aadhaar number",
    severity: Severity::High,
    category: Category::Pii,
    label: "IN_AADHAAR",
    docs: Docs {
        finds: "Twelve digits, together or in groups of four with spaces, dashes or colons, that begin with 2 \
                to 9, are no palindrome and whose Verhoeff check digit is correct.",
        matters: docs::IDENTITY,
        example: "`Aadhaar 3998 7654 3211` becomes `Aadhaar <IN_AADHAAR_1>`.",
        fix: docs::MASK,
        limits: "Without groups, or when all groups look like years, it scores below the default threshold \
                 without a word that names it. Masked numbers (`XXXX XXXX 3211`) are not found.",
    },
    references: &[
        Reference::Spec("UIDAI, Aadhaar numbering scheme"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "Aadhaar 3998 7654 3211",
        "3123:4567:8909",
        "aadhar no 399876543211",
        "आधार 3998-7654-3211",
    ],
    passes: &[
        "1234 5678 9012",
        "3998 7654 3212",
        "1234:5678:9012",
        "3998 7654 3211 0000",
        "3998-7654 3211",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let palindrome = chars.iter().eq(chars.iter().rev());
    let years = chars.chunks(4).all(|group| group.starts_with(b"20") || group.starts_with(b"19"));
    let fits = matches!(chars.first(), Some(b'2'..=b'9')) && !palindrome && verhoeff(chars);
    fits.then_some(Proof::when(number.is_grouped() && !years, Proof::Likely, Proof::Checked))
}
