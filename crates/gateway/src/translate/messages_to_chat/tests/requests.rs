//! Goldens of translated requests.

use serde_json::{Value as Json, json};

use crate::json::Document;
use crate::translate::tests::{messages_to_chat, refusal, request};

/// A request with one user turn and more members.
fn with(more: &Json) -> Json {
    let mut body =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn translated(more: &Json) -> Json {
    request(messages_to_chat(), &with(more)).unwrap()
}

fn refused(more: &Json) -> &'static str {
    refusal(messages_to_chat(), &with(more))
}

fn messages(turns: &Json) -> Json {
    translated(&json!({"messages": turns}))["messages"].clone()
}

fn user(block: &Json) -> Json {
    messages(&json!([{"role": "user", "content": [block]}]))[0]["content"].clone()
}

fn refused_block(block: &Json) -> &'static str {
    refused(&json!({"messages": [{"role": "user", "content": [block]}]}))
}

#[test]
fn the_least_request_stays_small() {
    assert_eq!(
        translated(&json!({})),
        json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 9})
    );
}

#[test]
fn settings_have_their_counterparts() {
    let body = translated(&json!({
        "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["a", "b"], "metadata": {"user_id": "u-1"},
        "stream": true, "service_tier": "auto", "cache_control": {"type": "ephemeral"},
    }));
    assert_eq!(
        body,
        json!({
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "max_completion_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["a", "b"],
            "user": "u-1",
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
    let whole = translated(&json!({"stream": false, "stop_sequences": [], "metadata": {}}));
    assert_eq!((whole["stream"].clone(), whole.get("stream_options")), (json!(false), None));
    assert_eq!((whole.get("stop"), whole.get("user")), (None, None));
}

#[test]
fn thinking_becomes_effort() {
    let effort = |more: Json| translated(&more)["reasoning_effort"].clone();
    let budget =
        |tokens: u64| effort(json!({"thinking": {"type": "enabled", "budget_tokens": tokens}}));
    assert_eq!(budget(1024), "low");
    assert_eq!(budget(2049), "medium");
    assert_eq!(budget(8193), "high");
    assert_eq!(budget(64_000), "high");
    assert_eq!(effort(json!({"thinking": {"type": "disabled"}})), json!(null));
    assert_eq!(
        effort(json!({"thinking": {"type": "adaptive", "display": "omitted"}})),
        json!(null)
    );
    let both = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}});
    assert_eq!(effort(both), "xhigh");
    assert_eq!(refused(&json!({"thinking": {"type": "secret"}})), "this type of `thinking`");
    assert_eq!(
        refused(&json!({"thinking": {"type": "enabled"}})),
        "`thinking` without `budget_tokens`"
    );
    assert_eq!(
        refused(&json!({"output_config": {"effort": "secret"}})),
        "this `effort` of `output_config`"
    );
}

#[test]
fn the_system_prompt_becomes_the_first_message() {
    let system = |system: Json| translated(&json!({"system": system}))["messages"][0].clone();
    assert_eq!(system(json!("be kind")), json!({"role": "system", "content": "be kind"}));
    let cached = json!({"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}});
    assert_eq!(system(json!([cached])), json!({"role": "system", "content": "one"}));
    assert_eq!(
        system(json!([cached, {"type": "text", "text": "two"}])),
        json!({"role": "system", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]})
    );
    assert_eq!(translated(&json!({"system": []}))["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn a_conversation_with_tools_becomes_messages() {
    let given = messages(&json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "let me look", "citations": null},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"q": "x"}, "caller": {"type": "direct"}},
            {"type": "tool_use", "id": "t2", "name": "look", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "text", "text": "and?"},
            {"type": "tool_result", "tool_use_id": "t1", "content": "r1"},
            {"type": "tool_result", "tool_use_id": "t2", "is_error": true, "content": [
                {"type": "text", "text": "r2"},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "r3"}},
            ]},
        ]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t3", "name": "look", "input": {"z": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t3"},
            {"type": "tool_result", "tool_use_id": "t4", "is_error": true},
        ]},
    ]));
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}});
    assert_eq!(
        given,
        json!([
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "let me look", "tool_calls": [call("t1", r#"{"q":"x"}"#), call("t2", "{}")]},
            {"role": "tool", "tool_call_id": "t1", "content": "r1"},
            {"role": "tool", "tool_call_id": "t2", "content": [{"type": "text", "text": "Error: r2"}, {"type": "text", "text": "r3"}]},
            {"role": "user", "content": "and?"},
            {"role": "assistant", "content": null, "tool_calls": [call("t3", r#"{"z":1}"#)]},
            {"role": "tool", "tool_call_id": "t3", "content": ""},
            {"role": "tool", "tool_call_id": "t4", "content": "Error"},
        ])
    );
}

#[test]
fn inputs_keep_their_order_and_numbers() {
    let body = r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"z":123456789012345678901234567890,"a":1.0}}]},{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"z":1,"a":2}}]}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let translated =
        String::from_utf8(messages_to_chat().request(document.root()).unwrap()).unwrap();
    assert!(
        translated.contains(r#""arguments":"{\"z\":123456789012345678901234567890,\"a\":1.0}""#)
    );
    assert!(translated.contains(r#""parameters":{"z":1,"a":2}"#));
}

#[test]
fn images_and_documents_become_parts() {
    let image = |source: Json| user(&json!({"type": "image", "source": source}))[0].clone();
    assert_eq!(
        image(json!({"type": "base64", "media_type": "image/png", "data": "iVBO"})),
        json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}})
    );
    assert_eq!(
        image(json!({"type": "url", "url": "https://example.com/a.png"})),
        json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}})
    );
    let text = json!({"type": "text", "media_type": "text/plain", "data": "body"});
    let document = json!({"type": "document", "title": "T", "context": "C", "citations": {"enabled": false}, "source": text});
    assert_eq!(user(&document), "T\n\nC\n\nbody");
    assert_eq!(user(&json!({"type": "document", "source": text})), "body");
    let content = json!({"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
    assert_eq!(
        user(&json!({"type": "document", "title": "T", "source": content})),
        json!([{"type": "text", "text": "T"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    );
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBE"});
    let file = |name: &str| json!({"type": "file", "file": {"filename": name, "file_data": "data:application/pdf;base64,JVBE"}});
    assert_eq!(user(&json!({"type": "document", "source": pdf})), json!([file("document.pdf")]));
    assert_eq!(
        user(&json!({"type": "document", "title": "a.pdf", "context": "C", "source": pdf})),
        json!([{"type": "text", "text": "C"}, file("a.pdf")])
    );
}

#[test]
fn blocks_without_a_counterpart_are_refused() {
    let image = "an image that is neither base64 nor on the web";
    let document = "a document that is neither text nor a PDF in base64";
    let png = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}});
    let text = json!({"type": "text", "media_type": "text/plain", "data": "x"});
    for (block, what) in [
        (json!({"type": "image", "source": {"type": "file", "file_id": "f"}}), image),
        (
            json!({"type": "image", "source": {"type": "url", "url": "https://a", "data": "secret"}}),
            image,
        ),
        (json!({"type": "image"}), image),
        (
            json!({"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}),
            document,
        ),
        (
            json!({"type": "document", "source": text, "citations": {"enabled": true}}),
            "`citations` of a document",
        ),
        (json!({"type": "search_result", "content": []}), "a content block of this type"),
        (
            json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            "a content block of this type",
        ),
        (
            json!({"type": "text", "text": "x", "secret": 1}),
            "a field of a content block that is not known",
        ),
        (json!({"type": "text"}), "a text block without text"),
        (
            json!({"type": "tool_result", "tool_use_id": "t", "content": [png]}),
            "an image in a tool result",
        ),
        (json!({"type": "tool_result", "content": "x"}), "a tool result without `tool_use_id`"),
        (
            json!({"type": "tool_result", "tool_use_id": "t", "content": 1}),
            "this `content` of a tool result",
        ),
        (json!("secret"), "a content block of this type"),
    ] {
        assert_eq!(refused_block(&block), what, "{block}");
    }
}

#[test]
fn tools_become_functions() {
    let schema = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    let body = translated(&json!({"tools": [
        {"name": "f", "description": "d", "input_schema": schema, "strict": true, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "g", "input_schema": {}},
    ]}));
    assert_eq!(
        body["tools"],
        json!([
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": true}},
            {"type": "function", "function": {"name": "g", "parameters": {}}},
        ])
    );
    for (tool, what) in [
        (
            json!({"type": "web_search_20250305", "name": "web_search"}),
            "a tool that the provider runs",
        ),
        (json!({"name": "f"}), "a tool without `input_schema`"),
        (json!({"input_schema": {}}), "a tool without a name"),
        (
            json!({"name": "f", "input_schema": {}, "input_examples": ["secret"]}),
            "a field of a tool that is not known",
        ),
    ] {
        assert_eq!(refused(&json!({"tools": [tool]})), what, "{tool}");
    }
}

#[test]
fn tool_choices_have_their_counterparts() {
    let choice = |choice: Json| {
        let body = translated(&json!({"tool_choice": choice}));
        (body["tool_choice"].clone(), body["parallel_tool_calls"].clone())
    };
    let null = || json!(null);
    assert_eq!(choice(json!({"type": "auto"})), (json!("auto"), null()));
    assert_eq!(
        choice(json!({"type": "auto", "disable_parallel_tool_use": true})),
        (json!("auto"), json!(false))
    );
    assert_eq!(
        choice(json!({"type": "any", "disable_parallel_tool_use": false})),
        (json!("required"), null())
    );
    assert_eq!(choice(json!({"type": "none"})), (json!("none"), null()));
    assert_eq!(
        choice(json!({"type": "tool", "name": "f"})),
        (json!({"type": "function", "function": {"name": "f"}}), null())
    );
    for odd in
        [json!("auto"), json!({}), json!({"type": "tool"}), json!({"type": "auto", "name": "f"})]
    {
        assert_eq!(refused(&json!({"tool_choice": odd})), "this `tool_choice`", "{odd}");
    }
}

#[test]
fn an_output_format_becomes_a_response_format() {
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    let expected = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}});
    assert_eq!(
        translated(&json!({"output_config": {"format": format}}))["response_format"],
        expected
    );
    assert_eq!(translated(&json!({"output_format": format}))["response_format"], expected);
    assert_eq!(
        refused(&json!({"output_format": {"type": "grammar"}})),
        "an output format that is no JSON schema"
    );
}

#[test]
fn what_cannot_be_carried_is_refused_by_name() {
    let unfinished =
        json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "It is ("}]);
    for (more, what) in [
        (json!({"top_k": 5}), "`top_k`"),
        (json!({"container": "c"}), "`container`"),
        (json!({"context_management": {}}), "`context_management`"),
        (json!({"mcp_servers": [{"url": "https://example.com"}]}), "`mcp_servers`"),
        (json!({"inference_geo": "eu"}), "`inference_geo`"),
        (json!({"secret": 1}), "a field of the request that is not known"),
        (json!({"metadata": {"secret": 1}}), "a field of `metadata` that is not known"),
        (json!({"metadata": "secret"}), "a field of `metadata` that is not known"),
        (json!({"stop_sequences": "x"}), "`stop_sequences` that is no list"),
        (json!({"system": 1}), "`system` that is no text"),
        (json!({"system": [{"type": "image"}]}), "a content block of this type"),
        (json!({"messages": {}}), "`messages` that is no list"),
        (json!({"messages": [{"role": "system", "content": "x"}]}), "a message of this role"),
        (json!({"messages": [{"role": "user", "content": 5}]}), "this `content` of a message"),
        (json!({"messages": unfinished}), "an answer that the model is to continue"),
    ] {
        assert_eq!(refused(&more), what, "{more}");
    }
}
