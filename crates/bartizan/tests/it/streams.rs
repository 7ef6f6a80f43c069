//! Streams keep the shape of their protocol, also when a guardrail stops them.

use std::time::{Duration, Instant};

use bartizan_testkit::upstream::{Reply, Script};
use serde_json::json;

use crate::support::{Stage, WORD_GUARD, chat, messages, responses, said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_stream_ends_in_the_words_of_its_protocol() {
    let text = "all is well until the zanzibar comes and goes";
    let stage = Stage::start(Reply::text(text).pieces([3]).into(), WORD_GUARD, "").await;

    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", true)).await;
    let events = answer.events();
    assert_eq!(events.last().map(String::as_str), Some("[DONE]"), "{events:?}");
    assert!(
        events[events.len() - 2].contains("\"finish_reason\":\"content_filter\""),
        "{events:?}"
    );
    assert!(said(&answer).contains("until the"), "{}", answer.text());

    let answer = stage.post("/v1/messages", &messages("claude", "hi", true)).await;
    let text = answer.text();
    assert!(text.contains("event: error"), "{text}");
    assert!(text.trim_end().ends_with("{\"type\":\"message_stop\"}"), "{text}");

    let answer = stage.post("/v1/responses", &responses("open", "hi", true)).await;
    let events = answer.events();
    assert!(events.last().unwrap().contains("\"type\":\"response.failed\""), "{events:?}");
    let numbers: Vec<i64> = events
        .iter()
        .filter_map(|data| {
            serde_json::from_str::<serde_json::Value>(data).ok()?["sequence_number"].as_i64()
        })
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");

    let refused: Vec<_> =
        stage.events().into_iter().filter(|event| event["verdict"] == "block").collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|event| event["outcome"] == "answer-refused"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_answer_says_so_without_its_text() {
    let stage = Stage::start(Script::text("the zanzibar secret"), WORD_GUARD, "").await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["choices"][0]["finish_reason"], "content_filter");
    let answer = stage.post("/v1/messages", &messages("claude", "hi", false)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["type"], "error");
    let answer = stage.post("/v1/responses", &responses("open", "hi", false)).await;
    assert_eq!(answer.json()["status"], "failed");
    let answer =
        stage.post("/serving-endpoints/bricks/invocations", &chat("bricks", "hi", false)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error_code"], "BAD_REQUEST");
    let inner: serde_json::Value =
        serde_json::from_str(answer.json()["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["finishReason"], "output_guardrail_triggered");
    assert_eq!(inner["output_guardrail"][0]["flagged"], true);
    let text = answer.text();
    assert!(!text.contains("zanzibar") && !text.contains("secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_passed_on_while_the_answer_is_still_being_written() {
    let reply =
        Reply::text("one two three four five six").pieces([4]).delay(Duration::from_millis(100));
    let stage = Stage::start(reply.into(), WORD_GUARD, "").await;
    let mut stream =
        stage.client.stream("/v1/chat/completions", &chat("open", "hi", true)).await.unwrap();
    let mut seen = String::new();
    while let Some(piece) = stream.next().await.unwrap() {
        seen.push_str(&String::from_utf8_lossy(&piece));
        if seen.contains("two") {
            break;
        }
    }
    assert!(!seen.contains("six"), "held back until the end: {seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_cancels_the_provider_and_is_charged() {
    let reply = Reply::text("word ".repeat(2000)).pieces([5]).delay(Duration::from_millis(20));
    let stage = Stage::start(reply.into(), WORD_GUARD, "").await;
    let mut stream =
        stage.client.stream("/v1/chat/completions", &chat("open", "hi", true)).await.unwrap();
    for _ in 0..5 {
        stream.next().await.unwrap();
    }
    drop(stream);
    let mut left = false;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        left = stage.upstream.abandoned() > 0
            && stage.events().iter().any(|event| event["outcome"] == "disconnected");
        if left {
            break;
        }
    }
    assert!(left, "provider goes on: {:?}", stage.events());
    let event =
        stage.events().into_iter().find(|event| event["outcome"] == "disconnected").unwrap();
    assert!(event["tokens_out"].as_u64().unwrap() > 0, "{event}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guardrail_that_stops_a_stream_cancels_the_provider() {
    // The word comes at once, and the rest would take a minute and more.
    let text = format!("all is well until the zanzibar comes {}", "and goes on ".repeat(1000));
    let reply = Reply::text(text).pieces([4]).delay(Duration::from_millis(20));
    let stage = Stage::start(reply.into(), WORD_GUARD, "").await;
    let completion = json!({ "model": "open", "prompt": "hi", "stream": true });
    let asked = [
        ("/v1/chat/completions", chat("open", "hi", true)),
        ("/v1/messages", messages("claude", "hi", true)),
        ("/v1/messages", messages("open", "hi", true)),
        ("/v1/responses", responses("open", "hi", true)),
        ("/v1/completions", completion),
        ("/serving-endpoints/bricks/invocations", chat("bricks", "hi", true)),
    ];
    for (index, (path, body)) in asked.iter().enumerate() {
        let began = Instant::now();
        let answer = stage.post(path, body).await;
        let text = answer.text();
        assert!(said(&answer).contains("until the"), "{path}: {text}");
        assert!(!said(&answer).contains("zanzibar"), "{path}: {text}");
        assert!(began.elapsed() < Duration::from_secs(20), "{path}: {:?}", began.elapsed());
        stage.abandoned(index + 1).await;
    }
    let events = stage.decisions();
    assert_eq!(events.len(), asked.len());
    assert!(events.iter().all(|event| event["outcome"] == "answer-refused"), "{events:?}");
}
