//! Who stands behind a credential, and what they may do: the words between the rooms that know and the doors
//! that ask.

use std::fmt::Debug;
use std::sync::Arc;

use crate::id::Name;
use crate::principal::{Principal, PrincipalKind};
use crate::redact::Secret;
use crate::time::Timestamp;

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
    /// Groups of the policy that the credential itself speaks of, besides those where the policy lists the name.
    pub groups: Vec<Name>,
    /// What the key may do.
    pub scope: Scope,
}

/// Recognises credentials. Called for every request: no I/O, constant-time comparison.
pub trait Identify: Send + Sync {
    /// The identity behind a credential that is known, unexpired and not revoked.
    fn identify(&self, credential: &Secret) -> Option<Identity>;
}

/// What a caller who was recognised wants of the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// An endpoint that exists.
    pub endpoint: &'a Name,
    /// Name of the operation: `chat-completions`, `messages`, …; [`Call::SEE`] for being told that the endpoint
    /// is there.
    pub operation: &'a str,
    /// Model that the caller named, where the endpoint leaves the choice; otherwise empty.
    pub model: &'a str,
    /// When.
    pub at: Timestamp,
}

impl Call<'_> {
    /// The operation of being told that an endpoint is there.
    pub const SEE: &'static str = "models";
}

/// What the policy says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it may happen.
    pub is_allowed: bool,
    /// The rule that decided; absent where a list decided, or nothing allows it.
    pub rule: Option<Arc<str>>,
}

impl Ruling {
    /// What a list says, or the lack of one.
    pub const fn by_list(is_allowed: bool) -> Self {
        Self { is_allowed, rule: None }
    }
}

/// Decides what callers may do: one version of the policy, compiled. Called for every request: no I/O.
pub trait Authorize: Debug + Send + Sync {
    /// Groups that the policy puts a principal in, sorted.
    fn groups_of(&self, kind: PrincipalKind, name: &str) -> &[Name];

    /// Whether a caller may use an endpoint. `caller.groups` are those of the policy and those that a
    /// token brought.
    fn call(&self, caller: &Principal, call: &Call<'_>) -> Ruling;
}
