//! Walking a text: hashed n-grams, segment by segment.
//!
//! Features are token 1-, 2- and 3-grams ([`Block::Tokens`]), each once per segment, and character 3-,
//! 4- and 5-grams inside `^word$` ([`Block::Characters`]) of each word once per segment: what a word
//! brings depends on the word alone, so that it can be remembered. A segment is a sentence or a line,
//! at least [`MIN_BYTES`] and about [`MAX_BYTES`] long at most: sums over segments give the score of
//! any stretch of a long text, so that an attack in twenty pages weighs as much as alone.

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
    /// A token or a run of tokens, as a well-mixed hash.
    fn token(&mut self, hash: u32);
    /// A word, for its characters.
    fn word(&mut self, word: Word<'_>);
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
}

impl Default for Scratch {
    fn default() -> Self {
        Self { seen: Box::new([0; SEEN]), salt: 1 }
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
        if self.add(hash) && token.kind == Kind::Word {
            let text = self.text.get(token.start..token.end).unwrap_or_default();
            self.sink.word(Word { text });
        }
        if let Some(last) = self.before[1] {
            self.add(join(last, hash));
            if let Some(first) = self.before[0] {
                self.add(join(join(first, last), hash));
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

    /// Shows what the segment does not hold yet, and says whether it was new.
    #[inline]
    fn add(&mut self, hash: u32) -> bool {
        let mark = hash ^ self.scratch.salt;
        let Some(cell) = self.scratch.seen.get_mut(hash as usize % SEEN) else { return false };
        let is_new = *cell != mark;
        if is_new {
            *cell = mark;
            self.sink.token(hash);
        }
        is_new
    }

    fn hash(&self, token: Token) -> u32 {
        let bytes = self.text.as_bytes().get(token.start..token.end).unwrap_or_default();
        match token.kind {
            Kind::Word if bytes.is_ascii() => {
                let word = bytes.iter().take(HASHED_BYTES);
                mix(word.fold(FNV_OFFSET, |hash, byte| fnv(hash, byte.to_ascii_lowercase())))
            }
            Kind::Word => {
                let word = self.text.get(token.start..token.end).unwrap_or_default();
                let lower = word.chars().flat_map(char::to_lowercase).take(MAX_RUN);
                let mut utf8 = [0; 4];
                let (mut hash, mut hashed) = (FNV_OFFSET, 0);
                'word: for c in lower {
                    for byte in c.encode_utf8(&mut utf8).bytes() {
                        if hashed == HASHED_BYTES {
                            break 'word;
                        }
                        hash = fnv(hash, byte);
                        hashed += 1;
                    }
                }
                mix(hash)
            }
            Kind::Number => mix(fnv(fnv(FNV_OFFSET, b'0'), bytes.len().min(6) as u8)),
            Kind::Break => mix(fnv(FNV_OFFSET, b'\n')),
            Kind::Character | Kind::Mark => {
                mix(bytes.iter().fold(FNV_OFFSET, |hash, byte| fnv(hash, *byte)))
            }
        }
    }
}

/// A word of a text.
#[derive(Debug, Clone, Copy)]
pub struct Word<'t> {
    /// As it stands there.
    pub text: &'t str,
}

impl Word<'_> {
    /// Shows the character 3-, 4- and 5-grams of `^word$`, in lower case, to `take`.
    pub fn characters(self, mut take: impl FnMut(u32)) {
        let bytes = self.text.as_bytes();
        if bytes.is_ascii() {
            if bytes.len() > MAX_WORD {
                return;
            }
            let mut padded = [b'^'; MAX_WORD + 2];
            let mut end = 1;
            for (cell, byte) in padded.iter_mut().skip(1).zip(bytes) {
                *cell = byte.to_ascii_lowercase();
                end += 1;
            }
            if let Some(last) = padded.get_mut(end) {
                *last = b'$';
            }
            grams(padded.get(..=end).unwrap_or_default(), |hash, byte| fnv(hash, *byte), take);
        } else {
            let mut padded = ['^'; MAX_RUN + 2];
            let lower = self.text.chars().flat_map(char::to_lowercase).take(MAX_RUN);
            let mut end = 1;
            for (cell, c) in padded.iter_mut().skip(1).zip(lower) {
                *cell = c;
                end += 1;
            }
            if let Some(last) = padded.get_mut(end) {
                *last = '$';
            }
            let join = |hash, c: &char| {
                let mut utf8 = [0; 4];
                c.encode_utf8(&mut utf8).bytes().fold(hash, fnv)
            };
            grams(padded.get(..=end).unwrap_or_default(), join, &mut take);
        }
    }
}

/// Hashes of 3, 4 and 5 in a row.
fn grams<T>(padded: &[T], join: impl Fn(u32, &T) -> u32, mut take: impl FnMut(u32)) {
    for start in 0..padded.len().saturating_sub(2) {
        let mut hash = FNV_OFFSET;
        for (index, one) in padded.iter().skip(start).take(5).enumerate() {
            hash = join(hash, one);
            if index >= 2 {
                take(mix(hash ^ (index as u32)));
            }
        }
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
        fn token(&mut self, hash: u32) {
            self.open.push((Block::Tokens, hash));
        }

        fn word(&mut self, word: Word<'_>) {
            word.characters(|hash| self.open.push((Block::Characters, hash)));
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
