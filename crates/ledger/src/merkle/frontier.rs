//! The right edge of a growing tree: all that is needed to add entries and to know the root.

use super::hash::Hash;

/// The roots of the full subtrees that a tree of some size is made of, from the largest to the
/// smallest. At most 64 hashes, whatever the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    // INVARIANT: one hash per set bit of `size`, from the highest bit down.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// A tree without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// The frontier of a tree of `size` entries, given the roots of its full subtrees from left to
    /// right; none if that is another number of them.
    #[must_use]
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() as u32 == size.count_ones()).then_some(Self { size, peaks })
    }

    /// Entries of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds an entry by its hash. `full` is told of every subtree that it completes, lowest first:
    /// its height, its place among those of that height, and its root.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(u32, u64, Hash)) {
        let mut root = leaf;
        let mut height = 0;
        full(height, self.size, root);
        // As in adding one to a binary number, each set bit at the end is carried.
        while self.size >> height & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            root = Hash::of_node(left, root);
            height += 1;
            full(height, self.size >> height, root);
        }
        self.peaks.push(root);
        self.size += 1;
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(last) = peaks.next() else { return Hash::of_empty_tree() };
        peaks.fold(last, |right, left| Hash::of_node(left, right))
    }

    /// The roots of its full subtrees, from left to right.
    #[must_use]
    pub fn into_peaks(self) -> Vec<Hash> {
        self.peaks
    }
}
