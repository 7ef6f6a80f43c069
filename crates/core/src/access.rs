//! Who stands behind a credential: the words between the store that knows keys and the doors that
//! ask for them.

use crate::principal::PrincipalKind;
use crate::redact::Secret;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Call models through the gateway.
    Client,
    /// Manage Bartizan through the console port.
    Admin,
}

impl Scope {
    /// Name used in the store and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Admin => "admin",
        }
    }

    /// Reads a name written by [`Scope::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Client, Self::Admin].into_iter().find(|scope| scope.name() == name)
    }
}

/// A credential that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Public id of the key, safe to log.
    pub key_id: String,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
    /// What the key may do.
    pub scope: Scope,
}

/// Recognises credentials. Called for every request: no I/O, constant-time comparison.
pub trait Identify: Send + Sync {
    /// The identity behind a credential that is known, unexpired and not revoked.
    fn identify(&self, credential: &Secret) -> Option<Identity>;
}
