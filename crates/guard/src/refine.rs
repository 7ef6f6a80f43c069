//! A second opinion on what the built-in model of attacks is not sure of.
//!
//! Whoever builds a guard hands in what judges; the guard knows no clock and no weights. It says which
//! text is in question and how much time is left, and takes the score in place of its own.

use std::sync::Arc;
use std::time::Duration;

/// Judges texts that the built-in model is not sure of.
pub trait Refiner: Send + Sync {
    /// Most time that judging may take.
    fn budget(&self) -> Budget;

    /// Judges one text within a time, which is never more than [`Budget::text`]. Called from where the
    /// text is read: one who must not wait there moves the wait elsewhere.
    fn judge(&self, text: &str, time: Duration) -> Opinion;
}

/// Most time that judging may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// For one text.
    pub text: Duration,
    /// For all texts of one request.
    pub request: Duration,
}

/// What was said about a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// Score of a finding, 0..=1, where 0.5 is as likely an attack as not.
    pub score: Result<f32, Unjudged>,
    /// Time that it took.
    pub took: Duration,
}

/// Why a text was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudged {
    /// The time was over.
    OutOfTime,
    /// The model failed.
    Failed,
}

/// A score that another took the place of.
#[derive(Debug, Clone, PartialEq)]
pub struct Refined {
    /// The model, as policy names it.
    pub model: Arc<str>,
    /// Score of the built-in model, 0..=1.
    pub before: f32,
    /// Score in its place, 0..=1.
    pub after: f32,
    /// Time that it took.
    pub took: Duration,
}
