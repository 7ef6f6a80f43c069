//! The whole answer and the error body.
//!
//! Left out is what an answer says about itself and messages have no place for: fingerprint and
//! service tier, token probabilities and citations of the web, which are never asked for.

use std::borrow::Cow;

use serde_json::json;

use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::translate::fields::{present, word};
use crate::translate::wire;
use crate::translate::wire::chat::read_usage;
use crate::translate::wire::messages::{Answer, Block, Role, Usage};

/// A text of an answer, or a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'d> {
    pub(super) kind: PieceKind,
    pub(super) text: Cow<'d, str>,
}

/// What a text of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    Thinking,
    Text,
    /// Shown as text; messages say with `stop_reason` that it is a refusal.
    Refusal,
}

pub(super) fn translate(root: Value<'_>) -> Result<Vec<u8>, GatewayError> {
    let mut choices = root.get("choices").into_iter().flat_map(|choices| choices.items());
    let (Some(choice), None) = (choices.next(), choices.next()) else {
        return Err(GatewayError::ProviderUnreadable);
    };
    let message = choice.get("message").ok_or(GatewayError::ProviderUnreadable)?;
    let mut content = Vec::new();
    let mut refused = false;
    for piece in pieces(message)? {
        refused |= piece.kind == PieceKind::Refusal;
        append(&mut content, piece);
    }
    let texts = content.len();
    for call in present(message, "tool_calls").into_iter().flat_map(|calls| calls.items()) {
        content.push(tool_use(call)?);
    }
    let called = content.len() > texts;
    let usage = present(root, "usage").map(usage).unwrap_or_default();
    let stop_reason = stop_reason(&word(choice, "finish_reason"), called, refused);
    wire::write(&Answer {
        id: word(root, "id"),
        r#type: "message",
        role: Role::Assistant,
        model: word(root, "model"),
        content,
        stop_reason,
        stop_sequence: (),
        usage,
    })
    .map_err(|_| GatewayError::ProviderUnreadable)
}

/// The texts of a message, or of the delta of a chunk, in the order in which they are meant.
pub(super) fn pieces(message: Value<'_>) -> Result<Vec<Piece<'_>>, GatewayError> {
    if present(message, "function_call").is_some() || present(message, "audio").is_some() {
        // Neither is ever asked for.
        return Err(GatewayError::ProviderUnreadable);
    }
    let mut pieces = Vec::new();
    let mut push = |kind, text: Cow<'_, str>| {
        if !text.is_empty() {
            pieces.push(Piece { kind, text: Cow::Owned(text.into_owned()) });
        }
    };
    // Servers that send both names send the same text under them.
    let reasoning = present(message, "reasoning_content").or_else(|| present(message, "reasoning"));
    if let Some(reasoning) = reasoning {
        push(PieceKind::Thinking, string(reasoning)?);
    }
    if let Some(content) = present(message, "content") {
        if content.kind() != Kind::Array {
            push(PieceKind::Text, string(content)?);
        }
        for part in content.items() {
            match &*word(part, "type") {
                "text" => push(PieceKind::Text, member(part, "text")?),
                // The way of Databricks to show the thinking of other providers' models.
                "reasoning" => {
                    let summary = part.get("summary").into_iter().flat_map(|list| list.items());
                    for text in summary {
                        push(PieceKind::Thinking, member(text, "text")?);
                    }
                }
                "refusal" => push(PieceKind::Refusal, member(part, "refusal")?),
                _ => return Err(GatewayError::ProviderUnreadable),
            }
        }
    }
    if let Some(refusal) = present(message, "refusal") {
        push(PieceKind::Refusal, string(refusal)?);
    }
    Ok(pieces)
}

/// An error body, or an error in the middle of a stream.
pub(super) fn error(root: Value<'_>) -> serde_json::Value {
    let error = present(root, "error").unwrap_or(root);
    let message = match error.as_str() {
        Some(message) => message.text(),
        None => word(error, "message"),
    };
    let message = if message.is_empty() {
        Cow::Borrowed("the provider refused the request and gave no reason")
    } else {
        message
    };
    // Databricks has no `error` but `error_code` and `message`.
    let code = if error.get("code").is_some() { "code" } else { "error_code" };
    let kind = error_type(&word(error, "type"), &word(error, code));
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// The error types of messages for the `type` and `code` of chat completions.
fn error_type(kind: &str, code: &str) -> &'static str {
    match (kind, code) {
        (_, "invalid_api_key" | "401") | ("authentication_error", _) => "authentication_error",
        (_, "403" | "PERMISSION_DENIED") | ("permission_error" | "insufficient_permissions", _) => {
            "permission_error"
        }
        (_, "model_not_found" | "404" | "DeploymentNotFound" | "RESOURCE_DOES_NOT_EXIST")
        | ("not_found_error" | "NotFoundError", _) => "not_found_error",
        (_, "rate_limit_exceeded" | "insufficient_quota" | "429" | "REQUEST_LIMIT_EXCEEDED")
        | ("rate_limit_error" | "insufficient_quota" | "requests" | "tokens", _) => {
            "rate_limit_error"
        }
        (_, "content_filter" | "BAD_REQUEST" | "INVALID_PARAMETER_VALUE")
        | ("invalid_request_error" | "BadRequestError", _) => "invalid_request_error",
        ("overloaded_error", _) => "overloaded_error",
        _ => "api_error",
    }
}

/// `stop_reason` for a `finish_reason`. Some servers say `stop` after calls, above all after calls
/// that were demanded; clients of messages run tools only on `tool_use`.
pub(super) fn stop_reason(finish_reason: &str, called: bool, refused: bool) -> &'static str {
    match finish_reason {
        "content_filter" => "refusal",
        _ if refused => "refusal",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        _ if called => "tool_use",
        _ => "end_turn",
    }
}

/// Chat completions count cached tokens among the prompt's, messages beside them.
pub(super) fn usage(usage: Value<'_>) -> Usage {
    let used = read_usage(usage);
    let cached = used.prompt_tokens_details.cached_tokens.min(used.prompt_tokens);
    Usage {
        input_tokens: used.prompt_tokens - cached,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: cached,
        output_tokens: used.completion_tokens,
    }
}

fn string(value: Value<'_>) -> Result<Cow<'_, str>, GatewayError> {
    value.as_str().map(|text| text.text()).ok_or(GatewayError::ProviderUnreadable)
}

fn member<'d>(object: Value<'d>, name: &str) -> Result<Cow<'d, str>, GatewayError> {
    string(object.get(name).ok_or(GatewayError::ProviderUnreadable)?)
}

/// Pieces of one kind that follow each other are one block, as they are in a stream.
fn append<'d>(content: &mut Vec<Block<'d>>, piece: Piece<'d>) {
    match (content.last_mut(), piece.kind) {
        (Some(Block::Thinking { thinking, .. }), PieceKind::Thinking) => {
            thinking.to_mut().push_str(&piece.text);
        }
        (Some(Block::Text { text }), PieceKind::Text | PieceKind::Refusal) => {
            text.to_mut().push_str(&piece.text);
        }
        (_, PieceKind::Thinking) => {
            content.push(Block::Thinking { thinking: piece.text, signature: "" });
        }
        (_, PieceKind::Text | PieceKind::Refusal) => content.push(Block::Text { text: piece.text }),
    }
}

fn tool_use(call: Value<'_>) -> Result<Block<'_>, GatewayError> {
    let function = call.get("function").ok_or(GatewayError::ProviderUnreadable)?;
    let arguments = present(function, "arguments").map(string).transpose()?.unwrap_or_default();
    Ok(Block::ToolUse {
        id: member(call, "id")?,
        name: member(function, "name")?,
        input: wire::object_in(&arguments).ok_or(GatewayError::ProviderUnreadable)?,
    })
}
