//! Who may do what: keys, endpoints, identity headers, the admin API.

use bartizan_testkit::http::Client;
use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::json;

use crate::support::{Stage, WORD_GUARD, chat, messages};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_calls_without_a_client_key() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let admin = stage.process.ready().admin_key.clone().unwrap();
    let nobody = || Client::new(stage.process.ready().gateway.clone());
    for (client, status) in
        [(nobody(), 401), (nobody().bearer("bzc_wrong"), 401), (nobody().bearer(&admin), 403)]
    {
        let answer =
            client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let key = stage.process.ready().client_key.clone().unwrap();
    for name in ["x-api-key", "api-key"] {
        let client = nobody().header(name, &key);
        let answer =
            client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
    assert_eq!(stage.upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_identity_of_the_client_stay_at_the_gateway() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let client =
        stage.client.clone().header("x-forwarded-user", "root").header("x-bartizan-user", "root");
    let body = chat("claude", "hi", false);
    let answer = client
        .post_json(
            "/v1/messages",
            &json!({ "max_tokens": 5, "model": "claude", "messages": body["messages"] }),
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let requests = stage.upstream.requests();
    let key = stage.process.ready().client_key.clone().unwrap();
    for (name, value) in &requests[0].headers {
        let value = format!("{value:?}");
        assert!(!value.contains(&key) && !value.contains("root"), "{name}: {value}");
    }
    assert_eq!(requests[0].header("x-api-key"), Some("provider-key-for-tests"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_api_makes_keys_and_endpoints_that_work_at_once() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let made = stage
        .console
        .post_json("/api/v1/keys", &json!({ "name": "sp:bot", "scope": "client" }))
        .await
        .unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let document = made.json();
    let key = document["key"].as_str().unwrap();
    let bot = stage.process.gateway().bearer(key);
    let answer = bot.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());

    let endpoint = json!({
        "routes": [{ "provider": "demo", "model": "demo" }],
        "guardrails": [{ "id": "g-x", "on": ["input"], "detect": "keywords", "keywords": ["mordor"], "action": "block" }],
    });
    let put = stage
        .console
        .send(http::Method::PUT, "/api/v1/endpoints/extra", endpoint.to_string())
        .await
        .unwrap()
        .whole()
        .await
        .unwrap();
    assert!(put.status.is_success(), "{}", put.text());
    let answer = stage.post("/v1/chat/completions", &chat("extra", "to Mordor", false)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let wrong = json!({ "routes": [{ "provider": "nobody" }] });
    let put = stage
        .console
        .send(http::Method::PUT, "/api/v1/endpoints/wrong", wrong.to_string())
        .await
        .unwrap()
        .whole()
        .await
        .unwrap();
    assert_eq!(put.status, 400, "{}", put.text());
    let error = put.json()["error"].clone();
    let said = "`/endpoints/wrong/routes/0/provider`: no provider is named `nobody`";
    assert_eq!(error["message"], said, "{error}");
    assert!(error["help"].as_str().unwrap().starts_with("providers of this file"), "{error}");
    let twice = r#"{"routes":[{"provider":"demo"}],"guardrails":[],"guardrails":[]}"#;
    let put = stage.console.send(http::Method::PUT, "/api/v1/endpoints/twice", twice).await;
    assert_eq!(put.unwrap().status, 400);

    let id = document["id"].as_str().or(document["record"]["id"].as_str()).unwrap();
    let gone =
        stage.console.send(http::Method::DELETE, &format!("/api/v1/keys/{id}"), "").await.unwrap();
    assert!(gone.status.is_success());
    let answer = bot.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
    assert_eq!(answer.status, 401);
}

/// One endpoint per dialect, open to a group, to a person by name and to a program by name.
async fn closed_stage() -> Stage {
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let url = upstream.url();
    let endpoint = |name: &str, provider: &str| {
        format!(
            "  {name}:\n    routes: [{{ provider: {provider}, model: mock }}]\n    \
             allow: [staff, carol@example.com, \"sp:bot\"]\n"
        )
    };
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n  open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n  \
         ant: {{ anthropic: {{ base-url: \"{url}\", api-key: env:TEST_PROVIDER_KEY }} }}\n  \
         dbx: {{ databricks: {{ host: \"{url}\", token: env:TEST_PROVIDER_KEY }} }}\n\
         groups: {{ staff: [alice@example.com, \"sp:nightly\"], others: [eve@example.com] }}\n\
         endpoints:\n{}{}{}",
        endpoint("open", "open"),
        endpoint("claude", "ant"),
        endpoint("bricks", "dbx"),
    );
    Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await
}

/// A client with a key of its own.
async fn client_of(stage: &Stage, name: &str) -> Client {
    let asked = json!({ "name": name, "scope": "client" });
    let made = stage.console.post_json("/api/v1/keys", &asked).await.unwrap();
    assert_eq!(made.status, 201, "{name}: {}", made.text());
    Client::new(stage.process.ready().gateway.clone()).bearer(made.json()["key"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_answers_those_it_is_open_to_and_refuses_others_in_every_dialect() {
    let stage = closed_stage().await;
    let requests = [
        ("/v1/chat/completions", chat("open", "hi", false)),
        ("/v1/chat/completions", chat("open", "hi", true)),
        ("/v1/messages", messages("claude", "hi", false)),
        ("/serving-endpoints/bricks/invocations", chat("bricks", "hi", false)),
    ];
    for member in ["alice@example.com", "sp:nightly", "carol@example.com", "sp:bot"] {
        let client = client_of(&stage, member).await;
        stage.upstream.clear();
        for (path, body) in &requests {
            let answer = client.post_json(path, body).await.unwrap();
            assert_eq!(answer.status, 200, "{member} {path}: {}", answer.text());
        }
        assert_eq!(stage.upstream.requests().len(), requests.len(), "{member}");
        let models = client.get("/v1/models").await.unwrap().json();
        assert_eq!(models["data"].as_array().unwrap().len(), 3, "{member}: {models}");
    }
    stage.upstream.clear();
    // Somebody else, a member of another group, and namesakes of the other kind.
    for outsider in [
        "mallory@example.com",
        "eve@example.com",
        "sp:other",
        "bot",
        "nightly",
        "sp:alice@example.com",
    ] {
        let client = client_of(&stage, outsider).await;
        for (path, body) in &requests {
            let answer = client.post_json(path, body).await.unwrap();
            let (said, text) = (answer.json(), answer.text());
            assert_eq!(answer.status, 403, "{outsider} {path}: {text}");
            assert!(text.contains("is not open to this caller"), "{outsider} {path}: {text}");
            match *path {
                "/v1/messages" => {
                    assert_eq!(said["type"], "error", "{text}");
                    assert_eq!(said["error"]["type"], "permission_error", "{text}");
                }
                "/v1/chat/completions" => {
                    assert_eq!(said["error"]["type"], "permission_error", "{text}");
                    let code = "bartizan::gateway::endpoint-forbidden";
                    assert_eq!(said["error"]["code"], code, "{text}");
                }
                _ => assert_eq!(said["error_code"], "PERMISSION_DENIED", "{text}"),
            }
        }
        let models = client.get("/v1/models").await.unwrap().json();
        assert_eq!(models["data"], json!([]), "{outsider}");
        let events = stage.events();
        let own: Vec<_> = events.iter().filter(|event| event["principal"] == outsider).collect();
        let refused = own.iter().filter(|event| event["status"] == 403);
        assert_eq!(refused.count(), requests.len(), "{outsider}: {own:?}");
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_name_who_what_and_why_and_never_the_text() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let answer =
        stage.post("/v1/chat/completions", &chat("open", "to Zanzibar with love", false)).await;
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let events = stage.events();
    let event = events.iter().find(|event| event["request_id"] == id).unwrap();
    assert_eq!(event["principal"], "local");
    assert_eq!(event["endpoint"], "open");
    assert_eq!(event["rule"], "g-word");
    assert_eq!(event["verdict"], "block");
    assert_eq!(event["outcome"], "refused");
    assert_eq!(event["findings"][0]["pointer"], "/messages/0/content");
    let text = event.to_string().to_lowercase();
    assert!(!text.contains("zanzibar") && !text.contains("love"), "{text}");
    assert!(!stage.process.stderr().to_lowercase().contains("zanzibar"));
    let metrics = stage.process.console().get("/metrics").await.unwrap().text();
    assert!(metrics.contains("bartizan_requests_total"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_reach_a_collector_with_genai_names() {
    let collector = Upstream::start(Script::text("ok")).await.unwrap();
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         telemetry: {{ otlp-endpoint: \"{}\" }}\n\
         providers:\n  open: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }}\n\
         endpoints:\n  open:\n    routes: [{{ provider: open, model: mock }}]\n",
        collector.url(),
        upstream.url(),
    );
    let stage = Stage::with_policy(upstream, tempfile::tempdir().unwrap(), &policy).await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "my words", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut sent = String::new();
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if let Some(request) =
            collector.requests().iter().find(|request| request.path == "/v1/traces")
        {
            sent = String::from_utf8_lossy(&request.body).into_owned();
            break;
        }
    }
    assert!(sent.contains("gen_ai.operation.name") && sent.contains("chat mock"), "{sent:?}");
    assert!(sent.contains(answer.header("x-bartizan-request-id").unwrap()), "{sent:?}");
    assert!(!sent.contains("my words"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_made_beside_a_running_process_works_and_says_that_it_left_no_event() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["key", "--config"])
        .arg(stage.folder.path().join("bartizan.yaml"))
        .arg("--data-dir")
        .arg(stage.folder.path().join("data"))
        .args(["create", "sp:bot"])
        .env("TEST_PROVIDER_KEY", "provider-key-for-tests")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("the running process keeps the log"), "{stderr}");
    assert!(stage.events().iter().all(|event| event["operation"] != "key-created"));
}
