//! The OpenAI Responses API: the object, and the event sequence that builds it.

use serde_json::{Value, json};

use super::super::script::{Said, pieces};
use super::{Ask, CREATED, Payload, event_frame, logprobs, said_tokens};

const ID: &str = "resp_mock00000000000000000000000000000001";

pub(super) fn answer(ask: &Ask<'_>, said: &[Said], sizes: &[usize]) -> Payload {
    let empty = Said::default();
    let said = said.first().unwrap_or(&empty);
    let items = items(ask, said);
    let whole = object(ask, "completed", &items, &usage(ask, said));
    if !ask.stream {
        return Payload::Json(whole);
    }
    let mut events = Events { logprobs: logprobs::in_responses(ask), ..Events::default() };
    let started = object(ask, "in_progress", &[], &Value::Null);
    events.push(json!({ "type": "response.created", "response": started }));
    events.push(json!({ "type": "response.in_progress", "response": started }));
    for (index, item) in items.iter().enumerate() {
        events.item(index, item, sizes);
    }
    events.push(json!({ "type": "response.completed", "response": whole }));
    Payload::Frames(events.frames)
}

/// Output items of a finished answer.
fn items(ask: &Ask<'_>, said: &Said) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(reasoning) = &said.reasoning {
        out.push(json!({
            "id": "rs_mock0",
            "type": "reasoning",
            "summary": [{ "type": "summary_text", "text": reasoning }],
        }));
    }
    let text = said.text.as_ref().map(|text| {
        let logprobs = if logprobs::in_responses(ask) { logprobs::list(text) } else { json!([]) };
        json!({ "type": "output_text", "annotations": [], "logprobs": logprobs, "text": text })
    });
    let refusal = said.refusal.as_ref().map(|text| json!({ "type": "refusal", "refusal": text }));
    let parts: Vec<Value> = text.into_iter().chain(refusal).collect();
    if !parts.is_empty() {
        out.push(json!({
            "id": "msg_mock0",
            "type": "message",
            "status": "completed",
            "content": parts,
            "role": "assistant",
        }));
    }
    for (index, call) in said.tool_calls.iter().enumerate() {
        out.push(json!({
            "id": format!("fc_mock{index}"),
            "type": "function_call",
            "status": "completed",
            "arguments": call.arguments,
            "call_id": format!("call_mock{index}"),
            "name": call.name,
        }));
    }
    out
}

fn object(ask: &Ask<'_>, status: &str, output: &[Value], usage: &Value) -> Value {
    json!({
        "id": ID,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": ask.body.get("instructions"),
        "max_output_tokens": null,
        "model": ask.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": { "effort": null, "summary": null },
        "store": true,
        "temperature": 1.0,
        "text": { "format": { "type": "text" } },
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
        "metadata": {},
    })
}

fn usage(ask: &Ask<'_>, said: &Said) -> Value {
    let answered = said_tokens(said);
    json!({
        "input_tokens": ask.prompt_tokens,
        "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": answered,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": ask.prompt_tokens + answered,
    })
}

/// Events in order, numbered as they are added.
#[derive(Default)]
struct Events {
    frames: Vec<String>,
    /// Whether texts come with the probabilities of their tokens.
    logprobs: bool,
}

impl Events {
    fn push(&mut self, mut event: Value) {
        if let Some(fields) = event.as_object_mut() {
            fields.insert("sequence_number".to_owned(), json!(self.frames.len()));
        }
        self.frames.push(event_frame(&event));
    }

    fn item(&mut self, index: usize, item: &Value, sizes: &[usize]) {
        let field = |name: &str| item.get(name).cloned().unwrap_or_default();
        let kind = field("type");
        let id = field("id");
        let started = match kind.as_str() {
            Some("reasoning") => json!({ "id": id, "type": kind, "summary": [] }),
            Some("function_call") => json!({
                "id": id, "type": kind, "status": "in_progress", "arguments": "",
                "call_id": field("call_id"), "name": field("name"),
            }),
            _ => json!({
                "id": id, "type": kind, "status": "in_progress", "content": [],
                "role": "assistant",
            }),
        };
        self.push(json!({
            "type": "response.output_item.added", "output_index": index, "item": started,
        }));
        match kind.as_str() {
            Some("reasoning") => self.summary(index, &id, &field("summary"), sizes),
            Some("function_call") => self.arguments(index, &id, &field("arguments"), sizes),
            _ => self.content(index, &id, &field("content"), sizes),
        }
        self.push(json!({
            "type": "response.output_item.done", "output_index": index, "item": item,
        }));
    }

    fn summary(&mut self, index: usize, id: &Value, summary: &Value, sizes: &[usize]) {
        for (part_index, part) in summary.as_array().into_iter().flatten().enumerate() {
            let at = json!({ "item_id": id, "output_index": index, "summary_index": part_index });
            self.push(with(
                &at,
                "response.reasoning_summary_part.added",
                json!({ "part": { "type": "summary_text", "text": "" } }),
            ));
            let text = part.get("text").and_then(Value::as_str).unwrap_or_default();
            for piece in pieces(text, sizes) {
                let delta = json!({ "delta": piece });
                self.push(with(&at, "response.reasoning_summary_text.delta", delta));
            }
            let done = json!({ "text": text });
            self.push(with(&at, "response.reasoning_summary_text.done", done));
            let done = json!({ "part": part });
            self.push(with(&at, "response.reasoning_summary_part.done", done));
        }
    }

    fn arguments(&mut self, index: usize, id: &Value, arguments: &Value, sizes: &[usize]) {
        let at = json!({ "item_id": id, "output_index": index });
        let text = arguments.as_str().unwrap_or_default();
        for piece in pieces(text, sizes) {
            let delta = json!({ "delta": piece });
            self.push(with(&at, "response.function_call_arguments.delta", delta));
        }
        let done = json!({ "arguments": text });
        self.push(with(&at, "response.function_call_arguments.done", done));
    }

    fn content(&mut self, index: usize, id: &Value, content: &Value, sizes: &[usize]) {
        for (part_index, part) in content.as_array().into_iter().flatten().enumerate() {
            let at = json!({ "item_id": id, "output_index": index, "content_index": part_index });
            let refused = part.get("refusal").is_some();
            let (field, name, empty) = if refused {
                ("refusal", "refusal", json!({ "type": "refusal", "refusal": "" }))
            } else {
                let empty =
                    json!({ "type": "output_text", "annotations": [], "logprobs": [], "text": "" });
                ("text", "output_text", empty)
            };
            self.push(with(&at, "response.content_part.added", json!({ "part": empty })));
            let text = part.get(field).and_then(Value::as_str).unwrap_or_default();
            for piece in pieces(text, sizes) {
                let mut delta = json!({ "delta": piece });
                self.log_probabilities(&mut delta, piece, refused);
                self.push(with(&at, &format!("response.{name}.delta"), delta));
            }
            let mut done = json!({ field: text });
            self.log_probabilities(&mut done, text, refused);
            self.push(with(&at, &format!("response.{name}.done"), done));
            self.push(with(&at, "response.content_part.done", json!({ "part": part })));
        }
    }

    /// Text events carry a list of log probabilities, empty unless asked for; refusals have no such
    /// field.
    fn log_probabilities(&self, event: &mut Value, text: &str, refused: bool) {
        if let (false, Some(fields)) = (refused, event.as_object_mut()) {
            let list = if self.logprobs { logprobs::list(text) } else { json!([]) };
            fields.insert("logprobs".to_owned(), list);
        }
    }
}

/// An event of the given type at a place, with more fields.
fn with(at: &Value, kind: &str, more: Value) -> Value {
    let mut event = json!({ "type": kind });
    if let Some(fields) = event.as_object_mut() {
        for source in [at.clone(), more] {
            if let Value::Object(source) = source {
                fields.extend(source);
            }
        }
    }
    event
}
