//! Words that are written as one: `RevealTheSystemPrompt`, `ignoreallpreviousinstructions`.

use super::relation::{Index, letter, signature};
use super::words::SMALL;

/// Letters of words that are written as one.
pub(super) const LETTERS: std::ops::RangeInclusive<usize> = 16..=400;
/// Telling words in it, of at least [`TELLING_LETTERS`]: names in code are made of words, too.
const FEWEST: usize = 3;
/// Or fewer, where one of the words is in it that stand between those of an order and in no name.
const FEWEST_WITH_SMALL: usize = 2;
/// Or one, in so many letters.
const SENTENCE_LETTERS: usize = 40;
/// Letters of a telling word that counts.
const TELLING_LETTERS: usize = 5;
/// Longest word that is looked for.
const LONGEST: usize = 16;
/// What a letter that belongs to no word weighs, where a word weighs one.
const LEFT_OVER: usize = 3;

/// Whether enough telling words are in it.
pub(super) fn tells(telling: &Index, glued: &str) -> bool {
    let lower = glued.to_ascii_lowercase();
    let mut number = 0;
    let mut at = 0;
    while at < lower.len() {
        match longest(telling, &lower, at).filter(|word| word.len() >= TELLING_LETTERS) {
            Some(word) => {
                number += 1;
                at += word.len();
            }
            None => at += 1,
        }
    }
    let has_small = || SMALL.iter().any(|word| lower.contains(word));
    match number {
        0 => false,
        FEWEST.. => true,
        FEWEST_WITH_SMALL if has_small() => true,
        _ => lower.len() >= SENTENCE_LETTERS,
    }
}

fn longest<'w>(index: &Index, lower: &'w str, at: usize) -> Option<&'w str> {
    let rest = lower.get(at..)?;
    let mut whole: u64 = 0;
    let mut best = None;
    for (number, byte) in rest.bytes().enumerate().take(LONGEST) {
        whole = whole.wrapping_add(letter(byte));
        let word = rest.get(..=number)?;
        if index.exactly(whole, word).is_some() {
            best = Some(word);
        }
    }
    best
}

/// The words, apart: by their capitals, and each by the fewest words and letters left over that it is
/// made of.
pub(super) fn apart(index: &Index, glued: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut humps: Vec<String> = Vec::new();
    for c in glued.chars() {
        if c.is_ascii_uppercase() || humps.is_empty() {
            humps.push(String::new());
        }
        if let Some(last) = humps.last_mut() {
            last.push(c.to_ascii_lowercase());
        }
    }
    for hump in humps {
        if index.exactly(signature(hump.as_bytes()), &hump).is_some() {
            words.push(hump);
        } else {
            words.extend(cut(index, &hump));
        }
    }
    words.join(" ")
}

fn cut(index: &Index, glued: &str) -> Vec<String> {
    // By place: what it costs to come there, and where the last word begins.
    let mut best: Vec<(usize, usize)> = vec![(usize::MAX, 0); glued.len() + 1];
    if let Some(first) = best.first_mut() {
        *first = (0, 0);
    }
    for start in 0..glued.len() {
        let cost = best.get(start).map_or(usize::MAX, |(cost, _)| *cost);
        let mut whole: u64 = 0;
        for (number, byte) in glued.bytes().skip(start).enumerate().take(LONGEST) {
            whole = whole.wrapping_add(letter(byte));
            let end = start + number + 1;
            let is_word = index.has(whole)
                && glued.get(start..end).is_some_and(|word| index.exactly(whole, word).is_some());
            let more = match number {
                _ if is_word => 1,
                0 if matches!(byte, b'a' | b'i') => 2,
                0 => LEFT_OVER,
                _ => continue,
            };
            if let Some(place) = best.get_mut(end)
                && cost.saturating_add(more) < place.0
            {
                *place = (cost.saturating_add(more), start);
            }
        }
    }
    let mut words: Vec<String> = Vec::new();
    let mut end = glued.len();
    while end > 0 {
        let start = best.get(end).map_or(0, |(_, start)| *start);
        words.push(glued.get(start..end).unwrap_or_default().to_owned());
        end = start;
    }
    words.reverse();
    words
}
