//! Tokens of an identity provider in place of keys, in front of a running gateway.

use std::time::{Duration, SystemTime};

use bartizan_testkit::http::Answer;
use bartizan_testkit::issuer::{Issuer, TokenKey};
use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::{Value, json};

use crate::support::{Stage, chat};

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Claims of a token for alice that is good for five minutes.
fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url(), "aud": "bartizan", "sub": "0042", "email": "alice@example.com",
        "email_verified": true, "groups": ["Data Analysts", "unknown here"], "iat": now(), "exp": now() + 300,
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn policy(issuer: &Issuer, more: &str) -> String {
    format!(
        r#"version: 1
listen: {{ gateway: "127.0.0.1:0", console: "127.0.0.1:0" }}
providers: {{ demo: {{ demo: {{}} }} }}
groups: {{ analysts: [], staff: [alice@example.com] }}
identity:
  issuers:
    - id: corp
      issuer: "{}"
      audiences: [bartizan]
      algorithms: [ES256]
      user: email
      groups: {{ claim: groups, map: {{ Data Analysts: analysts }} }}
      program: {{ claim: azp }}
{more}
endpoints:
  open: {{ routes: [{{ provider: demo }}] }}
  closed: {{ routes: [{{ provider: demo }}], allow: [analysts] }}
"#,
        issuer.url()
    )
}

async fn stage(issuer: &Issuer) -> Stage {
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy(issuer, "")).await
}

async fn ask(stage: &Stage, token: &str, endpoint: &str) -> Answer {
    let client = stage.process.gateway().bearer(token);
    client.post_json("/v1/chat/completions", &chat(endpoint, "hello", false)).await.unwrap()
}

fn code(answer: &Answer) -> String {
    answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_token_says_who_calls_and_what_they_may() {
    let key = TokenKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await.unwrap();
    let stage = stage(&issuer).await;
    let token = key.token(&claims(&issuer));
    let answer = ask(&stage, &token, "closed").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let event = stage.event(|event| event["request_id"] == id.as_str()).await;
    assert_eq!(event["principal"], "alice@example.com");
    // Without the group it is an endpoint like another.
    let token = key.token(&with(claims(&issuer), "groups", json!(["analysts"])));
    assert_eq!(ask(&stage, &token, "closed").await.status, 403);
    assert_eq!(ask(&stage, &token, "open").await.status, 200);
    let program =
        with(with(claims(&issuer), "azp", json!("batch")), "email", json!("bob@example.com"));
    let answer = ask(&stage, &key.token(&program), "closed").await;
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let event = stage.event(|event| event["request_id"] == id.as_str()).await;
    assert_eq!(event["principal"], "sp:bob@example.com");
    // A token calls models; where Bartizan is managed, nobody knows it.
    let console = stage.process.console().bearer(&token);
    assert_eq!(console.get("/api/v1/keys").await.unwrap().status, 401);
    // Keys go on to work.
    assert_eq!(stage.post("/v1/chat/completions", &chat("open", "hi", false)).await.status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_said_and_nothing_gets_through() {
    let key = TokenKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await.unwrap();
    let stage = stage(&issuer).await;
    let good = claims(&issuer);
    let stranger = TokenKey::es256("k1");
    let other = TokenKey::ed25519("k2");
    let plain = |alg: &str| key.token_with(&json!({ "alg": alg, "kid": "k1" }), &good);
    let unsigned = plain("none");
    let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
    for (token, part) in [
        (key.token(&with(good.clone(), "iss", json!("https://evil.example"))), "token-issuer"),
        (
            key.token(&with(good.clone(), "iss", json!(format!("{}/", issuer.url())))),
            "token-issuer",
        ),
        (key.token(&with(good.clone(), "aud", json!("other"))), "token-audience"),
        (key.token(&with(good.clone(), "aud", json!([]))), "token-audience"),
        (key.token(&with(good.clone(), "exp", json!(now() - 61))), "token-expired"),
        (key.token(&with(good.clone(), "nbf", json!(now() + 90))), "token-early"),
        (key.token(&with(good.clone(), "exp", json!(now() + 90_000))), "token-lives-too-long"),
        (key.token(&with(good.clone(), "exp", Value::Null)), "token-claim"),
        (key.token(&with(good.clone(), "email", json!("sp:root"))), "token-name"),
        (key.token(&with(good.clone(), "email_verified", json!(false))), "token-name"),
        (stranger.token(&good), "token-signature"),
        (plain("HS256"), "token-algorithm"),
        (plain("ES384"), "token-algorithm"),
        (plain("none"), "token-algorithm"),
        (format!("{unsigned}."), "token-"),
        (other.token(&good), "token-algorithm"),
        (key.token(&good) + "A", "token-"),
        ("eyJhbGciOiJub25lIn0.e30.".to_owned(), "token-"),
    ] {
        let answer = ask(&stage, &token, "open").await;
        assert_eq!(answer.status, 401, "{part} {token}: {}", answer.text());
        let code = code(&answer);
        assert!(code.contains(part), "{part}: {code}");
        // What a token says is not said back.
        for secret in ["alice", "evil.example", "0042"] {
            assert!(!answer.text().contains(secret), "{}", answer.text());
        }
    }
    // Within what clocks may be off, it is still good.
    let late = key.token(&with(good, "exp", json!(now() - 30)));
    assert_eq!(ask(&stage, &late, "open").await.status, 200);
    assert_eq!(issuer.fetched(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_first_used_and_an_old_one_ends() {
    let (first, second) = (TokenKey::es256("k1"), TokenKey::es256("k2"));
    let issuer = Issuer::start(&[&first]).await.unwrap();
    let stage = stage(&issuer).await;
    assert_eq!(ask(&stage, &first.token(&claims(&issuer)), "open").await.status, 200);
    issuer.have(&[&second]);
    assert_eq!(ask(&stage, &first.token(&claims(&issuer)), "open").await.status, 200);
    // Many at once cause one fetch.
    let token = second.token(&claims(&issuer));
    let before = issuer.fetched();
    let asked = (0..16).map(|_| ask(&stage, &token, "open"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(issuer.fetched(), before + 1);
    let ended = ask(&stage, &first.token(&claims(&issuer)), "open").await;
    assert_eq!(
        (ended.status.as_u16(), code(&ended)),
        (401, "bartizan::identity::token-key".into())
    );
    // An issuer that is away leaves its keys in force.
    issuer.set_away(true);
    assert_eq!(ask(&stage, &token, "open").await.status, 200);
}

#[tokio::test]
async fn an_issuer_that_is_away_at_the_start_is_said_and_asked_again() {
    let key = TokenKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await.unwrap();
    issuer.set_away(true);
    let stage = stage(&issuer).await;
    let token = key.token(&claims(&issuer));
    let answer = ask(&stage, &token, "open").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(code(&answer).ends_with("keys-not-loaded"), "{}", answer.text());
    issuer.set_away(false);
    let mut status = 503;
    for _ in 0..100 {
        status = ask(&stage, &token, "open").await.status.as_u16();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn issuers_come_and_go_with_the_policy() {
    let (key, other) = (TokenKey::es256("k1"), TokenKey::ed25519("k1"));
    let issuer = Issuer::start(&[&key]).await.unwrap();
    let second = Issuer::start(&[&other]).await.unwrap();
    let stage = stage(&issuer).await;
    let token = other.token(&claims(&second));
    assert!(code(&ask(&stage, &token, "open").await).ends_with("token-issuer"));
    let more = format!(
        "    - {{ id: second, issuer: \"{}\", audiences: [bartizan], algorithms: [EdDSA], user: sub }}",
        second.url()
    );
    let file = stage.folder.path().join("bartizan.yaml");
    std::fs::write(&file, policy(&issuer, &more)).unwrap();
    let mut status = 0;
    for _ in 0..100 {
        status = ask(&stage, &token, "open").await.status.as_u16();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, 200);
    assert_eq!(ask(&stage, &key.token(&claims(&issuer)), "open").await.status, 200);
    // The first key of a new issuer is there before the first token.
    std::fs::write(&file, policy(&issuer, "")).unwrap();
    for _ in 0..100 {
        status = ask(&stage, &token, "open").await.status.as_u16();
        if status == 401 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, 401);
}
