//! Marks around and between words: which of them a name may hold, and which end it.
//!
//! What is found is often replaced, and a text in which a name has swallowed a quote, a bracket or a
//! comma between cells is no longer the JSON, CSV or SQL that it was.
//!
//! INVARIANT: every answer depends on a few tokens on either side.

use std::ops::Range;

use super::token::{Gap, Shape, Token};

/// Labels of placeholders that are one word. Those of several are known by the line between them.
const LABELS: [&str; 14] = [
    "ADDRESS",
    "CANARY",
    "CODE",
    "IMEI",
    "KEYWORD",
    "LINK",
    "LOCATION",
    "ORGANIZATION",
    "PASSWORD",
    "PATTERN",
    "PERSON",
    "SECRET",
    "URL",
    "VIN",
];

/// Whether a token may stand inside a name: a word, or a mark that separates no values.
pub(super) fn may_join(text: &str, segment: &[Token], at: usize) -> bool {
    let Some(token) = segment.get(at) else { return false };
    if token.shape != Shape::Mark {
        return true;
    }
    let after = segment.get(at + 1);
    match mark(text, Some(token)) {
        "." | "-" | "\u{2010}" | "\u{2011}" | "\u{2013}" | "/" | "#" | "&" | "+" | "\u{B0}"
        | "\u{B7}" | "\u{2116}" | "\u{3001}" | "\u{30FB}" | "\u{FF0C}" | "\u{FF0E}"
        | "\u{FF0F}" => true,
        // Without a blank behind it, a comma stands between cells.
        "," => after.is_none_or(|after| after.gap != Gap::None),
        // An apostrophe, not the end of a string.
        "'" | "\u{2019}" => {
            let before = at.checked_sub(1).and_then(|at| segment.get(at));
            token.gap == Gap::None
                && before.is_some_and(|before| before.shape != Shape::Mark)
                && after.is_some_and(|after| after.gap == Gap::None && after.shape != Shape::Mark)
        }
        _ => false,
    }
}

/// Whether a line goes on with what the line before it ends with: what stands around its end separates
/// no values.
pub(super) fn continues(text: &str, segment: &[Token], at: usize) -> bool {
    let near = at.saturating_sub(2)..at + 2;
    let is_word = segment.get(at).is_some_and(|token| token.shape != Shape::Mark);
    is_word
        && near.clone().all(|at| segment.get(at).is_none() || may_join(text, segment, at))
        && !near.into_iter().any(|at| ends_cell(text, segment, at))
}

/// Whether a tab stands before a token.
fn ends_cell(text: &str, segment: &[Token], at: usize) -> bool {
    let Some((before, token)) =
        at.checked_sub(1).and_then(|at| segment.get(at)).zip(segment.get(at))
    else {
        return false;
    };
    let blank = text.get(before.end..token.start).unwrap_or_default();
    token.gap == Gap::Line && (blank.contains(['\t', '\u{B}', '\u{C}']) || blank.contains("\\t"))
}

/// Whether tokens fill a cell of a table, a string or a line, where something else may take their
/// place. A bare number between other values may be one that only a number can replace.
pub(super) fn is_cell(text: &str, segment: &[Token], run: Range<usize>) -> bool {
    let Some(first) = segment.get(run.start) else { return false };
    let before = run.start.checked_sub(1).and_then(|at| segment.get(at));
    let after = segment.get(run.end);
    let begins_line = first.gap == Gap::Line;
    let ends_line = after.is_none_or(|after| after.gap == Gap::Line);
    match (mark(text, before), mark(text, after)) {
        ("\"", "\"") | ("'", "'") | ("|" | ";", "|" | ";") => true,
        ("|" | ";", _) if ends_line => true,
        (",", next) if next == "," || ends_line => {
            let cell = run.start.checked_sub(2).and_then(|at| segment.get(at));
            cell.is_some_and(|cell| cell.shape != Shape::Mark && !cell.shape.is_number())
        }
        _ => begins_line && ends_line,
    }
}

/// Whether a token is what takes the place of a value, as in `<PERSON_1>`.
pub(super) fn is_placeholder(text: &str, segment: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| segment.get(at));
    let (Some(token), after) = (segment.get(at), segment.get(at + 1)) else { return false };
    let word = text.get(token.start..token.end).unwrap_or_default();
    mark(text, before) == "<" && mark(text, after) == ">" && is_label(word)
}

fn is_label(word: &str) -> bool {
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    match word.rsplit_once('_') {
        Some((label, number)) => {
            let is_counted = !label.is_empty()
                && !number.is_empty()
                && number.chars().all(|c| c.is_ascii_digit());
            is_counted || word.chars().all(is_upper)
        }
        None => LABELS.iter().any(|label| label.eq_ignore_ascii_case(word)),
    }
}

/// The text of a mark; empty for what is none.
fn mark<'t>(text: &'t str, token: Option<&Token>) -> &'t str {
    token
        .filter(|token| token.shape == Shape::Mark)
        .and_then(|token| text.get(token.start..token.end))
        .unwrap_or_default()
}
