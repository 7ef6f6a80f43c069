//! Training the model of attacks.
//!
//! The heads learn from labelled texts. Trees that join the heads, and the scales that say how rare
//! a score is, learn only from scores of texts whose *collection* the heads had not seen: scores of
//! known texts are too good to set a threshold by.

mod corpus;
mod heads;
mod pages;

use std::collections::BTreeMap;

use bartizan_model::attack::planted::{Line, NUMBERS};
use bartizan_model::attack::{AttackModel, Heads, Judge, Reading, Speaker, Stretch};
use bartizan_model::scale::Scale;
use bartizan_model::senses::Lexicon;
use bartizan_model::{Trees, attack::SIGNALS};

use crate::boost::{Growth, Point, grow};
use crate::noise;
use crate::random::Random;
use crate::threads::on_threads;

pub use corpus::{Class, Corpus, Item, Origin};
pub use pages::Page;

/// Parts that the collections are dealt into.
pub const FOLDS: usize = 4;

/// What came of training.
pub struct Trained {
    /// The model.
    pub model: AttackModel,
    /// Scores of all texts by models that had not seen their collection, in the order of the corpus.
    pub unseen: Vec<f32>,
    /// The same for optimised gibberish.
    pub unseen_noise: Vec<f32>,
    /// The same for documents, in the order of the corpus: as planted requests, and as attacks.
    pub unseen_pages: Vec<[f32; 2]>,
}

/// Trains the model.
pub fn train(corpus: &Corpus, lexicon: &Lexicon, seed: u64) -> Trained {
    let items = &corpus.items;
    let folds: Vec<Heads> = (0..FOLDS)
        .map(|fold| heads::train(items, &corpus.lines, lexicon, Some(fold), seed))
        .collect();
    let readings: Vec<Reading<'_>> =
        on_threads(items, |item| folds.get(item.fold).map(|heads| heads.read(&item.text)))
            .into_iter()
            .flatten()
            .collect();
    let mut judge = train_judge(items, &readings);
    let unseen_pages = train_planted(&corpus.pages, &folds, &mut judge, seed);
    let unseen = readings
        .iter()
        .map(|reading| judge.worst(reading, Speaker::User).map_or(0.0, |worst| worst.rarity))
        .collect();
    let (noise, noise_scale, unseen_noise) = train_noise(items, seed);
    let heads = heads::train(items, &corpus.lines, lexicon, None, seed);
    let model = AttackModel { heads, judge, noise, noise_scale };
    Trained { model, unseen, unseen_noise, unseen_pages }
}

/// Trains what judges the lines of documents; the result is how rare the worst line of every document
/// is, by heads that had not seen its part.
fn train_planted(pages: &[Page], folds: &[Heads], judge: &mut Judge, seed: u64) -> Vec<[f32; 2]> {
    let lines = |page: &Page| -> Vec<Line> {
        folds.get(page.fold).map_or_else(Vec::new, |heads| heads.read(&page.text).lines(&page.text))
    };
    let all: Vec<Vec<Line>> = on_threads(pages, lines);
    let mut random = Random::new(seed ^ 0x706C_616E);
    let mut points = Vec::new();
    for (page, lines) in pages.iter().zip(&all) {
        let mut loud: Vec<f32> = lines.iter().map(|line| line.numbers[0]).collect();
        loud.sort_by(|a, b| b.total_cmp(a));
        let loud = loud.get(2).copied().unwrap_or(f32::NEG_INFINITY);
        for line in lines {
            let positive = page.is_planted(line.start, line.end);
            let keep = positive || line.numbers[0] >= loud || random.chance(0.15);
            if keep {
                let weight = match (positive, page.is_written) {
                    (true, true) => 3.0,
                    (false, true) => 2.0,
                    (_, false) => 1.0,
                };
                points.push(Point { numbers: line.numbers.to_vec(), positive, weight });
            }
        }
    }
    let growth = Growth {
        trees: 150,
        depth: 5,
        rate: 0.1,
        leaf_rows: 60,
        decay: 5.0,
        rising: vec![false; NUMBERS],
    };
    judge.planted = grow(&points, &growth);
    let worst: Vec<f32> = on_threads(&all, |lines| {
        lines.iter().map(|line| judge.planted.score(&line.numbers)).fold(-20.0, f32::max)
    });
    let harmless = pages.iter().zip(&worst).filter(|(page, _)| page.in_pool);
    judge.planted_scale = Scale::measure(harmless.map(|(_, score)| *score).collect());
    let attack = on_threads(pages, |page| {
        let reading = folds.get(page.fold).map(|heads| heads.read(&page.text));
        let worst = reading.and_then(|reading| judge.worst(&reading, Speaker::Document));
        worst.map_or(0.0, |worst| worst.rarity)
    });
    worst
        .iter()
        .zip(attack)
        .map(|(score, attack)| [judge.planted_scale.rarity(*score), attack])
        .collect()
}

fn train_judge(items: &[Item], readings: &[Reading<'_>]) -> Judge {
    let whole = join(items, readings, |_, reading| {
        reading.wholes().into_iter().map(|stretch| stretch.signals).take(1).collect()
    });
    let near = join(items, readings, |item, reading| {
        let nears = reading.nears();
        if nears.is_empty() || item.class.is_attack() && nears.len() > 2 {
            // What is planted in a long text is as long as a short attack.
            return reading.wholes().into_iter().map(|stretch| stretch.signals).take(1).collect();
        }
        nears.into_iter().map(|stretch| stretch.signals).collect()
    });
    let mut judge = Judge {
        whole,
        near,
        scales: [Scale::default(), Scale::default()],
        speakers: [Scale::default(), Scale::default(), Scale::default()],
        planted: Trees::default(),
        planted_scale: Scale::default(),
    };
    // Written documents talk about attacks more than any others do: they are measured as documents.
    let everyone =
        pool(items, |item| item.in_pool && !(item.is_document && item.origin == Origin::Written));
    let worst = |stretches: Vec<Stretch>, trees: &Trees| {
        stretches.iter().map(|stretch| trees.score(&stretch.signals)).fold(-50.0, f32::max)
    };
    let measure = |nears: bool| {
        let scores = everyone.iter().filter_map(|index| {
            let reading = readings.get(*index)?;
            Some(if nears {
                worst(reading.nears(), &judge.near)
            } else {
                worst(reading.wholes(), &judge.whole)
            })
        });
        Scale::measure(scores.collect())
    };
    judge.scales = [measure(false), measure(true)];
    let measure = |pool: &[usize]| {
        let rarity = pool.iter().filter_map(|index| {
            Some(judge.unscaled(readings.get(*index)?).map_or(0.0, |worst| worst.rarity))
        });
        Scale::measure(rarity.collect())
    };
    let documents = pool(items, |item| item.in_pool && item.is_document);
    let of = |foreign: bool| -> Vec<usize> {
        let speaks = |index: &&usize| {
            readings.get(**index).is_some_and(|reading| reading.is_foreign == foreign)
        };
        everyone.iter().filter(speaks).copied().collect()
    };
    judge.speakers = [measure(&of(false)), measure(&of(true)), measure(&documents)];
    judge
}

/// Trees that join signals.
fn join(
    items: &[Item],
    readings: &[Reading<'_>],
    signals: impl Fn(&Item, &Reading<'_>) -> Vec<[f32; SIGNALS]>,
) -> Trees {
    let mut points = Vec::new();
    for (item, reading) in items.iter().zip(readings) {
        let Some((positive, weight)) = item.weight_in_judge() else { continue };
        let signals = signals(item, reading);
        let weight = weight / (signals.len().max(1) as f32).sqrt();
        points.extend(signals.into_iter().map(|signals| Point {
            numbers: signals.to_vec(),
            positive,
            weight,
        }));
    }
    let growth = Growth {
        trees: 80,
        depth: 3,
        rate: 0.15,
        leaf_rows: 200,
        decay: 5.0,
        // More of any head never makes a text less suspicious; the language may do either.
        rising: (0..SIGNALS).map(|signal| signal + 1 < SIGNALS).collect(),
    };
    grow(&points, &growth)
}

/// Harmless texts that thresholds are set by: broad, none of its collections large, and few of them written
/// to look like attacks.
fn pool(items: &[Item], belongs: impl Fn(&Item) -> bool) -> Vec<usize> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pool = Vec::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| belongs(item)) {
        let of_group = taken.entry(&item.pool_group).or_default();
        *of_group += 1;
        if *of_group <= item.pool_most {
            pool.push(index);
        }
    }
    pool
}

fn train_noise(items: &[Item], seed: u64) -> (bartizan_model::noise::Noise, Scale, Vec<f32>) {
    let mut random = Random::new(seed ^ 0x6E6F_6973);
    let (mut counted, mut fresh, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    // Where a text was counted, its score says nothing about texts that were not.
    let mut unknown: Vec<bool> = Vec::with_capacity(items.len());
    for item in items {
        let text = item.text.as_str();
        let counts = item.class == Class::Benign && random.chance(0.6);
        unknown.push(!counts);
        match item.class {
            Class::Benign if counts => counted.push(text),
            Class::Benign | Class::Harmful | Class::FramedHarmless => fresh.push(text),
            _ => {}
        }
        if item.class == Class::Harmful || item.in_pool && item.text.len() < 300 {
            requests.push(text);
        }
    }
    let material =
        noise::Material { counted: &counted, fresh: &fresh, requests: &requests, salads: 10_000 };
    let noise = noise::train(&material, seed);
    let scores: Vec<f32> = on_threads(items, |item| {
        noise.worst(&item.text, f32::NEG_INFINITY).map_or(-50.0, |worst| worst.score)
    });
    let pool = pool(items, |item| item.in_pool)
        .into_iter()
        .filter(|index| unknown.get(*index) == Some(&true));
    let scale = Scale::measure(pool.filter_map(|index| scores.get(index).copied()).collect());
    let rare = scores.iter().map(|score| scale.rarity(*score)).collect();
    (noise, scale, rare)
}

#[cfg(test)]
mod tests;
