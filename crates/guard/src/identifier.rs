//! Identifiers: numbers that somebody issued, told by shape, proof and the words before them.
//!
//! A detector for an identifier lists its shapes, proves what fits one of them, and names the words
//! that people write before it. The engine finds what fits any shape of any detector in one pass, so
//! that a hundred of them cost a text without digits nothing.

pub(crate) mod docs;
pub(crate) mod names;
pub(crate) mod shape;
pub(crate) mod topics;

use std::sync::OnceLock;

use bartizan_core::catalog::Meta;
use smallvec::SmallVec;

use crate::checks::byte_before;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(crate) use names::Names;
pub(crate) use topics::Topic;

/// How sure a number is what its shape says, alone and after a word that names it.
///
/// Alone, a number passes the usual threshold of 0.5 only when hardly anything else looks like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A shape of its own, and check digits that fit.
    Sure,
    /// A shape of its own, or a rarer one with a check digit that fits.
    Likely,
    /// Plain digits whose check digit fits, as it does for one number in ten.
    Checked,
    /// A shape that other things have too.
    Shaped,
    /// A shape that very many things have.
    Faint,
    /// What words and small numbers of a sentence make by chance (`is in 12`).
    Chance,
    /// Nothing without a word that names it.
    Named,
}

impl Proof {
    /// The better of two proofs by a test that may fail.
    pub(crate) const fn when(test: bool, passed: Self, failed: Self) -> Self {
        if test { passed } else { failed }
    }

    /// Score alone, and after a word that names the number.
    const fn scores(self) -> (Option<f32>, f32) {
        match self {
            Self::Sure => (Some(0.95), 1.0),
            Self::Likely => (Some(0.65), 0.95),
            Self::Checked => (Some(0.4), 0.9),
            Self::Shaped => (Some(0.25), 0.75),
            Self::Faint => (Some(0.05), 0.6),
            Self::Chance => (Some(0.05), 0.3),
            Self::Named => (None, 0.6),
        }
    }
}

/// Score alone of what another word or path is joined to with a dash or slash.
const JOINED_SCORE: f32 = 0.3;

/// Bytes of the longest number without separators.
const NUMBER_BYTES: usize = 36;

/// What fits a shape.
pub(crate) struct Number<'a> {
    /// As it stands in the text.
    pub(crate) text: &'a [u8],
    /// Index of the shape that it fits.
    pub(crate) shape: usize,
    chars: SmallVec<[u8; NUMBER_BYTES]>,
}

impl<'a> Number<'a> {
    fn new(text: &'a [u8], shape: usize) -> Self {
        let chars = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        Self { text, shape, chars: chars.map(u8::to_ascii_uppercase).collect() }
    }

    /// Letters in upper case and digits, without separators.
    pub(crate) fn chars(&self) -> &[u8] {
        &self.chars
    }

    /// Whether there is no small letter.
    pub(crate) fn is_upper(&self) -> bool {
        !self.text.iter().any(u8::is_ascii_lowercase)
    }

    /// Whether it is written in groups.
    pub(crate) fn is_grouped(&self) -> bool {
        self.text.len() > self.chars.len()
    }
}

/// A detector of one kind of identifier.
pub(crate) struct Identifier {
    pub(crate) meta: &'static Meta,
    /// See [`shape::Shape`].
    pub(crate) shapes: &'static [&'static str],
    /// What a number that fits a shape is worth, if anything.
    pub(crate) prove: fn(&Number<'_>) -> Option<Proof>,
    /// Kinds of words that name it.
    pub(crate) topics: &'static [Topic],
    /// Its own names; see [`names`].
    pub(crate) words: &'static [&'static str],
    pub(crate) names: OnceLock<Names>,
}

impl Detector for Identifier {
    fn meta(&self) -> &'static Meta {
        self.meta
    }

    fn look_behind(&self) -> usize {
        names::LOOK_BEHIND
    }

    fn shapes(&self) -> &'static [&'static str] {
        self.shapes
    }

    fn words(&self) -> &'static [&'static str] {
        self.words
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            let text = bytes.get(hit.start..hit.end).unwrap_or_default();
            let Some(proof) = (self.prove)(&Number::new(text, hit.literal)) else { continue };
            let (alone, named) = proof.scores();
            let own = self.names.get_or_init(|| names::of(self.meta.id, self.topics));
            let score = if view.names_before(hit.start).meet(own) {
                Some(named)
            } else if matches!(byte_before(bytes, hit.start, 1), Some(b'-' | b'/')) {
                alone.map(|score| score.min(JOINED_SCORE))
            } else {
                alone
            };
            if let Some(score) = score {
                findings.push(hit.start, hit.end, score);
            }
        }
    }
}

#[cfg(test)]
mod tests;
