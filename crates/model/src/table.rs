//! The weights of several linear heads in one table: one row per hashed feature, one byte per head.

/// Weights of `HEADS` linear heads.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<const HEADS: usize> {
    rows: Vec<[i8; HEADS]>,
    mask: u32,
    /// What one step of a weight is worth, per head.
    pub scales: [f32; HEADS],
    /// Score of a text without features, per head.
    pub biases: [f32; HEADS],
}

impl<const HEADS: usize> Table<HEADS> {
    /// Makes a table of `rows`, whose number is a power of two; `None` when it is not.
    pub fn new(rows: Vec<[i8; HEADS]>, scales: [f32; HEADS], biases: [f32; HEADS]) -> Option<Self> {
        let finite = scales.iter().chain(&biases).all(|value| value.is_finite());
        let mask = u32::try_from(rows.len()).ok()?.checked_sub(1)?;
        (rows.len().is_power_of_two() && finite).then_some(Self { rows, mask, scales, biases })
    }

    /// The rows, for writing them down.
    pub fn rows(&self) -> &[[i8; HEADS]] {
        &self.rows
    }

    /// Sums of the rows of features, per head.
    pub fn sum(&self, hashes: &[u32]) -> [i32; HEADS] {
        let mut sums = [0_i32; HEADS];
        for hash in hashes {
            let row = self.rows.get((hash & self.mask) as usize).copied().unwrap_or([0; HEADS]);
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += i32::from(weight);
            }
        }
        sums
    }
}
