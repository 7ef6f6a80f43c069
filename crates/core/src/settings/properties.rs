//! What a policy promises of itself, for every request there can be.

use std::collections::BTreeSet;

use crate::channel::ChannelSet;
use crate::id::{Name, RuleId};
use crate::settings::Subject;
use crate::verdict::Action;

/// One entry of `proofs:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Names it; unique among proofs.
    pub id: RuleId,
    /// Line of the file where it stands, 1-based, where known.
    pub line: Option<u64>,
    /// The endpoints that it is about; at least one.
    pub endpoints: Vec<Name>,
    /// What holds of each.
    pub claim: Claim,
}

/// What holds of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody else may call it.
    Only(BTreeSet<Subject>),
    /// None of these may call it.
    Never(BTreeSet<Subject>),
    /// All of these may call it.
    Always(BTreeSet<Subject>),
    /// These detectors read each of these channels, and at least this is done about what they find.
    Guarded {
        /// Which texts.
        on: ChannelSet,
        /// Ids of detectors, at least one, each with the channels of which it judges every text by itself, before that
        /// is sent on.
        detectors: Vec<(&'static str, ChannelSet)>,
        /// The mildest that may be done.
        at_least: Action,
    },
}
