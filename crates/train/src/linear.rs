//! Linear heads: logistic regression over hashed n-grams.

use bartizan_model::{Block, Sink, walk};

use crate::random::Random;

/// The features of one text: rows of the table, by block.
#[derive(Debug, Clone, Default)]
pub struct Features {
    blocks: [Vec<u32>; 2],
    /// Where each segment ends in either block.
    ends: Vec<[u32; 2]>,
}

impl Features {
    /// Walks a text for a table of `1 << bits` rows.
    pub fn new(text: &str, bits: u32) -> Self {
        struct Collect(Features, u32);
        impl Sink for Collect {
            fn feature(&mut self, block: Block, hash: u32) {
                match block {
                    Block::Tokens => &mut self.0.blocks[0],
                    Block::Characters => &mut self.0.blocks[1],
                }
                .push(hash & self.1);
            }

            fn segment(&mut self, _start: usize, _end: usize) {
                let [a, b] = &self.0.blocks;
                self.0.ends.push([a.len() as u32, b.len() as u32]);
            }
        }
        let mut collect = Collect(Self::default(), (1 << bits) - 1);
        walk(text, &mut collect);
        collect.0
    }

    /// Features that were gathered elsewhere, as one block.
    pub fn from_rows(hashes: Vec<u32>, bits: u32) -> Self {
        let rows: Vec<u32> = hashes.into_iter().map(|hash| hash & ((1 << bits) - 1)).collect();
        let ends = vec![[rows.len() as u32, 0]];
        Self { blocks: [rows, Vec::new()], ends }
    }

    /// Segments of the text.
    pub fn segments(&self) -> usize {
        self.ends.len()
    }

    /// Features of `from..to` of the segments only.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Self {
        let start = from.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or_default();
        let end = to.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or_default();
        let cut = |block: usize| {
            let range = start[block] as usize..end[block] as usize;
            self.blocks[block].get(range).unwrap_or_default().to_vec()
        };
        let ends = self.ends.get(from..to).unwrap_or_default();
        let ends = ends.iter().map(|[a, b]| [a - start[0], b - start[1]]).collect();
        Self { blocks: [cut(0), cut(1)], ends }
    }

    fn shares(&self) -> [f32; 2] {
        [0, 1].map(|block: usize| 1.0 / (self.blocks[block].len().max(1) as f32).sqrt())
    }

    /// The product with weights.
    pub fn dot(&self, weights: &[f32]) -> f32 {
        let shares = self.shares();
        let sum = |block: usize| -> f32 {
            let rows = self.blocks[block].iter();
            rows.map(|row| weights.get(*row as usize).copied().unwrap_or_default()).sum()
        };
        sum(0) * shares[0] + sum(1) * shares[1]
    }

    fn add(&self, weights: &mut [f32], step: f32) {
        for (rows, share) in self.blocks.iter().zip(self.shares()) {
            for row in rows {
                if let Some(weight) = weights.get_mut(*row as usize) {
                    *weight += step * share;
                }
            }
        }
    }
}

/// A text to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'f> {
    /// What is seen of it.
    pub features: &'f Features,
    /// Whether it must be found.
    pub positive: bool,
    /// How much it counts.
    pub weight: f32,
}

/// A trained head.
#[derive(Debug, Clone)]
pub struct Head {
    /// Weight of each row of the table.
    pub weights: Vec<f32>,
    /// Score of a text without features.
    pub bias: f32,
}

impl Head {
    /// Log odds of a text.
    pub fn score(&self, features: &Features) -> f32 {
        features.dot(&self.weights) + self.bias
    }

    /// The head as it is shipped: weights in whole steps.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        let scale = self.scale();
        for weight in &mut self.weights {
            *weight = (*weight / scale).round() * scale;
        }
        self
    }

    /// What one step of a weight of 8 bits is worth. The largest weight sets it: cutting off the
    /// few largest costs more than the finer steps gain.
    pub fn scale(&self) -> f32 {
        self.weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs())).max(1e-9)
            / 127.0
    }
}

/// How a head learns.
#[derive(Debug, Clone, Copy)]
pub enum Method {
    /// Averaged stochastic gradient descent with step `1 / (alpha (t0 + t))`: the mean of the
    /// weights over the last third of the steps. Keeps rare n-grams small.
    Averaged {
        /// Strength of the pull to zero.
        alpha: f32,
        /// Passes over the data.
        epochs: usize,
    },
    /// Steps by `AdaGrad` (Duchi, Hazan and Singer 2011).
    Adaptive {
        /// First step.
        rate: f32,
        /// Strength of the pull to zero.
        decay: f32,
        /// Passes over the data.
        epochs: usize,
    },
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Trains a head on a table of `1 << bits` rows.
pub fn train(examples: &[Example<'_>], bits: u32, method: Method, seed: u64) -> Head {
    match method {
        Method::Averaged { alpha, epochs } => averaged(examples, bits, alpha, epochs, seed),
        Method::Adaptive { rate, decay, epochs } => {
            adaptive(examples, bits, rate, decay, epochs, seed)
        }
    }
}

/// Largest gradient of one example.
const CLIP: f32 = 8.0;
/// States that make up the mean.
const SNAPSHOTS: usize = 24;

fn averaged(examples: &[Example<'_>], bits: u32, alpha: f32, epochs: usize, seed: u64) -> Head {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut weights = vec![0.0_f32; 1 << bits];
    let mut bias = 0.0_f32;
    // The true weights are `weights * scale`: shrinking all of them is one multiplication.
    let mut scale = 1.0_f32;
    let mut mean = vec![0.0_f32; 1 << bits];
    let mut mean_bias = 0.0_f32;
    let steps = (epochs * examples.len()).max(1);
    let begin = steps - steps / 3;
    let every = (steps / 3 / SNAPSHOTS).max(1);
    let mut taken = 0_u32;
    // The first step is 2.
    let t0 = 1.0 / (alpha * 2.0);
    let mut t = 0_usize;
    for _ in 0..epochs {
        random.shuffle(&mut order);
        for index in &order {
            let Some(example) = examples.get(*index) else { continue };
            let step = 1.0 / (alpha * (t0 + t as f32));
            let score = example.features.dot(&weights) * scale + bias;
            let error = f32::from(u8::from(example.positive)) - sigmoid(score);
            let pull = (error * example.weight).clamp(-CLIP, CLIP) * step;
            scale *= 1.0 - step * alpha;
            example.features.add(&mut weights, pull / scale);
            bias += pull * 0.1;
            if scale < 1e-4 {
                weights.iter_mut().for_each(|weight| *weight *= scale);
                scale = 1.0;
            }
            t += 1;
            if t > begin && (t - begin).is_multiple_of(every) {
                for (sum, weight) in mean.iter_mut().zip(&weights) {
                    *sum += weight * scale;
                }
                mean_bias += bias;
                taken += 1;
            }
        }
    }
    let share = 1.0 / taken.max(1) as f32;
    mean.iter_mut().for_each(|weight| *weight *= share);
    Head { weights: mean, bias: mean_bias * share }
}

fn adaptive(
    examples: &[Example<'_>],
    bits: u32,
    rate: f32,
    decay: f32,
    epochs: usize,
    seed: u64,
) -> Head {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut weights = vec![0.0_f32; 1 << bits];
    let mut squares = vec![1e-8_f32; 1 << bits];
    let (mut bias, mut bias_square) = (0.0_f32, 1e-8_f32);
    for _ in 0..epochs {
        random.shuffle(&mut order);
        for index in &order {
            let Some(example) = examples.get(*index) else { continue };
            let score = example.features.dot(&weights) + bias;
            let error = sigmoid(score) - f32::from(u8::from(example.positive));
            let pull = (error * example.weight).clamp(-CLIP, CLIP);
            let shares = example.features.shares();
            for (rows, share) in example.features.blocks.iter().zip(shares) {
                for row in rows {
                    let row = *row as usize;
                    if let (Some(weight), Some(square)) =
                        (weights.get_mut(row), squares.get_mut(row))
                    {
                        let slope = pull * share + decay * *weight;
                        *square += slope * slope;
                        *weight -= rate * slope / square.sqrt();
                    }
                }
            }
            bias_square += pull * pull;
            bias -= rate * pull / bias_square.sqrt();
        }
    }
    Head { weights, bias }
}
