//! How people sign in to the console in a browser.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::Scope;
use crate::redact::Secret;
use crate::settings::Issuer;

/// How people sign in to the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Scheme, host and port by which browsers know the console, without a path; absent where that is the address
    /// that it listens on.
    pub address: Option<String>,
    /// Whether accounts that are kept here sign in, with a password and a code.
    pub accounts: bool,
    /// The identity provider that signs people in; absent where none does.
    pub oidc: Option<OidcLogin>,
    /// How long a session lasts in which nothing is asked; at most [`Login::total`].
    pub idle: Duration,
    /// How long a session lasts at most.
    pub total: Duration,
}

impl Login {
    /// [`Login::idle`] where the policy names none.
    pub const IDLE: Duration = Duration::from_mins(30);
    /// [`Login::total`] where the policy names none.
    pub const TOTAL: Duration = Duration::from_hours(12);
}

/// An identity provider that signs people in (`OpenID` Connect Core 1.0, section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcLogin {
    /// How its ID tokens are checked: issuer, keys, algorithms and clock of the policy's issuer. The one audience is
    /// [`OidcLogin::client_id`], and no token puts anybody into a group of the policy.
    pub issuer: Issuer,
    /// As whom this console is known there.
    pub client_id: String,
    /// What proves that it is.
    pub client_secret: Secret,
    /// What is asked for besides `openid`: names of scopes (RFC 6749, section 3.3).
    pub scopes: Vec<String>,
    /// Where browsers are sent; absent where its discovery document says so, on its own host.
    pub authorization_endpoint: Option<String>,
    /// Where codes are exchanged; absent where its discovery document says so, on its own host.
    pub token_endpoint: Option<String>,
    /// Claim that lists what `roles` speaks of.
    pub roles_claim: String,
    /// What people with an entry of that claim may do; who has none of them is not let in.
    pub roles: BTreeMap<String, Scope>,
}

impl OidcLogin {
    /// [`OidcLogin::scopes`] where the policy names none.
    pub const DEFAULT_SCOPES: [&'static str; 2] = ["profile", "email"];
    /// Scopes that a person can have, the one that opens most first. Who has several entries gets the first of these.
    pub const SCOPES: [Scope; 4] = [Scope::Admin, Scope::Operator, Scope::Auditor, Scope::Viewer];

    /// What somebody with these entries may do.
    pub fn scope_of<'r>(&self, roles: impl IntoIterator<Item = &'r str>) -> Option<Scope> {
        let theirs: Vec<Scope> =
            roles.into_iter().filter_map(|role| self.roles.get(role)).copied().collect();
        Self::SCOPES.into_iter().find(|scope| theirs.contains(scope))
    }
}
