//! A text classifier from a local folder: weights in, probabilities out.
//!
//! Reads what is common for such models, `config.json`, `tokenizer.json` and `model.safetensors`, of the
//! BERT and `DeBERTa` families, and runs them on the CPU. Nothing is ever fetched. What a probability means
//! for a guardrail is decided by those who ask; this crate knows neither guardrails nor policy.
//!
//! The way of a text: `tokens` cuts it into windows of the model's length, `network` turns each into
//! logits, [`Classifier`] makes probabilities of them and keeps those of the worst window. [`Timed`] does
//! the same within a time, for as many callers at once as there are cores, and remembers recent texts.

mod classifier;
mod config;
mod error;
mod folder;
mod network;
mod recent;
mod timed;
mod tokens;

pub use classifier::{Classifier, Facts, Options, Probability};
pub use error::InferError;
pub use folder::inspect;
pub use timed::{Answer, Timed, Unjudged};
