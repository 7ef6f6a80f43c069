//! British driving licences: surname, birthday, initials and check characters.

use std::sync::OnceLock;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::date;
use crate::identifier::{Identifier, Number, Proof, Topic, docs};

pub(in crate::detectors) static DETECTOR: Identifier = Identifier {
    meta: &META,
    shapes: &["A****999999*****"],
    prove,
    topics: &[Topic::Driving],
    words: &["driving licence*", "driver number", "dvla"],
    names: OnceLock::new(),
};

static META: Meta = Meta {
    id: "uk-driving-licence",
    summary: "The number of a British driving licence",
    severity: Severity::High,
    category: Category::Pii,
    label: "UK_DRIVING_LICENCE",
    docs: Docs {
        finds: "Sixteen characters: five of the surname filled up with 9, six digits of the date of birth \
                (with 50 added to the month for women), two of the initials, a letter or digit and two \
                letters.",
        matters: docs::IDENTITY,
        example: "`licence MORGA607054SM9IJ` becomes `licence <UK_DRIVING_LICENCE_1>`.",
        fix: docs::MASK,
        limits: "The check characters are not published; the date and the filling are checked. Licences of \
                 Northern Ireland, eight digits, are not found.",
    },
    references: &[
        Reference::Spec("DVLA, Driver number"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &["licence MORGA607054SM9IJ", "SMIT9801015JK2CD", "Driving licence: smith802290ab1cd"],
    passes: &[
        "MORGA600054SM9IJ",
        "MORGA613054SM9IJ",
        "MORGA650054SM9IJ",
        "MORGA601324SM9IJ",
        "99999657054SM9IJ",
        "MORGA65705SM9IJ",
        "MO9GA607054SM9IJ",
    ],
};

fn prove(number: &Number<'_>) -> Option<Proof> {
    let chars = number.chars();
    let surname = chars.get(..5)?;
    let letters = surname.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let filled = surname.iter().skip(letters).all(|byte| *byte == b'9');
    let part = |at: usize| chars.get(at..at + 2).map(crate::checks::number);
    let (month, day) = (part(6)? % 50, part(8)?);
    let initials =
        chars.get(11..13)?.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'9');
    let checks = chars.get(14..16)?.iter().all(u8::is_ascii_alphabetic);
    let sex = part(6)? < 13 || part(6)? > 50;
    // Of the year only the digits around month and day are known; any may be a leap year.
    let fits = filled && sex && date::is_date(0, month, day) && initials && checks;
    fits.then_some(Proof::when(number.is_upper(), Proof::Likely, Proof::Checked))
}
