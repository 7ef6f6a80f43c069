//! Requests that somebody planted in a document: lines that speak to the reader's assistant where all
//! others speak about something.
//!
//! Each line of a document is described by [`NUMBERS`] numbers: what the heads make of it, how much it
//! stands out from the rest, whether its words occur elsewhere in the document, where and how it stands
//! there. Trees turn them into one score; the worst line of a document counts.

use super::{HEADS, Reading, Suspicion, head};
use crate::segments::SegmentSums;
use crate::tokens::{Kind, tokens};
use crate::walk::{FNV_OFFSET, fnv, mix};

/// Numbers that describe a line.
pub const NUMBERS: usize = 24;
/// Shortest word that is looked for elsewhere, in bytes.
const LONG_WORD: usize = 5;

/// A line, described.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it looks like.
    pub numbers: [f32; NUMBERS],
}

impl Reading<'_> {
    /// The lines of the text that was read.
    pub fn lines(&self, text: &str) -> Vec<Line> {
        let (heads, alone): (Vec<[f32; HEADS]>, Vec<f32>) =
            self.segments.iter().map(|segment| self.line_heads(segment)).unzip();
        let shared = shared_words(text, &self.segments);
        let of = |index: usize, which: usize| {
            heads.get(index).and_then(|heads| heads.get(which)).copied().unwrap_or(-6.0)
        };
        let all = heads.len().max(1) as f32;
        let (mean, spread) = moments(heads.iter().map(|heads| heads[head::PLANTED]));
        let (attack_mean, _) = moments(heads.iter().map(|heads| heads[head::ATTACK]));
        let lengths = self.segments.iter().map(|segment| (segment.end - segment.start) as f32);
        let (length_mean, _) = moments(lengths);
        let dense = |text: &str| share(text, |byte| byte >= 0x80);
        let (text_dense, text_marks) = (dense(text), share(text, is_mark));
        let described = self.segments.iter().zip(&heads).zip(alone).zip(&shared).enumerate();
        described
            .map(|(index, (((segment, own), alone), shared))| {
                let line = text.get(segment.start..segment.end).unwrap_or_default();
                let trimmed = line.trim();
                let planted = own[head::PLANTED];
                let before = index.checked_sub(1).map_or(-6.0, |at| of(at, head::PLANTED));
                let after = of(index + 1, head::PLANTED);
                let begins_line = segment.start == 0
                    || text.as_bytes().get(segment.start - 1) == Some(&b'\n')
                    || line.starts_with('\n');
                let flag = |is: bool| f32::from(u8::from(is));
                let numbers = [
                    planted,
                    planted - mean,
                    (planted - mean) / spread.max(0.5),
                    own[head::ATTACK],
                    own[head::ATTACK] - attack_mean,
                    own[head::GREEDY],
                    own[head::HARMFUL],
                    own[head::FRAME],
                    before.max(after),
                    before.min(after),
                    shared.elsewhere,
                    shared.next_door,
                    shared.words,
                    index as f32 / all,
                    flag(index == 0),
                    flag(index + 1 == heads.len()),
                    ((line.len() + 1) as f32).ln(),
                    line.len() as f32 / length_mean.max(1.0),
                    flag(trimmed.ends_with(['?', '？'])),
                    flag(begins_line),
                    all.ln(),
                    alone,
                    dense(line) - text_dense,
                    share(line, is_mark) - text_marks,
                ];
                Line { start: segment.start, end: segment.end, numbers }
            })
            .collect()
    }

    /// What the heads make of a line, and what its senses say alone.
    fn line_heads(&self, line: &SegmentSums<HEADS>) -> ([f32; HEADS], f32) {
        let first = self.senses.partition_point(|sense| sense.start < line.start);
        let last = self.senses.partition_point(|sense| sense.start < line.end);
        let senses = self.senses.get(first..last).unwrap_or_default();
        let senses = self.heads.senses.sums(senses).heads(&self.heads.senses);
        let mut heads = line.sums.heads(&self.heads.table);
        for (head, more) in heads.iter_mut().zip(senses) {
            *head += more;
        }
        (heads, senses[HEADS] + self.heads.sense_bias)
    }
}

impl super::Judge {
    /// The line that looks most like a planted request, if it is rarer than `least`.
    pub fn planted(&self, reading: &Reading<'_>, text: &str, least: f32) -> Option<Suspicion> {
        let mut floor = self.planted_scale.raw(least);
        let mut worst = None;
        for line in reading.lines(text) {
            if let Some(score) = self.planted.score_above(&line.numbers, floor) {
                let rarity = self.planted_scale.rarity(score);
                worst = Some(Suspicion { start: line.start, end: line.end, rarity });
                floor = score;
            }
        }
        worst
    }
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0_f32);
    for value in values {
        sum += value;
        squares += value * value;
        count += 1.0;
    }
    let mean = sum / count.max(1.0);
    (mean, (squares / count.max(1.0) - mean * mean).max(0.0).sqrt())
}

fn is_mark(byte: u8) -> bool {
    byte.is_ascii_punctuation() && !matches!(byte, b'.' | b',' | b'\'' | b'!' | b'?')
}

fn share(text: &str, counts: impl Fn(u8) -> bool) -> f32 {
    text.bytes().filter(|byte| counts(*byte)).count() as f32 / text.len().max(1) as f32
}

/// What is known of the long words of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Shared {
    /// How many there are.
    words: f32,
    /// Share that occurs in other lines.
    elsewhere: f32,
    /// Share that occurs in the line before or behind.
    next_door: f32,
}

fn shared_words(text: &str, segments: &[SegmentSums<HEADS>]) -> Vec<Shared> {
    let mut words: Vec<(u32, u32)> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let line = text.get(segment.start..segment.end).unwrap_or_default();
        for token in tokens(line).filter(|token| token.kind == Kind::Word) {
            let word = line.as_bytes().get(token.start..token.end).unwrap_or_default();
            if word.len() >= LONG_WORD {
                let stem = word.iter().take(12).map(u8::to_ascii_lowercase);
                words.push((mix(stem.fold(FNV_OFFSET, fnv)), index as u32));
            }
        }
    }
    words.sort_unstable();
    words.dedup();
    let mut shared = vec![Shared::default(); segments.len()];
    for same in words.chunk_by(|a, b| a.0 == b.0) {
        for (at, (_, line)) in same.iter().enumerate() {
            let Some(line_shared) = shared.get_mut(*line as usize) else { continue };
            let next_to = |other: Option<&(u32, u32)>| {
                other.is_some_and(|(_, other)| other.abs_diff(*line) == 1)
            };
            let before = at.checked_sub(1).and_then(|at| same.get(at));
            line_shared.words += 1.0;
            line_shared.elsewhere += f32::from(u8::from(same.len() > 1));
            line_shared.next_door +=
                f32::from(u8::from(next_to(before) || next_to(same.get(at + 1))));
        }
    }
    for line in &mut shared {
        let words = line.words.max(1.0);
        line.elsewhere /= words;
        line.next_door /= words;
    }
    shared
}
