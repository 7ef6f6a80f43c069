//! Limits that hold under concurrency and charge those who leave.

use std::time::Duration;

use bartizan_testkit::http::Answer;
use bartizan_testkit::process::allow_open_files;
use bartizan_testkit::upstream::{Fault, Reply, Script, Upstream};

use crate::support::{Stage, chat, messages, responses};

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
    let events = stage.decisions();
    assert!(events.iter().all(|event| event["tokens_out"].as_u64().unwrap() < 100), "{events:?}");
}

/// Requests at a time.
const CROWD: usize = 1200;

/// Asks all at once and gives the answers.
async fn crowd(stage: &Stage, body: &serde_json::Value) -> Vec<Answer> {
    // Both ends of each connection, on this and on the other side of the gateway.
    allow_open_files(3 * CROWD as u64 + 500).await.unwrap_or_else(|error| panic!("{error}"));
    let tasks: Vec<_> = (0..CROWD)
        .map(|_| {
            let (client, body) = (stage.client.clone(), body.clone());
            tokio::spawn(async move { client.post_json("/v1/chat/completions", &body).await })
        })
        .collect();
    let mut answers = Vec::with_capacity(CROWD);
    for task in tasks {
        answers.push(task.await.unwrap().unwrap());
    }
    answers
}

fn remaining(answer: &Answer, unit: &str) -> u64 {
    answer.header(&format!("x-ratelimit-remaining-{unit}")).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_never_passes_a_limit_of_requests() {
    let limit = "    limits: [{ id: l-all, per: endpoint, requests: 100/h }]\n";
    let reply = Reply::text("fine").first_delay(Duration::from_millis(500));
    let stage = Stage::start(reply.into(), "", limit).await;
    let answers = crowd(&stage, &chat("open", "hi", false)).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((passed, refused), (100, CROWD - 100));
    assert_eq!(stage.upstream.requests().len(), 100);
    let events = stage.events();
    assert_eq!(events.iter().filter(|event| event["outcome"] == "limited").count(), refused);
    assert_eq!(events.iter().filter(|event| event["outcome"] == "answered").count(), passed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_never_has_more_tokens_under_way_than_a_limit_allows() {
    const LIMIT: u64 = 50_000;
    let limit = "    limits: [{ id: l-all, per: endpoint, tokens: 50k/h }]\n";
    let reply = Reply::text("fine").first_delay(Duration::from_millis(500));
    let stage = Stage::start(reply.into(), "", limit).await;
    let mut body = chat("open", "hi", false);
    body["max_tokens"] = serde_json::json!(1000);
    let first = stage.post("/v1/chat/completions", &body).await;
    // What is set aside for each: its prompt and the most it may answer.
    let planned = LIMIT - remaining(&first, "tokens");
    assert!(planned > 1000, "{planned}");
    let used = |events: &[serde_json::Value]| -> u64 {
        let count = |event: &serde_json::Value, name: &str| event[name].as_u64().unwrap_or(0);
        events.iter().map(|event| count(event, "tokens_in") + count(event, "tokens_out")).sum()
    };

    let answers = crowd(&stage, &body).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(passed >= 40, "only {passed} passed");
    assert!(answers.iter().all(|answer| [200, 429].contains(&answer.status.as_u16())));
    let most = stage.upstream.most_in_flight() as u64;
    assert!(most * planned <= LIMIT, "{most} at a time, {planned} tokens each");

    // Settled: what is left is the limit less what was used, to the token.
    let charged = used(&stage.events());
    let last = stage.post("/v1/chat/completions", &body).await;
    assert_eq!(remaining(&last, "tokens"), LIMIT - charged - planned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_is_charged_to_the_token() {
    const LIMIT: u64 = 1_000_000;
    let limit = "    limits: [{ id: l-all, per: endpoint, tokens: 1M/h }]\n";
    let slow = Reply::text("word ".repeat(2000)).pieces([5]).delay(Duration::from_millis(20));
    let silent = Reply::text("x").fault(Fault::NeverAnswers);
    for (reply, begins) in [(slow, true), (silent, false)] {
        let script = Script::sequence(
            std::iter::repeat_n(reply, 40).chain([Reply::text("fine"), Reply::text("fine")]),
        );
        let stage = Stage::start(script, "", limit).await;
        let mut body = chat("open", "hi", true);
        body["max_tokens"] = serde_json::json!(1000);
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let (client, body) = (stage.client.clone(), body.clone());
                tokio::spawn(async move {
                    let asked = client.stream("/v1/chat/completions", &body);
                    if let Ok(stream) = tokio::time::timeout(Duration::from_secs(2), asked).await {
                        let mut stream = stream.unwrap();
                        for _ in 0..5 {
                            stream.next().await.unwrap();
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let is_left = |event: &serde_json::Value| event["outcome"] == "disconnected";
        let mut left = Vec::new();
        for _ in 0..200 {
            left = stage.events().into_iter().filter(is_left).collect();
            if left.len() == 40 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(left.len(), 40);
        let charged: u64 = left
            .iter()
            .map(|event| {
                event["tokens_in"].as_u64().unwrap() + event["tokens_out"].as_u64().unwrap()
            })
            .sum();
        body["stream"] = false.into();
        let first = stage.post("/v1/chat/completions", &body).await;
        let first_event = stage.events().pop().unwrap();
        let settled = first_event["tokens_in"].as_u64().unwrap()
            + first_event["tokens_out"].as_u64().unwrap();
        let second = stage.post("/v1/chat/completions", &body).await;
        let planned = LIMIT - charged - remaining(&first, "tokens");
        // Both plans are the same, so the second tells what the first was settled at.
        assert_eq!(remaining(&second, "tokens"), LIMIT - charged - settled - planned);
        assert!((1000..1100).contains(&planned), "{planned}");
        if !begins {
            // The provider works on and nobody hears how much: all that was planned is owed.
            assert!(charged >= 40 * 1000, "{charged}");
        }
        stage.abandoned(40).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_a_stream_pays_for_what_was_sent_in_every_protocol() {
    // 2,000 tokens and more, and a provider that says at the start that it has written one.
    let reply = Reply::text("word ".repeat(2000)).pieces([500]).delay(Duration::from_millis(20));
    let stage = Stage::start(reply.into(), "", "").await;
    for (path, body) in [
        ("/v1/chat/completions", chat("open", "hi", true)),
        ("/v1/messages", messages("claude", "hi", true)),
        ("/v1/messages", messages("open", "hi", true)),
        ("/v1/chat/completions", chat("claude", "hi", true)),
        ("/v1/responses", responses("open", "hi", true)),
    ] {
        let before = stage.events().len();
        let mut stream = stage.client.stream(path, &body).await.unwrap();
        let mut read = String::new();
        while read.matches("word").count() < 800 {
            let piece = stream.next().await.unwrap().expect("the stream goes on");
            read.push_str(&String::from_utf8_lossy(&piece));
        }
        drop(stream);
        let is_left = |event: &serde_json::Value| event["outcome"] == "disconnected";
        let mut event = serde_json::Value::Null;
        for _ in 0..200 {
            event = stage.events().into_iter().skip(before).find(is_left).unwrap_or_default();
            if !event.is_null() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Five bytes a word, four bytes a token.
        let paid = event["tokens_out"].as_u64().unwrap_or_default();
        assert!((1000..2600).contains(&paid), "{path}: {event}");
    }
}

#[tokio::test]
async fn models_without_a_price_of_their_own_cost_what_all_others_do() {
    let policy = |price: &str| {
        format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             providers: {{ demo: {{ demo: {{}} }} }}\nprices: {{ known: {{ input: 0, output: 0 }}, {price} }}\n\
             endpoints:\n  any:\n    routes: [{{ provider: demo }}]\n    \
             limits: [{{ id: l-usd, per: endpoint, usd: 1/day }}]\n"
        )
    };
    let upstream = || async { Upstream::start(Script::text("fine")).await.unwrap() };
    let folder = || tempfile::tempdir().unwrap();
    let none =
        Stage::with_policy(upstream().await, folder(), &policy("other: { input: 1, output: 1 }"))
            .await;
    let ask = async |stage: &Stage, model: &str| {
        stage.post("/v1/chat/completions", &chat(model, "hi", false)).await.status.as_u16()
    };
    assert_eq!((ask(&none, "any/known").await, ask(&none, "any/unknown").await), (200, 403));
    let dear = r#""*": { input: 100000000, output: 100000000 }"#;
    let stage = Stage::with_policy(upstream().await, folder(), &policy(dear)).await;
    assert_eq!((ask(&stage, "any/known").await, ask(&stage, "any/unknown").await), (200, 429));
}
