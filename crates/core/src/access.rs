//! Who stands behind a credential, and what they may do: the words between the rooms that know and the doors
//! that ask.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Class;
use crate::id::Name;
use crate::principal::{Principal, PrincipalKind};
use crate::redact::Secret;
use crate::tags::Tags;
use crate::time::Timestamp;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Call models through the gateway.
    Client,
    /// Do everything at the console port.
    Admin,
    /// Change endpoints and client keys there, and approve what others change.
    Operator,
    /// See everything there, events and entries of the log included, save what was asked and answered; change
    /// nothing.
    Auditor,
    /// See there which endpoints there are.
    Viewer,
}

/// Something that can be done at the console port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// See endpoints.
    SeeEndpoints,
    /// Make, change and remove endpoints.
    ChangeEndpoints,
    /// See keys, without the keys.
    SeeKeys,
    /// Make, replace and revoke keys that call models.
    ChangeClientKeys,
    /// Make, replace and revoke keys that open the console port.
    ChangeConsoleKeys,
    /// See events and entries of the log, and changes that wait.
    SeeEvents,
    /// Approve and reject changes that wait for a second person.
    ApproveChanges,
    /// See what was asked and answered, where it is kept.
    SeePayloads,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 8] = [
        Self::SeeEndpoints,
        Self::ChangeEndpoints,
        Self::SeeKeys,
        Self::ChangeClientKeys,
        Self::ChangeConsoleKeys,
        Self::SeeEvents,
        Self::ApproveChanges,
        Self::SeePayloads,
    ];
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::Client, Self::Admin, Self::Operator, Self::Auditor, Self::Viewer];

    /// Name used in the store and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Viewer => "viewer",
        }
    }

    /// Whether a key with it may do this at the console port.
    pub const fn may(self, right: Right) -> bool {
        use Right::{
            ApproveChanges, ChangeClientKeys, ChangeEndpoints, SeeEndpoints, SeeEvents, SeeKeys,
        };
        match self {
            Self::Client => false,
            Self::Admin => true,
            Self::Operator => matches!(
                right,
                SeeEndpoints
                    | ChangeEndpoints
                    | SeeKeys
                    | ChangeClientKeys
                    | SeeEvents
                    | ApproveChanges
            ),
            Self::Auditor => matches!(right, SeeEndpoints | SeeKeys | SeeEvents),
            Self::Viewer => matches!(right, SeeEndpoints),
        }
    }

    /// The right that making or ending a key with this scope takes.
    pub const fn to_change(self) -> Right {
        match self {
            Self::Client => Right::ChangeClientKeys,
            Self::Admin | Self::Operator | Self::Auditor | Self::Viewer => Right::ChangeConsoleKeys,
        }
    }

    /// Reads a name written by [`Scope::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A credential that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Names the credential in logs: the id of a key, `ISSUER:…` for a token, `session:…` for a short one,
    /// `certificate:…`. Nobody can make the credential from it.
    pub key_id: String,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
    /// Groups of the policy that the credential itself speaks of, besides those where the policy lists the name.
    pub groups: Vec<Name>,
    /// What the key may do.
    pub scope: Scope,
    /// The only endpoints that it opens, whatever else the policy would allow; absent where it opens all that
    /// are.
    pub endpoints: Option<Arc<[Name]>>,
    /// When the credential ends by its own words: nothing that is made of it lives longer. Absent for keys, which
    /// whoever keeps them ends.
    pub expires: Option<Timestamp>,
    /// What use with it is put down to.
    pub tags: Arc<Tags>,
    /// What a short token says besides; absent for keys and for tokens of issuers.
    pub token: Option<Arc<TokenBounds>>,
}

/// What a short token bounds besides endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenBounds {
    /// What may be used with it.
    pub allowances: Vec<Allowance>,
    /// Stands for the proof that came along: each is good once, at whichever gateway.
    pub proof: Option<String>,
}

/// An amount that everybody draws on who has a token, or one that was made narrower from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Tells it from others.
    pub id: String,
    /// Tokens of models.
    pub tokens: Option<u64>,
    /// 10⁻⁹ US dollars.
    pub nano_usd: Option<u64>,
}

/// A request, as far as it says who sends it.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The key or token; empty where there is none.
    pub credential: &'a Secret,
    /// Method of HTTP.
    pub method: &'a str,
    /// Path, without a query.
    pub path: &'a str,
    /// Host and port, as the caller names them; empty where it does not.
    pub authority: &'a str,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
    /// What it says to prove that it has a key (`DPoP`).
    pub proof: Option<&'a str>,
    /// The certificate that the caller showed, in DER.
    pub certificate: Option<&'a [u8]>,
}

/// A token that was made of another credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// Who asked, in the form of policies.
    pub principal: String,
    /// What was made of what: the session, and the id of the key; for the event.
    pub detail: String,
    /// The answer, as JSON.
    pub body: String,
}

/// Why a credential was not recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrecognised {
    /// It is no key that works: unknown, expired or revoked.
    Unknown,
    /// Nobody knows whether it is one that works: where keys are kept was not heard for too long.
    Away,
    /// It is a token, and something is wrong with it, or with the keys to check it by.
    Token {
        /// Code of the error.
        code: &'static str,
        /// Its class: [`Class::Unauthenticated`], or [`Class::Unavailable`] where the fault is on this side.
        class: Class,
        /// What is wrong, without anything that the token says.
        message: String,
        /// Whether the key that it needs may be on its way: [`Identify::wait`].
        may_wait: bool,
        /// Whose it was beyond doubt, in the form of policies, where it is refused all the same; absent where nothing
        /// that it says can be believed.
        holder: Option<String>,
    },
}

/// Recognises credentials. Called for every request: no I/O, constant-time comparison.
pub trait Identify: Send + Sync {
    /// The identity behind a credential that is known, unexpired and not revoked.
    ///
    /// # Errors
    /// [`Unrecognised`].
    fn identify(&self, credential: &Secret) -> Result<Identity, Unrecognised>;

    /// [`Identify::identify`] of a request, which may have to prove that the credential is its own.
    ///
    /// # Errors
    /// [`Unrecognised`].
    fn identify_request(&self, request: &Presented<'_>) -> Result<Identity, Unrecognised> {
        self.identify(request.credential)
    }

    /// Whether short tokens are made here.
    fn makes_tokens(&self) -> bool {
        false
    }

    /// Makes a short token of the credential in a form (RFC 8693); none where the policy makes no tokens.
    fn exchange(
        &self,
        _request: &Presented<'_>,
        _form: &[u8],
    ) -> Option<Result<Exchanged, Unrecognised>> {
        None
    }

    /// Waits, for a bounded time, for what is needed to recognise a credential and is not there yet.
    fn wait<'a>(
        &'a self,
        _credential: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }

    /// [`Identify::wait`] for the credential in the form of an exchange.
    fn wait_to_exchange<'a>(
        &'a self,
        _form: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }
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
