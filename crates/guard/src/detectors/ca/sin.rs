//! Canadian Social Insurance Numbers: nine digits with a Luhn check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{luhn::luhn, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["999999999", "999_999_999"],
    prove,
    topics: &[Topic::SocialSecurity],
    words: &[
        "sin",
        "sin number",
        "sin no",
        "nas",
        "social insurance number*",
        "numéro d assurance sociale",
    ],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "ca-sin",
    summary: "A Canadian social insurance number",
    severity: Severity::High,
    category: Category::Pii,
    label: "CA_SIN",
    docs: Docs {
        finds: "Nine digits, together or in groups of three with spaces or dashes, that begin with neither 0 \
                nor 8 and whose Luhn check digit is correct.",
        matters: docs::IDENTITY,
        example: "`SIN 130 692 544` becomes `SIN <CA_SIN_1>`.",
        fix: docs::MASK,
        limits: "Without a word that names it, only the spelling with dashes scores above the default \
                 threshold.",
    },
    references: &[
        Reference::Spec("Employment and Social Development Canada, Social Insurance Number"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "SIN 130 692 544",
        "mon NAS: 258 933 688",
        "731-530-150",
        "social insurance number 130692544",
    ],
    passes: &[
        "130 692 545",
        "046 454 286",
        "111 111 111",
        "130-692 544",
        "1306925440",
        "130 692 544 3",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let fits = luhn(chars) && !matches!(chars.first(), Some(b'0' | b'8'));
    let dashed = number.text.contains(&b'-');
    (fits && !weighted::is_uniform(chars)).then_some(Proof::when(
        dashed,
        Proof::Likely,
        Proof::Checked,
    ))
}
