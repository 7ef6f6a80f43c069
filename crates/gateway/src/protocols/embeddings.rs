//! OpenAI embeddings and moderations: texts in, numbers out, no stream.

use super::{Protocol, Said, StreamCodec, Usage, is_text_or_texts};
use crate::envelope::Places;
use crate::json::Value;

pub(super) struct Embeddings;

impl Protocol for Embeddings {
    fn check_request(&self, root: Value<'_>) -> Result<(), &'static str> {
        let input = root.get("input").ok_or("`input` is missing")?;
        let fits = is_text_or_texts(Some(input));
        fits.then_some(())
            .ok_or("`input` must be a text or a list of texts; tokens cannot be guarded")
    }

    fn place_request(&self, _: Value<'_>, _: &mut Places) {}

    fn place_answer(&self, root: Value<'_>, places: &mut Places) {
        // Vectors may come as base64 of floats, which is no text.
        for item in root.get("data").into_iter().flat_map(|data| data.items()) {
            if let Some(vector) = item.get("embedding") {
                places.encoded(vector);
            }
        }
    }

    fn said<'d>(&self, root: Value<'d>) -> Vec<Said<'d>> {
        root.get("input").map(Said::Person).into_iter().collect()
    }

    fn planned_output(&self, _: Value<'_>) -> Option<u64> {
        Some(0)
    }

    fn usage(&self, root: Value<'_>) -> Usage {
        let usage = Usage::read(root.get("usage"), "prompt_tokens", "completion_tokens");
        Usage { output: usage.output.or(usage.input.map(|_| 0)), ..usage }
    }

    fn filtered_answer(&self, _: Value<'_>) -> Option<Vec<u8>> {
        None
    }

    fn stream(&self) -> Option<Box<dyn StreamCodec>> {
        None
    }
}
