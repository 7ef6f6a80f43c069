//! Everybody whose tokens are taken: the entry point of this crate.

use std::fmt;
use std::sync::Arc;

use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::Issuer;
use bartizan_core::tags::Tags;
use bartizan_core::time::Timestamp;
use futures_util::future::join_all;
use serde_json::Value;

use crate::claims::{self, Caller};
use crate::error::{KeysError, TokenError};
use crate::json::Object;
use crate::origin::FetchKeys;
use crate::source::Source;
use crate::token::Token;

/// Recognises callers by their tokens.
pub struct Issuers {
    sources: Vec<Source>,
    fetch: Arc<dyn FetchKeys>,
}

/// Who stands behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Id of the issuer that says so.
    pub issuer: Name,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
    /// Groups of the policy that the issuer puts the caller into, sorted.
    pub groups: Vec<Name>,
    /// What use is put down to, by claims that the policy names.
    pub tags: Arc<Tags>,
    /// When the token ends by its own words; it is taken for as much longer as clocks may be off.
    pub expires: Timestamp,
    /// Names the token in logs: 16 hex digits of a hash, from which nobody can make the token.
    pub token_id: String,
}

impl Issuers {
    /// Those that policy names. Keys that stand in the policy are there at once, others when [`Issuers::run`]
    /// or [`Issuers::refresh`] has fetched them through `fetch`.
    ///
    /// # Errors
    /// [`KeysError`], when two of them are one, or the keys in the policy, or the place of others, cannot be
    /// used.
    pub fn new(issuers: Vec<Issuer>, fetch: Arc<dyn FetchKeys>) -> Result<Self, KeysError> {
        let mut sources: Vec<Source> = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            if let Some(other) = sources.iter().find(|other| other.issuer.url == issuer.url) {
                let first = other.issuer.id.clone();
                return Err(KeysError::Twice { first, second: issuer.id, url: issuer.url });
            }
            sources.push(Source::new(issuer)?);
        }
        Ok(Self { sources, fetch })
    }

    /// Whether a credential has the form of a token: three parts in base64url, the first beginning with `eyJ`. No
    /// key of Bartizan has it.
    pub fn looks_like_token(credential: &str) -> bool {
        Token::looks_like_one(credential)
    }

    /// Whether one has this id.
    pub fn has(&self, id: &str) -> bool {
        self.sources.iter().any(|source| source.issuer.id.as_str() == id)
    }

    /// Who stands behind a token at this moment.
    ///
    /// No I/O and no lock that is ever held for long. What costs nothing is looked at first: a token is refused
    /// for its form, algorithm, issuer and key before its signature is checked, and its claims are believed
    /// only after that. A key that nobody knows wakes [`Issuers::run`].
    ///
    /// # Errors
    /// [`TokenError`]. With [`TokenError::UnknownKey`], it may be worth it to
    /// [wait for the key](Issuers::wait_for_key) and to try once more.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        self.verify_with_claims(token, now).map(|(verified, _)| verified)
    }

    /// [`Issuers::verify`], with all that the token says.
    pub(crate) fn verify_with_claims(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Verified, Object), TokenError> {
        let token = Token::parse(token)?;
        let source = self.source_of(&token)?;
        source.check(&token, now)?;
        let Caller { kind, name, groups, tags, expires } =
            claims::judge(&source.issuer, &token.claims, now)?;
        let issuer = source.issuer.id.clone();
        let token_id = token.id();
        Ok((Verified { issuer, kind, name, groups, tags, expires, token_id }, token.claims))
    }

    /// Waits until the key of a token may have come: for the end of the next fetch from its issuer, and no longer
    /// than [`KEY_WAIT`](crate::KEY_WAIT). Returns at once where waiting is of no use, as for a key that was asked
    /// for a moment ago and was not there.
    pub async fn wait_for_key(&self, token: &str) {
        let Ok(token) = Token::parse(token) else { return };
        if let Ok(source) = self.source_of(&token) {
            source.wait_for_key(&token).await;
        }
    }

    /// Fetches the keys of one issuer now. Calls that meet share one fetch; there is nothing to do for an issuer
    /// whose keys are in the policy.
    ///
    /// # Errors
    /// [`KeysError`]. The keys from before stay in force, for [`KEYS_KEPT`](crate::KEYS_KEPT) at most.
    pub async fn refresh(&self, issuer: &Name) -> Result<(), KeysError> {
        let source = self.sources.iter().find(|source| source.issuer.id == *issuer);
        let source = source.ok_or_else(|| KeysError::UnknownIssuer { id: issuer.clone() })?;
        source.refresh(&*self.fetch).await
    }

    /// Keeps all keys fresh until `stop`: fetches them at once, then every
    /// [`REFRESH_EVERY`](crate::REFRESH_EVERY), after a failure sooner, and when a token names a key that nobody
    /// knows, at once, but every ten seconds at most.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let remote = self.sources.iter().filter(|source| source.is_remote());
        let follow = join_all(remote.map(|source| source.follow(&*self.fetch)));
        let follow = async {
            follow.await;
            // There is nobody to follow.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stop => {}
            () = follow => {}
        }
    }

    /// The issuer that a token names. Nobody has checked yet that it is the one; that its keys fit is the proof.
    fn source_of(&self, token: &Token<'_>) -> Result<&Source, TokenError> {
        let url = match token.claims.get("iss") {
            None => return Err(TokenError::MissingClaim { claim: "iss".to_owned() }),
            Some(Value::String(url)) => url,
            Some(_) => return Err(TokenError::UnknownIssuer),
        };
        self.sources
            .iter()
            .find(|source| source.issuer.url == *url)
            .ok_or(TokenError::UnknownIssuer)
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuers").field("sources", &self.sources).finish_non_exhaustive()
    }
}
