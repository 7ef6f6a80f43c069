//! Goldens of translated streams.

use serde_json::{Value as Json, json};

use crate::error::GatewayError;
use crate::translate::tests::{chat_to_messages, data, event, stream};

fn start() -> Json {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5, "output_tokens": 1},
    }})
}

fn block(index: u64, block: &Json) -> Json {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &Json) -> Json {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Json {
    json!({"type": "content_block_stop", "index": index})
}

fn finish(stop_reason: &str) -> [Json; 2] {
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
    [
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 15}}),
        json!({"type": "message_stop"}),
    ]
}

/// What chunks say besides their frame.
fn said(chunks: &[Json]) -> Vec<Json> {
    let say = |chunk: &Json| match chunk["choices"].get(0) {
        Some(choice) if choice["finish_reason"].is_null() => choice["delta"].clone(),
        Some(choice) => choice["finish_reason"].clone(),
        None => chunk.get("usage").unwrap_or(chunk).clone(),
    };
    chunks.iter().map(say).collect()
}

#[test]
fn a_real_stream_becomes_chunks() {
    let mut events = vec![
        start(),
        block(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, &json!({"type": "signature_delta", "signature": "EqQB"})),
        stop(0),
        block(1, &json!({"type": "text", "text": ""})),
        json!({"type": "ping"}),
        delta(1, &json!({"type": "text_delta", "text": "Hel"})),
        delta(1, &json!({"type": "text_delta", "text": "lo"})),
        stop(1),
        block(2, &json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}})),
        delta(2, &json!({"type": "input_json_delta", "partial_json": ""})),
        delta(2, &json!({"type": "input_json_delta", "partial_json": "{\"q\": \"S"})),
        delta(2, &json!({"type": "input_json_delta", "partial_json": "F\"}"})),
        stop(2),
        block(3, &json!({"type": "tool_use", "id": "t2", "name": "g", "input": {}})),
        stop(3),
    ];
    events.extend(finish("tool_use"));
    let chunks = data(&stream(chat_to_messages(), &events).unwrap());
    assert_eq!(
        said(&chunks),
        [
            json!({"role": "assistant", "content": ""}),
            json!({"reasoning_content": "hm"}),
            json!({"content": "Hel"}),
            json!({"content": "lo"}),
            json!({"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"q\": \"S"}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "F\"}"}}]}),
            json!({"tool_calls": [{"index": 1, "id": "t2", "type": "function", "function": {"name": "g", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]}),
            json!("tool_calls"),
            json!({"prompt_tokens": 18, "completion_tokens": 15, "total_tokens": 33, "prompt_tokens_details": {"cached_tokens": 5}}),
            json!("[DONE]"),
        ]
    );
    let last = &chunks[chunks.len() - 2];
    assert_eq!((&last["id"], &last["model"]), (&json!("msg_1"), &json!("claude")));
    assert_eq!((&last["object"], &last["choices"]), (&json!("chat.completion.chunk"), &json!([])));
}

#[test]
fn a_block_that_starts_with_its_content_is_not_lost() {
    let mut events = vec![
        start(),
        block(0, &json!({"type": "text", "text": "all"})),
        stop(0),
        block(1, &json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}})),
        stop(1),
    ];
    events.extend(finish("tool_use"));
    let chunks = said(&data(&stream(chat_to_messages(), &events).unwrap()));
    assert_eq!(chunks[1], json!({"content": "all"}));
    assert_eq!(
        chunks[3],
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":1}"}}]})
    );
    assert_eq!(chunks[4], json!("tool_calls"));
}

#[test]
fn an_error_ends_the_stream() {
    let events = [
        start(),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        block(0, &json!({"type": "text", "text": "late"})),
        json!("[DONE]"),
    ];
    let chunks = data(&stream(chat_to_messages(), &events).unwrap());
    assert_eq!(
        chunks[1..],
        [
            json!({"error": {"message": "Overloaded", "type": "overloaded_error", "param": null, "code": "overloaded_error"}}),
        ]
    );
}

#[test]
fn the_end_is_said_once() {
    let mut events = vec![start()];
    events.extend(finish("end_turn"));
    events.push(json!("[DONE]"));
    let chunks = data(&stream(chat_to_messages(), &events).unwrap());
    assert_eq!(chunks.iter().filter(|chunk| **chunk == "[DONE]").count(), 1);
}

#[test]
fn unknown_events_are_skipped_and_unknown_content_is_refused() {
    let mut chunks = chat_to_messages().stream();
    assert_eq!(event(&mut *chunks, &json!({"type": "news", "text": "x"})).unwrap(), []);
    for odd in [
        block(0, &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        block(0, &json!({"type": "tool_use", "name": "f", "input": {}})),
        json!({"type": "content_block_start", "content_block": {"type": "tool_use", "id": "t", "name": "f"}}),
        delta(0, &json!({"type": "text_delta"})),
        delta(0, &json!({"type": "citations_delta", "citation": {}})),
        delta(7, &json!({"type": "input_json_delta", "partial_json": "{}"})),
        json!({"type": "content_block_delta", "index": 0}),
    ] {
        let mut chunks = chat_to_messages().stream();
        assert!(
            matches!(event(&mut *chunks, &odd), Err(GatewayError::ProviderUnreadable)),
            "{odd}"
        );
    }
}

#[test]
fn open_calls_have_a_cap() {
    let mut chunks = chat_to_messages().stream();
    let open =
        |index| block(index, &json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}));
    let opened = (0..1000).take_while(|index| event(&mut *chunks, &open(*index)).is_ok()).count();
    assert_eq!(opened, 128);
}
