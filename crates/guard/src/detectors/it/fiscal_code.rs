//! Italian fiscal codes: name, birthday, town and check character.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::weighted;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["AAAAAA**A**A***A"],
    prove,
    topics: &[Topic::Tax],
    words: &["codice fiscale*", "cod fisc", "c f"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "it-fiscal-code",
    summary: "An Italian fiscal code",
    severity: Severity::High,
    category: Category::Pii,
    label: "IT_FISCAL_CODE",
    docs: Docs {
        finds: "Sixteen characters: six letters of the name, two digits of the year, the letter of a month, \
                two digits of the day (with 40 added for women), a letter and three digits of the town, and a \
                check character; letters may stand for digits where codes would be alike.",
        matters: docs::TAX,
        example: "`codice fiscale RSSMRA85T10A562S` becomes `codice fiscale <IT_FISCAL_CODE_1>`.",
        fix: docs::MASK,
        limits: "With a wrong check character it scores below the default threshold without a word that names \
                 it.",
    },
    references: &[
        Reference::Spec("Decreto del Ministro delle Finanze 23 December 1976"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["codice fiscale RSSMRA85T10A562S", "rssmra85t10a562s", "C.F. RSSMRA85T10A562T"],
    passes: &[
        "RSSMRA85T10A562T",
        "RSSMRA85Z10A562S",
        "RSSMRA85T32A562S",
        "RSSMRA85T10A562",
        "RSSMRA - 85T10A562S",
        "RSSMRA85T10A562SS",
    ],
};

/// Values of 0 to 9 and A to Z at odd places, counted from 1; digits have those of the letters A to J.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
/// Letters that stand for the digits 0 to 9.
const FOR_DIGITS: &[u8; 10] = b"LMNPQRSTUV";

/// A digit, or the one that a letter stands for.
fn digit(byte: u8) -> Option<u32> {
    let letter = FOR_DIGITS.iter().position(|letter| *letter == byte);
    if byte.is_ascii_digit() { Some(weighted::value(byte)) } else { letter.map(|at| at as u32) }
}

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let (check, head) = chars.split_last()?;
    for at in [6, 7, 12, 13, 14] {
        digit(*chars.get(at)?)?;
    }
    let day = digit(*chars.get(9)?)? * 10 + digit(*chars.get(10)?)?;
    if !b"ABCDEHLMPRST".contains(chars.get(8)?) || !matches!(day, 1..=31 | 41..=71) {
        return None;
    }
    let value = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' };
    let sum: u32 = head
        .iter()
        .enumerate()
        .filter_map(|(at, byte)| match at % 2 {
            0 => ODD.get(usize::from(value(*byte))).copied(),
            _ => Some(u32::from(value(*byte))),
        })
        .sum();
    Some(Proof::when(sum % 26 == u32::from(value(*check)), Proof::Sure, Proof::Shaped))
}
