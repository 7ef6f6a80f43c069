//! OpenAI chat completions, also spoken by Azure, Databricks and most other servers.

use bartizan_core::Channel;

use super::{
    DeltaKey, DeltaKind, Ends, EventReading, Protocol, StreamCodec, Usage, is_list_of_objects,
    place_parts, planned, quoted, raw_member, unix_now,
};
use crate::envelope::Places;
use crate::json::{Document, Kind, Str, Value};
use crate::sse::write_event;

/// Choices that are told when a stream is stopped; no provider writes more.
const MAX_CHOICES: usize = 1024;

pub(super) struct Chat;

impl Protocol for Chat {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        let fits = is_list_of_objects(root.get("messages"));
        fits.then_some(()).ok_or("`messages` must be a list of objects")
    }

    fn place_request(&self, root: Value<'_>, places: &mut Places) {
        for name in ["tools", "functions", "response_format", "tool_choice", "function_call"] {
            if let Some(value) = root.get(name) {
                places.channel(value, Channel::ToolSchema);
            }
        }
        let messages = root.get("messages").into_iter().flat_map(|messages| messages.items());
        for (group, message) in (1..).zip(messages) {
            let role = message.get("role").and_then(|role| role.as_str());
            let channel = match role.as_ref().map(Str::text).as_deref() {
                Some("system" | "developer") => Channel::System,
                Some("tool" | "function") => Channel::ToolResult,
                _ => Channel::User,
            };
            places.channel(message, channel);
            if let Some(content) = message.get("content") {
                place_parts(content, group, places);
            }
        }
    }

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
            place_choice(choice, "message", places);
        }
    }

    fn planned_output(&self, root: Value<'_>) -> Option<u64> {
        planned(root, &["max_completion_tokens", "max_tokens"])
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        Usage::read(root.get("usage"), "prompt_tokens", "completion_tokens")
    }

    fn filtered_answer(&self, root: Value<'_>) -> Option<Vec<u8>> {
        let choices = root.get("choices").map_or(1, |choices| choices.items().count());
        let choices: Vec<String> = (0..choices)
            .map(|index| {
                format!(
                    r#"{{"index":{index},"message":{{"role":"assistant","content":null,"refusal":null}},"logprobs":null,"finish_reason":"content_filter"}}"#
                )
            })
            .collect();
        let created = unix_now();
        Some(
            format!(
                r#"{{"id":"chatcmpl-filtered","object":"chat.completion","created":{created},"model":"filtered","choices":[{}]}}"#,
                choices.join(",")
            )
            .into_bytes(),
        )
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        Some(Box::new(ChatStream::default()))
    }
}

/// Marks one choice; its texts are under `message` or, in streams, `delta`.
fn place_choice(choice: Value<'_>, holder: &str, places: &mut Places) {
    if let Some(logprobs) = choice.get("logprobs") {
        places.remove(logprobs);
    }
    let Some(message) = choice.get(holder) else { return };
    for name in ["tool_calls", "function_call"] {
        if let Some(calls) = message.get(name) {
            places.channel(calls, Channel::ToolCall);
        }
    }
    if let Some(audio) = message.get("audio") {
        places.modality(audio, bartizan_core::settings::Modality::Audio);
    }
}

/// Names of growing texts that stand in a member of their own.
const AUDIO: &str = "audio";
const CUSTOM: &str = "custom";
const FUNCTION_CALL: &str = "function_call";

/// Streamed chat completions: `chat.completion.chunk` events, then `[DONE]`.
#[derive(Default)]
struct ChatStream {
    /// Members that frame every chunk, as raw JSON.
    frame: Option<Frame>,
    /// Choices that have not finished.
    open: Vec<u64>,
}

struct Frame {
    id: String,
    created: String,
    model: String,
}

impl ChatStream {
    fn chunk(&self, choice: &str) -> String {
        let (id, created, model) =
            self.frame.as_ref().map_or(("\"chatcmpl-bartizan\"", "0", "\"\""), |frame| {
                (&*frame.id, &*frame.created, &*frame.model)
            });
        format!(
            r#"{{"id":{id},"object":"chat.completion.chunk","created":{created},"model":{model},"choices":[{choice}]}}"#
        )
    }
}

impl StreamCodec for ChatStream {
    fn read<'d>(
        &mut self,
        _: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> EventReading<'d> {
        let root = document.root();
        let mut reading = EventReading { only_deltas: true, ..EventReading::default() };
        let mut ended = Vec::new();
        let has_usage = root.get("usage").is_some_and(|usage| usage.members().next().is_some());
        reading.only_deltas &= !has_usage;
        for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
            place_choice(choice, "delta", places);
            let index = choice.get("index").and_then(|index| index.as_u64()).unwrap_or(0);
            if self.open.len() < MAX_CHOICES && !self.open.contains(&index) {
                self.open.push(index);
            }
            if choice.get("finish_reason").and_then(|reason| reason.as_str()).is_some() {
                ended.push(index);
                self.open.retain(|open| *open != index);
                reading.only_deltas = false;
            }
            if let Some(delta) = choice.get("delta") {
                read_delta(index, delta, &mut reading);
            }
        }
        reading.only_deltas &= !reading.deltas.is_empty();
        if !ended.is_empty() {
            reading.ends = Ends::Indexes(ended);
        }
        if root.get("error").is_some_and(|error| error.kind() == Kind::Object) {
            reading.ends = Ends::All;
            reading.is_last = true;
            reading.failed = true;
        }
        reading
    }

    fn adopt(&mut self, root: Value<'_>) {
        if self.frame.is_none() && root.get("choices").is_some() {
            self.frame = Some(Frame {
                id: raw_member(root, "id", "\"chatcmpl-bartizan\""),
                created: raw_member(root, "created", "0"),
                model: raw_member(root, "model", "\"\""),
            });
        }
    }

    fn end_marker(&self) -> Option<&'static str> {
        Some("[DONE]")
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
        let chunk =
            self.chunk(&format!(r#"{{"index":{index},"delta":{delta},"finish_reason":null}}"#));
        write_event(out, None, &chunk);
    }

    fn write_blocked(&mut self, _: &str, _: &str, out: &mut Vec<u8>) {
        let open = if self.open.is_empty() { vec![0] } else { std::mem::take(&mut self.open) };
        for index in open {
            let chunk = self.chunk(&format!(
                r#"{{"index":{index},"delta":{{}},"finish_reason":"content_filter"}}"#
            ));
            write_event(out, None, &chunk);
        }
        write_event(out, None, "[DONE]");
    }

    fn write_error(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        let (code, message) = (quoted(code), quoted(message));
        let error = format!(
            r#"{{"error":{{"message":{message},"type":"server_error","param":null,"code":{code}}}}}"#
        );
        write_event(out, None, &error);
    }
}

fn read_delta<'d>(index: u64, delta: Value<'d>, reading: &mut EventReading<'d>) {
    let texts = [
        ("content", DeltaKind::Text),
        ("reasoning_content", DeltaKind::Reasoning),
        ("reasoning", DeltaKind::Other("reasoning")),
        ("thinking", DeltaKind::Other("thinking")),
        ("refusal", DeltaKind::Refusal),
    ];
    for (name, value) in delta.members() {
        let name = name.text();
        let kind = texts.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
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
            None if name == "tool_calls" => read_calls(index, value, reading),
            None => reading.only_deltas = false,
        }
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

fn read_calls<'d>(index: u64, calls: Value<'d>, reading: &mut EventReading<'d>) {
    for call in calls.items() {
        let number = call.get("index").and_then(|number| number.as_u64()).unwrap_or(0);
        // The first event of a call names it; it must go out even while its arguments are held.
        reading.only_deltas &= call.get("id").is_none();
        if let Some(custom) = call.get("custom") {
            reading.only_deltas &= custom.get("name").is_none();
            let kind = DeltaKind::CallInput(CUSTOM, number);
            push_each(custom.get("input"), &DeltaKey { index, part: 0, kind }, reading);
        }
        let Some(function) = call.get("function") else { continue };
        reading.only_deltas &= function.get("name").is_none();
        if let Some(arguments) = function.get("arguments").filter(|value| value.as_str().is_some())
        {
            let key = DeltaKey { index, part: 0, kind: DeltaKind::Arguments(number) };
            reading.deltas.push((key, arguments));
        }
    }
}
