//! What clients of the vendors rely on, and that each fault is the fault it says.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::http::{Answer, Client, HttpError};

async fn start(reply: impl Into<Script>) -> (Upstream, Client) {
    let upstream = Upstream::start(reply.into()).await.unwrap();
    let client = Client::new(upstream.url());
    (upstream, client)
}

fn chat(text: &str) -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": text }] })
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

fn events(answer: &Answer) -> Vec<Value> {
    answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
}

fn joined(events: &[Value], pointer: &str) -> String {
    events.iter().filter_map(|event| event.pointer(pointer)?.as_str()).collect()
}

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";

#[tokio::test]
async fn chat_stream_has_role_content_finish_usage_and_end() {
    let (_upstream, client) = start(Reply::text("héllo world").pieces([2, 3])).await;
    let mut ask = streamed(chat("hi"));
    ask["stream_options"] = json!({ "include_usage": true });
    let answer = client.post_json(CHAT, &ask).await.unwrap();
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let events = events(&answer);
    assert_eq!(events[0].pointer("/choices/0/delta/role").unwrap(), "assistant");
    assert_eq!(joined(&events, "/choices/0/delta/content"), "héllo world");
    let finish = &events[events.len() - 2];
    assert_eq!(finish.pointer("/choices/0/finish_reason").unwrap(), "stop");
    let usage = &events[events.len() - 1];
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["total_tokens"].as_u64().unwrap() > 1);
    assert_eq!(answer.events().last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn chat_stream_has_no_usage_unless_asked() {
    let (_upstream, client) = start(Script::text("x")).await;
    let answer = client.post_json(CHAT, &streamed(chat("hi"))).await.unwrap();
    assert!(events(&answer).iter().all(|event| event.get("usage").is_none()));
}

#[tokio::test]
async fn chat_streams_tool_calls_in_pieces() {
    let reply = Reply::tool_call("look", "{\"city\":\"Köln\"}").pieces([3]);
    let (_upstream, client) = start(reply).await;
    let whole = client.post_json(CHAT, &chat("x")).await.unwrap().json();
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    let call = &whole["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call["arguments"], "{\"city\":\"Köln\"}");
    let answer = client.post_json(CHAT, &streamed(chat("x"))).await.unwrap();
    let events = events(&answer);
    assert_eq!(joined(&events, "/choices/0/delta/tool_calls/0/function/name"), "look");
    assert_eq!(
        joined(&events, "/choices/0/delta/tool_calls/0/function/arguments"),
        "{\"city\":\"Köln\"}"
    );
    let pieces = events
        .iter()
        .filter(|event| event.pointer("/choices/0/delta/tool_calls").is_some())
        .count();
    assert!(pieces > 3);
}

#[tokio::test]
async fn several_choices_come_side_by_side() {
    let turns = ["one two", "three four"]
        .map(|text| Turn { text: Some(Text::Fixed(text.to_owned())), ..Turn::default() });
    let (_upstream, client) = start(Reply::turns(turns)).await;
    let mut ask = streamed(chat("x"));
    ask["n"] = 2.into();
    let events = events(&client.post_json(CHAT, &ask).await.unwrap());
    let said = |index: u64| -> String {
        events
            .iter()
            .filter(|event| event["choices"][0]["index"] == index)
            .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
            .collect()
    };
    assert_eq!((said(0), said(1)), ("one two".to_owned(), "three four".to_owned()));
    let order: Vec<_> = events
        .iter()
        .filter(|event| {
            event["choices"][0]["delta"]["content"].as_str().is_some_and(|t| !t.is_empty())
        })
        .filter_map(|event| event["choices"][0]["index"].as_u64())
        .collect();
    assert_eq!(&order[..4], [0, 1, 0, 1]);
}

#[tokio::test]
async fn reasoning_and_refusal_have_their_places_in_each_api() {
    let turn = Turn {
        reasoning: Some("because".to_owned()),
        refusal: Some("I cannot".to_owned()),
        ..Turn::default()
    };
    let (_upstream, client) = start(Reply::turn(turn)).await;
    let whole = client.post_json(CHAT, &chat("x")).await.unwrap().json();
    assert_eq!(whole["choices"][0]["message"]["refusal"], "I cannot");
    assert_eq!(whole["choices"][0]["message"]["reasoning_content"], "because");
    let chunks = events(&client.post_json(CHAT, &streamed(chat("x"))).await.unwrap());
    assert_eq!(joined(&chunks, "/choices/0/delta/refusal"), "I cannot");
    assert_eq!(joined(&chunks, "/choices/0/delta/reasoning_content"), "because");
    let blocks = client.post_json(MESSAGES, &chat("x")).await.unwrap().json();
    assert_eq!(blocks["content"][0]["thinking"], "because");
    assert_eq!(blocks["stop_reason"], "refusal");
    let ask = streamed(json!({ "model": "m", "input": "x" }));
    let sequence = events(&client.post_json(RESPONSES, &ask).await.unwrap());
    let of = |kind: &str| -> String {
        sequence
            .iter()
            .filter(|event| event["type"] == kind)
            .filter_map(|event| event["delta"].as_str())
            .collect()
    };
    assert_eq!(of("response.refusal.delta"), "I cannot");
    assert_eq!(of("response.reasoning_summary_text.delta"), "because");
}

#[tokio::test]
async fn messages_stream_in_the_vendors_order() {
    let turn = Turn {
        text: Some(Text::Fixed("look:".to_owned())),
        tool_calls: vec![ToolCall { name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() }],
        ..Turn::default()
    };
    let (_upstream, client) = start(Reply::turn(turn)).await;
    let ask = streamed(chat("x"));
    let events = events(&client.post_json(MESSAGES, &ask).await.unwrap());
    let mut kinds: Vec<_> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(joined(&events, "/delta/text"), "look:");
    assert_eq!(joined(&events, "/delta/partial_json"), "{\"a\":1}");
    assert_eq!(joined(&events, "/delta/stop_reason"), "tool_use");
    let count = client.post_json("/v1/messages/count_tokens", &chat("x")).await.unwrap().json();
    assert!(count["input_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn responses_number_their_events_and_end_with_the_whole() {
    let turn = Turn {
        text: Some(Text::EchoLastUser),
        tool_calls: vec![ToolCall { name: "f".to_owned(), arguments: "{}".to_owned() }],
        ..Turn::default()
    };
    let (_upstream, client) = start(Reply::turn(turn)).await;
    let input = json!([{ "role": "user", "content": [{ "type": "input_text", "text": "hello" }] }]);
    let ask = streamed(json!({ "model": "m", "input": input }));
    let events = events(&client.post_json(RESPONSES, &ask).await.unwrap());
    let numbers: Vec<_> =
        events.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    assert_eq!(events[0]["type"], "response.created");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "hello");
    assert_eq!(last["response"]["output"][1]["name"], "f");
}

#[tokio::test]
async fn the_remaining_apis_answer() {
    let (upstream, client) = start(Script::echo()).await;
    let ask = json!({ "model": "m", "prompt": "abc" });
    let answer = client.post_json("/v1/completions", &ask).await.unwrap().json();
    assert_eq!(answer["choices"][0]["text"], "abc");
    let answer = client.post_json("/v1/completions", &streamed(ask)).await.unwrap();
    assert_eq!(joined(&events(&answer), "/choices/0/text"), "abc");
    let ask = json!({ "model": "m", "input": ["a", "b"] });
    let answer = client.post_json("/v1/embeddings", &ask).await.unwrap().json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    assert_eq!(client.get("/v1/models").await.unwrap().json()["object"], "list");
    let path = "/serving-endpoints/my-model/invocations";
    let answer = client.post_json(path, &chat("hi")).await.unwrap();
    assert_eq!(answer.json()["model"], "my-model");
    assert_eq!(answer.header("served-model-name"), Some("mock-model"));
    assert_eq!(client.get("/nothing").await.unwrap().status, 404);
    assert_eq!(upstream.requests().len(), 6);
    assert_eq!(upstream.requests()[4].json(), chat("hi"));
}

#[tokio::test]
async fn replies_come_in_order_and_the_last_repeats() {
    let script = Script::sequence([
        Reply::default().fault(Fault::Status { status: 429, retry_after: Some(3) }),
        Reply::text("second"),
    ]);
    let (upstream, client) = start(script).await;
    let first = client.post_json(CHAT, &chat("x")).await.unwrap();
    assert_eq!((first.status.as_u16(), first.header("retry-after")), (429, Some("3")));
    assert_eq!(first.json()["error"]["code"], "rate_limit_exceeded");
    for _ in 0..2 {
        let answer = client.post_json(CHAT, &chat("x")).await.unwrap().json();
        assert_eq!(answer["choices"][0]["message"]["content"], "second");
    }
    upstream.clear();
    assert_eq!(client.post_json(CHAT, &chat("x")).await.unwrap().status, 429);
}

#[tokio::test]
async fn errors_are_said_in_the_vendors_words() {
    let (_upstream, client) = start(Script::obedient()).await;
    let ask = chat("fail with 500");
    let openai = client.post_json(CHAT, &ask).await.unwrap();
    assert_eq!(openai.json()["error"]["type"], "server_error");
    let anthropic = client.post_json(MESSAGES, &ask).await.unwrap();
    assert_eq!(anthropic.json()["error"]["type"], "api_error");
    let databricks = client.post_json("/serving-endpoints/m/invocations", &ask).await.unwrap();
    assert_eq!(databricks.json()["error_code"], "INTERNAL_ERROR");
}

#[tokio::test]
async fn resets_before_headers_and_in_the_middle() {
    let (_upstream, client) = start(Script::fault(Fault::ResetBeforeHeaders)).await;
    let error = client.post_json(CHAT, &chat("x")).await;
    assert!(matches!(error, Err(HttpError::NoAnswer(_))), "{error:?}");
    let (_upstream, client) = start(Script::fault(Fault::ResetMidStream { after_frames: 3 })).await;
    let mut stream = client.stream(CHAT, &streamed(chat("x"))).await.unwrap();
    let mut read = Vec::new();
    let error = loop {
        match stream.next().await {
            Ok(Some(bytes)) => read.extend_from_slice(&bytes),
            Ok(None) => panic!("the stream ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, HttpError::BrokeOff(_)));
    assert_eq!(crate::http::sse_data(&String::from_utf8(read).unwrap()).len(), 3);
}

#[tokio::test]
async fn ends_early_without_the_closing_frames() {
    let (_upstream, client) = start(Script::fault(Fault::EndsEarly { after_frames: 2 })).await;
    let answer = client.post_json(CHAT, &streamed(chat("x"))).await.unwrap();
    assert_eq!(answer.events().len(), 2);
}

#[tokio::test]
async fn never_answers_and_counts_who_gave_up() {
    let (upstream, client) = start(Script::fault(Fault::NeverAnswers)).await;
    let ask = chat("x");
    let wait = Duration::from_millis(100);
    assert!(tokio::time::timeout(wait, client.post_json(CHAT, &ask)).await.is_err());
    assert_eq!(upstream.requests().len(), 1);
    drop(client);
    for _ in 0..100 {
        if upstream.abandoned() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the abandoned answer was not counted");
}

#[tokio::test]
async fn drips_byte_by_byte() {
    let every = Duration::from_millis(1);
    let (_upstream, client) = start(Reply::text("x").fault(Fault::SlowDrip { every })).await;
    let mut stream = client.stream(CHAT, &chat("x")).await.unwrap();
    for _ in 0..20 {
        assert_eq!(stream.next().await.unwrap().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn breaks_json_frames_and_types() {
    let (_upstream, client) = start(Script::fault(Fault::MalformedJson)).await;
    let answer = client.post_json(CHAT, &chat("x")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.json()), (200, Value::Null));
    assert!(answer.body.starts_with(b"{"));
    let (_upstream, client) = start(Script::fault(Fault::MalformedSse)).await;
    let answer = client.post_json(CHAT, &streamed(chat("x"))).await.unwrap();
    let broken: Vec<_> = answer
        .events()
        .into_iter()
        .filter(|data| serde_json::from_str::<Value>(data).is_err() && data != "[DONE]")
        .collect();
    assert_eq!(broken.len(), 1);
    let (_upstream, client) = start(Script::fault(Fault::WrongContentType)).await;
    let answer = client.post_json(CHAT, &chat("x")).await.unwrap();
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn a_huge_body_is_well_formed_and_as_long_as_told() {
    let (_upstream, client) = start(Script::fault(Fault::HugeBody { bytes: 300_000 })).await;
    let whole = client.post_json(CHAT, &chat("x")).await.unwrap().json();
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(text.len(), 300_000);
    let answer = client.post_json(CHAT, &streamed(chat("x"))).await.unwrap();
    assert_eq!(joined(&events(&answer), "/choices/0/delta/content").len(), 300_000);
}

#[tokio::test]
async fn a_flood_repeats_the_text_and_ends_properly() {
    let (upstream, client) = start(Script::fault(Fault::Flood { bytes: 300_000 })).await;
    for path in [CHAT, MESSAGES, RESPONSES] {
        let before = upstream.sent_bytes();
        let mut ask = streamed(chat("x"));
        ask["max_tokens"] = json!(9);
        let answer = client.post_json(path, &ask).await.unwrap();
        assert!((300_000..400_000).contains(&answer.body.len()), "{path}: {}", answer.body.len());
        assert_eq!(upstream.sent_bytes() - before, answer.body.len() as u64);
        let last = answer.events().last().unwrap().clone();
        let ends = ["[DONE]", "message_stop", "response.completed"];
        assert!(ends.iter().any(|end| last.contains(end)), "{path}: {last}");
    }
    let whole = client.post_json(CHAT, &chat("x")).await.unwrap().json();
    assert_eq!(whole["choices"][0]["message"]["content"].as_str().unwrap().len(), 300_000);
    assert_eq!(upstream.most_in_flight(), 1);
}

#[tokio::test]
async fn log_probabilities_repeat_the_text_when_asked_for() {
    let (_upstream, client) = start(Reply::text("some long words").pieces([6])).await;
    let mut ask = chat("x");
    let silent = client.post_json(CHAT, &ask).await.unwrap().json();
    assert_eq!(silent["choices"][0]["logprobs"], Value::Null);
    ask["logprobs"] = json!(true);
    let tokens = |list: &Value| -> String {
        list.as_array().unwrap().iter().map(|entry| entry["token"].as_str().unwrap()).collect()
    };
    let whole = client.post_json(CHAT, &ask).await.unwrap().json();
    assert_eq!(tokens(&whole["choices"][0]["logprobs"]["content"]), "some long words");
    let events = events(&client.post_json(CHAT, &streamed(ask)).await.unwrap());
    let told: String = events
        .iter()
        .filter_map(|event| event.pointer("/choices/0/logprobs/content"))
        .map(tokens)
        .collect();
    assert_eq!(told, "some long words");

    let ask = json!({ "model": "m", "prompt": "x", "logprobs": 1 });
    let whole = client.post_json("/v1/completions", &ask).await.unwrap().json();
    let told = whole["choices"][0]["logprobs"]["tokens"].as_array().unwrap();
    let told: String = told.iter().map(|token| token.as_str().unwrap()).collect();
    assert_eq!(told, "some long words");

    let ask = json!({ "model": "m", "input": "x", "include": ["message.output_text.logprobs"] });
    let whole = client.post_json(RESPONSES, &ask).await.unwrap().json();
    assert_eq!(tokens(&whole["output"][0]["content"][0]["logprobs"]), "some long words");
}

#[tokio::test]
async fn azure_wants_a_version_and_a_key_and_says_what_its_filter_found() {
    const PATH: &str = "/openai/deployments/d/chat/completions";
    let (_upstream, client) = start(Script::text("x")).await;
    let versioned = format!("{PATH}?api-version=2024-10-21");
    assert_eq!(client.post_json(PATH, &chat("x")).await.unwrap().status, 404);
    assert_eq!(client.post_json(&versioned, &chat("x")).await.unwrap().status, 401);
    let client = client.header("api-key", "key");
    let whole = client.post_json(&versioned, &chat("x")).await.unwrap().json();
    let safe = "/content_filter_results/violence/severity";
    assert_eq!(whole["choices"][0].pointer(safe).unwrap(), "safe");
    assert_eq!(whole["prompt_filter_results"][0].pointer(safe).unwrap(), "safe");
    assert_eq!(whole["model"], "d");
    let events = events(&client.post_json(&versioned, &streamed(chat("x"))).await.unwrap());
    assert_eq!(events[0]["choices"], json!([]));
    assert_eq!(events[0]["prompt_filter_results"][0].pointer(safe).unwrap(), "safe");
    assert_eq!(joined(&events, "/choices/0/delta/content"), "x");
}

#[tokio::test]
async fn http2_carries_many_requests_on_one_connection() {
    let reply = Reply::text("x").first_delay(Duration::from_millis(50));
    let (upstream, client) = start(reply).await;
    let client = client.http2();
    client.post_json(CHAT, &chat("x")).await.unwrap();
    let ask = chat("x");
    let (one, two) = tokio::join!(client.post_json(CHAT, &ask), client.post_json(CHAT, &ask));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!((upstream.connections(), upstream.most_in_flight()), (1, 2));
    assert_eq!(upstream.requests()[0].version, ::http::Version::HTTP_2);
}

#[tokio::test]
async fn lists_its_requests_to_another_process() {
    let (_upstream, client) = start(Script::text("x")).await;
    client.clone().bearer("secret").post_json(CHAT, &chat("hello")).await.unwrap();
    let list = client.get("/__requests").await.unwrap().json();
    assert_eq!(list[0]["path"], CHAT);
    assert_eq!(list[0]["headers"]["authorization"], "Bearer secret");
    let body: Value = serde_json::from_str(list[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, chat("hello"));
    client.send(Method::DELETE, "/__requests", "").await.unwrap().whole().await.unwrap();
    assert_eq!(client.get("/__requests").await.unwrap().json(), json!([]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_split_of_the_bytes_gives_the_same_stream(
        splits in prop::collection::vec(1usize..40, 1..6),
        sizes in prop::collection::vec(1usize..9, 1..3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let text = "Grüße, 世界 🦀!";
            let (_upstream, client) = start(Reply::text(text).pieces(sizes).splits(splits)).await;
            let answer = client.post_json(CHAT, &streamed(chat("x"))).await.unwrap();
            assert_eq!(joined(&events(&answer), "/choices/0/delta/content"), text);
        });
    }
}
