//! A tagger of names, trained on sentences put together from lists and on rows that people marked.

mod address;
pub mod card;
mod company;
mod forms;
mod learn;
pub mod lists;
mod made;
mod markup;
pub mod measure;
pub mod rows;
pub mod sample;
mod sentences;

use bartizan_model::tagger::Tagger;
use bartizan_model::tagger::gazetteer::Gazetteer;

use crate::random::Random;
use learn::Learner;
use lists::Lists;
pub use made::Maker;
use rows::SpanRow;
use sample::{Case, Piece, Sample};

/// Rows of the table: two to this power.
const BITS: u32 = 16;
/// Step of learning.
const RATE: f32 = 0.12;

/// States of the second half of learning whose mean counts.
const SNAPSHOTS: usize = 24;

/// How much of each sort of text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Samples put together.
    pub made: usize,
    /// Times that each marked row is shown, with other names each time.
    pub times: usize,
    /// Harmless texts, at most.
    pub harmless: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { made: 240_000, times: 30, harmless: 70_000 }
    }
}

/// A text in which nobody marked names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harmless {
    /// The text.
    pub text: String,
    /// Language, as an ISO 639-1 code.
    pub language: String,
}

/// Score from which a name that the first tagger finds in a harmless text is taken for one.
const SURE: f32 = 0.8;
/// Score below which what it finds is taken for none.
const UNSURE: f32 = 0.02;

/// Trains a tagger. The same input gives the same weights.
///
/// Harmless texts are learned from twice. First, words in them that no list knows count as no names.
/// The tagger that comes of it then marks what it is sure of, and a second one learns from these
/// texts with other names in the places.
pub fn train(
    lists: &Lists,
    marked: &[SpanRow],
    harmless: &[Harmless],
    plan: Plan,
    seed: u64,
) -> Option<Tagger> {
    let gazetteer = lists.gazetteer();
    let unmarked: Vec<Sample> = harmless
        .iter()
        .map(|text| Sample { text: text.text.clone(), marked: Vec::new() })
        .collect();
    let first = Course { lists, gazetteer: &gazetteer, marked, harmless, samples: &unmarked };
    let half = Plan { made: plan.made / 2, times: plan.times / 2, harmless: plan.harmless };
    let tagger = first.run(half, seed)?;
    let guessed: Vec<Sample> = unmarked.iter().map(|sample| guess(&tagger, &sample.text)).collect();
    let second = Course { samples: &guessed, ..first };
    second.run(plan, seed ^ 1)
}

/// A text with the names marked that a tagger is sure of. What it is unsure of is cut out.
fn guess(tagger: &Tagger, text: &str) -> Sample {
    let mut pieces = Vec::new();
    let mut from = 0;
    for found in tagger.tag(text, true).found {
        let name = text.get(found.start..found.end).unwrap_or_default();
        if found.score >= SURE {
            pieces.push(Piece::plain(text.get(from..found.start).unwrap_or_default()));
            pieces.push(Piece::named(name, found.entity));
            from = found.end;
        } else if found.score >= UNSURE {
            // The line up to here is known, the rest of it is not.
            let before = text.get(from..found.start).unwrap_or_default();
            let kept = before.rfind('\n').map_or("", |at| before.get(..at).unwrap_or_default());
            pieces.push(Piece::plain(kept));
            let rest = text.get(found.end..).unwrap_or_default();
            from = rest.find('\n').map_or(text.len(), |at| found.end + at);
        }
        if from >= text.len() {
            break;
        }
    }
    pieces.push(Piece::plain(text.get(from..).unwrap_or_default()));
    Sample::new(&pieces, Case::Kept)
}

/// What one tagger learns from.
#[derive(Clone, Copy)]
struct Course<'a> {
    lists: &'a Lists,
    gazetteer: &'a Gazetteer,
    marked: &'a [SpanRow],
    harmless: &'a [Harmless],
    /// The harmless texts, with names marked where there are any.
    samples: &'a [Sample],
}

#[derive(Clone, Copy)]
enum Show {
    Made,
    Row(usize),
    Harmless(usize),
}

impl Course<'_> {
    fn run(self, plan: Plan, seed: u64) -> Option<Tagger> {
        let mut maker = Maker::new(self.lists, seed ^ 0x6E61_6D65);
        let mut learner = Learner::new(BITS, RATE, seed);
        let mut random = Random::new(seed);
        let mut order: Vec<Show> = vec![Show::Made; plan.made];
        order.extend((0..plan.times).flat_map(|_| (0..self.marked.len()).map(Show::Row)));
        let mut texts: Vec<usize> = (0..self.samples.len()).collect();
        random.shuffle(&mut texts);
        order.extend(texts.into_iter().take(plan.harmless).map(Show::Harmless));
        random.shuffle(&mut order);
        let (steps, total) = (order.len(), order.len().max(1) as f32);
        let every = (steps / (2 * SNAPSHOTS)).max(1);
        for (done, show) in order.into_iter().enumerate() {
            let pace = 1.0 - 0.9 * done as f32 / total;
            if done % every == 0 && done * 2 > steps {
                learner.remember();
            }
            match show {
                Show::Made => learner.learn(&maker.sample(), self.gazetteer, pace, 1.0),
                Show::Row(row) => {
                    if let Some(row) = self.marked.get(row) {
                        learner.learn(&maker.vary(row), self.gazetteer, pace, 1.0);
                    }
                }
                Show::Harmless(text) => {
                    let sample = self.samples.get(text);
                    let language = self.harmless.get(text).map_or("en", |text| &text.language);
                    let Some(sample) = sample else { continue };
                    if sample.marked.is_empty() && random.chance(0.12) {
                        let title: String = sample.text.chars().take(160).collect();
                        learner.learn_shouted(&title, self.gazetteer, pace, 1.0);
                        continue;
                    }
                    let varied = maker.vary_guessed(sample, language);
                    learner.learn_guessed(&varied, self.gazetteer, pace, 1.0);
                }
            }
        }
        Some(Tagger { gazetteer: self.gazetteer.clone(), weights: learner.finish()? })
    }
}

#[cfg(test)]
mod tests {
    use bartizan_model::tagger::Entity;
    use bartizan_model::tagger::file::encode;

    use super::*;

    #[test]
    fn the_same_input_gives_the_same_bytes_and_a_tagger_that_finds_names() {
        let lists = Lists::load().unwrap();
        let harmless = [Harmless {
            text: "How do I boil an egg? Put it into water.".to_owned(),
            language: "en".to_owned(),
        }];
        let plan = Plan { made: 6000, times: 1, harmless: 1 };
        let make = |seed| train(&lists, &[], &harmless, plan, seed).unwrap();
        let tagger = make(7);
        assert_eq!(encode(&tagger), encode(&make(7)));
        assert_ne!(encode(&tagger), encode(&make(8)));
        let found = tagger.tag("Dear Mr Thomas Weber, please call me back.", true).found;
        let found: Vec<_> = found.iter().map(|f| (f.start, f.end, f.entity)).collect();
        assert_eq!(found, [(8, 20, Entity::Person)]);
    }
}
