//! Bodies that no guard can read, or that two readers would read differently: they are refused.

use bartizan_testkit::upstream::Script;
use serde_json::{Value, json};

use crate::support::{Stage, WORD_GUARD, messages};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_text_guard_cannot_read_is_refused() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let image = json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "iVBORw0K" } });
    let turns = |content: Value| {
        let mut body = messages("claude", "hi", false);
        body["messages"] = json!([{ "role": "user", "content": content }]);
        body
    };
    let probes = vec![
        ("/v1/completions", json!({ "model": "open", "prompt": [40, 8, 1234, 99] })),
        ("/v1/completions", json!({ "model": "open", "prompt": [[40, 8], [1, 2]] })),
        ("/v1/embeddings", json!({ "model": "open", "input": [40, 8] })),
        (
            "/v1/messages",
            turns(
                json!([{ "type": "document", "source": { "type": "content", "content": [image] } }]),
            ),
        ),
        (
            "/v1/messages",
            turns(json!([{ "type": "tool_result", "tool_use_id": "t", "content": [image] }])),
        ),
        (
            "/v1/responses",
            json!({ "model": "open", "input": [{ "type": "computer_call_output", "call_id": "c",
                "output": { "type": "computer_screenshot", "image_url": "https://x.test/a.png" } }] }),
        ),
        (
            "/v1/chat/completions",
            json!({ "model": "open", "messages": [{ "role": "user", "content": [
            { "type": "IMAGE_URL", "image_url": { "url": "https://x.test/a.png" } }] }] }),
        ),
        ("/v1/chat/completions", json!({ "model": "open", "max_tokens": 1.5, "messages": [] })),
    ];
    for (path, body) in probes {
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_two_readers_would_read_differently_are_refused() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        (
            "duplicate key",
            br#"{"model":"open","messages":[],"messages":[{"role":"user","content":"x"}]}"#
                .to_vec(),
        ),
        ("escaped duplicate", br#"{"model":"open","a":1,"\u0061":2}"#.to_vec()),
        ("lone surrogate", br#"{"model":"open","x":"\ud800"}"#.to_vec()),
        ("invalid UTF-8", b"{\"model\":\"open\",\"x\":\"\xff\"}".to_vec()),
        ("deep nesting", format!(r#"{{"model":"open","x":{deep}}}"#).into_bytes()),
        ("trailing bytes", br#"{"model":"open"} x"#.to_vec()),
        ("not an object", b"[1]".to_vec()),
        ("empty", Vec::new()),
    ];
    for (name, body) in bodies {
        let answer =
            stage.client.send(http::Method::POST, "/v1/chat/completions", body).await.unwrap();
        let answer = answer.whole().await.unwrap();
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{name}");
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_no_guard_reads_is_named_and_refused_unless_policy_lists_it() {
    let image = json!({ "model": "open", "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "what is this" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==" } }] }] });
    let strict = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let answer = strict.post("/v1/chat/completions", &image).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let open = Stage::start(Script::text("fine"), WORD_GUARD, "    modalities: [image]\n").await;
    let answer = open.post("/v1/chat/completions", &image).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let decision = answer.header("x-bartizan-decision").unwrap();
    assert!(decision.contains("not-evaluated=modality:image"), "{decision}");
}
