//! When a word stands for another: the same letters, whatever their order.
//!
//! The *signature* of a word is a sum over its letters, so that words with the same letters have the
//! same one, and one letter more or less is a subtraction. One look at a set of bits tells most words
//! apart from all of the list.

use std::collections::BTreeMap;

use super::words::THEMSELVES;

/// Fewest letters of a word that may stand in disorder.
const DISORDER_LETTERS: usize = 4;
/// Fewest letters of a word that may stand backwards.
const TURNED_LETTERS: usize = 3;
/// Fewest letters of a word of which one may be missing or doubled.
const MISSING_LETTERS: usize = 6;
/// Most letters of a word that is looked at; no word of a list has as many.
const MOST_LETTERS: usize = 24;

/// The words of a list, by their letters.
pub(super) struct Index {
    words: Vec<&'static str>,
    /// Signatures with the places of their words, sorted: of several the first of the list counts.
    by_signature: Vec<(u64, u16)>,
    /// One bit for each signature.
    seen: Vec<u64>,
    /// One bit for each sum of what figures stand for.
    seen_figures: Vec<u64>,
    /// Places of words by how they look when figures stand for letters.
    by_figure: BTreeMap<String, u16>,
}

/// A word of the list that another stands for.
pub(super) struct Meant {
    pub(super) word: &'static str,
    /// Whether it stands backwards.
    pub(super) is_turned: bool,
}

impl Index {
    /// Takes words in lower case; those beyond the first 65,536 are left out.
    pub(super) fn new(words: impl Iterator<Item = &'static str>) -> Self {
        let words: Vec<&'static str> = words.take(1 << 16).collect();
        let mut by_signature = Vec::new();
        let mut by_figure = BTreeMap::new();
        for (place, word) in words.iter().enumerate() {
            let place = place as u16;
            let whole = signature(word.as_bytes());
            by_signature.push((whole, place));
            if word.len() >= MISSING_LETTERS {
                by_signature
                    .extend(word.bytes().map(|byte| (whole.wrapping_sub(letter(byte)), place)));
            }
            by_figure.entry(figures(word)).or_insert(place);
        }
        by_signature.sort_unstable();
        by_signature.dedup();
        let seen = bits(by_signature.iter().map(|(signature, _)| *signature));
        let seen_figures = bits(
            words
                .iter()
                .map(|word| word.bytes().fold(0, |sum: u64, byte| sum.wrapping_add(figure(byte)))),
        );
        Self { words, by_signature, seen, seen_figures, by_figure }
    }

    /// Whether a word with such letters may stand for one of the list.
    pub(super) fn has(&self, signature: u64) -> bool {
        is_set(&self.seen, signature)
    }

    /// Whether characters with such a sum may spell a word of the list, when figures are letters.
    pub(super) fn has_figures(&self, sum: u64) -> bool {
        is_set(&self.seen_figures, sum)
    }

    fn of(&self, signature: u64) -> impl Iterator<Item = &'static str> {
        let first = self.by_signature.partition_point(|(other, _)| *other < signature);
        let rest = self.by_signature.get(first..).unwrap_or_default();
        let same = rest.iter().take_while(move |(other, _)| *other == signature);
        same.filter_map(|(_, place)| self.words.get(usize::from(*place)).copied())
    }

    /// The word itself, if it is of the list.
    pub(super) fn exactly(&self, signature: u64, word: &str) -> Option<&'static str> {
        if !self.has(signature) {
            return None;
        }
        self.of(signature).find(|other| *other == word)
    }

    /// Whether a word is of the list.
    pub(super) fn holds(&self, word: &str) -> bool {
        self.exactly(signature(word.as_bytes()), word).is_some()
    }

    /// The word of the list that a word in lower case stands for, itself where it is one.
    pub(super) fn meant(&self, signature: u64, word: &str) -> Option<Meant> {
        if let Some(word) = self.exactly(signature, word) {
            return Some(Meant { word, is_turned: false });
        }
        if THEMSELVES.contains(&word) || word.len() > MOST_LETTERS {
            return None;
        }
        let same = self.of(signature).find_map(|other| is_meant(word, other));
        same.or_else(|| self.undoubled(signature, word))
    }

    /// A word with one letter too many, twice in a row.
    fn undoubled(&self, signature: u64, word: &str) -> Option<Meant> {
        let bytes = word.as_bytes();
        let pairs = bytes.iter().zip(bytes.iter().skip(1)).enumerate();
        pairs.filter(|(_, (one, other))| one == other).find_map(|(at, (byte, _))| {
            let mut less = word.to_owned();
            less.remove(at);
            let meant = self.exactly(signature.wrapping_sub(letter(*byte)), &less)?;
            (meant.len() >= MISSING_LETTERS).then_some(Meant { word: meant, is_turned: false })
        })
    }

    /// The word that figures and marks in place of letters spell.
    pub(super) fn in_figures(&self, text: &str) -> Option<&'static str> {
        let place = self.by_figure.get(&figures(text))?;
        self.words.get(usize::from(*place)).copied()
    }
}

/// The other word, if one that has the same letters, or one less, stands for it.
fn is_meant(word: &str, other: &'static str) -> Option<Meant> {
    let (one, two) = (word.as_bytes(), other.as_bytes());
    let same_ends = one.first() == two.first() && one.last() == two.last();
    let mut is_turned = false;
    let stands = if one.len() == two.len() {
        is_turned = one.iter().eq(two.iter().rev());
        is_turned && one.len() >= TURNED_LETTERS
            || one.len() >= DISORDER_LETTERS && (same_ends || is_swapped(one, two))
    } else {
        // A beginning is a shorter word, and no misspelt one.
        one.first() == two.first() && !other.starts_with(word) && is_within(one, two)
    };
    stands.then_some(Meant { word: other, is_turned })
}

/// Whether two neighbours changed places.
fn is_swapped(one: &[u8], two: &[u8]) -> bool {
    one.iter().zip(two).filter(|(a, b)| a != b).count() == 2
        && one
            .windows(2)
            .zip(two.windows(2))
            .any(|(a, b)| matches!((a, b), ([a, b], [c, d]) if a == d && b == c && a != b))
}

/// Whether all letters stand in another word in the same order.
fn is_within(one: &[u8], two: &[u8]) -> bool {
    let mut rest = two.iter();
    one.iter().all(|byte| rest.any(|other| other == byte))
}

/// Whether a word has a letter twice in a row, and enough letters to have one too many.
pub(super) fn may_be_doubled(word: &str) -> bool {
    let bytes = word.as_bytes();
    (MISSING_LETTERS + 1..=MOST_LETTERS).contains(&word.len())
        && bytes.iter().zip(bytes.iter().skip(1)).any(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// Sum over the letters of a word, whatever their case.
pub(super) fn signature(word: &[u8]) -> u64 {
    word.iter().fold(0, |sum: u64, byte| sum.wrapping_add(letter(*byte)))
}

/// What a letter adds: well-mixed numbers, so that sums of different letters differ.
pub(super) fn letter(byte: u8) -> u64 {
    LETTERS.get(byte as usize).copied().unwrap_or_default()
}

static LETTERS: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        // The finishing step of SplitMix64.
        let mut mixed =
            ((byte as u8).to_ascii_lowercase() as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        #[expect(clippy::indexing_slicing, reason = "the loop stops at the end of the table")]
        {
            table[byte] = mixed ^ (mixed >> 31);
        }
        byte += 1;
    }
    table
};

/// The word and the bit that say whether a signature was seen, where there are so many words, a power of two.
const fn place(signature: u64, words: usize) -> (usize, u64) {
    (signature as usize >> 6 & (words - 1), 1 << (signature & 63))
}

/// A set of sums in which few bits are set, so that one look ends most questions.
fn bits(sums: impl ExactSizeIterator<Item = u64>) -> Vec<u64> {
    let mut all = vec![0; (sums.len() * 16).next_power_of_two().max(64) / 64];
    let words = all.len();
    for sum in sums {
        let (word, bit) = place(sum, words);
        if let Some(bits) = all.get_mut(word) {
            *bits |= bit;
        }
    }
    all
}

fn is_set(bits: &[u64], sum: u64) -> bool {
    let (word, bit) = place(sum, bits.len());
    bits.get(word).is_some_and(|bits| bits & bit != 0)
}

/// How a word looks when figures and marks stand for letters.
fn figures(text: &str) -> String {
    text.bytes().filter_map(meaning).map(char::from).collect()
}

/// What a byte adds when figures and marks stand for letters.
pub(super) fn figure(byte: u8) -> u64 {
    FIGURES.get(byte as usize).copied().unwrap_or_default()
}

static FIGURES: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        if let Some(meant) = meaning(byte as u8) {
            #[expect(clippy::indexing_slicing, reason = "a byte is less than the length")]
            {
                table[byte] = LETTERS[meant as usize];
            }
        }
        byte += 1;
    }
    table
};

/// The letter that a figure or a mark stands for; nothing for what only parts letters. What may be `i` or
/// `l` is one.
const fn meaning(byte: u8) -> Option<u8> {
    Some(match byte.to_ascii_lowercase() {
        b'i' | b'l' | b'1' | b'!' | b'|' => b'i',
        b'o' | b'0' => b'o',
        b'e' | b'3' => b'e',
        b'a' | b'4' | b'@' => b'a',
        b's' | b'5' | b'$' => b's',
        b't' | b'7' | b'+' => b't',
        b'b' | b'8' => b'b',
        b'g' | b'9' | b'6' => b'g',
        b'.' | b'-' | b'_' | b'*' | b'~' | b'^' | b'\'' | b'`' | b',' | b'/' => return None,
        other => other,
    })
}
