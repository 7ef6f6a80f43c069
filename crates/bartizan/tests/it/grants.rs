//! Short tokens: made of a key, bound to another, narrowed, and worth nothing to a thief.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::{Secret, time};
use bartizan_grants::{Narrowing, ProofKey, Reach, narrow};
use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::issuer::{Issuer, TokenKey};
use bartizan_testkit::upstream::{Script, Upstream};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Stage, chat};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const PATH: &str = "/v1/chat/completions";

pub(crate) async fn stage() -> Stage {
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         identity: {{ tokens: {{}} }}\n\
         providers:\n  p: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n  \
         ant: {{ anthropic: {{ base-url: \"{url}\", api-key: env:TEST_PROVIDER_KEY }} }}\n\
         prices: {{ m: {{ input: 1, output: 1 }} }}\n\
         endpoints:\n  one: {{ routes: [{{ provider: p, model: m }}, {{ provider: ant, model: m }}] }}\n  \
         two: {{ routes: [{{ provider: p, model: m }}] }}\n",
        url = upstream.url()
    );
    let stage = Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await;
    // Proofs of the second of the start may have been used before it.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    stage
}

/// What a form has.
type Members<'m> = Vec<(&'m str, &'m str)>;

/// A holder of tokens.
pub(crate) struct Holder<'s> {
    stage: &'s Stage,
    key: Arc<ProofKey>,
}

impl<'s> Holder<'s> {
    pub(crate) fn new(stage: &'s Stage) -> Self {
        Self { stage, key: Arc::new(ProofKey::generate().unwrap()) }
    }

    /// The same holder in front of another gateway.
    pub(crate) fn at<'o>(&self, stage: &'o Stage) -> Holder<'o> {
        Holder { stage, key: Arc::clone(&self.key) }
    }

    pub(crate) fn proof(&self, method: &str, path: &str, token: Option<&Secret>) -> String {
        let url = format!("{}{path}", self.stage.process.ready().gateway);
        match token {
            Some(token) => self.key.prove(method, &url, token, time::now()).unwrap(),
            None => self.key.prove_for_new(method, &url, time::now()).unwrap(),
        }
    }

    async fn form(&self, members: &[(&str, &str)], proof: Option<&str>) -> Answer {
        let form = serde_urlencoded::to_string(members).unwrap();
        let mut client = Client::new(self.stage.process.ready().gateway.clone());
        if let Some(proof) = proof {
            client = client.header("dpop", proof);
        }
        let client = client.header("content-type", "application/x-www-form-urlencoded");
        client.send(Method::POST, "/oauth/token", form).await.unwrap().whole().await.unwrap()
    }

    pub(crate) async fn exchange(&self, subject: &str, scope: &str) -> Answer {
        let members = [("grant_type", EXCHANGE), ("subject_token", subject), ("scope", scope)];
        self.form(&members, Some(&self.proof("POST", "/oauth/token", None))).await
    }

    /// A token of the client key of the stage.
    pub(crate) async fn token(&self, scope: &str) -> Secret {
        let answer = self.exchange(&client_key(self.stage), scope).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Secret::new(answer.json()["access_token"].as_str().unwrap())
    }

    async fn ask_with(&self, token: &Secret, proof: Option<&str>, endpoint: &str) -> Answer {
        let mut client = Client::new(self.stage.process.ready().gateway.clone())
            .header("authorization", &format!("DPoP {}", token.expose()));
        if let Some(proof) = proof {
            client = client.header("dpop", proof);
        }
        client.post_json(PATH, &chat(endpoint, "hello", false)).await.unwrap()
    }

    async fn ask(&self, token: &Secret, endpoint: &str) -> Answer {
        let proof = self.proof("POST", PATH, Some(token));
        self.ask_with(token, Some(&proof), endpoint).await
    }
}

fn client_key(stage: &Stage) -> String {
    stage.process.ready().client_key.clone().unwrap()
}

fn code(answer: &Answer) -> String {
    let body = answer.json();
    let code = if body["code"].is_string() { &body["code"] } else { &body["error"]["code"] };
    code.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_key_becomes_a_token_that_opens_what_was_asked_and_only_with_its_proof() {
    let stage = stage().await;
    let holder = Holder::new(&stage);
    let answer = holder.exchange(&client_key(&stage), "endpoint:one").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("DPoP"), &json!(900)));
    let token = Secret::new(body["access_token"].as_str().unwrap());
    let answer = holder.ask(&token, "one").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let event = stage.event(|event| event["request_id"] == id.as_str()).await;
    let exchange = stage.event(|event| event["operation"] == "token-exchange").await;
    assert_eq!(event["principal"], exchange["principal"]);
    assert_eq!(holder.ask(&token, "two").await.status, 403);
    // A thief has the token, and another key.
    let thief = Holder::new(&stage);
    let answer = thief.ask(&token, "one").await;
    assert_eq!(
        (answer.status.as_u16(), code(&answer).as_str()),
        (401, "bartizan::grants::proof-key")
    );
    for (proof, what) in [
        (None, "bartizan::tokens::unbound"),
        (Some(holder.proof("GET", PATH, Some(&token))), "bartizan::grants::proof-request"),
        (
            Some(holder.proof("POST", "/v1/messages", Some(&token))),
            "bartizan::grants::proof-request",
        ),
        (Some(holder.proof("POST", PATH, None)), "bartizan::grants::proof-"),
    ] {
        let answer = holder.ask_with(&token, proof.as_deref(), "one").await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(code(&answer).starts_with(what), "{what}: {}", answer.text());
        assert!(!answer.text().contains("bzt_"));
    }
    // A proof is good once.
    let proof = holder.proof("POST", PATH, Some(&token));
    assert_eq!(holder.ask_with(&token, Some(&proof), "one").await.status, 200);
    assert_eq!(holder.ask_with(&token, Some(&proof), "one").await.status, 401);
    // The console knows no tokens.
    let console = stage.process.console().bearer(token.expose());
    assert_eq!(console.get("/api/v1/keys").await.unwrap().status, 401);
}

#[tokio::test]
async fn a_holder_narrows_a_token_for_an_agent_and_cannot_widen_it() {
    let stage = stage().await;
    let holder = Holder::new(&stage);
    let token = holder.token("").await;
    assert_eq!(holder.ask(&token, "two").await.status, 200);
    let reach = Reach { endpoints: Some(["one".parse().unwrap()].into()), ..Reach::default() };
    let narrowing = Narrowing { reach, note: Some("agent".to_owned()), ..Narrowing::default() };
    let narrowed = narrow(&token, &narrowing).unwrap();
    assert_eq!(holder.ask(&narrowed, "one").await.status, 200);
    assert_eq!(holder.ask(&narrowed, "two").await.status, 403);
    let reach = Reach { endpoints: Some(["two".parse().unwrap()].into()), ..Reach::default() };
    let wider = Narrowing { reach, ..Narrowing::default() };
    assert!(narrow(&narrowed, &wider).is_err(), "nothing would be left");
    let mut bent = token.expose().to_owned();
    bent.replace_range(60..61, if &bent[60..61] == "A" { "B" } else { "A" });
    let answer = holder.ask(&Secret::new(bent), "one").await;
    assert_eq!(answer.status, 401, "{}", answer.text());
}

#[tokio::test]
async fn a_budget_is_drawn_on_by_every_token_that_was_made_of_it() {
    let stage = stage().await;
    let holder = Holder::new(&stage);
    let token = holder.token("tokens:2600").await;
    let narrowed = |number: u32| {
        let note = Some(format!("agent {number}"));
        narrow(&token, &Narrowing { note, ..Narrowing::default() }).unwrap()
    };
    // Each sets aside 1,024 tokens for an answer of unknown length, and uses few.
    let mut statuses = Vec::new();
    for number in 0..40 {
        let body = json!({
            "model": "one", "max_tokens": 1000,
            "messages": [{ "role": "user", "content": "x".repeat(2_000) }],
        });
        let token = narrowed(number);
        let proof = holder.proof("POST", PATH, Some(&token));
        let client = Client::new(stage.process.ready().gateway.clone())
            .header("authorization", &format!("DPoP {}", token.expose()))
            .header("dpop", &proof);
        let answer = client.post_json(PATH, &body).await.unwrap();
        statuses.push(answer.status.as_u16());
        if answer.status == 429 {
            assert!(answer.text().contains("token-budget"), "{}", answer.text());
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429));
    assert!(statuses.len() > 1 && statuses.len() < 6, "{statuses:?}");
}

#[tokio::test]
async fn a_token_ends_with_the_key_that_it_was_made_of() {
    let stage = stage().await;
    let holder = Holder::new(&stage);
    let new = json!({ "name": "sp:bot", "scope": "client", "endpoints": ["one"] });
    let made = stage.console.post_json("/api/v1/keys", &new).await.unwrap().json();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let answer = holder.exchange(key, "").await;
    let token = Secret::new(answer.json()["access_token"].as_str().unwrap());
    assert_eq!(holder.ask(&token, "one").await.status, 200);
    assert_eq!(holder.ask(&token, "two").await.status, 403, "the key does not open it");
    assert_eq!(holder.exchange(key, "endpoint:two").await.status, 403);
    let revoked =
        stage.console.send(Method::DELETE, &format!("/api/v1/keys/{id}"), "").await.unwrap();
    assert!(revoked.status.is_success());
    let began = Instant::now();
    while holder.ask(&token, "one").await.status != 401 {
        assert!(began.elapsed() < Duration::from_secs(1), "still good");
    }
}

#[tokio::test]
async fn a_token_made_of_one_of_an_issuer_ends_with_it_and_with_the_issuer() {
    let key = TokenKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await.unwrap();
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let policy = |issuers: &str| {
        format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             identity:\n  tokens: {{}}\n{issuers}providers: {{ demo: {{ demo: {{}} }} }}\n\
             endpoints: {{ one: {{ routes: [{{ provider: demo }}] }} }}\n"
        )
    };
    let corp = format!(
        "  issuers: [{{ id: corp, issuer: \"{}\", audiences: [bartizan], algorithms: [ES256] }}]\n",
        issuer.url()
    );
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with_policy(upstream, folder, &policy(&corp)).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let holder = Holder::new(&stage);
    let now = time::now().as_second();
    let claims = json!({
        "iss": issuer.url(), "aud": "bartizan", "sub": "alice@example.com", "iat": now, "exp": now + 120,
    });
    // The first that anybody sees of this issuer: its keys may be on their way, and are waited for.
    let answer = holder.exchange(&key.token(&claims), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lasts = answer.json()["expires_in"].as_u64().unwrap();
    assert!((60..=120).contains(&lasts), "no longer than what it is made of: {lasts}");
    let over = json!({
        "iss": issuer.url(), "aud": "bartizan", "sub": "alice@example.com", "iat": now - 60, "exp": now - 30,
    });
    // It is still taken, since clocks may be off, and nothing is made of it.
    let refused = holder.exchange(&key.token(&over), "").await;
    assert_eq!(
        (refused.status.as_u16(), code(&refused).as_str()),
        (400, "bartizan::grants::lifetime")
    );

    let token = Secret::new(answer.json()["access_token"].as_str().unwrap());
    let answer = holder.ask(&token, "one").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let event = stage.event(|event| event["request_id"] == id.as_str()).await;
    assert!(event["credential"].as_str().unwrap().starts_with("session:"), "{event}");

    std::fs::write(stage.folder.path().join("bartizan.yaml"), policy("")).unwrap();
    let began = Instant::now();
    while holder.ask(&token, "one").await.status != 401 {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", stage.process.stderr());
    }
    // Whose token it was is beyond doubt, so that the refusal is theirs and not that of a stranger.
    let refused =
        stage.event(|event| event["status"] == 401 && event["principal"] == "alice@example.com");
    assert_eq!(refused.await["outcome"], "refused");
}

#[tokio::test]
async fn a_session_that_was_ended_takes_all_its_tokens_along() {
    let stage = stage().await;
    let holder = Holder::new(&stage);
    let answer = holder.exchange(&client_key(&stage), "").await.json();
    let token = Secret::new(answer["access_token"].as_str().unwrap());
    let note = Some("agent".to_owned());
    let narrowed = narrow(&token, &Narrowing { note, ..Narrowing::default() }).unwrap();
    let other = holder.token("").await;
    assert_eq!(holder.ask(&narrowed, "one").await.status, 200);
    let path = format!("/api/v1/keys/session:{}", answer["session"].as_str().unwrap());
    let ended = stage.console.send(Method::DELETE, &path, "").await.unwrap();
    assert!(ended.status.is_success(), "{}", ended.status);
    for token in [&token, &narrowed] {
        assert_eq!(holder.ask(token, "one").await.status, 401);
    }
    assert_eq!(holder.ask(&other, "one").await.status, 200);
    let event = stage.event(|event| event["operation"] == "session-ended").await;
    assert!(event["detail"].as_str().unwrap().starts_with("session:"), "{event}");
    let unknown = "/api/v1/keys/session:x";
    let unknown = stage.console.send(Method::DELETE, unknown, "").await.unwrap();
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_token_is_said_in_the_words_of_oauth() {
    let stage = stage().await;
    let holder = Holder::new(&stage);
    let key = client_key(&stage);
    let admin = stage.process.ready().admin_key.clone().unwrap();
    let token = holder.token("").await;
    let good = [("grant_type", EXCHANGE), ("subject_token", key.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&good[..], more].concat();
    let cases: Vec<(Members<'_>, u16, &str)> = vec![
        (vec![], 400, "invalid_request"),
        (vec![("grant_type", "password"), ("subject_token", &key)], 400, "invalid_request"),
        (vec![("grant_type", EXCHANGE)], 400, "invalid_request"),
        (vec![("grant_type", EXCHANGE), ("subject_token", "bzc_x")], 401, "invalid_grant"),
        (vec![("grant_type", EXCHANGE), ("subject_token", &admin)], 403, "unauthorized_client"),
        (vec![("grant_type", EXCHANGE), ("subject_token", token.expose())], 400, "invalid_request"),
        (with(&[("scope", "everything")]), 400, "invalid_request"),
        (with(&[("scope", "tokens:many")]), 400, "invalid_request"),
        (with(&[("scope", "tool:*")]), 400, "invalid_request"),
        (with(&[("actor_token", "x")]), 400, "invalid_request"),
        (with(&[("requested_token_type", "urn:x")]), 400, "invalid_request"),
        (with(&[("expires_in", "0")]), 400, "invalid_request"),
    ];
    for (members, status, word) in cases {
        let proof = holder.proof("POST", "/oauth/token", None);
        let answer = holder.form(&members, Some(&proof)).await;
        assert_eq!(answer.status, status, "{members:?}: {}", answer.text());
        assert_eq!(answer.json()["error"], word, "{members:?}: {}", answer.text());
        assert!(!answer.text().contains("bza_") && !answer.text().contains("bzt_"));
    }
    let answer = holder.form(&good, None).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    let elsewhere = holder.proof("POST", "/v1/oauth/token", None);
    let answer = holder.form(&good, Some(&elsewhere)).await;
    assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{}", answer.text());
    let twice = holder.proof("POST", "/oauth/token", None);
    assert_eq!(holder.form(&good, Some(&twice)).await.status, 200);
    assert_eq!(holder.form(&good, Some(&twice)).await.status, 401);
    // Shorter than the policy says, never longer.
    let proof = holder.proof("POST", "/oauth/token", None);
    let long = holder.form(&with(&[("expires_in", "86400")]), Some(&proof)).await;
    assert_eq!(long.json()["expires_in"], 900);
    let none: Value = holder.form(&[("a", "b")], None).await.json();
    assert!(none["error_description"].as_str().unwrap().contains("grant_type"), "{none}");
}
