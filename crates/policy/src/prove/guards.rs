//! Whether guardrails look for what a property says, everywhere it says so.

use bartizan_core::channel::{Channel, ChannelSet};
use bartizan_core::id::Name;
use bartizan_core::operator::Operator;
use bartizan_core::settings::{
    Detect, Endpoint, Excepted, Guardrail, OnError, Sensitivity, Settings,
};
use bartizan_core::time::Timestamp;
use bartizan_core::verdict::{Action, Mode};

use super::{Counterexample, Means, Proof};

/// Threshold up to which a detector is listened to as it is meant to be: the one where policy gives none.
const USUAL_THRESHOLD: f32 = 0.5;

/// Looks for texts that the policy plants.
const CANARIES: &str = "canary-leak";

/// Whether an operator leaves some of a value.
const fn reveals(operator: &Operator) -> bool {
    matches!(operator, Operator::Partial { .. })
}

/// What has to be looked for.
pub(super) struct Guarded<'p> {
    pub(super) on: ChannelSet,
    pub(super) detectors: &'p [(&'static str, ChannelSet)],
    pub(super) at_least: Action,
    pub(super) now: Timestamp,
}

pub(super) fn prove(settings: &Settings, endpoints: &[Name], guarded: &Guarded<'_>) -> Proof {
    for name in endpoints {
        let Some(endpoint) = settings.endpoints.get(name) else { continue };
        for channel in guarded.on.iter() {
            for (detector, judges) in guarded.detectors {
                let done = if judges.contains(channel) {
                    guarded.is_done(endpoint, channel, detector)
                } else {
                    Err("it does not judge each of these texts by itself".to_owned())
                };
                if let Err(why) = done {
                    let endpoint = name.clone();
                    let found = Counterexample::Unguarded { endpoint, channel, detector, why };
                    return Proof::Fails(found);
                }
            }
        }
    }
    Proof::Holds(Means::Guardrails)
}

impl Guarded<'_> {
    /// Whether one guardrail of an endpoint does it; if not, why the one that comes nearest does not.
    fn is_done(
        &self,
        endpoint: &Endpoint,
        channel: Channel,
        detector: &'static str,
    ) -> Result<(), String> {
        if detector == CANARIES && endpoint.canaries.is_empty() {
            return Err("the endpoint has no `canaries` to look for".to_owned());
        }
        // An image or a stored conversation may hold what no detector is shown.
        if ChannelSet::INPUT.contains(channel) && !endpoint.modalities.is_empty() {
            return Err("`modalities` lets content pass that no guard reads".to_owned());
        }
        if !endpoint.unseen.is_empty() {
            return Err("`unseen` lets the provider read what no guard sees".to_owned());
        }
        let mut nearest = None;
        for rail in &endpoint.guardrails {
            let Detect::Detectors(ids) = &rail.detect else { continue };
            if !ids.contains(&detector) || !rail.on.contains(channel) {
                continue;
            }
            match self.short_of(rail, detector) {
                None => return Ok(()),
                Some(why) => nearest = nearest.or(Some(format!("`{}` {why}", rail.id))),
            }
        }
        Err(nearest.unwrap_or_else(|| "no guardrail looks for it there".to_owned()))
    }

    /// What a guardrail that looks for it lacks.
    fn short_of(&self, rail: &Guardrail, detector: &'static str) -> Option<String> {
        let threshold = rail.thresholds.iter().find(|(id, _)| *id == detector);
        let threshold = threshold.map_or(rail.threshold, |(_, threshold)| *threshold);
        let passes = |what: &Excepted| match what {
            Excepted::Literal(_) | Excepted::Pattern(_) => true,
            Excepted::Caller { rule, .. } => *rule == detector,
        };
        if rail.mode == Mode::DryRun {
            Some("is a dry run".to_owned())
        } else if rail.action.verdict() < self.at_least.verdict() {
            Some(format!("does no more than {}", rail.action.verdict()))
        } else if rail.action == Action::Mask && reveals(rail.operators.of(detector)) {
            Some("leaves a part of what it masks".to_owned())
        } else if rail.on_error == OnError::Allow {
            Some("lets pass what it cannot read".to_owned())
        } else if threshold > USUAL_THRESHOLD {
            Some(format!("waits for a score of {threshold}"))
        } else if rail.sensitivity == Some(Sensitivity::Low) {
            Some("is set to `sensitivity: low`".to_owned())
        } else if rail.refine.is_some() {
            Some("leaves it to a model".to_owned())
        } else {
            let mut counting = rail.exceptions.iter().filter(|it| !it.is_over(Some(self.now)));
            counting.find(|it| passes(&it.what)).map(|_| "makes exceptions".to_owned())
        }
    }
}
