//! OpenAI responses: items in, items out, and a stream of many event types.

use bartizan_core::Channel;

use super::{
    DeltaKey, DeltaKind, Ends, EventReading, Protocol, StreamCodec, Usage, is_list_of_objects,
    place_parts, quoted, raw_member, type_of, unix_now,
};
use crate::envelope::Places;
use crate::json::{Document, Str, Value};
use crate::sse::write_event;

pub(super) struct Responses;

impl Protocol for Responses {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        // A request may go on from a stored prompt and have no input of its own.
        let input = root.get("input");
        let is_text = input.is_none_or(|input| input.as_str().is_some());
        let fits = is_text || is_list_of_objects(input);
        fits.then_some(()).ok_or("`input` must be a string or a list of objects")
    }

    fn place_request(&self, root: Value<'_>, places: &mut Places) {
        for name in ["tools", "tool_choice", "text"] {
            if let Some(value) = root.get(name) {
                places.channel(value, Channel::ToolSchema);
            }
        }
        if let Some(instructions) = root.get("instructions") {
            places.channel(instructions, Channel::System);
        }
        let items = root.get("input").into_iter().flat_map(|input| input.items());
        for (group, item) in (1..).zip(items) {
            let role = item.get("role").and_then(|role| role.as_str());
            let kind = type_of(item);
            let channel = match role.as_ref().map(Str::text).as_deref() {
                Some("system" | "developer") => Channel::System,
                _ if kind.ends_with("_output") || kind.ends_with("_result") => Channel::ToolResult,
                _ => Channel::User,
            };
            places.channel(item, channel);
            for name in ["content", "output"] {
                if let Some(parts) = item.get(name) {
                    place_parts(parts, group, places);
                }
            }
        }
    }

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        for item in root.get("output").into_iter().flat_map(|output| output.items()) {
            place_item(item, places);
        }
        // The answer repeats parts of the request, which was judged as such.
        for (name, channel) in [
            ("instructions", Channel::System),
            ("tools", Channel::ToolSchema),
            ("tool_choice", Channel::ToolSchema),
            ("text", Channel::ToolSchema),
        ] {
            if let Some(value) = root.get(name) {
                places.channel(value, channel);
            }
        }
    }

    fn planned_output(&self, root: Value<'_>) -> Option<u64> {
        root.get("max_output_tokens")?.as_u64()
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        let usage = root.get("usage").or_else(|| root.get("response")?.get("usage"));
        Usage::read(usage, "input_tokens", "output_tokens")
    }

    fn filtered_answer(&self, _: Value<'_>) -> Option<Vec<u8>> {
        let created = unix_now().to_string();
        Some(
            failed("\"resp_filtered\"", &created, "the answer was refused by a guardrail")
                .into_bytes(),
        )
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        Some(Box::new(ResponseStream::default()))
    }
}

fn place_item(item: Value<'_>, places: &mut Places) {
    if type_of(item).ends_with("_call") {
        places.channel(item, Channel::ToolCall);
    }
    for part in item.get("content").into_iter().flat_map(|content| content.items()) {
        place_part(part, places);
    }
}

fn place_part(part: Value<'_>, places: &mut Places) {
    if let Some(logprobs) = part.get("logprobs").filter(|list| list.items().next().is_some()) {
        places.remove(logprobs);
    }
}

/// A response that failed on a filter, as raw JSON.
fn failed(id: &str, created: &str, message: &str) -> String {
    let message = quoted(message);
    format!(
        r#"{{"id":{id},"object":"response","created_at":{created},"status":"failed","error":{{"code":"content_filter","message":{message}}},"incomplete_details":null,"instructions":null,"metadata":{{}},"model":"filtered","output":[],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0}}"#
    )
}

/// Output items whose ids are kept.
const MAX_ITEMS: usize = 1024;

/// Events that carry a piece of a growing text in `delta`.
const DELTAS: &[(&str, DeltaKind)] = &[
    ("response.output_text.delta", DeltaKind::Text),
    ("response.refusal.delta", DeltaKind::Refusal),
    ("response.reasoning_text.delta", DeltaKind::Reasoning),
    ("response.reasoning_summary_text.delta", DeltaKind::ReasoningSummary),
    ("response.function_call_arguments.delta", DeltaKind::Arguments(0)),
    ("response.mcp_call_arguments.delta", DeltaKind::CallInput("mcp", 0)),
    ("response.custom_tool_call_input.delta", DeltaKind::CallInput("custom", 0)),
    ("response.code_interpreter_call_code.delta", DeltaKind::CallInput("code", 0)),
    ("response.audio.transcript.delta", DeltaKind::Other("transcript")),
    ("response.output_audio_transcript.delta", DeltaKind::Other("audio transcript")),
];

/// Streamed responses. Events are numbered, so they are numbered anew: some of ours come between.
#[derive(Default)]
struct ResponseStream {
    /// `id` and `created_at` of the response, as raw JSON.
    frame: Option<(String, String)>,
    sequence: u64,
    /// Item ids by output index, as raw JSON.
    items: Vec<(u64, String)>,
}

impl ResponseStream {
    fn number(&mut self) -> u64 {
        let number = self.sequence;
        self.sequence += 1;
        number
    }
}

impl StreamCodec for ResponseStream {
    fn read<'d>(
        &mut self,
        event: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> EventReading<'d> {
        let root = document.root();
        let kind = match type_of(root) {
            kind if kind.is_empty() => event.unwrap_or_default().to_owned(),
            kind => kind,
        };
        let mut reading = EventReading::default();
        if let Some(response) = root.get("response") {
            reading.is_whole = true;
            Responses.place_answer(response, places);
        }
        if let Some(item) = root.get("item") {
            reading.is_whole = true;
            place_item(item, places);
        }
        if let Some(part) = root.get("part") {
            reading.is_whole = true;
            place_part(part, places);
        }
        let number = |name| root.get(name).and_then(|value| value.as_u64());
        let index = number("output_index").unwrap_or(0);
        let part = number("content_index").or_else(|| number("summary_index")).unwrap_or(0);
        place_part(root, places);
        let delta_kind = DELTAS.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
        if let (Some(kind), Some(delta)) = (delta_kind, root.get("delta")) {
            if delta.as_str().is_some() {
                reading.deltas.push((DeltaKey { index, part, kind }, delta));
                reading.only_deltas = true;
            }
        } else if kind.ends_with("_part.added") {
            // A part may begin with text; its deltas go on from there.
            let begun = root.get("part");
            let text_kind = match begun.map(type_of).as_deref() {
                Some("output_text") => Some(DeltaKind::Text),
                Some("reasoning_text") => Some(DeltaKind::Reasoning),
                Some("summary_text") => Some(DeltaKind::ReasoningSummary),
                _ => None,
            };
            let text = begun.and_then(|part| part.get("text"));
            if let (Some(kind), Some(text)) = (text_kind, text.filter(|it| it.as_str().is_some())) {
                reading.deltas.push((DeltaKey { index, part, kind }, text));
            }
        } else if kind.ends_with("_arguments.done") {
            if let Some(arguments) = root.get("arguments") {
                places.channel(arguments, Channel::ToolCall);
            }
            reading.is_whole = true;
            reading.ends = Ends::Index(index);
        } else if kind.rsplit('.').next() == Some("done") {
            reading.is_whole = true;
            reading.ends = Ends::Index(index);
        }
        if matches!(
            &*kind,
            "response.completed" | "response.failed" | "response.incomplete" | "error"
        ) {
            reading.ends = Ends::All;
            reading.is_last = true;
            reading.failed = matches!(&*kind, "response.failed" | "error");
        }
        reading
    }

    fn adopt(&mut self, root: Value<'_>) {
        if let (None, Some(response)) = (&self.frame, root.get("response")) {
            let id = raw_member(response, "id", "\"resp_bartizan\"");
            self.frame = Some((id, raw_member(response, "created_at", "0")));
        }
        let index = root.get("output_index").and_then(|index| index.as_u64());
        if let (Some(index), Some(_)) = (index, root.get("item_id"))
            && self.items.len() < MAX_ITEMS
            && !self.items.iter().any(|(known, _)| *known == index)
        {
            self.items.push((index, raw_member(root, "item_id", "\"\"")));
        }
    }

    fn knows_event(&self, name: &str) -> bool {
        let is_word = |rest: &str| {
            let fits = |byte: u8| byte.is_ascii_lowercase() || b"._".contains(&byte);
            (1..=64).contains(&rest.len()) && rest.bytes().all(fits)
        };
        name == "error" || name.strip_prefix("response.").is_some_and(is_word)
    }

    fn end_marker(&self) -> Option<&'static str> {
        Some("[DONE]")
    }

    fn write_delta(&mut self, key: &DeltaKey, text: &str, out: &mut Vec<u8>) {
        let named = DELTAS.iter().find(|(_, kind)| *kind == key.kind);
        let kind = named.map_or("response.output_text.delta", |(name, _)| *name);
        let part = match key.kind {
            DeltaKind::Text | DeltaKind::Refusal | DeltaKind::Reasoning => "content_index",
            DeltaKind::ReasoningSummary => "summary_index",
            DeltaKind::Arguments(_) | DeltaKind::Other(_) | DeltaKind::CallInput(..) => "",
        };
        let item = self.items.iter().find(|(index, _)| *index == key.index);
        let item = item.map_or_else(|| "\"\"".to_owned(), |(_, id)| id.clone());
        let part =
            if part.is_empty() { String::new() } else { format!(r#""{part}":{},"#, key.part) };
        let (index, text, number) = (key.index, quoted(text), self.number());
        let logprobs = if key.kind == DeltaKind::Text { r#","logprobs":[]"# } else { "" };
        let event = format!(
            r#"{{"type":"{kind}","sequence_number":{number},"item_id":{item},"output_index":{index},{part}"delta":{text}{logprobs}}}"#
        );
        write_event(out, Some(kind), &event);
    }

    fn write_blocked(&mut self, message: &str, _: &str, out: &mut Vec<u8>) {
        let (id, created) =
            self.frame.clone().unwrap_or_else(|| ("\"resp_bartizan\"".to_owned(), "0".to_owned()));
        let (number, response) = (self.number(), failed(&id, &created, message));
        let event = format!(
            r#"{{"type":"response.failed","sequence_number":{number},"response":{response}}}"#
        );
        write_event(out, Some("response.failed"), &event);
    }

    fn write_error(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        let (number, code, message) = (self.number(), quoted(code), quoted(message));
        let event = format!(
            r#"{{"type":"error","sequence_number":{number},"code":{code},"message":{message},"param":null}}"#
        );
        write_event(out, Some("error"), &event);
    }

    fn next_sequence(&mut self) -> Option<u64> {
        Some(self.number())
    }
}
