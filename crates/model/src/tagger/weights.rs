//! A table of hashed features, each with direct votes for the tags and shares in hidden units.

/// Sorts of entities times two: the first token of one, and each further one. Being none of them is
/// the tag whose score is always zero.
pub const TAGS: usize = 8;
/// Hidden units: rectified sums over features, which see them together.
pub const HIDDEN: usize = 16;
/// Numbers in a row.
pub const WIDTH: usize = TAGS + HIDDEN;

/// What one feature says: votes for the tags, then shares in the hidden units.
pub type Row = [i8; WIDTH];

/// The weights of a tagger.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    rows: Vec<Row>,
    /// What one step of a vote and of a share is worth.
    pub steps: [f32; 2],
    /// What is added to each sum.
    pub biases: [f32; WIDTH],
    /// What each hidden unit says about each tag.
    pub out: [[f32; HIDDEN]; TAGS],
}

impl Weights {
    /// Weights with a table; `None` unless its length is a power of two.
    pub fn new(
        rows: Vec<Row>,
        steps: [f32; 2],
        biases: [f32; WIDTH],
        out: [[f32; HIDDEN]; TAGS],
    ) -> Option<Self> {
        rows.len().is_power_of_two().then_some(Self { rows, steps, biases, out })
    }

    /// The table.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds up what one feature says. 258 features and fewer cannot overflow.
    pub fn add(&self, hash: u32, sums: &mut [i16; WIDTH]) {
        let at = hash as usize & (self.rows.len() - 1);
        if let Some(row) = self.rows.get(at) {
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(i16::from(*weight));
            }
        }
    }

    /// The chance of each tag, 0..=1, from the sums of all features; the rest is the chance of none.
    pub fn chances(&self, sums: &[i16; WIDTH]) -> [f32; TAGS] {
        let [direct, share] = self.steps;
        let mut hidden = [0.0; HIDDEN];
        let units = sums.iter().zip(&self.biases).skip(TAGS);
        for (unit, (sum, bias)) in hidden.iter_mut().zip(units) {
            *unit = (f32::from(*sum) * share + bias).max(0.0);
        }
        let mut scores = [0.0; TAGS];
        let votes = sums.iter().zip(&self.biases).zip(&self.out);
        for (score, ((sum, bias), out)) in scores.iter_mut().zip(votes) {
            let dot: f32 = out.iter().zip(&hidden).map(|(weight, unit)| weight * unit).sum();
            *score = f32::from(*sum) * direct + bias + dot;
        }
        softmax(scores)
    }
}

/// Chances from scores, beside a tag of score zero.
pub fn softmax(mut scores: [f32; TAGS]) -> [f32; TAGS] {
    let most = scores.iter().copied().fold(0.0, f32::max);
    let mut total = (-most).exp();
    for score in &mut scores {
        *score = (*score - most).exp();
        total += *score;
    }
    scores.map(|score| score / total)
}
