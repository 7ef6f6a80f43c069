//! Goldens of translated answers.

use serde_json::{Value as Json, json};

use crate::error::GatewayError;
use crate::translate::tests::{answer, error, messages_to_chat};

fn whole(message: &Json, finish_reason: &str) -> Json {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt", "system_fingerprint": "fp",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 18, "completion_tokens": 7, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 5}},
    })
}

fn call(id: &str, arguments: &str) -> Json {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

#[test]
fn a_completion_becomes_a_message() {
    let message = json!({
        "role": "assistant", "content": "Hello", "reasoning_content": "hm", "refusal": null, "annotations": [],
        "tool_calls": [call("c1", "{\"q\": \"x\"}"), call("c2", "")],
    });
    assert_eq!(
        answer(messages_to_chat(), &whole(&message, "tool_calls")).unwrap(),
        json!({
            "id": "chatcmpl-1",
            "type": "message",
            "role": "assistant",
            "model": "gpt",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "Hello"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"q": "x"}},
                {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": null,
            "usage": {"input_tokens": 13, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 7},
        })
    );
}

#[test]
fn content_may_be_a_list_of_parts() {
    let message = json!({"role": "assistant", "content": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "h"}, {"type": "summary_text", "text": "m"}]},
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo"},
    ]});
    let given = answer(messages_to_chat(), &whole(&message, "stop")).unwrap();
    assert_eq!(
        given["content"],
        json!([
            {"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "Hello"},
        ])
    );
}

#[test]
fn finish_reasons_have_their_counterparts() {
    let text = json!({"role": "assistant", "content": "x"});
    let called = json!({"role": "assistant", "content": null, "tool_calls": [call("c", "{}")]});
    let refused = json!({"role": "assistant", "content": null, "refusal": "no"});
    for (message, finish_reason, stop_reason) in [
        (&text, "stop", "end_turn"),
        (&text, "length", "max_tokens"),
        (&text, "content_filter", "refusal"),
        (&called, "tool_calls", "tool_use"),
        (&called, "stop", "tool_use"),
        (&called, "length", "max_tokens"),
        (&refused, "stop", "refusal"),
    ] {
        let given = answer(messages_to_chat(), &whole(message, finish_reason)).unwrap();
        assert_eq!(given["stop_reason"], stop_reason, "{finish_reason}");
    }
    let given = answer(messages_to_chat(), &whole(&refused, "stop")).unwrap();
    assert_eq!(given["content"], json!([{"type": "text", "text": "no"}]));
}

#[test]
fn missing_usage_counts_as_none() {
    let given =
        answer(messages_to_chat(), &json!({"choices": [{"message": {"content": ""}}]})).unwrap();
    assert_eq!(given["content"], json!([]));
    assert_eq!(
        given["usage"],
        json!({"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0})
    );
}

#[test]
fn what_was_never_asked_for_is_not_passed_on() {
    let mut two = whole(&json!({"content": "a"}), "stop");
    two["choices"] = json!([two["choices"][0], two["choices"][0]]);
    for given in [
        two,
        json!({"choices": []}),
        json!({"choices": [{"index": 0}]}),
        whole(&json!({"content": 5}), "stop"),
        whole(&json!({"content": [{"type": "image_url"}]}), "stop"),
        whole(&json!({"audio": {"data": "AA"}}), "stop"),
        whole(&json!({"function_call": {"name": "f", "arguments": "{}"}}), "stop"),
        whole(&json!({"tool_calls": [call("c", "{\"cut")]}), "length"),
        whole(&json!({"tool_calls": [call("c", "[]")]}), "tool_calls"),
        whole(&json!({"tool_calls": [{"id": "c", "type": "custom", "custom": {}}]}), "tool_calls"),
    ] {
        let translated = answer(messages_to_chat(), &given);
        assert!(matches!(translated, Err(GatewayError::ProviderUnreadable)), "{given}");
    }
}

#[test]
fn errors_become_errors() {
    let kind = |kind: Json, code: Json| {
        let given = error(
            messages_to_chat(),
            &json!({"error": {"message": "m", "type": kind, "param": null, "code": code}}),
        );
        assert_eq!((&given["type"], &given["error"]["message"]), (&json!("error"), &json!("m")));
        given["error"]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind(json!("invalid_request_error"), json!(null)), "invalid_request_error");
    assert_eq!(
        kind(json!("invalid_request_error"), json!("invalid_api_key")),
        "authentication_error"
    );
    assert_eq!(kind(json!("invalid_request_error"), json!("model_not_found")), "not_found_error");
    assert_eq!(kind(json!("tokens"), json!("rate_limit_exceeded")), "rate_limit_error");
    assert_eq!(kind(json!("insufficient_quota"), json!("insufficient_quota")), "rate_limit_error");
    assert_eq!(kind(json!("server_error"), json!(null)), "api_error");
    assert_eq!(kind(json!(null), json!("429")), "rate_limit_error");
    assert_eq!(
        error(
            messages_to_chat(),
            &json!({"error_code": "PERMISSION_DENIED", "message": "not yours"})
        ),
        json!({"type": "error", "error": {"type": "permission_error", "message": "not yours"}})
    );
    assert_eq!(
        error(messages_to_chat(), &json!({"error": "model is loading"})),
        json!({"type": "error", "error": {"type": "api_error", "message": "model is loading"}})
    );
    for odd in [json!({}), json!([]), json!({"error": {}}), json!({"error": null})] {
        let given = error(messages_to_chat(), &odd);
        assert!(given["error"]["message"].as_str().unwrap().starts_with("the provider"), "{odd}");
    }
}
