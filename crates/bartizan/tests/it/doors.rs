//! Requests that are turned away: each with an id, in the words of its protocol, and with an event
//! where one is due; and those that would let a provider read what no guardrail sees.

use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::upstream::{Script, Upstream};
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Stage, WORD_GUARD, chat, messages, responses};

fn id(answer: &Answer) -> String {
    let id = answer.header("x-bartizan-request-id").unwrap_or_else(|| panic!("{}", answer.text()));
    assert_eq!(answer.header("x-bartizan-decision"), Some("block"), "{}", answer.text());
    id.to_owned()
}

async fn send(client: &Client, method: Method, path: &str) -> Answer {
    client.send(method, path, "").await.unwrap().whole().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_turned_away_gets_an_id_to_quote() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let stranger = Client::new(stage.process.ready().gateway.clone());
    let nowhere = send(&stranger, Method::POST, "/v2/chat").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.text().contains(&id(&nowhere)));
    let wrong = send(&stranger, Method::GET, "/v1/messages").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, Some("POST")));
    assert_eq!(wrong.json()["type"], "error", "{}", wrong.text());
    id(&wrong);
    let big = stranger.clone().header("x-big", &"x".repeat(40 << 10));
    let big = send(&big, Method::POST, "/v1/chat/completions").await;
    assert_eq!(big.status, 431);
    id(&big);
    let keyless = stranger.post_json("/v1/responses", &responses("open", "hi", false)).await;
    let keyless = keyless.unwrap();
    assert_eq!(
        (keyless.status.as_u16(), keyless.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    id(&keyless);
    let metrics = stage.process.console().get("/metrics").await.unwrap().text();
    let counted = r#"bartizan_requests_total{operation="none",endpoint="",verdict="block",outcome="refused"} 3"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("bartizan_requests_in_flight 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databricks_clients_are_told_that_there_is_nothing_to_configure() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let stranger = Client::new(stage.process.ready().gateway.clone());
    let answer = stranger.get("/.well-known/databricks-config").await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), json!({}));
    assert!(answer.header("x-bartizan-request-id").is_some());
    assert_eq!(send(&stranger, Method::POST, "/.well-known/databricks-config").await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_noticed_and_cannot_flood_the_log() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let stranger = Client::new(stage.process.ready().gateway.clone());
    let body = chat("open", "hi", false);
    for _ in 0..20 {
        let guess = stranger.clone().bearer("bzc_guess");
        assert_eq!(guess.post_json("/v1/chat/completions", &body).await.unwrap().status, 401);
        let keyless = stranger.post_json("/v1/chat/completions", &body).await.unwrap();
        assert_eq!(keyless.status, 401);
    }
    let admin = stranger.clone().bearer(&stage.process.ready().admin_key.clone().unwrap());
    assert_eq!(admin.post_json("/v1/chat/completions", &body).await.unwrap().status, 403);
    let lost = stage.post("/v1/chat/completions", &chat("open-nothing", "hi", false)).await;
    let events = stage.events();
    let of = |code: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| event["detail"] == format!("bartizan::gateway::{code}"))
            .collect()
    };
    assert_eq!(of("key-unknown").len(), 1, "{events:?}");
    assert_eq!(of("key-missing").len(), 1, "{events:?}");
    assert_eq!(of("key-unknown")[0]["verdict"], "block");
    let scope = of("key-scope");
    assert_eq!(scope.len(), 1, "{events:?}");
    assert_eq!(scope[0]["principal"], "admin");
    let lost = events.iter().find(|event| event["request_id"] == id(&lost)).unwrap();
    assert_eq!((&lost["status"], &lost["principal"]), (&json!(404), &json!("local")));
    assert!(!events.iter().any(|event| event.to_string().contains("bzc_guess")));
}

/// Requests that make a provider read by itself, with the member that asks for it.
fn unseen() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let with = |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        body
    };
    let response = || responses("open", "hi", false);
    vec![
        (
            "/v1/responses",
            with(response(), "previous_response_id", json!("resp_1")),
            "previous_response_id",
            "stored-state",
        ),
        (
            "/v1/responses",
            with(response(), "input", json!([{ "type": "item_reference", "id": "msg_1" }])),
            "input",
            "stored-state",
        ),
        (
            "/v1/responses",
            with(response(), "tools", json!([{ "type": "web_search" }])),
            "tools",
            "hosted-tools",
        ),
        (
            "/v1/chat/completions",
            with(chat("open", "hi", false), "web_search_options", json!({})),
            "web_search_options",
            "hosted-tools",
        ),
        (
            "/v1/messages",
            with(messages("claude", "hi", false), "container", json!("container_1")),
            "container",
            "stored-state",
        ),
        (
            "/v1/messages",
            with(
                messages("claude", "hi", false),
                "mcp_servers",
                json!([{ "type": "url", "url": "https://mcp.test", "name": "m" }]),
            ),
            "mcp_servers",
            "hosted-tools",
        ),
        // On the path for all, a body without messages may be meant as a response.
        (
            "/serving-endpoints/bricks/invocations",
            json!({ "input": "hi", "previous_response_id": "resp_1" }),
            "previous_response_id",
            "stored-state",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_provider_would_read_by_itself_is_refused_by_name() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for (path, body, field, word) in unseen() {
        let answer = stage.post(path, &body).await;
        let text = answer.text();
        assert_eq!(answer.status, 400, "{path} {body}: {text}");
        assert!(text.contains(field) && text.contains(word) && text.contains("unseen"), "{text}");
        if path.starts_with("/v1/r") || path.ends_with("completions") {
            assert_eq!(answer.json()["error"]["param"], field, "{text}");
        }
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_policy_lets_the_provider_read_is_named_in_the_decision() {
    let more = "    unseen: [stored-state, hosted-tools]\n";
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, more).await;
    for (path, body, field, word) in unseen().into_iter().filter(|it| it.0.starts_with("/v1")) {
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 200, "{path} {field}: {}", answer.text());
        let decision = answer.header("x-bartizan-decision").unwrap();
        assert!(decision.contains(&format!("not-evaluated=unseen:{word}")), "{decision}");
        let id = answer.header("x-bartizan-request-id").unwrap();
        let events = stage.events();
        let event = events.iter().find(|event| event["request_id"] == id).unwrap();
        assert_eq!(event["not_evaluated"], json!([format!("unseen:{word}")]));
    }
}

/// A provider that answers one call with these headers.
async fn answering(headers: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 4096];
        assert_ne!(stream.read(&mut asked).await.unwrap(), 0);
        let body = r#"{"choices":[{"index":0,"message":{"content":"fine"}}]}"#;
        let length = body.len();
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(reply.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoded_body_is_refused_on_either_side() {
    for (headers, status) in [
        ("", 200),
        ("content-encoding: identity\r\n", 200),
        ("content-encoding: gzip\r\n", 502),
        ("content-encoding: identity\r\ncontent-encoding: gzip\r\n", 502),
    ] {
        let url = answering(headers).await;
        let policy = format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             providers:\n  open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n\
             endpoints:\n  open:\n    routes: [{{ provider: open, model: mock }}]\n"
        );
        let unused = Upstream::start(Script::text("fine")).await.unwrap();
        let stage = Stage::with_policy(unused, tempfile::tempdir().unwrap(), &policy).await;
        let encoded = stage.client.clone().header("content-encoding", "gzip");
        let body = chat("open", "hi", false);
        let answer = encoded.post_json("/v1/chat/completions", &body).await.unwrap();
        assert_eq!(answer.status, 415, "{}", answer.text());
        let answer = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
}
