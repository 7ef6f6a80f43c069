//! Phrases: a rare literal that the engine looks for, and a pattern that must match where it
//! stands.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use super::Sink;
use super::context;
use crate::detector::Hit;

/// What must stand before an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Anything.
    Any,
    /// No letter or digit.
    Word,
    /// No letter or digit, and words that turn the phrase into a mention lower the score.
    Request,
    /// The start of a line; blanks and quotation marks may stand between.
    Line,
    /// The first column.
    Column,
    /// The start of the text, or an empty line.
    BlankLine,
}

/// A literal, a pattern, a score.
#[derive(Debug)]
pub(crate) struct Phrase {
    /// Literal at which the pattern starts; lowercase ASCII.
    pub(crate) anchor: &'static str,
    /// Regular expression that must match at the anchor, without case; empty for the anchor alone.
    pub(crate) pattern: &'static str,
    /// What must stand before.
    pub(crate) before: Before,
    /// Score of a match, 0..=1.
    pub(crate) score: f32,
}

/// Bytes from the anchor that a pattern may read.
const REACH: usize = 160;

/// Compiled phrases.
pub(crate) struct Phrases {
    /// Each pattern is compiled where its anchor first occurs, which is rare.
    compiled: Vec<(&'static Phrase, OnceLock<Option<Regex>>)>,
}

impl Phrases {
    pub(crate) fn new(phrases: &'static [Phrase]) -> Self {
        Self { compiled: phrases.iter().map(|phrase| (phrase, OnceLock::new())).collect() }
    }

    /// The literals, in order.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = String> {
        self.compiled.iter().map(|(phrase, _)| phrase.anchor.to_owned())
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.compiled.len()
    }

    /// Tries the phrase with this index where its anchor occurs.
    pub(crate) fn check(&self, index: usize, text: &str, hit: &Hit, sink: &mut dyn Sink) {
        let Some((phrase, pattern)) = self.compiled.get(index) else { return };
        let before = text.get(..hit.start).unwrap_or_default();
        if !stands(phrase.before, before) {
            return;
        }
        let from = text.ceil_char_boundary(hit.start.saturating_sub(super::LOOK_BEHIND));
        let weight = if phrase.before == Before::Request {
            context::weight(text.get(from..hit.start).unwrap_or_default(), "")
        } else {
            1.0
        };
        if phrase.pattern.is_empty() {
            sink.found(hit.start, hit.end, phrase.score * weight);
            return;
        }
        let limit = hit.start + REACH;
        if limit >= text.len() {
            sink.undecided(hit.start);
        }
        let end = text.floor_char_boundary(limit.min(text.len()));
        let part = text.get(hit.start..end).unwrap_or_default();
        let pattern = pattern.get_or_init(|| compiled(phrase.pattern));
        let found = pattern.as_ref().and_then(|pattern| pattern.find(part));
        if let Some(found) = found
            && weight > 0.0
        {
            sink.found(hit.start, hit.start + found.end(), phrase.score * weight);
        }
    }
}

/// None for a pattern that is none, which tests refuse.
fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})"))
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .build()
        .ok()
}

fn stands(wanted: Before, before: &str) -> bool {
    match wanted {
        Before::Any => true,
        Before::Word | Before::Request => {
            !before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
        }
        Before::Line => {
            let rest = trimmed(before, &[' ', '\t', '"', '\'', '`', '>', '*', '#', '[', '-', '=']);
            rest.is_empty() || rest.ends_with('\n')
        }
        Before::Column => before.is_empty() || before.ends_with('\n'),
        Before::BlankLine => {
            let rest = trimmed(before, &[' ', '\t', '*', '#']);
            rest.is_empty() || rest.ends_with("\n\n") || rest.ends_with("\n\r\n")
        }
    }
}

/// `before` without at most sixteen trailing characters of `marks`.
fn trimmed<'t>(before: &'t str, marks: &[char]) -> &'t str {
    let mut rest = before;
    for _ in 0..16 {
        match rest.strip_suffix(marks) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_recognised() {
        assert!(stands(Before::Line, "text\n  > "));
        assert!(!stands(Before::Line, "text: "));
        assert!(stands(Before::BlankLine, "text\n\n"));
        assert!(!stands(Before::BlankLine, "text\n"));
        assert!(!stands(Before::Word, "x"));
    }

    #[test]
    fn every_pattern_compiles() {
        for intent in [&super::super::OVERRIDE, &super::super::EXTRACTION, &super::super::PERSONA] {
            for (phrase, _) in &intent.phrases.compiled {
                assert!(compiled(phrase.pattern).is_some(), "{phrase:?}");
            }
        }
    }
}
