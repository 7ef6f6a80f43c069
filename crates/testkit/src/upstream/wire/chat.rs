//! OpenAI chat completions, whole and streamed; Databricks' chat endpoints speak the same.

use serde_json::{Map, Value, json};

use super::super::script::{Said, pieces};
use super::{Ask, CREATED, Payload, data_frame, logprobs, said_tokens};

const ID: &str = "chatcmpl-C0ffee0000000000000000000000";

pub(super) fn answer(ask: &Ask<'_>, said: &[Said], sizes: &[usize]) -> Payload {
    if ask.stream { Payload::Frames(frames(ask, said, sizes)) } else { whole(ask, said) }
}

fn whole(ask: &Ask<'_>, said: &[Said]) -> Payload {
    let choices: Vec<Value> = said
        .iter()
        .enumerate()
        .map(|(index, said)| {
            json!({
                "index": index,
                "message": message(said),
                "logprobs": logprobs::chat(ask, said.text.as_deref()),
                "finish_reason": finish_reason(said),
            })
        })
        .collect();
    Payload::Json(json!({
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": ask.model,
        "choices": choices,
        "usage": usage(ask, said),
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    }))
}

fn message(said: &Said) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), json!(said.text));
    message.insert("refusal".to_owned(), json!(said.refusal));
    message.insert("annotations".to_owned(), json!([]));
    if let Some(reasoning) = &said.reasoning {
        message.insert("reasoning_content".to_owned(), json!(reasoning));
    }
    if !said.tool_calls.is_empty() {
        let calls: Vec<Value> = said
            .tool_calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                json!({
                    "id": call_id(index),
                    "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments },
                })
            })
            .collect();
        message.insert("tool_calls".to_owned(), json!(calls));
    }
    Value::Object(message)
}

fn frames(ask: &Ask<'_>, said: &[Said], sizes: &[usize]) -> Vec<String> {
    let chunk = |index: usize, delta: Value, finish: Option<&str>| {
        let text = delta.get("content").and_then(Value::as_str).filter(|text| !text.is_empty());
        let logprobs = logprobs::chat(ask, text);
        let choice = json!({
            "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish,
        });
        envelope(ask, &json!([choice]), &Value::Null)
    };
    let mut out = Vec::new();
    for (index, said) in said.iter().enumerate() {
        let content = if said.tool_calls.is_empty() { json!("") } else { Value::Null };
        let first = json!({ "role": "assistant", "content": content, "refusal": null });
        out.push(chunk(index, first, None));
    }
    let mut queues: Vec<_> = said.iter().map(|said| deltas(said, sizes).into_iter()).collect();
    // Choices take turns, as a model that samples them side by side does.
    loop {
        let before = out.len();
        for (index, queue) in queues.iter_mut().enumerate() {
            out.extend(queue.next().map(|delta| chunk(index, delta, None)));
        }
        if out.len() == before {
            break;
        }
    }
    for (index, said) in said.iter().enumerate() {
        out.push(chunk(index, json!({}), Some(finish_reason(said))));
    }
    if ask.usage_in_stream {
        out.push(envelope(ask, &json!([]), &usage(ask, said)));
    }
    out.push("data: [DONE]\n\n".to_owned());
    out
}

fn deltas(said: &Said, sizes: &[usize]) -> Vec<Value> {
    let mut out = Vec::new();
    for (field, text) in [
        ("reasoning_content", &said.reasoning),
        ("content", &said.text),
        ("refusal", &said.refusal),
    ] {
        let text = text.as_deref().unwrap_or_default();
        out.extend(pieces(text, sizes).into_iter().map(|piece| json!({ field: piece })));
    }
    for (index, call) in said.tool_calls.iter().enumerate() {
        out.push(json!({ "tool_calls": [{
            "index": index,
            "id": call_id(index),
            "type": "function",
            "function": { "name": call.name, "arguments": "" },
        }] }));
        out.extend(pieces(&call.arguments, sizes).into_iter().map(|piece| {
            json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] })
        }));
    }
    out
}

fn envelope(ask: &Ask<'_>, choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
        "choices": choices,
    });
    if let (true, Some(fields)) = (ask.usage_in_stream, chunk.as_object_mut()) {
        fields.insert("usage".to_owned(), usage.clone());
    }
    data_frame(&chunk)
}

fn finish_reason(said: &Said) -> &'static str {
    if said.tool_calls.is_empty() { "stop" } else { "tool_calls" }
}

fn call_id(index: usize) -> String {
    format!("call_mock{index:020}")
}

fn usage(ask: &Ask<'_>, said: &[Said]) -> Value {
    let answered: u64 = said.iter().map(said_tokens).sum();
    json!({
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": answered,
        "total_tokens": ask.prompt_tokens + answered,
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
