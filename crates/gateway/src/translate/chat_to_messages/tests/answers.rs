//! Goldens of translated answers.

use serde_json::{Value as Json, json};

use crate::error::GatewayError;
use crate::translate::tests::{answer, chat_to_messages, error};

fn whole(content: &Json, stop_reason: &str) -> Json {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 7},
    })
}

#[test]
fn an_answer_becomes_a_completion() {
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Hel", "citations": null},
        {"type": "text", "text": "lo"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"q": "x"}},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    ]);
    let mut given = answer(chat_to_messages(), &whole(&content, "tool_use")).unwrap();
    let created = given["created"].take().as_u64().unwrap();
    assert!(created > 1_700_000_000);
    assert_eq!(
        given,
        json!({
            "id": "msg_1",
            "object": "chat.completion",
            "created": null,
            "model": "claude",
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello",
                    "refusal": null,
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"q\":\"x\"}"}},
                        {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                    ],
                },
                "logprobs": null,
                "finish_reason": "tool_calls",
            }],
            "usage": {
                "prompt_tokens": 18,
                "completion_tokens": 7,
                "total_tokens": 25,
                "prompt_tokens_details": {"cached_tokens": 5},
            },
        })
    );
}

#[test]
fn an_answer_without_text_has_no_content() {
    let given = answer(chat_to_messages(), &whole(&json!([]), "refusal")).unwrap();
    assert_eq!(
        given["choices"][0]["message"],
        json!({"role": "assistant", "content": null, "refusal": null})
    );
    assert_eq!(given["choices"][0]["finish_reason"], "content_filter");
}

#[test]
fn stop_reasons_have_their_counterparts() {
    for (stop_reason, finish_reason) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
    ] {
        let given = answer(chat_to_messages(), &whole(&json!([]), stop_reason)).unwrap();
        assert_eq!(given["choices"][0]["finish_reason"], finish_reason, "{stop_reason}");
    }
}

#[test]
fn what_was_never_asked_for_is_not_passed_on() {
    for content in [
        json!("text"),
        json!(["text"]),
        json!([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]),
        json!([{"type": "text"}]),
        json!([{"type": "tool_use", "id": "t", "name": "f", "input": "{}"}]),
        json!([{"type": "tool_use", "name": "f", "input": {}}]),
    ] {
        let given = answer(chat_to_messages(), &whole(&content, "end_turn"));
        assert!(matches!(given, Err(GatewayError::ProviderUnreadable)), "{content}");
    }
}

#[test]
fn errors_become_errors() {
    assert_eq!(
        error(
            chat_to_messages(),
            &json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}, "request_id": "r"})
        ),
        json!({"error": {"message": "slow down", "type": "rate_limit_error", "param": null, "code": "rate_limit_error"}})
    );
    for odd in [json!({}), json!([]), json!({"error": "text"}), json!({"type": "error"})] {
        let given = error(chat_to_messages(), &odd);
        assert_eq!(given["error"]["type"], "api_error", "{odd}");
        assert!(given["error"]["message"].as_str().unwrap().starts_with("the provider"), "{odd}");
    }
}
