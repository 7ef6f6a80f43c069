//! The weights of several linear heads in one table: one row per hashed feature, one byte per head.

use super::segments::WordSums;
use super::words::Pool;

/// Features whose rows are added before the lanes of a sum could run over.
const BATCH: usize = 256;
/// Every second byte of a row.
const EVEN: u64 = 0x00FF_00FF_00FF_00FF;
/// What is added to a weight so that it has no sign.
const OFFSET: u8 = 0x80;

/// Weights of up to eight linear heads.
///
/// A row is one word of memory, however few heads there are: rows lie anywhere in a table that is
/// larger than the nearest caches, so that the number of loads is what a text costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<const HEADS: usize> {
    /// A byte for each head, the first lowest, moved by [`OFFSET`].
    rows: Vec<u64>,
    /// What words add up to that were read before.
    words: Pool<WordSums<HEADS>>,
    mask: u32,
    /// What one step of a weight is worth, per head.
    pub scales: [f32; HEADS],
    /// Score of a text without features, per head.
    pub biases: [f32; HEADS],
}

impl<const HEADS: usize> Table<HEADS> {
    const FITS: () = assert!(HEADS <= 8, "a row is a word of eight bytes");

    /// Makes a table of `rows`, whose number is a power of two; `None` when it is not.
    pub fn new(rows: &[[i8; HEADS]], scales: [f32; HEADS], biases: [f32; HEADS]) -> Option<Self> {
        let () = Self::FITS;
        let finite = scales.iter().chain(&biases).all(|value| value.is_finite());
        let mask = u32::try_from(rows.len()).ok()?.checked_sub(1)?;
        let rows: Vec<u64> = rows.iter().map(packed).collect();
        (rows.len().is_power_of_two() && finite).then_some(Self {
            rows,
            words: Pool::default(),
            mask,
            scales,
            biases,
        })
    }

    pub(crate) const fn words(&self) -> &Pool<WordSums<HEADS>> {
        &self.words
    }

    /// The rows, for writing them down.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = [i8; HEADS]> {
        self.rows.iter().map(|row| std::array::from_fn(|head| weight(lane(*row, head, 0xFF))))
    }

    /// Sums of the rows of features, per head.
    pub fn sum(&self, hashes: &[u32]) -> [i32; HEADS] {
        let mut sums = [0_i32; HEADS];
        for batch in hashes.chunks(BATCH) {
            // Four lanes of 16 bits each: at most 256 times 255.
            let (mut even, mut odd) = (0_u64, 0_u64);
            for hash in batch {
                let row = self.rows.get((hash & self.mask) as usize).copied().unwrap_or_default();
                even += row & EVEN;
                odd += row >> 8 & EVEN;
            }
            let offsets = i32::from(OFFSET) * i32::try_from(batch.len()).unwrap_or_default();
            for (head, sum) in sums.iter_mut().enumerate() {
                let lanes = if head.is_multiple_of(2) { even } else { odd };
                let total = lane(lanes, head & !1, 0xFFFF) as i32;
                *sum += total - offsets;
            }
        }
        sums
    }
}

/// The bits of a word from byte `at` on.
const fn lane(word: u64, at: usize, bits: u64) -> u64 {
    word >> (8 * at) & bits
}

fn packed<const HEADS: usize>(row: &[i8; HEADS]) -> u64 {
    let mut bytes = [0; 8];
    for (byte, weight) in bytes.iter_mut().zip(row) {
        *byte = weight.cast_unsigned() ^ OFFSET;
    }
    u64::from_le_bytes(bytes)
}

const fn weight(lane: u64) -> i8 {
    (lane as u8 ^ OFFSET).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn added<const HEADS: usize>(rows: &[[i8; HEADS]], hashes: &[u32]) -> [i32; HEADS] {
        let mut sums = [0; HEADS];
        for hash in hashes {
            for (sum, weight) in sums.iter_mut().zip(rows[*hash as usize % rows.len()]) {
                *sum += i32::from(weight);
            }
        }
        sums
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_rows(
            rows in proptest::collection::vec(any::<[i8; 7]>(), 16),
            hashes in proptest::collection::vec(any::<u32>(), 0..900),
        ) {
            let table = Table::new(&rows, [1.0; 7], [0.0; 7]).unwrap();
            prop_assert_eq!(table.sum(&hashes), added(&rows, &hashes));
            prop_assert_eq!(table.rows().collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn the_largest_weights_do_not_run_over() {
        for weight in [i8::MIN, i8::MAX] {
            let rows = [[weight; 8]; 2];
            let table = Table::new(&rows, [1.0; 8], [0.0; 8]).unwrap();
            let hashes = vec![7; 5 * BATCH + 3];
            assert_eq!(table.sum(&hashes), added(&rows, &hashes));
        }
    }

    #[test]
    fn a_table_has_a_power_of_two_of_rows_and_finite_scales() {
        assert!(Table::new(&[[0; 2]; 3], [1.0; 2], [0.0; 2]).is_none());
        assert!(Table::new(&[[0; 2]; 0], [1.0; 2], [0.0; 2]).is_none());
        assert!(Table::new(&[[0; 2]; 4], [f32::NAN; 2], [0.0; 2]).is_none());
    }
}
