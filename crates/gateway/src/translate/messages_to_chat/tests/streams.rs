//! Goldens of translated streams.

use serde_json::{Value as Json, json};

use crate::error::GatewayError;
use crate::translate::tests::{data, messages_to_chat, stream};

fn frame(choices: &Json, usage: &Json) -> Json {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": choices, "usage": usage})
}

fn chunk(delta: &Json, finish_reason: &Json) -> Json {
    frame(
        &json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}]),
        &json!(null),
    )
}

fn delta(delta: &Json) -> Json {
    chunk(delta, &json!(null))
}

fn finish(reason: &str) -> Json {
    chunk(&json!({}), &json!(reason))
}

fn call(call: &Json) -> Json {
    delta(&json!({"tool_calls": [call]}))
}

fn usage() -> Json {
    json!({"prompt_tokens": 18, "completion_tokens": 7, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 5}})
}

/// The events with their names, which must be their types.
fn events(chunks: &[Json]) -> Vec<Json> {
    let events = stream(messages_to_chat(), chunks).unwrap();
    for event in &events {
        let data: Json = serde_json::from_str(&event.data).unwrap();
        assert_eq!(event.event, data["type"].as_str());
    }
    data(&events)
}

fn kinds(events: &[Json]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn start() -> Json {
    json!({"type": "message_start", "message": {
        "id": "chatcmpl-1", "type": "message", "role": "assistant", "model": "gpt", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0},
    }})
}

fn end(stop_reason: &str) -> [Json; 2] {
    let usage = json!({"input_tokens": 13, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 7});
    [
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn a_real_stream_becomes_the_full_sequence() {
    let given = events(&[
        delta(&json!({"role": "assistant", "content": "", "refusal": null})),
        delta(&json!({"reasoning_content": "hm"})),
        delta(&json!({"content": "Hel"})),
        delta(&json!({"content": "lo"})),
        call(
            &json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}),
        ),
        call(&json!({"index": 0, "function": {"arguments": "{\"q\":"}})),
        call(&json!({"index": 0, "function": {"arguments": "1}"}})),
        call(
            &json!({"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}),
        ),
        call(&json!({"index": 1, "function": {"arguments": "{}"}})),
        finish("tool_calls"),
        frame(&json!([]), &usage()),
        json!("[DONE]"),
    ]);
    let block = |index: u64, block: Json| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u64, delta: Json| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let mut expected = vec![
        start(),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        stop(0),
        block(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "Hel"})),
        delta(1, json!({"type": "text_delta", "text": "lo"})),
        stop(1),
        block(2, json!({"type": "tool_use", "id": "c1", "name": "f", "input": {}})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"q\":"})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "1}"})),
        stop(2),
        block(3, json!({"type": "tool_use", "id": "c2", "name": "g", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{}"})),
        stop(3),
    ];
    expected.extend(end("tool_use"));
    assert_eq!(given, expected);
}

#[test]
fn usage_may_come_anywhere_near_the_end() {
    let last = frame(&json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), &usage());
    let text = delta(&json!({"content": "x"}));
    for chunks in [
        vec![text.clone(), finish("stop"), frame(&json!([]), &usage()), json!("[DONE]")],
        vec![text.clone(), finish("stop"), frame(&json!([]), &usage())],
        vec![text.clone(), last.clone(), json!("[DONE]")],
        vec![text.clone(), last, frame(&json!([]), &usage()), json!("[DONE]")],
        vec![text.clone(), finish("stop"), json!({"usage": usage()}), json!("[DONE]")],
    ] {
        let given = events(&chunks);
        assert_eq!(given[given.len() - 2..], end("end_turn"));
        assert_eq!(kinds(&given).iter().filter(|kind| **kind == "message_stop").count(), 1);
    }
    let silent = events(&[text, finish("length"), json!("[DONE]")]);
    assert_eq!(silent[4]["delta"]["stop_reason"], "max_tokens");
    assert_eq!(silent[4]["usage"]["output_tokens"], 0);
}

#[test]
fn calls_with_one_index_are_told_apart_by_id() {
    let given = events(&[
        call(&json!({"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}})),
        call(&json!({"index": 0, "id": "c2", "function": {"name": "f", "arguments": "{\"a\":"}})),
        call(&json!({"index": 0, "id": "c2", "function": {"name": null, "arguments": "1}"}})),
        finish("stop"),
        json!("[DONE]"),
    ]);
    assert_eq!(
        kinds(&given),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(given[8]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn calls_may_come_in_one_chunk() {
    let given = events(&[
        delta(&json!({"tool_calls": [
            {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}},
            {"index": 1, "id": "c2", "function": {"name": "g", "arguments": ""}},
        ]})),
        finish("tool_calls"),
        json!("[DONE]"),
    ]);
    assert_eq!(
        (&given[1]["content_block"]["name"], &given[4]["content_block"]["name"]),
        (&json!("f"), &json!("g"))
    );
    assert_eq!(
        (&given[4]["index"], &given[5]),
        (&json!(1), &json!({"type": "content_block_stop", "index": 1}))
    );
}

#[test]
fn a_refusal_is_text_with_its_own_stop_reason() {
    let given = events(&[delta(&json!({"refusal": "no"})), finish("stop"), json!("[DONE]")]);
    assert_eq!(given[2]["delta"], json!({"type": "text_delta", "text": "no"}));
    assert_eq!(given[4]["delta"]["stop_reason"], "refusal");
}

#[test]
fn an_error_ends_the_stream() {
    let given = events(&[
        delta(&json!({"content": "x"})),
        json!({"error": {"message": "The server had an error", "type": "server_error", "param": null, "code": null}}),
        delta(&json!({"content": "late"})),
        json!("[DONE]"),
    ]);
    assert_eq!(
        kinds(&given),
        ["message_start", "content_block_start", "content_block_delta", "error"]
    );
    assert_eq!(
        given[3]["error"],
        json!({"type": "api_error", "message": "The server had an error"})
    );
}

#[test]
fn a_chunk_without_choices_says_nothing() {
    let filters = json!({"id": "", "model": "", "choices": [], "prompt_filter_results": []});
    let given =
        events(&[filters, delta(&json!({"content": "x"})), finish("stop"), json!("[DONE]")]);
    assert_eq!(given[0], start());
}

#[test]
fn an_empty_stream_is_an_empty_message() {
    assert_eq!(
        kinds(&events(&[json!("[DONE]")])),
        ["message_start", "message_delta", "message_stop"]
    );
}

#[test]
fn what_cannot_be_told_in_order_is_refused() {
    let first = call(&json!({"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{"}}));
    let second =
        call(&json!({"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{"}}));
    let late = call(&json!({"index": 0, "function": {"arguments": "}"}}));
    for chunks in [
        vec![first, second, late.clone()],
        vec![late],
        vec![call(&json!({"index": 0, "id": "c1", "function": {"arguments": "{}"}}))],
        vec![call(&json!({"index": 0, "id": "c1", "custom": {}}))],
        vec![call(&json!({"index": 0, "id": "c1", "function": {"name": "f", "arguments": {}}}))],
        vec![frame(&json!([{"index": 1, "delta": {"content": "x"}}]), &json!(null))],
        vec![frame(&json!([{"delta": {}}, {"delta": {}}]), &json!(null))],
        vec![delta(&json!({"content": 5}))],
        vec![json!({"text": "unknown"})],
    ] {
        let given = stream(messages_to_chat(), &chunks);
        assert!(matches!(given, Err(GatewayError::ProviderUnreadable)), "{chunks:?}");
    }
}
