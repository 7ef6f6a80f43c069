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
    /// Log odds before any vote.
    pub base: f32,
    /// The trees; all of one depth.
    pub trees: Vec<Tree>,
}

impl Trees {
    /// Log odds of what `numbers` describe. A number that is missing counts as zero.
    pub fn score(&self, numbers: &[f32]) -> f32 {
        self.base + self.trees.iter().map(|tree| tree.vote(numbers)).sum::<f32>()
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
}
