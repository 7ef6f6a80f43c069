//! What is known of words that were read before.
//!
//! Texts repeat their words, and what a model makes of one word depends on nothing around it. A
//! memory of fixed size keeps it by the word itself, compared byte by byte, so that no other word
//! can be taken for it. Memories wait in a pool that belongs to what they were made from: each
//! reader takes one and gives it back.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Longest word that is kept, in bytes. With its length a key has 24 bytes, and a cell less than a
/// line of the caches.
pub(crate) const LONGEST: usize = 23;
/// Words that are kept at once, a power of two.
const CELLS: usize = 4096;
/// Memories that wait in a pool.
const MOST: usize = 64;

/// A memory of words.
#[derive(Debug)]
pub(crate) struct Words<V> {
    cells: Vec<Cell<V>>,
}

#[derive(Debug, Clone, Copy)]
struct Cell<V> {
    key: Key,
    value: V,
}

/// The bytes of a word and, in the last one, their number. Zero where nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u64; 3]);

/// A memory that keeps nothing.
impl<V> Default for Words<V> {
    fn default() -> Self {
        Self { cells: Vec::new() }
    }
}

impl<V: Copy + Default> Words<V> {
    fn with_room() -> Self {
        Self { cells: vec![Cell { key: Key([0; 3]), value: V::default() }; CELLS] }
    }

    /// What is known of a word, found out by `make` where nothing is.
    #[inline]
    pub(crate) fn get(&mut self, key: &Key, make: impl FnOnce() -> V) -> V {
        let Some(cell) = self.cells.get_mut(key.place()) else { return make() };
        if cell.key != *key {
            *cell = Cell { key: *key, value: make() };
        }
        cell.value
    }
}

impl Key {
    /// None of a word that is empty or longer than [`LONGEST`]: nothing is kept of it.
    ///
    /// Reads eight bytes at once, at both ends of the word: both readings agree where they overlap.
    #[inline]
    pub(crate) fn of(word: &[u8]) -> Option<Self> {
        let eight = |part: Option<&[u8; 8]>| part.map(|part| u64::from_le_bytes(*part));
        let length = word.len();
        let last = || eight(word.last_chunk());
        let [first, second, third] = match length {
            1..4 => {
                let (low, high) = (u64::from(*word.first()?), u64::from(*word.last()?));
                let middle = u64::from(*word.get(length / 2)?);
                [low | middle << (8 * (length / 2)) | high << (8 * (length - 1)), 0, 0]
            }
            4..8 => {
                let low = u64::from(u32::from_le_bytes(*word.first_chunk()?));
                let high = u64::from(u32::from_le_bytes(*word.last_chunk()?));
                [low | high << (8 * (length - 4)), 0, 0]
            }
            8 => [last()?, 0, 0],
            9..=16 => [eight(word.first_chunk())?, last()? >> (8 * (16 - length)), 0],
            17..=LONGEST => {
                let second = eight(word.get(8..)?.first_chunk())?;
                [eight(word.first_chunk())?, second, last()? >> (8 * (24 - length))]
            }
            _ => return None,
        };
        Some(Self([first, second, third | (length as u64) << 56]))
    }

    /// The word, and zeros behind it.
    pub(crate) fn bytes(&self) -> ([u8; LONGEST + 1], usize) {
        let mut bytes = [0; LONGEST + 1];
        for (eight, part) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *eight = part.to_le_bytes();
        }
        let length = std::mem::take(&mut bytes[LONGEST]);
        (bytes, length.into())
    }

    /// Where the word is remembered: the upper bits of the product depend on all others.
    #[inline]
    const fn place(&self) -> usize {
        let [first, second, third] = self.0;
        let joined = first ^ second.rotate_left(29) ^ third.rotate_left(43);
        (joined.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize % CELLS
    }
}

/// Memories that nobody reads with at the moment.
pub(crate) struct Pool<V>(Mutex<Vec<Words<V>>>);

impl<V: Copy + Default> Pool<V> {
    /// Takes a memory, or makes one.
    pub(crate) fn take(&self) -> Words<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(Words::with_room)
    }

    /// Gives one back.
    pub(crate) fn put(&self, words: Words<V>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.push(words);
        }
    }
}

impl<V> Default for Pool<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What was copied has read nothing yet.
impl<V> Clone for Pool<V> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What is remembered changes nothing.
impl<V> PartialEq for Pool<V> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<V> fmt::Debug for Pool<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(word: &str) -> Key {
        Key::of(word.as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn a_key_holds_the_bytes_of_a_word_and_their_number(
            word in proptest::collection::vec(any::<u8>(), 0..30),
        ) {
            let known = Key::of(&word).map(|key| key.bytes());
            let known = known.map(|(bytes, length)| bytes[..length].to_vec());
            let is_kept = (1..=LONGEST).contains(&word.len());
            prop_assert_eq!(known, is_kept.then_some(word));
        }
    }

    #[test]
    fn a_word_is_known_by_its_bytes_alone() {
        let mut words = Words::with_room();
        assert_eq!(words.get(&key("one"), || 1), 1);
        assert_eq!(words.get(&key("one"), || 9), 1);
        // More words than there is room for.
        for number in 0..3 * CELLS {
            assert_eq!(words.get(&key(&number.to_string()), || number), number);
        }
    }

    #[test]
    fn a_memory_that_keeps_nothing_asks_each_time() {
        let mut words = Words::default();
        assert_eq!(words.get(&key("one"), || 1), 1);
        assert_eq!(words.get(&key("one"), || 2), 2);
    }

    #[test]
    fn a_pool_hands_out_what_it_got_back() {
        let pool = Pool::default();
        let mut words: Words<u8> = pool.take();
        words.get(&key("one"), || 1);
        pool.put(words);
        assert_eq!(pool.take().get(&key("one"), || 2), 1);
        assert_eq!(pool.take().get(&key("one"), || 2), 2);
    }
}
