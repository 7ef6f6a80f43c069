//! Words that the protocols define themselves and that therefore carry nothing.
//!
//! This is the whole list of what the guard does not read, as a key or as the value of a member that
//! takes such words. In every other place the same words are text and are read.

use std::sync::LazyLock;

use bartizan_core::Channel;

/// Whether a key or value is a word of the protocols.
pub(crate) fn is_plumbing(word: &str) -> bool {
    // Every key of every body comes by here, and few words have the same length.
    static BY_LEN: LazyLock<Vec<Vec<&'static str>>> = LazyLock::new(|| {
        let longest = WORDS.iter().map(|word| word.len()).max().unwrap_or_default();
        let of_len = |len| WORDS.iter().copied().filter(|word| word.len() == len).collect();
        (0..=longest).map(of_len).collect()
    });
    BY_LEN.get(word.len()).is_some_and(|words| words.binary_search(&word).is_ok())
}

/// Whether a member of this name takes a word of the protocol.
pub(crate) fn takes_words(key: &str) -> bool {
    const KEYS: [&str; 9] = [
        "encoding_format",
        "finish_reason",
        "object",
        "role",
        "service_tier",
        "status",
        "stop_reason",
        "tool_choice",
        "type",
    ];
    KEYS.contains(&key)
}

/// Whether a member of this name holds the bytes of an image, sound or file, or where to get them.
pub(crate) fn carries_data(key: &str) -> bool {
    const KEYS: [&str; 8] = [
        "b64_json",
        "data",
        "embedding",
        "file_data",
        "image_url",
        "partial_image_b64",
        "result",
        "url",
    ];
    KEYS.contains(&key)
}

/// Whether a string under this name is an image, sound or file even without a type beside it.
pub(super) fn names_media(key: &str) -> bool {
    matches!(key, "b64_json" | "file_data" | "file_id" | "image_url" | "input_audio")
}

/// Whether a member of this name holds text that the model reads on from the part before.
pub(super) fn carries_text(key: &str) -> bool {
    matches!(key, "content" | "data" | "input" | "output" | "text")
}

/// Whether a string under this name may be JSON that a program reads: the arguments of a tool call.
pub(super) fn holds_arguments(key: &str, channel: Channel) -> bool {
    match key {
        "arguments" => true,
        "code" | "input" => channel == Channel::ToolCall,
        _ => false,
    }
}

/// Sorted.
static WORDS: &[&str] = &[
    "",
    "additionalProperties",
    "arguments",
    "array",
    "assistant",
    "auto",
    "boolean",
    "cache_control",
    "cached_tokens",
    "chat.completion",
    "chat.completion.chunk",
    "choices",
    "completion_tokens",
    "completion_tokens_details",
    "content",
    "content_block",
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "content_index",
    "created",
    "created_at",
    "delta",
    "description",
    "developer",
    "encoding_format",
    "end_turn",
    "enum",
    "ephemeral",
    "finish_reason",
    "float",
    "frequency_penalty",
    "function",
    "function_call",
    "function_call_output",
    "id",
    "image_url",
    "include_usage",
    "index",
    "input",
    "input_schema",
    "input_text",
    "input_tokens",
    "instructions",
    "integer",
    "item_id",
    "json_object",
    "json_schema",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "message",
    "message_delta",
    "message_start",
    "message_stop",
    "messages",
    "metadata",
    "model",
    "n",
    "name",
    "null",
    "number",
    "object",
    "output",
    "output_index",
    "output_text",
    "output_tokens",
    "parallel_tool_calls",
    "parameters",
    "presence_penalty",
    "prompt",
    "prompt_tokens",
    "prompt_tokens_details",
    "properties",
    "reasoning_tokens",
    "refusal",
    "required",
    "response_format",
    "role",
    "seed",
    "sequence_number",
    "service_tier",
    "stop",
    "stop_reason",
    "stop_sequence",
    "store",
    "stream",
    "stream_options",
    "strict",
    "string",
    "system",
    "system_fingerprint",
    "temperature",
    "text",
    "text_delta",
    "tool",
    "tool_call_id",
    "tool_calls",
    "tool_choice",
    "tool_result",
    "tool_use",
    "tools",
    "top_p",
    "total_tokens",
    "type",
    "usage",
    "user",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_without_repeats() {
        assert!(WORDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn knows_the_words_of_the_list_and_no_other() {
        assert!(WORDS.iter().all(|word| is_plumbing(word)));
        for other in ["Type", "types", "tex", "a longer text than any word of the protocols"] {
            assert!(!is_plumbing(other), "{other}");
        }
    }
}
