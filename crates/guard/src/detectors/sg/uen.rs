//! Singaporean entity numbers: of businesses, companies and others.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["99999999A", "999999999A", "A99AA9999A"],
    prove,
    topics: &[Topic::Company],
    words: &["uen", "unique entity number*"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "sg-uen",
    summary: "A Singaporean unique entity number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "SG_UEN",
    docs: Docs {
        finds: "Eight digits and a letter, a year with five digits and a letter, or R, S or T with a year, \
                two letters of the kind, four digits and a letter; the last letter is a check letter.",
        matters: docs::COMPANY,
        example: "`UEN 201434292D` becomes `UEN <SG_UEN_1>`.",
        fix: docs::MASK,
        limits: "With a wrong check letter it is not found.",
    },
    references: &[
        Reference::Spec("Accounting and Corporate Regulatory Authority (Singapore), UEN"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["UEN 53125226D", "201434292D", "S57TU0392K", "R16RF0037F"],
    passes: &["53125226D", "53125226", "53125226E", "201434292E", "R16RF0037G", "209934292D"],
};

const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (check, head) = chars.split_last()?;
    let letter = match number.shape {
        0 => b"XMKECAWLJDB".get(weighted::sum(head, &[10, 4, 9, 3, 8, 2, 7, 1]) as usize % 11),
        1 if (1800..2100).contains(&crate::checks::number(head.get(..4)?)) => {
            b"ZKCMDNERGWH".get(weighted::sum(head, &[10, 8, 6, 4, 9, 7, 5, 3, 1]) as usize % 11)
        }
        2 if b"RST".contains(chars.first()?) => {
            let place = |byte: &u8| ALPHABET.iter().position(|known| known == byte);
            let places = head.iter().filter_map(place);
            let sum: usize = places
                .zip([4, 3, 5, 3, 10, 2, 2, 5, 7])
                .map(|(place, weight)| place * weight)
                .sum();
            ALPHABET.get((sum + 11 - 5) % 11)
        }
        _ => None,
    };
    let distinct = number.is_upper() && number.shape != 0;
    (letter? == check).then_some(Proof::when(distinct, Proof::Likely, Proof::Checked))
}
