//! Gradient-boosted trees over a few numbers, with the direction of each number given.

use bartizan_model::Trees;
use bartizan_model::trees::Tree;

/// Bins of a number.
const BINS: usize = 128;

/// How trees are grown.
#[derive(Debug, Clone)]
pub struct Growth {
    /// Trees.
    pub trees: usize,
    /// Levels of each.
    pub depth: usize,
    /// Share of a vote that counts.
    pub rate: f32,
    /// Fewest rows of a leaf.
    pub leaf_rows: usize,
    /// Pull of leaves to zero.
    pub decay: f32,
    /// Whether a larger number may only raise the score, by number; others are free.
    pub rising: Vec<bool>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Point {
    /// What describes it.
    pub numbers: Vec<f32>,
    /// Whether it must be found.
    pub positive: bool,
    /// How much it counts.
    pub weight: f32,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    slope: f64,
    curve: f64,
    rows: usize,
}

struct Split {
    number: usize,
    bin: usize,
    gain: f64,
    values: [f64; 2],
}

/// Grows trees by Newton steps on the logistic loss.
pub fn grow(points: &[Point], growth: &Growth) -> Trees {
    let numbers = points.first().map_or(0, |point| point.numbers.len());
    let bounds: Vec<Vec<f32>> = (0..numbers).map(|number| bounds(points, number)).collect();
    let binned: Vec<Vec<u8>> = bounds
        .iter()
        .enumerate()
        .map(|(number, bounds)| {
            let bin = |point: &Point| {
                let value = point.numbers.get(number).copied().unwrap_or_default();
                bounds.partition_point(|bound| *bound < value) as u8
            };
            points.iter().map(bin).collect()
        })
        .collect();
    let total: f64 = points.iter().map(|point| f64::from(point.weight)).sum();
    let found: f64 =
        points.iter().filter(|point| point.positive).map(|point| f64::from(point.weight)).sum();
    let prior = (found / total.max(1e-9)).clamp(1e-4, 1.0 - 1e-4);
    let base = (prior / (1.0 - prior)).ln();
    let mut scores = vec![base; points.len()];
    let mut trees = Vec::with_capacity(growth.trees);
    for _ in 0..growth.trees {
        let slopes: Vec<(f64, f64)> = points
            .iter()
            .zip(&scores)
            .map(|(point, score)| {
                let chance = 1.0 / (1.0 + (-score).exp());
                let weight = f64::from(point.weight);
                let truth = f64::from(u8::from(point.positive));
                (weight * (truth - chance), (weight * chance * (1.0 - chance)).max(1e-12))
            })
            .collect();
        trees.push(tree(&binned, &bounds, &slopes, growth, &mut scores));
    }
    Trees::new(base as f32, trees)
}

/// Bounds between bins: at most [`BINS`] quantiles of a number.
fn bounds(points: &[Point], number: usize) -> Vec<f32> {
    let mut values: Vec<f32> =
        points.iter().filter_map(|point| point.numbers.get(number).copied()).collect();
    values.sort_by(f32::total_cmp);
    let mut bounds: Vec<f32> =
        (1..BINS).filter_map(|bin| values.get(bin * values.len() / BINS).copied()).collect();
    bounds.dedup();
    bounds
}

fn tree(
    binned: &[Vec<u8>],
    bounds: &[Vec<f32>],
    slopes: &[(f64, f64)],
    growth: &Growth,
    scores: &mut [f64],
) -> Tree {
    let inner = (1 << growth.depth) - 1;
    let mut splits = vec![(0_u8, f32::INFINITY); inner];
    let mut node_of = vec![0_usize; slopes.len()];
    let mut value = vec![0.0_f64; 2 * inner + 1];
    let mut limits = vec![(f64::NEG_INFINITY, f64::INFINITY); 2 * inner + 1];
    let mut first = 0;
    for level in 0..growth.depth {
        let nodes = 1 << level;
        // Rows by node, number and bin.
        let mut cells = vec![vec![Cell::default(); (BINS + 1) * binned.len()]; nodes];
        for (row, (slope, curve)) in slopes.iter().enumerate() {
            let Some(of_node) =
                node_of.get(row).and_then(|node| cells.get_mut(node.checked_sub(first)?))
            else {
                continue;
            };
            for (number, bins) in binned.iter().enumerate() {
                let bin = bins.get(row).copied().unwrap_or_default() as usize;
                if let Some(cell) = of_node.get_mut(number * (BINS + 1) + bin) {
                    cell.slope += slope;
                    cell.curve += curve;
                    cell.rows += 1;
                }
            }
        }
        for (index, of_node) in cells.iter().enumerate() {
            let node = first + index;
            let limit = limits.get(node).copied().unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            let best = best_split(of_node, binned.len(), bounds, growth, limit);
            let own = value.get(node).copied().unwrap_or_default();
            let (left, right) = (2 * node + 1, 2 * node + 2);
            let (values, child_limits) = match &best {
                Some(split) => {
                    if let (Some(cell), Some(bound)) = (
                        splits.get_mut(node),
                        bounds.get(split.number).and_then(|bounds| bounds.get(split.bin)),
                    ) {
                        *cell = (split.number as u8, *bound);
                    }
                    let middle = f64::midpoint(split.values[0], split.values[1]);
                    let rising = growth.rising.get(split.number).copied().unwrap_or(false);
                    let limits = if rising {
                        [(limit.0, middle), (middle, limit.1)]
                    } else {
                        [limit, limit]
                    };
                    (split.values, limits)
                }
                None => ([own, own], [limit, limit]),
            };
            for ((child, child_value), child_limit) in
                [left, right].into_iter().zip(values).zip(child_limits)
            {
                if let (Some(value), Some(limit)) = (value.get_mut(child), limits.get_mut(child)) {
                    *value = child_value;
                    *limit = child_limit;
                }
            }
        }
        for (row, node) in node_of.iter_mut().enumerate() {
            let (number, bound) = splits.get(*node).copied().unwrap_or((0, f32::INFINITY));
            let bin = binned.get(number as usize).and_then(|bins| bins.get(row)).copied();
            let cut = bounds.get(number as usize).map_or(BINS, |bounds| {
                bounds.iter().position(|other| *other >= bound).unwrap_or(BINS)
            });
            let goes_right = bin.is_some_and(|bin| bin as usize > cut);
            *node = 2 * *node + 1 + usize::from(goes_right);
        }
        first = 2 * first + 1;
    }
    let rate = f64::from(growth.rate);
    let leaves: Vec<f32> =
        value.get(inner..).unwrap_or_default().iter().map(|leaf| (leaf * rate) as f32).collect();
    for (score, node) in scores.iter_mut().zip(&node_of) {
        *score += leaves.get(node - inner).copied().map_or(0.0, f64::from);
    }
    Tree { splits, leaves }
}

fn best_split(
    cells: &[Cell],
    numbers: usize,
    bounds: &[Vec<f32>],
    growth: &Growth,
    limit: (f64, f64),
) -> Option<Split> {
    let decay = f64::from(growth.decay);
    let gain = |cell: &Cell| cell.slope * cell.slope / (cell.curve + decay);
    let value = |cell: &Cell| (cell.slope / (cell.curve + decay)).clamp(limit.0, limit.1);
    let mut best: Option<Split> = None;
    for number in 0..numbers {
        let bins = cells.get(number * (BINS + 1)..(number + 1) * (BINS + 1)).unwrap_or_default();
        let mut all = Cell::default();
        for cell in bins {
            all.slope += cell.slope;
            all.curve += cell.curve;
            all.rows += cell.rows;
        }
        let whole = gain(&all);
        let mut left = Cell::default();
        let edges = bounds.get(number).map_or(0, Vec::len);
        for (bin, cell) in bins.iter().enumerate().take(edges) {
            left.slope += cell.slope;
            left.curve += cell.curve;
            left.rows += cell.rows;
            let right = Cell {
                slope: all.slope - left.slope,
                curve: all.curve - left.curve,
                rows: all.rows - left.rows,
            };
            if left.rows < growth.leaf_rows || right.rows < growth.leaf_rows {
                continue;
            }
            let values = [value(&left), value(&right)];
            if growth.rising.get(number) == Some(&true) && values[0] > values[1] {
                continue;
            }
            let gained = gain(&left) + gain(&right) - whole;
            if gained > 1e-9 && best.as_ref().is_none_or(|best| gained > best.gain) {
                best = Some(Split { number, bin, gain: gained, values });
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn growth() -> Growth {
        Growth {
            trees: 40,
            depth: 3,
            rate: 0.2,
            leaf_rows: 5,
            decay: 1.0,
            rising: vec![false, true],
        }
    }

    /// Positive where the first number is in the middle and the second is large.
    fn points() -> Vec<Point> {
        let mut random = Random::new(3);
        (0..2000)
            .map(|_| {
                let numbers = vec![random.share() as f32, random.share() as f32];
                let positive = (0.3..0.7).contains(&numbers[0]) && numbers[1] > 0.5;
                Point { numbers, positive, weight: 1.0 }
            })
            .collect()
    }

    #[test]
    fn learns_what_no_line_can_tell_apart() {
        let points = points();
        let trees = grow(&points, &growth());
        let right = points.iter().filter(|p| (trees.score(&p.numbers) > 0.0) == p.positive);
        assert!(right.count() > 1940);
    }

    #[test]
    fn a_rising_number_never_lowers_the_score() {
        let trees = grow(&points(), &growth());
        for first in 0..20 {
            let mut last = f32::NEG_INFINITY;
            for second in 0..100 {
                let score = trees.score(&[first as f32 / 20.0, second as f32 / 100.0]);
                assert!(score >= last - 1e-5, "{first} {second}");
                last = score;
            }
        }
    }

    #[test]
    fn the_same_points_give_the_same_trees() {
        assert_eq!(grow(&points(), &growth()), grow(&points(), &growth()));
    }
}
