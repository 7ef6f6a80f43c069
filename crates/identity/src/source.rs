//! One issuer with the keys that are held of it: read by every request, replaced by one task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bartizan_core::settings::{Issuer, IssuerKeys};
use bartizan_core::time::{self, Timestamp};
use jiff::SignedDuration;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::error::{KeysError, TokenError};
use crate::key_set::KeySet;
use crate::origin::{FetchKeys, Origin};
use crate::token::Token;

/// How often the keys of an issuer are fetched when nobody asks.
pub const REFRESH_EVERY: Duration = Duration::from_secs(300);
/// How long keys stay in force after the last time that they could be fetched. A key that an issuer withdrew
/// is trusted for no longer than that.
pub const KEYS_KEPT: Duration = Duration::from_hours(24);
/// Longest wait for a key that is not there yet.
pub const KEY_WAIT: Duration = Duration::from_secs(2);
/// Least time between two fetches that tokens ask for. Everybody can send a token that names some key. Fetches
/// that come by themselves do not count: a key that is new a moment after one is not made to wait.
const PACE: Duration = Duration::from_secs(10);

/// An issuer and its keys.
#[derive(Debug)]
pub(crate) struct Source {
    /// What policy says about it.
    pub(crate) issuer: Issuer,
    origin: Origin,
    held: ArcSwapOption<Held>,
    /// How the last fetch ended. Whoever holds the lock fetches.
    flight: Mutex<Result<(), KeysError>>,
    ended: watch::Sender<Fetches>,
    /// Whether a token asks for a fetch that has not ended since.
    wanted: AtomicBool,
    wake: Notify,
}

#[derive(Debug)]
struct Held {
    keys: KeySet,
    /// When they began to be fetched; absent for those of the policy, which do not age.
    since: Option<Timestamp>,
}

/// Fetches that have ended.
#[derive(Debug, Clone, Copy, Default)]
struct Fetches {
    count: u64,
    /// When one was last begun because a token asked for it.
    asked: Option<Instant>,
}

impl Source {
    /// The issuer, with the keys that are in the policy if that is where they are.
    ///
    /// # Errors
    /// [`KeysError`], when these cannot be used or others must not be taken from where they are said to be.
    pub(crate) fn new(issuer: Issuer) -> Result<Self, KeysError> {
        let origin = Origin::of(&issuer)?;
        let held = match &issuer.keys {
            IssuerKeys::Inline(document) => {
                let keys = KeySet::parse(&issuer, document.as_bytes());
                let id = || issuer.id.clone();
                let keys = keys.map_err(|source| KeysError::Inline { issuer: id(), source })?;
                Some(Arc::new(Held { keys, since: None }))
            }
            IssuerKeys::Url(_) | IssuerKeys::Discovery => None,
        };
        Ok(Self {
            issuer,
            origin,
            held: ArcSwapOption::new(held),
            flight: Mutex::new(Ok(())),
            ended: watch::Sender::new(Fetches::default()),
            wanted: AtomicBool::new(false),
            wake: Notify::new(),
        })
    }

    /// Whether keys are fetched, and do not stand in the policy.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self.origin, Origin::Policy)
    }

    /// Checks the signature of a token with the key that it names. Asks for a fetch where that may help.
    ///
    /// # Errors
    /// [`TokenError`], when it is not right or cannot be checked.
    pub(crate) fn check(&self, token: &Token<'_>, now: Timestamp) -> Result<(), TokenError> {
        if !self.issuer.algorithms.contains(&token.algorithm) {
            return Err(TokenError::Algorithm);
        }
        let held = self.held.load();
        let held = held.as_deref().ok_or_else(|| {
            self.want();
            TokenError::KeysNotLoaded { issuer: self.issuer.id.clone() }
        })?;
        if held.is_stale(now) {
            self.want();
            return Err(TokenError::KeysStale { issuer: self.issuer.id.clone() });
        }
        let key = held.keys.find(token.key_id.as_deref(), token.algorithm);
        let key = key.inspect_err(|error| {
            if matches!(error, TokenError::UnknownKey { .. }) {
                self.want();
            }
        })?;
        key.verify_sig(token.message(), token.signature()).map_err(|_| TokenError::Signature)
    }

    /// Waits for the end of the fetch that a token asked for, [`KEY_WAIT`] at most. Does not wait where the
    /// key has come meanwhile, or will not come in time.
    pub(crate) async fn wait_for_key(&self, token: &Token<'_>) {
        // Before the look at the keys, so that no end of a fetch is missed in between.
        let mut ended = self.ended.subscribe();
        let fetches = *ended.borrow_and_update();
        let has_key = self.held.load().as_deref().is_some_and(|held| {
            let key = held.keys.find(token.key_id.as_deref(), token.algorithm);
            !matches!(key, Err(TokenError::UnknownKey { .. }))
        });
        let fetching = self.flight.try_lock().is_err();
        let rests = fetches.asked.is_some_and(|asked| asked.elapsed() + KEY_WAIT < PACE);
        if !self.is_remote() || has_key || (rests && !fetching) {
            return;
        }
        let more = ended.wait_for(|now| now.count > fetches.count);
        let _ = tokio::time::timeout(KEY_WAIT, more).await;
    }

    /// Fetches the keys. Whoever asks while they are being fetched gets what comes of that.
    ///
    /// # Errors
    /// [`KeysError`]; the keys from before stay in force.
    pub(crate) async fn refresh(&self, fetch: &dyn FetchKeys) -> Result<(), KeysError> {
        let asked = self.ended.borrow().count;
        let mut outcome = self.flight.lock().await;
        if self.ended.borrow().count > asked {
            return outcome.clone();
        }
        let since = Some(time::now());
        *outcome = self.origin.fetch(&self.issuer, fetch).await.map(|keys| {
            if let Some(keys) = keys {
                tracing::debug!(issuer = %self.issuer.id, keys = keys.len(), "keys were fetched");
                self.held.store(Some(Arc::new(Held { keys, since })));
            }
        });
        // Whoever still misses a key asks again.
        self.wanted.store(false, Ordering::Relaxed);
        self.ended.send_modify(|ended| ended.count += 1);
        outcome.clone()
    }

    /// Fetches the keys again and again, sooner when a token asks for it or a fetch failed. Never ends.
    pub(crate) async fn follow(&self, fetch: &dyn FetchKeys) {
        let mut backoff = Backoff::default();
        loop {
            let wait = match self.refresh(fetch).await {
                Ok(()) => {
                    backoff.succeeded();
                    REFRESH_EVERY
                }
                Err(error) => {
                    let wait = backoff.failed();
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(issuer = %self.issuer.id, error, ?wait, "keys were not fetched");
                    wait
                }
            };
            let again = Instant::now() + wait;
            tokio::select! {
                () = tokio::time::sleep_until(again) => {}
                () = self.until_wanted() => {
                    let asked = self.ended.borrow().asked;
                    if let Some(asked) = asked {
                        tokio::time::sleep_until(again.min(asked + PACE)).await;
                    }
                    self.ended.send_modify(|ended| ended.asked = Some(Instant::now()));
                }
            }
        }
    }

    /// Wakes the task that fetches, once for all who ask before it has fetched: only the first of many tokens
    /// does more than read a flag.
    fn want(&self) {
        if !self.wanted.load(Ordering::Relaxed) && !self.wanted.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }

    async fn until_wanted(&self) {
        loop {
            self.wake.notified().await;
            // What woke this may be from before the last fetch.
            if self.wanted.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

impl Held {
    fn is_stale(&self, now: Timestamp) -> bool {
        let kept = SignedDuration::try_from(KEYS_KEPT).unwrap_or(SignedDuration::MAX);
        self.since.is_some_and(|since| now.duration_since(since) > kept)
    }
}
