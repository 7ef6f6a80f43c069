//! United States DEA registrations: two letters and seven digits with a check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A*9999999"],
    prove,
    topics: &[Topic::Doctor],
    words: &["dea", "dea number*", "dea no", "certificate number*", "controlled substance*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "us-dea",
    summary: "A United States DEA registration of a prescriber",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_DEA",
    docs: Docs {
        finds: "A letter of the kind of registrant, a letter of the name or 9, and seven digits of which the \
                last is a check digit.",
        matters: docs::DOCTOR,
        example: "`DEA GL0285191` becomes `DEA <US_DEA_1>`.",
        fix: docs::MASK,
        limits: "One code of this shape in ten has the right check digit, so that it scores below the default \
                 threshold without a word that names it.",
    },
    references: &[
        Reference::Spec("21 CFR 1301"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["DEA number BB1388568", "DEA: GL0285191", "my certificate number is: BB1388568"],
    passes: &["BB1388568", "BB1388567", "WB1388568", "BB138856", "BB13885680", "B-1388568"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (kind, name, digits) = (chars.first()?, chars.get(1)?, chars.get(2..)?);
    let sum = weighted::sum(digits, &[1, 2, 1, 2, 1, 2]);
    let fits = b"ABCDEFGHJKLMPRSTUX".contains(kind)
        && (name.is_ascii_alphabetic() || *name == b'9')
        && sum % 10 == weighted::digit(digits, 6)?
        && sum > 0;
    fits.then_some(Proof::Checked)
}
