//! What may be shown of a secret.

use std::time::Duration;

use bartizan_core::time::Timestamp;

use crate::keyring::KeyId;
use crate::name::{SecretName, VersionId};

/// What is known about a secret: everything but its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// Its name.
    pub name: SecretName,
    /// What it is for.
    pub note: Option<String>,
    /// Id of the current value, safe to log.
    pub version: VersionId,
    /// When the secret was made.
    pub created: Timestamp,
    /// When the current value was set. A rollback does not make it younger.
    pub set: Timestamp,
    /// When the current value is no longer given out; never, when absent.
    pub expires: Option<Timestamp>,
    /// Until when the value before is still given out; absent where there is none.
    pub previous_until: Option<Timestamp>,
    /// Id of the master key that the current value is sealed with.
    pub sealed_by: KeyId,
}

impl SecretRecord {
    /// How old the current value is; nothing where the clock was set back.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.duration_since(self.set).try_into().unwrap_or_default()
    }

    /// Whether there is a value before that is still given out.
    pub fn has_previous(&self) -> bool {
        self.previous_until.is_some()
    }

    /// Whether the current value is no longer given out.
    pub fn is_expired_at(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
