//! Why an answer ends although each of its texts by itself may pass.

use bartizan_core::{Category, Channel, RuleId, Verdict};
use bartizan_guard::Judged;

use crate::envelope;
use crate::error::{GatewayError, Stage};
use crate::record::Record;

#[derive(Debug)]
pub(super) enum Stop {
    /// A guardrail refuses or would rewrite what several texts say together, part of which has left.
    Found { judged: Vec<Judged>, channel: Channel, rule: RuleId, category: Category, place: String },
    /// A guardrail could not read it.
    Failed { rule: RuleId },
    /// The texts cannot be told apart.
    Tangled,
    /// A value that was put back at the end of a text becomes part of an address with the next.
    Glued,
}

impl Stop {
    /// Says it for findings; nothing where there are none.
    pub(super) fn found(judged: Vec<Judged>, channel: Channel, place: &str) -> Option<Self> {
        let worst = judged.iter().max_by_key(|judged| judged.effective())?;
        let (rule, category) = (worst.guardrail.clone(), worst.finding.category);
        Some(Self::Found { judged, channel, rule, category, place: place.to_owned() })
    }

    /// Writes the findings into the record and gives the error that ends the answer.
    pub(super) fn into_error(self, record: &mut Record) -> GatewayError {
        match self {
            Self::Found { judged, channel, rule, category, place } => {
                let findings = judged
                    .iter()
                    .map(|judged| envelope::finding_record(judged, channel, place.clone()));
                record.note(Verdict::Block, findings, &[]);
                GatewayError::Blocked { rule, category, stage: Stage::Output }
            }
            Self::Failed { rule } => GatewayError::GuardFailed { rule },
            Self::Tangled | Self::Glued => GatewayError::ProviderUnreadable,
        }
    }
}
