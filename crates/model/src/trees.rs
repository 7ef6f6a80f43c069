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
///
/// Trees are not walked from the root. Each split that sends a number to the right rules out the
/// leaves to its left, and what is left of them in the end is where the walk would have ended. Splits
/// that ask for the same number stand together by their bounds, so that those to apply are the first
/// few; nothing waits for anything (after Lucchese et al., `QuickScorer`, SIGIR 2015).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trees {
    base: f32,
    all: Vec<Tree>,
    blocks: Vec<Block>,
}

/// Trees that are judged together.
const BLOCK: usize = 32;

/// Some of the trees, by the numbers that they ask for.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    /// For each number that is asked for, its place and one past the last of its splits.
    numbers: Vec<(u8, usize)>,
    splits: Vec<Split>,
    /// For each tree its first leaf.
    first: Vec<usize>,
    leaves: Vec<f32>,
    /// The most that these trees and all behind them can add.
    most: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    bound: f32,
    /// Place of the tree in the block.
    tree: u8,
    /// Leaves that a number above the bound can still lead to, the leftmost lowest.
    keeps: u64,
}

impl Trees {
    /// Takes log odds before any vote, and trees.
    pub fn new(base: f32, trees: Vec<Tree>) -> Self {
        let mut blocks: Vec<Block> = trees.chunks(BLOCK).map(Block::new).collect();
        let mut most = 0.0;
        for block in blocks.iter_mut().rev() {
            most += block.most;
            block.most = most;
        }
        Self { base, all: trees, blocks }
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
        self.blocks.iter().fold(self.base, |sum, block| block.add(sum, numbers))
    }

    /// As [`Trees::score`], for who asks for more than `least` only.
    pub fn score_above(&self, numbers: &[f32], least: f32) -> Option<f32> {
        let mut sum = self.base;
        for block in &self.blocks {
            if sum + block.most < least {
                return None;
            }
            sum = block.add(sum, numbers);
        }
        (sum > least).then_some(sum)
    }
}

impl Block {
    fn new(trees: &[Tree]) -> Self {
        let mut splits: Vec<(u8, Split)> = Vec::new();
        let (mut first, mut leaves, mut most) = (Vec::new(), Vec::new(), 0.0);
        for (at, tree) in trees.iter().enumerate() {
            first.push(leaves.len());
            leaves.extend_from_slice(&tree.leaves);
            most += tree.leaves.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for (node, (number, bound)) in tree.splits.iter().enumerate() {
                let keeps = !tree.left_of(node);
                splits.push((*number, Split { bound: *bound, tree: at as u8, keeps }));
            }
        }
        splits.sort_by(|(a, one), (b, other)| a.cmp(b).then(one.bound.total_cmp(&other.bound)));
        let mut end = 0;
        let numbers = splits.chunk_by(|(a, _), (b, _)| a == b).filter_map(|same| {
            end += same.len();
            same.first().map(|(number, _)| (*number, end))
        });
        let numbers = numbers.collect();
        let splits = splits.into_iter().map(|(_, split)| split).collect();
        Self { numbers, splits, first, leaves, most }
    }

    /// Adds the votes, in the order of the trees.
    fn add(&self, sum: f32, numbers: &[f32]) -> f32 {
        let mut left = [u64::MAX; BLOCK];
        let mut start = 0;
        for (number, end) in &self.numbers {
            let value = numbers.get(usize::from(*number)).copied().unwrap_or_default();
            let splits = self.splits.get(start..*end).unwrap_or_default();
            for split in splits.iter().take_while(|split| value > split.bound) {
                if let Some(left) = left.get_mut(usize::from(split.tree)) {
                    *left &= split.keeps;
                }
            }
            start = *end;
        }
        self.first.iter().zip(left).fold(sum, |sum, (first, left)| {
            let leaf = first + left.trailing_zeros() as usize;
            sum + self.leaves.get(leaf).copied().unwrap_or_default()
        })
    }
}

impl Tree {
    /// The leaves on the left of an inner node, one bit each.
    fn left_of(&self, node: usize) -> u64 {
        // Nodes of a level stand side by side, and so do the leaves below each.
        let level = (node + 1).ilog2();
        let place = node + 1 - (1 << level);
        let below = self.leaves.len() >> level;
        let half = below / 2;
        ((1 << half) - 1) << (place * below)
    }
}

/// Log odds as a probability.
pub fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The walk from the root.
    fn vote(tree: &Tree, numbers: &[f32]) -> f32 {
        let mut node = 0;
        while let Some((number, bound)) = tree.splits.get(node) {
            let value = numbers.get(*number as usize).copied().unwrap_or_default();
            node = 2 * node + 1 + usize::from(value > *bound);
        }
        tree.leaves[node - tree.splits.len()]
    }

    fn some_tree() -> impl Strategy<Value = Tree> {
        (1..=MAX_DEPTH as u32).prop_flat_map(|depth| {
            let (inner, leaves) = ((1 << depth) - 1, 1 << depth);
            let bound = prop_oneof![-2.0..2.0_f32, Just(f32::INFINITY), Just(f32::NEG_INFINITY)];
            let splits = proptest::collection::vec((0..5_u8, bound), inner);
            let leaves = proptest::collection::vec(-1.0..1.0_f32, leaves);
            (splits, leaves).prop_map(|(splits, leaves)| Tree { splits, leaves })
        })
    }

    proptest! {
        #[test]
        fn trees_say_what_walks_from_the_root_say(
            trees in proptest::collection::vec(some_tree(), 0..80),
            numbers in proptest::collection::vec(
                prop_oneof![-2.0..2.0_f32, Just(f32::NAN), Just(f32::INFINITY)], 0..7,
            ),
        ) {
            let walked = trees.iter().fold(0.5, |sum, tree| sum + vote(tree, &numbers));
            let trees = Trees::new(0.5, trees);
            prop_assert_eq!(trees.score(&numbers).to_bits(), walked.to_bits());
            prop_assert_eq!(trees.score_above(&numbers, walked - 0.5), Some(walked));
            prop_assert_eq!(trees.score_above(&numbers, walked + 0.5), None);
        }
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
