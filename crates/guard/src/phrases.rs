//! Many fixed phrases looked for at once in a short stretch of text.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use smallvec::SmallVec;

/// A set of phrases, matched in any case of their ASCII letters.
pub(crate) struct Phrases {
    automaton: Option<AhoCorasick>,
}

impl Phrases {
    /// Compiles the phrases, which are few and short.
    pub(crate) fn new(phrases: &[&str]) -> Self {
        // Building fails only for sets of gigabytes; a test of each set guards its phrases.
        Self {
            automaton: AhoCorasickBuilder::new().ascii_case_insensitive(true).build(phrases).ok(),
        }
    }

    /// How many different phrases occur; counting stops at `enough`.
    pub(crate) fn count_in(&self, text: &[u8], enough: usize) -> usize {
        let mut seen: SmallVec<[usize; 4]> = SmallVec::new();
        let Some(automaton) = &self.automaton else { return 0 };
        for found in automaton.find_overlapping_iter(text) {
            let phrase = found.pattern().as_usize();
            if !seen.contains(&phrase) {
                seen.push(phrase);
            }
            if seen.len() >= enough {
                break;
            }
        }
        seen.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_different_phrases_in_any_case() {
        let phrases = Phrases::new(&["one", "two", "twofold"]);
        assert_eq!(phrases.count_in(b"ONE one oNe", 9), 1);
        assert_eq!(phrases.count_in(b"twofold", 9), 2);
        assert_eq!(phrases.count_in(b"one twofold", 1), 1);
        assert_eq!(phrases.count_in(b"", 1), 0);
    }
}
