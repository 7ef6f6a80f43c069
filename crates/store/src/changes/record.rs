//! What is kept about a change.

use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use jiff::Timestamp;

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// An endpoint is made or replaced.
    EndpointPut,
    /// An endpoint is removed.
    EndpointDelete,
    /// The policy file says something else.
    PolicyFile,
}

impl ChangeKind {
    const ALL: [Self; 3] = [Self::EndpointPut, Self::EndpointDelete, Self::PolicyFile];

    /// Name used in the store and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndpointPut => "endpoint-put",
            Self::EndpointDelete => "endpoint-delete",
            Self::PolicyFile => "policy-file",
        }
    }

    /// Reads a name written by [`ChangeKind::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What has become of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeState {
    /// Nobody has decided.
    Waiting,
    /// Another person has approved it.
    Approved,
    /// Somebody has rejected it.
    Rejected,
    /// What it was about has changed meanwhile.
    Void,
    /// Nobody decided in time.
    Expired,
}

impl ChangeState {
    const ALL: [Self; 5] =
        [Self::Waiting, Self::Approved, Self::Rejected, Self::Void, Self::Expired];

    /// Name used in the store and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Void => "void",
            Self::Expired => "expired",
        }
    }

    /// Reads a name written by [`ChangeState::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Somebody, and the key that they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// In the form of policies: `alice@example.com`, `sp:bot`.
    pub principal: String,
    /// Id of the key.
    pub key: String,
}

/// A change to be kept until it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// What it is about.
    pub kind: ChangeKind,
    /// The endpoint, or the version of the policy.
    pub name: String,
    /// The endpoint as it was sent, or the text of the policy; at most [`ENDPOINT_BYTES`].
    pub body: String,
    /// What it was compared with: [`endpoint_digest`], or the fingerprint of the policy in force.
    pub against: String,
    /// Fingerprint of the policy that is wanted; empty for endpoints.
    pub target: String,
    /// Who asks; absent where nobody knows, as for files. Then two people have to approve.
    pub proposer: Option<Hand>,
    /// What becomes weaker, as JSON.
    pub weaknesses: String,
    /// When nobody can approve it any more.
    pub expires: Timestamp,
}

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// UUIDv7.
    pub id: String,
    /// What it is about.
    pub kind: ChangeKind,
    /// The endpoint, or the version of the policy.
    pub name: String,
    /// The endpoint as it was sent, or the text of the policy; empty in lists.
    pub body: String,
    /// What it was compared with.
    pub against: String,
    /// Fingerprint of the policy that is wanted; empty for endpoints.
    pub target: String,
    /// Who asked, or stood for it first.
    pub proposer: Option<Hand>,
    /// What becomes weaker, as JSON.
    pub weaknesses: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When nobody can approve it any more; for an approved change of the policy file, when no gateway takes it any
    /// more.
    pub expires: Timestamp,
    /// What has become of it.
    pub state: ChangeState,
    /// Who decided.
    pub decider: Option<String>,
    /// When.
    pub decided: Option<Timestamp>,
}

/// Who wants to approve a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Person or program.
    pub kind: PrincipalKind,
    /// Who, and with which key.
    pub hand: Hand,
}

/// What an approval came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approved {
    /// It is approved, and an endpoint is as it says from now on.
    Done(ChangeRecord),
    /// Nobody had stood for it, and somebody does now. Another person still has to approve.
    OneMore(ChangeRecord),
    /// What it is about has changed meanwhile; it counts no more.
    Void(ChangeRecord),
}

impl ChangeRecord {
    /// The endpoint that it is about; none for the policy file.
    pub fn endpoint(&self) -> Option<Name> {
        if self.is_of_endpoint() { self.name.parse().ok() } else { None }
    }

    pub(crate) const fn is_of_endpoint(&self) -> bool {
        matches!(self.kind, ChangeKind::EndpointPut | ChangeKind::EndpointDelete)
    }

    pub(super) fn waits_at(&self, now: Timestamp) -> bool {
        self.state == ChangeState::Waiting && now < self.expires
    }

    /// As others see it: one whose time is over has expired, whether or not that is written down.
    pub(super) fn seen_at(mut self, now: Timestamp) -> Self {
        if self.state == ChangeState::Waiting && self.expires <= now {
            self.state = ChangeState::Expired;
        }
        self
    }

    pub(super) fn is_open_policy(&self, now: Timestamp) -> bool {
        let is_approved = self.state == ChangeState::Approved;
        is_approved && self.kind == ChangeKind::PolicyFile && now < self.expires
    }

    /// Whether both ask for the same, as far as lists say. Somebody may stand for a file meanwhile.
    pub(super) fn is_like(&self, new: &Self) -> bool {
        let asks = |change: &Self| {
            (change.kind, change.name.clone(), change.against.clone(), change.target.clone())
        };
        let is_file = self.kind == ChangeKind::PolicyFile;
        asks(self) == asks(new) && (is_file || self.proposer == new.proposer)
    }
}
