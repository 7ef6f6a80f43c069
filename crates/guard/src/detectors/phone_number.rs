//! Telephone numbers: international, North American, and national forms of larger countries.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use smallvec::SmallVec;

use crate::checks::phone::{self, Context, Gap};
use crate::checks::{byte_before, glued_before, is_glue};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: PhoneNumber = PhoneNumber;

/// Finds telephone numbers.
pub(super) struct PhoneNumber;

static META: Meta = Meta {
    id: "phone-number",
    summary: "A telephone number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "PHONE_NUMBER",
    docs: Docs {
        finds: "International numbers after `+`, `00` or `011` with an assigned country code and a length its plan \
                allows; North American numbers whose area and exchange can exist; national numbers in the groups \
                that larger countries use. Words before a number (`phone`, `call`, `order`) raise or drop doubt; \
                digits without separators need such a word. An extension belongs to the number.",
        matters: "A telephone number identifies a person, and is a way to reach and to impersonate them.",
        example: "`call (415) 555-0132` becomes `call <PHONE_NUMBER_1>`.",
        fix: "Mask it before it reaches a model that need not know it; restore it in the answer with `restore: true`.",
        limits: "Numbers in letters (`1-800-FLOWERS`), short codes, and digits without separators or a word before \
                 them are not found. Whether a number is in service is not known. Part numbers in the shape of a \
                 national number are taken for one unless a word such as `part` or `order` stands before them.",
    },
    references: &[
        Reference::Spec("ITU-T E.164"),
        Reference::Spec("North American Numbering Plan"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "call (415) 555-0132 today",
        "415-555-0132",
        "1-415-555-0132 ext. 12",
        "+1 415 555 0132",
        "+14155550132",
        "+44 (0)20 7946 0958",
        "London 020 7946 0958",
        "0049 30 1234567",
        "+33 1 42 68 53 00, thanks",
        "06.12.34.56.78",
        "My Japanese number is 090-1234-5678",
        "(11) 98456-5666",
        "0532 123 45 67",
        "0 (532) 123 45 67",
        "8 (912) 345-67-89",
        "138-1234-5678",
        "{\"phone\": \"4155550132\"}",
        "我的电话是13812345678。",
        "mobile no. 01632960001",
        "tel:415.555.0132",
        "call 555-0132",
        "555-123-4567",
        "call 123-456-7890",
        "4 1 5 - 5 5 5 - 0 1 3 2",
        "%2B14155550132",
        "415-555-0132 415-555-0133",
    ],
    passes: &[
        "00000ed0: 0800 0000 0000 0000 3cbf 0100 0000 0000",
        "4155550132",
        "123-456-7890",
        "2024-05-01 10:20:30",
        "01.02.2024 10.30",
        "call 2024-05-01",
        "version 10.15.7.1042",
        "order 415-555-0132",
        "invoice no. 0123 456 789",
        "4111 1111 1111 1111",
        "ISBN 978-0-306-40615-7",
        "123-45-6789",
        "1,234,567.89",
        "1234 5678 9012 3456 7890",
        "123e4567-e89b-12d3-a456-426614174000",
        "part 0415-555-013",
        "(115) 555-0132",
        "415-111-0132",
        "+28 123 456 789",
        "+1000000 users",
        "GMT+0200",
        "192.168.100.1000",
        "0.4155550132",
        "01 02 2024 10 30",
        "the number 1234567890",
        "415-555-0132-77",
        "x415-555-0132",
    ],
};

/// Bytes read ahead of the first digit: seven groups of fifteen digits, and what decides the end.
const CAP_BYTES: usize = 48;
/// Most groups of a number with country code and a trunk zero in brackets.
const GROUPS: usize = 8;
/// Most digits read: fifteen, two of an international prefix, and one that is too many.
const MAX_DIGITS: usize = 18;

/// A run of digits, and what follows it when another run does.
struct Group {
    start: usize,
    end: usize,
    gap: Option<Gap>,
}

/// The run of digits from which a number is read.
struct Candidate<'a> {
    bytes: &'a [u8],
    cursor: Cursor<'a>,
    groups: SmallVec<[Group; GROUPS]>,
}

struct Number {
    start: usize,
    end: usize,
    score: f32,
}

/// What stands before a number.
#[derive(PartialEq, Eq)]
enum Left {
    Free,
    /// A number and one space.
    Spaced,
    Blocked,
}

/// Score of eleven digits with a trunk prefix, alone.
const PREFIXED_SCORE: f32 = 0.2;

impl Detector for PhoneNumber {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for run in view.digit_runs() {
            let before = |back| byte_before(bytes, run.start, back);
            // The furthest byte that a number could begin with: `(+` or `+(` or one of the two.
            let start = match (before(2), before(1)) {
                (Some(b'('), Some(b'+')) | (Some(b'+'), Some(b'(')) => run.start - 2,
                (_, Some(b'+' | b'(')) => run.start - 1,
                _ => run.start,
            };
            let mut candidate = Candidate::new(bytes, run.start);
            let number = if bytes.get(start..run.start).unwrap_or_default().contains(&b'+') {
                candidate.international(start)
            } else {
                candidate.national(start)
            };
            if candidate.cursor.starved() {
                findings.undecided(start);
            }
            if let Some(number) = number {
                findings.push(number.start, number.end, number.score);
            }
        }
        let open =
            bytes.iter().rev().take(2).take_while(|byte| matches!(byte, b'+' | b'(')).count();
        findings.undecided(bytes.len() - open);
    }
}

impl<'a> Candidate<'a> {
    /// Reads the groups of digits from `start`.
    fn new(bytes: &'a [u8], start: usize) -> Self {
        let mut cursor = Cursor::new(bytes, start, CAP_BYTES);
        let mut groups: SmallVec<[Group; GROUPS]> = SmallVec::new();
        let mut total = 0;
        while groups.len() < GROUPS && total < MAX_DIGITS {
            let start = cursor.at();
            let len = cursor.run(MAX_DIGITS - total, |byte| byte.is_ascii_digit()).len();
            total += len;
            let end = cursor.at();
            let gap = gap(&mut cursor)
                .filter(|_| cursor.peek().is_some_and(|byte| byte.is_ascii_digit()));
            groups.push(Group { start, end, gap });
            if gap.is_none() {
                cursor.rewind(end);
                break;
            }
        }
        Self { bytes, cursor, groups }
    }

    /// A number after `+`. `start` is the plus, or a bracket beside it.
    fn international(&mut self, start: usize) -> Option<Number> {
        let plus = start + usize::from(self.bytes.get(start) == Some(&b'('));
        let bracketed = self.groups.first()?.gap == Some(Gap::Close);
        let start = if bracketed { start } else { plus };
        if glued_before(self.bytes, start) || byte_before(self.bytes, start, 1) == Some(b'+') {
            return None;
        }
        (1..=self.groups.len()).rev().find_map(|count| {
            let digits = self.digits(count);
            let whole = count > 1 || self.groups.first()?.gap != Some(Gap::Dot);
            (whole && self.has_country(0, 0) && phone::is_international(&digits))
                .then(|| self.end_of(count))
                .flatten()
                .map(|end| Number { start, end, score: 0.95 })
        })
    }

    /// Whether the group at `index`, less `skip` digits, holds a whole country code. The code 1
    /// stands alone, before an area code, or before everything.
    fn has_country(&self, index: usize, skip: usize) -> bool {
        let Some(group) = self.groups.get(index) else { return false };
        let all: SmallVec<[u8; 24]> =
            self.groups.iter().skip(index).flat_map(|group| self.text(group)).copied().collect();
        let number = all.get(skip..).unwrap_or_default();
        let here = (group.end - group.start).saturating_sub(skip);
        let Some(len) = phone::country_code_len(number) else { return false };
        here >= len && (number.first() != Some(&b'1') || matches!(here, 1 | 4 | 7 | 11))
    }

    fn text(&self, group: &Group) -> &'a [u8] {
        self.bytes.get(group.start..group.end).unwrap_or_default()
    }

    /// Digits of the first groups, without a trunk zero in brackets after the country code.
    fn digits(&self, count: usize) -> SmallVec<[u8; 24]> {
        let groups = self.groups.get(..count).unwrap_or_default();
        let mut before = None;
        let mut digits = SmallVec::new();
        for (index, group) in groups.iter().enumerate() {
            let text = self.text(group);
            let trunk = text == b"0"
                && index > 0
                && before == Some(Gap::Open)
                && group.gap == Some(Gap::Close);
            if !trunk {
                digits.extend_from_slice(text);
            }
            before = group.gap;
        }
        digits
    }

    /// A number without `+`. `start` is its first digit, or a bracket before it.
    fn national(&mut self, start: usize) -> Option<Number> {
        let first = self.groups.first()?;
        let bracket = first.gap == Some(Gap::Close) && start < first.start;
        let start = if bracket { start } else { first.start };
        let left = self.left(start, bracket);
        if left == Left::Blocked {
            return None;
        }
        let total: usize = self.groups.iter().map(|group| group.end - group.start).sum();
        if total < *phone::DIGITS.start() {
            return None;
        }
        let (context, near) = phone::context(self.bytes, start);
        if context == Context::Other {
            return None;
        }
        (1..=self.groups.len()).rev().find_map(|count| {
            let score = self.score(count, bracket, context, near)?;
            // An exchange and a line after something else are the end of a longer number.
            let local = count == 2 && left != Left::Free;
            let labelled = context == Context::Label && near;
            let groups = self.groups.get(..count).unwrap_or_default();
            let spaced = groups.iter().rev().skip(1).any(|group| group.gap == Some(Gap::Space));
            let crowded = match groups.last()?.gap {
                Some(Gap::Dash | Gap::Dot) => return None,
                Some(Gap::Space) => spaced,
                _ => false,
            };
            let beside = left == Left::Spaced && (spaced || count == 1);
            if local || ((crowded || beside) && !labelled) {
                return None;
            }
            self.end_of(count).map(|end| Number { start, end, score })
        })
    }

    fn score(&self, count: usize, bracket: bool, context: Context, near: bool) -> Option<f32> {
        let groups = self.groups.get(..count).unwrap_or_default();
        let lengths: SmallVec<[usize; GROUPS]> =
            groups.iter().map(|group| group.end - group.start).collect();
        let gaps: SmallVec<[Gap; GROUPS]> =
            groups.iter().take(count - 1).filter_map(|group| group.gap).collect();
        let digits = self.digits(count);
        // A table or a dump; subscribers have other numbers.
        if digits.ends_with(b"0000000") {
            return None;
        }
        let labelled = context == Context::Label && near;
        let hinted = context != Context::None;
        let base = if let Some(prefix) = self.exit_prefix(&digits, &lengths) {
            let number = digits.get(prefix..).unwrap_or_default();
            (phone::is_international(number) && (count > 1 || hinted)).then_some(0.75)
        } else if count == 1 {
            let shaped = hinted && phone::is_bare_national(&digits);
            shaped.then_some(0.6)
        } else {
            phone::national(&lengths, &gaps, &digits, bracket)
        };
        let base = base.or_else(|| {
            let dialled = hinted && phone::is_dialled(&lengths, &gaps, &digits);
            let any = labelled && (7..=13).contains(&digits.len());
            let date = phone::is_date(&lengths, &digits);
            (!date && (dialled || any)).then_some(0.55)
        });
        // `09171234567`: with the prefix of calls within a country.
        let prefixed = || count == 1 && digits.len() == 11 && phone::is_bare_national(&digits);
        let base =
            base.or_else(|| (digits.starts_with(b"0") && prefixed()).then_some(PREFIXED_SCORE));
        base.map(|base| if hinted && count > 1 { base + 0.2 } else { base })
    }

    /// Length of the prefix for international calls with which the digits begin: `00`, or `011`
    /// when it stands alone.
    fn exit_prefix(&self, digits: &[u8], lengths: &[usize]) -> Option<usize> {
        let first = *lengths.first()?;
        let (prefix, index) = match digits {
            [b'0', b'0', ..] => (2, usize::from(first == 2)),
            [b'0', b'1', b'1', ..] if first == 3 => (3, 1),
            _ => return None,
        };
        let skip = if index == 0 { prefix } else { 0 };
        self.has_country(index, skip).then_some(prefix)
    }

    fn left(&self, start: usize, bracket: bool) -> Left {
        let before = |back| byte_before(self.bytes, start, back);
        let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
        let Some(byte) = before(1) else { return Left::Free };
        let separator = matches!(byte, b' ' | b'-');
        if (bracket || separator) && self.is_prefix(start - usize::from(separator)) {
            return Left::Blocked;
        }
        match byte {
            b' ' if digit(before(2)) => Left::Spaced,
            b' ' if before(2) == Some(b')') && digit(before(3)) => Left::Spaced,
            b'-' | b'/' if before(2).is_some_and(is_glue) => Left::Blocked,
            b'.' | b':' | b')' if digit(before(2)) => Left::Blocked,
            b'+' | b'$' => Left::Blocked,
            byte if is_glue(byte) => Left::Blocked,
            _ => Left::Free,
        }
    }

    /// Whether a country code after `+`, or the prefix 1, ends at `at`: the number began there.
    fn is_prefix(&self, at: usize) -> bool {
        let digits = self.bytes.iter().take(at).rev().take(4);
        let run = digits.take_while(|byte| byte.is_ascii_digit()).count();
        let lone =
            self.bytes.get(at - run..at) == Some(b"1") && !glued_before(self.bytes, at - run);
        let plus = byte_before(self.bytes, at - run, 1) == Some(b'+');
        lone || (plus && (1..=3).contains(&run))
    }

    /// End of the number after this many groups, with its extension; `None` when a word or another
    /// number is glued to it.
    fn end_of(&mut self, count: usize) -> Option<usize> {
        let group = self.groups.get(count - 1)?;
        let end = group.end;
        if group.gap.is_some() {
            return Some(end);
        }
        let cursor = &mut self.cursor;
        cursor.rewind(end);
        if let Some(end) = extension(cursor) {
            return Some(end);
        }
        cursor.rewind(end);
        let fits = match cursor.next() {
            Some(b'-' | b'/' | b':') => !cursor.peek().is_some_and(is_glue),
            Some(b'%') => false,
            Some(byte) => !is_glue(byte),
            None => true,
        };
        fits.then_some(end)
    }
}

/// Takes what may stand between two groups.
fn gap(cursor: &mut Cursor<'_>) -> Option<Gap> {
    let gap = match cursor.peek()? {
        b' ' => Gap::Space,
        b'-' => Gap::Dash,
        b'.' => Gap::Dot,
        b'/' => Gap::Slash,
        b'(' => Gap::Open,
        b')' => Gap::Close,
        _ => return None,
    };
    cursor.next();
    match gap {
        Gap::Space | Gap::Dash if cursor.eat(b'(') => Some(Gap::Open),
        Gap::Close => {
            cursor.eat_if(|byte| matches!(byte, b' ' | b'-' | b'.' | b'/'));
            Some(Gap::Close)
        }
        gap => Some(gap),
    }
}

/// Takes an extension: `x12`, `ext. 12`, `#12`.
fn extension(cursor: &mut Cursor<'_>) -> Option<usize> {
    cursor.eat(b' ');
    let named = cursor.eat(b'#')
        || cursor.eat_word("extension")
        || cursor.eat_word("ext")
        || cursor.eat_if(|byte| matches!(byte, b'x' | b'X'));
    if !named {
        return None;
    }
    cursor.eat(b'.');
    cursor.eat(b' ');
    let digits = cursor.run(6, |byte| byte.is_ascii_digit());
    let end = cursor.at();
    (!digits.is_empty() && !cursor.peek().is_some_and(is_glue)).then_some(end)
}
