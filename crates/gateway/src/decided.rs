//! What was decided about a request, in the words of the policy.

use std::fmt;

use bartizan_core::{Coded as _, Event, Outcome, Verdict};

use crate::error::GatewayError;

/// What was decided about a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decided {
    /// The guardrails came to this verdict, by the first rule that did.
    Judged(Verdict, Option<String>),
    /// The caller may not use the endpoint; the rule is one of Cedar.
    Denied(Option<String>),
    /// This limit had no room.
    Limited(Option<String>),
    /// Nothing was decided: code of the error.
    Failed(String),
}

impl Decided {
    /// What an event says.
    pub fn of(event: &Event) -> Self {
        let rule = event.rule.clone();
        let detail = event.detail.clone().unwrap_or_default();
        let closed = GatewayError::EndpointForbidden { endpoint: String::new(), rule: None };
        match event.outcome {
            Outcome::Limited => Self::Limited(rule),
            _ if detail == closed.code() => Self::Denied(rule),
            Outcome::Answered | Outcome::Disconnected => Self::Judged(event.verdict, rule),
            Outcome::Refused | Outcome::AnswerRefused if rule.is_some() => {
                Self::Judged(event.verdict, rule)
            }
            _ => Self::Failed(detail),
        }
    }

    /// Whether the caller gets what it asked for, rewritten or not.
    pub const fn is_answered(&self) -> bool {
        matches!(self, Self::Judged(Verdict::Allow | Verdict::Flag | Verdict::Mask, _))
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, rule) = match self {
            Self::Judged(verdict, rule) => (verdict.name(), rule),
            Self::Denied(rule) => ("deny", rule),
            Self::Limited(rule) => ("limit", rule),
            Self::Failed(code) => return write!(f, "an error, {code}"),
        };
        f.write_str(word)?;
        rule.as_ref().map_or(Ok(()), |rule| write!(f, " {rule}"))
    }
}
