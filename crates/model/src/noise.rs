//! Optimised gibberish: stretches that no one writes and that were searched for because a model
//! obeys them.
//!
//! A stretch is described by [`NUMBERS`] numbers: how common its tokens, their neighbours and its
//! letter groups are in harmless text of many languages and in code, and what its punctuation,
//! capitals and scripts look like. Trees turn the numbers into one score; the worst stretch of a
//! text counts.

use super::tokens::{Kind, Token, tokens};
use super::trees::Trees;
use super::walk::{FNV_OFFSET, fnv, join, mix};

/// Tokens of a stretch.
pub const WINDOW: usize = 24;
/// Tokens from one stretch to the next.
const STEP: usize = 12;
/// Fewest tokens that say anything.
const FEWEST: usize = 8;
/// Mean logarithm of the counts of neighbours above which a stretch is text, whatever else it looks
/// like: half of harmless text goes beyond it, and of stretches that hold a searched suffix hardly one.
const TEXT_FROM: f32 = 6.0;
/// Numbers that describe a stretch.
pub const NUMBERS: usize = 30;
/// Most tokens of a text that are read: more of them are read in parts.
const MAX_TOKENS: usize = 1 << 16;

/// Cells of the tables, as powers of two: tokens, pairs, letter groups.
pub const TABLE_BITS: [u32; 3] = [16, 19, 16];

/// How often things occur in harmless text: logarithms of counts, two to a byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    cells: Vec<u8>,
}

impl Counts {
    /// Takes cells of 4 bits, the even ones low; their number must be a power of two.
    pub fn new(cells: Vec<u8>) -> Option<Self> {
        cells.len().is_power_of_two().then_some(Self { cells })
    }

    /// The cells, for writing them down.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// `round(log2(1 + count))` of a hash, at most 15.
    #[inline]
    fn get(&self, hash: u32) -> u8 {
        let cell = hash as usize & (self.cells.len() * 2 - 1);
        let byte = self.cells.get(cell / 2).copied().unwrap_or_default();
        if cell.is_multiple_of(2) { byte & 15 } else { byte >> 4 }
    }
}

/// What is known about harmless text, and how stretches are judged by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Counts of tokens, of pairs of neighbours and of letter groups.
    pub counts: [Counts; 3],
    /// Judges the numbers of a stretch.
    pub trees: Trees,
}

/// A stretch and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Log odds of being noise.
    pub score: f32,
}

impl Noise {
    /// The stretch of a text that looks most like noise, if it reaches `least`; `None` for short texts.
    pub fn worst(&self, text: &str, least: f32) -> Option<Worst> {
        let mut worst = None;
        let mut least = least;
        stretches(&self.counts, text, TEXT_FROM, |stretch| {
            if let Some(score) = self.trees.score_above(&stretch.numbers, least) {
                worst = Some(Worst { start: stretch.start, end: stretch.end, score });
                least = score;
            }
        });
        worst
    }

    /// Every stretch of a text, described. Trees learn from all of them: from those alone that could be
    /// noise they learn to tell salads from tables, and miss what is searched for.
    pub fn stretches(&self, text: &str) -> Vec<Stretch> {
        let mut all = Vec::new();
        stretches(&self.counts, text, f32::INFINITY, |stretch| all.push(stretch.clone()));
        all
    }
}

/// A stretch, described.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it looks like; [`NUMBERS`] of them.
    pub numbers: [f32; NUMBERS],
}

/// Hashes that are counted: of tokens, of pairs of neighbours, of letter groups.
pub fn counted(text: &str, mut take: impl FnMut(usize, u32)) {
    let mut before: Option<u32> = None;
    for token in tokens(text).filter(|token| token.kind != Kind::Break) {
        let bytes = text.as_bytes().get(token.start..token.end).unwrap_or_default();
        let hash = hash(token.kind, bytes);
        take(0, hash);
        if let Some(before) = before {
            take(1, join(before, hash));
        }
        before = Some(hash);
        if token.kind == Kind::Word {
            groups(bytes, |group| take(2, group));
        }
    }
}

fn hash(kind: Kind, bytes: &[u8]) -> u32 {
    match kind {
        Kind::Number => mix(fnv(fnv(FNV_OFFSET, b'0'), bytes.len().min(6) as u8)),
        _ => {
            mix(bytes.iter().take(24).fold(FNV_OFFSET, |hash, b| fnv(hash, b.to_ascii_lowercase())))
        }
    }
}

/// Groups of four bytes inside `^word$`.
fn groups(word: &[u8], mut take: impl FnMut(u32)) {
    let padded = |at: usize| match at.checked_sub(1) {
        None => b'^',
        Some(at) => word.get(at).map_or(b'$', u8::to_ascii_lowercase),
    };
    for start in 0..(word.len() + 2).saturating_sub(3) {
        take(mix((start..start + 4).fold(FNV_OFFSET, |hash, at| fnv(hash, padded(at)))));
    }
}

/// One token, as far as every token is looked at.
struct Seen {
    start: usize,
    end: usize,
    hash: u32,
    kind: Kind,
    /// How common it is with the token before.
    pair: u8,
    glued: bool,
    breaks_before: u8,
    /// The rest, once it was needed: stretches overlap, and of most texts few are described.
    closer: Option<Closer>,
}

/// What the numbers need besides.
struct Closer {
    mark: u8,
    count: u8,
    foreign: bool,
    capital: bool,
    second_capital: bool,
    humps: u8,
    /// Mean logarithm of the counts of its letter groups, if it is a word.
    groups: f32,
}

fn see(counts: &Counts, text: &str) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::with_capacity(text.len() / 4);
    let mut breaks_before = 0;
    let mut end_before = None;
    for Token { kind, start, end } in tokens(text).take(MAX_TOKENS) {
        if kind == Kind::Break {
            breaks_before += 1;
            continue;
        }
        let hash = hash(kind, text.as_bytes().get(start..end).unwrap_or_default());
        seen.push(Seen {
            start,
            end,
            hash,
            kind,
            pair: 15,
            glued: end_before == Some(start),
            breaks_before,
            closer: None,
        });
        breaks_before = 0;
        end_before = Some(end);
    }
    // By themselves, so that lookups in a table larger than the nearest caches wait side by side.
    let mut before = None;
    for seen in &mut seen {
        if let Some(before) = before {
            seen.pair = counts.get(join(before, seen.hash));
        }
        before = Some(seen.hash);
    }
    seen
}

/// Stretches whose neighbours are less common than `text_from`, one after the other.
fn stretches(counts: &[Counts; 3], text: &str, text_from: f32, mut take: impl FnMut(&Stretch)) {
    let [_, pair_counts, _] = counts;
    let mut seen = see(pair_counts, text);
    if seen.len() < FEWEST {
        return;
    }
    let last = seen.len().saturating_sub(WINDOW);
    let steps = (0..last).step_by(STEP);
    // How much worse a stretch is than the best of its text: code is odd throughout.
    let means = steps.clone().chain([last]).map(|at| pair_mean(window(&seen, at)));
    let best = means.fold(0.0, f32::max);
    for at in steps.chain([last]) {
        let pairs = pair_mean(window(&seen, at));
        if pairs < text_from {
            let end = (at + WINDOW).min(seen.len());
            for token in seen.get_mut(at..end).unwrap_or_default() {
                token.look_closer(counts, text);
            }
            take(&describe(window(&seen, at), pairs, best - pairs));
        }
    }
}

fn window(seen: &[Seen], at: usize) -> &[Seen] {
    seen.get(at..(at + WINDOW).min(seen.len())).unwrap_or_default()
}

/// Mean logarithm of the counts of neighbours.
fn pair_mean(window: &[Seen]) -> f32 {
    let total: u32 = window.iter().skip(1).map(|seen| u32::from(seen.pair)).sum();
    total as f32 / window.len().saturating_sub(1).max(1) as f32
}

impl Seen {
    fn look_closer(&mut self, counts: &[Counts; 3], text: &str) {
        if self.closer.is_some() {
            return;
        }
        let [token_counts, _, group_counts] = counts;
        let bytes = text.as_bytes().get(self.start..self.end).unwrap_or_default();
        let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let pairs = bytes.iter().zip(bytes.iter().skip(1));
        let humps = pairs.filter(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase()).count();
        let is_mark = self.kind == Kind::Mark;
        self.closer = Some(Closer {
            mark: bytes.first().copied().filter(|_| is_mark).unwrap_or_default(),
            count: token_counts.get(self.hash),
            foreign: !bytes.is_ascii(),
            capital: upper(0),
            second_capital: upper(1),
            humps: humps.min(255) as u8,
            groups: if self.kind == Kind::Word { mean_of_groups(group_counts, bytes) } else { 0.0 },
        });
    }

    fn count(&self) -> u8 {
        self.closer.as_ref().map_or(0, |closer| closer.count)
    }

    fn is_foreign(&self) -> bool {
        self.closer.as_ref().is_some_and(|closer| closer.foreign)
    }
}

/// Mean logarithm of the counts of the letter groups of a word.
fn mean_of_groups(counts: &Counts, word: &[u8]) -> f32 {
    let (mut total, mut number) = (0_u32, 0_u32);
    groups(word, |group| {
        total += u32::from(counts.get(group));
        number += 1;
    });
    if number == 0 { 15.0 } else { total as f32 / number as f32 }
}

/// What is counted in one pass over a stretch.
#[derive(Default)]
struct Tally {
    words: u32,
    numbers: u32,
    characters: u32,
    foreign_words: u32,
    capitals: u32,
    second_capitals: u32,
    humps: u32,
    unseen: u32,
    unseen_words: u32,
    odd_words: u32,
    glued: u32,
    glued_words: u32,
    glued_behind_marks: u32,
    word_bytes: usize,
    breaks: u32,
    counts: u32,
    groups: f32,
    unseen_pairs: u32,
    unseen_common_pairs: u32,
    word_pairs: u32,
    unseen_word_pairs: u32,
    script_changes: u32,
    run: u32,
    longest_run: u32,
}

fn one(seen: impl Into<u32>) -> u32 {
    seen.into()
}

impl Tally {
    fn token(&mut self, seen: &Seen) {
        /// Mean logarithm of the counts of letter groups below which a word is odd.
        const ODD: f32 = 4.0;
        let Some(closer) = &seen.closer else { return };
        let unseen = closer.count == 0;
        self.counts += one(closer.count);
        self.unseen += one(unseen);
        self.glued += one(seen.glued);
        self.breaks += one(seen.breaks_before);
        match seen.kind {
            Kind::Number => self.numbers += 1,
            Kind::Character => self.characters += 1,
            Kind::Word => {
                let groups = closer.groups;
                self.words += 1;
                self.word_bytes += seen.end - seen.start;
                self.groups += groups;
                self.odd_words += one(groups < ODD);
                self.unseen_words += one(unseen);
                self.foreign_words += one(closer.foreign);
                self.capitals += one(closer.capital);
                self.second_capitals += one(closer.second_capital);
                self.humps += one(closer.humps);
                self.glued_words += one(seen.glued);
            }
            Kind::Mark | Kind::Break => {}
        }
    }

    fn pair(&mut self, first: &Seen, second: &Seen) {
        /// Logarithm of a count from which a token is common.
        const COMMON: u8 = 7;
        let unseen = second.pair == 0;
        let words = first.kind == Kind::Word && second.kind == Kind::Word;
        let behind_mark = first.kind == Kind::Mark && second.kind == Kind::Word;
        self.unseen_pairs += one(unseen);
        self.unseen_common_pairs +=
            one(unseen && first.count() >= COMMON && second.count() >= COMMON);
        self.word_pairs += one(words);
        self.unseen_word_pairs += one(words && unseen);
        self.glued_behind_marks += one(behind_mark && second.glued);
        self.script_changes += one(first.is_foreign() != second.is_foreign());
        self.run = if unseen { self.run + 1 } else { 0 };
        self.longest_run = self.longest_run.max(self.run);
    }
}

/// Describes a stretch whose neighbours are as common as `mean_pair`, by `behind_best` less than those of
/// the best stretch of its text.
fn describe(window: &[Seen], mean_pair: f32, behind_best: f32) -> Stretch {
    let mut tally = Tally::default();
    let mut marks = [0_u8; WINDOW];
    let mut mark_count = 0;
    let mut hashes = [0_u32; WINDOW];
    for (seen, cell) in window.iter().zip(&mut hashes) {
        tally.token(seen);
        *cell = seen.hash;
        if seen.kind == Kind::Mark
            && let Some(cell) = marks.get_mut(mark_count)
        {
            *cell = seen.closer.as_ref().map_or(0, |closer| closer.mark);
            mark_count += 1;
        }
    }
    for (first, second) in window.iter().zip(window.iter().skip(1)) {
        tally.pair(first, second);
    }
    let all = window.len() as f32;
    let of = |count: u32, number: f32| count as f32 / number;
    let words = tally.words.max(1) as f32;
    let pairs = window.len().saturating_sub(1).max(1) as f32;
    let mean_count = of(tally.counts, all);
    let (mark_kinds, entropy) = spread(marks.get_mut(..mark_count).unwrap_or_default());
    let numbers = [
        mean_count,
        mean_pair,
        tally.groups / words,
        of(tally.unseen, all),
        of(tally.unseen_pairs, pairs),
        of(tally.unseen_word_pairs, tally.word_pairs.max(1) as f32),
        of(tally.unseen_common_pairs, pairs),
        mean_pair - mean_count,
        of(tally.longest_run, all),
        mark_count as f32 / all,
        entropy,
        mark_kinds as f32 / all,
        of(tally.glued_behind_marks, all),
        of(tally.capitals, words),
        of(tally.second_capitals, words),
        of(tally.humps, words),
        of(tally.words, all),
        of(tally.numbers, all),
        of(tally.foreign_words, all),
        of(tally.characters, all),
        of(tally.script_changes, all),
        of(tally.breaks, all),
        tally.word_bytes as f32 / words,
        of(tally.glued, all),
        of(tally.glued_words, all),
        repeated(hashes.get_mut(..window.len()).unwrap_or_default()) as f32 / all,
        of(tally.odd_words, words),
        all.ln(),
        of(tally.unseen_words, words),
        behind_best,
    ];
    let start = window.first().map_or(0, |seen| seen.start);
    Stretch { start, end: window.last().map_or(start, |seen| seen.end), numbers }
}

/// How many kinds of marks there are, and the entropy of their shares in bits.
fn spread(marks: &mut [u8]) -> (usize, f32) {
    marks.sort_unstable();
    let all = marks.len() as f32;
    let kinds = marks.chunk_by(|a, b| a == b);
    let shares = kinds.clone().map(|of_kind| of_kind.len() as f32 / all);
    (kinds.count(), shares.map(|part| -part * part.log2()).sum())
}

/// How many tokens occurred before in the stretch.
fn repeated(hashes: &mut [u32]) -> usize {
    hashes.sort_unstable();
    hashes.windows(2).filter(|pair| matches!(pair, [a, b] if a == b)).count()
}
