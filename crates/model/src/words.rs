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
    word: [u8; LONGEST],
    /// Zero where nothing is kept.
    length: u8,
    value: V,
}

/// A memory that keeps nothing.
impl<V> Default for Words<V> {
    fn default() -> Self {
        Self { cells: Vec::new() }
    }
}

impl<V: Copy + Default> Words<V> {
    fn with_room() -> Self {
        Self { cells: vec![Cell { word: [0; LONGEST], length: 0, value: V::default() }; CELLS] }
    }

    /// What is known of a word, found out by `make` where nothing is. `hash` says where to look for it.
    pub(crate) fn get(&mut self, word: &[u8], hash: u32, make: impl FnOnce() -> V) -> V {
        // One word in capitals and small letters has one hash.
        let first = word.first().copied().unwrap_or_default();
        let at = (hash ^ u32::from(first & 0x20) << 5) as usize % CELLS;
        let mut key = [0; LONGEST];
        let (Some(cell), Some(room)) = (self.cells.get_mut(at), key.get_mut(..word.len())) else {
            return make();
        };
        room.copy_from_slice(word);
        let length = word.len() as u8;
        if cell.length != length || cell.word != key {
            *cell = Cell { word: key, length, value: make() };
        }
        cell.value
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
    use super::*;

    #[test]
    fn a_word_is_known_by_its_bytes_alone() {
        let mut words = Words::with_room();
        assert_eq!(words.get(b"one", 7, || 1), 1);
        assert_eq!(words.get(b"one", 7, || 9), 1);
        // The same place, other words.
        for (word, value) in [(b"two".as_slice(), 2), (b"one\0", 3), (b"on", 4), (b"ONE", 5)] {
            assert_eq!(words.get(word, 7, || value), value);
        }
    }

    #[test]
    fn long_words_are_not_kept() {
        let mut words = Words::with_room();
        let long = [b'x'; LONGEST + 1];
        assert_eq!(words.get(&long, 7, || 1), 1);
        assert_eq!(words.get(&long, 7, || 2), 2);
        assert_eq!(words.get(&long[1..], 7, || 3), 3);
        assert_eq!(words.get(&long[1..], 7, || 4), 3);
    }

    #[test]
    fn a_pool_hands_out_what_it_got_back() {
        let pool = Pool::default();
        let mut words: Words<u8> = pool.take();
        words.get(b"one", 7, || 1);
        pool.put(words);
        assert_eq!(pool.take().get(b"one", 7, || 2), 1);
        assert_eq!(pool.take().get(b"one", 7, || 2), 2);
    }
}
