//! Overlap with the system prompt: which parts of an answer also stand in the prompt.
//!
//! A suffix automaton of the prompt tells, for every position of an answer, how many bytes up to
//! there occur in the prompt, and where. Building is linear in the prompt and happens at the first
//! question, so a request whose answer nobody reads pays nothing; reading is linear in the answer.
//!
//! Both sides are normalised alike: folded, ASCII in lower case, white space runs as one space.
//! Prompts of up to [`MAX_BYTES`] are indexed whole; of longer ones the first and the last half of
//! that. What counts as a leak belongs to the detector.

mod cache;

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;

use crate::text::fold;

pub use cache::PromptCache;

/// Most bytes of normalised prompt that are indexed.
pub const MAX_BYTES: usize = 64 << 10;
/// Stands between two texts; no byte of UTF-8 equals it, so no match crosses it.
const SEAM: u8 = 0xFF;
const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

/// A system prompt, ready for overlap search.
#[derive(Debug, Default)]
pub struct PromptIndex {
    texts: Vec<String>,
    automaton: OnceLock<Automaton>,
}

impl PromptIndex {
    /// Adds one prompt text. A match never reaches from one text into the next.
    pub fn add(&mut self, text: &str) {
        self.texts.extend(kept(text).map(str::to_owned));
        self.automaton.take();
    }

    /// Whether it was made of these texts, as far as they are kept.
    fn is_of(&self, texts: &[&str]) -> bool {
        texts.iter().flat_map(|text| kept(text)).eq(self.texts.iter().map(String::as_str))
    }

    /// Bytes of the texts.
    fn bytes(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }

    /// Starts reading an answer. The first call builds the automaton.
    pub fn matcher(&self) -> Matcher<'_> {
        let automaton = self.automaton.get_or_init(|| Automaton::new(&self.texts));
        Matcher { automaton, state: ROOT, len: 0 }
    }
}

/// The parts of a text that are kept. Folding rarely shrinks a text to less than a quarter, so what
/// lies deep inside a very long one would be dropped after normalising as well.
fn kept(text: &str) -> impl Iterator<Item = &str> {
    const KEPT: usize = 2 * MAX_BYTES;
    let (head, tail) = if text.len() <= 2 * KEPT {
        (text, None)
    } else {
        let tail = text.ceil_char_boundary(text.len() - KEPT);
        (text.get(..text.floor_char_boundary(KEPT)).unwrap_or_default(), text.get(tail..))
    };
    std::iter::once(head).chain(tail)
}

/// Follows an answer through a prompt, byte by byte.
#[derive(Debug, Clone)]
pub struct Matcher<'i> {
    automaton: &'i Automaton,
    state: u32,
    len: usize,
}

impl Matcher<'_> {
    /// Longest match that is followed, in bytes; longer ones count as this long.
    pub const MAX_LEN: usize = 96;

    /// Takes the next normalised byte and gives the length of the longest match that ends there.
    pub fn feed(&mut self, byte: u8) -> usize {
        loop {
            if let Some(to) = self.automaton.next(self.state, byte) {
                self.state = to;
                self.len += 1;
                break;
            }
            if self.state == ROOT {
                self.len = 0;
                return 0;
            }
            self.state = self.automaton.state(self.state).link;
            self.len = self.automaton.state(self.state).len as usize;
        }
        if self.len > Self::MAX_LEN {
            self.len = Self::MAX_LEN;
            self.state = self.automaton.shorten(self.state, self.len);
        }
        self.len
    }

    /// Forgets what was read.
    pub fn reset(&mut self) {
        self.state = ROOT;
        self.len = 0;
    }

    /// Where the last `len` bytes occur first in the indexed prompt, when they do.
    pub fn origin(&self, len: usize) -> Option<Range<usize>> {
        if len > self.len {
            return None;
        }
        let state = self.automaton.shorten(self.state, len);
        let end = self.automaton.state(state).first_end as usize;
        Some(end.checked_sub(len)?..end)
    }

    /// The first of the last `len` bytes, when they occur in the prompt.
    pub fn first_byte(&self, len: usize) -> Option<u8> {
        self.automaton.text.get(self.origin(len)?.start).copied()
    }

    /// Bytes of a stretch of the prompt that are not common phrases.
    pub fn own_bytes(&self, stretch: &Range<usize>) -> usize {
        self.automaton.own_bytes(stretch)
    }

    /// Whether the last bytes are one whole text of the prompt that is `bytes` long; gives its
    /// length. The longest such text wins.
    pub fn whole_text(&self, bytes: Range<usize>) -> Option<usize> {
        let texts = &self.automaton.texts;
        let fitting = texts.iter().filter(|text| bytes.contains(&text.len()));
        fitting
            .filter(|text| {
                self.origin(text.len()).is_some_and(|place| {
                    let indexed = &self.automaton.text;
                    place == **text || indexed.get(place) == indexed.get((*text).clone())
                })
            })
            .map(Range::len)
            .max()
    }
}

/// Normalises folded text: ASCII to lower case, each run of white space to one space. Gives each
/// byte with its place in the text, and never a space first or last.
///
/// A run of more than [`MAX_GAP_BYTES`] is a seam: the item for it is `None`.
pub(crate) fn normalised(folded: &[u8]) -> impl Iterator<Item = (usize, Option<u8>)> {
    let mut at = 0;
    let mut pending = None;
    let mut begun = false;
    std::iter::from_fn(move || {
        loop {
            let byte = *folded.get(at)?;
            if byte.is_ascii_whitespace() {
                pending.get_or_insert(at);
                at += 1;
                continue;
            }
            if let Some(from) = pending.take().filter(|_| begun) {
                let gap = at - from;
                return Some((from, (gap <= MAX_GAP_BYTES).then_some(b' ')));
            }
            begun = true;
            at += 1;
            return Some((at - 1, Some(byte.to_ascii_lowercase())));
        }
    })
}

/// Longest run of white space inside a match, in bytes.
pub(crate) const MAX_GAP_BYTES: usize = 64;

/// A suffix automaton. Every path from the root spells a substring of the prompt.
#[derive(Debug, Default)]
struct Automaton {
    text: Vec<u8>,
    /// The texts in it, between seams.
    texts: Vec<Range<usize>>,
    /// Stretches that say nothing about this prompt, by place.
    common: Vec<Range<usize>>,
    states: Vec<State>,
    /// Edges of all states but the root, as linked lists.
    edges: Vec<Edge>,
    /// Edges of the root, by byte.
    root: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// Longest substring that leads here.
    len: u32,
    /// State of the longest proper suffix that is not equivalent.
    link: u32,
    /// Where the substring ends first in the text.
    first_end: u32,
    edges: u32,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    byte: u8,
    to: u32,
    next: u32,
}

impl Automaton {
    fn new(texts: &[String]) -> Self {
        let mut text: Vec<u8> = Vec::new();
        for part in texts {
            if !text.is_empty() {
                text.push(SEAM);
            }
            let (folded, _) = fold(part);
            text.extend(normalised(folded.as_bytes()).map(|(_, byte)| byte.unwrap_or(b' ')));
        }
        if text.len() > MAX_BYTES {
            let tail = text.split_off(text.len() - MAX_BYTES / 2);
            text.truncate(MAX_BYTES / 2 - 1);
            text.push(SEAM);
            text.extend(tail);
        }
        let mut start = 0;
        let mut ranges = Vec::new();
        for part in text.split(|byte| *byte == SEAM) {
            ranges.push(start..start + part.len());
            start += part.len() + 1;
        }
        let mut automaton = Self {
            common: common_phrases(&text),
            texts: ranges,
            states: Vec::with_capacity(text.len() * 2),
            edges: Vec::with_capacity(text.len() * 3),
            root: vec![NONE; 256],
            text: Vec::new(),
        };
        automaton.states.push(State { len: 0, link: NONE, first_end: 0, edges: NONE });
        let mut last = ROOT;
        for (at, byte) in text.iter().enumerate() {
            last = automaton.extend(last, *byte, at as u32 + 1);
        }
        automaton.text = text;
        automaton
    }

    /// Adds one byte after the whole text so far, whose state is `last`.
    fn extend(&mut self, last: u32, byte: u8, end: u32) -> u32 {
        let len = self.state(last).len + 1;
        let new = self.push(State { len, link: ROOT, first_end: end, edges: NONE });
        let mut at = last;
        while at != NONE && self.next(at, byte).is_none() {
            self.connect(at, byte, new);
            at = self.state(at).link;
        }
        let Some(old) = (at != NONE).then(|| self.next(at, byte)).flatten() else { return new };
        let len = self.state(at).len + 1;
        if self.state(old).len == len {
            self.set_link(new, old);
            return new;
        }
        let twin = self.push(State { len, edges: NONE, ..self.state(old) });
        let mut edge = self.state(old).edges;
        while let Some(Edge { byte, to, next }) = self.edges.get(edge as usize).copied() {
            self.connect(twin, byte, to);
            edge = next;
        }
        while at != NONE && self.next(at, byte) == Some(old) {
            self.redirect(at, byte, twin);
            at = self.state(at).link;
        }
        self.set_link(old, twin);
        self.set_link(new, twin);
        new
    }

    fn push(&mut self, state: State) -> u32 {
        self.states.push(state);
        self.states.len() as u32 - 1
    }

    fn state(&self, at: u32) -> State {
        const GONE: State = State { len: 0, link: NONE, first_end: 0, edges: NONE };
        self.states.get(at as usize).copied().unwrap_or(GONE)
    }

    fn set_link(&mut self, at: u32, link: u32) {
        if let Some(state) = self.states.get_mut(at as usize) {
            state.link = link;
        }
    }

    fn next(&self, state: u32, byte: u8) -> Option<u32> {
        if state == ROOT {
            return self.root.get(byte as usize).copied().filter(|to| *to != NONE);
        }
        let mut at = self.state(state).edges;
        while let Some(edge) = self.edges.get(at as usize) {
            if edge.byte == byte {
                return Some(edge.to);
            }
            at = edge.next;
        }
        None
    }

    fn connect(&mut self, from: u32, byte: u8, to: u32) {
        if from == ROOT {
            if let Some(slot) = self.root.get_mut(byte as usize) {
                *slot = to;
            }
        } else if let Some(state) = self.states.get_mut(from as usize) {
            self.edges.push(Edge { byte, to, next: state.edges });
            state.edges = self.edges.len() as u32 - 1;
        }
    }

    fn redirect(&mut self, from: u32, byte: u8, to: u32) {
        if from == ROOT {
            return self.connect(from, byte, to);
        }
        let mut at = self.state(from).edges;
        while let Some(edge) = self.edges.get_mut(at as usize) {
            if edge.byte == byte {
                edge.to = to;
                return;
            }
            at = edge.next;
        }
    }

    /// The state of the last `len` bytes of what leads to `state`.
    fn shorten(&self, mut state: u32, len: usize) -> u32 {
        loop {
            let link = self.state(state).link;
            if link == NONE || (self.state(link).len as usize) < len {
                return state;
            }
            state = link;
        }
    }

    fn own_bytes(&self, stretch: &Range<usize>) -> usize {
        let first = self.common.partition_point(|common| common.end <= stretch.start);
        let common = self.common.iter().skip(first);
        let common: usize = common
            .take_while(|common| common.start < stretch.end)
            .map(|common| common.end.min(stretch.end) - common.start.max(stretch.start))
            .sum();
        stretch.len().saturating_sub(common)
    }
}

/// Sentences that stand in so many prompts, and in so many answers, that they give nothing away.
const COMMON: &[&str] = &[
    "you are a helpful assistant",
    "you are a helpful, respectful and honest assistant",
    "you are a helpful ai assistant",
    "you are an ai assistant",
    "you are an ai language model",
    "as an ai language model",
    "as an ai assistant",
    "as a large language model",
    "you are chatgpt, a large language model trained by openai",
    "you are claude, an ai assistant created by anthropic",
    "your task is to help the user",
    "your goal is to help the user",
    "always answer as helpfully as possible, while being safe",
    "please ensure that your responses are socially unbiased and positive in nature",
    "if you don't know the answer to a question, please don't share false information",
    "if you don't know the answer, just say that you don't know",
    "if you do not know the answer, say that you do not know",
    "don't try to make up an answer",
    "answer the following question",
    "answer the user's question",
    "answer the question based on the context below",
    "use the following pieces of context to answer the question at the end",
    "think step by step",
    "let's think step by step",
    "let me think about this step by step",
    "please let me know if you have any questions",
    "let me know if you have any other questions",
    "if you have any questions, please feel free to ask",
    "please provide more information",
    "please provide more details",
    "is there anything else i can help you with",
    "how can i help you today",
    "how can i assist you today",
    "i'm sorry, but i can't help with that",
    "i'm sorry, but i cannot assist with that request",
    "thank you for your understanding",
    "for more information, see",
    "for more information, please visit",
    "here is an example of",
    "in the following format",
    "the following is a conversation between a human and an ai assistant",
    "the output should be formatted as a json instance that conforms to the json schema below",
    "return the result as a json object with the following fields",
    "all rights reserved",
];

/// Stretches of the text that consist of common phrases, by place, not overlapping.
fn common_phrases(text: &[u8]) -> Vec<Range<usize>> {
    static PHRASES: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::builder().build(COMMON).ok());
    let Some(phrases) = PHRASES.as_ref() else { return Vec::new() };
    let mut found: Vec<Range<usize>> =
        phrases.find_overlapping_iter(text).map(|hit| hit.range()).collect();
    found.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(texts: &[&str]) -> PromptIndex {
        let mut index = PromptIndex::default();
        for text in texts {
            index.add(text);
        }
        index
    }

    fn lengths(index: &PromptIndex, text: &str) -> Vec<usize> {
        let mut matcher = index.matcher();
        normalised(text.as_bytes()).map(|(_, byte)| matcher.feed(byte.unwrap())).collect()
    }

    #[test]
    fn tells_the_longest_match_at_every_position() {
        let index = index(&["the cat sat"]);
        assert_eq!(lengths(&index, "a cat sit"), [1, 1, 2, 3, 4, 5, 6, 0, 1]);
        assert_eq!(lengths(&index, "THE   Cat"), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn texts_do_not_match_across_their_seam() {
        let index = index(&["abc", "def"]);
        assert_eq!(lengths(&index, "abcdef"), [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn finds_the_first_origin_of_a_match() {
        let index = index(&["one two one"]);
        let mut matcher = index.matcher();
        "one".bytes().for_each(|byte| _ = matcher.feed(byte));
        assert_eq!(matcher.origin(3), Some(0..3));
        assert_eq!(matcher.origin(2), Some(1..3));
        assert_eq!(matcher.origin(4), None);
    }

    #[test]
    fn recognises_a_whole_text() {
        let index = index(&["first", "second"]);
        let mut matcher = index.matcher();
        "a second".bytes().for_each(|byte| _ = matcher.feed(byte));
        assert_eq!(matcher.whole_text(1..10), Some(6));
        assert_eq!(matcher.whole_text(1..6), None);
    }

    #[test]
    fn long_prompts_keep_their_ends() {
        let middle = "lorem ipsum dolor sit amet ".repeat(6000);
        let index = index(&[&format!("at the very start {middle} at the very end")]);
        let longest = |text: &str| lengths(&index, text).last().copied();
        assert_eq!(longest("at the very start"), Some(17));
        assert_eq!(longest("at the very end"), Some(15));
        assert!(index.automaton.get().unwrap().text.len() <= MAX_BYTES);
    }

    #[test]
    fn common_phrases_do_not_count() {
        let index = index(&["You are a helpful assistant. Sell boats."]);
        let matcher = index.matcher();
        assert_eq!(matcher.own_bytes(&(0..27)), 0);
        assert_eq!(matcher.own_bytes(&(0..40)), 13);
    }

    proptest! {
        #[test]
        fn agrees_with_plain_search(
            texts in proptest::collection::vec("[ab ]{0,12}", 1..4),
            answer in "[abc ]{0,16}",
        ) {
            let parts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let index = index(&parts);
            let clean = |text: &str| -> Vec<u8> {
                normalised(text.as_bytes()).map(|(_, byte)| byte.unwrap()).collect()
            };
            let prompts: Vec<Vec<u8>> = texts.iter().map(|text| clean(text)).collect();
            let answer = clean(&answer);
            let mut matcher = index.matcher();
            for end in 1..=answer.len() {
                let shortest_missing = (1..=end).find(|len| {
                    let needle = &answer[end - len..end];
                    !prompts.iter().any(|p| p.windows(*len).any(|w| w == needle))
                });
                let expected = shortest_missing.map_or(end, |len| len - 1);
                prop_assert_eq!(matcher.feed(answer[end - 1]), expected);
            }
        }
    }
}
