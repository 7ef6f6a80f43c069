//! Trains the small models of the guard from labelled texts.
//!
//! The same input gives the same bytes: every random choice is drawn from a seeded generator, and
//! sums are made in one order whatever the number of threads. Texts are walked by the guard's own
//! code, so that a model is trained on exactly what it will see.

pub mod attack;
pub mod boost;
pub mod card;
pub mod content;
pub mod grammar;
pub mod letters;
pub mod linear;
pub mod names;
pub mod noise;
pub mod persuasion;
pub mod random;
pub mod rounding;
pub mod rows;
pub mod senses;
mod threads;
pub mod words;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
