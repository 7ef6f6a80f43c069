//! Who calls: Bartizan's own keys, and tokens of the issuers that the policy names.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use bartizan_core::access::{Exchanged, Identify, Identity, Presented, Scope, Unrecognised};
use bartizan_core::settings::Issuer;
use bartizan_core::{Coded as _, Secret, time};
use bartizan_identity::{FetchError, FetchKeys, Issuers, TokenError};
use bartizan_store::KeyIndex;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::tokens::Tokens;

/// Longest wait for the keys of new issuers, before a policy that names them is put in force.
const FIRST_KEYS: Duration = Duration::from_secs(3);

/// Recognises keys and tokens.
pub(crate) struct Identities {
    keys: Arc<KeyIndex>,
    /// Short tokens; absent where none are made.
    tokens: Option<Tokens>,
    issuers: ArcSwap<Issuers>,
    /// Those of the policy, as they are followed now.
    followed: Mutex<Followed>,
}

struct Followed {
    issuers: Vec<Issuer>,
    /// Dropped when others take their place.
    stop: watch::Sender<()>,
}

impl Identities {
    /// Begins to follow the keys of issuers, on a runtime.
    ///
    /// # Errors
    /// That the keys of one cannot be used.
    pub(crate) fn begin(
        keys: Arc<KeyIndex>,
        issuers: Vec<Issuer>,
        tokens: Option<Tokens>,
    ) -> anyhow::Result<Self> {
        let ready = ready(issuers.clone())?;
        let stop = follow(&ready);
        let followed = Mutex::new(Followed { issuers, stop });
        Ok(Self { keys, tokens, issuers: ArcSwap::new(ready), followed })
    }

    /// Makes other issuers ready to take the place of those before; none where they are the same, which stay as they
    /// are, with their keys. New ones are asked for their keys, so that their tokens are not refused for lack of them.
    ///
    /// # Errors
    /// That the keys of one cannot be used.
    pub(crate) async fn prepare(&self, issuers: Vec<Issuer>) -> anyhow::Result<Option<Prepared>> {
        if self.followed.lock().issuers == issuers {
            return Ok(None);
        }
        let ready = ready(issuers.clone())?;
        let first = async {
            for issuer in &issuers {
                if let Err(error) = ready.refresh(&issuer.id).await {
                    let error = crate::format::chain(&error);
                    tracing::warn!(issuer = %issuer.id, error, "no keys of an issuer yet");
                }
            }
        };
        // What does not answer is asked again by whoever follows it.
        let _ = tokio::time::timeout(FIRST_KEYS, first).await;
        Ok(Some(Prepared { issuers, ready }))
    }

    /// Takes issuers that were made ready in place of those before.
    pub(crate) fn commit(&self, prepared: Prepared) {
        let Prepared { issuers, ready } = prepared;
        let stop = follow(&ready);
        self.issuers.store(ready);
        *self.followed.lock() = Followed { issuers, stop };
    }
}

/// Issuers that may take the place of others.
pub(crate) struct Prepared {
    issuers: Vec<Issuer>,
    ready: Arc<Issuers>,
}

fn ready(issuers: Vec<Issuer>) -> anyhow::Result<Arc<Issuers>> {
    let issuers = Issuers::new(issuers, Arc::new(Fetch));
    Ok(Arc::new(issuers.context("an issuer of the policy cannot be used")?))
}

/// Keeps keys fresh until the sender is dropped.
fn follow(issuers: &Arc<Issuers>) -> watch::Sender<()> {
    let (stop, mut stopped) = watch::channel(());
    let issuers = Arc::clone(issuers);
    tokio::spawn(issuers.run(async move {
        // Nothing is ever sent.
        let _ = stopped.changed().await;
    }));
    stop
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.stop.send_replace(());
    }
}

impl Identify for Identities {
    fn identify(&self, credential: &Secret) -> Result<Identity, Unrecognised> {
        if !Issuers::looks_like_token(credential.expose()) {
            return self.keys.identify(credential);
        }
        let verified = self.issuers.load().verify(credential.expose(), time::now());
        let verified = verified.map_err(|error| Unrecognised::Token {
            code: error.code(),
            class: error.class(),
            message: error.to_string(),
            may_wait: matches!(
                error,
                TokenError::UnknownKey { .. } | TokenError::KeysNotLoaded { .. }
            ),
        })?;
        Ok(Identity {
            token: None,
            key_id: format!("{}:{}", verified.issuer, verified.token_id),
            kind: verified.kind,
            name: verified.name,
            groups: verified.groups,
            tags: verified.tags,
            scope: Scope::Client,
            endpoints: None,
        })
    }

    fn identify_request(&self, request: &Presented<'_>) -> Result<Identity, Unrecognised> {
        if !bartizan_grants::looks_like_one(request.credential) {
            return self.identify(request.credential);
        }
        match &self.tokens {
            Some(tokens) => tokens.identify(request, &self.keys),
            None => Err(Unrecognised::Unknown),
        }
    }

    fn makes_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    fn exchange(
        &self,
        request: &Presented<'_>,
        form: &[u8],
    ) -> Option<Result<Exchanged, Unrecognised>> {
        let tokens = self.tokens.as_ref()?;
        Some(tokens.exchange(request, form, |subject| self.identify(subject)))
    }

    fn wait<'a>(&'a self, credential: &'a Secret) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let issuers = self.issuers.load_full();
        Box::pin(async move { issuers.wait_for_key(credential.expose()).await })
    }
}

/// Fetches keys over the network.
struct Fetch;

impl FetchKeys for Fetch {
    fn fetch(
        &self,
        url: &str,
        cap_bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + '_>> {
        let url = url.to_owned();
        Box::pin(async move {
            let limit = usize::try_from(cap_bytes).unwrap_or(usize::MAX);
            bartizan_relay::document(&url, limit).await.map_err(Into::into)
        })
    }
}
