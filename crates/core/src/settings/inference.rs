//! What a policy says about keeping what was asked and answered.

use std::time::Duration;

/// What of all endpoints is kept together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferenceStore {
    /// A segment is closed when it reaches this size.
    pub segment_bytes: u64,
    /// Oldest segments are removed beyond this size.
    pub total_bytes: u64,
}

impl InferenceStore {
    /// What a policy that says nothing means.
    pub const DEFAULT: Self = Self { segment_bytes: 64 << 20, total_bytes: 10 << 30 };
}

/// How the exchanges of an endpoint are kept, after masking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferenceLog {
    /// How long each is kept.
    pub keep: Duration,
    /// Share of the exchanges that are kept, in percent: 1..=100.
    pub percent: u8,
    /// What happens to an answer that cannot be kept.
    pub on_failure: OnNotKept,
}

impl InferenceLog {
    /// [`InferenceLog::keep`] where the policy names none.
    pub const KEEP: Duration = Duration::from_hours(30 * 24);
}

/// What happens to an answer whose exchange cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNotKept {
    /// It is withheld.
    Withhold,
    /// It goes out, and the event says that it was not kept.
    Answer,
}

impl OnNotKept {
    /// Name used in policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Withhold => "withhold",
            Self::Answer => "answer",
        }
    }
}
