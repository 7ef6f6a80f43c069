//! Brakes: what stops a caller that goes round in circles.

use std::collections::BTreeSet;

use super::{Rate, Subject};
use crate::id::RuleId;
use crate::principal::Principal;
use crate::verdict::{Action, Mode};

/// Something that a runaway program does, and how much of it is let pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brake {
    /// Id that appears in events.
    pub id: RuleId,
    /// What it looks at.
    pub kind: BrakeKind,
    /// What it does: [`Action::Block`] or [`Action::Flag`].
    pub action: Action,
    /// Whether it acts.
    pub mode: Mode,
    /// Only these principals are looked at; empty means all.
    pub only: BTreeSet<Subject>,
}

/// What a brake looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrakeKind {
    /// Requests of one caller that say nearly the same.
    SameRequests(Rate),
    /// Calls of one tool with the same arguments in one conversation, at most so many.
    SameToolCalls(u64),
    /// Rounds of tool calls since a person last said something, at most so many.
    ToolRounds(u64),
    /// Tokens that one conversation uses.
    ConversationTokens(Rate),
}

impl BrakeKind {
    /// Name used in policy, metrics and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameRequests(_) => "same-requests",
            Self::SameToolCalls(_) => "same-tool-calls",
            Self::ToolRounds(_) => "tool-rounds",
            Self::ConversationTokens(_) => "conversation-tokens",
        }
    }

    /// The window in which it counts; none where the request alone says it all.
    pub const fn rate(self) -> Option<Rate> {
        match self {
            Self::SameRequests(rate) | Self::ConversationTokens(rate) => Some(rate),
            Self::SameToolCalls(_) | Self::ToolRounds(_) => None,
        }
    }

    /// The most that it lets pass.
    pub const fn most(self) -> u64 {
        match self {
            Self::SameRequests(rate) | Self::ConversationTokens(rate) => rate.amount,
            Self::SameToolCalls(most) | Self::ToolRounds(most) => most,
        }
    }
}

impl Brake {
    /// Whether it looks at requests of a caller.
    pub fn looks_at(&self, caller: &Principal) -> bool {
        self.only.is_empty() || self.only.iter().any(|subject| subject.is(caller))
    }

    /// Whether it refuses what goes over it.
    pub fn stops(&self) -> bool {
        self.action == Action::Block && self.mode == Mode::Enforce
    }
}
