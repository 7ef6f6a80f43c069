//! Training what tells optimised gibberish from text.
//!
//! No real suffix is needed: they are searched for token by token, so what they have in common is
//! that nobody would write them. *Salads* stand for them: pieces of words, whole words, identifiers
//! and punctuation in random order, with the shares of each drawn anew for every salad, behind a
//! natural request. Harmless look-alikes (tables, logs, keys, lists of names) are the other side.

mod lookalikes;
mod salad;

use bartizan_model::noise::{Counts, NUMBERS, Noise, TABLE_BITS, counted};

use crate::boost::{Growth, Point, grow};
use crate::random::Random;

pub use lookalikes::lookalikes;
pub use salad::Kitchen;

/// What the noise model learns from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'t> {
    /// Harmless texts whose tokens are counted, and which are then known to be common.
    pub counted: &'t [&'t str],
    /// Harmless texts that were not counted: they look as unseen text does.
    pub fresh: &'t [&'t str],
    /// Natural requests that salads stand behind.
    pub requests: &'t [&'t str],
    /// Salads to make.
    pub salads: usize,
}

/// Counts tokens, pairs and letter groups of harmless text.
pub fn count(texts: &[&str]) -> [Counts; 3] {
    let mut counts = TABLE_BITS.map(|bits| vec![0_u32; 1 << bits]);
    for text in texts {
        counted(text, |table, hash| {
            if let Some(table) = counts.get_mut(table) {
                let cell = hash as usize & (table.len() - 1);
                if let Some(cell) = table.get_mut(cell) {
                    *cell += 1;
                }
            }
        });
    }
    counts.map(|table| {
        let level = |count: &u32| (((1 + count) as f32).log2().round() as u8).min(15);
        let pack = |pair: &[u32]| {
            let [low, high] = [pair.first(), pair.get(1)].map(|count| count.map_or(0, level));
            low | (high << 4)
        };
        Counts::new(table.chunks(2).map(pack).collect())
            .unwrap_or_else(|| unreachable!("a power of two"))
    })
}

/// Trains the noise model.
pub fn train(material: &Material<'_>, seed: u64) -> Noise {
    let mut random = Random::new(seed);
    let counts = count(material.counted);
    let kitchen = Kitchen::new(material.counted);
    let mut noise = Noise { counts, trees: bartizan_model::Trees::default() };
    let mut points: Vec<Point> = Vec::new();
    for _ in 0..material.salads {
        let request = random.pick(material.requests).copied().unwrap_or_default();
        let salad = kitchen.salad(&mut random);
        let (text, from) = kitchen.serve(request, &salad, &mut random);
        let to = from + salad.len();
        // A stretch is noise where most of it is salad.
        let stretches = noise.stretches(&text).into_iter().filter(|stretch| {
            let inside = stretch.end.min(to).saturating_sub(stretch.start.max(from));
            inside * 10 >= (stretch.end - stretch.start) * 7
        });
        points.extend(stretches.map(|stretch| point(stretch.numbers, true)));
    }
    let positives = points.len();
    let likes: Vec<String> = lookalikes(&mut random, material.salads / 2);
    let fresh = material.fresh.iter().copied().chain(likes.iter().map(String::as_str));
    let mut negatives: Vec<Point> = fresh
        .flat_map(|text| noise.stretches(text))
        .map(|stretch| point(stretch.numbers, false))
        .collect();
    random.shuffle(&mut negatives);
    negatives.truncate(positives * 5);
    points.extend(negatives);
    let growth = Growth {
        trees: 120,
        depth: 4,
        rate: 0.15,
        leaf_rows: 40,
        decay: 1.0,
        rising: vec![false; NUMBERS],
    };
    noise.trees = grow(&points, &growth);
    noise
}

fn point(numbers: [f32; NUMBERS], positive: bool) -> Point {
    Point { numbers: numbers.to_vec(), positive, weight: 1.0 }
}
