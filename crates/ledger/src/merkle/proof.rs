//! Proofs, made from the roots of full subtrees.

use super::hash::Hash;

/// Where the hashes of a tree are kept.
pub trait Nodes {
    /// Why a hash is not at hand.
    type Error;

    /// Root of the full subtree over the entries from `index << height` up to, but without,
    /// `(index + 1) << height`. Only asked for inside of the tree.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

impl<F, E> Nodes for F
where
    F: FnMut(u32, u64) -> Result<Hash, E>,
{
    type Error = E;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        self(height, index)
    }
}

/// Root of the tree over the first `size` entries.
///
/// # Errors
/// As `nodes` says.
pub fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    subtree(nodes, 0, size)
}

/// Proof that the entry `index` is in the tree of `size` entries (RFC 6962, section 2.1.1): hashes
/// from the sibling of the leaf up. Empty for an index that is not below the size; no proof of it
/// would be accepted.
///
/// # Errors
/// As `nodes` says.
pub fn inclusion_proof<N: Nodes>(
    nodes: &mut N,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    if index >= size {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the tree of `size` entries begins with those of the tree of `old` entries (RFC 6962,
/// section 2.1.2). Empty where there is nothing to prove: for equal sizes, and for an old size of
/// zero or above the new one.
///
/// # Errors
/// As `nodes` says.
pub fn consistency_proof<N: Nodes>(
    nodes: &mut N,
    old: u64,
    size: u64,
) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    if old == 0 || old >= size {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, size);
    // Down to the subtree that ends where the old tree ended.
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    // The verifier knows the root of a subtree that is the whole old tree.
    if start > 0 {
        proof.push(subtree(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Root over the entries `start..end`, where `start` is a multiple of the next power of two of
/// their number.
fn subtree<N: Nodes>(nodes: &mut N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let mut left = Vec::new();
    let mut at = start;
    while at < end {
        let height = (end - at).ilog2();
        left.push(nodes.node(height, at >> height)?);
        at += 1 << height;
    }
    let mut roots = left.into_iter().rev();
    let Some(last) = roots.next() else { return Ok(Hash::of_empty_tree()) };
    Ok(roots.fold(last, |right, left| Hash::of_node(left, right)))
}

/// Entries left of the root's middle: the largest power of two below `number`, which is above one.
const fn split(number: u64) -> u64 {
    1 << (number - 1).ilog2()
}
