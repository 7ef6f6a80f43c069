//! British National Insurance numbers: two letters, six digits, a letter.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AA999999A", "AA 99 99 99 A", "AA 999999A", "AA 999999 A", "AA-99-99-99-A"],
    prove,
    topics: &[Topic::SocialSecurity, Topic::Tax],
    words: &["nino", "ni number*", "ni no", "national insurance*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "uk-nino",
    summary: "A British national insurance number",
    severity: Severity::High,
    category: Category::Pii,
    label: "UK_NINO",
    docs: Docs {
        finds: "Two letters that are in use as a prefix, six digits and A, B, C or D, together or in groups \
                with spaces.",
        matters: docs::IDENTITY,
        example: "`NINO AB 12 34 56 C` becomes `NINO <UK_NINO_1>`.",
        fix: docs::MASK,
        limits: "Numbers without the last letter, and temporary ones that begin with TN, are not found.",
    },
    references: &[
        Reference::Spec("HMRC, National Insurance Manual NIM39110"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "NINO AB 12 34 56 C",
        "hh 01 02 03 d",
        "nino: PR 123612C",
        "national insurance AB123456C",
    ],
    passes: &["BG123612A", "QQ123456C", "AO123456C", "AB123456E", "AB12345C", "TN123456A"],
};

const UNUSED: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (first, second, last) = (chars.first()?, chars.get(1)?, chars.last()?);
    let fits = !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && matches!(last, b'A'..=b'D')
        && !UNUSED.iter().any(|prefix| chars.starts_with(prefix));
    fits.then_some(Proof::Likely)
}
