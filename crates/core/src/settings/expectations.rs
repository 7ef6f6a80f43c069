//! What a policy says about itself: a request, and what has to become of it.

use std::fmt;

use crate::id::{Name, RuleId};
use crate::verdict::Verdict;

use super::Member;

/// One entry of `tests:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTest {
    /// Line of the file where it stands, 1-based, where known.
    pub line: Option<u64>,
    /// Who asks.
    pub who: Member,
    /// Which endpoint.
    pub endpoint: Name,
    /// Model that the caller names, where the endpoint leaves the choice.
    pub model: Option<String>,
    /// What the user says.
    pub prompt: String,
    /// What a tool gave the model before.
    pub tool_result: Option<String>,
    /// What the model answers.
    pub answer: String,
    /// How often the request is made; what became of the last one counts. 1..=100,000.
    pub times: u32,
    /// What has to become of it.
    pub expected: Expected,
}

/// What has to become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The guardrails come to this verdict; where a rule is named, it is the one that decides.
    Judged(Verdict, Option<RuleId>),
    /// The caller may not use the endpoint; where a rule is named, it says so.
    Denied(Option<RuleId>),
    /// This limit has no room.
    Limited(Option<RuleId>),
}

impl fmt::Display for Expected {
    /// As the policy writes it: `mask g-pii`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, rule) = match self {
            Self::Judged(verdict, rule) => (verdict.name(), rule),
            Self::Denied(rule) => ("deny", rule),
            Self::Limited(rule) => ("limit", rule),
        };
        f.write_str(word)?;
        rule.as_ref().map_or(Ok(()), |rule| write!(f, " {rule}"))
    }
}
