//! Training the model of unsafe content.
//!
//! As with the model of attacks, the scales that say how rare a score is come from texts whose
//! collection the heads had not seen.

mod card;
mod corpus;
mod lists;

use bartizan_model::content::lexicons::Lexicons;
use bartizan_model::content::{ContentModel, HEADS};
use bartizan_model::scale::Scale;
use bartizan_model::senses::SenseTable;

use crate::linear::{Example, Head, Method, train as train_head};
use crate::rounding::{rounded, table};
use crate::threads::on_threads;

pub use card::card;
pub use corpus::{Corpus, Item, NAMES};
use corpus::{SENSE_BITS, TABLE_BITS};
pub use lists::lexicons;

/// Most that one example counts at once.
const STEP: f32 = 6.0;
/// Parts that the collections are dealt into.
pub const FOLDS: usize = 4;

/// What came of training.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: ContentModel,
    /// Log odds of all texts, by head, by models that had not seen their collection, in the order of
    /// the corpus.
    pub unseen: Vec<[f32; HEADS]>,
}

/// Trains the model.
pub fn train(corpus: &Corpus, lexicons: &Lexicons, seed: u64) -> Trained {
    let items = &corpus.items;
    let folds: Vec<ContentModel> =
        (0..FOLDS).map(|fold| fit(items, lexicons, |item| item.fold != fold, seed)).collect();
    let unseen: Vec<[f32; HEADS]> = on_threads(items, |item| {
        folds.get(item.fold).map_or([0.0; HEADS], |model| model.highest(&item.text))
    });
    let mut model = fit(items, lexicons, |_| true, seed);
    for (head, scale) in model.scales.iter_mut().enumerate() {
        let harmless = items.iter().zip(&unseen).filter(|(item, _)| item.in_pool);
        let scores = harmless.filter_map(|(_, scores)| scores.get(head).copied());
        *scale = Scale::measure(scores.collect());
    }
    Trained { model, unseen }
}

/// Trains all heads on the items that `uses` keeps; scales are left open.
fn fit(
    items: &[Item],
    lexicons: &Lexicons,
    uses: impl Fn(&Item) -> bool + Sync,
    seed: u64,
) -> ContentModel {
    let learn = |head: &usize| {
        let examples: Vec<Example<'_>> = items
            .iter()
            .filter(|item| uses(item))
            .filter_map(|item| Some((item, item.lessons.get(*head).copied().flatten()?)))
            .flat_map(|(item, (positive, weight))| {
                // One step is bounded, so that what counts more is learned more often.
                let times = (weight / STEP).ceil().max(1.0);
                let example =
                    Example { features: &item.features, positive, weight: weight / times };
                std::iter::repeat_n(example, times as usize)
            })
            .collect();
        let rows = (1 << TABLE_BITS) + (1 << SENSE_BITS);
        train_head(
            &examples,
            rows,
            Method::Averaged { alpha: 1e-5, epochs: 5 },
            seed ^ *head as u64,
        )
    };
    let heads: [usize; HEADS] = std::array::from_fn(|head| head);
    let heads: Vec<Head> = on_threads(&heads, learn);
    let behind = heads.iter().map(|head| head.weights.get(1 << TABLE_BITS..).unwrap_or_default());
    let (rows, scales) = rounded(behind, 1 << SENSE_BITS);
    ContentModel {
        table: table(&heads, TABLE_BITS),
        lexicons: lexicons.clone(),
        senses: SenseTable { rows, scales },
        scales: std::array::from_fn(|_| Scale::default()),
    }
}
