//! Boosted decision trees: a sum of small lookups in numbers that describe a text.

/// Depth of every tree.
pub const MAX_DEPTH: usize = 6;

/// A tree of fixed depth; where a branch ends early, both of its sides say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// Inner nodes, root first, level by level: number that is asked for, and the bound up to which
    /// the left side is taken.
    pub splits: Vec<(u8, f32)>,
    /// What is added, left to right.
    pub leaves: Vec<f32>,
}

/// Trees that vote.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trees {
    base: f32,
    all: Vec<Tree>,
    /// The most that a tree and all behind it can add.
    most: Vec<f32>,
}

/// Trees after which it is asked whether the rest could still reach what counts.
const ASKED_EVERY: usize = 8;

impl Trees {
    /// Takes log odds before any vote, and trees.
    pub fn new(base: f32, trees: Vec<Tree>) -> Self {
        let mut most: Vec<f32> = trees
            .iter()
            .rev()
            .scan(0.0, |total, tree| {
                *total += tree.leaves.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                Some(*total)
            })
            .collect();
        most.reverse();
        Self { base, all: trees, most }
    }

    /// Log odds before any vote.
    pub const fn base(&self) -> f32 {
        self.base
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.all
    }

    /// Log odds of what `numbers` describe. A number that is missing counts as zero.
    pub fn score(&self, numbers: &[f32]) -> f32 {
        self.all.iter().fold(self.base, |sum, tree| sum + tree.vote(numbers))
    }

    /// As [`Trees::score`], for who asks for more than `least` only.
    pub fn score_above(&self, numbers: &[f32], least: f32) -> Option<f32> {
        let mut sum = self.base;
        for (trees, most) in self.all.chunks(ASKED_EVERY).zip(self.most.iter().step_by(ASKED_EVERY))
        {
            if sum + most < least {
                return None;
            }
            sum = trees.iter().fold(sum, |sum, tree| sum + tree.vote(numbers));
        }
        (sum > least).then_some(sum)
    }
}

impl Tree {
    fn vote(&self, numbers: &[f32]) -> f32 {
        let inner = self.splits.len();
        let mut node = 0;
        while let Some((number, bound)) = self.splits.get(node) {
            let value = numbers.get(*number as usize).copied().unwrap_or_default();
            node = 2 * node + 1 + usize::from(value > *bound);
        }
        self.leaves.get(node.saturating_sub(inner)).copied().unwrap_or_default()
    }
}

/// Log odds as a probability.
pub fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_walked_from_its_root() {
        let tree = Tree {
            splits: vec![(0, 1.0), (1, 2.0), (1, 3.0)],
            leaves: vec![10.0, 20.0, 30.0, 40.0],
        };
        let cases =
            [([1.0, 2.0], 10.0), ([0.0, 2.5], 20.0), ([1.5, 3.0], 30.0), ([9.0, 9.0], 40.0)];
        for (numbers, expected) in cases {
            assert!((tree.vote(&numbers) - expected).abs() < f32::EPSILON, "{numbers:?}");
        }
        assert!((tree.vote(&[]) - 10.0).abs() < f32::EPSILON);
    }

    #[test]
    fn who_asks_for_more_than_there_is_gets_nothing() {
        let tree = |bound: f32| Tree { splits: vec![(0, bound)], leaves: vec![-1.0, 0.5] };
        let trees = Trees::new(0.25, (0..40).map(|bound| tree(bound as f32)).collect());
        for value in 0..42 {
            let numbers = [value as f32];
            let score = trees.score(&numbers);
            for least in [-50.0, -20.0, -3.0, 0.0, 5.0, 20.0, 50.0] {
                assert_eq!(trees.score_above(&numbers, least), (score > least).then_some(score));
            }
        }
    }
}
