//! Anthropic messages.

use bartizan_core::Channel;
use bartizan_core::settings::Modality;

use super::{
    DeltaKey, DeltaKind, Ends, EventReading, Numbering, Protocol, Said, StreamCodec, Usage,
    check_messages, place_parts, quoted, said, show, texts_of, type_of,
};
use crate::envelope::Places;
use crate::error::GatewayError;
use crate::json::{Document, Value};
use crate::sse::write_event;

pub(super) struct Messages;

impl Protocol for Messages {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        check_messages(root)
    }

    fn place_request(&self, root: Value<'_>, places: &mut Places) {
        for name in ["tools", "tool_choice", "output_format", "output_config", "mcp_servers"] {
            if let Some(value) = root.get(name) {
                places.channel(value, Channel::ToolSchema);
            }
        }
        if let Some(system) = root.get("system") {
            places.channel(system, Channel::System);
            place_parts(system, 1, places);
            place_blocks(system, places);
        }
        let messages = root.get("messages").into_iter().flat_map(|messages| messages.items());
        let mut group = 1;
        let mut last = None;
        for message in messages {
            // Turns of one role in a row are read as one.
            let role = message.get("role").and_then(|role| role.as_str());
            if role != last {
                (last, group) = (role, group + 1);
            }
            places.channel(message, Channel::User);
            if let Some(content) = message.get("content") {
                place_parts(content, group, places);
                place_blocks(content, places);
                if last.as_ref().is_some_and(|role| *role == *"user") {
                    places.turn(content);
                }
            }
        }
    }

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        places.joined(&self.joined(root));
        for block in root.get("content").into_iter().flat_map(|content| content.items()) {
            place_answer_block(block, places);
        }
    }

    fn joined<'d>(&self, root: Value<'d>) -> Vec<Value<'d>> {
        texts_of(root.get("content"), "text")
    }

    fn said<'d>(&self, root: Value<'d>) -> Vec<Said<'d>> {
        said::messages(root)
    }

    fn planned_output(&self, root: Value<'_>) -> Option<u64> {
        root.get("max_tokens")?.as_u64()
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        if let Some(input) = root.get("input_tokens").and_then(|tokens| tokens.as_u64()) {
            return Usage { input: Some(input), output: Some(0) };
        }
        let counted = root.get("usage");
        let usage = counted.or_else(|| root.get("message")?.get("usage"));
        let count = |name| usage?.get(name)?.as_u64();
        // What is read from or written to the cache is counted apart.
        let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
            .into_iter()
            .filter_map(count)
            .reduce(u64::saturating_add);
        // `message_start` counts an answer of which nothing is written yet. Taken for the count of
        // the whole, it would be all that a client pays that leaves before the last event.
        let output = counted.and_then(|usage| usage.get("output_tokens")?.as_u64());
        Usage { input, output }
    }

    fn filtered_answer(&self, _: Value<'_>) -> Option<Vec<u8>> {
        None
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        Some(Box::new(MessageStream::default()))
    }
}

/// Marks content blocks of a request that did not come from the user.
fn place_blocks(content: Value<'_>, places: &mut Places) {
    for block in content.items() {
        let kind = type_of(block);
        if kind.ends_with("tool_result") {
            places.channel(block, Channel::ToolResult);
        } else if kind == "search_result" || kind == "document" {
            places.channel(block, Channel::Document);
            let source = block.get("source");
            let is_text =
                source.is_some_and(|source| matches!(&*type_of(source), "text" | "content"));
            if let Some(source) = source.filter(|_| kind == "document" && !is_text) {
                places.modality(source, Modality::File);
            }
        }
    }
}

fn place_answer_block(block: Value<'_>, places: &mut Places) {
    let kind = type_of(block);
    match &*kind {
        "text" => show(block, &["text"], places),
        "thinking" => show(block, &["thinking"], places),
        _ => {}
    }
    if kind.ends_with("tool_use") {
        places.channel(block, Channel::ToolCall);
        if let Some(input) = block.get("input") {
            places.arguments(input);
        }
    } else if kind.ends_with("tool_result") {
        // What a tool brought to the model, and what the client shows.
        places.also(block, Channel::ToolResult);
    }
}

/// Streamed messages: `message_start`, content blocks, `message_delta`, `message_stop`.
#[derive(Default)]
struct MessageStream {
    /// Numbers of content blocks.
    blocks: Numbering,
}

impl StreamCodec for MessageStream {
    fn read<'d>(
        &mut self,
        _: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> Result<EventReading<'d>, GatewayError> {
        let root = document.root();
        let kind = type_of(root);
        let mut reading = EventReading::default();
        let index = if kind.starts_with("content_block_") {
            self.blocks.read(root, "index")?.unwrap_or(0)
        } else {
            0
        };
        let mut add = |text: Option<Value<'d>>, kind| {
            let text = text.filter(|text| text.as_str().is_some())?;
            reading.deltas.push((DeltaKey { index, part: 0, kind }, text));
            Some(())
        };
        match &*kind {
            "content_block_start" => {
                if let Some(block) = root.get("content_block") {
                    place_answer_block(block, places);
                    // A block may begin with text; its deltas go on from there.
                    match &*type_of(block) {
                        "text" => add(block.get("text"), DeltaKind::Text),
                        "thinking" => add(block.get("thinking"), DeltaKind::Reasoning),
                        _ => None,
                    };
                }
                reading.is_whole = true;
            }
            "message_start" => {
                // Blocks that are here already would stand before those of the stream, or in their
                // place.
                let content = root.get("message").and_then(|message| message.get("content"));
                if content.is_some_and(|content| content.items().next().is_some()) {
                    return Err(GatewayError::ProviderUnreadable);
                }
                reading.is_whole = true;
            }
            "content_block_delta" => {
                // By the member, whatever the type: a client that does not look at the type joins
                // what stands there.
                let delta = root.get("delta");
                let mut take =
                    |name: &str, kind| add(delta.and_then(|delta| delta.get(name)), kind);
                let added = [
                    take("text", DeltaKind::Text),
                    take("thinking", DeltaKind::Reasoning),
                    take("partial_json", DeltaKind::Arguments(0)),
                ];
                reading.only_deltas = added.iter().any(Option::is_some);
            }
            "content_block_stop" => reading.ends = Ends::Index(index),
            "message_delta" => reading.ends = Ends::All,
            kind @ ("message_stop" | "error") => {
                reading.ends = Ends::All;
                reading.is_last = true;
                reading.failed = kind == "error";
            }
            _ => {}
        }
        Ok(reading)
    }

    fn joins(&self, key: &DeltaKey) -> bool {
        key.kind == DeltaKind::Text
    }

    fn knows_event(&self, name: &str) -> bool {
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
            "ping",
            "error",
        ]
        .contains(&name)
    }

    fn end_marker(&self) -> Option<&'static str> {
        None
    }

    fn write_delta(&mut self, key: &DeltaKey, text: &str, out: &mut Vec<u8>) {
        let (index, text) = (key.index, quoted(text));
        let delta = match key.kind {
            DeltaKind::Reasoning | DeltaKind::ReasoningSummary => {
                format!(r#"{{"type":"thinking_delta","thinking":{text}}}"#)
            }
            DeltaKind::Arguments(_) | DeltaKind::CallInput(..) => {
                format!(r#"{{"type":"input_json_delta","partial_json":{text}}}"#)
            }
            DeltaKind::Text | DeltaKind::Refusal | DeltaKind::Other(_) => {
                format!(r#"{{"type":"text_delta","text":{text}}}"#)
            }
        };
        let event = format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
        write_event(out, Some("content_block_delta"), &event);
    }

    fn write_blocked(&mut self, message: &str, request_id: &str, out: &mut Vec<u8>) {
        let (message, request_id) = (quoted(message), quoted(request_id));
        let error = format!(
            r#"{{"type":"error","error":{{"type":"invalid_request_error","message":{message}}},"request_id":{request_id}}}"#
        );
        write_event(out, Some("error"), &error);
        write_event(out, Some("message_stop"), r#"{"type":"message_stop"}"#);
    }

    fn write_error(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        let message = quoted(&format!("{message} ({code})"));
        let error =
            format!(r#"{{"type":"error","error":{{"type":"api_error","message":{message}}}}}"#);
        write_event(out, Some("error"), &error);
    }
}
