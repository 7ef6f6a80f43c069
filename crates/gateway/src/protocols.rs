//! Wire protocols: where the texts of a body are, how an answer is cut into a stream, how a refusal
//! is said. One file per protocol.

mod chat;
mod choices;
mod completions;
mod embeddings;
mod messages;
mod responses;
mod said;
pub(crate) mod unseen;

use bartizan_core::settings::Modality;

pub(crate) use self::said::{Said, texts};
use crate::envelope::Places;
use crate::error::GatewayError;
use crate::json::{Document, Kind, Value};
use crate::operation::Operation;

/// Knowledge about one protocol.
pub(crate) trait Protocol: Sync {
    /// Says what is wrong with the outline of a request: a body whose texts are not where the
    /// protocol puts them would be read on the wrong channel.
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str>;

    /// Says where the texts of a request come from. Whatever is left unmarked is read as the user's.
    fn place_request(&self, root: Value<'_>, places: &mut Places);

    /// Says where the texts of an answer belong. Whatever is left unmarked is read as output.
    fn place_answer(&self, root: Value<'_>, places: &mut Places);

    /// Texts of an answer that clients show one after the other as if they were one, in order.
    fn joined<'d>(&self, _root: Value<'d>) -> Vec<Value<'d>> {
        Vec::new()
    }

    /// What a request says, turn by turn. What it goes on from at the provider comes first.
    fn said<'d>(&self, root: Value<'d>) -> Vec<Said<'d>>;

    /// Tokens that the answer may take at most, as the request says; `None` when it does not.
    fn planned_output(&self, root: Value<'_>) -> Option<u64>;

    /// What the answer, or one event of it, says about tokens used.
    fn usage(&self, root: Value<'_>) -> Usage;

    /// An answer that says in the protocol's words that the content was filtered; `None` where the
    /// protocol has no such words and an error is sent instead.
    fn filtered_answer(&self, root: Value<'_>) -> Option<Vec<u8>>;

    /// A reader of this protocol's streams; `None` when it has none.
    fn stream(&self) -> Option<Box<dyn StreamCodec>>;
}

/// Tokens used, as far as known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
}

impl Usage {
    /// Later numbers replace earlier ones.
    pub(crate) fn update(&mut self, newer: Self) {
        self.input = newer.input.or(self.input);
        self.output = newer.output.or(self.output);
    }

    /// Reads a `usage` object with the given member names.
    fn read(usage: Option<Value<'_>>, input: &str, output: &str) -> Self {
        let count = |name| usage?.get(name)?.as_u64();
        Self { input: count(input), output: count(output) }
    }
}

/// One growing text of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeltaKey {
    /// Choice, output item or content block.
    pub(crate) index: u64,
    /// Content part inside an output item; 0 elsewhere.
    pub(crate) part: u64,
    pub(crate) kind: DeltaKind,
}

/// What a growing text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DeltaKind {
    Text,
    Reasoning,
    ReasoningSummary,
    Refusal,
    /// Arguments of the tool call with this index.
    Arguments(u64),
    /// Another text for people, by the name that the protocol gives it.
    Other(&'static str),
    /// Another text for the tool call with this index, by the name that the protocol gives it.
    CallInput(&'static str, u64),
}

/// What one event of a stream says.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one event")]
pub(crate) struct EventReading<'d> {
    /// Pieces of growing texts, in order.
    pub(crate) deltas: Vec<(DeltaKey, Value<'d>)>,
    /// Texts of a whole answer in the event that clients show as one, in order.
    pub(crate) joined: Vec<Value<'d>>,
    /// Growing texts that end with this event.
    pub(crate) ends: Ends,
    /// Whether the event says that the provider failed.
    pub(crate) failed: bool,
    /// Whether the event says nothing besides its deltas, so that it can go when they are held.
    pub(crate) only_deltas: bool,
    /// Whether nothing follows.
    pub(crate) is_last: bool,
    /// Whether the strings besides the deltas are complete, so that none goes on in later events.
    pub(crate) is_whole: bool,
}

/// Which growing texts an event ends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Ends {
    #[default]
    None,
    /// One.
    Text(DeltaKey),
    /// All of a choice, item or block.
    Index(u64),
    /// All of several.
    Indexes(Vec<u64>),
    All,
}

impl Ends {
    pub(crate) fn contains(&self, key: &DeltaKey) -> bool {
        match self {
            Self::None => false,
            Self::Text(text) => key == text,
            Self::Index(index) => key.index == *index,
            Self::Indexes(indexes) => indexes.contains(&key.index),
            Self::All => true,
        }
    }
}

/// Reads and writes the events of one streamed answer.
pub(crate) trait StreamCodec: Send {
    /// Reads an event. `place` has marked everything as output; the codec refines.
    ///
    /// # Errors
    /// [`GatewayError::ProviderUnreadable`] when the event does not say clearly to which text its
    /// piece belongs.
    fn read<'d>(
        &mut self,
        event: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> Result<EventReading<'d>, GatewayError>;

    /// Whether clients go by the `type` of an event, and by numbers beside it. Where they do not, such
    /// members keep nothing apart.
    fn has_types(&self) -> bool {
        true
    }

    /// Whether clients show this growing text and others of which this is true as one.
    fn joins(&self, _key: &DeltaKey) -> bool {
        false
    }

    /// Whether all that was begun has ended, so that a provider that closes the connection without
    /// an end marker has said everything.
    fn is_complete(&self) -> bool {
        false
    }

    /// Takes over the ids and names that frame events, from an event that was found clean, for the
    /// events that the codec writes itself.
    fn adopt(&mut self, _root: Value<'_>) {}

    /// Whether an event may carry this name.
    fn knows_event(&self, _name: &str) -> bool {
        false
    }

    /// Data of an event without JSON that ends the stream, such as `[DONE]`.
    fn end_marker(&self) -> Option<&'static str>;

    /// Writes an event that carries a piece of a growing text.
    fn write_delta(&mut self, key: &DeltaKey, text: &str, out: &mut Vec<u8>);

    /// Writes what ends the stream when a guardrail stops it. `message` says so without any of the
    /// text that was refused.
    fn write_blocked(&mut self, message: &str, request_id: &str, out: &mut Vec<u8>);

    /// Writes an error in the middle of a stream.
    fn write_error(&mut self, code: &str, message: &str, out: &mut Vec<u8>);

    /// Gives an event its number, in protocols that number them: the number to put in.
    fn next_sequence(&mut self) -> Option<u64> {
        None
    }
}

/// Reads one of the numbers by which the events of a stream tell its texts apart.
///
/// Whoever reads such a number in two ways sees two texts where another sees one, and a guard of
/// its own reads each. So it must be written as a whole number of digits alone, and in every event
/// of the stream or in none.
#[derive(Debug, Default)]
struct Numbering {
    is_given: Option<bool>,
}

impl Numbering {
    /// The number; `None` in streams that leave it out.
    fn read(&mut self, holder: Value<'_>, name: &str) -> Result<Option<u64>, GatewayError> {
        let given = holder.get(name);
        let number = given.map(|number| number.as_u64());
        if number == Some(None) || *self.is_given.get_or_insert(given.is_some()) != given.is_some()
        {
            tracing::warn!(
                member = name,
                "an event does not say clearly which text it goes on with"
            );
            return Err(GatewayError::ProviderUnreadable);
        }
        Ok(number.flatten())
    }
}

/// The protocol of an operation; none for operations without a body.
pub(crate) fn of(operation: Operation) -> Option<&'static dyn Protocol> {
    Some(match operation {
        // Databricks' invocations carry the body of one of the others and are told apart before;
        // unmarked texts would still be read.
        Operation::ChatCompletions | Operation::Invocations => &chat::Chat,
        Operation::Responses => &responses::Responses,
        Operation::Completions => &completions::Completions,
        Operation::Embeddings | Operation::Moderations => &embeddings::Embeddings,
        Operation::Messages | Operation::CountTokens => &messages::Messages,
        Operation::Models | Operation::Model | Operation::TokenExchange => return None,
    })
}

/// Where a message of chat completions comes from.
pub(crate) fn channel_of_message(message: Value<'_>) -> bartizan_core::Channel {
    chat::channel_of(message)
}

/// What kind of content the `type` of a part names, if text guards cannot read it.
pub(crate) fn modality(kind: &str) -> Option<Modality> {
    Some(match kind {
        "image"
        | "image_url"
        | "input_image"
        | "computer_screenshot"
        | "computer_call_output"
        | "image_generation_call" => Modality::Image,
        "input_audio" | "audio" | "output_audio" => Modality::Audio,
        "file" | "input_file" | "video" | "video_url" | "input_video" | "container_upload" => {
            Modality::File
        }
        _ => return None,
    })
}

/// The `type` member of a part.
fn type_of(part: Value<'_>) -> String {
    part.get("type")
        .and_then(|kind| kind.as_str())
        .map(|kind| kind.text().into_owned())
        .unwrap_or_default()
}

/// Marks the content of a message, a string or parts, as one text for the model: of each part the
/// text that its type names, whatever else stands in it. Which strings are text is for the envelope
/// to say.
fn place_parts(content: Value<'_>, group: u32, places: &mut Places) {
    match content.kind() {
        Kind::String => places.group(content, group),
        Kind::Array => content.items().for_each(|part| place_parts(part, group, places)),
        Kind::Object => {
            let kind = type_of(content);
            let text = content.get("text").filter(|text| text.kind() == Kind::String);
            match text {
                Some(text) if kind.is_empty() || kind.ends_with("text") => {
                    places.group(text, group);
                }
                _ => {
                    for name in ["content", "data", "input", "output", "source"] {
                        if let Some(inner) = content.get(name) {
                            place_parts(inner, group, places);
                        }
                    }
                }
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}

/// Says that members of a value are texts that clients show.
fn show(value: Value<'_>, names: &[&str], places: &mut Places) {
    for name in names {
        if let Some(text) = value.get(name).filter(|text| text.kind() == Kind::String) {
            places.shown(text);
        }
    }
}

/// Texts of the parts of one type, in order.
fn texts_of<'d>(parts: Option<Value<'d>>, kind: &str) -> Vec<Value<'d>> {
    let parts = parts.into_iter().flat_map(|parts| parts.items());
    parts.filter(|part| type_of(*part) == kind).filter_map(|part| part.get("text")).collect()
}

/// Whether a member is a text or a list of texts. Numbers that stand for tokens cannot be guarded.
fn is_text_or_texts(value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| match value.kind() {
        Kind::String => true,
        Kind::Array => value.items().all(|item| item.kind() == Kind::String),
        _ => false,
    })
}

/// Tokens that an answer may take at most, over all choices: the largest of the members that say so.
fn planned(root: Value<'_>, names: &[&str]) -> Option<u64> {
    let count = |name: &str| root.get(name).and_then(|value| value.as_u64());
    let most = names.iter().filter_map(|name| count(name)).max()?;
    Some(most.saturating_mul(choices(root)))
}

/// Answers that a request asks for.
pub(crate) fn choices(root: Value<'_>) -> u64 {
    let count = |name: &str| root.get(name).and_then(|value| value.as_u64());
    count("n").max(count("best_of")).unwrap_or(1).max(1)
}

/// Says what is wrong with the outline of a request that has `messages`.
fn check_messages(root: Value<'_>) -> Result<(), &'static str> {
    let messages = root.get("messages").ok_or("`messages` is missing")?;
    let fits = is_list_of_objects(Some(messages));
    fits.then_some(()).ok_or("`messages` must be a list of objects")
}

/// Whether a member is a list of objects.
fn is_list_of_objects(value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| {
        value.kind() == Kind::Array && value.items().all(|item| item.kind() == Kind::Object)
    })
}

/// Raw JSON of a string.
fn quoted(text: &str) -> String {
    let mut out = vec![b'"'];
    crate::json::escape_into(&mut out, text);
    out.push(b'"');
    String::from_utf8(out).unwrap_or_default()
}

/// Longest id or model name that is taken over.
const ID_BYTES: usize = 96;

/// Source of a member that is an id, a model name or a time; `fallback` for anything else.
fn raw_member(root: Value<'_>, name: &str, fallback: &str) -> String {
    let raw = root.get(name).and_then(|value| {
        let raw = std::str::from_utf8(value.raw()).ok()?;
        let in_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        let is_plain = match value.kind() {
            Kind::Number => value.as_u64().is_some(),
            Kind::String => value.as_str().is_some_and(|text| {
                let text = text.raw();
                (1..=ID_BYTES).contains(&text.len()) && text.bytes().all(in_id)
            }),
            _ => false,
        };
        is_plain.then_some(raw)
    });
    raw.unwrap_or(fallback).to_owned()
}

/// Seconds since 1970.
fn unix_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

#[cfg(test)]
mod tests;
