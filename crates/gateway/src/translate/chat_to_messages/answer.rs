//! The whole answer and the error body.
//!
//! Left out is what chat completions have no place for: which stop sequence was met, signatures and
//! encrypted thinking, which only the provider can read, and how the cache was written.

use std::borrow::Cow;

use serde_json::json;

use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::translate::fields::word;
use crate::translate::wire;
use crate::translate::wire::chat::{
    Answer, Called, Choice, Completion, FunctionTag, PromptDetails, ToolCall, Usage,
};
use crate::translate::wire::messages;

pub(super) fn translate(root: Value<'_>) -> Result<Vec<u8>, GatewayError> {
    let content = root.get("content").filter(|content| content.kind() == Kind::Array);
    let content = content.ok_or(GatewayError::ProviderUnreadable)?;
    let mut text = None;
    let mut reasoning = None;
    let mut tool_calls = Vec::new();
    for block in content.items() {
        // Texts are joined without a break: that is how they were written, and how a client joins
        // the pieces of a stream.
        match &*word(block, "type") {
            "text" => append(&mut text, &string(block, "text")?),
            "thinking" => append(&mut reasoning, &string(block, "thinking")?),
            "tool_use" => tool_calls.push(tool_call(block)?),
            // Encrypted; only the provider can read it.
            "redacted_thinking" => {}
            _ => return Err(GatewayError::ProviderUnreadable),
        }
    }
    let mut used = messages::Usage::default();
    if let Some(usage) = root.get("usage") {
        used.update(usage);
    }
    let finish_reason = finish_reason(&word(root, "stop_reason"));
    wire::write(&Completion {
        id: word(root, "id"),
        object: "chat.completion",
        created: now(),
        model: word(root, "model"),
        choices: [Choice {
            index: 0,
            message: Answer {
                role: "assistant",
                content: text,
                refusal: (),
                reasoning_content: reasoning,
                tool_calls,
            },
            logprobs: (),
            finish_reason,
        }],
        usage: usage(used),
    })
    .map_err(|_| GatewayError::ProviderUnreadable)
}

/// An error body, or the data of an `error` event.
pub(super) fn error(root: Value<'_>) -> serde_json::Value {
    let error = root.get("error").unwrap_or(root);
    let kind = match &*word(error, "type") {
        "" | "error" => Cow::Borrowed("api_error"),
        _ => word(error, "type"),
    };
    let message = match &*word(error, "message") {
        "" => Cow::Borrowed("the provider refused the request and gave no reason"),
        _ => word(error, "message"),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": kind}})
}

/// `finish_reason` for a `stop_reason`.
pub(super) fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        // `end_turn`, `stop_sequence`, `pause_turn`, and whatever else ends an answer in order.
        _ => "stop",
    }
}

pub(super) fn usage(used: messages::Usage) -> Usage {
    let cached = used.cache_read_input_tokens;
    let prompt_tokens =
        used.input_tokens.saturating_add(cached).saturating_add(used.cache_creation_input_tokens);
    Usage {
        prompt_tokens,
        completion_tokens: used.output_tokens,
        total_tokens: prompt_tokens.saturating_add(used.output_tokens),
        prompt_tokens_details: PromptDetails { cached_tokens: cached },
    }
}

/// Seconds since 1970, which messages do not tell.
pub(super) fn now() -> i64 {
    bartizan_core::time::now().as_second()
}

/// A string that the provider must have sent.
pub(super) fn string<'d>(object: Value<'d>, name: &str) -> Result<Cow<'d, str>, GatewayError> {
    let text = object.get(name).and_then(|value| value.as_str());
    text.map(|text| text.text()).ok_or(GatewayError::ProviderUnreadable)
}

fn append(text: &mut Option<String>, piece: &str) {
    text.get_or_insert_default().push_str(piece);
}

fn tool_call(block: Value<'_>) -> Result<ToolCall<'_>, GatewayError> {
    let input = block.get("input").filter(|input| input.kind() == Kind::Object);
    let input = input.and_then(|input| std::str::from_utf8(input.raw()).ok());
    Ok(ToolCall {
        id: string(block, "id")?,
        r#type: FunctionTag::Function,
        function: Called {
            name: string(block, "name")?,
            arguments: Cow::Borrowed(input.ok_or(GatewayError::ProviderUnreadable)?),
        },
    })
}
