//! Every place of a request in which a text can stand, protocol by protocol.

use bartizan_testkit::upstream::Script;
use serde_json::{Value, json};

use super::{assert_told_apart, doors, probes};
use crate::support::{Stage, WORD_GUARD, messages, responses};

/// Bodies with a word in every place of a chat request.
fn chat_places(model: &str, word: &str) -> Vec<(&'static str, Value)> {
    let body = |messages: Value| json!({ "model": model, "messages": messages });
    let user = |content: Value| json!({ "role": "user", "content": content });
    let with = |name: &str, value: Value| {
        let mut body = body(json!([user(json!("hi"))]));
        body[name] = value;
        body
    };
    let (first, second) = word.split_at(word.len() / 2);
    vec![
        ("content", body(json!([user(json!(word))]))),
        ("content part", body(json!([user(json!([{ "type": "text", "text": word }]))]))),
        (
            "split over parts",
            body(json!([user(
                json!([{ "type": "text", "text": first }, { "type": "text", "text": second }])
            )])),
        ),
        (
            "earlier message",
            body(
                json!([user(json!(word)), { "role": "assistant", "content": "ok" }, user(json!("hi"))]),
            ),
        ),
        (
            "assistant message",
            body(json!([{ "role": "assistant", "content": word }, user(json!("hi"))])),
        ),
        (
            "refusal in history",
            body(
                json!([{ "role": "assistant", "content": null, "refusal": word }, user(json!("hi"))]),
            ),
        ),
        ("system message", body(json!([{ "role": "system", "content": word }, user(json!("hi"))]))),
        (
            "developer message",
            body(json!([{ "role": "developer", "content": word }, user(json!("hi"))])),
        ),
        (
            "tool message",
            body(
                json!([user(json!("hi")), { "role": "tool", "tool_call_id": "c", "content": word }]),
            ),
        ),
        (
            "tool call arguments in history",
            body(json!([{ "role": "assistant", "content": null, "tool_calls": [
                { "id": "c", "type": "function", "function": { "name": "f", "arguments": format!("{{\"a\":\"{word}\"}}") } }
            ] }, user(json!("hi"))])),
        ),
        (
            "tool call name in history",
            body(json!([{ "role": "assistant", "content": null, "tool_calls": [
                { "id": "c", "type": "function", "function": { "name": word, "arguments": "{}" } }
            ] }, user(json!("hi"))])),
        ),
        ("message name", body(json!([{ "role": "user", "name": word, "content": "hi" }]))),
        ("role", body(json!([{ "role": word, "content": "hi" }]))),
        (
            "unknown field of a message",
            body(json!([{ "role": "user", "content": "hi", "x_new": word }])),
        ),
        (
            "tool description",
            with(
                "tools",
                json!([{ "type": "function", "function": { "name": "f", "description": word } }]),
            ),
        ),
        ("tool name", with("tools", json!([{ "type": "function", "function": { "name": word } }]))),
        (
            "parameter name",
            with(
                "tools",
                json!([{ "type": "function", "function": { "name": "f",
                "parameters": { "type": "object", "properties": { word: { "type": "string" } } } } }]),
            ),
        ),
        (
            "parameter choice",
            with(
                "tools",
                json!([{ "type": "function", "function": { "name": "f",
                "parameters": { "type": "object", "properties": { "a": { "enum": [word] } } } } }]),
            ),
        ),
        (
            "response format",
            with(
                "response_format",
                json!({ "type": "json_schema", "json_schema": { "name": "x",
                "schema": { "type": "object", "description": word } } }),
            ),
        ),
        ("stop", with("stop", json!([word]))),
        ("user field", with("user", json!(word))),
        ("metadata", with("metadata", json!({ "a": { "b": [word] } }))),
        ("unknown field", with("x_new_feature", json!(word))),
        ("unknown key", with("x_new_feature", json!({ word: 1 }))),
        ("prediction", with("prediction", json!({ "type": "content", "content": word }))),
    ]
}

/// Bodies with a word in every place of a messages request.
fn messages_places(word: &str) -> Vec<(&'static str, Value)> {
    let with = |name: &str, value: Value| {
        let mut body = messages("claude", "hi", false);
        body[name] = value;
        body
    };
    let turns = |content: Value| with("messages", json!([{ "role": "user", "content": content }]));
    let tool = |tool: Value| with("tools", json!([tool]));
    let (first, second) = word.split_at(word.len() / 2);
    vec![
        ("content", turns(json!(word))),
        ("block", turns(json!([{ "type": "text", "text": word }]))),
        (
            "split over blocks",
            turns(json!([{ "type": "text", "text": first }, { "type": "text", "text": second }])),
        ),
        (
            "split over blocks with other members between",
            turns(
                json!([{ "type": "text", "text": first, "cache_control": { "type": "ephemeral", "ttl": "5m" } },
                { "type": "text", "text": second }]),
            ),
        ),
        (
            "split over turns of one role",
            with(
                "messages",
                json!([{ "role": "user", "content": first }, { "role": "user", "content": second }]),
            ),
        ),
        (
            "earlier message",
            with(
                "messages",
                json!([{ "role": "user", "content": word }, { "role": "assistant", "content": "ok" },
                { "role": "user", "content": "hi" }]),
            ),
        ),
        (
            "assistant message",
            with(
                "messages",
                json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "content": word },
                { "role": "user", "content": "hi" }]),
            ),
        ),
        (
            "prefilled answer",
            with(
                "messages",
                json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "content": word }]),
            ),
        ),
        (
            "nested document",
            turns(json!([{ "type": "document", "source": { "type": "content", "content": [
                { "type": "text", "text": first }, { "type": "text", "text": second }] } }])),
        ),
        ("system", with("system", json!(word))),
        ("system blocks", with("system", json!([{ "type": "text", "text": word }]))),
        (
            "tool result",
            turns(json!([{ "type": "tool_result", "tool_use_id": "t", "content": word }])),
        ),
        (
            "tool result blocks",
            turns(
                json!([{ "type": "tool_result", "tool_use_id": "t", "content": [{ "type": "text", "text": word }] }]),
            ),
        ),
        (
            "search result",
            turns(json!([{ "type": "search_result", "source": "s", "title": "t",
                "content": [{ "type": "text", "text": word }] }])),
        ),
        (
            "tool use in history",
            with(
                "messages",
                json!([{ "role": "assistant", "content": [
                { "type": "tool_use", "id": "t", "name": "f", "input": { "a": word } }] }, { "role": "user", "content": "hi" }]),
            ),
        ),
        (
            "thinking in history",
            with(
                "messages",
                json!([{ "role": "assistant", "content": [
                { "type": "thinking", "thinking": word, "signature": "c2ln" }] }, { "role": "user", "content": "hi" }]),
            ),
        ),
        (
            "document",
            turns(
                json!([{ "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": word } }]),
            ),
        ),
        (
            "document title",
            turns(json!([{ "type": "document", "title": word,
                "source": { "type": "text", "media_type": "text/plain", "data": "hi" } }])),
        ),
        (
            "tool description",
            tool(json!({ "name": "f", "description": word, "input_schema": { "type": "object" } })),
        ),
        ("tool name", tool(json!({ "name": word, "input_schema": { "type": "object" } }))),
        (
            "parameter name",
            tool(json!({ "name": "f",
                "input_schema": { "type": "object", "properties": { word: { "type": "string" } } } })),
        ),
        ("stop sequence", with("stop_sequences", json!([word]))),
        ("metadata", with("metadata", json!({ "user_id": word }))),
        ("unknown field", with("x_new_feature", json!(word))),
        ("unknown key", with("x_new_feature", json!({ word: 1 }))),
    ]
}

/// Bodies with a word in every place of a responses request.
fn responses_places(model: &str, word: &str) -> Vec<(&'static str, Value)> {
    let with = |name: &str, value: Value| {
        let mut body = responses(model, "hi", false);
        body[name] = value;
        body
    };
    let item = |item: Value| with("input", json!([item, { "role": "user", "content": "hi" }]));
    let tool = |tool: Value| with("tools", json!([tool]));
    let (first, second) = word.split_at(word.len() / 2);
    vec![
        ("input", with("input", json!(word))),
        ("instructions", with("instructions", json!(word))),
        ("item", with("input", json!([{ "role": "user", "content": word }]))),
        ("earlier item", item(json!({ "role": "user", "content": word }))),
        ("assistant item", item(json!({ "role": "assistant", "content": word }))),
        ("system item", item(json!({ "role": "system", "content": word }))),
        (
            "developer item",
            item(json!({ "type": "message", "role": "developer", "content": word })),
        ),
        (
            "split over parts",
            with(
                "input",
                json!([{ "role": "user", "content": [
                { "type": "input_text", "text": first }, { "type": "input_text", "text": second }] }]),
            ),
        ),
        (
            "function output",
            item(json!({ "type": "function_call_output", "call_id": "c", "output": word })),
        ),
        (
            "function call",
            item(
                json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": word }),
            ),
        ),
        (
            "function call name",
            item(
                json!({ "type": "function_call", "call_id": "c", "name": word, "arguments": "{}" }),
            ),
        ),
        (
            "reasoning summary",
            item(json!({ "type": "reasoning", "id": "r",
                "summary": [{ "type": "summary_text", "text": word }] })),
        ),
        ("tool", tool(json!({ "type": "function", "name": "f", "description": word }))),
        ("tool name", tool(json!({ "type": "function", "name": word }))),
        (
            "parameter name",
            tool(json!({ "type": "function", "name": "f",
                "parameters": { "type": "object", "properties": { word: { "type": "string" } } } })),
        ),
        (
            "text format",
            with(
                "text",
                json!({ "format": { "type": "json_schema", "name": "x", "schema": { "title": word } } }),
            ),
        ),
        ("user field", with("user", json!(word))),
        ("safety identifier", with("safety_identifier", json!(word))),
        ("cache key", with("prompt_cache_key", json!(word))),
        ("metadata", with("metadata", json!({ "a": word }))),
        ("metadata key", with("metadata", json!({ word: "a" }))),
        ("unknown field", with("x_new_feature", json!(word))),
        ("unknown key", with("x_new_feature", json!({ word: 1 }))),
    ]
}

/// Bodies with a word in every place of a completions request.
fn completions_places(model: &str, word: &str) -> Vec<(&'static str, Value)> {
    let with = |name: &str, value: Value| {
        let mut body = json!({ "model": model, "prompt": "hi" });
        body[name] = value;
        body
    };
    vec![
        ("prompt", with("prompt", json!(word))),
        ("prompts", with("prompt", json!(["a", word]))),
        ("suffix", with("suffix", json!(word))),
        ("stop", with("stop", json!(word))),
        ("user field", with("user", json!(word))),
        ("unknown field", with("x_new_feature", json!(word))),
        ("unknown key", with("x_new_feature", json!({ word: 1 }))),
    ]
}

/// Bodies with a word in every place of an embeddings request.
fn embeddings_places(model: &str, word: &str) -> Vec<(&'static str, Value)> {
    let with = |name: &str, value: Value| {
        let mut body = json!({ "model": model, "input": "hi" });
        body[name] = value;
        body
    };
    vec![
        ("input", with("input", json!(word))),
        ("inputs", with("input", json!(["a", word]))),
        ("user field", with("user", json!(word))),
        ("encoding format", with("encoding_format", json!(word))),
        ("unknown field", with("x_new_feature", json!(word))),
        ("unknown key", with("x_new_feature", json!({ word: 1 }))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_a_chat_request_is_left_unread() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    // Where the path names the endpoint, the name in the body is taken out.
    for (door, model) in
        [(doors::CHAT, "open"), (doors::INVOCATIONS, "open"), (doors::SERVED_CHAT, "bricks")]
    {
        assert_told_apart(&stage, &door, &probes(|word| chat_places(model, word))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_a_messages_request_is_left_unread() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for door in [doors::MESSAGES, doors::COUNT_TOKENS] {
        assert_told_apart(&stage, &door, &probes(messages_places)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_a_responses_request_is_left_unread() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for (door, model) in [(doors::RESPONSES, "open"), (doors::SERVED_RESPONSES, "bricks")] {
        assert_told_apart(&stage, &door, &probes(|word| responses_places(model, word))).await;
    }
    // Only items, and not a text alone, tell a response from embeddings there.
    let items = |word: &str| -> Vec<(&'static str, Value)> {
        let places = responses_places("open", word).into_iter();
        places.filter(|(_, body)| body["input"].is_array()).collect()
    };
    assert_told_apart(&stage, &doors::INVOKED_RESPONSES, &probes(items)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_a_completions_request_is_left_unread() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for (door, model) in [
        (doors::COMPLETIONS, "open"),
        (doors::INVOKED_COMPLETIONS, "open"),
        (doors::SERVED_COMPLETIONS, "bricks"),
    ] {
        assert_told_apart(&stage, &door, &probes(|word| completions_places(model, word))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_of_an_embeddings_request_is_left_unread() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for (door, model) in [
        (doors::EMBEDDINGS, "open"),
        (doors::INVOKED_EMBEDDINGS, "open"),
        (doors::SERVED_EMBEDDINGS, "bricks"),
    ] {
        assert_told_apart(&stage, &door, &probes(|word| embeddings_places(model, word))).await;
    }
}
