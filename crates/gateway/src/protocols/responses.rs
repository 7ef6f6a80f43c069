//! OpenAI responses: items in, items out, and a stream of many event types.

use std::collections::BTreeMap;

use bartizan_core::Channel;
use bartizan_core::settings::Modality;

use super::{
    DeltaKey, DeltaKind, Ends, EventReading, Numbering, Protocol, Said, StreamCodec, Usage,
    is_list_of_objects, place_parts, quoted, raw_member, said, show, texts_of, type_of, unix_now,
};
use crate::envelope::Places;
use crate::error::GatewayError;
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
                // What an item is goes before who is said to speak.
                _ if kind.ends_with("_output") || kind.ends_with("_result") => Channel::ToolResult,
                _ if kind == TOOL_LIST => Channel::ToolSchema,
                Some("system" | "developer") => Channel::System,
                _ => Channel::User,
            };
            places.channel(item, channel);
            for result in tool_results(item, &kind) {
                places.channel(result, Channel::ToolResult);
            }
            for name in ["content", "output"] {
                if let Some(parts) = item.get(name) {
                    place_parts(parts, group, places);
                }
            }
            let content = item.get("content");
            if let (Some(content), true) = (content, role.is_some_and(|role| role == *"user")) {
                places.turn(content);
            }
        }
    }

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        places.joined(&self.joined(root));
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

    fn joined<'d>(&self, root: Value<'d>) -> Vec<Value<'d>> {
        let items = root.get("output").into_iter().flat_map(|output| output.items());
        items.flat_map(item_texts).collect()
    }

    fn said<'d>(&self, root: Value<'d>) -> Vec<Said<'d>> {
        said::responses(root)
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

/// Type of the item that lists the tools of an MCP server, in that server's words.
const TOOL_LIST: &str = "mcp_list_tools";

/// What tools that run at the provider brought, in the item of their call.
fn tool_results<'d>(item: Value<'d>, kind: &str) -> impl Iterator<Item = Value<'d>> + use<'d> {
    let names: &[&str] =
        if kind.ends_with("_call") { &["output", "outputs", "results"] } else { &[] };
    names.iter().filter_map(move |name| item.get(name))
}

fn place_item(item: Value<'_>, places: &mut Places) {
    let kind = type_of(item);
    if kind.ends_with("_call") {
        places.channel(item, Channel::ToolCall);
    }
    if kind == "image_generation_call" {
        places.modality(item, Modality::Image);
    }
    for result in tool_results(item, &kind) {
        // What a tool brought to the model, and what the client shows.
        places.channel(result, Channel::Output);
        places.also(result, Channel::ToolResult);
    }
    if kind.ends_with("_call_output") {
        places.also(item, Channel::ToolResult);
    }
    if kind == TOOL_LIST {
        places.also(item, Channel::ToolSchema);
    }
    if kind.ends_with("_call") {
        show(item, &CALL_INPUTS, places);
    }
    for part in parts_of(item) {
        place_part(part, places);
    }
}

/// Members of a tool call that are growing texts.
const CALL_INPUTS: [&str; 3] = ["arguments", "input", "code"];

/// The parts of an item that are texts.
fn parts_of(item: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    ["content", "summary"]
        .into_iter()
        .filter_map(move |name| item.get(name))
        .flat_map(|it| it.items())
}

/// Texts of an item that clients show as one.
fn item_texts(item: Value<'_>) -> Vec<Value<'_>> {
    texts_of(item.get("content"), "output_text")
}

fn place_part(part: Value<'_>, places: &mut Places) {
    if let Some(logprobs) = part.get("logprobs").filter(|list| list.items().next().is_some()) {
        places.remove(logprobs);
    }
    if text_kind(part).is_some() {
        show(part, &["text", "refusal"], places);
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
    outputs: Numbering,
    /// By the kind of text.
    parts: BTreeMap<DeltaKind, Numbering>,
    /// Raw ids of items that are not numbered; their places stand in for the numbers.
    unnumbered: Vec<Vec<u8>>,
}

impl ResponseStream {
    fn number(&mut self) -> u64 {
        let number = self.sequence;
        self.sequence += 1;
        number
    }

    /// Which item an event speaks of. Some servers tell items apart by their ids alone.
    fn index(&mut self, root: Value<'_>) -> Result<u64, GatewayError> {
        match self.outputs.read(root, "output_index")? {
            Some(index) => Ok(index),
            None => self.place_of(root),
        }
    }

    /// Which text an event goes on with.
    fn key(&mut self, root: Value<'_>, kind: DeltaKind) -> Result<DeltaKey, GatewayError> {
        let index = self.index(root)?;
        let part = match part_name(kind) {
            Some(name) => self.parts.entry(kind).or_default().read(root, name)?.unwrap_or(0),
            None => 0,
        };
        Ok(DeltaKey { index, part, kind })
    }

    fn place_of(&mut self, root: Value<'_>) -> Result<u64, GatewayError> {
        let id = item_id(root).map(|id| id.raw()).unwrap_or_default();
        let known = self.unnumbered.iter().position(|known| *known == id);
        if known.is_none() {
            if self.unnumbered.len() >= MAX_ITEMS {
                return Err(GatewayError::ProviderUnreadable);
            }
            self.unnumbered.push(id.to_vec());
        }
        Ok(known.unwrap_or(self.unnumbered.len() - 1) as u64)
    }

    /// What an event ends that says that something is done. What it does not say clearly ends with
    /// the response: a text that is ended twice would be two.
    fn ends(&mut self, kind: &str, root: Value<'_>) -> Ends {
        let text_kind = match kind.strip_suffix(".done") {
            Some("response.output_item") => {
                let index = match root.get("output_index") {
                    Some(index) => index.as_u64(),
                    None => item_id(root).and_then(|_| self.place_of(root).ok()),
                };
                return index.map_or(Ends::None, Ends::Index);
            }
            Some(name) if name.ends_with("_part") => root.get("part").and_then(text_kind),
            Some(name) => DELTAS
                .iter()
                .find(|(delta, _)| delta.strip_suffix(".delta") == Some(name))
                .map(|(_, kind)| *kind),
            None => None,
        };
        let key = text_kind.and_then(|kind| self.key(root, kind).ok());
        key.map_or(Ends::None, Ends::Text)
    }
}

/// Texts that an item begins with; its deltas go on from there.
fn begun(item: Value<'_>) -> Vec<(u64, DeltaKind, Value<'_>)> {
    let mut texts = Vec::new();
    for name in ["content", "summary"] {
        let parts = item.get(name).into_iter().flat_map(|parts| parts.items());
        for (part, value) in (0..).zip(parts) {
            let Some(kind) = text_kind(value) else { continue };
            let name = if kind == DeltaKind::Refusal { "refusal" } else { "text" };
            texts.extend(value.get(name).map(|text| (part, kind, text)));
        }
    }
    let input = match &*type_of(item) {
        "function_call" => Some(("arguments", DeltaKind::Arguments(0))),
        "mcp_call" => Some(("arguments", DeltaKind::CallInput("mcp", 0))),
        "custom_tool_call" => Some(("input", DeltaKind::CallInput("custom", 0))),
        "code_interpreter_call" => Some(("code", DeltaKind::CallInput("code", 0))),
        _ => None,
    };
    texts.extend(input.and_then(|(name, kind)| Some((0, kind, item.get(name)?))));
    texts.retain(|(_, _, text)| text.as_str().is_some_and(|text| text != *""));
    texts
}

/// What the text of a part is.
fn text_kind(part: Value<'_>) -> Option<DeltaKind> {
    match &*type_of(part) {
        "output_text" => Some(DeltaKind::Text),
        "refusal" => Some(DeltaKind::Refusal),
        "reasoning_text" => Some(DeltaKind::Reasoning),
        "summary_text" => Some(DeltaKind::ReasoningSummary),
        _ => None,
    }
}

/// The id of the item that an event speaks of or holds.
fn item_id(root: Value<'_>) -> Option<Value<'_>> {
    root.get("item_id").or_else(|| root.get("item")?.get("id"))
}

/// The member that numbers the parts of an item.
const fn part_name(kind: DeltaKind) -> Option<&'static str> {
    match kind {
        DeltaKind::Text | DeltaKind::Refusal | DeltaKind::Reasoning => Some("content_index"),
        DeltaKind::ReasoningSummary => Some("summary_index"),
        DeltaKind::Arguments(_) | DeltaKind::Other(_) | DeltaKind::CallInput(..) => None,
    }
}

impl StreamCodec for ResponseStream {
    fn read<'d>(
        &mut self,
        event: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> Result<EventReading<'d>, GatewayError> {
        let root = document.root();
        let kind = match type_of(root) {
            kind if kind.is_empty() => event.unwrap_or_default().to_owned(),
            kind => kind,
        };
        let mut reading = EventReading::default();
        if let Some(response) = root.get("response") {
            reading.is_whole = true;
            Responses.place_answer(response, places);
            reading.joined = Responses.joined(response);
        }
        if let Some(item) = root.get("item") {
            reading.is_whole = true;
            place_item(item, places);
            reading.joined = item_texts(item);
            places.joined(&reading.joined);
        }
        if let Some(part) = root.get("part") {
            reading.is_whole = true;
            place_part(part, places);
            if text_kind(part) == Some(DeltaKind::Text) {
                places.joined(part.get("text").as_slice());
            }
        }
        place_part(root, places);
        if let Some(image) = root.get("partial_image_b64") {
            places.modality(image, Modality::Image);
        }
        let delta_kind = DELTAS.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
        if let (Some(kind), Some(delta)) = (delta_kind, root.get("delta")) {
            if delta.as_str().is_some() {
                reading.deltas.push((self.key(root, kind)?, delta));
                reading.only_deltas = true;
            }
        } else if let ("response.output_item.added", Some(item)) = (&*kind, root.get("item")) {
            for (part, kind, text) in begun(item) {
                let index = self.index(root)?;
                reading.deltas.push((DeltaKey { index, part, kind }, text));
            }
        } else if kind.ends_with("_part.added") {
            // A part may begin with text; its deltas go on from there.
            let begun = root.get("part");
            let text_kind = begun.and_then(text_kind);
            let name = if text_kind == Some(DeltaKind::Refusal) { "refusal" } else { "text" };
            let text = begun.and_then(|part| part.get(name));
            if let (Some(kind), Some(text)) = (text_kind, text.filter(|it| it.as_str().is_some())) {
                reading.deltas.push((self.key(root, kind)?, text));
            }
        } else if kind.ends_with("_arguments.done") {
            if let Some(arguments) = root.get("arguments") {
                places.channel(arguments, Channel::ToolCall);
                places.shown(arguments);
            }
            reading.is_whole = true;
            reading.ends = self.ends(&kind, root);
        } else if kind.rsplit('.').next() == Some("done") {
            reading.is_whole = true;
            reading.ends = self.ends(&kind, root);
            if kind != "response.output_item.done" {
                show(root, &["text", "refusal", "input", "code"], places);
            }
            if kind == "response.output_text.done" {
                places.joined(root.get("text").as_slice());
            } else if kind.contains("_call_") {
                for text in ["input", "code"].into_iter().filter_map(|name| root.get(name)) {
                    places.channel(text, Channel::ToolCall);
                }
            }
        }
        if matches!(
            &*kind,
            "response.completed" | "response.failed" | "response.incomplete" | "error"
        ) {
            reading.ends = Ends::All;
            reading.is_last = true;
            reading.failed = matches!(&*kind, "response.failed" | "error");
        }
        Ok(reading)
    }

    fn adopt(&mut self, root: Value<'_>) {
        if let (None, Some(response)) = (&self.frame, root.get("response")) {
            let id = raw_member(response, "id", "\"resp_bartizan\"");
            self.frame = Some((id, raw_member(response, "created_at", "0")));
        }
        let Some(id) = root.get("item_id") else { return };
        let place = || self.unnumbered.iter().position(|known| *known == id.raw());
        let index = match root.get("output_index") {
            Some(index) => index.as_u64(),
            None => place().map(|place| place as u64),
        };
        if let Some(index) = index
            && self.items.len() < MAX_ITEMS
            && !self.items.iter().any(|(known, _)| *known == index)
        {
            self.items.push((index, raw_member(root, "item_id", "\"\"")));
        }
    }

    fn joins(&self, key: &DeltaKey) -> bool {
        key.kind == DeltaKind::Text
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
        let item = self.items.iter().find(|(index, _)| *index == key.index);
        let item = item.map_or_else(|| "\"\"".to_owned(), |(_, id)| id.clone());
        let part = part_name(key.kind)
            .map_or_else(String::new, |name| format!(r#""{name}":{},"#, key.part));
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
