//! Each class by an example, and what becomes of everything that an event says.

mod schema;

use bartizan_core::channel::Channel;
use bartizan_core::id::RequestId;

use super::*;

const ID: &str = "01a1fc0f-dc43-7055-a583-2915f9bae685";
const LOG: &str = "bartizan.example/log";

/// A request to a model that was answered.
fn asked() -> Event {
    let id: RequestId = ID.parse().unwrap();
    Event {
        time: "2026-01-02T03:04:05.000006Z".to_owned(),
        principal: Some("alice@example.com".to_owned()),
        endpoint: Some("demo".to_owned()),
        provider: Some("openai".to_owned()),
        model: Some("gpt".to_owned()),
        policy: "b5f1a2c235a5".to_owned(),
        status: Some(200),
        tokens_in: Some(12),
        tokens_out: Some(30),
        nano_usd: Some(700),
        duration_us: Some(57_314),
        ..Event::new(id, "gateway", "chat-completions")
    }
}

fn finding(rule: &str, verdict: Verdict) -> FindingRecord {
    FindingRecord {
        category: "prompt-injection".to_owned(),
        channel: Channel::User,
        disguise: None,
        dry_run: false,
        exception: None,
        guardrail: "g-injection".to_owned(),
        pointer: "/messages/0/content".to_owned(),
        rule: rule.to_owned(),
        score: 0.95,
        turns: None,
        verdict,
    }
}

/// A request that was refused for what stands in it.
fn refused() -> Event {
    Event {
        verdict: Verdict::Block,
        outcome: Outcome::Refused,
        status: Some(400),
        rule: Some("g-injection".to_owned()),
        detail: Some("bartizan::gateway::blocked".to_owned()),
        findings: vec![
            finding("instruction-override", Verdict::Block),
            finding("prompt-extraction", Verdict::Flag),
        ],
        provider: None,
        tokens_in: None,
        tokens_out: None,
        nano_usd: None,
        ..asked()
    }
}

fn changed(operation: &str) -> Event {
    Event {
        principal: Some("sp:deploy".to_owned()),
        subject: Some("alice@example.com".to_owned()),
        outcome: Outcome::Changed,
        detail: Some("client key k1".to_owned()),
        ..Event { area: "admin".to_owned(), operation: operation.to_owned(), ..bare() }
    }
}

/// What every event has, and nothing else.
fn bare() -> Event {
    let id: RequestId = ID.parse().unwrap();
    let time = "2026-01-02T03:04:05.000006Z".to_owned();
    Event { time, ..Event::new(id, "gateway", "chat-completions") }
}

fn metadata_of(event: &Event, profiles: &[&str]) -> Value {
    json!({
        "version": "1.8.0",
        "product": {
            "name": "Bartizan",
            "vendor_name": "Bartizan",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "profiles": profiles,
        "uid": ID,
        "original_event_uid": "7",
        "original_time": "2026-01-02T03:04:05.000006Z",
        "event_code": event.operation,
        "log_name": LOG,
        "log_provider": "Bartizan",
        "log_version": "bartizan.event/v1",
    })
}

fn check(of: &Event, expected: &Value) {
    let found = event(of, 7, LOG);
    let (found, expected) = (fields(found), fields(expected.clone()));
    for (name, value) in &expected {
        assert_eq!(found.get(name), Some(value), "{name}");
    }
    let more: Vec<_> = found.keys().filter(|name| !expected.contains_key(*name)).collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn an_answer_is_the_activity_of_an_api() {
    let of = asked();
    check(
        &of,
        &json!({
            "activity_id": 1,
            "activity_name": "Create",
            "category_uid": 6,
            "category_name": "Application Activity",
            "class_uid": 6003,
            "class_name": "API Activity",
            "type_uid": 600_301,
            "type_name": "API Activity: Create",
            "severity_id": 1,
            "severity": "Informational",
            "status_id": 1,
            "status": "Success",
            "status_code": "200",
            "time": 1_767_323_045_000_i64,
            "timezone_offset": 0,
            "start_time": 1_767_323_045_000_i64,
            "end_time": 1_767_323_045_057_i64,
            "duration": 57,
            "message": "chat-completions: answered",
            "metadata": metadata_of(&of, &["security_control", "ai_operation"]),
            "actor": { "user": {
                "uid": "alice@example.com",
                "name": "alice@example.com",
                "email_addr": "alice@example.com",
                "type_id": 1,
                "type": "User",
            } },
            "api": {
                "operation": "chat-completions",
                "service": { "name": "bartizan-gateway" },
                "request": { "uid": ID },
                "response": { "code": 200 },
            },
            "resources": [{
                "uid": "demo",
                "name": "demo",
                "type": "Endpoint",
                "role_id": 1,
                "role": "Target",
            }],
            "src_endpoint": { "name": "unknown", "type_id": 0, "type": "Unknown" },
            "ai_model": { "name": "gpt", "ai_provider": "openai" },
            "message_context": {
                "uid": ID,
                "service": { "name": "openai" },
                "prompt_tokens": 12,
                "completion_tokens": 30,
                "total_tokens": 42,
            },
            "action_id": 1,
            "action": "Allowed",
            "disposition_id": 1,
            "disposition": "Allowed",
            "policy": { "type": "Guardrails and limits", "version": "b5f1a2c235a5" },
            "unmapped": {
                "area": "gateway",
                "duration_us": 57_314,
                "leaf_index": 7,
                "log": LOG,
                "nano_usd": 700,
                "outcome": "answered",
                "verdict": "allow",
            },
        }),
    );
}

#[test]
fn what_was_refused_for_its_text_is_a_finding() {
    let of = refused();
    let detector = |rule: &str| {
        json!({
            "uid": rule,
            "name": rule,
            "category": "prompt-injection",
            "type_id": 99,
            "type": "Detector",
        })
    };
    let seen = |rule: &str, verdict: &str| {
        json!({
            "category": "prompt-injection",
            "channel": "user",
            "guardrail": "g-injection",
            "pointer": "/messages/0/content",
            "rule": rule,
            "score": 0.95,
            "verdict": verdict,
        })
    };
    check(
        &of,
        &json!({
            "activity_id": 1,
            "activity_name": "Create",
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": 2004,
            "class_name": "Detection Finding",
            "type_uid": 200_401,
            "type_name": "Detection Finding: Create",
            "severity_id": 3,
            "severity": "Medium",
            "status_id": 1,
            "status": "New",
            "status_code": "400",
            "status_detail": "bartizan::gateway::blocked",
            "time": 1_767_323_045_000_i64,
            "timezone_offset": 0,
            "start_time": 1_767_323_045_000_i64,
            "end_time": 1_767_323_045_057_i64,
            "duration": 57,
            "message": "chat-completions: refused, by g-injection",
            "metadata": metadata_of(&of, &["security_control"]),
            "finding_info": {
                "uid": ID,
                "title": "prompt-injection blocked",
                "types": ["prompt-injection"],
                "created_time": 1_767_323_045_000_i64,
                "analytic": {
                    "uid": "g-injection",
                    "name": "g-injection",
                    "type_id": 1,
                    "type": "Rule",
                },
                "related_analytics":
                    [detector("instruction-override"), detector("prompt-extraction")],
            },
            "confidence_score": 95,
            "is_alert": true,
            "resources": [{
                "uid": "demo",
                "name": "demo",
                "type": "Endpoint",
                "role_id": 1,
                "role": "Target",
            }],
            "evidences": [{
                "name": "chat-completions",
                "actor": { "user": {
                    "uid": "alice@example.com",
                    "name": "alice@example.com",
                    "email_addr": "alice@example.com",
                    "type_id": 1,
                    "type": "User",
                } },
                "api": {
                    "operation": "chat-completions",
                    "service": { "name": "bartizan-gateway" },
                    "request": { "uid": ID },
                    "response": { "code": 400 },
                },
                "data": { "findings": [
                    seen("instruction-override", "block"),
                    seen("prompt-extraction", "flag"),
                ] },
            }],
            "action_id": 2,
            "action": "Denied",
            "disposition_id": 2,
            "disposition": "Blocked",
            "policy": {
                "name": "g-injection",
                "type": "Guardrails and limits",
                "version": "b5f1a2c235a5",
            },
            "unmapped": {
                "area": "gateway",
                "duration_us": 57_314,
                "leaf_index": 7,
                "log": LOG,
                "model": "gpt",
                "outcome": "refused",
                "verdict": "block",
            },
        }),
    );
}

#[test]
fn a_change_is_the_management_of_an_entity() {
    let of = changed("key-created");
    let alice = json!({
        "uid": "alice@example.com",
        "name": "alice@example.com",
        "email_addr": "alice@example.com",
        "type_id": 1,
        "type": "User",
    });
    check(
        &of,
        &json!({
            "activity_id": 1,
            "activity_name": "Create",
            "category_uid": 3,
            "category_name": "Identity & Access Management",
            "class_uid": 3004,
            "class_name": "Entity Management",
            "type_uid": 300_401,
            "type_name": "Entity Management: Create",
            "severity_id": 2,
            "severity": "Low",
            "status_id": 1,
            "status": "Success",
            "status_detail": "client key k1",
            "time": 1_767_323_045_000_i64,
            "timezone_offset": 0,
            "message": "key-created: changed",
            "metadata": metadata_of(&of, &[]),
            "actor": { "user": {
                "uid": "sp:deploy",
                "name": "sp:deploy",
                "type_id": 4,
                "type": "Service",
            } },
            "comment": "client key k1",
            "entity": { "name": "client key k1", "type_id": 99, "type": "Key", "user": alice },
            "unmapped": {
                "area": "admin",
                "leaf_index": 7,
                "log": LOG,
                "outcome": "changed",
                "verdict": "allow",
            },
        }),
    );
}

#[test]
fn what_the_log_says_of_itself_is_the_activity_of_a_log() {
    let of = Event {
        area: "ledger".to_owned(),
        outcome: Outcome::Changed,
        detail: Some("entries before 9".to_owned()),
        operation: "entries-removed".to_owned(),
        ..bare()
    };
    check(
        &of,
        &json!({
            "activity_id": 5,
            "activity_name": "Rotate",
            "category_uid": 1,
            "category_name": "System Activity",
            "class_uid": 1008,
            "class_name": "Event Log Activity",
            "type_uid": 100_805,
            "type_name": "Event Log Activity: Rotate",
            "severity_id": 2,
            "severity": "Low",
            "status_id": 1,
            "status": "Success",
            "status_detail": "entries before 9",
            "time": 1_767_323_045_000_i64,
            "timezone_offset": 0,
            "message": "entries-removed: changed",
            "metadata": metadata_of(&of, &[]),
            "actor": { "app_name": "Bartizan" },
            "log_name": LOG,
            "log_provider": "Bartizan",
            "log_type_id": 2,
            "log_type": "Application",
            "unmapped": {
                "area": "ledger",
                "leaf_index": 7,
                "log": LOG,
                "outcome": "changed",
                "verdict": "allow",
            },
        }),
    );
}

#[test]
fn changes_name_what_they_are_about() {
    let entity_of = |operation: &str, more: Event| {
        let of = Event { endpoint: more.endpoint, subject: more.subject, ..changed(operation) };
        let found = event(&of, 7, LOG);
        (found["type_uid"].as_u64().unwrap(), found["entity"].clone())
    };
    let endpoint = Event { endpoint: Some("demo".to_owned()), ..bare() };
    let (kind, entity) = entity_of("endpoint-changed", endpoint.clone());
    assert_eq!(
        (kind, &entity),
        (300_403, &json!({ "name": "demo", "type_id": 99, "type": "Endpoint" }))
    );
    assert_eq!(entity_of("endpoint-removed", endpoint).0, 300_404);
    assert_eq!(entity_of("key-revoked", bare()).0, 300_409);
    let erased = Event { subject: Some("subject:AbC".to_owned()), ..bare() };
    let (kind, entity) = entity_of("subject-erased", erased);
    assert_eq!((kind, entity["type_id"].as_u64()), (300_404, Some(2)));
    let nobody =
        json!({ "uid": "subject:AbC", "name": "subject:AbC", "type_id": 0, "type": "Unknown" });
    assert_eq!(entity["user"], nobody);
}

#[test]
fn who_it_was_is_said_as_far_as_it_is_known() {
    let actor_of = |area: &str, principal: Option<&str>| {
        let principal = principal.map(str::to_owned);
        actor(&Event { area: area.to_owned(), principal, ..bare() })
    };
    assert_eq!(actor_of("gateway", None)["user"]["name"], "unknown");
    assert_eq!(actor_of("admin", None), json!({ "app_name": "Bartizan" }));
    for (principal, type_id, mail) in [
        ("alice@example.com", 1, true),
        ("alice", 1, false),
        ("alice@localhost", 1, false),
        ("älice@example.com", 1, false),
        ("sp:bot@example.com", 4, false),
        ("subject:AbC", 0, false),
    ] {
        let user = &actor_of("gateway", Some(principal))["user"];
        assert_eq!((&user["name"], &user["type_id"]), (&json!(principal), &json!(type_id)));
        assert_eq!(user["email_addr"].is_string(), mail, "{principal}");
    }
}

#[test]
fn a_finding_that_the_policy_lets_pass_is_suppressed() {
    let mut of = Event { findings: vec![finding("flood", Verdict::Allow)], ..asked() };
    of.findings[0].exception = Some("test data".to_owned());
    let found = event(&of, 7, LOG);
    assert_eq!((&found["class_uid"], &found["status"]), (&json!(2004), &json!("Suppressed")));
    assert_eq!((&found["is_alert"], &found["action"]), (&json!(false), &json!("Allowed")));
    assert_eq!(found["finding_info"]["title"], "prompt-injection let pass");
}

#[test]
fn what_was_done_about_it_is_said_in_the_words_of_security_controls() {
    let said = |outcome, verdict, status| {
        let found = control(&Event { outcome, verdict, status: Some(status), ..asked() });
        (found["action"].as_str().unwrap().to_owned(), found["disposition_id"].as_u64().unwrap())
    };
    for (outcome, verdict, status, action, disposition) in [
        (Outcome::Answered, Verdict::Allow, 200, "Allowed", 1),
        (Outcome::Answered, Verdict::Flag, 200, "Observed", 15),
        (Outcome::Answered, Verdict::Mask, 200, "Modified", 11),
        (Outcome::AnswerRefused, Verdict::Block, 200, "Denied", 2),
        (Outcome::Refused, Verdict::Block, 400, "Denied", 2),
        (Outcome::Refused, Verdict::Block, 401, "Denied", 26),
        (Outcome::Refused, Verdict::Allow, 400, "Denied", 25),
        (Outcome::Limited, Verdict::Allow, 429, "Denied", 2),
        (Outcome::UpstreamFailed, Verdict::Mask, 502, "Unknown", 27),
        (Outcome::Disconnected, Verdict::Allow, 499, "Allowed", 1),
    ] {
        let expected = (action.to_owned(), disposition);
        assert_eq!(said(outcome, verdict, status), expected, "{outcome:?} {verdict} {status}");
    }
}

#[test]
fn nothing_that_an_event_says_is_lost() {
    let mark = |name: &str| format!("mark-{name}");
    for whole in [asked(), refused()] {
        for area in ["gateway", "admin", "ledger", "tool"] {
            let of = Event {
                area: area.to_owned(),
                detail: Some(mark("detail")),
                endpoint: Some(mark("endpoint")),
                model: Some(mark("model")),
                limits_near: vec![mark("limits-near")],
                payload: Some(mark("payload")),
                not_evaluated: vec![mark("not-evaluated")],
                operation: mark("operation"),
                policy: mark("policy"),
                principal: Some(mark("principal")),
                provider: Some(mark("provider")),
                rule: Some(mark("rule")),
                subject: Some(mark("subject")),
                tokens_in: Some(1_234_567),
                tokens_out: Some(7_654_321),
                nano_usd: Some(9_876_543),
                ..whole.clone()
            };
            let text = event(&of, 7, LOG).to_string();
            for name in [
                "detail",
                "endpoint",
                "model",
                "payload",
                "not-evaluated",
                "operation",
                "policy",
                "principal",
                "provider",
                "rule",
                "subject",
            ] {
                assert!(text.contains(&mark(name)), "{area} {name}: {text}");
            }
            for number in ["1234567", "7654321", "9876543"] {
                assert!(text.contains(number), "{area} {number}: {text}");
            }
        }
    }
    // Changes that are known have places of their own.
    for operation in ["key-created", "endpoint-changed", "subject-erased"] {
        let of = Event { endpoint: Some("mark-endpoint".to_owned()), ..changed(operation) };
        let text = event(&of, 7, LOG).to_string();
        for mark in ["mark-endpoint", "alice@example.com", "client key k1", "sp:deploy"] {
            assert!(text.contains(mark), "{operation} {mark}: {text}");
        }
    }
}
