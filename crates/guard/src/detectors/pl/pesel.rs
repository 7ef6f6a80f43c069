//! Polish PESEL numbers: birthday with century, serial and check digit.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::{date, weighted};
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999999"],
    prove,
    topics: &[Topic::Identity],
    words: &["pesel*", "nr pesel", "numer pesel"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "pl-pesel",
    summary: "A Polish PESEL number",
    severity: Severity::High,
    category: Category::Pii,
    label: "PL_PESEL",
    docs: Docs {
        finds: "Eleven digits: a date of birth whose month also says the century, four digits and a check \
                digit that is correct.",
        matters: docs::IDENTITY,
        example: "`PESEL 44051401458` becomes `PESEL <PL_PESEL_1>`.",
        fix: docs::MASK,
        limits: "Written without a word that names it, it scores below the default threshold, since one \
                 number of eleven digits in fifty fits.",
    },
    references: &[
        Reference::Spec("Ustawa o ewidencji ludności, article 15"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["PESEL 44051401458", "numer pesel: 02070803628", "My pesel is 44051401458."],
    passes: &["44051401459", "1111321111", "11110021111", "440514014588", "4405140145A"],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let part = |at: usize| chars.get(at..at + 2).map(crate::checks::number);
    // Twenty, forty, sixty and eighty are added to the month for other centuries.
    let month = part(2)? % 20;
    let sum = weighted::sum(chars, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    (date::is_date(part(0)?, month, part(4)?) && sum.is_multiple_of(10)).then_some(Proof::Checked)
}
