//! Training the linear heads of the model of attacks.

use bartizan_model::attack::{Heads, SENSE_HEADS};
use bartizan_model::senses::{Lexicon, SenseTable};

use super::corpus::{Class, Item, Origin, SENSE_BITS, TABLE_BITS};
use super::pages::Line;
use crate::linear::{Example, Head, Method, train as train_head};
use crate::rounding::{rounded, table};

/// What a head learns: the texts, and whether and how much each counts.
struct Lesson {
    head: usize,
    method: Method,
    weigh: fn(&Item) -> Option<(bool, f32)>,
}

const AVERAGED: Method = Method::Averaged { alpha: 1e-5, epochs: 5 };

const LESSONS: [Lesson; 4] = [
    Lesson { head: 0, method: AVERAGED, weigh: attack },
    Lesson {
        head: 1,
        method: Method::Adaptive { rate: 0.3, decay: 2e-4, epochs: 5 },
        weigh: greedy,
    },
    Lesson { head: 2, method: AVERAGED, weigh: harmful },
    Lesson { head: 3, method: Method::Averaged { alpha: 1e-5, epochs: 4 }, weigh: frame },
];

fn attack(item: &Item) -> Option<(bool, f32)> {
    match (item.class, item.origin) {
        (Class::Attack, Origin::Real | Origin::Written) => Some((true, 3.0)),
        (Class::Attack, Origin::Generated) => Some((true, 1.5)),
        (Class::Framed, Origin::Written) => Some((true, 1.0)),
        (Class::Attack | Class::Framed, _) => Some((true, 0.5)),
        (Class::FramedHarmless | Class::Benign, Origin::Written) => Some((false, 1.5)),
        (Class::FramedHarmless, _) | (Class::Benign, Origin::Grammar) => Some((false, 0.5)),
        (Class::Benign, _) => Some((false, 1.0)),
        (Class::Role, _) => Some((false, 0.3)),
        (Class::Harmful | Class::Suffix, _) => None,
    }
}

fn greedy(item: &Item) -> Option<(bool, f32)> {
    match (item.class, item.origin) {
        (Class::Attack, Origin::Real) => Some((true, 6.0)),
        (Class::Attack, Origin::Written) => Some((true, 4.0)),
        (Class::Attack, Origin::Generated) | (Class::Framed, Origin::Written) => Some((true, 1.0)),
        (Class::Attack | Class::Framed, _) => Some((true, 0.5)),
        (Class::FramedHarmless | Class::Benign, Origin::Written) => Some((false, 1.5)),
        (Class::FramedHarmless, _) => Some((false, 0.5)),
        (Class::Benign, Origin::Grammar) | (Class::Role | Class::Harmful | Class::Suffix, _) => {
            None
        }
        (Class::Benign, _) => Some((false, 1.0)),
    }
}

fn harmful(item: &Item) -> Option<(bool, f32)> {
    match item.class {
        Class::Harmful | Class::Framed => Some((true, 3.0)),
        Class::Benign | Class::FramedHarmless => Some((false, 1.0)),
        Class::Attack | Class::Role | Class::Suffix => None,
    }
}

fn frame(item: &Item) -> Option<(bool, f32)> {
    match (item.class, item.origin) {
        (Class::Attack, Origin::Real)
        | (Class::Framed | Class::FramedHarmless | Class::Role, _) => Some((true, 2.0)),
        (Class::Benign, Origin::Grammar) | (Class::Attack | Class::Suffix, _) => None,
        (Class::Benign | Class::Harmful, _) => Some((false, 1.0)),
    }
}

/// Trains all heads on the items and lines that do not belong to the part `without`.
pub(super) fn train(
    items: &[Item],
    lines: &[Line],
    lexicon: &Lexicon,
    without: Option<usize>,
    seed: u64,
) -> Heads {
    let uses = |item: &Item| Some(item.fold) != without;
    let learn = |lesson: &Lesson| {
        let examples: Vec<Example<'_>> = items
            .iter()
            .filter(|item| uses(item))
            .filter_map(|item| {
                let (positive, weight) = (lesson.weigh)(item)?;
                Some(Example { features: &item.features, positive, weight })
            })
            .collect();
        let rows = (1 << TABLE_BITS) + (1 << SENSE_BITS);
        train_head(&examples, rows, lesson.method, seed ^ lesson.head as u64)
    };
    let learn_senses = || {
        let examples: Vec<Example<'_>> = items
            .iter()
            .filter(|item| uses(item))
            .filter_map(|item| {
                let (positive, weight) = attack(item)?;
                Some(Example { features: &item.senses, positive, weight })
            })
            .collect();
        train_head(&examples, 1 << SENSE_BITS, Method::Averaged { alpha: 1e-5, epochs: 4 }, seed)
    };
    let learn_lines = || {
        let own = lines.iter().filter(|line| Some(line.fold) != without);
        let examples: Vec<Example<'_>> = own
            .map(|line| Example {
                features: &line.features,
                positive: line.planted,
                weight: line.weight,
            })
            .collect();
        let rows = (1 << TABLE_BITS) + (1 << SENSE_BITS);
        train_head(&examples, rows, Method::Averaged { alpha: 1e-5, epochs: 4 }, seed ^ 5)
    };
    let [first, second, third, fourth] = &LESSONS;
    let (trained, senses) = std::thread::scope(|scope| {
        let one = scope.spawn(|| [learn(first), learn(third), learn_lines()]);
        let two = scope.spawn(|| ([learn(second), learn(fourth)], learn_senses()));
        match (one.join(), two.join()) {
            (Ok([attack, harmful, planted]), Ok(([greedy, frame], senses))) => {
                (vec![attack, greedy, harmful, frame, planted], senses)
            }
            (Err(panic), _) | (_, Err(panic)) => std::panic::resume_unwind(panic),
        }
    });
    Heads {
        table: table(&trained, TABLE_BITS),
        lexicon: lexicon.clone(),
        senses: sense_table(&trained, &senses),
        sense_bias: senses.bias,
    }
}

fn sense_table(heads: &[Head], alone: &Head) -> SenseTable<SENSE_HEADS> {
    let behind = heads.iter().map(|head| head.weights.get(1 << TABLE_BITS..).unwrap_or_default());
    let parts = behind.chain([alone.weights.as_slice()]);
    let (rows, scales) = rounded(parts, 1 << SENSE_BITS);
    SenseTable { rows, scales }
}
