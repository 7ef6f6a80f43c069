//! How much a text is what many services do not want: the numbers behind the detectors of unsafe
//! content.
//!
//! One linear head for each of [`HEADS`] categories, over hashed n-grams and over what words are
//! about. A sentence is judged by itself and together with those before it, never with what comes
//! after, so that a text can be judged while it grows. Scores are put on one scale by how rare they are among
//! harmless texts.

mod file;
pub mod lexicons;
pub mod masks;
pub mod sentences;

use crate::scale::Scale;
use crate::segments::{Reader, Sums};
use crate::senses::{SenseSums, SenseTable};
use crate::table::Table;

use lexicons::Lexicons;
use sentences::sentences;

pub use file::{decode, encode};

/// Heads that are trained.
pub const HEADS: usize = 7;
/// Categories: one for each head, and one that follows from two things seen together.
pub const CATEGORIES: usize = HEADS + 1;

/// Which category is which; the first [`HEADS`] are heads of the table.
pub mod category {
    /// Contempt for people because of the group they belong to.
    pub const HATE: usize = 0;
    /// Insults, bullying and intimidation of people.
    pub const HARASSMENT: usize = 1;
    /// Threats, and praise of violence.
    pub const VIOLENCE: usize = 2;
    /// Sexual content.
    pub const SEXUAL: usize = 3;
    /// Suicide, self-harm and disordered eating, as those in distress speak of them.
    pub const SELF_HARM: usize = 4;
    /// Requests for help with crimes and other things that harm people.
    pub const DANGEROUS: usize = 5;
    /// Swearing.
    pub const PROFANITY: usize = 6;
    /// Sexual content in which children are named.
    pub const SEXUAL_MINORS: usize = 7;
}

/// Sense of words for children, by its place in the list of senses.
pub const MINOR: u8 = 2;

/// How much rarer sexual content counts as where children are named.
const MINORS_MORE: f32 = 1.0;

/// The model of unsafe content.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentModel {
    /// Heads over n-grams.
    pub table: Table<HEADS>,
    /// Words by what they are about.
    pub lexicons: Lexicons,
    /// What they add to the log odds of each head.
    pub senses: SenseTable<HEADS>,
    /// From log odds to how rare they are among harmless texts, by head.
    pub scales: [Scale; HEADS],
}

/// A sentence, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    sums: Sums<HEADS>,
    senses: SenseSums<HEADS>,
    names_children: bool,
}

/// Reads sentences.
#[derive(Debug)]
pub struct ContentReader<'m> {
    model: &'m ContentModel,
    reader: Reader<'m, HEADS>,
}

impl ContentReader<'_> {
    /// Reads a sentence. What is read does not depend on what stands around it.
    pub fn read(&mut self, text: &str) -> Sentence {
        let even = self.model.lexicons.even(text);
        let senses = self.model.lexicons.senses(&even);
        Sentence {
            sums: self.reader.sums(&even),
            senses: self.model.senses.sums(&senses),
            names_children: senses.iter().any(|sense| sense.sense == MINOR),
        }
    }
}

impl ContentModel {
    /// Prepares to read sentences.
    pub fn reader(&self) -> ContentReader<'_> {
        ContentReader { model: self, reader: Reader::new(&self.table) }
    }

    /// Log odds of sentences that follow each other, by head.
    pub fn log_odds<'s>(&self, sentences: impl IntoIterator<Item = &'s Sentence>) -> [f32; HEADS] {
        let (mut sums, mut senses) = (Sums::default(), SenseSums::default());
        for sentence in sentences {
            sums.absorb(&sentence.sums);
            senses.absorb(&sentence.senses);
        }
        let mut scores = sums.heads(&self.table);
        for (score, more) in scores.iter_mut().zip(senses.heads(&self.senses)) {
            *score = (*score + more).clamp(-20.0, 20.0);
        }
        scores
    }

    /// The highest log odds that any sentence of a text has, by itself or with those before it, by head.
    pub fn highest(&self, text: &str) -> [f32; HEADS] {
        let mut highest = [-20.0_f32; HEADS];
        let spans = sentences(text, true, |at| at).closed;
        let mut reader = self.reader();
        let read: Vec<Sentence> = spans
            .iter()
            .map(|(start, end)| reader.read(text.get(*start..*end).unwrap_or_default()))
            .collect();
        for index in 0..spans.len() {
            let Some(last) = read.get(index) else { break };
            let before = read.get(context(&spans, index)..index).unwrap_or_default();
            for (highest, score) in highest.iter_mut().zip(self.last_log_odds(before, last)) {
                *highest = highest.max(score);
            }
        }
        highest
    }

    /// Log odds of the last sentence, by itself or with those before it, whichever are higher.
    fn last_log_odds(&self, before: &[Sentence], last: &Sentence) -> [f32; HEADS] {
        let mut scores = self.log_odds([last]);
        if !before.is_empty() {
            for (score, with) in scores.iter_mut().zip(self.log_odds(before.iter().chain([last]))) {
                *score = score.max(with);
            }
        }
        scores
    }

    /// The worst that the last sentence says, by itself or with those before it: how rare each
    /// category is among harmless texts, as a negative decimal logarithm.
    pub fn judge(&self, before: &[Sentence], last: &Sentence) -> [f32; CATEGORIES] {
        let mut rarities = [0.0; CATEGORIES];
        let scores = self.last_log_odds(before, last);
        for ((rarity, scale), score) in rarities.iter_mut().zip(&self.scales).zip(scores) {
            *rarity = scale.rarity(score);
        }
        if before.iter().chain([last]).any(|sentence| sentence.names_children) {
            rarities[category::SEXUAL_MINORS] = rarities[category::SEXUAL] + MINORS_MORE;
        }
        rarities
    }
}

/// Most sentences before one that are judged with it.
const CONTEXT: usize = 2;
/// How far back they may begin, in bytes.
pub const CONTEXT_BYTES: usize = 512;

/// Index of the first sentence that is judged together with the one at `index`.
pub fn context(spans: &[(usize, usize)], index: usize) -> usize {
    let Some((here, _)) = spans.get(index) else { return index };
    let near = |at: &usize| spans.get(*at).is_some_and(|(start, _)| start + CONTEXT_BYTES >= *here);
    (index.saturating_sub(CONTEXT)..index).find(near).unwrap_or(index)
}
