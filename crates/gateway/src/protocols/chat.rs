//! OpenAI chat completions, also spoken by Azure, Databricks and most other servers.

use bartizan_core::Channel;
use bartizan_core::settings::Modality;

use super::choices::{self, Choice, Choices};
use super::{
    DeltaKey, DeltaKind, EventReading, Numbering, Protocol, Said, StreamCodec, Usage,
    check_messages, place_parts, planned, quoted, said, show,
};
use crate::envelope::Places;
use crate::error::GatewayError;
use crate::json::{Document, Kind, Str, Value};

pub(super) struct Chat;

impl Protocol for Chat {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        check_messages(root)
    }

    fn place_request(&self, root: Value<'_>, places: &mut Places) {
        for name in ["tools", "functions", "response_format", "tool_choice", "function_call"] {
            if let Some(value) = root.get(name) {
                places.channel(value, Channel::ToolSchema);
            }
        }
        // Sound that is asked for comes back unread like sound that is sent.
        let kinds = root.get("modalities").into_iter().flat_map(|kinds| kinds.items());
        let mut others = kinds.filter(|kind| !kind.as_str().is_some_and(|kind| kind == *"text"));
        if let Some(kind) = others.next() {
            places.modality(kind, Modality::Audio);
        }
        let messages = root.get("messages").into_iter().flat_map(|messages| messages.items());
        for (group, message) in (1..).zip(messages) {
            places.channel(message, channel_of(message));
            if let Some(content) = message.get("content") {
                place_parts(content, group, places);
                let role = message.get("role").and_then(|role| role.as_str());
                if role.is_some_and(|role| role == *"user") {
                    places.turn(content);
                }
            }
        }
    }

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        let choices = root.get("choices").into_iter().flat_map(|choices| choices.items());
        for (group, choice) in (1..).zip(choices) {
            place_choice(choice, "message", places);
            if let Some(content) = choice.get("message").and_then(|message| message.get("content"))
            {
                place_parts(content, group, places);
            }
        }
    }

    fn said<'d>(&self, root: Value<'d>) -> Vec<Said<'d>> {
        said::chat(root)
    }

    fn planned_output(&self, root: Value<'_>) -> Option<u64> {
        planned(root, &["max_completion_tokens", "max_tokens"])
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        Usage::read(root.get("usage"), "prompt_tokens", "completion_tokens")
    }

    fn filtered_answer(&self, root: Value<'_>) -> Option<Vec<u8>> {
        let empty = r#""message":{"role":"assistant","content":null,"refusal":null}"#;
        Some(choices::filtered(root, "chat.completion", "chatcmpl-filtered", empty))
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        let choices = Choices::new("chat.completion.chunk", "chatcmpl-bartizan");
        Some(Box::new(ChatStream { choices, calls: Numbering::default() }))
    }
}

/// Where a message of a request comes from. What a client says that a model answered is the client's.
pub(super) fn channel_of(message: Value<'_>) -> Channel {
    let role = message.get("role").and_then(|role| role.as_str());
    match role.as_ref().map(Str::text).as_deref() {
        Some("system" | "developer") => Channel::System,
        Some("tool" | "function") => Channel::ToolResult,
        _ => Channel::User,
    }
}

/// Marks one choice; its texts are under `message` or, in streams, `delta`.
fn place_choice(choice: Value<'_>, holder: &str, places: &mut Places) {
    if let Some(logprobs) = choice.get("logprobs") {
        places.remove(logprobs);
    }
    let Some(message) = choice.get(holder) else { return };
    show_message(message, places);
    for name in ["tool_calls", "function_call"] {
        if let Some(calls) = message.get(name) {
            places.channel(calls, Channel::ToolCall);
        }
    }
    if let Some(audio) = message.get("audio").filter(|audio| audio.kind() == Kind::Object) {
        places.modality(audio, Modality::Audio);
    }
}

/// Marks what clients show or act on: what [`ChatStream::read_delta`] takes for a growing text.
fn show_message(message: Value<'_>, places: &mut Places) {
    show(message, &TEXTS.map(|(name, _)| name), places);
    let parts = message.get("content").filter(|content| content.kind() == Kind::Array);
    for part in parts.into_iter().flat_map(|parts| parts.items()) {
        show(part, &["text"], places);
    }
    for call in message.get("tool_calls").into_iter().flat_map(|calls| calls.items()) {
        for (name, text) in [("function", "arguments"), (CUSTOM, "input")] {
            show_in(call, name, text, places);
        }
    }
    show_in(message, FUNCTION_CALL, "arguments", places);
    show_in(message, AUDIO, "transcript", places);
}

fn show_in(holder: Value<'_>, name: &str, text: &str, places: &mut Places) {
    if let Some(value) = holder.get(name) {
        show(value, &[text], places);
    }
}

/// Members of a message that are texts by themselves.
const TEXTS: [(&str, DeltaKind); 5] = [
    ("content", DeltaKind::Text),
    ("reasoning_content", DeltaKind::Reasoning),
    ("reasoning", DeltaKind::Other("reasoning")),
    ("thinking", DeltaKind::Other("thinking")),
    ("refusal", DeltaKind::Refusal),
];

/// Names of growing texts that stand in a member of their own.
const AUDIO: &str = "audio";
const CUSTOM: &str = "custom";
const FUNCTION_CALL: &str = "function_call";

/// Streamed chat completions: `chat.completion.chunk` events, then `[DONE]`.
struct ChatStream {
    choices: Choices,
    /// Numbers of tool calls.
    calls: Numbering,
}

impl StreamCodec for ChatStream {
    fn read<'d>(
        &mut self,
        _: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> Result<EventReading<'d>, GatewayError> {
        let (choices, mut reading) = self.choices.read(document.root())?;
        for Choice { index, value } in choices {
            place_choice(value, "delta", places);
            if let Some(delta) = value.get("delta") {
                self.read_delta(index, delta, &mut reading)?;
            }
        }
        reading.only_deltas &= !reading.deltas.is_empty();
        Ok(reading)
    }

    fn has_types(&self) -> bool {
        false
    }

    fn is_complete(&self) -> bool {
        self.choices.are_complete()
    }

    fn adopt(&mut self, root: Value<'_>) {
        self.choices.adopt(root);
    }

    fn end_marker(&self) -> Option<&'static str> {
        Some(choices::END_MARKER)
    }

    fn write_delta(&mut self, key: &DeltaKey, text: &str, out: &mut Vec<u8>) {
        let text = quoted(text);
        let delta = match key.kind {
            DeltaKind::Text => format!(r#"{{"content":{text}}}"#),
            DeltaKind::Reasoning | DeltaKind::ReasoningSummary => {
                format!(r#"{{"reasoning_content":{text}}}"#)
            }
            DeltaKind::Refusal => format!(r#"{{"refusal":{text}}}"#),
            DeltaKind::Arguments(call) => {
                format!(
                    r#"{{"tool_calls":[{{"index":{call},"function":{{"arguments":{text}}}}}]}}"#
                )
            }
            DeltaKind::CallInput(CUSTOM, call) => {
                format!(r#"{{"tool_calls":[{{"index":{call},"custom":{{"input":{text}}}}}]}}"#)
            }
            DeltaKind::CallInput(name, _) => format!(r#"{{"{name}":{{"arguments":{text}}}}}"#),
            DeltaKind::Other(AUDIO) => format!(r#"{{"audio":{{"transcript":{text}}}}}"#),
            DeltaKind::Other(name) => format!(r#"{{"{name}":{text}}}"#),
        };
        let index = key.index;
        self.choices
            .write(&format!(r#"{{"index":{index},"delta":{delta},"finish_reason":null}}"#), out);
    }

    fn write_blocked(&mut self, _: &str, _: &str, out: &mut Vec<u8>) {
        self.choices.write_blocked(r#""delta":{}"#, out);
    }

    fn write_error(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        choices::write_error(code, message, out);
    }
}

impl ChatStream {
    fn read_delta<'d>(
        &mut self,
        index: u64,
        delta: Value<'d>,
        reading: &mut EventReading<'d>,
    ) -> Result<(), GatewayError> {
        for (name, value) in delta.members() {
            let name = name.text();
            let kind = TEXTS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
            match kind {
                Some(kind) if value.as_str().is_some() => {
                    reading.deltas.push((DeltaKey { index, part: 0, kind }, value));
                }
                Some(DeltaKind::Text) if value.kind() == Kind::Array => {
                    // Parts keep their shape, whatever is held of their texts.
                    reading.only_deltas = false;
                    let texts = value.items().filter_map(|part| part.get("text"));
                    push_each(texts, &DeltaKey { index, part: 0, kind: DeltaKind::Text }, reading);
                }
                Some(_) => {}
                None if name == "function_call" => {
                    reading.only_deltas &= value.get("name").is_none();
                    let kind = DeltaKind::CallInput(FUNCTION_CALL, 0);
                    push_each(value.get("arguments"), &DeltaKey { index, part: 0, kind }, reading);
                }
                None if name == "audio" => {
                    reading.only_deltas = false;
                    let kind = DeltaKind::Other(AUDIO);
                    push_each(value.get("transcript"), &DeltaKey { index, part: 0, kind }, reading);
                }
                None if name == "tool_calls" => self.read_calls(index, value, reading)?,
                None => reading.only_deltas = false,
            }
        }
        Ok(())
    }

    fn read_calls<'d>(
        &mut self,
        index: u64,
        calls: Value<'d>,
        reading: &mut EventReading<'d>,
    ) -> Result<(), GatewayError> {
        for call in calls.items() {
            let number = self.calls.read(call, "index")?.unwrap_or(0);
            // The first event of a call names it; it must go out even while its arguments are held.
            reading.only_deltas &= call.get("id").is_none();
            if let Some(custom) = call.get("custom") {
                reading.only_deltas &= custom.get("name").is_none();
                let kind = DeltaKind::CallInput(CUSTOM, number);
                push_each(custom.get("input"), &DeltaKey { index, part: 0, kind }, reading);
            }
            if let Some(function) = call.get("function") {
                reading.only_deltas &= function.get("name").is_none();
                let kind = DeltaKind::Arguments(number);
                push_each(function.get("arguments"), &DeltaKey { index, part: 0, kind }, reading);
            }
        }
        Ok(())
    }
}

/// Adds the pieces of a growing text that are strings.
fn push_each<'d>(
    pieces: impl IntoIterator<Item = Value<'d>>,
    key: &DeltaKey,
    reading: &mut EventReading<'d>,
) {
    let pieces = pieces.into_iter().filter(|piece| piece.as_str().is_some());
    reading.deltas.extend(pieces.map(|piece| (key.clone(), piece)));
}
