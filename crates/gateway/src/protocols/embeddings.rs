//! OpenAI embeddings and moderations: texts in, numbers out, no stream.

use super::{Protocol, StreamCodec, Usage};
use crate::envelope::Places;
use crate::json::Value;

pub(super) struct Embeddings;

impl Protocol for Embeddings {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        root.get("input").map(|_| ()).ok_or("`input` is missing")
    }

    fn place_request(&self, _: Value<'_>, _: &mut Places) {}

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        // Vectors may come as base64 of floats, which is no text.
        for item in root.get("data").into_iter().flat_map(|data| data.items()) {
            if let Some(vector) = item.get("embedding") {
                places.modality(vector, bartizan_core::settings::Modality::File);
            }
        }
    }

    fn planned_output(&self, _: Value<'_>) -> Option<u64> {
        Some(0)
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        let usage = Usage::read(root.get("usage"), "prompt_tokens", "");
        Usage { output: usage.input.map(|_| 0), ..usage }
    }

    fn filtered_answer(&self, _: Value<'_>) -> Option<Vec<u8>> {
        None
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        None
    }
}
