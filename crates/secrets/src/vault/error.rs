//! Why there is no secret from Vault, and who has to act.

use bartizan_core::error::{Class, Coded};
use bartizan_core::time::{self, Timestamp};

use super::reply::REPLY_BYTES;

/// There is no secret from Vault. Says references and names of fields, never a value, and no sentence of Vault's: the
/// answer may come from anybody, and an error may quote what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A reference is none. It is not repeated: it may be a value in the wrong place.
    #[error("{0}")]
    Reference(&'static str),
    /// A namespace is none.
    #[error("{0}")]
    Namespace(&'static str),
    /// A token is none.
    #[error("{0}")]
    Token(&'static str),
    /// The answer is longer than what Vault keeps.
    #[error("the answer of Vault is longer than {REPLY_BYTES} bytes")]
    TooLong,
    /// The answer is not one of Vault's.
    #[error("the answer is none of Vault's: {0}")]
    Malformed(&'static str),
    /// The answer is one of another engine, or of version 1.
    #[error("what is mounted at `{mount}` is no key-value engine of version 2")]
    NotVersioned {
        /// The mount of the reference.
        mount: String,
    },
    /// There is nothing there, or nothing that the token may see (404).
    #[error("Vault has no secret at `{place}`, or the token may not know of it")]
    NotFound {
        /// Mount and path of the reference.
        place: String,
    },
    /// The newest version was deleted.
    #[error("the secret at `{place}` was deleted at {}", time::format(*at))]
    Deleted {
        /// Mount and path of the reference.
        place: String,
        /// When.
        at: Timestamp,
    },
    /// The newest version was destroyed.
    #[error("version {version} of the secret at `{place}` was destroyed")]
    Destroyed {
        /// Mount and path of the reference.
        place: String,
        /// Which.
        version: u64,
    },
    /// The secret has other fields.
    #[error("the secret at `{place}` has no field `{field}`; it has {found}")]
    NoField {
        /// Mount and path of the reference.
        place: String,
        /// The field that was asked for.
        field: String,
        /// Names of the fields that it has, shortened.
        found: String,
    },
    /// The field is no text of 1 byte to 64 KiB.
    #[error("the field `{field}` of the secret at `{place}` is {problem}")]
    Field {
        /// Mount and path of the reference.
        place: String,
        /// The field.
        field: String,
        /// What it is instead.
        problem: &'static str,
    },
    /// Vault does not know the token: it expired, was revoked, or belongs elsewhere.
    #[error("Vault does not accept the token")]
    TokenRefused,
    /// No policy of the token allows it, or, to older versions of Vault, it does not know the token (403).
    #[error("Vault does not let the token read `{place}`")]
    Denied {
        /// Mount and path of the reference.
        place: String,
    },
    /// Vault cannot make anything of the request (400, 405), such as of the namespace.
    #[error("Vault refuses the request for `{place}` (status {status})")]
    Refused {
        /// Mount and path of the reference.
        place: String,
        /// HTTP status.
        status: u16,
    },
    /// Another node has to be asked (3xx). The token was not sent there.
    #[error("Vault redirects to another node (status {status}); use the address of the active one")]
    Redirect {
        /// HTTP status.
        status: u16,
    },
    /// This node has not heard yet of something that the request builds on (412).
    #[error("this node of Vault is behind the others")]
    Behind,
    /// A quota of Vault is used up, or the node is on standby (429).
    #[error("Vault limits requests, or the node is on standby")]
    Limited,
    /// The node is a copy that serves nobody now (472: for disaster recovery, 473: for reading).
    #[error("the node of Vault is on standby (status {status})")]
    Standby {
        /// HTTP status.
        status: u16,
    },
    /// Somebody has to unseal Vault first (503).
    #[error("Vault is sealed")]
    Sealed,
    /// Vault is down for maintenance or has too much to do (503).
    #[error("Vault is not available")]
    Unavailable,
    /// Vault, or what it asks in turn, failed (5xx).
    #[error("Vault failed (status {status})")]
    Failed {
        /// HTTP status.
        status: u16,
    },
    /// Vault gives no such status to who reads a secret.
    #[error("the answer has a status that is none of Vault's ({status})")]
    Unexpected {
        /// HTTP status.
        status: u16,
    },
}

impl Coded for VaultError {
    fn code(&self) -> &'static str {
        match self {
            Self::Reference(_) => "bartizan::vault::reference",
            Self::Namespace(_) => "bartizan::vault::namespace",
            Self::Token(_) => "bartizan::vault::token",
            Self::TooLong => "bartizan::vault::too-long",
            Self::Malformed(_) => "bartizan::vault::malformed",
            Self::NotVersioned { .. } => "bartizan::vault::not-versioned",
            Self::NotFound { .. } => "bartizan::vault::not-found",
            Self::Deleted { .. } => "bartizan::vault::deleted",
            Self::Destroyed { .. } => "bartizan::vault::destroyed",
            Self::NoField { .. } => "bartizan::vault::no-field",
            Self::Field { .. } => "bartizan::vault::field",
            Self::TokenRefused => "bartizan::vault::token-refused",
            Self::Denied { .. } => "bartizan::vault::denied",
            Self::Refused { .. } => "bartizan::vault::refused",
            Self::Redirect { .. } => "bartizan::vault::redirect",
            Self::Behind => "bartizan::vault::behind",
            Self::Limited => "bartizan::vault::limited",
            Self::Standby { .. } => "bartizan::vault::standby",
            Self::Sealed => "bartizan::vault::sealed",
            Self::Unavailable => "bartizan::vault::unavailable",
            Self::Failed { .. } => "bartizan::vault::failed",
            Self::Unexpected { .. } => "bartizan::vault::unexpected",
        }
    }

    /// Whoever waits for the secret did nothing wrong: all that Vault answers is the matter of an upstream.
    fn class(&self) -> Class {
        match self {
            Self::Reference(_) | Self::Namespace(_) | Self::Token(_) => Class::Usage,
            Self::Behind
            | Self::Limited
            | Self::Standby { .. }
            | Self::Sealed
            | Self::Unavailable => Class::Unavailable,
            Self::TooLong
            | Self::Malformed(_)
            | Self::NotVersioned { .. }
            | Self::NotFound { .. }
            | Self::Deleted { .. }
            | Self::Destroyed { .. }
            | Self::NoField { .. }
            | Self::Field { .. }
            | Self::TokenRefused
            | Self::Denied { .. }
            | Self::Refused { .. }
            | Self::Redirect { .. }
            | Self::Failed { .. }
            | Self::Unexpected { .. } => Class::Upstream,
        }
    }
}
