//! Translations: every word of the result comes from the source or is one of the protocols'.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json::{is_narrower, strings_of};
use crate::json::Document;
use crate::operation::Operation::{ChatCompletions, Messages};
use crate::sse::Splitter;
use crate::translate::{Translation, between};

/// Words that translations write of their own accord. What stands between texts that are put
/// together is in [`GLUE`].
const WORDS: &[&str] = &[
    "adaptive",
    "answer",
    "any",
    "api_error",
    "arguments",
    "assistant",
    "authentication_error",
    "auto",
    "base64",
    "budget_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cached_tokens",
    "call_1",
    "chat.completion",
    "chat.completion.chunk",
    "choices",
    "code",
    "completion_tokens",
    "content",
    "content_block",
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "content_filter",
    "created",
    "data",
    "delta",
    "description",
    "disable_parallel_tool_use",
    "document",
    "document.pdf",
    "enabled",
    "end_turn",
    "error",
    "file",
    "file_data",
    "filename",
    "finish_reason",
    "format",
    "function",
    "high",
    "id",
    "image",
    "image_url",
    "include_usage",
    "index",
    "input",
    "input_json_delta",
    "input_schema",
    "input_tokens",
    "invalid_request_error",
    "json_object",
    "json_schema",
    "length",
    "logprobs",
    "low",
    "max_completion_tokens",
    "max_tokens",
    "media_type",
    "medium",
    "message",
    "message_delta",
    "message_start",
    "message_stop",
    "messages",
    "metadata",
    "model",
    "name",
    "none",
    "not_found_error",
    "object",
    "output_config",
    "output_tokens",
    "overloaded_error",
    "parallel_tool_calls",
    "param",
    "parameters",
    "partial_json",
    "permission_error",
    "prompt_tokens",
    "prompt_tokens_details",
    "rate_limit_error",
    "reasoning_content",
    "reasoning_effort",
    "refusal",
    "required",
    "response_format",
    "role",
    "schema",
    "signature",
    "source",
    "stop",
    "stop_reason",
    "stop_sequence",
    "stop_sequences",
    "stream",
    "stream_options",
    "strict",
    "system",
    "temperature",
    "text",
    "text_delta",
    "the provider refused the request and gave no reason",
    "thinking",
    "thinking_delta",
    "title",
    "tool",
    "tool_call_id",
    "tool_calls",
    "tool_choice",
    "tool_result",
    "tool_use",
    "tool_use_id",
    "tools",
    "top_p",
    "total_tokens",
    "type",
    "url",
    "usage",
    "user",
    "user_id",
    "xhigh",
    "{}",
];

const GLUE: &[&str] = &["\n\n", "data:", ";base64,"];

/// A translated request can be read and says nothing that the request does not.
///
/// Input: a byte for the direction by its last bit, then the request.
///
/// # Panics
/// When the result cannot be read, or has a string of its own.
pub fn translate_request(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let Ok(document) = Document::parse(body) else { return };
    let translated = direction(*choice).request(document.root());
    if let Ok(translated) = translated {
        Source::of(&document).explains(&translated);
    }
}

/// A translated answer or error can be read and says nothing that the answer does not.
///
/// Input: a byte for the direction by its last bit and for an error by the bit before, then the
/// answer.
///
/// # Panics
/// When the result cannot be read, or has a string of its own.
pub fn translate_answer(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let Ok(document) = Document::parse(body) else { return };
    let translation = direction(*choice);
    let translated = if choice & 2 == 0 {
        translation.answer(document.root())
    } else {
        Ok(translation.error(document.root()))
    };
    if let Ok(translated) = translated {
        Source::of(&document).explains(&translated);
    }
}

/// The events of a translated stream can be read and say nothing that the stream does not, and
/// there are not more of them than the stream gives rise to.
///
/// Input: a byte for the direction by its last bit, then the stream.
///
/// # Panics
/// When an event cannot be read or has a string of its own, or when there are too many.
pub fn translate_stream(input: &[u8]) {
    let Some((choice, stream)) = input.split_first() else { return };
    let mut translation = direction(*choice).stream();
    let mut splitter = Splitter::default();
    splitter.push(stream);
    let mut source = Source::default();
    let mut written = 0;
    while let Some(Ok(event)) = splitter.next() {
        let translated = if event.data.trim_ascii() == b"[DONE]" {
            translation.end_marker()
        } else {
            let Ok(document) = Document::parse(&event.data) else { return };
            source.add(&document);
            match translation.event(event.event.as_deref(), &document) {
                Ok(translated) => translated,
                Err(_) => return,
            }
        };
        for event in translated {
            written += event.data.len();
            if event.data != "[DONE]" {
                source.explains(event.data.as_bytes());
            }
        }
    }
    assert!(written <= 4096 + 64 * stream.len(), "{written} bytes from {}", stream.len());
}

fn direction(choice: u8) -> &'static dyn Translation {
    let (asked, spoken) =
        if choice & 1 == 0 { (ChatCompletions, Messages) } else { (Messages, ChatCompletions) };
    between(asked, spoken).expect("a translation")
}

/// What a translation was given.
#[derive(Default)]
struct Source {
    raw: Vec<String>,
    strings: BTreeSet<String>,
}

impl Source {
    fn of(document: &Document<'_>) -> Self {
        let mut source = Self::default();
        source.add(document);
        source
    }

    fn add(&mut self, document: &Document<'_>) {
        self.raw.push(document.source().to_owned());
        for string in document.strings() {
            let text = string.text.text();
            // Arguments of a tool call are JSON inside a string.
            if let Ok(inner) = Document::parse(text.as_bytes()) {
                self.raw.push(text.to_string());
                self.strings.extend(inner.strings().map(|it| it.text.text().into_owned()));
            }
            // Media types are compared, and so written, in lower case.
            self.strings.insert(text.to_ascii_lowercase());
            self.strings.insert(text.into_owned());
        }
    }

    fn explains(&self, translated: &[u8]) {
        Document::parse(translated).expect("a translation can be read");
        let value: Value = match serde_json::from_slice(translated) {
            Ok(value) => value,
            Err(error) if is_narrower(&error) => return,
            Err(error) => panic!("another reader refuses the translation: {error}"),
        };
        let mut said = Vec::new();
        strings_of(&value, &mut said);
        for text in said {
            assert!(self.has(&text), "{text:?} comes from nowhere");
        }
    }

    fn has(&self, text: &str) -> bool {
        WORDS.binary_search(&text).is_ok()
            || self.strings.iter().any(|it| it.contains(text))
            || self.raw.iter().any(|it| it.contains(text))
            || self.is_joined(text)
    }

    /// Whether a text is made of strings of the source, one after the other.
    fn is_joined(&self, text: &str) -> bool {
        let parts = self.strings.iter().map(String::as_str).chain(GLUE.iter().copied());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let mut reached = BTreeSet::from([0]);
        while let Some(at) = reached.pop_first() {
            let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { return true };
            let fitting = parts.iter().filter(|part| rest.starts_with(**part));
            reached.extend(fitting.map(|part| at + part.len()));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_words_is_sorted() {
        assert!(WORDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_string_of_nobody_is_noticed() {
        let source = br#"{"a":"left","b":"right","c":"{\"d\":\"inner\"}"}"#;
        let document = Document::parse(source).unwrap();
        let source = Source::of(&document);
        for text in ["left", "eft", "left\n\nright", "inner", "assistant", "{\"d\":\"inner\"}"] {
            assert!(source.has(text), "{text}");
        }
        for text in ["lift", "left right", "assistants"] {
            assert!(!source.has(text), "{text}");
        }
    }
}
