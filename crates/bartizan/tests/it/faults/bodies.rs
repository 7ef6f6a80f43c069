//! Bodies without end, from either side: refused in the protocol's words, in bounded memory.

use std::time::Duration;

use bartizan_testkit::raw::Raw;
use bartizan_testkit::upstream::{Fault, Script};
use serde_json::Value;

use crate::support::{Stage, WORD_GUARD, chat, messages, responses};

/// A body that nobody means to hold in memory.
const HUGE_BYTES: u64 = 500 << 20;
/// Largest request body.
const REQUEST_LIMIT_BYTES: u64 = 16 << 20;
/// What sockets may hold on the way.
const SOCKET_BYTES: u64 = 16 << 20;
/// Growth of the process while it reads a body of which it keeps at most 16 MiB: the body, the copy
/// it grew out of, and what the allocator keeps.
const REQUEST_MEMORY_BYTES: u64 = 192 << 20;
/// Growth while it reads answers of which it keeps at most 64 MiB: the answer, the buffer it grew out
/// of, and what the allocator keeps of the answers before.
const ANSWER_MEMORY_BYTES: u64 = 384 << 20;
/// Growth while it reads events of which it keeps at most 4 MiB each, likewise.
const EVENT_MEMORY_BYTES: u64 = 128 << 20;
/// Growth while it passes a stream of small events on, of which it keeps next to nothing.
const STREAM_MEMORY_BYTES: u64 = 64 << 20;

/// Paths of the three dialects with what their error for a large body holds.
const DIALECTS: [(&str, &str); 3] = [
    ("/v1/chat/completions", "\"code\":\"bartizan::gateway::body-too-large\""),
    ("/v1/messages", "\"type\":\"invalid_request_error\""),
    ("/serving-endpoints/bricks/invocations", "\"error_code\":\"INVALID_PARAMETER_VALUE\""),
];

fn head(stage: &Stage, path: &str, more: &str) -> String {
    let key = stage.process.ready().client_key.clone().unwrap();
    format!(
        "POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n{more}\r\n"
    )
}

fn peak(stage: &Stage) -> u64 {
    stage.process.memory().unwrap().peak_bytes
}

/// The same after the first requests, which build what is built once.
async fn warm_peak(stage: &Stage) -> u64 {
    for stream in [false, true] {
        let answer = stage.post("/v1/chat/completions", &chat("demo", "hi", stream)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    peak(stage)
}

/// Events of the requests that failed.
fn failed(stage: &Stage) -> Vec<Value> {
    stage.events().into_iter().filter(|event| event["outcome"] == "upstream-failed").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_announces_its_size_is_refused_before_it_is_sent() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for (path, words) in DIALECTS {
        for expect in ["", "expect: 100-continue\r\n"] {
            let mut raw = Raw::connect(&stage.process.ready().gateway).await.unwrap();
            let more = format!("content-length: {HUGE_BYTES}\r\n{expect}");
            raw.send(head(&stage, path, &more)).await.unwrap();
            let answer = raw.closed(Duration::from_secs(10)).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 413 "), "{path} {expect}: {answer}");
            assert!(answer.contains(words), "{path}: {answer}");
            assert!(answer.contains("x-bartizan-request-id: "), "{path}: {answer}");
        }
    }
    assert!(stage.upstream.requests().is_empty());
    let refused = stage.decisions();
    assert_eq!(refused.len(), 2 * DIALECTS.len());
    assert!(refused.iter().all(|event| event["status"] == 413), "{refused:?}");
    assert!(refused.iter().all(|event| event["outcome"] == "refused"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_goes_on_and_on_is_refused_at_the_cap() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let before = warm_peak(&stage).await;
    let mut chunk = b"10000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x10000, b'a');
    chunk.extend_from_slice(b"\r\n");
    for (path, words) in DIALECTS {
        let mut raw = Raw::connect(&stage.process.ready().gateway).await.unwrap();
        raw.send(head(&stage, path, "transfer-encoding: chunked\r\n")).await.unwrap();
        let flooded = raw.flood(&chunk, HUGE_BYTES, Duration::from_secs(20)).await;
        let (sent, answer) = flooded.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path} after {sent} bytes: {answer}");
        assert!(answer.contains(words), "{path}: {answer}");
        assert!(sent < REQUEST_LIMIT_BYTES + SOCKET_BYTES, "{path}: {sent} bytes were taken");
    }
    let grown = peak(&stage) - before;
    assert!(grown < REQUEST_MEMORY_BYTES, "{grown} bytes more");
    assert!(stage.upstream.requests().is_empty());
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_sends_too_much_does_not_hurt_others() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let body = vec![b' '; 20 << 20];
    let answer = stage.client.send(http::Method::POST, "/v1/chat/completions", body).await;
    // A server that stops reading may close before the client has written all.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 413);
    }
    assert!(stage.upstream.requests().is_empty());
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_answer_without_end_is_given_up_at_the_cap() {
    let script = Script::fault(Fault::HugeBody { bytes: HUGE_BYTES });
    let stage = Stage::start(script, WORD_GUARD, "").await;
    let before = warm_peak(&stage).await;
    for (path, body) in [
        ("/v1/chat/completions", chat("open", "hi", false)),
        ("/v1/messages", messages("claude", "hi", false)),
        ("/v1/responses", responses("open", "hi", false)),
    ] {
        let answer = stage.post(path, &body).await;
        assert_eq!(answer.status, 502, "{path}: {}", answer.text());
        assert!(answer.text().contains("larger than 67108864 bytes"), "{path}: {}", answer.text());
    }
    let grown = peak(&stage) - before;
    assert!(grown < ANSWER_MEMORY_BYTES, "{grown} bytes more");
    let events = failed(&stage);
    assert_eq!(events.len(), 3);
    for event in events {
        assert_eq!(event["detail"], "bartizan::gateway::answer-too-large", "{event}");
    }
    // The provider is told to stop long before the end.
    stage.abandoned(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_without_end_ends_the_stream() {
    let script = Script::fault(Fault::HugeBody { bytes: HUGE_BYTES });
    let stage = Stage::start(script, WORD_GUARD, "").await;
    let before = warm_peak(&stage).await;
    for (path, body) in [
        ("/v1/chat/completions", chat("open", "hi", true)),
        ("/v1/messages", messages("claude", "hi", true)),
        ("/v1/responses", responses("open", "hi", true)),
    ] {
        let answer = stage.post(path, &body).await;
        let last = answer.events().last().cloned().unwrap_or_default();
        assert!(last.contains("provider-unreadable"), "{path}: {}", answer.text());
        assert!(answer.body.len() < 64 << 10, "{path}: {} bytes passed", answer.body.len());
    }
    let grown = peak(&stage) - before;
    assert!(grown < EVENT_MEMORY_BYTES, "{grown} bytes more");
    let events = failed(&stage);
    assert_eq!(events.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_end_is_passed_on_until_its_time_is_up() {
    let times = "    timeouts: { attempt: 2s, idle: 2s, total: 3s }\n";
    let script = Script::fault(Fault::Flood { bytes: HUGE_BYTES });
    let stage = Stage::start(script, WORD_GUARD, times).await;
    let before = warm_peak(&stage).await;
    let asked = [
        ("/v1/chat/completions", chat("open", "hi", true)),
        ("/v1/messages", messages("claude", "hi", true)),
        ("/v1/responses", responses("open", "hi", true)),
    ];
    let tasks = asked.map(|(path, body)| {
        let client = stage.client.clone();
        tokio::spawn(async move {
            let mut stream = client.stream(path, &body).await.unwrap();
            // The end is enough: what came before is too much to keep.
            let (mut read, mut end) = (0, Vec::new());
            while let Some(piece) = stream.next().await.unwrap() {
                read += piece.len();
                end.extend_from_slice(&piece);
                end.drain(..end.len().saturating_sub(1024));
            }
            (path, read, String::from_utf8_lossy(&end).into_owned())
        })
    });
    for task in tasks {
        let (path, read, end) = task.await.unwrap();
        assert!(end.contains("provider-timeout"), "{path}: {end}");
        assert!(read > 100 << 10, "{path}: only {read} bytes passed");
    }
    let grown = peak(&stage) - before;
    assert!(grown < STREAM_MEMORY_BYTES, "{grown} bytes more");
    let events = failed(&stage);
    assert_eq!(events.len(), 3);
    for event in events {
        assert!(event["tokens_out"].as_u64().unwrap() > 10_000, "{event}");
    }
}
