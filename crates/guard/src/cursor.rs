//! Reading forward from an anchor, and knowing whether the answer may still change.
//!
//! A detector verifies around its anchors with a [`Cursor`]. The cursor notes when it was asked for
//! a byte that has not arrived. What was decided without such a question is final on a growing
//! text; what was not, the detector reports as undecided.

use crate::detector::Findings;
use crate::text::View;

/// A bounded forward reader.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    limit: usize,
    starved: bool,
}

impl<'a> Cursor<'a> {
    /// A cursor at byte `at` that reads at most `cap_bytes`.
    pub(crate) const fn new(bytes: &'a [u8], at: usize, cap_bytes: usize) -> Self {
        Self { bytes, at, limit: at.saturating_add(cap_bytes), starved: false }
    }

    /// Place of the next byte.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Whether a byte past the end of the text was asked for.
    pub(crate) const fn starved(&self) -> bool {
        self.starved
    }

    /// The next byte; `None` at the end of the text and at the cap.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        if self.at >= self.limit {
            return None;
        }
        let byte = self.bytes.get(self.at).copied();
        self.starved |= byte.is_none();
        byte
    }

    /// Takes the next byte.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes the next byte when it is the given one.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        self.eat_if(|next| next == byte)
    }

    /// Takes the next byte when the test holds.
    pub(crate) fn eat_if(&mut self, test: impl Fn(u8) -> bool) -> bool {
        let fits = self.peek().is_some_and(test);
        self.at += usize::from(fits);
        fits
    }

    /// Takes the word in any case, whole or not at all.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let start = self.at;
        let whole = word.bytes().all(|byte| self.eat_if(|next| next.eq_ignore_ascii_case(&byte)));
        if !whole {
            self.at = start;
        }
        whole
    }

    /// Takes bytes while the test holds, at most `max`.
    pub(crate) fn run(&mut self, max: usize, test: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        while self.at - start < max && self.eat_if(&test) {}
        self.since(start)
    }

    /// Takes white space, at most `max` bytes.
    pub(crate) fn spaces(&mut self, max: usize) -> usize {
        self.run(max, |byte| byte.is_ascii_whitespace()).len()
    }

    /// The bytes from `start` to the cursor.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Goes back to a place the cursor has been at.
    pub(crate) const fn rewind(&mut self, at: usize) {
        self.at = at;
    }
}

/// Reads a number at every run of digits of the view. `find` gives the end and the score of what
/// begins at its cursor, which reads at most `cap_bytes`.
pub(crate) fn at_numbers(
    view: &View<'_>,
    cap_bytes: usize,
    findings: &mut Findings<'_>,
    find: impl Fn(&[u8], &mut Cursor<'_>) -> Option<(usize, f32)>,
) {
    let bytes = view.bytes();
    for run in view.digit_runs() {
        let mut cursor = Cursor::new(bytes, run.start, cap_bytes);
        let found = find(bytes, &mut cursor);
        if cursor.starved() {
            findings.undecided(run.start);
        }
        if let Some((end, score)) = found {
            findings.push(run.start, end, score);
        }
    }
}

/// Up to `max` bytes before `at`.
pub(crate) fn before(bytes: &[u8], at: usize, max: usize) -> &[u8] {
    bytes.get(at.saturating_sub(max)..at).unwrap_or_default()
}

/// Whether `part` occurs in `text`, in any case of its ASCII letters.
pub(crate) fn contains_any_case(text: &[u8], part: &str) -> bool {
    text.windows(part.len().max(1)).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_only_questions_past_the_end() {
        let mut cursor = Cursor::new(b"abc=", 0, 64);
        assert_eq!(cursor.run(8, |byte| byte.is_ascii_alphabetic()), b"abc");
        assert!(cursor.eat(b'=') && !cursor.starved());
        assert_eq!(cursor.peek(), None);
        assert!(cursor.starved());
    }

    #[test]
    fn stops_at_the_cap_without_asking() {
        let mut cursor = Cursor::new(b"abcdef", 1, 3);
        assert_eq!(cursor.run(8, |_| true), b"bcd");
        assert!(!cursor.starved());
        let mut cursor = Cursor::new(b"abc", 0, 8);
        assert_eq!(cursor.run(3, |_| true), b"abc");
        assert!(!cursor.starved());
    }

    #[test]
    fn takes_words_whole() {
        let mut cursor = Cursor::new(b"BeginX", 0, 8);
        assert!(cursor.eat_word("begin") && !cursor.eat_word("yz"));
        assert_eq!(cursor.at(), 5);
        assert!(!cursor.eat_word("xyz") && cursor.starved());
        assert_eq!(before(b"abc", 2, 8), b"ab");
        assert!(contains_any_case(b"an eXample", "Example") && !contains_any_case(b"", "x"));
    }
}
