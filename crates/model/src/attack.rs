//! How much a text looks like an attack on a model: the numbers behind the detectors.
//!
//! Five linear heads read a stretch of text, one more its senses; trees join them. Long texts are
//! judged stretch by stretch, so that an attack counts as much in twenty pages as alone. What the
//! trees say is put on one scale by how rare it is among harmless texts.

mod file;
pub mod planted;

use super::noise::Noise;
use super::plain::{Plain, plain};
use super::scale::Scale;
use super::segments::{SegmentSums, Sums, read};
use super::senses::{Lexicon, Sense, SenseTable, is_foreign};
use super::table::Table;
use super::trees::Trees;

pub use file::{decode, encode};

/// Heads of the table.
pub const HEADS: usize = 5;

/// Which head of the table is which.
pub mod head {
    /// Attacks, learned so that rare n-grams count little: finds kinds that it has not seen.
    pub const ATTACK: usize = 0;
    /// Attacks, learned so that each n-gram counts for itself: ranks persuasion well.
    pub const GREEDY: usize = 1;
    /// Requests for harmful things.
    pub const HARMFUL: usize = 2;
    /// Frames of fiction, expertise and need.
    pub const FRAME: usize = 3;
    /// Lines that ask for something, among lines of documents.
    pub const PLANTED: usize = 4;
}

/// Signals of a stretch: attack, harmful, frame, senses, greedy, and whether it is not English.
pub const SIGNALS: usize = 6;
/// Bytes of text that are judged as one.
pub const WHOLE_BYTES: usize = 2500;
/// Segments of a short stretch.
pub const NEAR_SEGMENTS: usize = 3;
/// Log odds of an attack, by either head, below which a short stretch is not judged in full.
const NEAR_LEAST: f32 = -3.0;
/// Short stretches of one text that are judged in full.
pub const NEAR_MOST: usize = 4;

/// What the heads make of senses: the heads of the table, and one that sees nothing else.
pub const SENSE_HEADS: usize = HEADS + 1;

/// What reads texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Heads {
    /// Heads over n-grams.
    pub table: Table<HEADS>,
    /// Words by what they mean.
    pub lexicon: Lexicon,
    /// What senses add to the log odds of each head of the table, and what they say alone.
    pub senses: SenseTable<SENSE_HEADS>,
    /// Score of a text without known words by the head that sees nothing else.
    pub sense_bias: f32,
}

/// Who speaks: what is rare among prompts may be common in documents, and what is common in English
/// rare elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A user, to the model.
    User = 0,
    /// The author of something that the model reads.
    Document = 1,
}

/// What joins the heads.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    /// Judges stretches of up to [`WHOLE_BYTES`].
    pub whole: Trees,
    /// Judges [`NEAR_SEGMENTS`] segments of a longer text.
    pub near: Trees,
    /// Put their scores on one scale.
    pub scales: [Scale; 2],
    /// Put the higher of both on a scale of its own for users who write English, for users who write
    /// anything else, and for documents.
    pub speakers: [Scale; 3],
    /// Judges the lines of a document.
    pub planted: Trees,
    /// Puts its score on the same scale, of documents.
    pub planted_scale: Scale,
}

/// The model of attacks.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackModel {
    /// What reads texts.
    pub heads: Heads,
    /// Joins the heads.
    pub judge: Judge,
    /// Finds optimised gibberish.
    pub noise: Noise,
    /// Puts the score of gibberish on the same scale.
    pub noise_scale: Scale,
}

/// A stretch of a text and how rare what is seen there is among harmless texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspicion {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Negative decimal logarithm of the share of harmless texts that score as high: 2 stands for
    /// one in a hundred.
    pub rarity: f32,
}

impl Suspicion {
    /// The stretch as it stood before its spelling was made even.
    #[must_use]
    pub fn at_source(self, plain: &Plain<'_>) -> Self {
        Self { start: plain.to_source(self.start), end: plain.to_source(self.end), ..self }
    }
}

/// A stretch, read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What the heads say.
    pub signals: [f32; SIGNALS],
}

/// A text, read once; stretches of it are judged from sums.
#[derive(Debug)]
pub struct Reading<'m> {
    heads: &'m Heads,
    segments: Vec<SegmentSums<HEADS>>,
    senses: Vec<Sense>,
    /// Whether the text is of a language other than English.
    pub is_foreign: bool,
}

impl AttackModel {
    /// The most suspicious stretch of a text.
    pub fn worst(&self, text: &str, speaker: Speaker) -> Option<Suspicion> {
        let plain = plain(text);
        let worst = self.judge.worst(&self.heads.read(&plain.text), speaker)?;
        Some(worst.at_source(&plain))
    }

    /// The line of a document that looks most like a planted request, if it is rarer than `least`.
    pub fn planted(&self, text: &str, least: f32) -> Option<Suspicion> {
        let plain = plain(text);
        let worst = self.judge.planted(&self.heads.read(&plain.text), &plain.text, least)?;
        Some(worst.at_source(&plain))
    }

    /// The stretch that looks most like optimised gibberish, if it is rarer than `least`.
    pub fn noise(&self, text: &str, least: f32) -> Option<Suspicion> {
        let plain = plain(text);
        let worst = self.noise.worst(&plain.text, self.noise_scale.raw(least))?;
        let rarity = self.noise_scale.rarity(worst.score);
        let suspicion = Suspicion { start: worst.start, end: worst.end, rarity };
        Some(suspicion.at_source(&plain))
    }
}

impl Heads {
    /// Reads a text in even spelling ([`plain`]).
    pub fn read(&self, text: &str) -> Reading<'_> {
        let senses = self.lexicon.senses(text);
        let is_foreign = is_foreign(text, &senses);
        Reading { heads: self, segments: read(&self.table, text), senses, is_foreign }
    }
}

impl Reading<'_> {
    /// Stretches of up to [`WHOLE_BYTES`], each half over the one before.
    pub fn wholes(&self) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut from = 0;
        while let Some(first) = self.segments.get(from) {
            let rest = self.segments.get(from..).unwrap_or_default();
            let fits = rest.partition_point(|segment| segment.end - first.start <= WHOLE_BYTES);
            let to = from + fits.max(1);
            stretches.extend(self.stretch(from, to));
            if to >= self.segments.len() {
                break;
            }
            from += fits.div_ceil(2).max(1);
        }
        stretches
    }

    /// Of every [`NEAR_SEGMENTS`] segments in a row the [`NEAR_MOST`] that look worst to the heads of
    /// attacks; none for a text that has no more segments.
    pub fn nears(&self) -> Vec<Stretch> {
        let number = self.segments.len();
        if number <= NEAR_SEGMENTS {
            return Vec::new();
        }
        let table = &self.heads.table;
        let mut worst: Vec<(f32, usize)> = Vec::with_capacity(NEAR_MOST + 1);
        for (from, segments) in self.segments.windows(NEAR_SEGMENTS).enumerate() {
            let heads = Sums::of(segments).heads(table);
            let likely = heads[head::ATTACK].max(heads[head::GREEDY]);
            if likely < NEAR_LEAST {
                continue;
            }
            let place = worst.partition_point(|(other, _)| *other >= likely);
            if place < NEAR_MOST {
                worst.insert(place, (likely, from));
                worst.truncate(NEAR_MOST);
            }
        }
        let stretch = |(_, from): (f32, usize)| self.stretch(from, from + NEAR_SEGMENTS);
        worst.into_iter().filter_map(stretch).collect()
    }

    fn stretch(&self, from: usize, to: usize) -> Option<Stretch> {
        let segments = self.segments.get(from..to)?;
        let (start, end) = (segments.first()?.start, segments.last()?.end);
        let heads = Sums::of(segments).heads(&self.heads.table);
        let first = self.senses.partition_point(|sense| sense.start < start);
        let last = self.senses.partition_point(|sense| sense.start < end);
        let senses = self.senses.get(first..last).unwrap_or_default();
        let senses = self.heads.senses.sums(senses).heads(&self.heads.senses);
        let signals = [
            heads[head::ATTACK] + senses[head::ATTACK],
            heads[head::HARMFUL] + senses[head::HARMFUL],
            heads[head::FRAME] + senses[head::FRAME],
            senses[HEADS] + self.heads.sense_bias,
            heads[head::GREEDY] + senses[head::GREEDY],
            f32::from(u8::from(self.is_foreign)),
        ];
        Some(Stretch { start, end, signals: signals.map(|signal| signal.clamp(-12.0, 12.0)) })
    }
}

impl Judge {
    /// The most suspicious stretch of a text.
    pub fn worst(&self, reading: &Reading<'_>, speaker: Speaker) -> Option<Suspicion> {
        let worst = self.unscaled(reading)?;
        let [english, foreign, documents] = &self.speakers;
        let scale = match speaker {
            Speaker::User if reading.is_foreign => foreign,
            Speaker::User => english,
            Speaker::Document => documents,
        };
        Some(Suspicion { rarity: scale.rarity(worst.rarity), ..worst })
    }

    /// The most suspicious stretch, on the scale of stretches of its kind.
    pub fn unscaled(&self, reading: &Reading<'_>) -> Option<Suspicion> {
        let kinds = [(&self.whole, reading.wholes()), (&self.near, reading.nears())];
        let judged = kinds.into_iter().zip(&self.scales).flat_map(|((trees, stretches), scale)| {
            stretches.into_iter().map(move |stretch| Suspicion {
                start: stretch.start,
                end: stretch.end,
                rarity: scale.rarity(trees.score(&stretch.signals)),
            })
        });
        judged.max_by(|a, b| a.rarity.total_cmp(&b.rarity))
    }
}
