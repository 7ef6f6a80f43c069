//! What a policy says about the event log: how much of it is kept, and how safe an event has to be before
//! what it is about goes on.

use std::time::Duration;

use crate::id::RuleId;

/// How the event log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// A segment is closed when it reaches this size.
    pub segment_bytes: u64,
    /// Oldest segments are removed beyond this size.
    pub total_bytes: u64,
    /// Segments whose last entry is older than this are removed.
    pub keep: Duration,
    /// Events of the gateway.
    pub gateway: Assurance,
    /// Events of the admin API and of commands that change something.
    pub admin: Assurance,
    /// What the log says about itself.
    pub others: Assurance,
}

impl Ledger {
    /// What a policy that says nothing means.
    pub const DEFAULT: Self = Self {
        segment_bytes: 64 << 20,
        total_bytes: 8 << 30,
        keep: Duration::from_hours(90 * 24),
        gateway: Assurance::DEFAULT,
        admin: Assurance::DEFAULT,
        others: Assurance::DEFAULT,
    };

    /// The assurance that events of an area have.
    pub fn of(&self, area: &str) -> Assurance {
        match area {
            "gateway" => self.gateway,
            "admin" => self.admin,
            _ => self.others,
        }
    }
}

/// Somebody who signs the checkpoints of the log, besides the log itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Names it in logs.
    pub id: RuleId,
    /// Where it takes checkpoints, without the last part of the path.
    pub url: String,
    /// Its public key in the form of signed notes.
    pub key: String,
}

/// How safe an event has to be before what it is about goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assurance {
    /// What is waited for.
    pub durability: Durability,
    /// What happens when the disk does not take it.
    pub on_failure: OnLogFailure,
}

impl Assurance {
    /// What a policy that says nothing means.
    pub const DEFAULT: Self =
        Self { durability: Durability::Batched, on_failure: OnLogFailure::Deny };
}

/// When an event counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the system has it: it survives the death of the process at once and a power cut after at
    /// most 50 ms.
    Batched,
    /// When the disk has it. Those who wait at the same time wait for one sync together.
    Strict,
}

impl Durability {
    /// Name used in policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batched => "batched",
            Self::Strict => "strict",
        }
    }
}

/// What happens to an answer or a change whose event the disk does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLogFailure {
    /// It is withheld.
    Deny,
    /// It goes on while the event waits in memory, as long as there is room; then it is withheld.
    Buffer,
}

impl OnLogFailure {
    /// Name used in policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Buffer => "buffer",
        }
    }
}
