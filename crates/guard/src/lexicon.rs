//! Words by meaning, in many languages: how people tell a model to drop its instructions, to show
//! them, or to play someone without limits.
//!
//! One file per group of languages holds the words; this file compiles them into one automaton.
//! What follows from words that stand together is decided in [`crate::intent`].
//!
//! Notation in the lists, which are separated by `|`: a word matches at the start of a word and may
//! go on (`instruc` finds *instrucciones*), `word$` must also end there, and `~word` matches
//! anywhere. In languages written without spaces every word matches anywhere.

mod east_asia;
mod english;
mod germanic;
mod near_east;
mod romance;
mod slavic;
mod south_asia;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use crate::detector::Hit;
use crate::text::fold_to_string;

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Concept {
    /// Put out of force: ignore, disregard, forget, do not follow.
    Override,
    /// Verbs of the same kind that have many other uses: drop, cancel, delete.
    WeakOverride,
    /// What a model is told: instructions, guidelines, prompt.
    Instructions,
    /// What also many others have: rules, policies, restrictions.
    Limits,
    /// What was said, whoever said it: text, messages, conversation.
    Said,
    /// The instructions by name: system prompt, hidden instructions.
    Prompt,
    /// Who was told: what you were given, what you know.
    Told,
    /// The task at hand.
    Task,
    /// Before this: previous, above, so far.
    Earlier,
    /// The model's: your.
    Yours,
    /// The speaker's or a third person's: my, their.
    Others,
    /// The application's: of the system, of the developer.
    Owner,
    /// Without exception: all, any, every.
    All,
    /// Make visible: show, tell, reveal.
    Reveal,
    /// Make visible in the same words: repeat, print.
    Repeat,
    /// Make visible in other words: translate, summarise.
    Transform,
    /// Ask: what, which.
    Ask,
    /// Something that is kept secret.
    Secret,
    /// In the same words: verbatim, word for word.
    Verbatim,
    /// Be somebody else: pretend, act as, from now on.
    Pretend,
    /// Held by nothing: unfiltered, without restrictions.
    Limitless,
    /// A whole phrase that speaks for itself.
    Claim,
}

impl Concept {
    /// The concept as a member of a set.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Where the verb stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Before its object.
    VerbFirst,
    /// After its object, or on either side.
    ObjectFirst,
}

/// The words of one language.
struct Language {
    order: Order,
    /// Whether words are separated by spaces.
    spaced: bool,
    words: &'static [(Concept, &'static str)],
}

/// Every language; its place here is its bit in [`Word::languages`].
static LANGUAGES: [&Language; 25] = [
    &english::ENGLISH,
    &romance::SPANISH,
    &romance::FRENCH,
    &romance::ITALIAN,
    &romance::PORTUGUESE,
    &romance::ROMANIAN,
    &germanic::GERMAN,
    &germanic::DUTCH,
    &germanic::SWEDISH,
    &slavic::RUSSIAN,
    &slavic::UKRAINIAN,
    &slavic::POLISH,
    &slavic::CZECH,
    &east_asia::CHINESE,
    &east_asia::JAPANESE,
    &east_asia::KOREAN,
    &south_asia::HINDI,
    &south_asia::VIETNAMESE,
    &south_asia::INDONESIAN,
    &south_asia::THAI,
    &near_east::ARABIC,
    &near_east::PERSIAN,
    &near_east::HEBREW,
    &near_east::TURKISH,
    &near_east::GREEK,
];

/// English, as a set of languages.
pub(crate) const ENGLISH: u32 = 1;

/// A word of the lexicon.
#[derive(Debug)]
pub(crate) struct Word {
    /// Folded, lowercase.
    pub(crate) text: String,
    pub(crate) concept: Concept,
    /// Languages that have it, as bits.
    pub(crate) languages: u32,
    pub(crate) anywhere: bool,
    whole: bool,
}

/// A word found in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) concept: Concept,
    pub(crate) languages: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// All words, compiled.
pub(crate) struct Lexicon {
    words: Vec<Word>,
    automaton: Option<AhoCorasick>,
    /// Languages in which the object may come first, as bits.
    pub(crate) object_first: u32,
}

/// The lexicon.
pub(crate) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

impl Lexicon {
    fn new() -> Self {
        let mut languages_of: BTreeMap<(String, Concept, bool, bool), u32> = BTreeMap::new();
        let mut object_first = 0;
        for (index, language) in LANGUAGES.iter().enumerate() {
            if language.order == Order::ObjectFirst {
                object_first |= 1 << index;
            }
            for (concept, list) in language.words {
                for entry in list.split('|').filter(|entry| !entry.is_empty()) {
                    let (entry, marked) =
                        entry.strip_prefix('~').map_or((entry, false), |rest| (rest, true));
                    let (entry, whole) =
                        entry.strip_suffix('$').map_or((entry, false), |rest| (rest, true));
                    let text = fold_to_string(entry).to_ascii_lowercase();
                    let anywhere = marked || !language.spaced;
                    *languages_of.entry((text, *concept, anywhere, whole)).or_default() |=
                        1 << index;
                }
            }
        }
        let words: Vec<Word> = languages_of
            .into_iter()
            .map(|((text, concept, anywhere, whole), languages)| Word {
                text,
                concept,
                languages,
                anywhere,
                whole,
            })
            .collect();
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(words.iter().map(|word| &word.text))
            .ok();
        Self { words, automaton, object_first }
    }

    /// Indexes of the words that mean one of `concepts`.
    pub(crate) fn indexes(&self, concepts: u32) -> Vec<usize> {
        let wanted =
            |(index, word): (usize, &Word)| (word.concept.bit() & concepts != 0).then_some(index);
        self.words.iter().enumerate().filter_map(wanted).collect()
    }

    /// The word with this index.
    pub(crate) fn word(&self, index: usize) -> Option<&Word> {
        self.words.get(index)
    }

    /// Words in `from..to` of the text, by place.
    pub(crate) fn tokens(&self, text: &str, from: usize, to: usize) -> Vec<Token> {
        let (Some(automaton), Some(part)) = (&self.automaton, text.get(from..to)) else {
            return Vec::new();
        };
        let mut tokens: Vec<Token> = automaton
            .find_overlapping_iter(part)
            .filter_map(|found| {
                let word = self.words.get(found.pattern().as_usize())?;
                let (start, end) = (from + found.start(), from + found.end());
                word.stands(text, start, end).then_some(Token {
                    concept: word.concept,
                    languages: word.languages,
                    start,
                    end,
                })
            })
            .collect();
        tokens.sort_unstable_by_key(|token| (token.start, token.end, token.concept));
        tokens
    }
}

impl Word {
    /// Whether an occurrence is a word of the text, and not a part of one.
    pub(crate) fn stands(&self, text: &str, start: usize, end: usize) -> bool {
        if self.anywhere {
            return true;
        }
        let glued = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(end..).and_then(|after| after.chars().next());
        !(glued(before) || self.whole && glued(after))
    }

    /// As [`Word::stands`], for a hit of the engine.
    pub(crate) fn stands_at(&self, text: &str, hit: &Hit) -> bool {
        self.stands(text, hit.start, hit.end)
    }
}

#[cfg(test)]
mod tests;
