//! What the streams of chat completions and of completions share: events are lists of choices in a
//! frame that repeats, choices end with a reason, and `[DONE]` follows.

use smallvec::SmallVec;

use super::{Ends, EventReading, Numbering, quoted, raw_member, unix_now};
use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::sse::write_event;

/// Choices of one answer; more is not an answer but an attack.
const MAX_CHOICES: usize = 1024;

/// What ends the streams of both.
pub(super) const END_MARKER: &str = "[DONE]";

/// The choices of one streamed answer.
pub(super) struct Choices {
    /// The value of `object`.
    object: &'static str,
    /// Members that frame every event, as raw JSON.
    frame: Frame,
    is_adopted: bool,
    numbering: Numbering,
    begun: Vec<Begun>,
}

/// A choice of which something came.
struct Begun {
    index: u64,
    has_ended: bool,
}

struct Frame {
    id: String,
    created: String,
    model: String,
}

/// A choice of one event.
pub(super) struct Choice<'d> {
    pub(super) index: u64,
    pub(super) value: Value<'d>,
}

impl Choices {
    /// `id` stands in our own events until the provider has said one.
    pub(super) fn new(object: &'static str, id: &str) -> Self {
        let (id, created, model) = (quoted(id), "0".to_owned(), quoted(""));
        Self {
            object,
            frame: Frame { id, created, model },
            is_adopted: false,
            numbering: Numbering::default(),
            begun: Vec::new(),
        }
    }

    /// The choices of an event, and what it says about the stream: which of them end, whether the
    /// provider failed, whether there is more in it than choices.
    pub(super) fn read<'d>(
        &mut self,
        root: Value<'d>,
    ) -> Result<(SmallVec<[Choice<'d>; 1]>, EventReading<'d>), GatewayError> {
        let mut choices = SmallVec::new();
        let mut ended = Vec::new();
        for value in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
            let index = self.numbering.read(value, "index")?.unwrap_or(0);
            let begun = self.begun(index)?;
            // Some servers write an empty reason until there is one.
            let reason = value.get("finish_reason").and_then(|reason| reason.as_str());
            if reason.is_some_and(|reason| reason != *"") {
                begun.has_ended = true;
                ended.push(index);
            }
            choices.push(Choice { index, value });
        }
        let has_usage = root.get("usage").is_some_and(|usage| usage.members().next().is_some());
        let mut reading = EventReading {
            only_deltas: !has_usage && ended.is_empty(),
            ends: if ended.is_empty() { Ends::None } else { Ends::Indexes(ended) },
            ..EventReading::default()
        };
        if root.get("error").is_some_and(|error| error.kind() == Kind::Object) {
            reading.ends = Ends::All;
            reading.is_last = true;
            reading.failed = true;
        }
        Ok((choices, reading))
    }

    fn begun(&mut self, index: u64) -> Result<&mut Begun, GatewayError> {
        let at = match self.begun.iter().position(|begun| begun.index == index) {
            Some(at) => at,
            None if self.begun.len() < MAX_CHOICES => {
                self.begun.push(Begun { index, has_ended: false });
                self.begun.len() - 1
            }
            None => return Err(GatewayError::ProviderUnreadable),
        };
        self.begun.get_mut(at).ok_or(GatewayError::ProviderUnreadable)
    }

    pub(super) fn adopt(&mut self, root: Value<'_>) {
        if !self.is_adopted && root.get("choices").is_some() {
            self.is_adopted = true;
            self.frame = Frame {
                id: raw_member(root, "id", &self.frame.id),
                created: raw_member(root, "created", "0"),
                model: raw_member(root, "model", "\"\""),
            };
        }
    }

    /// Whether every choice that has begun has ended.
    pub(super) fn are_complete(&self) -> bool {
        !self.begun.is_empty() && self.begun.iter().all(|begun| begun.has_ended)
    }

    /// Writes an event with one choice.
    pub(super) fn write(&self, choice: &str, out: &mut Vec<u8>) {
        let (object, Frame { id, created, model }) = (self.object, &self.frame);
        let event = format!(
            r#"{{"id":{id},"object":"{object}","created":{created},"model":{model},"choices":[{choice}]}}"#
        );
        write_event(out, None, &event);
    }

    /// Ends every open choice because its content was filtered; `empty` are the members of a choice
    /// that says nothing.
    pub(super) fn write_blocked(&mut self, empty: &str, out: &mut Vec<u8>) {
        let open = self.begun.iter().filter(|begun| !begun.has_ended).map(|begun| begun.index);
        let mut open: SmallVec<[u64; 1]> = open.collect();
        if open.is_empty() {
            open.push(0);
        }
        for index in open {
            self.write(
                &format!(r#"{{"index":{index},{empty},"finish_reason":"content_filter"}}"#),
                out,
            );
        }
        write_event(out, None, END_MARKER);
    }
}

/// Writes an error in the middle of a stream.
pub(super) fn write_error(code: &str, message: &str, out: &mut Vec<u8>) {
    let (code, message) = (quoted(code), quoted(message));
    let error = format!(
        r#"{{"error":{{"message":{message},"type":"server_error","param":null,"code":{code}}}}}"#
    );
    write_event(out, None, &error);
}

/// A whole answer with as many choices as `root` has, each filtered; `empty` are the members of a
/// choice that says nothing.
pub(super) fn filtered(root: Value<'_>, object: &str, id: &str, empty: &str) -> Vec<u8> {
    let count = root.get("choices").map_or(1, |choices| choices.items().count());
    let choices: Vec<String> = (0..count)
        .map(|index| {
            format!(
                r#"{{"index":{index},{empty},"logprobs":null,"finish_reason":"content_filter"}}"#
            )
        })
        .collect();
    let (created, choices) = (unix_now(), choices.join(","));
    format!(
        r#"{{"id":"{id}","object":"{object}","created":{created},"model":"filtered","choices":[{choices}]}}"#
    )
    .into_bytes()
}
