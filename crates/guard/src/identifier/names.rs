//! The words before a number, which say what it is.
//!
//! Every name of every identifier lies in one automaton. It reads the words before a number once,
//! however many detectors ask.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::topics::{TOPICS, Topic};
use crate::detectors;
use crate::text::{View, fold_to_string};

/// How far back words are read, in bytes.
const WINDOW_BYTES: usize = 96;
/// Most bytes before a number that decide about its names.
pub(crate) const LOOK_BEHIND: usize = WINDOW_BYTES + 4;
/// Bits of [`Names`] that topics take.
const TOPIC_BITS: usize = 32;
/// Longest word that may stand between two numbers of a list.
const JOINER_BYTES: usize = 3;
/// Digits of the shortest number that ends a search.
const OTHER_NUMBER_DIGITS: usize = 4;

/// A set of topics and detectors that words name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Names([u64; 4]);

impl Names {
    fn add(&mut self, bit: usize) {
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Whether the sets have a member in common.
    pub(crate) fn meet(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }
}

/// One spelling of a name.
struct Spelling {
    /// Whether it must begin where a word begins, and end where one ends.
    begins: bool,
    ends: bool,
    names: Names,
}

struct Known {
    automaton: Option<AhoCorasick>,
    spellings: Vec<Spelling>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut spellings: BTreeMap<(String, bool, bool), Names> = BTreeMap::new();
    let topics = TOPICS.iter().map(|(topic, words)| (*topic as usize, *words));
    let own = detectors::ALL.iter().enumerate();
    let own = own.map(|(index, detector)| (TOPIC_BITS + index, detector.words()));
    for (bit, words) in topics.chain(own) {
        for word in words {
            for spelling in spell(word) {
                spellings.entry(spelling).or_default().add(bit);
            }
        }
    }
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .build(spellings.keys().map(|(text, ..)| text));
    let spellings = spellings
        .into_iter()
        .map(|((_, begins, ends), names)| Spelling { begins, ends, names })
        .collect();
    Known { automaton: automaton.ok(), spellings }
});

/// How a name is looked for: folded, in small letters, with its words apart and together. A name
/// that ends in `*` may go on as a longer word. Letters beyond ASCII need no edge, since their
/// scripts write words together.
fn spell(name: &str) -> impl Iterator<Item = (String, bool, bool)> {
    let (name, ends) = name.strip_suffix('*').map_or((name, true), |name| (name, false));
    let text = fold_to_string(name).to_lowercase();
    let begins = text.starts_with(|c: char| c.is_ascii());
    let ends = ends && text.ends_with(|c: char| c.is_ascii());
    let together = text.contains(' ').then(|| text.replace(' ', ""));
    std::iter::once(text).chain(together).map(move |text| (text, begins, ends))
}

/// The names by which a detector is called: its own words and those of its topics.
pub(super) fn of(id: &str, topics: &[Topic]) -> Names {
    let mut names = Names::default();
    for topic in topics {
        names.add(*topic as usize);
    }
    if let Some(index) = detectors::ALL.iter().position(|detector| detector.meta().id == id) {
        names.add(TOPIC_BITS + index);
    }
    names
}

/// The set that holds one topic.
pub(crate) fn of_topic(topic: Topic) -> Names {
    let mut names = Names::default();
    names.add(topic as usize);
    names
}

/// What the words before `at` name.
pub(crate) fn before(view: &View<'_>, at: usize) -> Names {
    let words = words_before(view.text(), at);
    let Some(automaton) = &KNOWN.automaton else { return Names::default() };
    let bytes = words.as_bytes();
    let glued =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let mut names = Names::default();
    for found in automaton.find_overlapping_iter(&words) {
        let Some(spelling) = KNOWN.spellings.get(found.pattern().as_usize()) else { continue };
        let cut = (spelling.begins && glued(found.start().checked_sub(1)))
            || (spelling.ends && glued(Some(found.end())));
        if !cut {
            for (word, more) in names.0.iter_mut().zip(spelling.names.0) {
                *word |= more;
            }
        }
    }
    names
}

/// The words before `at` in small letters, with one space between them: `taxId`, `TAX_ID` and
/// `Tax-ID: ` all read `tax id`. A word that begins before the window is left out, and so is what
/// stands before another number with words of its own behind it, or before an empty line.
fn words_before(text: &str, at: usize) -> String {
    let bytes = text.as_bytes();
    let mut from = text.ceil_char_boundary(at.saturating_sub(WINDOW_BYTES));
    if from > 0 {
        let cut = bytes.iter().skip(from - 1).take_while(|byte| byte.is_ascii_alphanumeric());
        let cut = cut.count();
        from += cut.saturating_sub(1).min(at - from);
    }
    let window = text.get(from..at).unwrap_or_default();
    let window = window.get(start_of_sentence(window.as_bytes())..).unwrap_or_default();
    let mut words = String::with_capacity(window.len());
    let mut last = ' ';
    for c in window.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            if !words.ends_with(' ') {
                words.push(' ');
            }
        } else {
            if last.is_ascii_lowercase() && c.is_ascii_uppercase() {
                words.push(' ');
            }
            words.extend(c.to_lowercase());
        }
        last = c;
    }
    words
}

/// Where the words begin that may speak of what follows the window.
fn start_of_sentence(window: &[u8]) -> usize {
    let mut spoken = false;
    let mut end = window.len();
    while end > 0 {
        let rest = window.get(..end).unwrap_or_default();
        let word = rest.iter().rev().take_while(|byte| is_in_word(**byte)).count();
        if word == 0 {
            if rest.ends_with(b"\n\n") {
                return end;
            }
            end -= 1;
            continue;
        }
        let start = end - word;
        let digits = rest.iter().skip(start).filter(|byte| byte.is_ascii_digit()).count();
        if digits >= OTHER_NUMBER_DIGITS && spoken {
            return end;
        }
        spoken |= digits == 0 && word > JOINER_BYTES;
        end = start;
    }
    0
}

const fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        words_before(text, text.len())
    }

    #[test]
    fn words_read_alike_in_every_spelling() {
        for text in ["taxId ", "TAX_ID=", "Tax-ID: ", "tax id "] {
            assert_eq!(words(text), "tax id ", "{text}");
        }
        assert_eq!(words("{\"personalNumber\":\""), " personal number ");
        assert_eq!(words("我的号码是"), "我的号码是");
    }

    #[test]
    fn other_numbers_and_empty_lines_end_the_words() {
        assert_eq!(words("tax id 12345678, invoice "), ", invoice ".replace(',', "").as_str());
        assert_eq!(words("ssn 536904399, 536904398 and "), "ssn 536904399 536904398 and ");
        assert_eq!(words("tax id\n\nnumber "), "number ");
    }

    #[test]
    fn a_word_that_the_window_cuts_is_left_out() {
        assert_eq!(
            words(&format!("passport {} ", "x".repeat(88))),
            format!(" {} ", "x".repeat(88))
        );
        assert_eq!(words(&"x".repeat(200)), "");
    }

    #[test]
    fn names_fit_their_set() {
        assert!(TOPIC_BITS + detectors::ALL.len() <= 256 && TOPICS.len() <= TOPIC_BITS);
        for (index, (topic, words)) in TOPICS.iter().enumerate() {
            assert_eq!(*topic as usize, index);
            assert!(words.len() >= 8, "{topic:?}");
        }
    }
}
