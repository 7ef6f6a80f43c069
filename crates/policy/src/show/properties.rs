//! The proofs of a policy, one a line.

use bartizan_core::channel::Channel;
use bartizan_core::settings::{Claim, Property};

use super::{list, subjects};

/// As the policy file may write it.
pub(super) fn written(property: &Property) -> String {
    let endpoints = list(property.endpoints.iter().map(ToString::to_string));
    let claim = match &property.claim {
        Claim::Only(who) => format!("only: [{}]", subjects(who)),
        Claim::Never(who) => format!("never: [{}]", subjects(who)),
        Claim::Always(who) => format!("always: [{}]", subjects(who)),
        Claim::Guarded { on, detectors, at_least } => {
            let on = list(on.iter().map(Channel::name).map(str::to_owned));
            let detectors = list(detectors.iter().map(|(id, _)| (*id).to_owned()));
            let at_least = at_least.verdict();
            format!("guarded: {{ on: [{on}], detect: [{detectors}], at-least: {at_least} }}")
        }
    };
    format!("{{ id: {}, endpoint: [{endpoints}], {claim} }}", property.id)
}
