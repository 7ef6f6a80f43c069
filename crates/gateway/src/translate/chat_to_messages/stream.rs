//! The streamed answer: events of content blocks become chunks.
//!
//! The request is out of sight here, so every stream ends with a chunk of `usage` and no choices,
//! as if `stream_options.include_usage` had been asked for; clients that did not ask skip it.

use std::collections::BTreeMap;

use serde_json::json;

use super::answer;
use crate::error::GatewayError;
use crate::json::{Document, Value};
use crate::translate::fields::{is_empty, word};
use crate::translate::wire::{self, messages::Usage};
use crate::translate::{StreamTranslation, Translated};

/// Most tool calls that may be open at a time. The protocol writes one block after the other.
const OPEN_CALLS: usize = 128;

/// Writes `chat.completion.chunk` events.
pub(super) struct Chunks {
    id: String,
    model: String,
    created: i64,
    usage: Usage,
    /// Tool calls so far.
    calls: u64,
    /// Tool calls that are being written, by their content block.
    open: BTreeMap<u64, Call>,
    /// Whether the reason why the answer ends has come.
    has_stopped: bool,
    is_done: bool,
}

struct Call {
    number: u64,
    has_arguments: bool,
}

impl StreamTranslation for Chunks {
    fn event(
        &mut self,
        event: Option<&str>,
        document: &Document<'_>,
    ) -> Result<Vec<Translated>, GatewayError> {
        let root = document.root();
        let kind = word(root, "type");
        let kind = if kind.is_empty() { event.unwrap_or_default() } else { &kind };
        if self.is_done {
            return Ok(Vec::new());
        }
        match kind {
            "message_start" => Ok(vec![self.start(root)]),
            "content_block_start" => self.block_start(root),
            "content_block_delta" => self.block_delta(root),
            "content_block_stop" => Ok(self.block_stop(root)),
            "message_delta" => Ok(self.finish(root)),
            "message_stop" => {
                self.is_done = true;
                Ok(vec![Translated { event: None, data: "[DONE]".to_owned() }])
            }
            "error" => {
                self.is_done = true;
                Ok(vec![wire::event(None, &answer::error(root))])
            }
            // `ping` carries nothing. The protocol asks its readers to skip events that they do
            // not know; what is skipped does not reach the client.
            _ => Ok(Vec::new()),
        }
    }

    /// Messages have no end marker; some servers that speak them send one all the same.
    fn end_marker(&mut self) -> Vec<Translated> {
        if std::mem::replace(&mut self.is_done, true) {
            return Vec::new();
        }
        vec![Translated { event: None, data: "[DONE]".to_owned() }]
    }

    fn closed(&mut self) -> Vec<Translated> {
        if self.has_stopped { self.end_marker() } else { Vec::new() }
    }
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self {
            id: String::new(),
            model: String::new(),
            created: answer::now(),
            usage: Usage::default(),
            calls: 0,
            open: BTreeMap::new(),
            has_stopped: false,
            is_done: false,
        }
    }

    fn start(&mut self, root: Value<'_>) -> Translated {
        if let Some(message) = root.get("message") {
            self.id = word(message, "id").into_owned();
            self.model = word(message, "model").into_owned();
            if let Some(usage) = message.get("usage") {
                self.usage.update(usage);
            }
        }
        self.delta(&json!({"role": "assistant", "content": ""}))
    }

    fn block_start(&mut self, root: Value<'_>) -> Result<Vec<Translated>, GatewayError> {
        let block = root.get("content_block").ok_or(GatewayError::ProviderUnreadable)?;
        match &*word(block, "type") {
            "text" => Ok(self.piece("content", &word(block, "text"))),
            "thinking" => Ok(self.piece("reasoning_content", &word(block, "thinking"))),
            "redacted_thinking" => Ok(Vec::new()),
            "tool_use" => self.call_start(index(root)?, block),
            _ => Err(GatewayError::ProviderUnreadable),
        }
    }

    fn call_start(
        &mut self,
        index: u64,
        block: Value<'_>,
    ) -> Result<Vec<Translated>, GatewayError> {
        let number = self.calls;
        let (id, name) = (answer::string(block, "id")?, answer::string(block, "name")?);
        let mut chunks = vec![self.call(&json!({
            "index": number,
            "id": id,
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }))];
        // The input comes in pieces after an empty object; servers that have it whole may send it
        // at once.
        let input = block.get("input").filter(|input| !is_empty(*input));
        if let Some(input) = input.and_then(|input| std::str::from_utf8(input.raw()).ok()) {
            chunks.push(self.arguments(number, input));
        }
        let call = Call { number, has_arguments: input.is_some() };
        let is_taken = self.open.insert(index, call).is_some();
        if is_taken || self.open.len() > OPEN_CALLS {
            return Err(GatewayError::ProviderUnreadable);
        }
        self.calls += 1;
        Ok(chunks)
    }

    fn block_delta(&mut self, root: Value<'_>) -> Result<Vec<Translated>, GatewayError> {
        let delta = root.get("delta").ok_or(GatewayError::ProviderUnreadable)?;
        match &*word(delta, "type") {
            "text_delta" => Ok(self.piece("content", &answer::string(delta, "text")?)),
            "thinking_delta" => {
                Ok(self.piece("reasoning_content", &answer::string(delta, "thinking")?))
            }
            "input_json_delta" => {
                let json = answer::string(delta, "partial_json")?;
                let call = self.open.get_mut(&index(root)?);
                let call = call.ok_or(GatewayError::ProviderUnreadable)?;
                if json.is_empty() {
                    return Ok(Vec::new());
                }
                call.has_arguments = true;
                let number = call.number;
                Ok(vec![self.arguments(number, &json)])
            }
            // Only the provider can read it.
            "signature_delta" => Ok(Vec::new()),
            _ => Err(GatewayError::ProviderUnreadable),
        }
    }

    /// A call without input has no pieces; in chat completions its arguments are an empty object.
    fn block_stop(&mut self, root: Value<'_>) -> Vec<Translated> {
        let call = index(root).ok().and_then(|index| self.open.remove(&index));
        let bare = call.filter(|call| !call.has_arguments);
        bare.map(|call| self.arguments(call.number, "{}")).into_iter().collect()
    }

    fn finish(&mut self, root: Value<'_>) -> Vec<Translated> {
        if let Some(usage) = root.get("usage") {
            self.usage.update(usage);
        }
        let stop_reason = root.get("delta").and_then(|delta| delta.get("stop_reason")?.as_str());
        let Some(stop_reason) = stop_reason else { return Vec::new() };
        self.has_stopped = true;
        let finish_reason = answer::finish_reason(&stop_reason.text());
        let last = self.chunk(
            &json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": finish_reason}]),
            &json!(null),
        );
        vec![last, self.chunk(&json!([]), &json!(answer::usage(self.usage)))]
    }

    /// A chunk with a piece of a text; none for an empty piece.
    fn piece(&self, name: &str, text: &str) -> Vec<Translated> {
        if text.is_empty() { Vec::new() } else { vec![self.delta(&json!({name: text}))] }
    }

    fn arguments(&self, number: u64, json: &str) -> Translated {
        self.call(&json!({"index": number, "function": {"arguments": json}}))
    }

    fn call(&self, call: &serde_json::Value) -> Translated {
        self.delta(&json!({"tool_calls": [call]}))
    }

    fn delta(&self, delta: &serde_json::Value) -> Translated {
        self.chunk(
            &json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]),
            &json!(null),
        )
    }

    fn chunk(&self, choices: &serde_json::Value, usage: &serde_json::Value) -> Translated {
        let chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "usage": usage,
        });
        wire::event(None, &chunk)
    }
}

fn index(root: Value<'_>) -> Result<u64, GatewayError> {
    root.get("index").and_then(|index| index.as_u64()).ok_or(GatewayError::ProviderUnreadable)
}
