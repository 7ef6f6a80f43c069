//! The streamed answer: chunks become events of content blocks.
//!
//! One block is open at a time, and a block ends when another begins: clients take the end of a
//! block as the moment when its tool can run. So a chunk that goes on with a call after another
//! block has begun is refused. Usage may come with the last piece, in a chunk of its own or not at
//! all; `message_delta` waits for it until the end marker.

use serde_json::json;

use super::answer::{self, PieceKind};
use crate::error::GatewayError;
use crate::json::{Document, Kind, Value};
use crate::translate::fields::{present, word};
use crate::translate::wire::{self, messages::Usage};
use crate::translate::{StreamTranslation, Translated};

/// Writes the events of messages.
#[derive(Default)]
pub(super) struct Events {
    phase: Phase,
    /// Content blocks so far; the open one is the last.
    blocks: u64,
    open: Option<Open>,
    called: bool,
    refused: bool,
    finish_reason: Option<String>,
    usage: Usage,
    out: Vec<Translated>,
}

/// How far the message is.
#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Waiting,
    Started,
    Done,
}

/// The content block that is being written.
#[derive(Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call { index: u64, id: String },
}

impl StreamTranslation for Events {
    fn event(
        &mut self,
        _: Option<&str>,
        document: &Document<'_>,
    ) -> Result<Vec<Translated>, GatewayError> {
        if self.phase != Phase::Done {
            self.read(document.root())?;
        }
        Ok(std::mem::take(&mut self.out))
    }

    fn end_marker(&mut self) -> Vec<Translated> {
        self.finish();
        std::mem::take(&mut self.out)
    }

    /// Many servers leave the end marker out after the reason why the choice ends.
    fn closed(&mut self) -> Vec<Translated> {
        if self.finish_reason.is_some() { self.end_marker() } else { Vec::new() }
    }
}

impl Events {
    fn read(&mut self, root: Value<'_>) -> Result<(), GatewayError> {
        if present(root, "error").is_some() {
            self.phase = Phase::Done;
            self.out.push(wire::event(Some("error"), &answer::error(root)));
            return Ok(());
        }
        let usage = present(root, "usage");
        if let Some(usage) = usage {
            self.usage = answer::usage(usage);
        }
        let choices = root.get("choices").filter(|choices| choices.kind() == Kind::Array);
        if choices.is_none() && usage.is_none() {
            return Err(GatewayError::ProviderUnreadable);
        }
        let mut choices = choices.into_iter().flat_map(|choices| choices.items());
        match (choices.next(), choices.next()) {
            // Usage in a chunk of its own is the last that a provider says.
            (None, _) if usage.is_some() && self.finish_reason.is_some() => self.finish(),
            (None, _) => {}
            (Some(choice), None) => {
                self.start(&word(root, "id"), &word(root, "model"));
                self.choice(choice)?;
            }
            (Some(_), Some(_)) => return Err(GatewayError::ProviderUnreadable),
        }
        Ok(())
    }

    fn choice(&mut self, choice: Value<'_>) -> Result<(), GatewayError> {
        if choice.get("index").is_some_and(|index| index.as_u64() != Some(0)) {
            return Err(GatewayError::ProviderUnreadable);
        }
        if let Some(delta) = present(choice, "delta") {
            for piece in answer::pieces(delta)? {
                self.refused |= piece.kind == PieceKind::Refusal;
                self.piece(piece.kind, &piece.text);
            }
            for call in present(delta, "tool_calls").into_iter().flat_map(|calls| calls.items()) {
                self.call(call)?;
            }
        }
        let reason = word(choice, "finish_reason");
        if !reason.is_empty() {
            self.close();
            self.finish_reason = Some(reason.into_owned());
        }
        Ok(())
    }

    fn start(&mut self, id: &str, model: &str) {
        if self.phase != Phase::Waiting {
            return;
        }
        self.phase = Phase::Started;
        let message = json!({
            "id": id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": Usage::default(),
        });
        self.say("message_start", json!({"message": message}));
    }

    fn piece(&mut self, kind: PieceKind, text: &str) {
        let (open, block, delta) = match kind {
            PieceKind::Thinking => (
                Open::Thinking,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                json!({"type": "thinking_delta", "thinking": text}),
            ),
            PieceKind::Text | PieceKind::Refusal => (
                Open::Text,
                json!({"type": "text", "text": ""}),
                json!({"type": "text_delta", "text": text}),
            ),
        };
        if self.open.as_ref() != Some(&open) {
            self.open(open, &block);
        }
        self.delta(&delta);
    }

    /// The first piece of a call has its id and name. Some servers give every call the index 0 and
    /// some repeat the id with every piece, so a call is new when its id is.
    fn call(&mut self, call: Value<'_>) -> Result<(), GatewayError> {
        let index = call.get("index").and_then(|index| index.as_u64()).unwrap_or(0);
        let id = word(call, "id");
        let function = call.get("function").ok_or(GatewayError::ProviderUnreadable)?;
        let goes_on = match &self.open {
            Some(Open::Call { index: open, id: open_id }) => {
                index == *open && (id.is_empty() || id == **open_id)
            }
            _ => false,
        };
        if !goes_on {
            let name = word(function, "name");
            if id.is_empty() || name.is_empty() {
                return Err(GatewayError::ProviderUnreadable);
            }
            let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
            self.open(Open::Call { index, id: id.into_owned() }, &block);
            self.called = true;
        }
        let json = match present(function, "arguments") {
            Some(json) => json.as_str().ok_or(GatewayError::ProviderUnreadable)?.text(),
            None => return Ok(()),
        };
        if !json.is_empty() {
            self.delta(&json!({"type": "input_json_delta", "partial_json": json}));
        }
        Ok(())
    }

    fn open(&mut self, open: Open, block: &serde_json::Value) {
        self.close();
        self.open = Some(open);
        self.say("content_block_start", json!({"index": self.blocks, "content_block": block}));
        self.blocks += 1;
    }

    fn delta(&mut self, delta: &serde_json::Value) {
        let index = self.blocks.saturating_sub(1);
        self.say("content_block_delta", json!({"index": index, "delta": delta}));
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            let index = self.blocks.saturating_sub(1);
            self.say("content_block_stop", json!({"index": index}));
        }
    }

    fn finish(&mut self) {
        if self.phase == Phase::Done {
            return;
        }
        // A provider that says nothing has given an empty answer.
        self.start("", "");
        self.phase = Phase::Done;
        self.close();
        let reason = self.finish_reason.take().unwrap_or_default();
        let reason = answer::stop_reason(&reason, self.called, self.refused);
        let delta = json!({"stop_reason": reason, "stop_sequence": null});
        self.say("message_delta", json!({"delta": delta, "usage": self.usage}));
        self.say("message_stop", json!({}));
    }

    fn say(&mut self, name: &'static str, mut body: serde_json::Value) {
        if let Some(body) = body.as_object_mut() {
            body.insert("type".to_owned(), name.into());
        }
        self.out.push(wire::event(Some(name), &body));
    }
}
