//! OpenAI completions, the older protocol with one prompt and no messages.

use super::{
    DeltaKey, DeltaKind, Ends, EventReading, Protocol, StreamCodec, Usage, is_text_or_texts,
    planned, quoted, raw_member, unix_now,
};
use crate::envelope::Places;
use crate::json::{Document, Value};
use crate::sse::write_event;

/// Choices that are told when a stream is stopped; no provider writes more.
const MAX_CHOICES: usize = 1024;

pub(super) struct Completions;

impl Protocol for Completions {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        let fits = is_text_or_texts(root.get("prompt"));
        fits.then_some(())
            .ok_or("`prompt` must be a text or a list of texts; tokens cannot be guarded")
    }

    fn place_request(&self, _: Value<'_>, _: &mut Places) {}

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
            if let Some(logprobs) = choice.get("logprobs") {
                places.remove(logprobs);
            }
        }
    }

    fn planned_output(&self, root: Value<'_>) -> Option<u64> {
        planned(root, &["max_tokens"])
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        Usage::read(root.get("usage"), "prompt_tokens", "completion_tokens")
    }

    fn filtered_answer(&self, root: Value<'_>) -> Option<Vec<u8>> {
        let choices = root.get("choices").map_or(1, |choices| choices.items().count());
        let choices: Vec<String> = (0..choices)
            .map(|index| {
                format!(
                    r#"{{"index":{index},"text":"","logprobs":null,"finish_reason":"content_filter"}}"#
                )
            })
            .collect();
        let created = unix_now();
        Some(
            format!(
                r#"{{"id":"cmpl-filtered","object":"text_completion","created":{created},"model":"filtered","choices":[{}]}}"#,
                choices.join(",")
            )
            .into_bytes(),
        )
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        Some(Box::new(CompletionStream::default()))
    }
}

#[derive(Default)]
struct CompletionStream {
    /// `id`, `created` and `model` of the first event, as raw JSON.
    frame: Option<(String, String, String)>,
    open: Vec<u64>,
}

impl CompletionStream {
    fn write(&self, choice: &str, out: &mut Vec<u8>) {
        let (id, created, model) = self
            .frame
            .as_ref()
            .map_or(("\"cmpl-bartizan\"", "0", "\"\""), |(id, created, model)| {
                (id, created, model)
            });
        let event = format!(
            r#"{{"id":{id},"object":"text_completion","created":{created},"model":{model},"choices":[{choice}]}}"#
        );
        write_event(out, None, &event);
    }
}

impl StreamCodec for CompletionStream {
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
        for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
            let index = choice.get("index").and_then(|index| index.as_u64()).unwrap_or(0);
            if self.open.len() < MAX_CHOICES && !self.open.contains(&index) {
                self.open.push(index);
            }
            if let Some(logprobs) = choice.get("logprobs") {
                places.remove(logprobs);
            }
            if choice.get("finish_reason").and_then(|reason| reason.as_str()).is_some() {
                ended.push(index);
                self.open.retain(|open| *open != index);
            }
            if let Some(text) = choice.get("text").filter(|text| text.as_str().is_some()) {
                reading.deltas.push((DeltaKey { index, part: 0, kind: DeltaKind::Text }, text));
            }
        }
        reading.only_deltas = !has_usage && ended.is_empty() && !reading.deltas.is_empty();
        if !ended.is_empty() {
            reading.ends = Ends::Indexes(ended);
        }
        reading
    }

    fn adopt(&mut self, root: Value<'_>) {
        if self.frame.is_none() {
            self.frame = Some((
                raw_member(root, "id", "\"cmpl-bartizan\""),
                raw_member(root, "created", "0"),
                raw_member(root, "model", "\"\""),
            ));
        }
    }

    fn end_marker(&self) -> Option<&'static str> {
        Some("[DONE]")
    }

    fn write_delta(&mut self, key: &DeltaKey, text: &str, out: &mut Vec<u8>) {
        let (index, text) = (key.index, quoted(text));
        self.write(
            &format!(r#"{{"index":{index},"text":{text},"logprobs":null,"finish_reason":null}}"#),
            out,
        );
    }

    fn write_blocked(&mut self, _: &str, _: &str, out: &mut Vec<u8>) {
        let open = if self.open.is_empty() { vec![0] } else { std::mem::take(&mut self.open) };
        for index in open {
            self.write(
                &format!(
                    r#"{{"index":{index},"text":"","logprobs":null,"finish_reason":"content_filter"}}"#
                ),
                out,
            );
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
