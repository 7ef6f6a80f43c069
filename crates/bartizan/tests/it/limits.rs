//! Limits that hold under concurrency and charge those who leave.

use bartizan_testkit::upstream::Script;

use crate::support::{Stage, chat, messages};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_never_pass_a_limit() {
    let limit = "    limits: [{ id: l-all, per: endpoint, requests: 10/h }]\n";
    let stage = Stage::start(Script::text("fine"), "", limit).await;
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let client = stage.client.clone();
            tokio::spawn(async move {
                client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap()
            })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 200 {
            passed += 1;
            continue;
        }
        assert_eq!(answer.status, 429, "{}", answer.text());
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&wait));
        assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
    }
    assert_eq!(passed, 10);
    assert_eq!(stage.upstream.requests().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_say_what_is_left_in_every_dialect() {
    let limit = "    limits: [{ id: l-all, per: user, requests: 2/h, tokens: 100k/h }]\n";
    let stage = Stage::start(Script::text("fine"), "", limit).await;
    let answer = stage.post("/v1/messages", &messages("claude", "hi", false)).await;
    assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("1"));
    assert!(answer.header("x-ratelimit-remaining-tokens").is_some());
    stage.post("/v1/messages", &messages("claude", "hi", false)).await;
    let answer = stage.post("/v1/messages", &messages("claude", "hi", false)).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
    let answer =
        stage.post("/serving-endpoints/bricks/invocations", &chat("bricks", "hi", false)).await;
    assert_eq!(answer.status, 200, "limits are per endpoint: {}", answer.text());
    stage.post("/serving-endpoints/bricks/invocations", &chat("bricks", "hi", false)).await;
    let answer =
        stage.post("/serving-endpoints/bricks/invocations", &chat("bricks", "hi", false)).await;
    assert_eq!(answer.json()["error_code"], "REQUEST_LIMIT_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_charged_as_the_provider_counts_them() {
    let limit = "    limits: [{ id: l-tokens, per: endpoint, tokens: 2k/h }]\n";
    let stage = Stage::start(Script::text("fine"), "", limit).await;
    let mut body = chat("open", "hi", false);
    body["max_tokens"] = serde_json::json!(1500);
    // Each call sets aside 1500 tokens and gives back what it did not use.
    for _ in 0..5 {
        let answer = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let events = stage.events();
    assert!(events.iter().all(|event| event["tokens_out"].as_u64().unwrap() < 100), "{events:?}");
}
