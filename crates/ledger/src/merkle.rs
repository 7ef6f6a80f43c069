//! Merkle trees as RFC 6962 defines them: hashes, roots, proofs and the checks of proofs.
//!
//! Pure functions over hashes. Where hashes are kept is decided by who implements [`Nodes`]; what a
//! root is worth is decided by who signs it (`note`).

mod frontier;
mod hash;
mod proof;
mod tile;
mod verify;

pub use frontier::Frontier;
pub use hash::{Hash, HashError};
pub use proof::{Nodes, consistency_proof, inclusion_proof, root};
pub use tile::{Content, TILE_WIDTH, Tile, TileError, Tiles};
pub use verify::{
    ProofError, verify_consistency, verify_inclusion, verify_subtree_consistency,
    verify_subtree_inclusion,
};

#[cfg(test)]
mod tests;
