//! What an answer states, and whether the context holds it.
//!
//! Whether something is a claim is decided by a bounded number of bytes around it, so that a stream tells
//! what the whole tells.

use crate::context_index::number::{self, Number};
use crate::context_index::{ContextIndex, PHRASE_WORDS, words};
use crate::cursor::before;
use crate::text::View;

/// Most bytes before a claim that decide about it.
pub(super) const LOOK_BEHIND: usize = 128;
/// Longest quotation that is judged, in bytes.
const MAX_QUOTE_BYTES: usize = 400;
/// Longest name that is judged, in words, and in bytes.
const MAX_NAME_WORDS: usize = 6;
const MAX_NAME_BYTES: usize = 160;
/// Longest word of a name, in bytes.
const MAX_WORD_BYTES: usize = 40;

/// Something that an answer states.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) score: f32,
    pub(super) label: &'static str,
    pub(super) is_missing: bool,
    /// Whether more text could change any of that.
    pub(super) is_open: bool,
}

/// Figures.
pub(super) fn figures(view: &View<'_>, context: &ContextIndex, note: &mut impl FnMut(Claim)) {
    let bytes = view.bytes();
    for run in view.digit_runs() {
        if !begins_figure(bytes, run.start) {
            continue;
        }
        let number = Number::read(bytes, run.start);
        let is_stated = !number.is_too_long()
            && !number.is_small()
            && !ends_in_word(bytes, number.end())
            && !is_mark(bytes, run.start, number.end());
        note(Claim {
            start: run.start,
            end: number.end(),
            score: 0.6,
            label: "UNSUPPORTED_FIGURE",
            is_missing: is_stated && !context.holds_number(&number),
            is_open: number.is_open(),
        });
    }
}

/// Whether no name, version, address or longer figure goes on at `start`.
fn begins_figure(bytes: &[u8], start: usize) -> bool {
    let lead = before(bytes, start, number::MAX_BYTES);
    let text = lead.iter().rev();
    let token: Vec<u8> = text
        .copied()
        .take_while(|byte| !byte.is_ascii_whitespace() && !b"([{<\"*|~=>+".contains(byte))
        .collect();
    let Some(last) = token.first() else {
        // A blank before it may join groups of three.
        return !joins_before(bytes, start);
    };
    if token.len() >= number::MAX_BYTES - 1 {
        return false;
    }
    let glued =
        |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"_/#@\\.".contains(byte);
    // `$5`, `-5` and `14:30` begin figures; `x-5`, `/5` and `1.5` do not.
    if glued(last) {
        return false;
    }
    let behind = token.get(1);
    match last {
        b'-' => {
            !behind.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b'/')
        }
        b',' | b'\'' => !behind.is_some_and(u8::is_ascii_digit),
        _ => !token.iter().any(|byte| matches!(byte, b'/' | b'_' | b'@')),
    }
}

/// Whether the digits at `start` are the second or a later group of a figure such as `12 345`.
fn joins_before(bytes: &[u8], start: usize) -> bool {
    let lead = before(bytes, start, 5);
    let (Some(b' '), Some(rest)) = (lead.last(), lead.get(..lead.len().saturating_sub(1))) else {
        return false;
    };
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let own = bytes
        .get(start..)
        .unwrap_or_default()
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    (1..=3).contains(&digits) && own == 3
}

/// Whether letters that are no unit follow at once.
fn ends_in_word(bytes: &[u8], end: usize) -> bool {
    let rest = bytes.get(end..).unwrap_or_default();
    let letters = rest.iter().take(5).take_while(|byte| byte.is_ascii_alphabetic()).count();
    letters > 3 || rest.first().is_some_and(|byte| matches!(byte, b'_' | b'@' | b'\\'))
}

/// Whether it numbers an entry of a list, or stands in brackets as the mark of a footnote.
fn is_mark(bytes: &[u8], start: usize, end: usize) -> bool {
    let lead = before(bytes, start, 16);
    let next = bytes.get(end);
    if lead.last() == Some(&b'[') {
        return next == Some(&b']');
    }
    let line = lead.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let begins_line = line.len() < 16 && line.iter().all(|byte| b" \t>*#-".contains(byte));
    let is_first = start == line.len() || lead.len() > line.len();
    end - start <= 3 && begins_line && is_first && matches!(next, Some(b'.' | b')' | b':'))
}

/// Quotations.
pub(super) fn quotations(text: &str, context: &ContextIndex, note: &mut impl FnMut(Claim)) {
    let bytes = text.as_bytes();
    for quote in memchr::memchr_iter(b'"', bytes) {
        if !opens_quote(bytes, quote) {
            continue;
        }
        let start = quote + 1;
        let rest = bytes.get(start..).unwrap_or_default();
        let near = rest.get(..MAX_QUOTE_BYTES.min(rest.len())).unwrap_or_default();
        let len = near.iter().position(|byte| matches!(byte, b'"' | b'\n'));
        let Some(len) = len else {
            if near.len() < MAX_QUOTE_BYTES {
                let label = "UNSUPPORTED_QUOTE";
                note(Claim {
                    start,
                    end: start,
                    score: 0.0,
                    label,
                    is_missing: false,
                    is_open: true,
                });
            }
            continue;
        };
        let quoted = text.get(start..start + len).unwrap_or_default();
        let closes = near.get(len) == Some(&b'"');
        let is_long = words(quoted).count() >= PHRASE_WORDS;
        let is_prose = !quoted.contains(['{', '}', '<', '>', '=', ';', '\\', '/']);
        // What is left out between is left out of the comparison, too.
        let holds = || {
            quoted
                .split("...")
                .flat_map(|part| part.split('['))
                .all(|part| context.holds_phrase(part))
        };
        note(Claim {
            start,
            end: start + len,
            score: 0.7,
            label: "UNSUPPORTED_QUOTE",
            is_missing: closes && is_long && is_prose && !holds(),
            // The byte behind the quotation mark is not asked for.
            is_open: false,
        });
    }
}

/// Whether a quotation may begin here: behind a blank, and not as the value of a member or an argument.
fn opens_quote(bytes: &[u8], quote: usize) -> bool {
    let lead = before(bytes, quote, 24);
    let Some(last) = lead.last() else { return true };
    if !last.is_ascii_whitespace() && !b"(*_>".contains(last) {
        return false;
    }
    let trimmed = lead.trim_ascii_end();
    !matches!(trimmed, [.., b'"', b':'] | [.., b'=' | b'[' | b'{' | b','])
}

/// Words with a capital that name nobody.
const NO_NAMES: &[&str] = &[
    "and",
    "april",
    "august",
    "december",
    "february",
    "friday",
    "i",
    "january",
    "july",
    "june",
    "march",
    "may",
    "monday",
    "november",
    "october",
    "saturday",
    "september",
    "sunday",
    "the",
    "thursday",
    "tuesday",
    "wednesday",
];

/// Names: words with a capital in a row, in the middle of a sentence.
pub(super) fn names(text: &str, context: &ContextIndex, note: &mut impl FnMut(Claim)) {
    let bytes = text.as_bytes();
    for (at, c) in text.char_indices() {
        if !c.is_uppercase() || !is_within_sentence(text, at) {
            continue;
        }
        let mut end = at;
        let mut count = 0;
        let mut missing = 0;
        let mut known = false;
        let mut is_open = false;
        loop {
            let rest = text.get(end..).unwrap_or_default();
            let len = word_len(rest);
            is_open |= end + len >= bytes.len();
            let word = rest.get(..len).unwrap_or_default();
            let plain = word.strip_suffix("'s").unwrap_or(word);
            let lower = plain.to_lowercase();
            count += 1;
            let names_nobody = NO_NAMES.contains(&lower.as_str())
                || len > MAX_WORD_BYTES
                || plain.chars().count() < 2;
            let mut parts = plain.split(['-', '\'']).chain([plain]);
            if names_nobody || parts.any(|part| context.holds_word(part)) {
                known = true;
            } else {
                missing += 1;
            }
            end += len;
            let next = text.get(end..).unwrap_or_default();
            let goes_on =
                next.strip_prefix(' ').is_some_and(|next| next.starts_with(char::is_uppercase));
            is_open |= next.len() < 5;
            if !goes_on || count == MAX_NAME_WORDS || end - at > MAX_NAME_BYTES {
                break;
            }
            end += 1;
        }
        // Capitals alone are abbreviations.
        let has_small = text.get(at..end).is_some_and(|name| name.chars().any(char::is_lowercase));
        note(Claim {
            start: at,
            end,
            score: if count > 1 { 0.55 } else { 0.4 },
            label: "UNSUPPORTED_NAME",
            is_missing: missing > 0 && !known && has_small,
            is_open,
        });
    }
}

/// Whether a word begins at `at` behind a small word or a comma on the same line, one blank apart.
fn is_within_sentence(text: &str, at: usize) -> bool {
    let lead = text.get(..at).unwrap_or_default();
    let Some(lead) = lead.strip_suffix(' ') else { return false };
    let from = lead.floor_char_boundary(lead.len().saturating_sub(MAX_WORD_BYTES));
    let near = lead.get(from..).unwrap_or_default();
    let near = near.strip_suffix(',').unwrap_or(near);
    let word_start = near.rfind(|c: char| !c.is_alphanumeric() && c != '\'').map_or(0, |at| {
        at + near.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    let word = near.get(word_start..).unwrap_or_default();
    word.starts_with(char::is_lowercase)
}

/// Bytes of the word at the start, one more than may be where it is longer.
fn word_len(text: &str) -> usize {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '-');
    let mut len = 0;
    for c in text.chars() {
        if !in_word(c) || len > MAX_WORD_BYTES {
            break;
        }
        len += c.len_utf8();
    }
    len
}
