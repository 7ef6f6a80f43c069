//! Small trained models: what words and rules cannot say about a text, as a number.
//!
//! Everything here only *applies* weights; how they come about is the business of the crate
//! `bartizan-train`, which walks texts with the same code, so that training and judging can never
//! read a text differently. Pure functions over a text and a model; what a score means for a
//! request is decided in the guard.
//!
//! The way of a text: [`plain`] makes its spelling even, [`tokens`] cuts it, [`walk`] turns the
//! tokens into hashed n-grams, segment by segment, a [`Table`] adds up the weights of several linear
//! heads at once, a memory of words spares it most of them, and [`Trees`] join the heads with what the [`senses`] say. A text costs one pass; any
//! stretch of whole segments is then judged from sums, without reading it again.

pub mod attack;
pub mod bytes;
pub mod content;
pub mod file;
pub mod noise;
pub mod plain;
pub mod scale;
pub mod segments;
pub mod senses;
pub mod table;
pub mod tagger;
pub mod tokens;
pub mod trees;
pub mod walk;
mod words;

pub use table::Table;
pub use trees::Trees;
pub use walk::{Block, Sink, Word, walk};
