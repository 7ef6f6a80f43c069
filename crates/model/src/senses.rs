//! What the words of a text mean, whatever their language.
//!
//! A lexicon maps words of many languages to a few dozen *senses* (put out of force, earlier,
//! instruction, reveal, secret …). Which of them stand together, and in which order, is a feature
//! that a head can learn in one language and then knows in all.

use super::tokens::{Kind, Token, tokens};
use super::walk::{FNV_OFFSET, fnv, mix};
use super::words::{Key, Pool, Words};

/// Words of every English text; they only tell the language.
pub const FUNCTION: u8 = 0;
/// Words of every text of another language in Latin letters; they only tell the language.
pub const FOREIGN: u8 = 1;
/// Words before a word that are paired with it.
const PARTNERS: usize = 5;
/// Tokens between two words that still belong together.
const REACH: usize = 14;
/// Longest word that is looked up, in bytes.
const MAX_WORD: usize = 64;
/// Longest run of dense characters that is one word of the lexicon, in characters.
const MAX_DENSE: usize = 14;
/// Bits of the first look at a lexicon.
const KNOWN_BITS: usize = 1 << 17;
/// Shortest word of ASCII letters that is looked into for others, in bytes.
const MIN_COMPOUND: usize = 10;
/// Fewest letters of a word inside a compound.
const MIN_INNER: usize = 5;

/// A word of a lexicon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The word, folded and in lower case.
    pub word: String,
    /// What it means.
    pub sense: u8,
    /// Whether it stands only for itself, and not for all words that begin with it.
    pub whole: bool,
}

/// What a lexicon keeps of a word, or of how one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) hash: u32,
    /// None for a beginning that is no word.
    pub(crate) sense: Option<u8>,
    /// As in [`Entry`].
    pub(crate) whole: bool,
    /// Whether longer words of a script without spaces begin with it. There every character may
    /// begin a word, and this ends most searches with the first.
    pub(crate) goes_on: bool,
}

impl Entry {
    /// Its cell, and those for how it begins where these are needed to find it.
    fn cells(&self) -> impl Iterator<Item = Cell> {
        let (mut hash, mut cells) = (FNV_OFFSET, Vec::new());
        for c in self.word.chars() {
            hash = c.encode_utf8(&mut [0; 4]).bytes().fold(hash, fnv);
            cells.push(Cell { hash, sense: None, whole: false, goes_on: true });
        }
        let word = Cell { hash, sense: Some(self.sense), whole: self.whole, goes_on: false };
        cells.pop();
        cells.retain(|_| is_without_spaces(&self.word));
        cells.into_iter().chain(std::iter::once(word))
    }
}

/// Words by what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicon {
    /// Open addressing by hash; empty cells are `None`.
    cells: Vec<Option<Cell>>,
    mask: usize,
    /// One bit per entry, by the upper bits of its mixed hash: most lookups end here.
    known: Vec<u64>,
    /// Senses of words that were read before.
    words: Pool<Option<u8>>,
}

/// A word whose meaning is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sense {
    /// What it means.
    pub sense: u8,
    /// Its place among the tokens of the text.
    pub at: usize,
    /// Its first byte.
    pub start: usize,
}

impl Lexicon {
    /// Takes words; of several that are the same the first counts.
    pub fn new(words: &[Entry]) -> Self {
        Self::of(words.iter().flat_map(Entry::cells).collect())
    }

    pub(crate) fn of(mut cells: Vec<Cell>) -> Self {
        // Sorted, so that the same words lie in the same cells whatever their order was.
        cells.sort_by_key(|cell| (cell.hash, cell.sense.is_none()));
        let same = cells.chunk_by(|a, b| a.hash == b.hash);
        let first = same.filter_map(|same| {
            let goes_on = same.iter().any(|cell| cell.goes_on);
            same.first().map(|first| Cell { goes_on, ..*first })
        });
        let first: Vec<Cell> = first.collect();
        let size = (first.len() * 2).next_power_of_two().max(16);
        let known = vec![0; KNOWN_BITS / 64];
        let mut lexicon =
            Self { cells: vec![None; size], mask: size - 1, known, words: Pool::default() };
        for cell in first {
            lexicon.insert(cell);
        }
        lexicon
    }

    /// What it keeps, in the order of the hashes.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self.cells.iter().copied().flatten().collect();
        cells.sort_unstable();
        cells
    }

    fn insert(&mut self, new: Cell) {
        let mixed = mix(new.hash) as usize;
        if let Some(word) = self.known.get_mut(mixed % KNOWN_BITS / 64) {
            *word |= 1 << (mixed % 64);
        }
        let mut at = mixed & self.mask;
        while self.cells.get(at).is_some_and(Option::is_some) {
            at = (at + 1) & self.mask;
        }
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = Some(new);
        }
    }

    #[inline]
    fn find(&self, hash: u32) -> Option<Cell> {
        let mixed = mix(hash) as usize;
        if self.known.get(mixed % KNOWN_BITS / 64)? >> (mixed % 64) & 1 == 0 {
            return None;
        }
        let mut at = mixed & self.mask;
        while let Some(Some(cell)) = self.cells.get(at) {
            if cell.hash == hash {
                return Some(*cell);
            }
            at = (at + 1) & self.mask;
        }
        None
    }

    /// Senses of the words of a text, in order.
    pub fn senses(&self, text: &str) -> Vec<Sense> {
        let mut reader = Reader {
            lexicon: self,
            text,
            words: self.words.take(),
            pending: Vec::with_capacity(TOGETHER),
            senses: Vec::new(),
            lower: Vec::new(),
        };
        let mut dense_until = 0;
        for (at, token) in tokens(text).enumerate() {
            match token.kind {
                Kind::Word if is_unspaced(text, token) => {
                    reader.look_up();
                    self.inside(text, token, at, &mut reader.senses);
                }
                Kind::Word => reader.word(at, token),
                Kind::Character if token.start >= dense_until => {
                    if let Some((sense, end)) = self.dense(text, token.start) {
                        reader.look_up();
                        reader.senses.push(Sense { sense, at, start: token.start });
                        dense_until = end;
                    }
                }
                _ => {}
            }
        }
        reader.look_up();
        self.words.put(reader.words);
        reader.senses
    }

    fn word(&self, word: &str, lower: &mut Vec<u8>) -> Option<u8> {
        if word.len() > MAX_WORD {
            return None;
        }
        lower.clear();
        if word.is_ascii() {
            lower.extend(word.bytes().map(|byte| byte.to_ascii_lowercase()));
        } else {
            let mut utf8 = [0; 4];
            for c in word.chars().flat_map(char::to_lowercase) {
                lower.extend(c.encode_utf8(&mut utf8).bytes());
            }
        }
        if let Some(sense) = self.longest(lower, 2, true) {
            return Some(sense);
        }
        // Compounds, and particles glued to the front.
        if lower.len() < if word.is_ascii() { MIN_COMPOUND } else { MIN_INNER + 1 } {
            return None;
        }
        (1..=lower.len() - MIN_INNER.min(lower.len()))
            .filter(|start| lower.get(*start).is_some_and(|byte| *byte < 0x80 || *byte >= 0xC0))
            .find_map(|start| self.longest(lower.get(start..)?, MIN_INNER, false))
    }

    /// Words inside a run of a script that is written without spaces.
    fn inside(&self, text: &str, token: Token, at: usize, senses: &mut Vec<Sense>) {
        let run = text.get(token.start..token.end).unwrap_or_default();
        let mut free_from = 0;
        for (start, _) in run.char_indices() {
            if start < free_from {
                continue;
            }
            if let Some((sense, end)) = self.dense(run, start) {
                senses.push(Sense { sense, at, start: token.start + start });
                free_from = end;
            }
        }
    }

    /// What the longest entry means that a word begins with.
    fn longest(&self, word: &[u8], fewest: usize, front: bool) -> Option<u8> {
        let mut hash = FNV_OFFSET;
        let mut best = None;
        for (index, byte) in word.iter().enumerate() {
            hash = fnv(hash, *byte);
            let length = index + 1;
            let boundary = word.get(length).is_none_or(|next| *next < 0x80 || *next >= 0xC0);
            let short = length < fewest && !(front && length == word.len());
            if !boundary || short {
                continue;
            }
            if let Some(found) = self.find(hash)
                && (!found.whole || (front && length == word.len()))
            {
                best = found.sense.or(best);
            }
        }
        best
    }

    /// The longest entry that stands at `start` of a text without spaces: its sense and its end.
    fn dense(&self, text: &str, start: usize) -> Option<(u8, usize)> {
        let rest = text.get(start..)?;
        let mut hash = FNV_OFFSET;
        let mut best = None;
        for (at, c) in rest.char_indices().take(MAX_DENSE) {
            let mut utf8 = [0; 4];
            for byte in c.encode_utf8(&mut utf8).bytes() {
                hash = fnv(hash, byte);
            }
            let Some(found) = self.find(hash) else { break };
            if let Some(sense) = found.sense {
                best = Some((sense, start + at + c.len_utf8()));
            }
            if !found.goes_on {
                break;
            }
        }
        best
    }
}

/// Words that are looked up together.
const TOGETHER: usize = 64;

/// Finds the senses of one text.
struct Reader<'l> {
    lexicon: &'l Lexicon,
    text: &'l str,
    words: Words<Option<u8>>,
    /// Words that were not looked up yet, with their places: the memory of words is larger than the
    /// nearest caches, and lookups that follow each other wait side by side.
    pending: Vec<(Key, usize, Token)>,
    senses: Vec<Sense>,
    lower: Vec<u8>,
}

impl Reader<'_> {
    fn word(&mut self, at: usize, token: Token) {
        let word = self.text.get(token.start..token.end).unwrap_or_default();
        if let Some(key) = Key::of(word.as_bytes()) {
            self.pending.push((key, at, token));
            if self.pending.len() == TOGETHER {
                self.look_up();
            }
        } else {
            self.look_up();
            if let Some(sense) = self.lexicon.word(word, &mut self.lower) {
                self.senses.push(Sense { sense, at, start: token.start });
            }
        }
    }

    fn look_up(&mut self) {
        for (key, at, token) in self.pending.drain(..) {
            let found = self.words.get(&key, || {
                let word = self.text.get(token.start..token.end).unwrap_or_default();
                self.lexicon.word(word, &mut self.lower)
            });
            if let Some(sense) = found {
                self.senses.push(Sense { sense, at, start: token.start });
            }
        }
    }
}

/// Linear heads over senses.
#[derive(Debug, Clone, PartialEq)]
pub struct SenseTable<const HEADS: usize> {
    /// Weights by hashed feature; the number of rows is a power of two.
    pub rows: Vec<[i8; HEADS]>,
    /// What one step of a weight is worth, per head.
    pub scales: [f32; HEADS],
}

/// What the senses of a stretch add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenseSums<const HEADS: usize> {
    /// Summed weights by head, in steps of the table.
    weights: [i32; HEADS],
    features: u32,
}

impl<const HEADS: usize> Default for SenseSums<HEADS> {
    fn default() -> Self {
        Self { weights: [0; HEADS], features: 0 }
    }
}

impl<const HEADS: usize> SenseSums<HEADS> {
    /// Adds the senses of another stretch; those of both are not paired.
    pub fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in self.weights.iter_mut().zip(other.weights) {
            *mine = mine.saturating_add(theirs);
        }
        self.features = self.features.saturating_add(other.features);
    }

    /// What they add to the log odds of each head.
    pub fn heads(&self, table: &SenseTable<HEADS>) -> [f32; HEADS] {
        let share = 1.0 / (self.features.max(1) as f32).sqrt();
        let mut heads = [0.0; HEADS];
        for ((head, weight), scale) in heads.iter_mut().zip(self.weights).zip(table.scales) {
            *head = weight as f32 * scale * share;
        }
        heads
    }
}

impl<const HEADS: usize> SenseTable<HEADS> {
    /// What senses add up to.
    pub fn sums(&self, senses: &[Sense]) -> SenseSums<HEADS> {
        let mut sums = SenseSums::default();
        let mut seen = Distinct::with_room(senses.len() * 4);
        each_feature(senses, |hash| {
            if !seen.insert(hash) {
                return;
            }
            let row = self.rows.get(hash as usize & (self.rows.len().max(1) - 1));
            for (sum, weight) in sums.weights.iter_mut().zip(row.copied().unwrap_or([0; HEADS])) {
                *sum += i32::from(weight);
            }
            sums.features += 1;
        });
        sums
    }
}

/// Shows what senses say together to `take`, in the order of the hashes: each by itself, each with
/// those before it, and with pairs of those; each feature once.
pub fn features(senses: &[Sense], take: impl FnMut(u32)) {
    let mut seen: Vec<u32> = Vec::with_capacity(senses.len() * 4);
    each_feature(senses, |hash| seen.push(hash));
    seen.sort_unstable();
    seen.dedup();
    seen.into_iter().for_each(take);
}

/// As [`features`], as they come and as often as they come.
fn each_feature(senses: &[Sense], mut take: impl FnMut(u32)) {
    let senses: Vec<Sense> = senses.iter().copied().filter(|sense| sense.sense > FOREIGN).collect();
    for (index, this) in senses.iter().enumerate() {
        take(feature(&[this.sense]));
        let before = senses.get(index.saturating_sub(PARTNERS)..index).unwrap_or_default();
        let near = |other: &&Sense| other.at + REACH >= this.at && other.sense != this.sense;
        for (place, first) in before.iter().enumerate().filter(|(_, other)| near(other)) {
            take(feature(&[first.sense, this.sense]));
            for second in before.iter().skip(place + 1).filter(near) {
                if second.sense != first.sense {
                    take(feature(&[first.sense, second.sense, this.sense]));
                }
            }
        }
    }
}

/// A set of hashes: open addressing, at most half full. An empty cell holds zero; the hash that is
/// zero counts as one.
struct Distinct {
    cells: Vec<u32>,
    held: usize,
}

impl Distinct {
    fn with_room(hashes: usize) -> Self {
        Self { cells: vec![0; (2 * hashes).next_power_of_two().max(16)], held: 0 }
    }

    /// Whether the hash is new.
    fn insert(&mut self, hash: u32) -> bool {
        let hash = hash.max(1);
        if 2 * self.held >= self.cells.len() {
            let mut larger = Self::with_room(self.cells.len());
            self.cells.iter().filter(|hash| **hash != 0).for_each(|hash| {
                larger.insert(*hash);
            });
            *self = larger;
        }
        let mask = self.cells.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(cell) = self.cells.get_mut(at) {
            if *cell == hash {
                return false;
            }
            if *cell == 0 {
                *cell = hash;
                self.held += 1;
                return true;
            }
            at = (at + 1) & mask;
        }
        false
    }
}

/// Whether a run of letters is of a script that puts no spaces between words, and that is cut into
/// runs all the same.
fn is_unspaced(text: &str, token: Token) -> bool {
    let first = text.get(token.start..token.end).and_then(|run| run.chars().next());
    first.is_some_and(is_unspaced_letter)
}

/// Thai, Lao, Burmese, Khmer.
const fn is_unspaced_letter(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
}

/// Whether a word is looked for at every character.
fn is_without_spaces(word: &str) -> bool {
    let is_dense = |word| tokens(word).next().is_some_and(|token| token.kind == Kind::Character);
    is_dense(word) || word.chars().next().is_some_and(is_unspaced_letter)
}

/// Whether a text of such senses is of a language other than English.
pub fn is_foreign(text: &str, senses: &[Sense]) -> bool {
    let other = text.bytes().filter(|byte| *byte >= 0x80).count();
    let of = |sense: u8| senses.iter().filter(|other| other.sense == sense).count();
    other * 4 > text.len() || of(FOREIGN) > of(FUNCTION)
}

fn feature(senses: &[u8]) -> u32 {
    mix(senses.iter().fold(fnv(FNV_OFFSET, 0xFE), |hash, sense| fnv(hash, *sense)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_hashes_holds_each_once(hashes in proptest::collection::vec(1..60u32, 0..200)) {
            let mut distinct = Distinct::with_room(0);
            let mut known = HashSet::new();
            for hash in hashes {
                prop_assert_eq!(distinct.insert(hash), known.insert(hash));
            }
        }

        #[test]
        fn words_are_found_in_scripts_without_spaces(
            words in proptest::collection::vec("[忽略指令密码ไทยก]{1,4}", 1..12), text in "[忽略指令密码ไทยก的]{0,30}",
        ) {
            let entry = |(at, word): (usize, &String)| Entry { word: word.clone(), sense: at as u8, whole: true };
            let lexicon = Lexicon::new(&words.iter().enumerate().map(entry).collect::<Vec<_>>());
            for (start, _) in text.char_indices() {
                let rest = &text[start..];
                let longest = words.iter().filter(|word| rest.starts_with(*word)).max_by_key(|word| word.len());
                let expected = longest.and_then(|longest| {
                    let sense = words.iter().position(|word| word == longest)?;
                    Some((sense as u8, start + longest.len()))
                });
                prop_assert_eq!(lexicon.dense(&text, start), expected);
            }
        }

        #[test]
        fn sums_are_those_of_the_features(
            words in proptest::collection::vec((0..12u8, 0..6usize), 0..80),
        ) {
            let mut at = 0;
            let senses: Vec<Sense> = words
                .into_iter()
                .map(|(sense, gap)| {
                    at += gap;
                    Sense { sense, at, start: at }
                })
                .collect();
            let rows: Vec<[i8; 1]> = (0..64).map(|row| [row - 32]).collect();
            let table = SenseTable { rows, scales: [1.0] };
            let mut expected = SenseSums::default();
            features(&senses, |hash| {
                expected.weights[0] += i32::from(table.rows[hash as usize % 64][0]);
                expected.features += 1;
            });
            prop_assert_eq!(table.sums(&senses), expected);
        }
    }
}
