//! Walking a text: hashed n-grams, segment by segment.
//!
//! Features are token 1-, 2- and 3-grams ([`Block::Tokens`]) and character 3-, 4- and 5-grams
//! inside `^word$` ([`Block::Characters`]). Each counts once per segment. A segment is a sentence or
//! a line, at least [`MIN_BYTES`] and about [`MAX_BYTES`] long at most: sums over segments give the
//! score of any stretch of a long text, so that an attack in twenty pages weighs as much as alone.

use super::tokens::{Kind, Token, tokens};

/// Bytes that a segment has before a sentence may end it.
const MIN_BYTES: usize = 20;
/// Bytes after which a segment ends at the next token.
const MAX_BYTES: usize = 256;
/// Longest word of ASCII letters of which character n-grams are made.
const MAX_WORD: usize = 40;
/// Longest run of other letters of which character n-grams are made: some scripts have no spaces.
const MAX_RUN: usize = 400;
/// Bytes of a token that its hash reads.
const HASHED_BYTES: usize = 24;
/// Cells of the memory of what a segment holds already.
const SEEN: usize = 4096;

/// Two kinds of features, each weighed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// N-grams of tokens.
    Tokens = 0,
    /// N-grams of the characters of words.
    Characters = 1,
}

/// Takes the features of a text.
pub trait Sink {
    /// A feature, as a well-mixed hash.
    fn feature(&mut self, block: Block, hash: u32);
    /// The features since the last call were those of `start..end`.
    fn segment(&mut self, start: usize, end: usize);
}

/// FNV-1a, 32 bits.
pub(crate) const FNV_OFFSET: u32 = 0x811C_9DC5;
const FNV_PRIME: u32 = 0x0100_0193;

#[inline]
pub(crate) const fn fnv(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(FNV_PRIME)
}

/// Finishing step of `MurmurHash3`, cut to one round: spreads what FNV leaves in the upper bits.
#[inline]
pub(crate) const fn mix(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash ^ (hash >> 13)
}

/// Joins the hash of a token to that of those before it.
#[inline]
pub(crate) const fn join(before: u32, token: u32) -> u32 {
    mix(before.wrapping_mul(0x9E37_79B1) ^ token)
}

/// Shows the features of a text to `sink`, segment by segment.
pub fn walk<S: Sink>(text: &str, sink: &mut S) {
    walk_with(&mut Scratch::default(), text, sink);
}

/// As [`walk`], for who walks many short texts.
pub fn walk_with<S: Sink>(scratch: &mut Scratch, text: &str, sink: &mut S) {
    let mut walker = Walker { text, sink, scratch, before: [None; 2], start: 0, end: 0 };
    for token in tokens(text) {
        walker.token(token);
    }
    walker.finish();
}

/// Memory of a walk, to be used again.
#[derive(Debug)]
pub struct Scratch {
    seen: Box<[u32; SEEN]>,
    /// Changes with each segment, so that what it holds is told from what others held.
    salt: u32,
    characters: Vec<char>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { seen: Box::new([0; SEEN]), salt: 1, characters: Vec::new() }
    }
}

struct Walker<'t, 's, S> {
    text: &'t str,
    sink: &'s mut S,
    scratch: &'s mut Scratch,
    /// Hashes of the last two tokens.
    before: [Option<u32>; 2],
    start: usize,
    end: usize,
}

impl<S: Sink> Walker<'_, '_, S> {
    fn token(&mut self, token: Token) {
        if token.end - self.start > MAX_BYTES && self.end > self.start {
            self.close(token.start);
        }
        let hash = self.hash(token);
        self.add(Block::Tokens, hash);
        if let Some(last) = self.before[1] {
            self.add(Block::Tokens, join(last, hash));
            if let Some(first) = self.before[0] {
                self.add(Block::Tokens, join(join(first, last), hash));
            }
        }
        self.before = [self.before[1], Some(hash)];
        self.end = token.end;
        if self.ends_sentence(token) && token.end - self.start >= MIN_BYTES {
            self.close(token.end);
        }
    }

    fn finish(&mut self) {
        if self.end > self.start {
            self.close(self.text.len());
        }
    }

    fn close(&mut self, at: usize) {
        self.sink.segment(self.start, at);
        self.start = at;
        self.end = at;
        self.scratch.salt = self.scratch.salt.wrapping_add(0x9E37_79B9);
    }

    /// Whether a sentence or a line ends with the token.
    fn ends_sentence(&self, token: Token) -> bool {
        let bytes = self.text.as_bytes();
        match token.kind {
            Kind::Break => true,
            Kind::Mark => {
                let stop = matches!(bytes.get(token.start), Some(b'.' | b'!' | b'?'));
                stop && bytes.get(token.end).is_none_or(u8::is_ascii_whitespace)
            }
            Kind::Character => {
                matches!(self.text.get(token.start..token.end), Some("。" | "！" | "？"))
            }
            Kind::Word | Kind::Number => false,
        }
    }

    #[inline]
    fn add(&mut self, block: Block, hash: u32) {
        let mark = hash ^ self.scratch.salt;
        let Some(cell) = self.scratch.seen.get_mut(hash as usize % SEEN) else { return };
        if *cell != mark {
            *cell = mark;
            self.sink.feature(block, hash);
        }
    }

    fn hash(&mut self, token: Token) -> u32 {
        let bytes = self.text.as_bytes().get(token.start..token.end).unwrap_or_default();
        match token.kind {
            Kind::Word if bytes.is_ascii() => self.ascii_word(bytes),
            Kind::Word => self.word(token),
            Kind::Number => mix(fnv(fnv(FNV_OFFSET, b'0'), bytes.len().min(6) as u8)),
            Kind::Break => mix(fnv(FNV_OFFSET, b'\n')),
            Kind::Character | Kind::Mark => {
                mix(bytes.iter().fold(FNV_OFFSET, |hash, byte| fnv(hash, *byte)))
            }
        }
    }

    fn ascii_word(&mut self, word: &[u8]) -> u32 {
        let lower = |byte: &u8| byte.to_ascii_lowercase();
        if word.len() <= MAX_WORD {
            let mut padded = [b'^'; MAX_WORD + 2];
            let mut len = 1;
            for (cell, byte) in padded.iter_mut().skip(1).zip(word) {
                *cell = lower(byte);
                len += 1;
            }
            if let Some(last) = padded.get_mut(len) {
                *last = b'$';
            }
            let padded = padded.get(..=len).unwrap_or_default();
            for start in 0..padded.len().saturating_sub(2) {
                let mut hash = FNV_OFFSET;
                for (index, byte) in padded.iter().skip(start).take(5).enumerate() {
                    hash = fnv(hash, *byte);
                    if index >= 2 {
                        self.add(Block::Characters, mix(hash ^ (index as u32)));
                    }
                }
            }
        }
        mix(word.iter().take(HASHED_BYTES).fold(FNV_OFFSET, |hash, byte| fnv(hash, lower(byte))))
    }

    fn word(&mut self, token: Token) -> u32 {
        let word = self.text.get(token.start..token.end).unwrap_or_default();
        let mut characters = std::mem::take(&mut self.scratch.characters);
        characters.clear();
        characters.push('^');
        characters.extend(word.chars().flat_map(char::to_lowercase).take(MAX_RUN));
        let mut hash = FNV_OFFSET;
        let mut hashed = 0;
        let mut buffer = [0; 4];
        for c in characters.iter().skip(1) {
            for byte in c.encode_utf8(&mut buffer).bytes() {
                if hashed < HASHED_BYTES {
                    hash = fnv(hash, byte);
                    hashed += 1;
                }
            }
        }
        if characters.len() > 1 {
            characters.push('$');
            for start in 0..characters.len().saturating_sub(2) {
                let mut hash = FNV_OFFSET;
                for (index, c) in characters.iter().skip(start).take(5).enumerate() {
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        hash = fnv(hash, byte);
                    }
                    if index >= 2 {
                        self.add(Block::Characters, mix(hash ^ (index as u32)));
                    }
                }
            }
        }
        self.scratch.characters = characters;
        mix(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Features = Vec<(Block, u32)>;

    #[derive(Default)]
    struct Seen {
        open: Features,
        segments: Vec<(usize, usize, Features)>,
    }

    impl Sink for Seen {
        fn feature(&mut self, block: Block, hash: u32) {
            self.open.push((block, hash));
        }

        fn segment(&mut self, start: usize, end: usize) {
            self.segments.push((start, end, std::mem::take(&mut self.open)));
        }
    }

    fn seen(text: &str) -> Seen {
        let mut seen = Seen::default();
        walk(text, &mut seen);
        assert!(seen.open.is_empty(), "features outside of any segment");
        seen
    }

    #[test]
    fn segments_follow_each_other_and_cover_the_text() {
        let text = "One sentence that is long enough to stand alone. And another one, that is as \
                    long as the first.\nshort\nshort\n"
            .repeat(9)
            + &"x".repeat(5000)
            + &" y".repeat(900);
        let seen = seen(&text);
        let mut at = 0;
        for (start, end, features) in &seen.segments {
            assert_eq!(*start, at);
            assert!(!features.is_empty());
            at = *end;
        }
        assert_eq!(at, text.len());
        assert!(seen.segments.len() > 20);
    }

    #[test]
    fn a_feature_counts_once_per_segment() {
        let once = seen("again again");
        let thrice = seen("again again again");
        let [(.., a)] = once.segments.as_slice() else { panic!("one segment") };
        let [(.., b)] = thrice.segments.as_slice() else { panic!("one segment") };
        // Three in a row have a trigram that two do not have.
        assert_eq!(b.len(), a.len() + 1);
    }

    #[test]
    fn case_does_not_matter() {
        for (a, b) in [("Ignore THIS", "ignore this"), ("ПРИВЕТ Мир", "привет мир")]
        {
            assert_eq!(seen(a).segments, seen(b).segments);
        }
    }

    #[test]
    fn numbers_count_by_length() {
        assert_eq!(seen("pin 1234").segments, seen("pin 9876").segments);
        assert_ne!(seen("pin 1234").segments, seen("pin 12345").segments);
    }
}
