//! Machine-readable zones of passports, identity cards and visas.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use smallvec::SmallVec;

use crate::checks::weighted::{icao, value};
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: PassportMrz = PassportMrz;

/// Finds lines of machine-readable zones.
pub(super) struct PassportMrz;

static META: Meta = Meta {
    id: "passport-mrz",
    summary: "A line of the machine-readable zone of a passport or identity card",
    severity: Severity::High,
    category: Category::Pii,
    label: "PASSPORT_MRZ",
    docs: Docs {
        finds: "Lines of 30, 36 or 44 capitals, digits and `<`: with a name and fillers, or with numbers and dates whose \
                check digits are correct (ICAO 9303).",
        matters: "The zone holds name, birthday, nationality and number of the document: all that a forger needs.",
        example: "`L898902C36UTO7408122F1204159ZE184226B<<<<<10` becomes `<PASSPORT_MRZ_1>`.",
        fix: "Mask it and do not restore it. Ask why a document was in a prompt at all.",
        limits: "A line that is broken by spaces or misread by character recognition, so that its length or check \
                 digits are wrong, is not found, nor is a line without a single filler.",
    },
    references: &[
        Reference::Spec("ICAO 9303 parts 3 to 7"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "scan: I<UTOD231458907<<<<<<<<<<<<<<<, please",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        "D231458907UTO7408122F1204159<<<<<<<6",
    ],
    passes: &[
        "L898902C37UTO7408122F1204159ZE184226B<<<<<10",
        "P<UTOERIKSSON<<ANNA<MARIA<<<",
        "if A<B and B<C",
        "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<",
        "std::cout << VALUE << END",
        "p<utoeriksson<<anna<maria<<<<<<<<<<<<<<<<<<<",
    ],
};

/// Longest line.
const LINE_BYTES: usize = 44;

impl Detector for PassportMrz {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        let mut passed = 0;
        for at in memchr::memchr_iter(b'<', bytes) {
            if at < passed {
                continue;
            }
            let head = bytes.get(passed..at).unwrap_or_default();
            let start = at
                - head.iter().rev().take(LINE_BYTES + 1).take_while(|byte| is_zone(**byte)).count();
            let tail = bytes.get(at..).unwrap_or_default();
            passed = at + tail.iter().take_while(|byte| is_zone(**byte)).count();
            // What touches the end of a text that may grow is held back below.
            let settled = view.is_complete() || passed < bytes.len();
            let free = !neighbour(bytes, start.checked_sub(1)) && !neighbour(bytes, Some(passed));
            if settled && free && is_line(bytes.get(start..passed).unwrap_or_default()) {
                findings.push(start, passed, 0.95);
            }
        }
        let open =
            bytes.iter().rev().take(LINE_BYTES + 1).take_while(|byte| is_zone(**byte)).count();
        if open <= LINE_BYTES {
            findings.undecided(bytes.len() - open);
        }
    }
}

const fn is_zone(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'<'
}

/// Whether a small letter or `_` stands at a place.
fn neighbour(bytes: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| bytes.get(at)).is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_')
}

fn is_line(line: &[u8]) -> bool {
    match line.len() {
        30 => is_first_of_three(line) || is_dates(line, 0) || is_name(line),
        36 | 44 => is_titled(line) || is_numbered(line),
        _ => false,
    }
}

/// `P<UTOERIKSSON<<ANNA<MARIA<<<`: kind, country and name.
fn is_titled(line: &[u8]) -> bool {
    let (Some(kind), Some(country), Some(name)) = (line.first(), line.get(2..5), line.get(5..))
    else {
        return false;
    };
    b"PVIAC".contains(kind) && country.iter().all(|byte| !byte.is_ascii_digit()) && is_name(name)
}

/// A name: letters, two fillers, and fillers at the end.
fn is_name(name: &[u8]) -> bool {
    let parted =
        name.array_windows().any(|[a, b, c]| a.is_ascii_uppercase() && *b == b'<' && *c == b'<');
    parted
        && name.first().is_some_and(u8::is_ascii_uppercase)
        && !name.iter().any(u8::is_ascii_digit)
}

/// The line with number, country and dates of passports and visas.
fn is_numbered(line: &[u8]) -> bool {
    checked(line, 0..9, 9) && is_dates(line, 13)
}

/// The first line of cards of three lines.
fn is_first_of_three(line: &[u8]) -> bool {
    line.first().is_some_and(|kind| b"IAC".contains(kind)) && checked(line, 5..14, 14)
}

/// Birthday, sex and expiry at a place, each with its check digit.
fn is_dates(line: &[u8], at: usize) -> bool {
    let sex = line.get(at + 7).is_some_and(|byte| b"MFX<".contains(byte));
    sex && checked(line, at..at + 6, at + 6) && checked(line, at + 8..at + 14, at + 14)
}

/// Whether a part that holds a digit has its check digit at a place.
fn checked(line: &[u8], part: std::ops::Range<usize>, check: usize) -> bool {
    let part: SmallVec<[u8; 9]> = line.get(part).unwrap_or_default().iter().copied().collect();
    let digit = line.get(check).filter(|byte| byte.is_ascii_digit());
    part.iter().any(u8::is_ascii_digit) && digit.is_some_and(|digit| icao(&part) == value(*digit))
}
