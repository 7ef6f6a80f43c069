//! Anthropic messages, whole and streamed, and token counting.

use serde_json::{Value, json};

use super::super::script::{Said, pieces};
use super::{Ask, Payload, event_frame, said_tokens};

const ID: &str = "msg_01Mock000000000000000001";

pub(super) fn answer(ask: &Ask<'_>, said: &[Said], sizes: &[usize]) -> Payload {
    let empty = Said::default();
    let said = said.first().unwrap_or(&empty);
    if ask.stream {
        return Payload::Frames(frames(ask, said, sizes));
    }
    let mut message = opening(ask, &json!(said_tokens(said)));
    if let Some(fields) = message.as_object_mut() {
        fields.insert("content".to_owned(), json!(blocks(said)));
        fields.insert("stop_reason".to_owned(), json!(stop_reason(said)));
    }
    Payload::Json(message)
}

pub(super) fn count_tokens(ask: &Ask<'_>) -> Payload {
    Payload::Json(json!({ "input_tokens": ask.prompt_tokens }))
}

/// Content blocks of a finished answer. A refusal is text here, marked by the stop reason.
fn blocks(said: &Said) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(thinking) = &said.reasoning {
        out.push(json!({ "type": "thinking", "thinking": thinking, "signature": "bW9jaw==" }));
    }
    for text in [&said.text, &said.refusal].into_iter().flatten() {
        out.push(json!({ "type": "text", "text": text }));
    }
    for (index, call) in said.tool_calls.iter().enumerate() {
        // The API has an object here; arguments that are none stay visible as a string.
        let input = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
        out.push(json!({
            "type": "tool_use",
            "id": format!("toolu_mock{index}"),
            "name": call.name,
            "input": input,
        }));
    }
    out
}

fn frames(ask: &Ask<'_>, said: &Said, sizes: &[usize]) -> Vec<String> {
    let mut out = vec![
        json!({ "type": "message_start", "message": opening(ask, &json!(1)) }),
        json!({ "type": "ping" }),
    ];
    let arguments = said.tool_calls.iter().map(|call| call.arguments.as_str());
    let mut arguments = arguments.collect::<Vec<_>>().into_iter();
    for (index, block) in blocks(said).iter().enumerate() {
        let delta = |kind: &str, field: &str, text: &str| {
            json!({
                "type": "content_block_delta",
                "index": index,
                "delta": { "type": kind, field: text },
            })
        };
        let text = |field: &str| block.get(field).and_then(Value::as_str).unwrap_or_default();
        let (start, deltas) = match text("type") {
            "thinking" => {
                let mut deltas: Vec<Value> = pieces(text("thinking"), sizes)
                    .into_iter()
                    .map(|piece| delta("thinking_delta", "thinking", piece))
                    .collect();
                deltas.push(delta("signature_delta", "signature", text("signature")));
                (json!({ "type": "thinking", "thinking": "", "signature": "" }), deltas)
            }
            "tool_use" => {
                // The first piece is always empty.
                let mut deltas = vec![delta("input_json_delta", "partial_json", "")];
                deltas.extend(
                    pieces(arguments.next().unwrap_or_default(), sizes)
                        .into_iter()
                        .map(|piece| delta("input_json_delta", "partial_json", piece)),
                );
                let start = json!({
                    "type": "tool_use", "id": text("id"), "name": text("name"), "input": {},
                });
                (start, deltas)
            }
            _ => {
                let deltas = pieces(text("text"), sizes)
                    .into_iter()
                    .map(|piece| delta("text_delta", "text", piece))
                    .collect();
                (json!({ "type": "text", "text": "" }), deltas)
            }
        };
        out.push(json!({ "type": "content_block_start", "index": index, "content_block": start }));
        out.extend(deltas);
        out.push(json!({ "type": "content_block_stop", "index": index }));
    }
    out.push(json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(said), "stop_sequence": null },
        "usage": { "output_tokens": said_tokens(said) },
    }));
    out.push(json!({ "type": "message_stop" }));
    out.iter().map(event_frame).collect()
}

fn opening(ask: &Ask<'_>, output_tokens: &Value) -> Value {
    json!({
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": ask.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    })
}

fn stop_reason(said: &Said) -> &'static str {
    if said.refusal.is_some() {
        "refusal"
    } else if said.tool_calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}
