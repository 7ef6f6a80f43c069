//! Linear heads: logistic regression over hashed n-grams.

use bartizan_model::{Sink, Word, walk};

use crate::random::Random;

/// The features of one text: rows of the table, by block.
#[derive(Debug, Clone, Default)]
pub struct Features {
    blocks: [Vec<u32>; 3],
}

impl Features {
    /// Walks a text for a table of `1 << bits` rows.
    pub fn new(text: &str, bits: u32) -> Self {
        struct Collect(Features, u32);
        impl Sink for Collect {
            fn token(&mut self, hash: u32) {
                let [tokens, ..] = &mut self.0.blocks;
                tokens.push(hash & self.1);
            }

            fn word(&mut self, word: Word<'_>) {
                let [_, characters, _] = &mut self.0.blocks;
                word.characters(|hash| characters.push(hash & self.1));
            }

            fn segment(&mut self, _start: usize, _end: usize) {}
        }
        let mut collect = Collect(Self::default(), (1 << bits) - 1);
        walk(text, &mut collect);
        collect.0
    }

    /// Adds the features of the text behind.
    pub fn append(&mut self, other: Self) {
        for (own, other) in self.blocks.iter_mut().zip(other.blocks) {
            own.extend(other);
        }
    }

    /// Features that were gathered elsewhere, as one block.
    pub fn from_rows(hashes: Vec<u32>, bits: u32) -> Self {
        let rows: Vec<u32> = hashes.into_iter().map(|hash| hash & ((1 << bits) - 1)).collect();
        Self { blocks: [rows, Vec::new(), Vec::new()] }
    }

    /// The features with those of senses, which lie behind the table of n-grams.
    #[must_use]
    pub fn with_senses(mut self, hashes: &[u32], bits: u32, sense_bits: u32) -> Self {
        let row = |hash: &u32| (1 << bits) + (hash & ((1 << sense_bits) - 1));
        self.blocks[2] = hashes.iter().map(row).collect();
        self
    }

    fn shares(&self) -> [f32; 3] {
        self.blocks.each_ref().map(|block| 1.0 / (block.len().max(1) as f32).sqrt())
    }

    /// The product with weights.
    pub fn dot(&self, weights: &[f32]) -> f32 {
        let weight = |row: &u32| weights.get(*row as usize).copied().unwrap_or_default();
        let sum = |block: &Vec<u32>| block.iter().map(weight).sum::<f32>();
        self.blocks.iter().zip(self.shares()).map(|(block, share)| sum(block) * share).sum()
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

/// Trains a head on a table of so many rows.
pub fn train(examples: &[Example<'_>], rows: usize, method: Method, seed: u64) -> Head {
    match method {
        Method::Averaged { alpha, epochs } => averaged(examples, rows, alpha, epochs, seed),
        Method::Adaptive { rate, decay, epochs } => {
            adaptive(examples, rows, rate, decay, epochs, seed)
        }
    }
}

/// Largest gradient of one example.
const CLIP: f32 = 8.0;
/// States that make up the mean.
const SNAPSHOTS: usize = 24;

fn averaged(examples: &[Example<'_>], rows: usize, alpha: f32, epochs: usize, seed: u64) -> Head {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut weights = vec![0.0_f32; rows];
    let mut bias = 0.0_f32;
    // The true weights are `weights * scale`: shrinking all of them is one multiplication.
    let mut scale = 1.0_f32;
    let mut mean = vec![0.0_f32; rows];
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
                for weight in &mut weights {
                    *weight *= scale;
                }
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
    for weight in &mut mean {
        *weight *= share;
    }
    Head { weights: mean, bias: mean_bias * share }
}

fn adaptive(
    examples: &[Example<'_>],
    rows: usize,
    rate: f32,
    decay: f32,
    epochs: usize,
    seed: u64,
) -> Head {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut weights = vec![0.0_f32; rows];
    let mut squares = vec![1e-8_f32; rows];
    let (mut bias, mut bias_square) = (0.0_f32, 1e-8_f32);
    for _ in 0..epochs {
        random.shuffle(&mut order);
        for index in &order {
            let Some(example) = examples.get(*index) else { continue };
            let score = example.features.dot(&weights) + bias;
            let error = sigmoid(score) - f32::from(u8::from(example.positive));
            let pull = (error * example.weight).clamp(-CLIP, CLIP);
            let shares = example.features.shares();
            for (block, share) in example.features.blocks.iter().zip(shares) {
                for row in block {
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
