//! Budgets per tag: whose use it is, an administrator says and never a caller.

use std::time::SystemTime;

use bartizan_core::{Secret, time};
use bartizan_grants::ProofKey;
use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::issuer::{Issuer, TokenKey};
use bartizan_testkit::upstream::{Script, Upstream};
use http::Method;
use serde_json::{Value, json};

use crate::cli::Place;
use crate::support::{Stage, chat};

const CHAT: &str = "/v1/chat/completions";

/// Endpoints `one` and `two`; both are of the cost center 4711, `two` of the team of nobody besides.
async fn stage(more: &str) -> Stage {
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n  p: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }}\n\
         endpoints:\n  \
         one:\n    routes: [{{ provider: p, model: m }}]\n    tags: {{ cost-center: \"4711\" }}\n  \
         two:\n    routes: [{{ provider: p, model: m }}]\n    tags: {{ cost-center: \"4711\", team: nobody }}\n\
         {more}",
        upstream.url()
    );
    Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await
}

/// A client with a key that the admin API makes.
async fn client(stage: &Stage, name: &str, tags: &Value) -> Client {
    let body = json!({ "name": name, "scope": "client", "tags": tags });
    let made = stage.console.post_json("/api/v1/keys", &body).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(&made.json()["tags"], tags);
    stage.process.gateway().bearer(made.json()["key"].as_str().unwrap())
}

async fn ask(client: &Client, endpoint: &str) -> Answer {
    client.post_json(CHAT, &chat(endpoint, "hello", false)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_of_a_team_share_its_budget_over_all_endpoints_to_the_last() {
    let stage = stage("limits: [{ id: l-team, per: { tag: team }, requests: 9/h }]\n").await;
    let search = json!({ "team": "search" });
    let clients = [
        client(&stage, "sp:one", &search).await,
        client(&stage, "alice@example.com", &search).await,
    ];
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let client = clients[number % 2].clone();
            let endpoint = if number % 3 == 0 { "one" } else { "two" };
            tokio::spawn(async move { ask(&client, endpoint).await.status })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.unwrap() == 200);
    }
    assert_eq!(passed, 9);
    let ads = client(&stage, "sp:ads", &json!({ "team": "ads" })).await;
    assert_eq!(ask(&ads, "one").await.status, 200);
    let refused = ask(&clients[0], "one").await;
    assert!(refused.text().contains("limit `l-team` is reached"), "{}", refused.text());
}

#[tokio::test]
async fn who_has_no_tag_shares_a_counter_and_nothing_in_a_request_names_one() {
    let stage = stage("limits: [{ id: l-team, per: { tag: team }, requests: 2/h }]\n").await;
    let (one, other) = (
        client(&stage, "sp:one", &json!({})).await,
        client(&stage, "sp:other", &json!({ "project": "x" })).await,
    );
    assert_eq!(ask(&one, "one").await.status, 200);
    assert_eq!(ask(&other, "one").await.status, 200);
    for header in ["x-bartizan-tags", "x-tag-team", "x-bartizan-tag", "baggage"] {
        let client = one.clone().header(header, "team=search");
        let mut body = chat("one", "hello", false);
        body["metadata"] = json!({ "team": "search", "tags": { "team": "search" } });
        body["user"] = json!("team=search");
        body["tags"] = json!({ "team": "search" });
        assert_eq!(client.post_json(CHAT, &body).await.unwrap().status, 429, "{header}");
    }
    // An endpoint says it where the key does not, and is then counted by it.
    assert_eq!(ask(&one, "two").await.status, 200);
    let events = stage.decisions();
    let tags = |number: usize| events[number]["tags"].clone();
    assert_eq!(tags(0), json!({ "cost-center": "4711" }));
    assert_eq!(tags(1), json!({ "cost-center": "4711", "project": "x" }));
    assert_eq!(tags(events.len() - 1), json!({ "cost-center": "4711", "team": "nobody" }));
}

#[tokio::test]
async fn what_a_key_says_goes_before_what_an_endpoint_says() {
    let stage = stage("").await;
    let search = client(&stage, "sp:search", &json!({ "team": "search" })).await;
    assert_eq!(ask(&search, "two").await.status, 200);
    let event = stage.decisions().pop().unwrap();
    assert_eq!(event["tags"], json!({ "cost-center": "4711", "team": "search" }));
}

#[tokio::test]
async fn tags_that_make_no_sense_are_refused() {
    let stage = stage("").await;
    for tags in [
        json!({ "Team": "x" }),
        json!({ "team": "" }),
        json!({ "team": "a\nb" }),
        json!({ "team": 1 }),
        json!(
            (0..17)
                .map(|n| (format!("t{n}"), "x".to_owned()))
                .collect::<std::collections::BTreeMap<_, _>>()
        ),
    ] {
        let body = json!({ "name": "sp:x", "scope": "client", "tags": tags });
        let made = stage.console.post_json("/api/v1/keys", &body).await.unwrap();
        assert_eq!(made.status, 400, "{tags}: {}", made.text());
    }
    let body = json!({ "name": "x", "scope": "auditor", "tags": { "team": "x" } });
    assert_eq!(stage.console.post_json("/api/v1/keys", &body).await.unwrap().status, 400);
}

#[test]
fn the_command_line_gives_tags_keeps_them_and_lists_them() {
    let place = Place::new();
    place.write("bartizan.yaml", "version: 1\nproviders: { demo: { demo: {} } }\nendpoints: { e: { routes: [{ provider: demo }] } }\n");
    let key = |words: &[&str]| place.run(&[&["key"], words].concat(), "");
    let ran = key(&["create", "sp:bot", "--tag", "team=search", "--tag", "project=phase 2"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let listed =
        || -> Value { serde_json::from_str(&key(&["list", "--format", "json"]).stdout).unwrap() };
    let id = listed()["keys"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(key(&["replace", &id]).code, 0);
    let tags = json!({ "project": "phase 2", "team": "search" });
    let keys = listed();
    assert_eq!((&keys["keys"][0]["tags"], &keys["keys"][1]["tags"]), (&tags, &tags));
    let shown = key(&["list"]).stdout;
    assert!(shown.contains("[project=phase 2, team=search]"), "{shown}");
    for wrong in ["team", "Team=x", "team= x"] {
        let ran = key(&["create", "sp:bot", "--tag", wrong]);
        assert_eq!(ran.code, 2, "{wrong}");
        assert!(ran.stderr.contains("--tag team=search"), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_short_token_has_the_tags_of_its_key() {
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         identity: {{ tokens: {{}} }}\n\
         providers: {{ p: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }} }}\n\
         limits: [{{ id: l-team, per: {{ tag: team }}, requests: 1/h }}]\n\
         endpoints: {{ one: {{ routes: [{{ provider: p, model: m }}] }} }}\n",
        upstream.url()
    );
    let stage = Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await;
    // Proofs of the second of the start may have been used before it.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let body = json!({ "name": "sp:bot", "scope": "client", "tags": { "team": "search", "land": "Österreich" } });
    let made = stage.console.post_json("/api/v1/keys", &body).await.unwrap().json();
    let proofs = ProofKey::generate().unwrap();
    let gateway = stage.process.ready().gateway.clone();
    let form = serde_urlencoded::to_string([
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", made["key"].as_str().unwrap()),
    ])
    .unwrap();
    let proof =
        proofs.prove_for_new("POST", &format!("{gateway}/oauth/token"), time::now()).unwrap();
    let asking = Client::new(gateway.clone())
        .header("dpop", &proof)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer =
        asking.send(Method::POST, "/oauth/token", form).await.unwrap().whole().await.unwrap();
    let token = Secret::new(answer.json()["access_token"].as_str().unwrap());
    let ask = async || {
        let proof = proofs.prove("POST", &format!("{gateway}{CHAT}"), &token, time::now()).unwrap();
        let client = Client::new(gateway.clone())
            .header("authorization", &format!("DPoP {}", token.expose()))
            .header("dpop", &proof);
        client.post_json(CHAT, &chat("one", "hello", false)).await.unwrap()
    };
    assert_eq!(ask().await.status, 200);
    assert_eq!(ask().await.status, 429);
    // So has the key itself: they draw on one budget.
    let key = stage.process.gateway().bearer(made["key"].as_str().unwrap());
    assert_eq!(key.post_json(CHAT, &chat("one", "hello", false)).await.unwrap().status, 429);
    let event =
        stage.decisions().into_iter().find(|event| event["operation"] == "chat-completions");
    assert_eq!(event.unwrap()["tags"], json!({ "land": "Österreich", "team": "search" }));
}

#[tokio::test]
async fn a_claim_of_a_token_is_a_tag_and_a_token_without_it_is_not_taken() {
    let key = TokenKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await.unwrap();
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let policy = format!(
        r#"version: 1
listen: {{ gateway: "127.0.0.1:0", console: "127.0.0.1:0" }}
providers: {{ demo: {{ demo: {{}} }} }}
identity:
  issuers:
    - {{ id: corp, issuer: "{}", audiences: [bartizan], algorithms: [ES256], tags: {{ team: department }} }}
endpoints:
  e:
    routes: [{{ provider: demo }}]
    limits: [{{ id: l-team, per: {{ tag: team }}, requests: 1/h }}]
"#,
        issuer.url()
    );
    let stage = Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let token = |name: &str, department: Value| {
        let mut claims = json!({
            "iss": issuer.url(), "aud": "bartizan", "sub": name, "iat": now, "exp": now + 300,
        });
        if !department.is_null() {
            claims["department"] = department;
        }
        key.token(&claims)
    };
    let ask = async |token: String| {
        let client = stage.process.gateway().bearer(&token);
        client.post_json(CHAT, &chat("e", "hello", false)).await.unwrap()
    };
    assert_eq!(ask(token("alice", json!("Search & Ads"))).await.status, 200);
    assert_eq!(ask(token("bob", json!("Search & Ads"))).await.status, 429);
    assert_eq!(ask(token("bob", json!("Legal"))).await.status, 200);
    for wrong in [Value::Null, json!(""), json!(["Legal"]), json!(7), json!("a\u{202e}b")] {
        let answer = ask(token("carol", wrong.clone())).await;
        assert_eq!(answer.status, 401, "{wrong}: {}", answer.text());
        assert!(answer.text().contains("token-claim"), "{}", answer.text());
    }
    let events = stage.decisions();
    assert_eq!(events[0]["tags"], json!({ "team": "Search & Ads" }));
}
