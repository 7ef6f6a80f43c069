//! United States social security numbers.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use smallvec::SmallVec;

use crate::checks::context::{is_one_of, words_before};
use crate::checks::{byte_before, is_glue, ssn};
use crate::cursor::{Cursor, at_numbers};
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: UsSsn = UsSsn;

/// Finds social security numbers.
pub(super) struct UsSsn;

static META: Meta = Meta {
    id: "us-ssn",
    summary: "A United States social security number",
    severity: Severity::High,
    category: Category::Pii,
    label: "US_SSN",
    docs: Docs {
        finds: "Three, two and four digits with dashes or with spaces between them, or nine digits after `ssn`, \
                `social security` or `ss#` within 32 bytes, that the administration can have issued.",
        matters: "The number opens credit, tax and health records, and its holder cannot change it.",
        example: "`SSN 536-90-4399` becomes `SSN <US_SSN_1>`.",
        fix: "Mask it and do not restore it. Ask why it was in a prompt at all.",
        limits: "Nine digits without separators, or with one dash of two, score below the default threshold without \
                 such a word. Numbers of which only the last four digits are given are not found. Numbers that were \
                 never issued or were printed in advertisements are left alone; individual taxpayer numbers (area 900 to 999) are too.",
    },
    references: &[
        Reference::Spec("20 CFR 422.103"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "SSN 536-90-4399",
        "my number is 078-05-1121.",
        "536 90 4399",
        "ssn=536904399",
        "Social Security number: 536904399",
        "{\"social_security_number\":\"536904399\"}",
        "ss# 536904399",
        "５３６－９０－４３９９",
        "123-45-6789",
        "id 5 536-90-4399",
    ],
    passes: &[
        "078-05-1120",
        "219-09-9999",
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "536-00-4399",
        "536-90-0000",
        "111-11-1111",
        "536904399",
        "assn 536904399",
        "536-90-43990",
        "1536-90-4399",
        "536-90.4399",
        "536-90 4399",
        "12-536-90-4399",
        "536-90-4399-1",
        "1 536 90 4399",
        "536 90 4399 12",
        "the ssn of the station is not what we mean: 536904399",
        "0.536904399",
    ],
};

/// Bytes read ahead: eleven, and two that may show that the number goes on.
const CAP_BYTES: usize = 16;

impl Detector for UsSsn {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        at_numbers(view, CAP_BYTES, findings, find);
    }
}

/// How the digits of a number are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Together.
    Plain,
    /// Three, two and four, with this byte between.
    Grouped(u8),
    /// With one of the two dashes.
    Half,
}

/// End and score of a number that begins at the cursor.
fn find(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<(usize, f32)> {
    let start = cursor.at();
    let layout = layout(cursor)?;
    let end = cursor.at();
    let digits: SmallVec<[u8; 9]> =
        cursor.since(start).iter().copied().filter(u8::is_ascii_digit).collect();
    let separator = match layout {
        Layout::Grouped(byte) => Some(byte),
        Layout::Half => Some(b'-'),
        Layout::Plain => None,
    };
    if !ssn::is_ssn(&digits)
        || !is_free_before(bytes, start, separator)
        || !is_free_after(cursor, separator)
    {
        return None;
    }
    let score = match layout {
        _ if is_named(bytes, start) => 1.0,
        Layout::Grouped(b'-') => 0.85,
        Layout::Grouped(_) => 0.6,
        Layout::Plain => 0.2,
        // Postcodes with four more digits look like this.
        Layout::Half => 0.1,
    };
    Some((end, score))
}

/// Takes nine digits.
fn layout(cursor: &mut Cursor<'_>) -> Option<Layout> {
    let mut run = |most: usize| cursor.run(most + 1, |byte| byte.is_ascii_digit()).len();
    let first = run(9);
    if first == 9 {
        return Some(Layout::Plain);
    }
    let separator = cursor.peek().filter(|byte| matches!(byte, b' ' | b'-'))?;
    cursor.next();
    let second = cursor.run(7, |byte| byte.is_ascii_digit()).len();
    match (first, second) {
        (3, 2) => {
            let last =
                cursor.eat(separator) && cursor.run(5, |byte| byte.is_ascii_digit()).len() == 4;
            last.then_some(Layout::Grouped(separator))
        }
        (3, 6) | (5, 4) => (separator == b'-').then_some(Layout::Half),
        _ => None,
    }
}

fn is_free_before(bytes: &[u8], start: usize, separator: Option<u8>) -> bool {
    let digit = |back| byte_before(bytes, start, back).is_some_and(|byte| byte.is_ascii_digit());
    match byte_before(bytes, start, 1) {
        Some(b'-') => !byte_before(bytes, start, 2).is_some_and(is_glue),
        Some(b'.' | b'/' | b',') => !digit(2),
        Some(b' ') => separator != Some(b' ') || !digit(2),
        Some(b'+' | b'$') => false,
        Some(byte) => !is_glue(byte),
        None => true,
    }
}

fn is_free_after(cursor: &mut Cursor<'_>, separator: Option<u8>) -> bool {
    match cursor.next() {
        Some(b'-') => !cursor.peek().is_some_and(is_glue),
        Some(b'.' | b'/') => !cursor.peek().is_some_and(|byte| byte.is_ascii_digit()),
        Some(b' ') if separator == Some(b' ') => {
            !cursor.peek().is_some_and(|byte| byte.is_ascii_digit())
        }
        Some(byte) => !is_glue(byte),
        None => true,
    }
}

/// Whether the words before say what the number is.
fn is_named(bytes: &[u8], start: usize) -> bool {
    let mut nearer: &[u8] = &[];
    words_before(bytes, start).any(|word| {
        let pair = is_one_of(word, &["social", "soc"]) && is_one_of(nearer, &["security", "sec"]);
        nearer = word;
        pair || is_one_of(word, &["ssn", "ssns", "ss", "socialsecurity", "socialsecuritynumber"])
    })
}
