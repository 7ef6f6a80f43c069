//! How much an entry matters to those who watch, in the words of syslog, of OpenTelemetry and of
//! OCSF.

use bartizan_core::event::{Event, Outcome};
use bartizan_core::verdict::Verdict;

/// From what someone must act on to what only is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Bartizan failed.
    Error,
    /// Something was refused, or a provider failed.
    Warning,
    /// Something was flagged, masked, limited or changed.
    Notice,
    /// Everything else.
    Information,
}

impl Severity {
    /// What verdict and outcome come to.
    pub(crate) fn of(event: &Event) -> Self {
        let by_outcome = match event.outcome {
            Outcome::Failed => Self::Error,
            Outcome::Refused | Outcome::AnswerRefused | Outcome::UpstreamFailed => Self::Warning,
            Outcome::Limited | Outcome::Changed => Self::Notice,
            Outcome::Answered | Outcome::Disconnected => Self::Information,
        };
        let by_verdict = match event.verdict {
            Verdict::Block => Self::Warning,
            Verdict::Mask | Verdict::Flag => Self::Notice,
            Verdict::Allow => Self::Information,
        };
        by_outcome.min(by_verdict)
    }

    /// Number in syslog (RFC 5424, table 2).
    pub(crate) const fn syslog(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Information => 6,
        }
    }

    /// Number and text in OpenTelemetry's log data model, as its appendix maps those of syslog.
    pub(crate) const fn otel(self) -> (u8, &'static str) {
        match self {
            Self::Error => (17, "ERROR"),
            Self::Warning => (13, "WARN"),
            Self::Notice => (10, "NOTICE"),
            Self::Information => (9, "INFO"),
        }
    }

    /// Number and name in OCSF's `severity_id`. *High* asks for an action at once, as a failure does.
    pub(crate) const fn ocsf(self) -> (u8, &'static str) {
        match self {
            Self::Error => (4, "High"),
            Self::Warning => (3, "Medium"),
            Self::Notice => (2, "Low"),
            Self::Information => (1, "Informational"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::id::RequestId;

    use super::*;

    #[test]
    fn the_graver_of_verdict_and_outcome_counts() {
        let severity = |verdict, outcome| {
            let event = Event::new(RequestId::new(), "gateway", "chat-completions");
            Severity::of(&Event { verdict, outcome, ..event })
        };
        assert_eq!(severity(Verdict::Allow, Outcome::Answered), Severity::Information);
        assert_eq!(severity(Verdict::Flag, Outcome::Answered), Severity::Notice);
        assert_eq!(severity(Verdict::Mask, Outcome::UpstreamFailed), Severity::Warning);
        assert_eq!(severity(Verdict::Block, Outcome::Refused), Severity::Warning);
        assert_eq!(severity(Verdict::Block, Outcome::Failed), Severity::Error);
    }
}
