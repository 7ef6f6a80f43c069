//! What holds for every request there can be: the entries of `proofs:`, proved or refuted.
//!
//! Lists decide by who somebody is and which groups they are in, and nothing else. So a handful of callers stands for
//! all: everybody whom a list names, everybody in a group that one names, and somebody whom nothing names, each with the
//! groups that a token can bring. The decision function itself is asked about each, and when none of them breaks a
//! property, nobody does.
//!
//! With Cedar files there is no such handful. Some callers are tried all the same, since what is found so is the
//! shortest answer; beyond that the policy and the property become formulas (`cedar-policy-symcc`), and a solver (`cvc5`)
//! says whether one follows from the other.

mod calls;
mod guards;
mod solver;
#[cfg(test)]
mod tests;

use bartizan_core::access::Ruling;
use bartizan_core::channel::Channel;
use bartizan_core::id::Name;
use bartizan_core::principal::Principal;
use bartizan_core::settings::{Claim, Property, Settings};
use bartizan_core::time::Timestamp;

/// Operations of the gateway that call a model. Being told which endpoints there are is none.
const OPERATIONS: [&str; 7] = [
    "chat-completions",
    "completions",
    "responses",
    "messages",
    "count-tokens",
    "embeddings",
    "moderations",
];

/// What became of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It holds for every request.
    Holds(Means),
    /// It does not.
    Fails(Counterexample),
    /// Nobody knows.
    Unknown {
        /// Why.
        reason: String,
        /// What to do about it.
        help: String,
    },
}

/// How something was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Every kind of caller that lists tell apart was tried.
    Lists,
    /// The guardrails were read.
    Guardrails,
    /// A solver said so.
    Solver,
}

impl Means {
    /// Name used in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lists => "lists",
            Self::Guardrails => "guardrails",
            Self::Solver => "solver",
        }
    }
}

/// Why a property does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counterexample {
    /// What is decided about this request.
    Call {
        /// Who asks, with the groups that they are in by the policy or that a token can bring.
        caller: Principal,
        /// Endpoint asked for.
        endpoint: Name,
        /// Operation of the gateway.
        operation: String,
        /// Model that the caller names; empty where the endpoint names it.
        model: String,
        /// When.
        at: Timestamp,
        /// What is decided.
        ruling: Ruling,
    },
    /// What is not looked for there.
    Unguarded {
        /// Endpoint.
        endpoint: Name,
        /// Which texts.
        channel: Channel,
        /// Id of the detector.
        detector: &'static str,
        /// Why the guardrails do not do.
        why: String,
    },
}

/// Proves or refutes a property of a policy at this moment. `cedar` are the texts of its Cedar files.
///
/// Takes as long as lists are long; with Cedar files, up to a minute for each endpoint of the property.
pub async fn prove(
    settings: &Settings,
    property: &Property,
    cedar: &[String],
    now: Timestamp,
) -> Proof {
    let found = match &property.claim {
        Claim::Guarded { on, detectors, at_least } => {
            let guarded = guards::Guarded { on: *on, detectors, at_least: *at_least, now };
            return guards::prove(settings, &property.endpoints, &guarded);
        }
        _ => calls::counterexample(settings, property, !cedar.is_empty(), now),
    };
    match found {
        Some(found) => Proof::Fails(found),
        None if cedar.is_empty() => Proof::Holds(Means::Lists),
        None => solver::prove(settings, property, cedar, now).await,
    }
}

/// Whether what was decided about a caller breaks a property.
fn breaks(claim: &Claim, caller: &Principal, ruling: &Ruling) -> bool {
    match claim {
        Claim::Only(who) => ruling.is_allowed && !who.iter().any(|subject| subject.is(caller)),
        Claim::Never(who) => ruling.is_allowed && who.iter().any(|subject| subject.is(caller)),
        Claim::Always(who) => !ruling.is_allowed && who.iter().any(|subject| subject.is(caller)),
        Claim::Guarded { .. } => false,
    }
}
