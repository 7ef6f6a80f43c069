//! Keys that change, or do not come. Time is that of `tokio`, and stands still
//! unless somebody waits.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::Coded as _;
use bartizan_core::error::Class;
use bartizan_core::settings::{IssuerKeys, JwtAlgorithm};
use bartizan_core::time::{self, Timestamp};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::support::{Signer, Web, claims, document, issuer};
use crate::{DOCUMENT_BYTES, Issuers, KEY_WAIT, KEYS_KEPT, KeysError, REFRESH_EVERY, TokenError};

const KEYS: &str = "https://id.example/keys";

/// The provider with its keys at a URL of the policy.
fn by_url(web: &Arc<Web>) -> Arc<Issuers> {
    new(IssuerKeys::Url(KEYS.to_owned()), web).map(Arc::new).unwrap()
}

fn new(keys: IssuerKeys, web: &Arc<Web>) -> Result<Issuers, KeysError> {
    Issuers::new(vec![issuer(keys)], Arc::clone(web) as _)
}

fn signer(id: &'static str) -> Signer {
    Signer::new(JwtAlgorithm::EdDsa, id)
}

/// A token that is fine now.
fn token(signer: &Signer) -> String {
    let now = time::now().as_second();
    let mut claims = claims();
    (claims["iat"], claims["exp"]) = (json!(now - 60), json!(now + 3600));
    signer.token(&claims)
}

fn check(issuers: &Issuers, signer: &Signer) -> Option<TokenError> {
    issuers.verify(&token(signer), time::now()).err()
}

fn id() -> bartizan_core::Name {
    "idp".parse().unwrap()
}

/// Keeps keys fresh until it is dropped.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(issuers: &Arc<Issuers>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let task = tokio::spawn(Arc::clone(issuers).run(stopped));
        sleep(Duration::from_millis(1)).await;
        Self { stop: Some(stop), task }
    }

    async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_there_once_they_were_fetched() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    let issuers = by_url(&web);
    let error = check(&issuers, &first).unwrap();
    assert_eq!(error, TokenError::KeysNotLoaded { issuer: id() });
    assert_eq!(
        (error.class(), error.code()),
        (Class::Unavailable, "bartizan::identity::keys-not-loaded")
    );
    let failed = issuers.refresh(&id()).await.unwrap_err();
    assert!(matches!(failed, KeysError::Fetch { .. }), "{failed}");
    assert_eq!(failed.class(), Class::Unavailable);
    web.put(KEYS, document(&[&first]));
    issuers.refresh(&id()).await.unwrap();
    assert_eq!(check(&issuers, &first), None);
    let unknown = issuers.refresh(&"other".parse().unwrap()).await.unwrap_err();
    assert_eq!(
        (unknown.class(), unknown.code()),
        (Class::NotFound, "bartizan::identity::issuer-unknown")
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_replaces_the_old() {
    let (web, old, new) = (Arc::new(Web::default()), signer("k1"), signer("k2"));
    let issuers = by_url(&web);
    let unknown = Some(TokenError::UnknownKey { issuer: id() });
    for (published, old_fine, new_fine) in
        [(vec![&old], true, false), (vec![&old, &new], true, true), (vec![&new], false, true)]
    {
        web.put(KEYS, document(&published));
        issuers.refresh(&id()).await.unwrap();
        for (signer, fine) in [(&old, old_fine), (&new, new_fine)] {
            assert_eq!(check(&issuers, signer), (!fine).then(|| unknown.clone()).flatten());
        }
    }
    // The same name does not make the same key.
    assert_eq!(check(&issuers, &signer("k2")), Some(TokenError::Signature));
}

#[tokio::test(start_paused = true)]
async fn old_keys_stay_in_force_for_a_day_and_no_longer() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    let issuers = by_url(&web);
    web.put(KEYS, document(&[&first]));
    issuers.refresh(&id()).await.unwrap();
    let fetched = time::now();
    for broken in ["", "{}", r#"{"keys":[]}"#, "<html>"] {
        web.put(KEYS, broken);
        let error = issuers.refresh(&id()).await.unwrap_err();
        assert!(matches!(error, KeysError::Document { .. }), "{error}");
        assert_eq!(check(&issuers, &first), None, "{broken}");
    }
    web.remove(KEYS);
    issuers.refresh(&id()).await.unwrap_err();
    let late = |seconds: i64| {
        let kept = SignedDuration::try_from(KEYS_KEPT).unwrap();
        let now: Timestamp = fetched + kept + SignedDuration::from_secs(seconds);
        let mut claims = claims();
        (claims["iat"], claims["exp"]) = (json!(now.as_second()), json!(now.as_second() + 60));
        issuers.verify(&first.token(&claims), now).err()
    };
    assert_eq!(late(-2), None);
    let stale = late(2).unwrap();
    assert_eq!(stale, TokenError::KeysStale { issuer: id() });
    assert_eq!(
        (stale.class(), stale.code()),
        (Class::Unavailable, "bartizan::identity::keys-stale")
    );
}

#[tokio::test(start_paused = true)]
async fn keys_of_the_policy_do_not_age_and_are_not_fetched() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    let issuers = Arc::new(new(IssuerKeys::Inline(document(&[&first])), &web).unwrap());
    let running = Running::start(&issuers).await;
    let start = Instant::now();
    issuers.wait_for_key(&token(&signer("k2"))).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    issuers.refresh(&id()).await.unwrap();
    let now = time::now() + SignedDuration::from_hours(24 * 365);
    let mut claims = claims();
    (claims["iat"], claims["exp"]) = (json!(now.as_second()), json!(now.as_second() + 60));
    assert!(issuers.verify(&first.token(&claims), now).is_ok());
    running.stop().await;
    assert_eq!(web.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_the_start_and_every_five_minutes() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    web.put(KEYS, document(&[&first]));
    let issuers = by_url(&web);
    let running = Running::start(&issuers).await;
    assert_eq!((web.asked(), check(&issuers, &first)), (1, None));
    let start = Instant::now();
    while web.asked() == 1 {
        sleep(Duration::from_secs(1)).await;
    }
    assert!(start.elapsed().abs_diff(REFRESH_EVERY) <= Duration::from_secs(1));
    sleep(REFRESH_EVERY * 10).await;
    assert_eq!(web.asked(), 12);
    running.stop().await;
    sleep(REFRESH_EVERY * 10).await;
    assert_eq!(web.asked(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_tried_again_soon_and_then_less_often() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    let issuers = by_url(&web);
    let running = Running::start(&issuers).await;
    assert_eq!(web.asked(), 1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(web.asked(), 2);
    sleep(Duration::from_secs(3600)).await;
    let asked = web.asked();
    // Ten to reach five minutes, and then one or two in five minutes.
    assert!((16..=34).contains(&asked), "{asked}");
    web.put(KEYS, document(&[&first]));
    sleep(REFRESH_EVERY).await;
    assert_eq!(check(&issuers, &first), None);
    // What went well is forgotten, and so is what went wrong before it.
    web.remove(KEYS);
    let asked = web.asked();
    while web.asked() == asked {
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(web.asked(), asked + 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_nobody_knows_is_fetched_at_once_and_once() {
    let web = Arc::new(Web::slow(Duration::from_millis(300)));
    let (old, new) = (signer("k1"), signer("k2"));
    web.put(KEYS, document(&[&old]));
    let issuers = by_url(&web);
    let running = Running::start(&issuers).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(web.asked(), 1);

    web.put(KEYS, document(&[&old, &new]));
    let token: Arc<str> = token(&new).into();
    let start = Instant::now();
    let waiting = (0..2000).map(|_| {
        let (issuers, token) = (Arc::clone(&issuers), Arc::clone(&token));
        tokio::spawn(async move {
            let error = issuers.verify(&token, time::now()).unwrap_err();
            assert!(matches!(error, TokenError::UnknownKey { .. }), "{error}");
            issuers.wait_for_key(&token).await;
            issuers.verify(&token, time::now()).map(drop)
        })
    });
    for waited in futures_util::future::join_all(waiting).await {
        assert_eq!(waited.unwrap(), Ok(()));
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(web.asked(), 2);
    // What was asked for was given: nothing is left that wakes the task once more.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(web.asked(), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_do_not_exist_cost_one_fetch_in_ten_seconds_and_nobody_waits_for_them() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    web.put(KEYS, document(&[&first]));
    let issuers = by_url(&web);
    let running = Running::start(&issuers).await;
    sleep(Duration::from_secs(30)).await;
    let (asked, made_up) = (web.asked(), signer("made-up"));
    let mut waited = Duration::ZERO;
    for _ in 0..1000 {
        let start = Instant::now();
        assert!(matches!(check(&issuers, &made_up), Some(TokenError::UnknownKey { .. })));
        issuers.wait_for_key(&token(&made_up)).await;
        waited += start.elapsed();
        assert!(start.elapsed() <= KEY_WAIT);
        sleep(Duration::from_millis(100)).await;
    }
    // 100 s and what was waited.
    let most = 1 + (Duration::from_secs(100) + waited).as_secs().div_ceil(10) as usize;
    let asked = web.asked() - asked;
    assert!(waited <= KEY_WAIT * asked as u32, "{waited:?}");
    assert!((8..=most).contains(&asked), "{asked} of {most}");
    assert_eq!(check(&issuers, &first), None);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_with_a_fetch_under_way_costs_no_other() {
    let web = Arc::new(Web::slow(Duration::from_secs(1)));
    let (old, new) = (signer("k1"), signer("k2"));
    web.put(KEYS, document(&[&old]));
    let issuers = by_url(&web);
    let running = Running::start(&issuers).await;
    while web.asked() == 1 {
        sleep(Duration::from_millis(100)).await;
    }
    web.put(KEYS, document(&[&old, &new]));
    assert!(matches!(check(&issuers, &new), Some(TokenError::UnknownKey { .. })));
    issuers.wait_for_key(&token(&new)).await;
    assert_eq!(check(&issuers, &new), None);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(web.asked(), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_two_seconds() {
    let (web, first) = (Arc::new(Web::default()), signer("k1"));
    web.put(KEYS, document(&[&first]));
    let issuers = by_url(&web);
    issuers.refresh(&id()).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    // No task fetches.
    let start = Instant::now();
    issuers.wait_for_key(&token(&signer("k2"))).await;
    assert_eq!(start.elapsed(), KEY_WAIT);
    let at_once = Instant::now();
    for other in [token(&first), "no token".to_owned(), "a.b.c".to_owned()] {
        issuers.wait_for_key(&other).await;
    }
    assert_eq!(at_once.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_under_way_is_waited_for_however_soon_it_is() {
    let web = Arc::new(Web::slow(Duration::from_secs(1)));
    let (issuers, id) = (by_url(&web), id());
    // The first of all, and another right behind it.
    for signer in [signer("k1"), signer("k2")] {
        web.put(KEYS, document(&[&signer]));
        let token = token(&signer);
        let waited = async {
            issuers.wait_for_key(&token).await;
            check(&issuers, &signer)
        };
        let (refreshed, found) = futures_util::future::join(issuers.refresh(&id), waited).await;
        refreshed.unwrap();
        assert_eq!(found, None);
    }
    let start = Instant::now();
    issuers.wait_for_key(&token(&signer("k1"))).await;
    assert_eq!(start.elapsed(), KEY_WAIT, "fetches that no token asked for do not count");
}

#[tokio::test(start_paused = true)]
async fn calls_that_meet_share_one_fetch() {
    let web = Arc::new(Web::slow(Duration::from_secs(1)));
    let issuers = by_url(&web);
    let id = id();
    let calls = (0..100).map(|_| issuers.refresh(&id));
    let outcomes = futures_util::future::join_all(calls).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(KeysError::Fetch { .. }))));
    assert_eq!(web.asked(), 1);
    // One that was given up leaves the way free.
    let given_up = tokio::time::timeout(Duration::from_millis(1), issuers.refresh(&id)).await;
    assert!(given_up.is_err());
    web.put(KEYS, document(&[&signer("k1")]));
    issuers.refresh(&id).await.unwrap();
    assert_eq!(web.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_has_an_end_and_a_size() {
    let web = Arc::new(Web::slow(Duration::from_secs(3600)));
    let start = Instant::now();
    let error = by_url(&web).refresh(&id()).await.unwrap_err();
    assert!(matches!(error, KeysError::TimedOut { .. }), "{error}");
    assert_eq!((start.elapsed(), error.class()), (Duration::from_secs(10), Class::Unavailable));

    let web = Arc::new(Web::default());
    web.put(KEYS, " ".repeat(DOCUMENT_BYTES as usize + 1));
    let error = by_url(&web).refresh(&id()).await.unwrap_err();
    assert!(matches!(error, KeysError::TooLarge { .. }), "{error}");
    assert_eq!(error.code(), "bartizan::identity::keys-document");
}
