//! What was decided.

use serde::{Deserialize, Serialize};

/// Outcome of a decision, ordered from mild to strict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing to say.
    #[default]
    Allow,
    /// Passed, and worth a look.
    Flag,
    /// Passed after rewriting.
    Mask,
    /// Refused.
    Block,
}

impl Verdict {
    /// Name used in headers, reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Flag => "flag",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a guardrail does with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Record it.
    Flag,
    /// Replace the text by a placeholder.
    Mask,
    /// Refuse the request or the answer.
    Block,
}

impl Action {
    /// The verdict this action leads to.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Flag => Verdict::Flag,
            Self::Mask => Verdict::Mask,
            Self::Block => Verdict::Block,
        }
    }
}

/// Whether a rule acts or only says what it would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The rule acts.
    #[default]
    Enforce,
    /// The rule is recorded and does not act.
    DryRun,
}

/// Why a guard could not look at something. Never the same as a pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotEvaluated {
    /// Image, audio or file content.
    Modality(String),
    /// What the provider reads by itself.
    Unseen(String),
    /// An encoded run is too long to decode.
    OversizedEncoding,
    /// The detector failed.
    DetectorFailed(String),
    /// The detector took longer than it may.
    Timeout(String),
    /// A model of the policy was to judge the text and the time was over; the built-in one has judged it.
    ModelBudget(String),
    /// A model of the policy failed at the text; the built-in one has judged it.
    ModelFailed(String),
    /// The limits of several gateways were counted by one of them alone.
    SharedLimits,
}

impl std::fmt::Display for NotEvaluated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Modality(what) => write!(f, "modality:{what}"),
            Self::Unseen(what) => write!(f, "unseen:{what}"),
            Self::OversizedEncoding => f.write_str("oversized-encoding"),
            Self::DetectorFailed(rule) => write!(f, "detector-failed:{rule}"),
            Self::Timeout(rule) => write!(f, "timeout:{rule}"),
            Self::ModelBudget(model) => write!(f, "model-budget:{model}"),
            Self::ModelFailed(model) => write!(f, "model-failed:{model}"),
            Self::SharedLimits => f.write_str("shared-limits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_order_from_mild_to_strict() {
        assert!(Verdict::Allow < Verdict::Flag);
        assert!(Verdict::Flag < Verdict::Mask);
        assert!(Verdict::Mask < Verdict::Block);
    }
}
