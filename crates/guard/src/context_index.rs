//! What the texts of a request say, ready to be asked whether they hold a figure, a word or a phrase.

pub(crate) mod number;

use std::hash::{BuildHasher as _, RandomState};

use crate::text::fold_to_string;
use number::Number;

/// Most bytes of all texts together. Of a request that holds more, no index is made: what is
/// missing in a part of the context may stand in the rest.
const MAX_BYTES: usize = 2 << 20;
/// Words of a phrase that is looked for at once.
pub(crate) const PHRASE_WORDS: usize = 4;
/// Figures that are combined with each other.
const MAX_COMBINED: usize = 16;

/// Largest ratio or share, in per cent, that an answer works out.
const MAX_SHARE: f64 = 1000.0;

/// An index over the texts of a request.
#[derive(Debug)]
pub struct ContextIndex {
    keys: RandomState,
    /// Figures, sorted.
    figures: Vec<f64>,
    /// Sums, differences and products of two of the first figures, sorted.
    combined: Vec<f64>,
    /// Ratios and shares of two of them, sorted.
    shares: Vec<f64>,
    /// Hashes of words and of phrases, sorted.
    words: Vec<u64>,
    phrases: Vec<u64>,
}

impl ContextIndex {
    /// Reads the texts; nothing where they are larger than 2 MiB together.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Self> {
        let mut index = Self {
            keys: RandomState::new(),
            figures: Vec::new(),
            combined: Vec::new(),
            shares: Vec::new(),
            words: Vec::new(),
            phrases: Vec::new(),
        };
        let mut bytes = 0usize;
        for text in texts {
            bytes = bytes.saturating_add(text.len());
            if bytes > MAX_BYTES {
                return None;
            }
            index.add(&fold_to_string(text));
        }
        index.combine();
        index.figures.sort_unstable_by(f64::total_cmp);
        index.figures.dedup();
        for hashes in [&mut index.words, &mut index.phrases] {
            hashes.sort_unstable();
            hashes.dedup();
        }
        Some(index)
    }

    fn add(&mut self, folded: &str) {
        let bytes = folded.as_bytes();
        let mut at = 0;
        while let Some(start) =
            bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit))
        {
            let number = Number::read(bytes, at + start);
            self.figures.extend(number.values());
            self.figures.extend(number.parts());
            at = number.end().max(at + start + 1);
        }
        let mut last: Vec<u64> = Vec::new();
        for (_, word) in words(folded) {
            let hash = self.hash(word);
            self.words.push(hash);
            if last.len() == PHRASE_WORDS {
                last.remove(0);
            }
            last.push(hash);
            if last.len() == PHRASE_WORDS {
                self.phrases.push(self.keys.hash_one(&last));
            }
        }
    }

    fn hash(&self, word: &str) -> u64 {
        self.keys.hash_one(word.to_lowercase())
    }

    /// Works out what two figures give.
    fn combine(&mut self) {
        let mut first: Vec<f64> = Vec::new();
        for figure in &self.figures {
            // Small numbers and years would give anything.
            let is_amount = *figure > 12.0 && !(1900.0..2100.0).contains(figure);
            if is_amount && first.len() < MAX_COMBINED && !first.contains(figure) {
                first.push(*figure);
            }
        }
        for one in &first {
            for other in &first {
                let share = 100.0 * one / other;
                self.combined.extend([
                    one + other,
                    (one - other).abs(),
                    one * other,
                    one * other / 100.0,
                ]);
                self.shares.extend([one / other, share, (share - 100.0).abs()]);
            }
        }
        for figures in [&mut self.combined, &mut self.shares] {
            figures.retain(|figure| figure.is_finite());
            figures.sort_unstable_by(f64::total_cmp);
            figures.dedup();
        }
    }

    /// Whether the texts hold this figure, one that is rounded to it, or two that give it.
    pub(crate) fn holds_number(&self, number: &Number) -> bool {
        let near = |figures: &[f64], value: f64, reach: f64| {
            let first = figures.partition_point(|figure| *figure < value - reach);
            figures.get(first).is_some_and(|figure| *figure <= value + reach)
        };
        let exact = |value: f64| value.abs() * 1e-9 + 1e-12;
        let stated = number.stated().any(|value| {
            let rounded = number.rounding(value).max(exact(value));
            // Of so many combinations one is near anything; only shares are rounded as a rule.
            let close = rounded.min(value.abs() * 0.005).max(exact(value));
            near(&self.figures, value, rounded)
                || (value < MAX_SHARE && near(&self.shares, value, close))
                || near(&self.combined, value, exact(value))
        });
        stated || {
            // A date with points, whose month may be a word in the text, or a list without blanks.
            let is_date = number.parts().count() > 2;
            let held = |part: f64| near(&self.figures, part, exact(part));
            number.may_be_several()
                && number.parts().any(held)
                && number.parts().all(|part| (is_date && part <= 12.0) || held(part))
        }
    }

    /// Whether the texts hold this word, in any case.
    pub(crate) fn holds_word(&self, word: &str) -> bool {
        self.words.binary_search(&self.hash(word)).is_ok()
    }

    /// Whether all words of a phrase follow each other in one of the texts, as far as any four in a row tell.
    pub(crate) fn holds_phrase(&self, phrase: &str) -> bool {
        let hashes: Vec<u64> = words(phrase).map(|(_, word)| self.hash(word)).collect();
        hashes
            .windows(PHRASE_WORDS)
            .all(|part| self.phrases.binary_search(&self.keys.hash_one(part.to_vec())).is_ok())
    }
}

/// The words of a text, each with its place: letters and digits, with apostrophes between them. Long ones are cut.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = |c: char| !(c.is_alphanumeric() || c == '\'');
    let mut at = 0;
    text.split(ends).filter_map(move |piece| {
        let start = at;
        // The character that ended it may take several bytes.
        let end = start + piece.len();
        at = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let word = piece.trim_matches('\'');
        let word = word.strip_suffix("'s").unwrap_or(word);
        let lead = piece.len() - piece.trim_start_matches('\'').len();
        (!word.is_empty()).then_some((start + lead, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(index: &ContextIndex, number: &str) -> bool {
        index.holds_number(&Number::read(number.as_bytes(), 0))
    }

    #[test]
    fn figures_are_the_same_however_they_are_written() {
        let index = ContextIndex::new([
            "1,234.50 and 2.000.000 and 98 765 and 17% and 3.14159 by 2024-03-21",
        ])
        .unwrap();
        for text in [
            "1234.5",
            "1.234,50",
            "1 234.50",
            "2,000,000",
            "2 million",
            "98765",
            "0.17",
            "17",
            "3.14",
            "2024",
            "21.03.2024",
        ] {
            assert!(holds(&index, text), "{text}");
        }
        for text in ["1234.6", "2.1 million", "98766", "18%", "3.15", "2025", "22.03.2024"] {
            assert!(!holds(&index, text), "{text}");
        }
    }

    #[test]
    fn digits_apart_that_are_no_figure_are_held_each() {
        let index = ContextIndex::new(["he is 6'2 tall"]).unwrap();
        assert!(holds(&index, "6'2") && !holds(&index, "7'5"));
    }

    #[test]
    fn what_two_figures_give_is_held() {
        let index = ContextIndex::new(["costs of 1700 and 2300"]).unwrap();
        for text in ["4000", "600", "73.9%", "35.3 percent"] {
            assert!(holds(&index, text), "{text}");
        }
        assert!(!holds(&index, "4001"));
    }

    #[test]
    fn words_and_phrases_are_held_in_any_case() {
        let index =
            ContextIndex::new(["The Harbour's office closes at noon.", "Boats leave."]).unwrap();
        assert!(index.holds_word("harbour") && !index.holds_word("harbours"));
        assert!(
            index.holds_phrase("harbour OFFICE closes at, noon")
                && !index.holds_phrase("office opens at noon")
        );
        assert!(!index.holds_phrase("closes at noon boats leave"));
        let places: Vec<_> = words("it's 'Ann’ é-x").collect();
        assert_eq!(places, [(0, "it"), (6, "Ann"), (13, "é"), (16, "x")]);
    }

    #[test]
    fn more_than_can_be_read_gives_no_index() {
        assert!(ContextIndex::new([&*"a ".repeat(MAX_BYTES)]).is_none());
    }
}
