//! People who sign in with a browser at an identity provider: authorization codes with PKCE (`OpenID` Connect Core 1.0,
//! section 3.1; RFC 7636; RFC 9207).
//!
//! Whoever uses this keeps state and nonce with the browser, sends the code to the provider and hands in what comes
//! back; there is no network code here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::error::{Class, Coded};
use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::{IssuerKeys, OidcLogin};
use bartizan_core::time::{self, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::address;
use crate::claims;
use crate::error::{KeysError, TokenError};
use crate::issuers::Issuers;
use crate::origin::{self, FetchKeys};

/// How long it counts what a provider says of itself.
pub const PROVIDER_KEPT: Duration = Duration::from_secs(300);

/// Signs people in at one provider.
#[derive(Debug)]
pub struct SignIn {
    settings: OidcLogin,
    /// The one whose ID tokens are taken.
    issuers: Arc<Issuers>,
    fetch: Fetch,
    known: Mutex<Option<(Instant, Arc<Provider>)>>,
}

/// Whoever fetches, which need not be shown.
struct Fetch(Arc<dyn FetchKeys>);

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetch")
    }
}

/// What a provider says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Where browsers are sent.
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    pub token_endpoint: String,
    /// Whether it always says who it is when it sends people back (RFC 9207).
    pub names_itself: bool,
    /// Whether the secret of the client goes into the form; otherwise it goes into a header (RFC 6749, section 2.3.1).
    pub secret_in_form: bool,
}

/// What holds one login together, from the way there to the way back.
#[derive(Debug, Clone, Copy)]
pub struct Returned<'a> {
    /// What the provider says that it is, where it does.
    pub issuer: Option<&'a str>,
    /// The token that it gave for the code.
    pub id_token: &'a str,
    /// What the token has to repeat.
    pub nonce: &'a str,
}

/// A person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Name of the person.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
}

/// A person is not signed in.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The ID token is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It cannot be checked, or it is not known where the provider is.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Another provider sent the browser back than the one that was asked (RFC 9207, section 2.4).
    #[error(
        "the browser was sent back by another identity provider (`iss`), or by one that does not say who it is"
    )]
    OtherProvider,
    /// The token belongs to another login.
    #[error("the ID token belongs to another login (`nonce`)")]
    Nonce,
    /// The token was made for another client.
    #[error("the ID token was made for another client (`azp`)")]
    OtherClient,
    /// The policy opens nothing to this person.
    #[error("the policy gives no role to any entry of `{claim}`")]
    NoRole {
        /// The claim that lists them.
        claim: String,
    },
}

impl Coded for SignInError {
    fn code(&self) -> &'static str {
        match self {
            Self::Token(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::OtherProvider => "bartizan::identity::sign-in-provider",
            Self::Nonce => "bartizan::identity::sign-in-nonce",
            Self::OtherClient => "bartizan::identity::sign-in-client",
            Self::NoRole { .. } => "bartizan::identity::sign-in-role",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Token(error) => error.class(),
            Self::Keys(error) => error.class(),
            Self::OtherProvider | Self::Nonce | Self::OtherClient => Class::Unauthenticated,
            Self::NoRole { .. } => Class::Denied,
        }
    }
}

impl SignIn {
    /// Signs people in as the policy says.
    ///
    /// # Errors
    /// [`KeysError`], when the keys in the policy, or the place of others, cannot be used.
    pub fn new(settings: OidcLogin, fetch: Arc<dyn FetchKeys>) -> Result<Self, KeysError> {
        let issuers = Issuers::new(vec![settings.issuer.clone()], Arc::clone(&fetch))?;
        let (issuers, fetch) = (Arc::new(issuers), Fetch(fetch));
        Ok(Self { settings, issuers, fetch, known: Mutex::default() })
    }

    /// Keeps the keys of the provider fresh until `stop`.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        Arc::clone(&self.issuers).run(stop).await;
    }

    /// What the policy says.
    pub fn settings(&self) -> &OidcLogin {
        &self.settings
    }

    /// What the provider says of itself: as of the last minutes, or asked now.
    ///
    /// # Errors
    /// [`KeysError`], when its discovery document cannot be fetched or does not say what is needed.
    pub async fn provider(&self) -> Result<Arc<Provider>, KeysError> {
        let mut known = self.known.lock().await;
        if let Some((since, provider)) = &*known
            && since.elapsed() < PROVIDER_KEPT
        {
            return Ok(Arc::clone(provider));
        }
        let provider = Arc::new(self.discover().await?);
        *known = Some((Instant::now(), Arc::clone(&provider)));
        Ok(provider)
    }

    async fn discover(&self) -> Result<Provider, KeysError> {
        let OidcLogin { issuer, authorization_endpoint, token_endpoint, .. } = &self.settings;
        if let (Some(authorization), Some(token)) = (authorization_endpoint, token_endpoint)
            && issuer.keys != IssuerKeys::Discovery
        {
            return Ok(Provider {
                authorization_endpoint: authorization.clone(),
                token_endpoint: token.clone(),
                names_itself: false,
                secret_in_form: false,
            });
        }
        let url = address::discovery_of(&issuer.url)?;
        let host = address::host_of(&url)?;
        let document = origin::read(&*self.fetch.0, &url).await?;
        let document = origin::discovered(&issuer.url, &url, &document)?;
        let place = |given: &Option<String>, member| match given {
            Some(given) => Ok(given.clone()),
            None => origin::address_in(&document, member, &url, &host),
        };
        let methods = document.get("token_endpoint_auth_methods_supported");
        let methods: Option<Vec<&str>> = methods
            .and_then(Value::as_array)
            .map(|methods| methods.iter().filter_map(Value::as_str).collect());
        let promises = document.get("authorization_response_iss_parameter_supported");
        Ok(Provider {
            authorization_endpoint: place(authorization_endpoint, "authorization_endpoint")?,
            token_endpoint: place(token_endpoint, "token_endpoint")?,
            names_itself: promises == Some(&Value::Bool(true)),
            // Where nothing is said it is the header (OIDC Discovery 1.0, section 3).
            secret_in_form: methods.is_some_and(|methods| {
                !methods.contains(&"client_secret_basic") && methods.contains(&"client_secret_post")
            }),
        })
    }

    /// Whether the provider that sent a browser back may be the one that was asked.
    ///
    /// # Errors
    /// [`SignInError::OtherProvider`].
    pub fn check_provider(
        &self,
        provider: &Provider,
        issuer: Option<&str>,
    ) -> Result<(), SignInError> {
        match issuer {
            Some(issuer) if issuer == self.settings.issuer.url => Ok(()),
            None if !provider.names_itself => Ok(()),
            _ => Err(SignInError::OtherProvider),
        }
    }

    /// Who signed in, once the code was exchanged. Waits for a key of the provider that is not there yet.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn verify(&self, returned: Returned<'_>) -> Result<SignedIn, SignInError> {
        match self.judge(returned, time::now()) {
            Err(SignInError::Token(
                TokenError::UnknownKey { .. } | TokenError::KeysNotLoaded { .. },
            )) => {
                self.issuers.wait_for_key(returned.id_token).await;
                self.judge(returned, time::now())
            }
            judged => judged,
        }
    }

    /// [`SignIn::verify`] with the keys that are there.
    pub(crate) fn judge(
        &self,
        returned: Returned<'_>,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let (verified, claims) = self.issuers.verify_with_claims(returned.id_token, now)?;
        // OIDC Core 1.0, section 3.1.3.7: a token for several says for whom it was made.
        let for_several =
            claims.get("aud").and_then(Value::as_array).is_some_and(|it| it.len() > 1);
        match claims.get("azp") {
            None if !for_several => {}
            Some(Value::String(party)) if *party == self.settings.client_id => {}
            _ => return Err(SignInError::OtherClient),
        }
        let nonce = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
        let fits = aws_lc_rs::constant_time::verify_slices_are_equal(
            nonce.as_bytes(),
            returned.nonce.as_bytes(),
        );
        if nonce.is_empty() || fits.is_err() {
            return Err(SignInError::Nonce);
        }
        let claim = &self.settings.roles_claim;
        let scope = self.settings.scope_of(claims::listed(&claims, claim)?);
        // Two people are two people: a program with an account at the provider has no role here.
        let scope = scope.filter(|_| verified.kind == PrincipalKind::User);
        let scope = scope.ok_or_else(|| SignInError::NoRole { claim: claim.clone() })?;
        Ok(SignedIn { name: verified.name, scope })
    }

    /// Fields of the address that browsers are sent to. `challenge` is the SHA-256 of what is sent with the code.
    pub fn request<'a>(
        &'a self,
        state: &'a str,
        nonce: &'a str,
        challenge: &'a str,
        back_to: &'a str,
    ) -> BTreeMap<&'static str, std::borrow::Cow<'a, str>> {
        let scopes = self.settings.scopes.iter().map(String::as_str);
        let scopes: Vec<&str> = std::iter::once("openid").chain(scopes).collect();
        BTreeMap::from([
            ("response_type", "code".into()),
            ("client_id", self.settings.client_id.as_str().into()),
            ("redirect_uri", back_to.into()),
            ("scope", scopes.join(" ").into()),
            ("state", state.into()),
            ("nonce", nonce.into()),
            ("code_challenge", challenge.into()),
            ("code_challenge_method", "S256".into()),
        ])
    }
}
