//! Every route of the table, asked by everyone who may come.

mod changes;
mod endpoints;
mod keys;
mod payloads;
mod people;
mod sessions;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use bartizan_core::access::Scope;
use bartizan_core::error::Class;
use bartizan_core::event::{Event, EventSink, Outcome, RecordError, Recorded};
use bartizan_core::host::HostPattern;
use bartizan_core::id::RequestId;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::verdict::Verdict;
use bartizan_store::{Hand, NewKey, Store};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{
    About, AdminError, Check, EventFilter, EventQuery, Hosts, LogFiles, LogWitness, Readiness,
    WitnessAnswer,
};
use stage::{Console, Fixed, Reply, assert_error, filter, refusal};

/// A request that succeeds on each route, when its sender may. `KEY` stands for the id of a key.
const REQUESTS: &[(&str, &str, &str, u16)] = &[
    ("GET", "/", "", 200),
    ("GET", "/console.css", "", 200),
    ("GET", "/login", "", 200),
    ("POST", "/login", "name=alice%40example.com&password=correct+horse&code=CODE", 303),
    ("GET", "/login/enrol", "", 200),
    ("POST", "/login/enrol", "code=ENROLMENT", 200),
    ("POST", "/login/provider", "", 200),
    // Nobody was sent anywhere.
    ("GET", "/login/callback", "", 401),
    ("POST", "/logout", "", 303),
    ("GET", "/sessions", "", 200),
    ("POST", "/sessions/{id}/end", "", 303),
    ("GET", "/healthz", "", 200),
    ("GET", "/readyz", "", 200),
    ("GET", "/metrics", "", 200),
    ("GET", "/api/v1/keys", "", 200),
    ("POST", "/api/v1/keys", r#"{"name":"sp:bot","scope":"client"}"#, 201),
    ("DELETE", "/api/v1/keys/{id}", "", 200),
    ("POST", "/api/v1/keys/{id}/replace", "{}", 201),
    ("GET", "/api/v1/endpoints", "", 200),
    ("GET", "/api/v1/endpoints/{name}", "", 200),
    ("PUT", "/api/v1/endpoints/{name}", r#"{"routes":[]}"#, 200),
    ("DELETE", "/api/v1/endpoints/{name}", "", 200),
    ("GET", "/ledger/checkpoint", "", 200),
    ("GET", "/ledger/tile/{level}/{*rest}", "", 200),
    ("GET", "/ledger/tile/entries/{*rest}", "", 200),
    ("GET", "/api/v1/changes", "", 200),
    ("GET", "/api/v1/changes/{id}", "", 200),
    ("POST", "/api/v1/changes/{id}/approve", "", 200),
    ("POST", "/api/v1/changes/{id}/reject", "", 200),
    ("GET", "/api/v1/events", "", 200),
    ("GET", "/api/v1/inference/{request_id}", "", 200),
    ("POST", "/ledger/witness/add-checkpoint", "old 0", 200),
];

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    assert_eq!(REQUESTS.len(), ROUTES.len());
    for route in ROUTES {
        let found = REQUESTS
            .iter()
            .find(|(method, path, ..)| *path == route.path && filter(method) == route.method);
        let (method, path, body, success) =
            found.unwrap_or_else(|| panic!("no request for {:?} {}", route.method, route.path));
        for who in Who::ALL {
            let console = Console::new();
            let path = console.path(path);
            let mut request = console.request(method, &path, body);
            if let Some(value) = console.authorization(who) {
                request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            let events_before = console.sink.events.lock().len();
            let reply = console.send(request).await;
            let expected = match (who_may(method, route.path), who) {
                _ if is_page(route) => of_page(route.path, who, *success),
                (Who::EVERYBODY, _) => *success,
                (those, _) if those.contains(&who) => *success,
                (_, Who::Client | Who::Operator | Who::Auditor | Who::Viewer) => 403,
                (_, _) => 401,
            };
            let context = format!("{method} {path} as {who:?}: {}", reply.text());
            assert_eq!(reply.status, expected, "{context}");
            assert!(reply.header("content-security-policy").contains("default-src 'self'"));
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{context}");
            assert_eq!(reply.header("cache-control"), "no-store", "{context}");
            reply.header("x-bartizan-request-id").parse::<RequestId>().unwrap();
            assert!(!reply.headers.contains_key("access-control-allow-origin"), "{context}");

            let events = console.sink.events.lock().split_off(events_before);
            match expected {
                _ if is_page(route) => {
                    assert!(expected == 303 || reply.text().starts_with("<!doctype html>"));
                    assert!(events.len() <= 1, "{context}");
                    assert_eq!(
                        who == Who::Client && expected == 403,
                        events.first().is_some_and(|event| event.operation == "refused"),
                        "{context}"
                    );
                }
                401 => {
                    assert!(reply.header("www-authenticate").starts_with("Bearer"), "{context}");
                    assert_error(&reply);
                    assert_eq!(events, [], "{context}");
                }
                403 => {
                    assert_error(&reply);
                    assert_eq!(events.len(), 1, "{context}");
                    assert_eq!(events[0].verdict, Verdict::Block);
                    assert_eq!(events[0].principal.as_deref(), Some(who.name()));
                }
                // Who reads what somebody asked is told on.
                _ if route.path.starts_with("/api/v1/inference/") && expected == 200 => {
                    payloads::assert_noted(&events, who, &context);
                }
                // Who witnesses a log changes nothing here, and says nothing of its own.
                _ if route.path.starts_with("/ledger/") => assert_eq!(events, [], "{context}"),
                _ if *method != "GET" => {
                    assert_eq!(events.len(), 1, "{context}");
                    let event = &events[0];
                    assert_eq!(event.outcome, Outcome::Changed, "{context}");
                    assert_eq!(event.area, "admin", "{context}");
                    assert_eq!(event.principal.as_deref(), Some(who.name()), "{context}");
                    assert_eq!(event.status, Some(expected), "{context}");
                    assert_eq!(
                        event.request_id.to_string(),
                        reply.header("x-bartizan-request-id"),
                        "{context}"
                    );
                }
                _ => assert_eq!(events, [], "{context}"),
            }
        }
    }
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let big = format!(r#"{{"name":"{}"}}"#, "x".repeat(crate::api::BODY_BYTES));
    let deep = "[".repeat(100_000);
    let keys = "/api/v1/keys";
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        ("POST", keys, "", 400, "console::json"),
        ("POST", keys, &deep, 400, "console::json"),
        ("POST", keys, "{}", 400, "`name`"),
        ("POST", keys, r#"{"name":"a","scope":"root"}"#, 400, "`scope`"),
        ("POST", keys, r#"{"name":"a b","scope":"client"}"#, 400, "`name`"),
        ("POST", keys, r#"{"name":"a","scope":"client","admin":true}"#, 400, "`admin`"),
        ("POST", keys, r#"{"name":"a","name":"b","scope":"client"}"#, 400, "duplicate"),
        ("POST", keys, r#"{"name":"a","scope":"client","expires_in":"0s"}"#, 400, "expires_in"),
        ("POST", keys, r#"{"name":"a","scope":"client","expires_in":"9999d"}"#, 400, "3650d"),
        ("POST", keys, &big, 413, "body-too-large"),
        ("DELETE", "/api/v1/keys/nobody", "", 404, "key-not-found"),
        ("DELETE", "/api/v1/keys/%FF", "", 404, "not-found"),
        ("GET", "/api/v1/endpoints/nowhere", "", 404, "no such endpoint"),
        ("GET", "/api/v1/endpoints/a%20b", "", 400, "is not allowed here"),
        ("PUT", "/api/v1/endpoints/main", "[]", 400, "console::json"),
        ("PUT", "/api/v1/endpoints/main", r#"{"wrong":1}"#, 400, "unknown key"),
        ("GET", "/api/v1/events?limit=0", "", 400, "`limit`"),
        ("GET", "/api/v1/events?limit=1001", "", 400, "`limit`"),
        ("GET", "/api/v1/events?since=yesterday", "", 400, "`since`"),
        ("GET", "/api/v1/events?sinse=1h", "", 400, "console::query"),
        ("GET", "/nowhere", "", 404, "console::not-found"),
        ("PATCH", "/api/v1/keys", "", 405, "method-not-allowed"),
        ("POST", "/healthz", "", 405, "method-not-allowed"),
        ("OPTIONS", "/api/v1/keys", "", 405, "method-not-allowed"),
    ];
    let console = Console::new();
    for (method, path, body, status, says) in cases {
        let reply = console.admin(method, path, body).await;
        let context = format!("{method} {path}: {}", reply.text());
        assert_eq!(reply.status, *status, "{context}");
        assert_error(&reply);
        assert!(reply.text().contains(says), "{context}");
        assert_eq!(reply.headers.contains_key("allow"), *status == 405, "{context}");
    }
    assert_eq!(*console.sink.events.lock(), [], "a change was recorded that never was");
}

#[tokio::test]
async fn other_names_in_the_host_header_are_refused() {
    let hosts: &[(&[&str], u16)] = &[
        (&["127.0.0.1:8081"], 200),
        (&["localhost"], 200),
        (&["console.example"], 200),
        (&["evil.example"], 421),
        (&["127.0.0.1", "evil.example"], 421),
        (&[], 421),
    ];
    let console = Console::new();
    for (values, status) in hosts {
        let mut request = console.request("GET", "/healthz", "");
        request.headers_mut().remove(header::HOST);
        for value in *values {
            request.headers_mut().append(header::HOST, value.parse().unwrap());
        }
        let reply = console.send(request).await;
        assert_eq!(reply.status, *status, "{values:?}");
    }
    let request = console.request("GET", "http://evil.example/healthz", "");
    assert_eq!(console.send(request).await.status, 421);
}

#[tokio::test]
async fn only_one_bearer_header_counts() {
    let console = Console::new();
    let admin = console.authorization(Who::Admin).unwrap();
    let key = admin.strip_prefix("Bearer ").unwrap();
    for (values, status) in [
        (vec![format!("bearer {key}")], 200),
        (vec![format!("Basic {key}")], 401),
        (vec![key.to_owned()], 401),
        (vec![admin.clone(), admin.clone()], 401),
        (vec!["Bearer ".to_owned()], 401),
    ] {
        let mut request = console.request("GET", "/api/v1/keys", "");
        for value in &values {
            request.headers_mut().append(header::AUTHORIZATION, value.parse().unwrap());
        }
        assert_eq!(console.send(request).await.status, status, "{} values", values.len());
    }
}

#[tokio::test]
async fn readiness_names_what_does_not_hold() {
    let mut console = Console::new();
    let checks = vec![
        Check { name: "policy", state: Ok(()) },
        Check { name: "event-log", state: Err("no space".to_owned()) },
    ];
    console.state.readiness = Arc::new(Fixed(checks));
    let reply = console.admin("GET", "/readyz", "").await;
    assert_eq!(reply.status, 503);
    let expected = json!({ "status": "not-ready", "checks": [
        { "name": "policy", "ok": true },
        { "name": "event-log", "ok": false, "detail": "no space" },
    ] });
    assert_eq!(reply.json(), expected);
    console.state.readiness = Arc::new(Fixed(Vec::new()));
    assert_eq!(console.admin("GET", "/readyz", "").await.status, 503);
}

#[tokio::test]
async fn bugs_are_not_shown_to_the_caller() {
    let console = Console::new();
    let reply = console.admin("GET", "/api/v1/endpoints/broken", "").await;
    assert_eq!(reply.status, 500);
    assert!(!reply.text().contains("private"), "{}", reply.text());
    let reply = console.admin("GET", "/api/v1/endpoints/panics", "").await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["error"]["code"], "bartizan::console::task");
}

#[tokio::test]
async fn the_log_is_served_by_the_paths_of_its_clients() {
    let console = Console::new();
    let get = |path: &str| console.send(console.request("GET", path, ""));
    let reply = get("/ledger/checkpoint").await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "a checkpoint\n"));
    assert_eq!(reply.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    let reply = get("/ledger/tile/0/x001/234.p/5").await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "tile/0/x001/234.p/5"));
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(get("/ledger/tile/9/000").await.status, 404);
    // Entries hold who asked for what.
    assert_eq!(get("/ledger/tile/entries/000").await.status, 401);
    // However it is spelt: segments are decoded behind the choice of the route.
    for path in [
        "%65ntries/000",
        "entries%2F000/x",
        "entries%2Fx001/234",
        "0%2F..%2Fentries/000",
        "0/..%2Fentries%2F000",
        "0/%2e%2e/entries/000",
        "%30/entries/000",
        "/entries/000",
    ] {
        let reply = get(&format!("/ledger/tile/{path}")).await;
        assert!(matches!(reply.status.as_u16(), 401 | 404), "{path}: {}", reply.text());
    }
    let reply = console.admin("GET", "/ledger/tile/entries/000.p/1", "").await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "tile/entries/000.p/1"));
}

#[tokio::test]
async fn events_are_asked_for_as_the_query_says() {
    let console = Console::new();
    let reply = console.admin("GET", "/api/v1/events?since=2h&limit=7", "").await.json();
    assert_eq!(reply["schema"], "bartizan.events/v1");
    let shown = &reply["events"][0];
    assert_eq!(shown["detail"], "limit 7", "{reply}");
    let since: jiff::Timestamp = shown["rule"].as_str().unwrap().parse().unwrap();
    let back = bartizan_core::time::now().duration_since(since);
    assert!((7_200..7_260).contains(&back.as_secs()), "{back}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_ends_the_request() {
    let console = Console::new();
    let admin = console.authorization(Who::Admin).unwrap();
    let body = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    let request = Request::post("/api/v1/keys")
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, admin)
        .body(Body::from_stream(body))
        .unwrap();
    let reply = tokio::time::timeout(REQUEST_TIMEOUT * 2, console.send(request)).await.unwrap();
    assert_eq!(reply.status, 408);
    assert_error(&reply);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Malformed,
    Unknown,
    /// An admin of another installation.
    ForeignAdmin,
    Client,
    RevokedAdmin,
    ExpiredAdmin,
    Viewer,
    Auditor,
    Operator,
    Admin,
}

impl Who {
    /// Stands for all of them, and whoever else there may be.
    const EVERYBODY: &[Self] = &[];
    const ALL: [Self; 11] = [
        Self::Nobody,
        Self::Malformed,
        Self::Unknown,
        Self::ForeignAdmin,
        Self::Client,
        Self::RevokedAdmin,
        Self::ExpiredAdmin,
        Self::Viewer,
        Self::Auditor,
        Self::Operator,
        Self::Admin,
    ];

    /// Whose key it is.
    fn name(self) -> &'static str {
        match self {
            Self::Client => "sp:caller",
            Self::Viewer => "viewer@example.com",
            Self::Auditor => "auditor@example.com",
            Self::Operator => "operator@example.com",
            Self::Admin => "root@example.com",
            other => panic!("{other:?} is nobody"),
        }
    }
}

/// Whether people with a browser are meant.
fn is_page(route: &Route) -> bool {
    matches!(route.access, Access::OwnPage | Access::Somebody) || route.path.starts_with("/login")
}

/// What a page answers to the holder of a key.
fn of_page(path: &str, who: Who, success: u16) -> u16 {
    let is_known = matches!(who, Who::Viewer | Who::Auditor | Who::Operator | Who::Admin);
    match path {
        _ if path.starts_with("/login") => success,
        // Whoever has no key is sent to sign in.
        "/sessions" if who == Who::Nobody => 303,
        _ if who == Who::Client => 403,
        _ if !is_known => 401,
        "/sessions" => success,
        // A key is no session.
        "/logout" => 401,
        // Whoever may end keys may end sessions; others see those of their own alone.
        _ if who == Who::Admin => success,
        _ => 404,
    }
}

/// Said here once more, so that a slip in the table or in the rights of a scope does not change what is expected.
fn who_may(method: &str, path: &str) -> &'static [Who] {
    match (method, path) {
        (
            "GET",
            "/api/v1/keys"
            | "/api/v1/events"
            | "/api/v1/changes"
            | "/api/v1/changes/{id}"
            | "/ledger/tile/entries/{*rest}",
        ) => &[Who::Auditor, Who::Operator, Who::Admin],
        ("GET", "/api/v1/endpoints" | "/api/v1/endpoints/{name}") => {
            &[Who::Viewer, Who::Auditor, Who::Operator, Who::Admin]
        }
        ("GET", path) if path.starts_with("/api/v1/inference/") => &[Who::Admin],
        _ if path.starts_with("/api/") => &[Who::Operator, Who::Admin],
        _ => Who::EVERYBODY,
    }
}
