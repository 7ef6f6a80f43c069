//! Names of persons, organisations and places, and postal addresses, in running text and in data.
//!
//! Each token is judged by itself from four neighbours on either side, so that a part of a text can
//! be judged without the rest of it: [`Tagger::tag`] says how far its judgement is final. What the
//! tokens are is decided in [`token`], what is seen of them in [`features`], what that says in
//! [`weights`], and how tokens make up names in `spans`. Nothing here knows requests or policies.

pub mod features;
pub mod file;
mod fold;
pub mod gazetteer;
mod hash;
mod marks;
mod spans;
pub mod token;
pub mod weights;

use features::features;
use gazetteer::Gazetteer;
use token::{Token, tokens};
use weights::{TAGS, WIDTH, Weights};

pub use spans::{Found, RUN_BYTES};

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// A person.
    Person,
    /// A company, authority, club, school.
    Organization,
    /// A city, country, region, square.
    Place,
    /// A postal address or a part of one with a street.
    Address,
}

impl Entity {
    /// All of them, in the order of the tags.
    pub const ALL: [Self; 4] = [Self::Person, Self::Organization, Self::Place, Self::Address];
}

/// Bytes before the start of a name that decide about it, at most.
pub const LOOK_BEHIND_BYTES: usize = 1000;
/// Bytes that are judged at once.
const BLOCK_BYTES: usize = 16 << 10;

/// A trained tagger.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagger {
    /// What it knows by heart.
    pub gazetteer: Gazetteer,
    /// What it has learned.
    pub weights: Weights,
}

/// What was found in a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tagged {
    /// By place, not overlapping.
    pub found: Vec<Found>,
    /// The first byte from which more text could change what is found; the length of the text when
    /// nothing could.
    pub open: usize,
}

impl Tagger {
    /// Finds names. `complete` says that the text ends here. Linear in the length of the text.
    pub fn tag(&self, text: &str, complete: bool) -> Tagged {
        let mut out = Tagged { found: Vec::new(), open: text.len() };
        let mut from = 0_usize;
        loop {
            let begin = text.floor_char_boundary(from.saturating_sub(LOOK_BEHIND_BYTES));
            let end = text.floor_char_boundary(from.saturating_add(BLOCK_BYTES)).max(from);
            let is_last = end == text.len();
            let block =
                self.tag_block(text.get(begin..end).unwrap_or_default(), is_last && complete);
            let shift = |found: Found| Found {
                start: found.start + begin,
                end: found.end + begin,
                ..found
            };
            let open = block.open + begin;
            let fresh = block.found.into_iter().map(shift);
            out.found.extend(
                fresh.filter(|found| found.start >= from && (is_last || found.start < open)),
            );
            if is_last || open <= from {
                out.open = open;
                return out;
            }
            from = open;
        }
    }

    fn tag_block(&self, text: &str, complete: bool) -> Tagged {
        let mut cut = tokens(text, complete);
        let mut out = Tagged { found: Vec::new(), open: text.len() };
        let mut start = 0;
        let last = cut.ends.len().saturating_sub(1);
        for (index, end) in cut.ends.iter().enumerate() {
            let Some(segment) = cut.tokens.get_mut(start..*end) else { continue };
            start = *end;
            self.gazetteer.mark(segment);
            let chances = |segment: &[Token], at: usize| self.chances(text, segment, at);
            let is_open = cut.is_open && index == last;
            if let Some(open) = spans::spans(text, segment, is_open, chances, &mut out.found) {
                out.open = open;
            }
        }
        out
    }

    /// The chances of the tags of a token.
    fn chances(&self, text: &str, segment: &[Token], at: usize) -> [f32; TAGS] {
        let mut sums = [0; WIDTH];
        features(text, segment, at, |_, hash| self.weights.add(hash, &mut sums));
        self.weights.chances(&sums)
    }
}

#[cfg(test)]
mod tests;
