//! Sums of weights per segment, and the score of a stretch of segments.

use super::table::Table;
use super::walk::{Block, Scratch, Sink, Word, walk, walk_with};
use super::words::{Key, Words};

const TOKENS: usize = Block::Tokens as usize;
const CHARACTERS: usize = Block::Characters as usize;

/// What the features of a stretch add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums<const HEADS: usize> {
    /// Summed weights by block and head, in steps of the table.
    weights: [[i32; HEADS]; 2],
    /// Features by block.
    features: [u32; 2],
}

/// The sums of one segment of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSums<const HEADS: usize> {
    /// First byte of the segment.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What its features add up to.
    pub sums: Sums<HEADS>,
}

impl<const HEADS: usize> Default for Sums<HEADS> {
    fn default() -> Self {
        Self { weights: [[0; HEADS]; 2], features: [0; 2] }
    }
}

impl<const HEADS: usize> Sums<HEADS> {
    /// Adds the features of another stretch.
    pub fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in self.weights.iter_mut().zip(&other.weights) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine = mine.saturating_add(*theirs);
            }
        }
        for (mine, theirs) in self.features.iter_mut().zip(&other.features) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    fn add_characters(&mut self, weights: [i32; HEADS], features: u32) {
        for (mine, theirs) in self.weights[CHARACTERS].iter_mut().zip(weights) {
            *mine = mine.saturating_add(theirs);
        }
        self.features[CHARACTERS] = self.features[CHARACTERS].saturating_add(features);
    }

    /// What several stretches add up to.
    pub fn of<'s>(stretches: impl IntoIterator<Item = &'s SegmentSums<HEADS>>) -> Self {
        let mut sums = Self::default();
        for stretch in stretches {
            sums.absorb(&stretch.sums);
        }
        sums
    }

    /// Features of the stretch.
    pub const fn features(&self) -> u32 {
        self.features[0].saturating_add(self.features[1])
    }

    /// Log odds by head. Each block counts as the mean of its weights times the root of their
    /// number, so that long texts do not outweigh short ones by length alone.
    pub fn heads(&self, table: &Table<HEADS>) -> [f32; HEADS] {
        let mut heads = table.biases;
        for (weights, features) in self.weights.iter().zip(self.features) {
            let share = 1.0 / (features.max(1) as f32).sqrt();
            for ((head, weight), scale) in heads.iter_mut().zip(weights).zip(&table.scales) {
                *head += *weight as f32 * scale * share;
            }
        }
        heads
    }
}

/// Reads a text: the sums of its segments, in order.
pub fn read<const HEADS: usize>(table: &Table<HEADS>, text: &str) -> Vec<SegmentSums<HEADS>> {
    let mut reader = Reader::new(table);
    walk_with(&mut reader.scratch, text, &mut reader.adder);
    std::mem::take(&mut reader.adder.segments)
}

/// The segments of a text, without reading it.
pub fn cut(text: &str) -> Vec<(usize, usize)> {
    struct Cuts(Vec<(usize, usize)>);
    impl Sink for Cuts {
        fn token(&mut self, _: u32) {}

        fn word(&mut self, _: Word<'_>) {}

        fn segment(&mut self, start: usize, end: usize) {
            self.0.push((start, end));
        }
    }
    let mut cuts = Cuts(Vec::new());
    walk(text, &mut cuts);
    cuts.0
}

/// Reads many texts.
#[derive(Debug)]
pub struct Reader<'t, const HEADS: usize> {
    scratch: Scratch,
    adder: Adder<'t, HEADS>,
}

impl<'t, const HEADS: usize> Reader<'t, HEADS> {
    /// Prepares to read with a table.
    pub fn new(table: &'t Table<HEADS>) -> Self {
        let adder = Adder {
            table,
            tokens: Vec::new(),
            open: Sums::default(),
            pending: Vec::new(),
            words: table.words().take(),
            segments: Vec::new(),
        };
        Self { scratch: Scratch::default(), adder }
    }

    /// What the features of a text add up to.
    pub fn sums(&mut self, text: &str) -> Sums<HEADS> {
        self.adder.segments.clear();
        walk_with(&mut self.scratch, text, &mut self.adder);
        Sums::of(&self.adder.segments)
    }
}

impl<const HEADS: usize> Drop for Reader<'_, HEADS> {
    fn drop(&mut self) {
        self.adder.table.words().put(std::mem::take(&mut self.adder.words));
    }
}

/// What the characters of a word that is kept add up to: at most 75 n-grams of 127 each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WordSums<const HEADS: usize> {
    weights: [i16; HEADS],
    features: u16,
}

impl<const HEADS: usize> Default for WordSums<HEADS> {
    fn default() -> Self {
        Self { weights: [0; HEADS], features: 0 }
    }
}

#[derive(Debug)]
struct Adder<'t, const HEADS: usize> {
    table: &'t Table<HEADS>,
    /// Tokens of the open segment. They are looked up together when it ends: the table is larger
    /// than the nearest caches, and lookups that do not wait for hashing wait side by side.
    tokens: Vec<u32>,
    /// Its words, for the same reason.
    pending: Vec<Key>,
    /// What the characters of words that are too long for that add up to.
    open: Sums<HEADS>,
    words: Words<WordSums<HEADS>>,
    segments: Vec<SegmentSums<HEADS>>,
}

impl<const HEADS: usize> Sink for Adder<'_, HEADS> {
    #[inline]
    fn token(&mut self, hash: u32) {
        self.tokens.push(hash);
    }

    #[inline]
    fn word(&mut self, word: Word<'_>) {
        if let Some(key) = Key::of(word.text.as_bytes()) {
            self.pending.push(key);
        } else {
            let (weights, features) = characters(self.table, word);
            self.open.add_characters(weights, features);
        }
    }

    fn segment(&mut self, start: usize, end: usize) {
        let mut sums = std::mem::take(&mut self.open);
        for key in self.pending.drain(..) {
            let known = self.words.get(&key, || {
                let (bytes, length) = key.bytes();
                let text = bytes.get(..length).and_then(|word| std::str::from_utf8(word).ok());
                let word = Word { text: text.unwrap_or_default() };
                let (weights, features) = characters(self.table, word);
                WordSums { weights: weights.map(|sum| sum as i16), features: features as u16 }
            });
            sums.add_characters(known.weights.map(i32::from), known.features.into());
        }
        sums.weights[TOKENS] = self.table.sum(&self.tokens);
        sums.features[TOKENS] = self.tokens.len() as u32;
        self.tokens.clear();
        self.segments.push(SegmentSums { start, end, sums });
    }
}

/// What the characters of a word add up to, and how many n-grams they are.
fn characters<const HEADS: usize>(table: &Table<HEADS>, word: Word<'_>) -> ([i32; HEADS], u32) {
    let mut hashes: Vec<u32> = Vec::with_capacity(4 * word.text.len());
    word.characters(|hash| hashes.push(hash));
    (table.sum(&hashes), hashes.len() as u32)
}
