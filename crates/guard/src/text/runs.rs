//! Runs of one class of bytes, found 64 bytes at a time.
//!
//! Numbers and lone letters are looked for in every text, and most bytes belong to neither. So a
//! block of 64 bytes becomes a mask with one bit per byte, and only its edges are visited.

use std::marker::PhantomData;

use bartizan_core::Span;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;
/// Bytes of one mask.
const BLOCK_BYTES: usize = u64::BITS as usize;

/// A set of ASCII bytes without NUL.
pub(crate) trait Class {
    /// Eight bytes at once: the high bit of each byte of the result says whether the byte of `word`
    /// belongs to the class, the other bits are zero.
    fn flags(word: u64) -> u64;

    /// The mask of a block without runs that do not matter. Runs that touch an edge of the block stay.
    fn prune(mask: u64) -> u64 {
        mask
    }
}

/// `0` to `9`.
#[derive(Debug)]
pub(crate) enum Digit {}

/// ASCII letters and digits.
#[derive(Debug)]
pub(crate) enum Alphanumeric {}

/// Digits of base64, in either alphabet. Only runs of at least [`BASE64_FEWEST`] matter, besides those at
/// the edges of blocks.
#[derive(Debug)]
pub(crate) enum Base64 {}

/// Digits below which a run of them may be left out.
pub(crate) const BASE64_FEWEST: usize = 8;

/// ASCII letters and digits, and all that is not ASCII.
#[derive(Debug)]
pub(crate) enum AlphanumericOrOther {}

impl Class for AlphanumericOrOther {
    fn flags(word: u64) -> u64 {
        Alphanumeric::flags(word) | (word & HIGH)
    }
}

impl Class for Digit {
    fn flags(word: u64) -> u64 {
        between(word, b'0', b'9')
    }
}

impl Class for Alphanumeric {
    fn flags(word: u64) -> u64 {
        // Sets the bit by which small letters differ from capitals; no digit is lost or won by it
        // among letters.
        let lower = word | (0x20 * ONES);
        between(word, b'0', b'9') | between(lower, b'a', b'z')
    }
}

impl Class for Base64 {
    fn flags(word: u64) -> u64 {
        Alphanumeric::flags(word)
            | between(word, b'+', b'+')
            | between(word, b'-', b'-')
            | between(word, b'/', b'/')
            | between(word, b'_', b'_')
    }

    fn prune(mask: u64) -> u64 {
        // Outside of the block everything counts as set, so that runs at its edges stay. What is left
        // where eight in a row are set, and grows back, are the runs of eight and more.
        let around = u128::from(mask) << 8 | 0xFF | 0xFF << 72;
        let mut eight = around & around >> 1;
        eight &= eight >> 2;
        eight &= eight >> 4;
        eight |= eight << 1;
        eight |= eight << 2;
        eight |= eight << 4;
        (eight >> 8) as u64
    }
}

/// Flags of the bytes in `first..=last`, both ASCII and not NUL.
const fn between(word: u64, first: u8, last: u8) -> u64 {
    // Without its high bit no byte carries into the next: 0x7F + 0x7F fits eight bits.
    let low = word & !HIGH;
    let reached = low + ONES * (0x80 - first as u64);
    let passed = low + ONES * (0x7F - last as u64);
    reached & !passed & !word & HIGH
}

/// One bit per byte of a block of up to 64 bytes, the first byte lowest.
fn mask<C: Class>(block: &[u8]) -> u64 {
    // Moves bit 8·i to bit 56 + i; no two products meet.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (words, rest) = block.as_chunks::<8>();
    let pack = |word: [u8; 8]| (C::flags(u64::from_le_bytes(word)) >> 7).wrapping_mul(GATHER) >> 56;
    let mut mask = 0;
    for (index, word) in words.iter().enumerate() {
        mask |= pack(*word) << (8 * index);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
        mask |= pack(last) << (8 * words.len());
    }
    mask
}

/// Maximal runs of the class, in order.
pub(crate) fn runs<C: Class>(bytes: &[u8]) -> Runs<'_, C> {
    Runs {
        blocks: bytes.chunks(BLOCK_BYTES),
        base: 0,
        len: 0,
        edges: 0,
        start: None,
        class: PhantomData,
    }
}

/// Iterator of [`runs`].
#[derive(Debug)]
pub(crate) struct Runs<'a, C> {
    blocks: std::slice::Chunks<'a, u8>,
    /// Start of the current block, and bytes up to its end.
    base: usize,
    len: usize,
    /// Places of the current block at which a run begins or has ended.
    edges: u64,
    /// Start of the run that is open. Between blocks: set when the last byte belongs to the class.
    start: Option<usize>,
    class: PhantomData<C>,
}

impl<C: Class> Iterator for Runs<'_, C> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            while self.edges != 0 {
                let at = self.base + self.edges.trailing_zeros() as usize;
                self.edges &= self.edges - 1;
                match self.start.take() {
                    Some(start) => return Some(Span::new(start, at)),
                    None => self.start = Some(at),
                }
            }
            let Some(block) = self.blocks.next() else {
                return self.start.take().map(|start| Span::new(start, self.len));
            };
            let mask = C::prune(mask::<C>(block));
            self.edges = mask ^ (mask << 1 | u64::from(self.start.is_some()));
            self.base = self.len;
            self.len += block.len();
        }
    }
}

/// Places of bytes of the class that have none of it beside them, in order.
pub(crate) fn singles<C: Class>(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut blocks = bytes.chunks(BLOCK_BYTES).map(mask::<C>).peekable();
    let mut base = 0;
    let mut before = 0;
    let mut single = 0u64;
    std::iter::from_fn(move || {
        while single == 0 {
            let mask = blocks.next()?;
            let after = blocks.peek().copied().unwrap_or_default();
            single = mask & !(mask << 1 | before) & !(mask >> 1 | after << (BLOCK_BYTES - 1));
            before = mask >> (BLOCK_BYTES - 1);
            base += BLOCK_BYTES;
        }
        let at = base - BLOCK_BYTES + single.trailing_zeros() as usize;
        single &= single - 1;
        Some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs_by_byte(bytes: &[u8], has: impl Fn(u8) -> bool) -> Vec<Span> {
        let mut runs: Vec<Span> = Vec::new();
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| has(**byte)) {
            match runs.last_mut() {
                Some(last) if last.end == at => last.end = at + 1,
                _ => runs.push(Span::new(at, at + 1)),
            }
        }
        runs
    }

    #[test]
    fn classes_hold_what_they_say() {
        for byte in 0..=u8::MAX {
            let word = u64::from(byte) * ONES;
            let all = |has: bool| if has { HIGH } else { 0 };
            assert_eq!(Digit::flags(word), all(byte.is_ascii_digit()), "{byte}");
            assert_eq!(Alphanumeric::flags(word), all(byte.is_ascii_alphanumeric()), "{byte}");
            let is_base64 = byte.is_ascii_alphanumeric() || b"+-/_".contains(&byte);
            assert_eq!(Base64::flags(word), all(is_base64), "{byte}");
        }
    }

    /// Bytes that make runs of every length, over several blocks.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let stretch =
            (prop_oneof![Just(b'7'), Just(b'x'), Just(b' '), Just(0xC3), any::<u8>()], 1..90usize);
        proptest::collection::vec(stretch, 0..12)
            .prop_map(|stretches| stretches.into_iter().flat_map(|(b, n)| vec![b; n]).collect())
    }

    proptest! {
        #[test]
        fn runs_are_what_a_look_at_each_byte_finds(bytes in bytes(), noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            for bytes in [bytes, noise] {
                prop_assert_eq!(
                    runs::<Digit>(&bytes).collect::<Vec<_>>(),
                    runs_by_byte(&bytes, |byte| byte.is_ascii_digit())
                );
                let digits = runs_by_byte(&bytes, |byte| byte.is_ascii_alphanumeric() || b"+-/_".contains(&byte));
                let is_long = |run: &Span| run.len() >= BASE64_FEWEST;
                prop_assert_eq!(
                    runs::<Base64>(&bytes).filter(is_long).collect::<Vec<_>>(),
                    digits.into_iter().filter(is_long).collect::<Vec<_>>()
                );
                let words = runs_by_byte(&bytes, |byte| byte.is_ascii_alphanumeric());
                prop_assert_eq!(
                    singles::<Alphanumeric>(&bytes).collect::<Vec<_>>(),
                    words.iter().filter(|run| run.len() == 1).map(|run| run.start).collect::<Vec<_>>()
                );
            }
        }
    }
}
