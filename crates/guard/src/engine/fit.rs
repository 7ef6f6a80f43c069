//! Fitting: a stretch to replace in a text that is JSON, cut so that the text stays JSON.
//!
//! Findings know nothing of JSON. One may begin at the `n` of `\n`, reach over the end of a string,
//! or be the digits of a number, where no placeholder may stand. Here a stretch is cut into pieces:
//! whole characters and escapes within strings, whole numbers outside. Everything between them, which
//! is quotes, brackets, commas and blanks, stays.

use bartizan_core::Span;
use smallvec::SmallVec;

use crate::text::json::{JsonScan, Step, is_scalar};
use crate::vault::{Place, as_json};

/// Most bytes of a number before and behind the digits that are found. No real one is longer; where
/// it is, or where something else stands before the digits, they become a `1`.
const MAX_NUMBER_BYTES: usize = 64;

/// A part of a stretch, replaced by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) span: Span,
    pub(super) fit: Fit,
    /// Whether it belongs to the name of a member, which must stay apart from others.
    pub(super) in_name: bool,
}

/// What stands at a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Text that is no JSON.
    Text,
    /// The inside of a string without escapes.
    Plain,
    /// The inside of a string with escapes.
    Escaped,
    /// A number or word outside of strings: what replaces it needs quotes.
    Scalar,
    /// Digits that cannot be replaced with what is around them.
    Digits,
}

impl Piece {
    /// What stands there, given the bytes.
    pub(super) fn value(self, bytes: &str) -> String {
        if self.fit != Fit::Escaped {
            return bytes.to_owned();
        }
        let mut scan = JsonScan::inside();
        let mut value = String::with_capacity(bytes.len());
        for c in bytes.chars() {
            let (stray_backslash, step) = scan.step(c);
            if stray_backslash {
                value.push('\\');
            }
            if let Step::Means(c) = step {
                value.push(c);
            }
        }
        value
    }

    /// What is put there for `text`.
    pub(super) fn replacement(self, text: &str) -> String {
        match self.fit {
            Fit::Text => text.to_owned(),
            Fit::Plain | Fit::Escaped => as_json(text),
            Fit::Scalar => format!("\"{}\"", as_json(text)),
            Fit::Digits => "1".to_owned(),
        }
    }
}

/// The pieces of one stretch, by place. None when it holds nothing that can be replaced.
pub(super) type Pieces = SmallVec<[Piece; 1]>;

/// A stretch of a text that is no JSON.
pub(super) fn whole(span: Span) -> Pieces {
    SmallVec::from_elem(Piece { span, fit: Fit::Text, in_name: false }, 1)
}

/// Fits stretches, which are sorted and apart, into a text with `before` before it. Spans count from
/// its start. The second value is the first byte whose fitting more text could change.
pub(super) fn fit(
    text: &str,
    before: &Place,
    spans: &[Span],
    complete: bool,
) -> (Vec<Pieces>, usize) {
    let mut open = text.len();
    if !before.json().may_be_json() {
        return (spans.iter().copied().map(whole).collect(), open);
    }
    if !complete {
        open = open_number(text);
    }
    if spans.is_empty() {
        return (Vec::new(), open);
    }
    let mut fitting =
        Fitting { text, spans, next: 0, fitted: vec![Pieces::new(); spans.len()], in_name: false };
    let undecided = fitting.read(before.json(), complete);
    (fitting.fitted, open.min(undecided))
}

/// Where the digits at the end of a text begin, since a number is replaced as a whole.
fn open_number(text: &str) -> usize {
    let in_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.');
    let len = text.bytes().rev().take(MAX_NUMBER_BYTES + 1).take_while(in_number).count();
    if len > MAX_NUMBER_BYTES { text.len() } else { text.len() - len }
}

struct Fitting<'a> {
    text: &'a str,
    spans: &'a [Span],
    /// First stretch that does not end before the character at hand.
    next: usize,
    fitted: Vec<Pieces>,
    /// Whether the character at hand belongs to the name of a member.
    in_name: bool,
}

impl Fitting<'_> {
    fn read(&mut self, mut scan: JsonScan, complete: bool) -> usize {
        // The escape at hand, and the scalar.
        let mut unit = 0;
        let mut scalar: Option<usize> = None;
        for (at, c) in self.text.char_indices() {
            let end = at + c.len_utf8();
            let was_in_string = scan.in_string();
            self.in_name = scan.in_name();
            if !scan.in_escape() {
                unit = at;
            }
            let (stray_backslash, step) = scan.step(c);
            let in_scalar = !was_in_string && scan.is_json() && is_scalar(c);
            if !in_scalar && let Some(start) = scalar.take() {
                self.scalar(Span::new(start, at));
            }
            if stray_backslash {
                // The characters of what is no escape stand for themselves.
                self.each_char(unit, at);
                unit = at;
            }
            match step {
                Step::Means(_) if was_in_string => self.take(Span::new(unit, end), Fit::Plain),
                Step::Means(_) if !scan.may_be_json() => {
                    self.take(Span::new(unit, end), Fit::Text);
                }
                Step::Means(_) if in_scalar => {
                    scalar.get_or_insert(at);
                }
                Step::Open | Step::Opens | Step::Closes | Step::Means(_) => {}
            }
            if scalar.is_none() && !scan.in_escape() && self.is_done(end) {
                return self.text.len();
            }
        }
        let tail = Span::new(scalar.unwrap_or(unit), self.text.len());
        if complete {
            match scalar {
                Some(_) => self.scalar(tail),
                None if scan.in_escape() => self.each_char(unit, self.text.len()),
                None => {}
            }
            return self.text.len();
        }
        let is_open = scalar.is_some() || scan.in_escape();
        let touched = self.spans.iter().skip(self.next).find(|span| span.overlaps(tail));
        touched.filter(|_| is_open).map_or(self.text.len(), |span| span.start)
    }

    /// Whether no stretch reaches beyond `end`.
    fn is_done(&mut self, end: usize) -> bool {
        while self.spans.get(self.next).is_some_and(|span| span.end <= end) {
            self.next += 1;
        }
        self.next == self.spans.len()
    }

    fn each_char(&mut self, from: usize, to: usize) {
        for (at, c) in self.text.get(from..to).unwrap_or_default().char_indices() {
            self.take(Span::new(from + at, from + at + c.len_utf8()), Fit::Plain);
        }
    }

    /// Takes a character or escape of a string, or a character of a text. One that a stretch begins in
    /// the middle of is no part of what was found.
    fn take(&mut self, unit: Span, fit: Fit) {
        let first = self.spans.partition_point(|span| span.end <= unit.start);
        let Some(span) = self.spans.get(first) else { return };
        if span.start > unit.start {
            return;
        }
        let fit = if unit.len() > 1 && self.text.as_bytes().get(unit.start) == Some(&b'\\') {
            Fit::Escaped
        } else {
            fit
        };
        let Some(pieces) = self.fitted.get_mut(first) else { return };
        match pieces.last_mut() {
            Some(last) if last.span.end == unit.start && last.fit != Fit::Scalar => {
                last.span.end = unit.end;
                if fit == Fit::Escaped {
                    last.fit = fit;
                }
            }
            _ => pieces.push(Piece { span: unit, fit, in_name: self.in_name }),
        }
    }

    /// Takes a number or word outside of strings. The first stretch in it takes it whole.
    fn scalar(&mut self, token: Span) {
        let first = self.spans.partition_point(|span| span.end <= token.start);
        let within = self.spans.iter().enumerate().skip(first);
        let within = within.take_while(|(_, span)| span.start < token.end);
        let mut is_taken = false;
        for (index, span) in within {
            let found = Span::new(span.start.max(token.start), span.end.min(token.end));
            let before = self.text.get(token.start..found.start).unwrap_or_default();
            let sign = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.');
            let is_whole = before.len() <= MAX_NUMBER_BYTES
                && before.bytes().all(sign)
                && token.end - found.end <= MAX_NUMBER_BYTES;
            let piece = if is_whole {
                Piece { span: token, fit: Fit::Scalar, in_name: false }
            } else {
                Piece { span: found, fit: Fit::Digits, in_name: false }
            };
            if let (false, Some(pieces)) = (is_taken, self.fitted.get_mut(index)) {
                pieces.push(piece);
            }
            is_taken |= is_whole;
        }
    }
}

#[cfg(test)]
mod tests;
