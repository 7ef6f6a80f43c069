//! Checks of proofs.
//!
//! A proof is a list of hashes without directions: these follow from the numbers of the claim, so
//! that a proof cannot argue for another place or size than the one it is shown for (RFC 9162,
//! sections 2.1.3.2 and 2.1.4.2). Subtrees are those of draft-ietf-plants-merkle-tree-certs.

use super::hash::Hash;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The claim is about nothing that a tree can hold.
    #[error("there is no such place: {what}")]
    Place {
        /// What does not fit.
        what: &'static str,
    },
    /// There are fewer hashes than such a proof has.
    #[error("the proof is too short")]
    TooShort,
    /// There are more hashes than such a proof has.
    #[error("the proof is too long")]
    TooLong,
    /// The hashes lead to another root.
    #[error("the proof does not lead to the {which} root")]
    OtherRoot {
        /// `tree` or `subtree`.
        which: &'static str,
    },
}

const fn place(what: &'static str) -> ProofError {
    ProofError::Place { what }
}

/// Checks that the entry with the hash `leaf` is number `index` of the tree of `size` entries with
/// the root `root`.
///
/// # Errors
/// [`ProofError`], when it does not follow.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    verify_subtree_inclusion(leaf, index, 0..size, root, proof)
}

/// Checks that the entry with the hash `leaf` is number `index` of a tree in whose subtree over
/// `entries` it lies, with the root `root`.
///
/// # Errors
/// [`ProofError`], when it does not follow.
pub fn verify_subtree_inclusion(
    leaf: Hash,
    index: u64,
    entries: std::ops::Range<u64>,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_subtree(&entries)?;
    if !entries.contains(&index) {
        return Err(place("the entry is outside of the tree"));
    }
    let mut node = index - entries.start;
    let mut last = entries.end - entries.start - 1;
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::TooLong);
        }
        if node & 1 == 1 || node == last {
            hash = Hash::of_node(*sibling, hash);
            // Levels at which the last node of the tree has no sibling.
            let alone = if node == 0 { 0 } else { node.trailing_zeros() };
            node >>= alone;
            last >>= alone;
        } else {
            hash = Hash::of_node(hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::TooShort);
    }
    if hash != root {
        return Err(ProofError::OtherRoot { which: "tree" });
    }
    Ok(())
}

/// Checks that the tree of `size` entries with the root `root` begins with the entries of the tree
/// of `old_size` entries with the root `old_root`.
///
/// # Errors
/// [`ProofError`], when it does not follow. From an empty tree nothing follows but another empty
/// one.
pub fn verify_consistency(
    old_size: u64,
    old_root: Hash,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size == 0 && size > 0 {
        return Err(place("every tree begins with an empty one"));
    }
    if size == 0 && root != Hash::of_empty_tree() {
        return Err(ProofError::OtherRoot { which: "tree" });
    }
    verify_subtree_consistency(0..old_size, old_root, size, root, proof)
}

/// Checks that the subtree over `entries` with the root `subtree_root` is part of the tree of
/// `size` entries with the root `root`.
///
/// # Errors
/// [`ProofError`], when it does not follow. An empty subtree is part of every tree that reaches as
/// far, and its proof has no hashes.
pub fn verify_subtree_consistency(
    entries: std::ops::Range<u64>,
    subtree_root: Hash,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if entries.end > size {
        return Err(place("the subtree ends behind the tree"));
    }
    if entries.start == entries.end {
        return match proof {
            [] if subtree_root == Hash::of_empty_tree() => Ok(()),
            [] => Err(ProofError::OtherRoot { which: "subtree" }),
            _ => Err(ProofError::TooLong),
        };
    }
    check_subtree(&entries)?;
    // The first and the last node of the subtree, and the last node of the tree, on one level.
    let (mut first, mut end, mut last) = (entries.start, entries.end - 1, size - 1);
    // The level on which the proof begins. When the subtree ends where the tree does, it is its
    // root; otherwise the last full subtree on its right edge.
    while first != end && (end == last || end & 1 == 1) {
        (first, end, last) = (first >> 1, end >> 1, last >> 1);
    }
    let mut hashes = proof.iter().copied();
    let start = if first == end { Some(subtree_root) } else { hashes.next() };
    let start = start.ok_or(ProofError::TooShort)?;
    let (mut of_subtree, mut of_tree) = (start, start);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::TooLong);
        }
        if end & 1 == 1 || end == last {
            if first < end {
                of_subtree = Hash::of_node(sibling, of_subtree);
            }
            of_tree = Hash::of_node(sibling, of_tree);
            let alone = if end == 0 { 0 } else { end.trailing_zeros() };
            (first, end, last) = (first >> alone, end >> alone, last >> alone);
        } else {
            of_tree = Hash::of_node(of_tree, sibling);
        }
        (first, end, last) = (first >> 1, end >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::TooShort);
    }
    if of_subtree != subtree_root {
        return Err(ProofError::OtherRoot { which: "subtree" });
    }
    if of_tree != root {
        return Err(ProofError::OtherRoot { which: "tree" });
    }
    Ok(())
}

/// A subtree begins at a multiple of the power of two that holds it.
fn check_subtree(entries: &std::ops::Range<u64>) -> Result<(), ProofError> {
    let number = entries.end.checked_sub(entries.start).filter(|number| *number > 0);
    let number = number.ok_or(place("the tree is empty"))?;
    // One that reaches over half of all numbers can only begin at zero.
    let width = number.checked_next_power_of_two();
    let fits = entries.start == 0 || width.is_some_and(|width| entries.start.is_multiple_of(width));
    if fits { Ok(()) } else { Err(place("no subtree begins and ends there")) }
}
