//! From weights as they were learned to weights of one byte.

use bartizan_model::Table;

use crate::linear::Head;

/// The table of n-grams of several heads: the first `1 << bits` of their weights.
pub fn table<const N: usize>(heads: &[Head], bits: u32) -> Table<N> {
    let parts = heads.iter().map(|head| head.weights.get(..1 << bits).unwrap_or_default());
    let (rows, scales) = rounded(parts, 1 << bits);
    let mut biases = [0.0; N];
    for (bias, head) in biases.iter_mut().zip(heads) {
        *bias = head.bias;
    }
    Table::new(&rows, scales, biases)
        .unwrap_or_else(|| unreachable!("a power of two of finite rows"))
}

/// Weights of several heads in whole steps, side by side, and what a step is worth.
pub fn rounded<'h, const N: usize>(
    heads: impl Iterator<Item = &'h [f32]>,
    rows: usize,
) -> (Vec<[i8; N]>, [f32; N]) {
    let mut table = vec![[0_i8; N]; rows];
    let mut scales = [1.0; N];
    for (index, (weights, scale)) in heads.zip(&mut scales).enumerate() {
        *scale = step(weights);
        for (row, weight) in table.iter_mut().zip(weights) {
            if let Some(cell) = row.get_mut(index) {
                *cell = (weight / *scale).round() as i8;
            }
        }
    }
    (table, scales)
}

/// What one step of a weight of 8 bits is worth. The largest weight sets it: cutting off the few
/// largest costs more than the finer steps gain.
fn step(weights: &[f32]) -> f32 {
    weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs())).max(1e-9) / 127.0
}
