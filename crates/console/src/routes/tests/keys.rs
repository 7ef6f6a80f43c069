//! Keys by the admin API: who may hand out which, and what takes the place of one.

use super::*;

#[tokio::test]
async fn an_operator_hands_out_and_takes_away_client_keys_alone() {
    let console = Console::new();
    let as_operator = async |method: &str, path: &str, body: &str| {
        let mut request = console.request(method, path, body);
        let authorization = console.authorization(Who::Operator).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
        console.send(request).await
    };
    let keys = console.admin("GET", "/api/v1/keys", "").await.json();
    let of = |name: &str| {
        let keys = keys["keys"].as_array().unwrap().iter();
        keys.clone().find(|key| key["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    for scope in ["admin", "operator", "auditor", "viewer"] {
        let body = format!(r#"{{"name":"mallory@example.com","scope":"{scope}"}}"#);
        assert_eq!(as_operator("POST", "/api/v1/keys", &body).await.status, 403, "{scope}");
    }
    for name in ["root@example.com", "viewer@example.com"] {
        let path = format!("/api/v1/keys/{}", of(name));
        assert_eq!(as_operator("DELETE", &path, "").await.status, 403, "{name}");
        let path = format!("{path}/replace");
        assert_eq!(as_operator("POST", &path, "{}").await.status, 403, "{name}");
    }
    // Each is in the log, and nothing else happened.
    let events = console.sink.events.lock().clone();
    assert_eq!(events.iter().filter(|event| event.operation == "refused").count(), 8);
    assert_eq!(console.admin("GET", "/api/v1/keys", "").await.json()["keys"], keys["keys"]);
    let path = format!("/api/v1/keys/{}", of("other@example.com"));
    assert_eq!(as_operator("DELETE", &path, "").await.status, 200);
}

#[tokio::test]
async fn a_key_that_takes_the_place_of_another_is_like_it_and_the_other_ends() {
    let console = Console::new();
    let body = r#"{"name":"sp:bot","scope":"client","note":"batch","endpoints":["main"]}"#;
    let old = console.admin("POST", "/api/v1/keys", body).await.json();
    let id = old["id"].as_str().unwrap();
    let path = format!("/api/v1/keys/{id}/replace");
    let reply = console.admin("POST", &path, r#"{"overlap":"1h","expires_in":"90d"}"#).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let new = reply.json();
    for field in ["name", "scope", "note", "endpoints"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    assert_eq!(new["replaces"], id);
    let works = |made: &Value| {
        let key = Secret::new(made["key"].as_str().unwrap());
        console.state.identify.identify(&key).is_ok()
    };
    assert!(works(&old) && works(&new));
    let keys = console.admin("GET", "/api/v1/keys", "").await.json();
    let listed = keys["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap();
    let end: jiff::Timestamp = listed["expires"].as_str().unwrap().parse().unwrap();
    let left = end.duration_since(bartizan_core::time::now()).as_secs();
    assert!((3_500..=3_600).contains(&left), "{left}");

    console.admin("DELETE", &format!("/api/v1/keys/{id}"), "").await;
    let again = console.admin("POST", &path, "{}").await;
    assert_eq!(again.status, 400, "{}", again.text());
    assert_eq!(again.json()["error"]["code"], "bartizan::store::key-ended");
    assert_eq!(console.admin("POST", "/api/v1/keys/none/replace", "{}").await.status, 404);
    for body in [r#"{"overlap":"soon"}"#, r#"{"overlap":"0s"}"#, r#"{"more":1}"#] {
        assert_eq!(console.admin("POST", &path, body).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn a_new_key_is_shown_once_works_and_is_in_no_event() {
    let console = Console::new();
    let body =
        r#"{"name":"alice@example.com","scope":"client","note":"laptop","expires_in":"30d"}"#;
    let reply = console.admin("POST", "/api/v1/keys", body).await;
    assert_eq!(reply.status, 201);
    let made = reply.json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("bzc_") && key.len() == 47, "{made}");
    assert_eq!(made["name"], "alice@example.com");
    let identity = console.state.identify.identify(&Secret::new(key)).unwrap();
    assert_eq!(identity.key_id, made["id"]);

    let listed = console.admin("GET", "/api/v1/keys", "").await;
    assert!(!listed.text().contains(key) && listed.text().contains("laptop"));
    let events = console.sink.events.lock().clone();
    assert_eq!(events.last().unwrap().operation, "key-created");
    let events = serde_json::to_string(&events).unwrap();
    assert!(!events.contains(key.strip_prefix("bzc_").unwrap()), "{events}");

    let path = format!("/api/v1/keys/{}", identity.key_id);
    let revoked = console.admin("DELETE", &path, "").await.json();
    assert!(revoked["revoked"].is_string() && revoked.get("key").is_none(), "{revoked}");
    assert!(console.state.identify.identify(&Secret::new(key)).is_err());
}

#[tokio::test]
async fn a_key_that_cannot_be_recorded_does_not_come_into_being() {
    let console = Console::new();
    console.sink.full.store(true, Ordering::SeqCst);
    let body = r#"{"name":"sp:bot","scope":"admin"}"#;
    let reply = console.admin("POST", "/api/v1/keys", body).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!(reply.json()["error"]["code"], "bartizan::console::not-recorded");
    assert!(!reply.text().contains("bza_"));
    let keys = console.state.store.list_keys().unwrap();
    assert!(keys.last().unwrap().revoked.is_some());
}

#[tokio::test]
async fn a_revocation_holds_even_when_it_cannot_be_recorded() {
    let console = Console::new();
    console.sink.full.store(true, Ordering::SeqCst);
    let path = format!("/api/v1/keys/{}", console.other_key);
    let reply = console.admin("DELETE", &path, "").await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("in force"), "{}", reply.text());
    let keys = console.state.store.list_keys().unwrap();
    let key = keys.iter().find(|key| key.id == console.other_key).unwrap();
    assert!(key.revoked.is_some());
}

#[tokio::test]
async fn the_last_admin_key_stays() {
    let console = Console::new();
    let keys = console.state.store.list_keys().unwrap();
    let own = keys.iter().find(|key| key.name == "root@example.com").unwrap();
    let reply = console.admin("DELETE", &format!("/api/v1/keys/{}", own.id), "").await;
    assert_eq!(reply.status, 409, "{}", reply.text());
}
