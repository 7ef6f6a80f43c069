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
    /// The stretch of a text that looks most like noise; `None` for short texts.
    pub fn worst(&self, text: &str) -> Option<Worst> {
        let scored = stretches(&self.counts, text, TEXT_FROM).into_iter().map(|stretch| Worst {
            start: stretch.start,
            end: stretch.end,
            score: self.trees.score(&stretch.numbers),
        });
        scored.max_by(|a, b| a.score.total_cmp(&b.score))
    }

    /// Every stretch of a text, described. Trees learn from all of them: from those alone that could be
    /// noise they learn to tell salads from tables, and miss what is searched for.
    pub fn stretches(&self, text: &str) -> Vec<Stretch> {
        stretches(&self.counts, text, f32::INFINITY)
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

/// One token, as the numbers need it.
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is seen of a token")]
struct Seen {
    start: usize,
    end: usize,
    hash: u32,
    kind: Kind,
    mark: u8,
    count: u8,
    /// With the token before.
    pair: u8,
    glued: bool,
    foreign: bool,
    capital: bool,
    second_capital: bool,
    humps: u8,
    breaks_before: u8,
}

fn see(counts: &[Counts; 3], text: &str) -> Vec<Seen> {
    let [token_counts, pair_counts, _] = counts;
    let mut seen: Vec<Seen> = Vec::new();
    let mut breaks_before = 0;
    let mut end_before = None;
    for Token { kind, start, end } in tokens(text).take(MAX_TOKENS) {
        if kind == Kind::Break {
            breaks_before += 1;
            continue;
        }
        let bytes = text.as_bytes().get(start..end).unwrap_or_default();
        let hash = hash(kind, bytes);
        let before = seen.last().map(|before| before.hash);
        let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let pairs = bytes.iter().zip(bytes.iter().skip(1));
        let humps = pairs.filter(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase()).count();
        seen.push(Seen {
            start,
            end,
            hash,
            kind,
            mark: if kind == Kind::Mark { bytes.first().copied().unwrap_or_default() } else { 0 },
            count: token_counts.get(hash),
            pair: before.map_or(15, |before| pair_counts.get(join(before, hash))),
            glued: end_before == Some(start),
            foreign: !bytes.is_ascii(),
            capital: upper(0),
            second_capital: upper(1),
            humps: humps.min(255) as u8,
            breaks_before,
        });
        breaks_before = 0;
        end_before = Some(end);
    }
    seen
}

/// Stretches whose neighbours are less common than `text_from`.
fn stretches(counts: &[Counts; 3], text: &str, text_from: f32) -> Vec<Stretch> {
    let seen = see(counts, text);
    if seen.len() < FEWEST {
        return Vec::new();
    }
    let last = seen.len().saturating_sub(WINDOW);
    let mut starts: Vec<usize> = (0..=last).step_by(STEP).collect();
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    let windows = starts.into_iter().filter_map(|at| {
        let window = seen.get(at..(at + WINDOW).min(seen.len()))?;
        Some((window, pair_mean(window)))
    });
    let windows: Vec<(&[Seen], f32)> = windows.collect();
    // How much worse a stretch is than the best of its text: code is odd throughout.
    let best = windows.iter().map(|(_, pairs)| *pairs).fold(0.0, f32::max);
    windows
        .into_iter()
        .filter(|(_, pairs)| *pairs < text_from)
        .map(|(window, pairs)| {
            let mut stretch = describe(window, &counts[2], text);
            stretch.numbers[NUMBERS - 1] = best - pairs;
            stretch
        })
        .collect()
}

/// Mean logarithm of the counts of neighbours.
fn pair_mean(window: &[Seen]) -> f32 {
    let total: u32 = window.iter().skip(1).map(|seen| u32::from(seen.pair)).sum();
    total as f32 / window.len().saturating_sub(1).max(1) as f32
}

/// Mean logarithm of the counts of the letter groups of a word.
fn group_mean(counts: &Counts, text: &str, seen: &Seen) -> f32 {
    let bytes = text.as_bytes().get(seen.start..seen.end).unwrap_or_default();
    let (mut total, mut number) = (0_u32, 0_u32);
    groups(bytes, |group| {
        total += u32::from(counts.get(group));
        number += 1;
    });
    if number == 0 { 15.0 } else { total as f32 / number as f32 }
}

fn describe(window: &[Seen], group_counts: &Counts, text: &str) -> Stretch {
    /// Logarithm of a count from which a token is common.
    const COMMON: u8 = 7;
    /// Mean logarithm of the counts of letter groups below which a word is odd.
    const ODD: f32 = 4.0;
    let all = window.len() as f32;
    let pairs: Vec<(&Seen, &Seen)> = window.iter().zip(window.iter().skip(1)).collect();
    let words = || window.iter().filter(|seen| seen.kind == Kind::Word);
    let word_count = words().count().max(1) as f32;
    let share = |count: usize| count as f32 / all;
    let of_words = |count: usize| count as f32 / word_count;
    let mean_count = window.iter().map(|seen| f32::from(seen.count)).sum::<f32>() / all;
    let pair_count = pairs.len().max(1) as f32;
    let mean_pair = pairs.iter().map(|(_, b)| f32::from(b.pair)).sum::<f32>() / pair_count;
    let both_words: Vec<_> =
        pairs.iter().filter(|(a, b)| a.kind == Kind::Word && b.kind == Kind::Word).collect();
    let mut run = 0_usize;
    let mut longest = 0;
    for (_, b) in &pairs {
        run = if b.pair == 0 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let mut by_mark: Vec<u8> =
        window.iter().filter(|seen| seen.kind == Kind::Mark).map(|seen| seen.mark).collect();
    by_mark.sort_unstable();
    let mark_count = by_mark.len();
    let kinds = by_mark.chunk_by(|a, b| a == b);
    let mark_kinds = kinds.clone().count();
    let entropy: f32 = kinds
        .map(|of_kind| of_kind.len() as f32 / mark_count as f32)
        .map(|part| -part * part.log2())
        .sum();
    let groups: Vec<f32> = words().map(|seen| group_mean(group_counts, text, seen)).collect();
    let glued_marks =
        pairs.iter().filter(|(a, b)| b.glued && a.kind == Kind::Mark && b.kind == Kind::Word);
    let letters = words().map(|seen| (seen.end - seen.start) as f32).sum::<f32>();
    let mut hashes: Vec<u32> = window.iter().map(|seen| seen.hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let script_changes = pairs.iter().filter(|(a, b)| a.foreign != b.foreign);
    let numbers = [
        mean_count,
        mean_pair,
        groups.iter().sum::<f32>() / word_count,
        share(window.iter().filter(|seen| seen.count == 0).count()),
        pairs.iter().filter(|(_, b)| b.pair == 0).count() as f32 / pair_count,
        both_words.iter().filter(|(_, b)| b.pair == 0).count() as f32
            / both_words.len().max(1) as f32,
        pairs.iter().filter(|(a, b)| b.pair == 0 && a.count >= COMMON && b.count >= COMMON).count()
            as f32
            / pair_count,
        mean_pair - mean_count,
        longest as f32 / all,
        share(mark_count),
        entropy,
        mark_kinds as f32 / all,
        glued_marks.count() as f32 / all,
        of_words(words().filter(|seen| seen.capital).count()),
        of_words(words().filter(|seen| seen.second_capital).count()),
        words().map(|seen| f32::from(seen.humps)).sum::<f32>() / word_count,
        share(words().count()),
        share(window.iter().filter(|seen| seen.kind == Kind::Number).count()),
        share(words().filter(|seen| seen.foreign).count()),
        share(window.iter().filter(|seen| seen.kind == Kind::Character).count()),
        script_changes.count() as f32 / all,
        window.iter().map(|seen| f32::from(seen.breaks_before)).sum::<f32>() / all,
        letters / word_count,
        share(window.iter().filter(|seen| seen.glued).count()),
        share(words().filter(|seen| seen.glued).count()),
        1.0 - hashes.len() as f32 / all,
        of_words(groups.iter().filter(|group| **group < ODD).count()),
        all.ln(),
        of_words(words().filter(|seen| seen.count == 0).count()),
        0.0,
    ];
    let start = window.first().map_or(0, |seen| seen.start);
    Stretch { start, end: window.last().map_or(start, |seen| seen.end), numbers }
}
