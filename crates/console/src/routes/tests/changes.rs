//! Changes that wait for a second person, by the admin API.

use bartizan_store::{ChangeKind, NewChange, endpoint_digest};

use super::*;

/// A change that makes an endpoint of a store that has none.
pub(super) fn of(name: &str, by: Hand) -> NewChange {
    NewChange {
        kind: ChangeKind::EndpointPut,
        name: name.to_owned(),
        body: r#"{"routes":[]}"#.to_owned(),
        against: endpoint_digest(None),
        target: String::new(),
        proposer: Some(by),
        weaknesses: json!([
            { "kind": "limit-raised", "endpoint": name, "rule": "l-a", "words": "limit `l-a` raises the amount" },
            { "kind": "dry-run", "endpoint": name, "rule": "g-a", "words": "guardrail `g-a` only says" },
            { "kind": "dry-run", "endpoint": name, "rule": "g-b", "words": "guardrail `g-b` only says" },
        ])
        .to_string(),
        expires: bartizan_core::time::now() + Duration::from_hours(1),
    }
}

impl Console {
    async fn ask(&self, key: &Secret, method: &str, path: &str, body: &str) -> Reply {
        let mut request = self.request(method, path, body);
        let value = format!("Bearer {}", key.expose()).parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
        self.send(request).await
    }

    fn last_event(&self) -> Event {
        self.sink.events.lock().last().unwrap().clone()
    }
}

#[tokio::test]
async fn what_weakens_waits_for_another_person_and_the_log_says_each_step() {
    let console = Console::new();
    let weaker = r#"{"weaker":true}"#;
    let asked = console.ask(&console.operator, "PUT", "/api/v1/endpoints/new", weaker).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let change = asked.json();
    let id = change["id"].as_str().unwrap().to_owned();
    assert_eq!((&change["state"], &change["approvals_missing"]), (&json!("waiting"), &json!(1)));
    assert_eq!(change["proposer"], "operator@example.com");
    assert_eq!(change["weaker"][0]["words"], "limit `l-a` raises the amount");
    let event = console.last_event();
    assert_eq!((event.operation.as_str(), event.status), ("change-proposed", Some(202)));
    assert_eq!(event.endpoint.as_deref(), Some("new"));
    assert_eq!(event.detail, Some(format!("change {id}: dry-run, limit-raised")));
    // The same again is the same change, and nothing new happened.
    let count = console.sink.events.lock().len();
    let again = console.ask(&console.operator, "PUT", "/api/v1/endpoints/new", weaker).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (202, &json!(id)));
    assert_eq!(console.sink.events.lock().len(), count);

    let shown = console.ask(&console.auditor, "GET", &format!("/api/v1/changes/{id}"), "").await;
    assert_eq!(shown.json()["schema"], "bartizan.change/v1");
    assert_eq!(shown.json()["body"], json!({ "routes": [] }));
    let listed = console.admin("GET", "/api/v1/changes", "").await.json();
    assert_eq!(listed["changes"][0]["id"], json!(id), "the newest first");
    assert_eq!(listed["changes"][0]["body"], Value::Null);

    let approve = format!("/api/v1/changes/{id}/approve");
    let own = console.ask(&console.operator, "POST", &approve, "").await;
    assert_eq!(
        (own.status.as_u16(), own.json()["error"]["code"].clone()),
        (403, json!("bartizan::store::same-person"))
    );
    assert_eq!(
        (console.last_event().operation.as_str(), console.last_event().verdict),
        ("refused", Verdict::Block)
    );
    let approved = console.admin("POST", &approve, "").await;
    assert_eq!(approved.status, 200, "{}", approved.text());
    assert_eq!(approved.json()["decider"], "root@example.com");
    assert_eq!(console.last_event().operation, "change-approved");
    let over = console.admin("POST", &approve, "").await;
    assert_eq!(
        (over.status.as_u16(), over.json()["error"]["code"].clone()),
        (409, json!("bartizan::store::change-over"))
    );
    let reject = console.admin("POST", &format!("/api/v1/changes/{id}/reject"), "").await;
    assert_eq!(reject.status, 409);
    assert_eq!(console.admin("GET", "/api/v1/changes/none", "").await.status, 404);
    let rejected =
        console.admin("POST", &format!("/api/v1/changes/{}/reject", console.change), "").await;
    assert_eq!(
        (rejected.status.as_u16(), console.last_event().operation.as_str()),
        (200, "change-rejected")
    );
}

#[tokio::test]
async fn a_key_that_the_proposer_made_approves_nothing_and_nor_does_a_program() {
    let console = Console::new();
    let asked = console.admin("PUT", "/api/v1/endpoints/new", r#"{"weaker":true}"#).await.json();
    let approve = format!("/api/v1/changes/{}/approve", asked["id"].as_str().unwrap());
    for (name, code) in [("mallory@example.com", "same-hand"), ("sp:ci", "no-person")] {
        let body = json!({ "name": name, "scope": "operator" }).to_string();
        let made = console.admin("POST", "/api/v1/keys", &body).await.json();
        assert!(made["maker"].is_string(), "{made}");
        let key = Secret::new(made["key"].as_str().unwrap());
        let refused = console.ask(&key, "POST", &approve, "").await;
        let expected = (403, json!(format!("bartizan::store::{code}")));
        assert_eq!((refused.status.as_u16(), refused.json()["error"]["code"].clone()), expected);
    }
    assert_eq!(console.ask(&console.operator, "POST", &approve, "").await.status, 200);
}

#[tokio::test]
async fn a_change_that_the_log_does_not_take_does_not_wait() {
    let console = Console::new();
    console.sink.full.store(true, Ordering::SeqCst);
    let asked = console.admin("PUT", "/api/v1/endpoints/new", r#"{"weaker":true}"#).await;
    assert_eq!(asked.status, 503);
    assert!(asked.text().contains("nothing was changed"), "{}", asked.text());
    let changes = console.admin("GET", "/api/v1/changes", "").await.json();
    assert_eq!(changes["changes"][0]["state"], "void", "{changes}");
}
