//! The demo's answers in OpenAI's protocols.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::speech::{Speech, last_user_text, pieces, text_of, tokens};
use super::{MODEL, event, with};
use crate::json::{Kind, Value};

/// A fixed time, so that answers are the same every time: 2026-01-01.
const CREATED: u64 = 1_767_225_600;
const DONE: &[u8] = b"data: [DONE]\n\n";

pub(super) fn chat(root: Value<'_>, streams: bool, chunk_bytes: usize) -> Vec<Bytes> {
    let prompt = last_user_text(root.get("messages"));
    let speech = Speech::about(&prompt);
    let choices = root.get("n").and_then(|n| n.as_u64()).unwrap_or(1).clamp(1, 16);
    let (asked, said) = (tokens(&prompt), tokens(speech.text()) * choices);
    let usage =
        json!({ "prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said });
    let reason = if matches!(speech, Speech::Calls { .. }) { "tool_calls" } else { "stop" };
    if !streams {
        let message = match &speech {
            Speech::Says(text) => json!({ "role": "assistant", "content": text, "refusal": null }),
            Speech::Calls { name, arguments } => json!({
                "role": "assistant", "content": null, "refusal": null, "tool_calls": [tool_call(name, arguments)],
            }),
        };
        let choices: Vec<Json> = (0..choices)
            .map(|index| json!({ "index": index, "message": message, "logprobs": null, "finish_reason": reason }))
            .collect();
        let body = json!({
            "id": "chatcmpl-demo", "object": "chat.completion", "created": CREATED, "model": MODEL,
            "choices": choices, "usage": usage,
        });
        return vec![body.to_string().into()];
    }
    let chunk = |choices: Json| {
        json!({
            "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL,
            "choices": choices,
        })
    };
    let mut out = Vec::new();
    for index in 0..choices {
        let mut say = |delta: Json, reason: Option<&str>| {
            out.push(event(
                None,
                &chunk(json!([{ "index": index, "delta": delta, "finish_reason": reason }])),
            ));
        };
        match &speech {
            Speech::Says(text) => {
                say(json!({ "role": "assistant", "content": "" }), None);
                for piece in pieces(text, chunk_bytes) {
                    say(json!({ "content": piece }), None);
                }
            }
            Speech::Calls { name, arguments } => {
                let call = with(tool_call(name, ""), "index", 0);
                say(json!({ "role": "assistant", "content": null, "tool_calls": [call] }), None);
                for piece in pieces(arguments, chunk_bytes) {
                    say(
                        json!({ "tool_calls": [{ "index": 0, "function": { "arguments": piece } }] }),
                        None,
                    );
                }
            }
        }
        say(json!({}), Some(reason));
    }
    let wants_usage = root.get("stream_options").and_then(|options| options.get("include_usage"));
    if wants_usage.and_then(|wants| wants.as_bool()).unwrap_or(false) {
        out.push(event(None, &with(chunk(json!([])), "usage", usage)));
    }
    out.push(Bytes::from_static(DONE));
    out
}

fn tool_call(name: &str, arguments: &str) -> Json {
    json!({ "id": "call_demo", "type": "function", "function": { "name": name, "arguments": arguments } })
}

pub(super) fn completions(root: Value<'_>, streams: bool, chunk_bytes: usize) -> Vec<Bytes> {
    let prompt = root.get("prompt").map(text_of).unwrap_or_default();
    let speech = Speech::about(&prompt);
    let text = speech.text();
    let body = |choices: Json| {
        json!({
            "id": "cmpl-demo", "object": "text_completion", "created": CREATED, "model": MODEL, "choices": choices,
        })
    };
    let choice = |text: &str, reason: Option<&str>| json!([{ "index": 0, "text": text, "logprobs": null, "finish_reason": reason }]);
    if !streams {
        let (asked, said) = (tokens(&prompt), tokens(text));
        let usage = json!({ "prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said });
        return vec![with(body(choice(text, Some("stop"))), "usage", usage).to_string().into()];
    }
    let mut out: Vec<Bytes> = pieces(text, chunk_bytes)
        .into_iter()
        .map(|piece| event(None, &body(choice(piece, None))))
        .collect();
    out.push(event(None, &body(choice("", Some("stop")))));
    out.push(Bytes::from_static(DONE));
    out
}

/// Vectors with eight numbers that depend on the text alone.
pub(super) fn embeddings(root: Value<'_>) -> Vec<Bytes> {
    let input = root.get("input");
    let texts: Vec<String> = match input.map(|input| input.kind()) {
        Some(Kind::Array) => {
            input.into_iter().flat_map(|input| input.items()).map(text_of).collect()
        }
        _ => vec![input.map(text_of).unwrap_or_default()],
    };
    let as_base64 = root.get("encoding_format").and_then(|format| format.as_str());
    let as_base64 = as_base64.is_some_and(|format| format == *"base64");
    let data: Vec<Json> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text);
            let embedding = if as_base64 { json!(base64(&vector)) } else { json!(vector) };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect();
    let asked: u64 = texts.iter().map(|text| tokens(text)).sum();
    let body = json!({
        "object": "list", "data": data, "model": MODEL, "usage": { "prompt_tokens": asked, "total_tokens": asked },
    });
    vec![body.to_string().into()]
}

fn vector(text: &str) -> Vec<f32> {
    let mut sums = [0u32; 8];
    for (byte, sum) in text.bytes().zip((0..8).cycle()) {
        if let Some(sum) = sums.get_mut(sum) {
            *sum = sum.wrapping_mul(31).wrapping_add(u32::from(byte));
        }
    }
    sums.iter().map(|sum| (sum % 1000) as f32 / 1000.0).collect()
}

/// Little-endian floats in base64, as the SDKs ask for.
fn base64(vector: &[f32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for position in 0..4 {
            let sextet = (bits >> (18 - 6 * position)) & 63;
            let letter = ALPHABET.get(sextet as usize).map_or('=', |byte| *byte as char);
            out.push(if position <= group.len() { letter } else { '=' });
        }
    }
    out
}

pub(super) fn responses(root: Value<'_>, streams: bool, chunk_bytes: usize) -> Vec<Bytes> {
    let input = root.get("input");
    let prompt = match input.map(|input| input.kind()) {
        Some(Kind::Array) => last_user_text(input),
        _ => input.map(text_of).unwrap_or_default(),
    };
    let speech = Speech::about(&prompt);
    let (asked, said) = (tokens(&prompt), tokens(speech.text()));
    let usage = json!({
        "input_tokens": asked, "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": said, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": asked + said,
    });
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
    let item = |status: &str, whole: bool| match &speech {
        Speech::Says(text) => json!({
            "id": "msg_demo", "type": "message", "status": status, "role": "assistant",
            "content": if whole { json!([part(text)]) } else { json!([]) },
        }),
        Speech::Calls { name, arguments } => json!({
            "id": "fc_demo", "type": "function_call", "status": status, "call_id": "call_demo", "name": name,
            "arguments": if whole { arguments } else { "" },
        }),
    };
    let response = |status: &str, output: Json, usage: Json| {
        json!({
            "id": "resp_demo", "object": "response", "created_at": CREATED, "status": status, "error": null,
            "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": MODEL,
            "output": output, "parallel_tool_calls": true, "previous_response_id": null,
            "reasoning": { "effort": null, "summary": null }, "store": false, "temperature": 1.0,
            "text": { "format": { "type": "text" } }, "tool_choice": "auto", "tools": [], "top_p": 1.0,
            "truncation": "disabled", "usage": usage, "user": null, "metadata": {},
        })
    };
    if !streams {
        return vec![
            response("completed", json!([item("completed", true)]), usage).to_string().into(),
        ];
    }
    let mut out = Vec::new();
    let mut number = 0;
    let mut say = |kind: &str, body: Json| {
        let body = with(with(body, "type", kind), "sequence_number", number);
        number += 1;
        out.push(event(Some(kind), &body));
    };
    let started = response("in_progress", json!([]), Json::Null);
    say("response.created", json!({ "response": started }));
    say("response.in_progress", json!({ "response": started }));
    say(
        "response.output_item.added",
        json!({ "output_index": 0, "item": item("in_progress", false) }),
    );
    match &speech {
        Speech::Says(text) => {
            let place = json!({ "item_id": "msg_demo", "output_index": 0, "content_index": 0 });
            let at = |extra: Json| merge(&place, extra);
            say("response.content_part.added", at(json!({ "part": part("") })));
            for piece in pieces(text, chunk_bytes) {
                say("response.output_text.delta", at(json!({ "delta": piece, "logprobs": [] })));
            }
            say("response.output_text.done", at(json!({ "text": text, "logprobs": [] })));
            say("response.content_part.done", at(json!({ "part": part(text) })));
        }
        Speech::Calls { arguments, name } => {
            let place = json!({ "item_id": "fc_demo", "output_index": 0 });
            for piece in pieces(arguments, chunk_bytes) {
                say(
                    "response.function_call_arguments.delta",
                    merge(&place, json!({ "delta": piece })),
                );
            }
            let done = merge(&place, json!({ "arguments": arguments, "name": name }));
            say("response.function_call_arguments.done", done);
        }
    }
    say("response.output_item.done", json!({ "output_index": 0, "item": item("completed", true) }));
    let whole = response("completed", json!([item("completed", true)]), usage);
    say("response.completed", json!({ "response": whole }));
    out
}

fn merge(base: &Json, extra: Json) -> Json {
    let mut merged = base.clone();
    if let (Json::Object(members), Json::Object(more)) = (&mut merged, extra) {
        members.extend(more);
    }
    merged
}
