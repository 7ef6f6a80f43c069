//! Tokens that are made for real, narrowed, bent and stolen; and what the reference implementation makes of them.

mod any_bytes;
mod blocks;
mod forged;
mod laws;
mod made;
mod proofs;
mod support;
mod weak_keys;
