//! OpenAI completions, the older protocol with one prompt and no messages.

use super::choices::{self, Choice, Choices};
use super::{
    DeltaKey, DeltaKind, EventReading, Protocol, Said, StreamCodec, Usage, is_text_or_texts,
    planned, quoted, show,
};
use crate::envelope::Places;
use crate::error::GatewayError;
use crate::json::{Document, Value};

/// The value of `object`, streamed or not.
const OBJECT: &str = "text_completion";

pub(super) struct Completions;

impl Protocol for Completions {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        let prompt = root.get("prompt").ok_or("`prompt` is missing")?;
        let fits = is_text_or_texts(Some(prompt));
        fits.then_some(())
            .ok_or("`prompt` must be a text or a list of texts; tokens cannot be guarded")
    }

    fn place_request(&self, _: Value<'_>, _: &mut Places) {}

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
            show(choice, &["text"], places);
            if let Some(logprobs) = choice.get("logprobs") {
                places.remove(logprobs);
            }
        }
    }

    fn said<'d>(&self, root: Value<'d>) -> Vec<Said<'d>> {
        root.get("prompt").map(Said::Person).into_iter().collect()
    }

    fn planned_output(&self, root: Value<'_>) -> Option<u64> {
        planned(root, &["max_tokens"])
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        Usage::read(root.get("usage"), "prompt_tokens", "completion_tokens")
    }

    fn filtered_answer(&self, root: Value<'_>) -> Option<Vec<u8>> {
        Some(choices::filtered(root, OBJECT, "cmpl-filtered", r#""text":"""#))
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        Some(Box::new(CompletionStream { choices: Choices::new(OBJECT, "cmpl-bartizan") }))
    }
}

/// Streamed completions: the events look like the answer.
struct CompletionStream {
    choices: Choices,
}

impl StreamCodec for CompletionStream {
    fn read<'d>(
        &mut self,
        _: Option<&str>,
        document: &'d Document<'d>,
        places: &mut Places,
    ) -> Result<EventReading<'d>, GatewayError> {
        let (choices, mut reading) = self.choices.read(document.root())?;
        for Choice { index, value } in choices {
            if let Some(logprobs) = value.get("logprobs") {
                places.remove(logprobs);
            }
            if let Some(text) = value.get("text").filter(|text| text.as_str().is_some()) {
                reading.deltas.push((DeltaKey { index, part: 0, kind: DeltaKind::Text }, text));
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
        let (index, text) = (key.index, quoted(text));
        self.choices.write(
            &format!(r#"{{"index":{index},"text":{text},"logprobs":null,"finish_reason":null}}"#),
            out,
        );
    }

    fn write_blocked(&mut self, _: &str, _: &str, out: &mut Vec<u8>) {
        self.choices.write_blocked(r#""text":"","logprobs":null"#, out);
    }

    fn write_error(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        choices::write_error(code, message, out);
    }
}
