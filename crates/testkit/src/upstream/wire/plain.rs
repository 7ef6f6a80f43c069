//! The OpenAI APIs without roles: completions, embeddings, models.

use serde_json::{Value, json};

use super::super::script::{Said, pieces};
use super::{Ask, CREATED, Payload, data_frame, logprobs, said_tokens};

const ID: &str = "cmpl-mock000000000000000000001";

pub(super) fn completions(ask: &Ask<'_>, said: &[Said], sizes: &[usize]) -> Payload {
    let answered: u64 = said.iter().map(said_tokens).sum();
    let usage = json!({
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": answered,
        "total_tokens": ask.prompt_tokens + answered,
    });
    let envelope = |choices: &Value, usage: &Value| {
        json!({
            "id": ID,
            "object": "text_completion",
            "created": CREATED,
            "model": ask.model,
            "choices": choices,
            "usage": usage,
            "system_fingerprint": "fp_mock",
        })
    };
    let choice = |index: usize, text: &str, finish: Option<&str>| {
        let logprobs = logprobs::completions(ask, text);
        json!({ "text": text, "index": index, "logprobs": logprobs, "finish_reason": finish })
    };
    let text = |said: &Said| said.text.clone().unwrap_or_default();
    if !ask.stream {
        let choices: Vec<Value> = said
            .iter()
            .enumerate()
            .map(|(index, said)| choice(index, &text(said), Some("stop")))
            .collect();
        return Payload::Json(envelope(&json!(choices), &usage));
    }
    let mut frames = Vec::new();
    for (index, said) in said.iter().enumerate() {
        for piece in pieces(&text(said), sizes) {
            frames.push(data_frame(&envelope(&json!([choice(index, piece, None)]), &Value::Null)));
        }
        let last = json!([choice(index, "", Some("stop"))]);
        frames.push(data_frame(&envelope(&last, &Value::Null)));
    }
    if ask.usage_in_stream {
        frames.push(data_frame(&envelope(&json!([]), &usage)));
    }
    frames.push("data: [DONE]\n\n".to_owned());
    Payload::Frames(frames)
}

pub(super) fn embeddings(ask: &Ask<'_>) -> Payload {
    let inputs = match ask.body.get("input") {
        Some(Value::Array(inputs)) => inputs.len(),
        _ => 1,
    };
    // SDKs ask for base64 unless told otherwise: little-endian 32-bit floats 0.5, -0.5, 0.25.
    let base64 = ask.body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let vector = if base64 { json!("AAAAPwAAAL8AAIA+") } else { json!([0.5, -0.5, 0.25]) };
    let data: Vec<Value> = (0..inputs)
        .map(|index| json!({ "object": "embedding", "index": index, "embedding": vector }))
        .collect();
    Payload::Json(json!({
        "object": "list",
        "data": data,
        "model": ask.model,
        "usage": { "prompt_tokens": ask.prompt_tokens, "total_tokens": ask.prompt_tokens },
    }))
}

pub(super) fn models() -> Payload {
    let model =
        |id: &str| json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "mock" });
    Payload::Json(json!({ "object": "list", "data": [model("mock-model"), model("mock-mini")] }))
}
