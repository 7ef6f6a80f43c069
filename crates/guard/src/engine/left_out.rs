//! What a guardrail names and does not read.

use bartizan_core::Channel;
use bartizan_core::settings::{Detect, Guardrail};

use super::build::STREAMED;
use crate::detectors;

/// A detector that does not read a channel of its guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The detector; it judges whole texts only.
    pub detector: &'static str,
    /// The channel, whose texts may arrive in pieces.
    pub channel: Channel,
}

/// What the gateway leaves out of a guardrail, because a detector of a family needs a whole text where
/// one may be streamed. By channel, then in the order of the catalogue.
pub fn left_out(guardrail: &Guardrail) -> Vec<LeftOut> {
    let Detect::Detectors(ids) = &guardrail.detect else { return Vec::new() };
    let whole_only: Vec<&'static str> = ids
        .iter()
        .filter_map(|id| detectors::find(id))
        .filter(|detector| detector.needs_whole_text())
        .map(|detector| detector.meta().id)
        .collect();
    STREAMED
        .into_iter()
        .filter(|channel| guardrail.on.contains(*channel))
        .flat_map(|channel| whole_only.iter().map(move |detector| LeftOut { detector, channel }))
        .collect()
}

#[cfg(test)]
mod tests {
    use bartizan_core::operator::Operators;
    use bartizan_core::settings::OnError;
    use bartizan_core::{Action, ChannelSet, Mode};

    use super::*;
    use crate::{Guard, Session};

    #[test]
    fn what_is_left_out_is_what_the_guard_does_not_find() {
        let flood = detectors::find("token-flood").unwrap().meta();
        let guardrail = Guardrail {
            id: "g-flood".parse().unwrap(),
            on: ChannelSet::ALL,
            detect: Detect::Detectors(vec!["repetition", flood.id]),
            action: Action::Flag,
            mode: Mode::Enforce,
            operators: Operators::default(),
            restore: false,
            on_error: OnError::Block,
            threshold: 0.0,
            thresholds: Vec::new(),
            sensitivity: None,
            refine: None,
            exceptions: Vec::new(),
        };
        let guard = Guard::builder().guardrail(&guardrail).unwrap().build().unwrap();
        let left_out = left_out(&guardrail);
        assert!(!left_out.is_empty());
        for channel in Channel::ALL {
            let finds = flood.flags.iter().any(|text| {
                let report = guard.inspect(channel, text, &Session::default());
                report.judged.iter().any(|judged| judged.finding.rule == flood.id)
            });
            let listed = left_out.contains(&LeftOut { detector: flood.id, channel });
            assert_ne!(finds, listed, "{channel}");
        }
    }
}
