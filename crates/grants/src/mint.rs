//! New tokens, by whoever has the root key.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::tags::Tags;
use bartizan_core::time::Timestamp;
use uuid::Uuid;

use crate::block;
use crate::container::sign_first;
use crate::error::{GrantError, WriteError};
use crate::grant::{Binding, Grant, Origin};
use crate::pattern::MAX_ENTRIES;
use crate::reach::Reach;
use crate::revoked::Revocations;
use crate::signing::{PublicKeys, SigningKeys};
use crate::verify::Verified;
use crate::{MAX_LIFETIME, text};

/// Makes tokens and checks them.
#[derive(Debug)]
pub struct Authority {
    keys: SigningKeys,
    public: PublicKeys,
}

/// What a token is asked to say.
#[derive(Debug, Clone)]
pub struct MintRequest {
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
    /// Groups that the credential brought for which the token is made; at most 64.
    pub groups: Vec<Name>,
    /// Tags that the credential brought.
    pub tags: Arc<Tags>,
    /// Session that goes on (UUIDv7); a new one begins where it is absent. Whether it was this
    /// holder's is not checked here.
    pub session: Option<Uuid>,
    /// What it is made for: when that ends, so does the token.
    pub origin: Origin,
    /// Who may use it.
    pub binding: Binding,
    /// What it opens; at most 64 entries in each set, and none that is empty.
    pub reach: Reach,
    /// For how long it is good, in whole seconds; more than [`MAX_LIFETIME`] become that.
    pub lifetime: Duration,
}

impl Authority {
    /// Makes tokens with these keys.
    pub fn new(keys: SigningKeys) -> Self {
        let public = keys.public();
        Self { keys, public }
    }

    /// What others need to verify tokens.
    pub const fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// Makes a token. Whoever asks has been recognised, and policy allows them what they ask for.
    ///
    /// **Never mint on the strength of a token.** Whoever asks has to show what the token is made for: their API key,
    /// or a token of their issuer. A token made here opens for its holder at most what it says, until it ends; one
    /// that could be shown to get another would never end, whatever [`MAX_LIFETIME`] says, would give back what
    /// holders took away by narrowing, and would outlive its revocation. This cannot be seen here: no type tells what
    /// was shown, so it is for the caller to refuse [what looks like one](crate::looks_like_one) where tokens are
    /// asked for. For less, [`narrow`](crate::narrow()) needs nobody.
    ///
    /// # Errors
    /// [`WriteError`] about what was asked.
    pub fn mint(
        &self,
        request: MintRequest,
        now: Timestamp,
    ) -> Result<(Secret, Grant), WriteError> {
        let grant = grant(request, now)?;
        let token = sign_first(self.keys.id(), self.keys.pair(), &block::write_first(&grant))?;
        Ok((text::encode(&token)?, grant))
    }

    /// [`PublicKeys::verify`]
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn verify(&self, token: &Secret, now: Timestamp) -> Result<Verified, GrantError> {
        self.public.verify(token, now)
    }

    /// [`PublicKeys::verify_unless_revoked`]
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn verify_unless_revoked(
        &self,
        token: &Secret,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<Verified, GrantError> {
        self.public.verify_unless_revoked(token, revocations, now)
    }
}

fn grant(request: MintRequest, now: Timestamp) -> Result<Grant, WriteError> {
    if !block::is_principal(request.kind, &request.name) {
        return Err(WriteError::Principal);
    }
    let mut groups = request.groups;
    groups.sort_unstable();
    groups.dedup();
    if groups.len() > MAX_ENTRIES {
        return Err(WriteError::TooMany { of: "groups", limit: MAX_ENTRIES });
    }
    request.reach.check()?;
    let session = request.session.map_or_else(|| new_session(now), Ok)?;
    if !block::is_session(session) {
        return Err(WriteError::Session);
    }
    let lifetime = request.lifetime.min(MAX_LIFETIME).as_secs();
    if lifetime == 0 {
        return Err(WriteError::Lifetime);
    }
    let issued = whole_seconds(now)?;
    let expires =
        issued.checked_add(Duration::from_secs(lifetime)).map_err(|_| WriteError::Time)?;
    Ok(Grant {
        kind: request.kind,
        name: request.name,
        groups,
        tags: request.tags,
        session,
        origin: request.origin,
        binding: request.binding,
        issued,
        expires,
        reach: request.reach,
    })
}

/// A time as tokens write it.
pub(crate) fn whole_seconds(time: Timestamp) -> Result<Timestamp, WriteError> {
    let seconds = time.as_second();
    if seconds < 0 {
        return Err(WriteError::Time);
    }
    Timestamp::from_second(seconds).map_err(|_| WriteError::Time)
}

fn new_session(now: Timestamp) -> Result<Uuid, WriteError> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|_| WriteError::Random)?;
    let millis = u64::try_from(now.as_millisecond()).map_err(|_| WriteError::Time)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}
