//! What a client puts together from a stream, read without the codecs of the gateway.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::operation::Operation;
use crate::sse::Splitter;

/// Members that repeat in every event and carry no text.
const FRAME: [&str; 9] =
    ["call_id", "format", "id", "model", "name", "object", "role", "status", "type"];

/// Data of the events of a stream that are JSON.
pub(super) fn events(stream: &[u8]) -> Vec<Value> {
    let mut splitter = Splitter::default();
    splitter.push(stream);
    let mut events = Vec::new();
    while let Some(Ok(event)) = splitter.next() {
        events.extend(serde_json::from_slice(&event.data));
    }
    events
}

/// Growing texts of a protocol by place, such as `content:0`.
pub(super) fn texts(protocol: Operation, events: &[Value]) -> BTreeMap<String, String> {
    let mut texts = Texts::default();
    for event in events {
        match protocol {
            Operation::Messages => texts.message(event),
            Operation::Responses => texts.response(event),
            _ => texts.choices(event),
        }
    }
    texts.0
}

/// Whether the text at a place belongs to a tool call.
pub(super) fn is_call(place: &str) -> bool {
    place.contains("arguments") || place.starts_with("partial_json")
}

/// Whether clients show the text at a place and others of which this is true as one.
pub(super) fn is_joined(place: &str) -> bool {
    let kind = place.split(':').next();
    matches!(kind, Some("text" | "response.output_text.delta"))
}

/// What a place is called in every protocol that is translated: its kind alone.
pub(super) fn kind(place: &str) -> &'static str {
    match place.split(':').next() {
        _ if is_call(place) => "call",
        Some("reasoning_content" | "thinking") => "thinking",
        _ => "text",
    }
}

#[derive(Default)]
struct Texts(BTreeMap<String, String>);

impl Texts {
    fn choices(&mut self, event: &Value) {
        let choices = event.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            let index = number(choice, "index");
            self.add(choice, "text", &[index]);
            let Some(delta) = choice.get("delta") else { continue };
            for name in members(delta) {
                self.add(delta, name, &[index]);
            }
            let calls = delta.get("tool_calls").and_then(Value::as_array);
            for call in calls.into_iter().flatten() {
                let Some(function) = call.get("function") else { continue };
                self.add(function, "arguments", &[index, number(call, "index")]);
            }
        }
    }

    fn message(&mut self, event: &Value) {
        let kind = |holder: &Value| holder.get("type").and_then(Value::as_str).map(str::to_owned);
        let is_delta = kind(event).as_deref() == Some("content_block_delta");
        let Some(delta) = event.get("delta").filter(|_| is_delta) else { return };
        let name = match kind(delta).as_deref() {
            Some("text_delta") => "text",
            Some("thinking_delta") => "thinking",
            Some("input_json_delta") => "partial_json",
            _ => "",
        };
        let index = number(event, "index");
        self.add(delta, name, &[index]);
        // What a client does not know, it may still put together.
        for other in members(delta).filter(|other| *other != name) {
            let text = delta.get(other).and_then(Value::as_str).unwrap_or_default();
            self.push(&format!("{:?}.{other}:{index}", kind(delta)), text);
        }
    }

    fn response(&mut self, event: &Value) {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_delta = kind.rsplit('.').next() == Some("delta");
        if kind.starts_with("response.") && is_delta {
            let part = number(event, "content_index") + number(event, "summary_index");
            let text = event.get("delta").and_then(Value::as_str).unwrap_or_default();
            self.push(&format!("{kind}:{}:{part}", number(event, "output_index")), text);
        }
    }

    fn add(&mut self, holder: &Value, name: &str, indexes: &[u64]) {
        let Some(text) = holder.get(name).and_then(Value::as_str) else { return };
        let indexes: Vec<String> = indexes.iter().map(u64::to_string).collect();
        self.push(&format!("{name}:{}", indexes.join(":")), text);
    }

    fn push(&mut self, place: &str, text: &str) {
        if !text.is_empty() {
            self.0.entry(place.to_owned()).or_default().push_str(text);
        }
    }
}

/// Names of the members of a delta, save those that say what it is.
fn members(delta: &Value) -> impl Iterator<Item = &str> {
    let names = delta.as_object().into_iter().flat_map(|members| members.keys());
    names.map(String::as_str).filter(|name| !FRAME.contains(name))
}

fn number(holder: &Value, name: &str) -> u64 {
    holder.get(name).and_then(Value::as_u64).unwrap_or_default()
}
