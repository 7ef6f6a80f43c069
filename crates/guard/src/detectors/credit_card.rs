//! Payment card numbers: issuer range, length and Luhn check digit.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use smallvec::SmallVec;

use crate::checks::card::{self, is_card};
use crate::checks::{byte_before, is_glue};
use crate::cursor::{Cursor, at_numbers, before};
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: CreditCard = CreditCard;

/// Finds payment card numbers.
pub(super) struct CreditCard;

static META: Meta = Meta {
    id: "credit-card",
    summary: "A payment card number",
    severity: Severity::High,
    category: Category::Pii,
    label: "CREDIT_CARD",
    docs: Docs {
        finds: "12 to 19 digits of a known issuer, of a length that the issuer uses, with a correct Luhn check digit, \
                written together or in the usual groups with spaces or dashes.",
        matters: "A card number is money, and its storage and transfer fall under PCI DSS.",
        example: "`pay with 4111 1111 1111 1111` becomes `pay with <CREDIT_CARD_1>`.",
        fix: "Mask it, and do not restore it unless the answer must show it. Ask why it was in a prompt at all.",
        limits: "Numbers with a wrong check digit, masked numbers (`4111 **** **** 1111`), and Visa numbers of thirteen \
                 digits (which look like bar codes) are not found. One in ten random numbers in an issuer's range has \
                 a correct check digit. Groups inside a longer row of groups of four are taken for a table.",
    },
    references: &[
        Reference::Spec("ISO/IEC 7812-1"),
        Reference::Spec("PCI DSS 3.5"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "pay with 4111 1111 1111 1111",
        "4111-1111-1111-1111 exp 12/27",
        "card=5555555555554444;",
        "3782 822463 10005",
        "378282246310005",
        "30569309025904",
        "3056 930902 5904",
        "6011000400000000",
        "4111 1111 1111 1111 1227 123",
        "4111 1111 1111 1111 4012 8888 8888 1881",
        "４１１１１１１１１１１１１１１１",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41111111 11111111",
        "卡号4111111111111111。",
        "12,4111111111111111,Alice",
    ],
    passes: &[
        "4111 1111 1111 1112",
        "1748503543012",
        "order 1234567812345670",
        "0.4111111111111111",
        "4111111111111111.25",
        "94111111111111111",
        "41111111111111110000",
        "x4111111111111111",
        "4111111111111111_b",
        "1111 2222 4111 1111 1111 1111 3333 4444",
        "DE00 4111 1111 1111 1111 00",
        "00000000-4111-1111-1111-1111",
        "4111-1111-1111-1111-1111",
        "2024 2025 2026 2027",
        "4111 1111-1111 1111",
        "0000 0000 0000 0000",
        "00002a60: 4844 0200 0000 0000 0800 00e1",
        "978-0-306-40615-7",
        "356938035643809",
    ],
};

/// Bytes read ahead: nine groups of four with separators, and what follows.
const CAP_BYTES: usize = 48;
/// Digits of a card in four groups, with separators.
const GROUPED_BYTES: usize = 19;

/// Digits of a number without separators.
type Digits = SmallVec<[u8; 20]>;

impl Detector for CreditCard {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        at_numbers(view, CAP_BYTES, findings, find);
    }
}

/// End and score of a card that begins at the cursor.
fn find(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<(usize, f32)> {
    let start = cursor.at();
    if !is_free_before(bytes, start) {
        return None;
    }
    let first = digits(cursor).len();
    if card::DIGITS.contains(&first) {
        let number = cursor.since(start);
        // Rare lengths are more often something else.
        let score = if (14..=16).contains(&first) { 0.95 } else { 0.6 };
        return (is_card(number) && is_free_after(cursor)).then_some((cursor.at(), score));
    }
    let separator = cursor.peek().filter(|byte| matches!(byte, b' ' | b'-'))?;
    let mut lengths: SmallVec<[usize; 5]> = SmallVec::from_slice(&[first]);
    let mut ends: SmallVec<[usize; 5]> = SmallVec::from_slice(&[cursor.at()]);
    while lengths.len() < 5 && cursor.eat(separator) {
        let len = digits(cursor).len();
        if len == 0 {
            break;
        }
        lengths.push(len);
        ends.push(cursor.at());
    }
    card::layouts(&lengths).find_map(|count| {
        let end = *ends.get(count - 1)?;
        cursor.rewind(end);
        let number = without_separators(cursor.since(start));
        let alone = match separator {
            b' ' => !in_table_before(bytes, start) && !in_table_after(cursor, end),
            _ => true,
        };
        cursor.rewind(end);
        (is_card(&number) && alone && is_free_after(cursor)).then_some((end, 1.0))
    })
}

fn digits<'a>(cursor: &mut Cursor<'a>) -> &'a [u8] {
    cursor.run(20, |byte| byte.is_ascii_digit())
}

fn without_separators(text: &[u8]) -> Digits {
    text.iter().copied().filter(u8::is_ascii_digit).collect()
}

/// Whether nothing before `start` goes on into the number: no word, decimals, sign or dashed id.
fn is_free_before(bytes: &[u8], start: usize) -> bool {
    match byte_before(bytes, start, 1) {
        Some(b'.') => !byte_before(bytes, start, 2).is_some_and(|byte| byte.is_ascii_digit()),
        Some(b'-') => !byte_before(bytes, start, 2).is_some_and(is_glue),
        Some(b'+') => false,
        Some(byte) => !is_glue(byte),
        None => true,
    }
}

/// Whether nothing after the cursor belongs to the number. Leaves the cursor where it is.
fn is_free_after(cursor: &mut Cursor<'_>) -> bool {
    let at = cursor.at();
    let free = match cursor.next() {
        Some(b'.') => !cursor.peek().is_some_and(|byte| byte.is_ascii_digit()),
        Some(b'-') => !cursor.peek().is_some_and(is_glue),
        Some(byte) => !is_glue(byte),
        None => true,
    };
    cursor.rewind(at);
    free
}

/// Whether groups of four go on before `start` and are no card of their own: a table, or an account
/// number that begins with letters.
fn in_table_before(bytes: &[u8], start: usize) -> bool {
    let [a, b, c, d, b' '] = before(bytes, start, 5) else { return false };
    if !(c.is_ascii_digit() && d.is_ascii_digit()) {
        return false;
    }
    let country = a.is_ascii_alphabetic() && b.is_ascii_alphabetic();
    if !(a.is_ascii_digit() && b.is_ascii_digit()) {
        // `DE89 3704 …`: a country and its check digits.
        return country;
    }
    let goes_on = byte_before(bytes, start, 6) == Some(b' ')
        && byte_before(bytes, start, 7).is_some_and(|byte| byte.is_ascii_digit());
    goes_on && !is_grouped_card(before(bytes, start - 1, GROUPED_BYTES))
}

/// Whether groups of four go on after `end` and are neither a card of their own nor the month and
/// year of expiry.
fn in_table_after(cursor: &mut Cursor<'_>, end: usize) -> bool {
    cursor.rewind(end);
    if !cursor.eat(b' ') {
        return false;
    }
    let group = digits(cursor);
    let expiry = matches!(group, [b'0', b'1'..=b'9', ..] | [b'1', b'0'..=b'2', ..]);
    if group.len() != 4 || expiry {
        return false;
    }
    let goes_on = cursor.eat(b' ') && cursor.peek().is_some_and(|byte| byte.is_ascii_digit());
    cursor.rewind(end + 1);
    goes_on
        && !is_grouped_card(cursor.run(GROUPED_BYTES, |byte| byte.is_ascii_digit() || byte == b' '))
}

fn is_grouped_card(text: &[u8]) -> bool {
    let groups = text.split(|byte| *byte == b' ');
    groups.clone().count() == 4
        && groups.into_iter().all(|group| group.len() == 4)
        && is_card(&without_separators(text))
}
