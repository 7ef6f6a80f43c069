//! International bank account numbers: country, length, structure and check digits.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use smallvec::SmallVec;

use crate::checks::{glued_before, iban, is_glue};
use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: Iban = Iban;

/// Finds international bank account numbers.
pub(super) struct Iban;

static META: Meta = Meta {
    id: "iban",
    summary: "An international bank account number",
    severity: Severity::High,
    category: Category::Pii,
    label: "IBAN_CODE",
    docs: Docs {
        finds: "The letters of one of 89 countries, two check digits and an account of the length and structure that \
                the country registered, in either case, written together or with single spaces or dashes, whose \
                check digits are correct (mod 97).",
        matters: "An account number identifies a person and allows direct debits.",
        example: "`pay to DE89 3704 0044 0532 0130 00` becomes `pay to <IBAN_CODE_1>`.",
        fix: "Mask it before it reaches a model that need not know it; restore it in the answer with `restore: true`.",
        limits: "Domestic account numbers, and numbers with a mistyped character, are not found. A line break inside a \
                 number ends it.",
    },
    references: &[
        Reference::Spec("ISO 13616-1"),
        Reference::Spec("ISO/IEC 7064 MOD 97-10"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "pay to DE89 3704 0044 0532 0130 00",
        "gb29nwbk60161331926819",
        "IBAN:FR1420041010050500013M02606.",
        "AL47-2121-1009-0000-0002-3569-8741",
        "IBANNL91ABNA0417164300",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "VG96 VPVG 0000 0123 4567 8901 X in a sentence",
        "ＤＥ８９ 3704 0044 0532 0130 00",
        "账号DE89370400440532013000",
    ],
    passes: &[
        "DE89 3704 0044 0532 0130 01",
        "DE89 3704 0044 0532 0130 0",
        "IL15 0120 6900 0000 3111 0120 6900 0000 3111 141",
        "GB29 1WBK 6016 1331 9268 19",
        "XDE89370400440532013000",
        "DE89370400440532013000X",
        "_DE89370400440532013000",
        "DE89  3704  0044  0532  0130  00",
        "G B29NWBK60161331926819",
        "at 61 1904 3002 3457 3201",
        "vs12 is shorter than vs13",
    ],
};

/// Bytes read ahead: the longest number with a separator after every character, and the byte after.
const CAP_BYTES: usize = 2 * iban::MAX_CHARS + 4;

impl Detector for Iban {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for run in view.digit_runs() {
            // The check digits are the anchor; the country stands before them.
            let Some(start) = run.start.checked_sub(2) else { continue };
            let Some(chars) = bytes.get(start..run.start).and_then(iban::length) else { continue };
            if glued_before(bytes, start) && !follows_its_name(bytes, start) {
                continue;
            }
            let mut cursor = Cursor::new(bytes, start, CAP_BYTES);
            let end = read(&mut cursor, chars);
            if cursor.starved() {
                findings.undecided(start);
            }
            if let Some(end) = end {
                findings.push(start, end, 1.0);
            }
        }
        // A country and a first digit may be all that has arrived.
        let open = bytes.iter().rev().take(2).take_while(|byte| byte.is_ascii_alphabetic()).count();
        findings.undecided(bytes.len() - open);
    }
}

/// Whether the number is glued to the word `IBAN` and to nothing else.
fn follows_its_name(bytes: &[u8], start: usize) -> bool {
    let name = before(bytes, start, 4);
    name.eq_ignore_ascii_case(b"iban") && !glued_before(bytes, start - 4)
}

/// End of the number at the cursor, which has this many characters when it is one.
fn read(cursor: &mut Cursor<'_>, chars: usize) -> Option<usize> {
    let mut number: SmallVec<[u8; 36]> = SmallVec::new();
    while number.len() < chars {
        // Country and check digits stand together.
        if number.len() >= 4 {
            cursor.eat_if(|byte| matches!(byte, b' ' | b'-'));
        }
        if !cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        number.extend(cursor.next());
    }
    let whole = !cursor.peek().is_some_and(is_glue);
    (whole && iban::is_iban(&number)).then_some(cursor.at())
}
