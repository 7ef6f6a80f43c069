//! Learning the weights: softmax over tags, through direct votes and hidden units at once.

use bartizan_model::tagger::Entity;
use bartizan_model::tagger::features::{Sort, features, is_lazy};
use bartizan_model::tagger::gazetteer::{BEGINS, Gazetteer, INSIDE, NAMES, bit, list};
use bartizan_model::tagger::token::{Shape, Token, tokens};
use bartizan_model::tagger::weights::{HIDDEN, Row, TAGS, WIDTH, Weights, softmax};

use super::made::capitalised;
use super::sample::Sample;
use crate::random::Random;

/// Weights while they are learned.
#[derive(Debug)]
pub(super) struct Learner {
    mask: u32,
    rows: Vec<[f32; WIDTH]>,
    /// Sums of squared slopes per row, of votes and of shares.
    squares: Vec<[f32; 2]>,
    biases: [f32; WIDTH],
    out: [[f32; HIDDEN]; TAGS],
    /// Step at full rate.
    rate: f32,
    random: Random,
    mean: Mean,
}

/// Sums of the states that make up the mean.
#[derive(Debug, Default)]
struct Mean {
    taken: u32,
    rows: Vec<[f32; WIDTH]>,
    biases: [f32; WIDTH],
    out: [[f32; HIDDEN]; TAGS],
}

fn add<'a>(sums: impl Iterator<Item = &'a mut f32>, values: impl Iterator<Item = &'a f32>) {
    for (sum, value) in sums.zip(values) {
        *sum += value;
    }
}

/// What is known about a token of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    /// Its tag; 0 is none, then two for each sort of entity.
    Tag(usize),
    /// Nobody knows.
    Open,
}

impl Learner {
    /// A learner with a table of `1 << bits` rows.
    pub(super) fn new(bits: u32, rate: f32, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut out = [[0.0; HIDDEN]; TAGS];
        for weight in out.iter_mut().flatten() {
            *weight = (random.share() as f32 - 0.5) * 0.8;
        }
        let mut biases = [0.0; WIDTH];
        for (at, bias) in biases.iter_mut().enumerate() {
            *bias = if at < TAGS { -1.0 } else { 0.2 };
        }
        let size = 1_usize << bits;
        Self {
            mask: (size - 1) as u32,
            rows: vec![[0.0; WIDTH]; size],
            squares: vec![[0.02; 2]; size],
            biases,
            out,
            rate,
            random,
            mean: Mean { rows: vec![[0.0; WIDTH]; size], ..Mean::default() },
        }
    }

    /// Learns from a sample; `pace` scales the step, `weight` how much it counts.
    pub(super) fn learn(&mut self, sample: &Sample, lists: &Gazetteer, pace: f32, weight: f32) {
        self.learn_from(sample, lists, pace, weight, true);
    }

    /// Learns from a text in which a tagger has marked what it was sure of; other words that may be
    /// names are left open.
    pub(super) fn learn_guessed(
        &mut self,
        sample: &Sample,
        lists: &Gazetteer,
        pace: f32,
        weight: f32,
    ) {
        self.learn_from(sample, lists, pace, weight, false);
    }

    /// Learns from a text without marks, in other capitals than it came.
    pub(super) fn learn_shouted(&mut self, text: &str, lists: &Gazetteer, pace: f32, weight: f32) {
        let mut cut = tokens(text, true);
        let mut start = 0;
        let every = self.random.chance(0.3);
        let mut shouted = String::with_capacity(text.len());
        let mut copied = 0;
        let mut truths = Vec::new();
        for end in &cut.ends {
            let Some(segment) = cut.tokens.get_mut(start..*end) else { continue };
            start = *end;
            lists.mark(segment);
            truths.extend(guessed(segment));
            for token in segment.iter() {
                shouted.push_str(text.get(copied..token.start).unwrap_or_default());
                let word = text.get(token.start..token.end).unwrap_or_default();
                if every {
                    shouted.push_str(&word.to_uppercase());
                } else if token.shape == Shape::Lower {
                    shouted.push_str(&capitalised(word));
                } else {
                    shouted.push_str(word);
                }
                copied = token.end;
            }
        }
        shouted.push_str(text.get(copied..).unwrap_or_default());
        let mut cut = tokens(&shouted, true);
        // Some letters grow when they become capitals, and then a token may be too long.
        if cut.tokens.len() != truths.len() {
            return;
        }
        let mut start = 0;
        for end in &cut.ends {
            let (Some(segment), Some(truths)) =
                (cut.tokens.get_mut(start..*end), truths.get(start..*end))
            else {
                continue;
            };
            start = *end;
            lists.mark(segment);
            for (at, truth) in truths.iter().enumerate() {
                if *truth == Truth::Tag(0) && !is_lazy(segment, at) {
                    self.step((&shouted, segment, at), 0, false, pace * weight);
                }
            }
        }
    }

    fn learn_from(
        &mut self,
        sample: &Sample,
        lists: &Gazetteer,
        pace: f32,
        weight: f32,
        is_marked: bool,
    ) {
        let text = sample.text.as_str();
        let mut cut = tokens(text, true);
        let mut start = 0;
        for end in &cut.ends {
            let Some(segment) = cut.tokens.get_mut(start..*end) else { continue };
            start = *end;
            lists.mark(segment);
            let mut truths = truths(segment, sample);
            if !is_marked {
                for (truth, guess) in truths.iter_mut().zip(guessed(segment)) {
                    if *truth == Truth::Tag(0) {
                        *truth = guess;
                    }
                }
            }
            let unseen = self.unlist(segment, &truths);
            for (at, truth) in truths.iter().enumerate() {
                let Truth::Tag(tag) = truth else { continue };
                let named = |at: usize| matches!(truths.get(at), Some(Truth::Tag(1..)));
                let near = |at: usize| (at.saturating_sub(2)..at + 3).any(named);
                // What is judged only beside names is learned mostly there.
                if is_lazy(segment, at) && !near(at) && !self.random.chance(0.1) {
                    continue;
                }
                let is_unseen = unseen.get(at).copied().unwrap_or_default();
                self.step((text, segment, at), *tag, is_unseen, pace * weight);
            }
        }
    }

    /// Takes names from the lists now and then, so that not all is learned by heart. Says which tokens
    /// count as never seen before.
    fn unlist(&mut self, segment: &mut [Token], truths: &[Truth]) -> Vec<bool> {
        let mut share = 0.0;
        let mut unseen = Vec::with_capacity(segment.len());
        for (token, truth) in segment.iter_mut().zip(truths) {
            let Truth::Tag(tag @ 1..) = truth else {
                unseen.push(false);
                continue;
            };
            if tag % 2 == 1 {
                share = match self.random.below(10) {
                    0..=2 => 1.0,
                    3..=5 => 0.5,
                    _ => 0.0,
                };
            }
            let hides = self.random.chance(share);
            if hides {
                token.lists &= !NAMES;
            }
            unseen.push(hides);
        }
        unseen
    }

    fn step(
        &mut self,
        (text, segment, at): (&str, &[Token], usize),
        tag: usize,
        is_unseen: bool,
        pace: f32,
    ) {
        // What is hidden this time.
        let no_word = self.random.chance(if is_unseen { 0.9 } else { 0.25 });
        let no_letters = self.random.chance(if is_unseen { 0.35 } else { 0.1 });
        let (no_lists, no_beside) = (self.random.chance(0.1), self.random.chance(0.15));
        let mut seen: Vec<usize> = Vec::with_capacity(64);
        let mask = self.mask;
        features(text, segment, at, |sort, hash| {
            let is_hidden = match sort {
                Sort::Word => no_word,
                Sort::Letters => no_letters,
                Sort::Lists => no_lists,
                Sort::Beside => no_beside,
                Sort::Look | Sort::Around => false,
            };
            if !is_hidden {
                seen.push((hash & mask) as usize);
            }
        });
        let mut sums = self.biases;
        for row in &seen {
            if let Some(row) = self.rows.get(*row) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += weight;
                }
            }
        }
        let (votes, units) = sums.split_at(TAGS);
        let mut hidden = [0.0; HIDDEN];
        for (unit, share) in hidden.iter_mut().zip(units) {
            *unit = share.max(0.0);
        }
        let mut scores = [0.0; TAGS];
        for ((score, vote), out) in scores.iter_mut().zip(votes).zip(&self.out) {
            *score = vote + out.iter().zip(&hidden).map(|(a, b)| a * b).sum::<f32>();
        }
        let chances = softmax(scores);
        let mut slopes = [0.0_f32; WIDTH];
        for (index, (slope, chance)) in slopes.iter_mut().zip(chances).enumerate() {
            let wanted = f32::from(u8::from(index + 1 == tag));
            *slope = chance - wanted;
        }
        let (direct, shared) = slopes.split_at_mut(TAGS);
        let most = direct.iter().fold(0.0_f32, |most, slope| most.max(slope.abs()));
        if most < 0.004 {
            return;
        }
        for (unit, slope) in shared.iter_mut().enumerate() {
            if hidden.get(unit).is_some_and(|active| *active > 0.0) {
                *slope = self
                    .out
                    .iter()
                    .zip(direct.iter())
                    .map(|(out, slope)| out.get(unit).copied().unwrap_or_default() * slope)
                    .sum();
            }
        }
        let step = self.rate * pace;
        for (out, slope) in self.out.iter_mut().zip(direct.iter()) {
            for (weight, unit) in out.iter_mut().zip(&hidden) {
                *weight -= step * 0.02 * slope * unit;
            }
        }
        let energy = |slopes: &[f32]| {
            slopes.iter().map(|slope| slope * slope).sum::<f32>() / slopes.len() as f32
        };
        let energies = [energy(direct), energy(shared)];
        for (at, (bias, slope)) in self.biases.iter_mut().zip(&slopes).enumerate() {
            *bias -= step * if at < TAGS { 0.02 } else { 0.01 } * slope;
        }
        for row in &seen {
            let (Some(weights), Some(squares)) =
                (self.rows.get_mut(*row), self.squares.get_mut(*row))
            else {
                continue;
            };
            let mut rates = [0.0; 2];
            for ((rate, square), energy) in rates.iter_mut().zip(squares).zip(energies) {
                *square += energy;
                *rate = step / square.sqrt();
            }
            let [vote, share] = rates;
            for (at, (weight, slope)) in weights.iter_mut().zip(&slopes).enumerate() {
                let rate = if at < TAGS { vote } else { share };
                *weight -= rate * (slope + 2e-5 * *weight);
            }
        }
    }

    /// Adds the present state to the mean.
    pub(super) fn remember(&mut self) {
        let mean = &mut self.mean;
        mean.taken += 1;
        add(mean.rows.iter_mut().flatten(), self.rows.iter().flatten());
        add(mean.biases.iter_mut(), self.biases.iter());
        add(mean.out.iter_mut().flatten(), self.out.iter().flatten());
    }

    /// The mean of the states in small steps; of the last one when none was remembered.
    pub(super) fn finish(mut self) -> Option<Weights> {
        if self.mean.taken == 0 {
            self.remember();
        }
        let share = 1.0 / self.mean.taken as f32;
        let Mean { mut rows, mut biases, mut out, .. } = std::mem::take(&mut self.mean);
        let values = rows.iter_mut().flatten().chain(&mut biases).chain(out.iter_mut().flatten());
        values.for_each(|value| *value *= share);
        let mut steps = [0.0_f32; 2];
        for (kind, step) in steps.iter_mut().enumerate() {
            let range = if kind == 0 { 0..TAGS } else { TAGS..WIDTH };
            let mut sizes: Vec<f32> = rows
                .iter()
                .flat_map(|row| row.get(range.clone()).unwrap_or_default())
                .map(|weight| weight.abs())
                .filter(|weight| *weight > 0.0)
                .collect();
            sizes.sort_by(f32::total_cmp);
            // The few largest weights are cut off rather than all others made coarse.
            let largest = sizes.get(sizes.len().saturating_sub(1 + sizes.len() / 20_000));
            *step = largest.copied().unwrap_or(1.0).max(1e-6) / 127.0;
        }
        let [direct, shared] = steps;
        let small = |row: &[f32; WIDTH]| -> Row {
            let mut small = [0_i8; WIDTH];
            for (at, (small, weight)) in small.iter_mut().zip(row).enumerate() {
                let step = if at < TAGS { direct } else { shared };
                *small = (weight / step).round().clamp(-127.0, 127.0) as i8;
            }
            small
        };
        Weights::new(rows.iter().map(small).collect(), steps, biases, out)
    }
}

/// Index of an entity among the tags.
fn index(entity: Entity) -> usize {
    Entity::ALL.iter().position(|known| *known == entity).unwrap_or_default()
}

/// The tags of tokens, from what is marked.
fn truths(segment: &[Token], sample: &Sample) -> Vec<Truth> {
    let mut marks = sample.marked.iter().peekable();
    let mut last = None;
    segment
        .iter()
        .map(|token| {
            while marks.next_if(|mark| mark.end <= token.start).is_some() {}
            let Some(mark) = marks.peek().filter(|mark| mark.start < token.end) else {
                last = None;
                return Truth::Tag(0);
            };
            let is_first = last != Some(mark.start);
            last = Some(mark.start);
            Truth::Tag(1 + 2 * index(mark.entity) + usize::from(!is_first))
        })
        .collect()
}

/// What tokens of a text without marks are: none, but where a name may be.
fn guessed(segment: &[Token]) -> Vec<Truth> {
    let may_name = |token: &Token| {
        let is_listed = token.lists & NAMES != 0;
        let is_common = token.lists & bit(list::COMMON) != 0;
        match token.shape {
            Shape::Letter | Shape::Mark => false,
            Shape::Lower => is_listed && !is_common,
            Shape::Capital if is_common && is_listed => true,
            Shape::Han | Shape::Hiragana | Shape::Hangul => {
                is_listed && token.lists & (BEGINS | INSIDE) != 0
            }
            shape => is_listed && !shape.is_number(),
        }
    };
    let is_open: Vec<bool> = segment.iter().map(may_name).collect();
    segment
        .iter()
        .enumerate()
        .map(|(at, token)| {
            let beside = |distance: usize| {
                is_open.get(at + distance).copied().unwrap_or_default()
                    || at
                        .checked_sub(distance)
                        .and_then(|at| is_open.get(at))
                        .copied()
                        .unwrap_or_default()
            };
            let may_go_on =
                token.shape.is_capital() || token.shape.is_number() || token.shape.is_caseless();
            let is_here = is_open.get(at).copied().unwrap_or_default();
            if is_here
                || may_go_on && (beside(1) || beside(2))
                || token.shape == Shape::Mark && beside(1)
            {
                Truth::Open
            } else {
                Truth::Tag(0)
            }
        })
        .collect()
}
