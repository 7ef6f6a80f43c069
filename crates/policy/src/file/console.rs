//! The shape of `console:`: how people sign in to the console.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{DurationText, SecretText, UrlText};
use crate::located::{Located, filled, given};

/// How people use the console.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ConsoleFile {
    /// Lets people sign in with a browser. Default: keys alone open the console.
    #[serde(default, deserialize_with = "given")]
    pub(crate) login: Option<Located<LoginFile>>,
}

/// How people sign in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LoginFile {
    /// By which address browsers know the console, such as `https://console.example`. Default: the address that it
    /// listens on, where that is this machine.
    #[serde(default, deserialize_with = "given")]
    pub(crate) address: Option<Located<String>>,
    /// Accounts that `bartizan account` keeps sign in, with a password and a code that changes (TOTP). Default: `false`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) accounts: Option<Located<bool>>,
    /// An identity provider signs people in (`OpenID` Connect). Default: none.
    #[serde(default, deserialize_with = "given")]
    pub(crate) oidc: Option<Located<OidcFile>>,
    /// When sessions end.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) session: SessionFile,
}

/// An identity provider that signs people in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OidcFile {
    /// An entry of `identity.issuers`, whose keys, algorithms, clock and claim for names hold here too.
    pub(crate) issuer: Located<String>,
    /// As whom the console is registered there.
    pub(crate) client_id: Located<String>,
    /// Reference to what proves that it is.
    pub(crate) client_secret: Located<SecretText>,
    /// What people may do.
    pub(crate) roles: Located<RolesFile>,
    /// Scopes that are asked for besides `openid`; some providers name groups only to those who ask for `groups`.
    /// Default: `[profile, email]`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(max = 16))]
    pub(crate) scopes: Option<Located<Vec<Located<String>>>>,
    /// Where browsers are sent to sign in. Default: where its discovery document says, on its own host.
    #[serde(default, deserialize_with = "given")]
    pub(crate) authorization_endpoint: Option<Located<UrlText>>,
    /// Where codes are exchanged for tokens. Default: where its discovery document says, on its own host.
    #[serde(default, deserialize_with = "given")]
    pub(crate) token_endpoint: Option<Located<UrlText>>,
}

/// What people may do, by a claim of their ID token. Who has none of these entries is not let in; who has several gets
/// the first scope of this list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RolesFile {
    /// Claim that lists groups or roles.
    pub(crate) claim: Located<String>,
    /// May do everything.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 256))]
    pub(crate) admin: Vec<Located<String>>,
    /// May change endpoints and client keys.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 256))]
    pub(crate) operator: Vec<Located<String>>,
    /// May see everything.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 256))]
    pub(crate) auditor: Vec<Located<String>>,
    /// May see endpoints.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 256))]
    pub(crate) viewer: Vec<Located<String>>,
}

/// When sessions end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SessionFile {
    /// After so much time without a request, `1m` to `24h`. Default: `30m`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) idle: Option<Located<DurationText>>,
    /// After so much time, whatever happens, up to `24h`. Default: `12h`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) total: Option<Located<DurationText>>,
}
