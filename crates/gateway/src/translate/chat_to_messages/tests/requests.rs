//! Goldens of translated requests.

use serde_json::{Value as Json, json};

use crate::json::Document;
use crate::translate::tests::{chat_to_messages, refusal, request};

/// A request with one user message and more members.
fn with(more: &Json) -> Json {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn translated(more: &Json) -> Json {
    request(chat_to_messages(), &with(more)).unwrap()
}

fn refused(more: &Json) -> &'static str {
    refusal(chat_to_messages(), &with(more))
}

fn conversation(messages: &Json) -> Json {
    let body = request(chat_to_messages(), &json!({"model": "m", "messages": messages})).unwrap();
    json!({"system": body["system"], "messages": body["messages"]})
}

fn refused_message(message: &Json) -> &'static str {
    refusal(chat_to_messages(), &json!({"model": "m", "messages": [message]}))
}

fn user_part(part: &Json) -> Json {
    conversation(&json!([{"role": "user", "content": [part]}]))["messages"][0]["content"][0].clone()
}

fn refused_part(part: &Json) -> &'static str {
    refused_message(&json!({"role": "user", "content": [part]}))
}

#[test]
fn the_least_request_gets_a_limit() {
    assert_eq!(
        translated(&json!({})),
        json!({
            "model": "m",
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        })
    );
}

#[test]
fn settings_have_their_counterparts() {
    let asked = json!({
        "max_tokens": 10, "max_completion_tokens": 20, "temperature": 0.5, "top_p": 0.9,
        "stop": ["a", "b"], "user": "u-1", "stream": true, "stream_options": {"include_usage": true},
    });
    let body = translated(&asked);
    assert_eq!(body["max_tokens"], 20);
    assert_eq!(body["temperature"], json!(0.5));
    assert_eq!(body["top_p"], json!(0.9));
    assert_eq!(body["stop_sequences"], json!(["a", "b"]));
    assert_eq!(body["metadata"], json!({"user_id": "u-1"}));
    assert_eq!(body["stream"], true);
    assert_eq!(body.as_object().unwrap().len(), 8);
    assert_eq!(translated(&json!({"stop": "x"}))["stop_sequences"], json!(["x"]));
}

#[test]
fn temperature_ends_at_one() {
    for (asked, given) in [
        (json!(0), json!(0)),
        (json!(1), json!(1)),
        (json!(2), json!(1.0)),
        (json!(-0.1), json!(0.0)),
    ] {
        assert_eq!(translated(&json!({"temperature": asked}))["temperature"], given, "{asked}");
    }
}

#[test]
fn effort_becomes_a_budget_within_the_limit() {
    let thinking = |more: Json| {
        let body = translated(&more);
        (body["thinking"]["budget_tokens"].as_u64(), body["max_tokens"].as_u64().unwrap())
    };
    assert_eq!(thinking(json!({"reasoning_effort": "none"})), (None, 4096));
    assert_eq!(thinking(json!({"reasoning_effort": "minimal"})), (Some(1024), 5120));
    assert_eq!(thinking(json!({"reasoning_effort": "low"})), (Some(2048), 6144));
    assert_eq!(thinking(json!({"reasoning_effort": "medium"})), (Some(8192), 12288));
    assert_eq!(thinking(json!({"reasoning_effort": "high"})), (Some(16384), 20480));
    assert_eq!(thinking(json!({"reasoning_effort": "xhigh"})), (Some(32768), 36864));
    assert_eq!(
        thinking(json!({"reasoning_effort": "high", "max_tokens": 2048})),
        (Some(1024), 2048)
    );
    assert_eq!(translated(&json!({"reasoning_effort": "low"}))["thinking"]["type"], "enabled");
    assert_eq!(
        refused(&json!({"reasoning_effort": "low", "max_tokens": 2047})),
        "`reasoning_effort` with a limit below 2048 tokens"
    );
    assert_eq!(refused(&json!({"reasoning_effort": "secret words"})), "this `reasoning_effort`");
}

#[test]
fn effort_gives_way_while_tool_results_are_handed_in() {
    let body = request(chat_to_messages(), &json!({"model": "m", "reasoning_effort": "high", "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]})).unwrap();
    assert_eq!(body.get("thinking"), None);
    assert_eq!(
        body["messages"][1]["content"],
        json!([{"type": "tool_use", "id": "c", "name": "f", "input": {}}])
    );
}

#[test]
fn system_messages_move_to_the_front_in_order() {
    let given = conversation(&json!([
        {"role": "system", "content": "one"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]},
    ]));
    assert_eq!(
        given["system"],
        json!([
            {"type": "text", "text": "one"}, {"type": "text", "text": "two"}, {"type": "text", "text": "three"},
        ])
    );
    assert_eq!(
        given["messages"],
        json!([{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
    );
}

#[test]
fn a_conversation_with_tools_becomes_turns() {
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "index": 0, "function": {"name": "look", "arguments": arguments}});
    let given = conversation(&json!([
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "", "refusal": null, "annotations": [], "audio": null,
            "reasoning_content": "hm", "tool_calls": [call("c1", r#"{"q":"x"}"#), call("c2", "")]},
        {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "r1"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "r2"}]},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": [{"type": "text", "text": "done"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": null, "refusal": "never"},
        {"role": "user", "content": ""},
    ]));
    assert_eq!(
        given["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"q": "x"}},
                {"type": "tool_use", "id": "c2", "name": "look", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "r1"}]},
                {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "r2"}]},
                {"type": "text", "text": "and?"},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "done"}, {"type": "text", "text": "no"}, {"type": "text", "text": "never"},
            ]},
        ])
    );
}

#[test]
fn arguments_keep_their_order_and_numbers() {
    let body = r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"z\":123456789012345678901234567890,\"a\":1.0}"}}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":2}}}]}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let translated =
        String::from_utf8(chat_to_messages().request(document.root()).unwrap()).unwrap();
    assert!(translated.contains(r#""input":{"z":123456789012345678901234567890,"a":1.0}"#));
    assert!(translated.contains(r#""input_schema":{"z":1,"a":2}"#));
}

#[test]
fn images_and_files_become_blocks() {
    let image = |url: &str| {
        user_part(&json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}}))
    };
    assert_eq!(
        image("data:image/PNG;base64,iVBO"),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}})
    );
    assert_eq!(
        image("https://example.com/a.png"),
        json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}})
    );
    assert_eq!(
        user_part(
            &json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}})
        ),
        json!({"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}})
    );
}

#[test]
fn parts_without_a_counterpart_are_refused() {
    let image = "an image that is neither a base64 `data:` URL nor on the web";
    let file = "a file that is no PDF in a base64 `data:` URL";
    for (part, what) in [
        (
            json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}),
            "audio content",
        ),
        (json!({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}), image),
        (json!({"type": "image_url", "image_url": {"url": "data:text/html;base64,AA"}}), image),
        (
            json!({"type": "image_url", "image_url": "https://example.com"}),
            "a field of a content part that is not known",
        ),
        (json!({"type": "file", "file": {"file_id": "file-1"}}), "a file kept at another provider"),
        (json!({"type": "file", "file": {"file_data": "data:text/csv;base64,AA"}}), file),
        (json!({"type": "secret"}), "a content part of this type"),
        (json!({"type": "text"}), "a text part without text"),
        (
            json!({"type": "text", "text": "x", "secret": 1}),
            "a field of a content part that is not known",
        ),
        (json!("secret"), "a content part of this type"),
    ] {
        assert_eq!(refused_part(&part), what, "{part}");
    }
}

#[test]
fn messages_without_a_counterpart_are_refused() {
    let call = |call: Json| json!({"role": "assistant", "tool_calls": [call]});
    let arguments = "a tool call whose `arguments` are no JSON object";
    for (message, what) in [
        (json!({"role": "function", "name": "f", "content": "x"}), "a message of this role"),
        (json!({"role": "user", "name": "Ann", "content": "x"}), "`name` of a message"),
        (json!({"role": "user", "content": 5}), "this `content` of a message"),
        (
            json!({"role": "user", "content": "x", "secret": "y"}),
            "a field of a message that is not known",
        ),
        (json!({"role": "tool", "content": "x"}), "a tool message without `tool_call_id`"),
        (json!({"role": "assistant", "audio": {"id": "a"}}), "`audio` of a message"),
        (
            json!({"role": "assistant", "function_call": {"name": "f"}}),
            "`function_call` of a message (use `tool_calls`)",
        ),
        (json!({"role": "assistant", "tool_calls": {}}), "`tool_calls` that is no list"),
        (
            call(json!({"id": "c", "type": "custom", "custom": {}})),
            "a tool call that is no function call",
        ),
        (call(json!({"id": "c", "function": {"name": "f", "arguments": "{oops"}})), arguments),
        (call(json!({"id": "c", "function": {"name": "f", "arguments": "[1]"}})), arguments),
        (call(json!({"function": {"name": "f", "arguments": "{}"}})), "a tool call without an id"),
    ] {
        assert_eq!(refused_message(&message), what, "{message}");
    }
}

#[test]
fn tools_become_tools() {
    let schema = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    let body = translated(&json!({"tools": [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": true}},
        {"type": "function", "function": {"name": "g"}},
    ]}));
    assert_eq!(
        body["tools"],
        json!([
            {"name": "f", "description": "d", "input_schema": schema, "strict": true},
            {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        ])
    );
    assert_eq!(body.get("tool_choice"), None);
    assert_eq!(
        refused(&json!({"tools": [{"type": "custom", "custom": {"name": "c"}}]})),
        "a tool that is no function"
    );
    assert_eq!(refused(&json!({"tools": {}})), "`tools` that is no list");
}

#[test]
fn tool_choices_have_their_counterparts() {
    let choice = |choice: Json, parallel: Json| {
        let tools = json!([{"type": "function", "function": {"name": "f"}}]);
        let body = translated(
            &json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}),
        );
        body["tool_choice"].clone()
    };
    let (null, serial) = (json!(null), json!(false));
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(choice(json!("auto"), null.clone()), json!({"type": "auto"}));
    assert_eq!(choice(json!("none"), serial.clone()), json!({"type": "none"}));
    assert_eq!(choice(json!("required"), json!(true)), json!({"type": "any"}));
    assert_eq!(choice(named.clone(), null.clone()), json!({"type": "tool", "name": "f"}));
    assert_eq!(
        choice(named, serial.clone()),
        json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true})
    );
    assert_eq!(
        choice(null.clone(), serial),
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    assert_eq!(
        translated(&json!({"tool_choice": "auto", "parallel_tool_calls": false}))
            .get("tool_choice"),
        None
    );
    for odd in [
        json!("secret"),
        json!(1),
        json!({"type": "allowed_tools"}),
        json!({"type": "function", "function": {}}),
    ] {
        assert_eq!(refused(&json!({"tool_choice": odd})), "this `tool_choice`");
    }
}

#[test]
fn a_schema_becomes_an_output_format() {
    let schema = json!({"type": "object"});
    let body = translated(
        &json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}}),
    );
    assert_eq!(body["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    assert_eq!(
        translated(&json!({"response_format": {"type": "text"}})).get("output_config"),
        None
    );
    for (format, what) in [
        (
            json!({"type": "json_object"}),
            "`response_format` of the type `json_object` (use `json_schema`)",
        ),
        (json!({"type": "grammar"}), "this `response_format`"),
        (
            json!({"type": "json_schema", "json_schema": {"name": "n"}}),
            "`response_format` without a schema",
        ),
    ] {
        assert_eq!(refused(&json!({"response_format": format})), what);
    }
}

#[test]
fn what_asks_for_nothing_is_left_out() {
    let least = translated(&json!({}));
    for harmless in [
        json!({"stream_options": {"include_usage": false}}),
        json!({"store": false}),
        json!({"seed": 7}),
        json!({"service_tier": "auto"}),
        json!({"frequency_penalty": 0}),
        json!({"presence_penalty": 0.0}),
        json!({"metadata": {"k": "v"}}),
        json!({"n": 1}),
        json!({"logprobs": false}),
        json!({"logit_bias": {}}),
        json!({"modalities": ["text"]}),
        json!({"tools": []}),
        json!({"audio": null}),
        json!({"secret": null}),
    ] {
        assert_eq!(translated(&harmless), least, "{harmless}");
    }
}

#[test]
fn what_cannot_be_carried_is_refused_by_name() {
    for (more, what) in [
        (json!({"n": 2}), "`n` above 1"),
        (json!({"logprobs": true}), "`logprobs`"),
        (json!({"top_logprobs": 3}), "`top_logprobs`"),
        (json!({"frequency_penalty": 0.1}), "`frequency_penalty`"),
        (json!({"presence_penalty": -1}), "`presence_penalty`"),
        (json!({"logit_bias": {"1": 2}}), "`logit_bias`"),
        (json!({"modalities": ["text", "audio"]}), "`modalities` beside text"),
        (json!({"modalities": "audio"}), "`modalities` beside text"),
        (json!({"audio": {}}), "`audio`"),
        (json!({"prediction": {}}), "`prediction`"),
        (json!({"functions": [{"name": "f"}]}), "`functions` (use `tools`)"),
        (json!({"function_call": "auto"}), "`function_call` (use `tool_choice`)"),
        (json!({"store": true}), "`store`"),
        (json!({"web_search_options": {}}), "`web_search_options`"),
        (json!({"secret": 1}), "a field of the request that is not known"),
        (json!({"messages": "secret"}), "`messages` that is no list"),
        (json!({"stream": "yes"}), "`stream`"),
        (json!({"stop": [1]}), "`stop`"),
        (json!({"max_tokens": 1.5}), "a limit on tokens that is no whole number"),
    ] {
        assert_eq!(refused(&more), what, "{more}");
    }
}
