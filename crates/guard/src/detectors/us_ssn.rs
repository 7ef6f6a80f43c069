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
        limits: "Nine digits without separators and without such a word are not found, nor are numbers of which only \
                 the last four digits are given. Numbers that were never issued or were printed in advertisements \
                 are left alone; individual taxpayer numbers (area 900 to 999) are too.",
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

/// End and score of a number that begins at the cursor.
fn find(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<(usize, f32)> {
    let start = cursor.at();
    let area = cursor.run(10, |byte| byte.is_ascii_digit()).len();
    let separator = match area {
        9 => None,
        3 => {
            let separator = cursor.peek().filter(|byte| matches!(byte, b' ' | b'-'))?;
            let grouped = cursor.eat(separator)
                && cursor.run(3, |byte| byte.is_ascii_digit()).len() == 2
                && cursor.eat(separator)
                && cursor.run(5, |byte| byte.is_ascii_digit()).len() == 4;
            if !grouped {
                return None;
            }
            Some(separator)
        }
        _ => return None,
    };
    let end = cursor.at();
    let digits: SmallVec<[u8; 9]> =
        cursor.since(start).iter().copied().filter(u8::is_ascii_digit).collect();
    if !ssn::is_ssn(&digits)
        || !is_free_before(bytes, start, separator)
        || !is_free_after(cursor, separator)
    {
        return None;
    }
    let named = is_named(bytes, start);
    let score = match separator {
        _ if named => 1.0,
        Some(b'-') => 0.85,
        Some(_) => 0.6,
        None => return None,
    };
    Some((end, score))
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
