//! Who calls: Bartizan's own keys, tokens of the issuers that the policy names, and certificates of clients.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use bartizan_core::access::{Exchanged, Identify, Identity, Presented, Scope, Unrecognised};
use bartizan_core::settings::{CertificateRule, Issuer, Settings};
use bartizan_core::{Coded as _, Secret, time};
use bartizan_identity::{Certificates, FetchError, FetchKeys, Issuers, TokenError};
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
    certificates: ArcSwap<Certificates>,
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
        settings: &Settings,
        tokens: Option<Tokens>,
    ) -> anyhow::Result<Self> {
        let Settings { issuers, certificates, .. } = settings;
        let ready = ready(issuers.clone())?;
        let stop = follow(&ready);
        let followed = Mutex::new(Followed { issuers: issuers.clone(), stop });
        let certificates = ArcSwap::from_pointee(Certificates::new(certificates.clone()));
        Ok(Self { keys, tokens, issuers: ArcSwap::new(ready), certificates, followed })
    }

    /// Makes others ready to take the place of those before. Issuers that are the same stay as they are, with their
    /// keys; new ones are asked for their keys, so that their tokens are not refused for lack of them.
    ///
    /// # Errors
    /// That the keys of one cannot be used.
    pub(crate) async fn prepare(&self, known: Known) -> anyhow::Result<Prepared> {
        let Known { issuers, certificates } = known;
        let certificates = Arc::new(Certificates::new(certificates));
        if self.followed.lock().issuers == issuers {
            return Ok(Prepared { certificates, issuers: None });
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
        Ok(Prepared { certificates, issuers: Some((issuers, ready)) })
    }

    /// Takes those that were made ready in place of those before.
    pub(crate) fn commit(&self, prepared: Prepared) {
        let Prepared { certificates, issuers } = prepared;
        self.certificates.store(certificates);
        let Some((issuers, ready)) = issuers else { return };
        let stop = follow(&ready);
        self.issuers.store(ready);
        *self.followed.lock() = Followed { issuers, stop };
    }
}

/// Whom a policy names.
pub(crate) struct Known {
    issuers: Vec<Issuer>,
    certificates: Vec<CertificateRule>,
}

impl Known {
    /// Of one version of the policy.
    pub(crate) fn of(settings: &Settings) -> Self {
        let Settings { issuers, certificates, .. } = settings;
        Self { issuers: issuers.clone(), certificates: certificates.clone() }
    }
}

/// What may take the place of what is in force.
pub(crate) struct Prepared {
    certificates: Arc<Certificates>,
    /// Absent where the issuers are the same.
    issuers: Option<(Vec<Issuer>, Arc<Issuers>)>,
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
            holder: None,
        })?;
        Ok(Identity {
            token: None,
            expires: Some(verified.expires),
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
        if let (true, Some(der)) = (request.credential.expose().is_empty(), request.certificate) {
            return self.by_certificate(der);
        }
        if !bartizan_grants::looks_like_one(request.credential) {
            return self.identify(request.credential);
        }
        match &self.tokens {
            Some(tokens) => {
                let still_counts = |issuer: &str| self.issuers.load().has(issuer);
                tokens.identify(request, &self.keys, still_counts)
            }
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

    fn wait_to_exchange<'a>(
        &'a self,
        form: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            if let Some(subject) = Tokens::subject(form) {
                self.wait(&subject).await;
            }
        })
    }
}

impl Identities {
    /// Whoever shows a certificate and no key.
    fn by_certificate(&self, der: &[u8]) -> Result<Identity, Unrecognised> {
        let certificates = self.certificates.load();
        if certificates.is_empty() {
            return Err(Unrecognised::Unknown);
        }
        let shown = certificates.identify(der, time::now());
        let shown = shown.map_err(|error| Unrecognised::Token {
            code: error.code(),
            class: error.class(),
            message: error.to_string(),
            may_wait: false,
            holder: None,
        })?;
        Ok(Identity {
            key_id: format!("certificate:{}:{}", shown.rule, shown.certificate_id),
            kind: shown.kind,
            name: shown.name,
            groups: shown.groups,
            scope: Scope::Client,
            endpoints: shown.endpoints,
            expires: Some(shown.expires),
            tags: shown.tags,
            token: None,
        })
    }
}

/// Fetches keys over the network.
pub(crate) struct Fetch;

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
