//! What a text asks of the model: to drop its instructions, to show them, to play someone without
//! limits.
//!
//! Each [`Intent`] is two kinds of words that stand together ([`crate::lexicon`]), plus English
//! phrases with a pattern. A word of the leading kind is an anchor; what follows it within a
//! bounded stretch decides, together with the few words before it that turn a request into a
//! mention (`how attackers try to …`). Detectors choose an intent and a channel; nothing here
//! knows about either.

mod context;
mod extraction;
mod overrides;
mod persona;
mod phrases;

use std::sync::LazyLock;

use crate::detector::{Findings, Hit};
use crate::lexicon::{Concept, ENGLISH, LEXICON, Token, Word};

pub(crate) use phrases::{Before, Phrase, Phrases};

/// Bytes before an anchor that decide about it.
pub(crate) const LOOK_BEHIND: usize = 96;

/// Takes what a scan sees.
pub(crate) trait Sink {
    /// A match.
    fn found(&mut self, start: usize, end: usize, score: f32);
    /// More text could create or change a match that begins at `start`.
    fn undecided(&mut self, start: usize);
}

impl Sink for Findings<'_> {
    fn found(&mut self, start: usize, end: usize, score: f32) {
        self.push(start, end, score);
    }

    fn undecided(&mut self, start: usize) {
        Findings::undecided(self, start);
    }
}

/// Words that stand together around an anchor.
pub(crate) struct Cluster<'t> {
    /// Concepts, as bits.
    pub(crate) set: u32,
    /// Whether the words are English, for which the lists are finer.
    pub(crate) english: bool,
    /// The words, by place; the anchor is among them.
    pub(crate) tokens: &'t [Token],
}

impl Cluster<'_> {
    /// Whether a concept is present.
    pub(crate) const fn has(&self, concept: Concept) -> bool {
        self.set & concept.bit() != 0
    }

    /// Whether any of the concepts is present.
    pub(crate) const fn any(&self, concepts: u32) -> bool {
        self.set & concepts != 0
    }
}

/// How an intent reads its words.
pub(crate) struct Grammar {
    /// Concepts of the words that lead.
    leads: u32,
    /// Concepts of which one must follow.
    follows: u32,
    /// Stretch that is read, in bytes, when the anchor is ASCII and when it is not.
    reach: (usize, usize),
    /// Whether the stretch ends with the sentence, and words must stand close to each other.
    tight: bool,
    /// Score of a cluster.
    score: fn(&Cluster<'_>) -> Option<f32>,
}

/// One thing that a text may ask, ready to scan for.
pub(crate) struct Intent {
    grammar: Grammar,
    /// Words of the lexicon that are literals, by literal index.
    words: Vec<usize>,
    phrases: Phrases,
}

/// Putting the model's instructions out of force.
pub(crate) static OVERRIDE: LazyLock<Intent> =
    LazyLock::new(|| Intent::new(overrides::GRAMMAR, overrides::PHRASES));
/// Getting the model's instructions out.
pub(crate) static EXTRACTION: LazyLock<Intent> =
    LazyLock::new(|| Intent::new(extraction::GRAMMAR, extraction::PHRASES));
/// Making the model play someone without limits.
pub(crate) static PERSONA: LazyLock<Intent> =
    LazyLock::new(|| Intent::new(persona::GRAMMAR, persona::PHRASES));

/// Farthest that a word may stand from the one before, in bytes of unknown text.
const GAP_BYTES: (usize, usize) = (20, 42);

impl Intent {
    fn new(grammar: Grammar, phrases: &'static [Phrase]) -> Self {
        let words = LEXICON.indexes(grammar.leads | grammar.follows | Concept::Claim.bit());
        let words = words
            .into_iter()
            .filter(|index| {
                let claim = LEXICON.word(*index).is_some_and(|w| w.concept == Concept::Claim);
                !claim || grammar.leads & Concept::Override.bit() != 0
            })
            .collect();
        Self { grammar, words, phrases: Phrases::new(phrases) }
    }

    /// What the engine must look for; hits count from zero in this order.
    pub(crate) fn literals(&self) -> Vec<String> {
        let words = self.words.iter().filter_map(|index| LEXICON.word(*index));
        words.map(|word| word.text.clone()).chain(self.phrases.anchors()).collect()
    }

    /// Whether a literal counts only at the beginning of a word.
    pub(crate) fn begins_word(&self, literal: usize) -> bool {
        let word = self.words.get(literal).and_then(|index| LEXICON.word(*index));
        word.is_some_and(|word| !word.anywhere)
    }

    /// Indexes of the English literals.
    pub(crate) fn english(&self) -> impl Iterator<Item = usize> {
        let words = self.words.len();
        let is_english = |index: &usize| {
            let word = self.words.get(*index).and_then(|word| LEXICON.word(*word));
            word.is_none_or(|word| word.languages & ENGLISH != 0)
        };
        (0..words + self.phrases.len()).filter(is_english)
    }

    /// Reads a text around the places where literals occur.
    pub(crate) fn scan(&self, text: &str, hits: &[Hit], sink: &mut dyn Sink) {
        for (at, hit) in hits.iter().enumerate() {
            let Some(word) = self.word(hit) else {
                if let Some(anchor) = hit.literal.checked_sub(self.words.len()) {
                    self.phrases.check(anchor, text, hit, sink);
                }
                continue;
            };
            if !word.stands_at(text, hit) {
                continue;
            }
            if word.concept == Concept::Claim {
                sink.found(hit.start, hit.end, 0.6);
                continue;
            }
            let Some(languages) = self.leading(word) else { continue };
            let (end, open) = self.stretch(text, hit, word);
            if open {
                sink.undecided(hit.start);
            }
            let later = hits.get(at + 1..).unwrap_or_default();
            let inside = later.iter().take_while(|later| later.start < end);
            let partner = inside.filter_map(|later| Some((later, self.word(later)?))).any(
                |(later, partner)| {
                    partner.languages & languages != 0
                        && self.follows(word, partner)
                        && partner.stands_at(text, later)
                },
            );
            if partner {
                self.judge(text, hit, languages, end, sink);
            }
        }
    }

    fn word(&self, hit: &Hit) -> Option<&'static Word> {
        LEXICON.word(*self.words.get(hit.literal)?)
    }

    /// The languages in which a word may open a cluster; `None` when there is none.
    fn leading(&self, word: &Word) -> Option<u32> {
        let bit = word.concept.bit();
        let languages = if bit & self.grammar.leads != 0 {
            word.languages
        } else {
            word.languages & LEXICON.object_first
        };
        (languages != 0).then_some(languages)
    }

    fn follows(&self, lead: &Word, partner: &Word) -> bool {
        let wanted = if lead.concept.bit() & self.grammar.leads != 0 {
            self.grammar.follows
        } else {
            self.grammar.leads
        };
        partner.concept.bit() & wanted != 0
    }

    /// The end of the stretch that an anchor opens, and whether more text could move it.
    fn stretch(&self, text: &str, hit: &Hit, word: &Word) -> (usize, bool) {
        let (ascii, other) = self.grammar.reach;
        let reach = if word.text.is_ascii() { ascii } else { other };
        let limit = hit.start + reach;
        let end = text.floor_char_boundary(limit.min(text.len()));
        if self.grammar.tight
            && let Some(stop) = context::sentence_end(text, hit.end, end)
        {
            return (stop, false);
        }
        (end, limit >= text.len())
    }

    fn judge(&self, text: &str, hit: &Hit, languages: u32, end: usize, sink: &mut dyn Sink) {
        let from = text.ceil_char_boundary(hit.start.saturating_sub(LOOK_BEHIND));
        let tokens = LEXICON.tokens(text, from, end);
        let Some((until, score)) = self.best(text, &tokens, hit, languages) else { return };
        let before = text.get(from..hit.start).unwrap_or_default();
        let score = score * context::weight(before, text.get(until..end).unwrap_or_default());
        if score > 0.0 {
            sink.found(hit.start, until, score);
        }
    }

    /// The best cluster that the anchor opens in any of its languages: its end and score.
    fn best(
        &self,
        text: &str,
        tokens: &[Token],
        hit: &Hit,
        languages: u32,
    ) -> Option<(usize, f32)> {
        (0..u32::BITS)
            .map(|bit| languages & 1 << bit)
            .filter(|language| *language != 0)
            .filter_map(|language| self.best_in(text, tokens, hit, language))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    fn best_in(
        &self,
        text: &str,
        tokens: &[Token],
        hit: &Hit,
        language: u32,
    ) -> Option<(usize, f32)> {
        let relevant = self.grammar.leads | self.grammar.follows | context::MODIFIERS;
        let relevant = relevant | Concept::Verbatim.bit();
        let mut set = 0;
        if self.grammar.tight && language & LEXICON.object_first != 0 {
            // What stands right before an object belongs to it: `これまでの` 指示.
            let mut edge = hit.start;
            for token in tokens.iter().rev().filter(|token| token.start < hit.start) {
                let describes = context::MODIFIERS & token.concept.bit() != 0;
                if token.languages & language != 0 && describes && close(text, token.end, edge) {
                    edge = edge.min(token.start);
                    set |= token.concept.bit();
                }
            }
        }
        let mut cluster: Vec<Token> = Vec::new();
        let mut edge = hit.start;
        let mut best: Option<(usize, f32)> = None;
        for token in tokens.iter().filter(|token| token.start >= hit.start) {
            if token.languages & language == 0 || token.concept.bit() & relevant == 0 {
                continue;
            }
            if self.grammar.tight && !close(text, edge, token.start) {
                break;
            }
            set |= token.concept.bit();
            edge = edge.max(token.end);
            cluster.push(*token);
            let seen = Cluster { set, english: language == ENGLISH, tokens: &cluster };
            let Some(score) = (self.grammar.score)(&seen) else { continue };
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((edge, score));
            }
        }
        best
    }
}

/// Whether `your` belongs to one of the concepts: in English it stands right before it.
fn owned(cluster: &Cluster<'_>, concepts: u32) -> bool {
    /// Room for adjectives between the two.
    const ROOM: usize = 24;
    if !cluster.english {
        return cluster.has(Concept::Yours);
    }
    let owners = cluster.tokens.iter().filter(|token| token.concept == Concept::Yours);
    owners.into_iter().any(|owner| {
        cluster.tokens.iter().any(|token| {
            token.concept.bit() & concepts != 0
                && (owner.end..=owner.end + ROOM).contains(&token.start)
        })
    })
}

/// Whether the unknown text between two words is short.
fn close(text: &str, from: usize, to: usize) -> bool {
    let Some(gap) = text.get(from..to) else { return true };
    // What follows a semicolon is a clause of its own.
    if gap.contains("; ") {
        return false;
    }
    let (ascii, other) = GAP_BYTES;
    let limit = if gap.is_ascii() { ascii } else { other };
    let breaks = gap.bytes().filter(|byte| b",;:()\n".contains(byte)).count();
    gap.len() + breaks * (limit / 2) <= limit
}
