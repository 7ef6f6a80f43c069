//! Every member of a messages request that this translation knows, and what becomes of it.

use super::super::fields::{
    Field, carried, is_empty, is_false, left_out, left_out_if, refused, word,
};
use crate::json::Value;

/// The request.
pub(super) const ROOT: &[Field] = &[
    carried("model"),
    carried("max_tokens"),
    carried("system"),
    carried("messages"),
    carried("tools"),
    carried("tool_choice"),
    carried("thinking"),
    carried("output_config"),
    carried("output_format"),
    carried("temperature"),
    carried("top_p"),
    carried("stop_sequences"),
    carried("metadata"),
    carried("stream"),
    CACHE_CONTROL,
    left_out("service_tier", "names price classes of another provider"),
    left_out_if("mcp_servers", is_empty, "names no server", "`mcp_servers`"),
    refused("top_k", "`top_k`"),
    refused("container", "`container`"),
    refused("context_management", "`context_management`"),
    refused("inference_geo", "`inference_geo`"),
];

/// `metadata`.
pub(super) const METADATA: &[Field] = &[carried("user_id")];

/// `thinking`.
pub(super) const THINKING: &[Field] = &[
    carried("type"),
    carried("budget_tokens"),
    left_out("display", "chat completions bring what thinking the provider shows"),
];

/// `output_config`.
pub(super) const OUTPUT_CONFIG: &[Field] = &[carried("effort"), carried("format")];

/// The `format` of `output_config`, or `output_format`.
pub(super) const FORMAT: &[Field] = &[carried("type"), carried("schema")];

const CACHE_CONTROL: Field =
    left_out("cache_control", "a hint for the provider's cache; the answer is the same");

/// A message.
pub(super) const MESSAGE: &[Field] = &[carried("role"), carried("content")];

/// A block with text.
pub(super) const TEXT: &[Field] = &[
    carried("type"),
    carried("text"),
    CACHE_CONTROL,
    left_out_if("citations", is_empty, "cites nothing", "`citations` of a text"),
];

/// A block with an image.
pub(super) const IMAGE: &[Field] = &[carried("type"), carried("source"), CACHE_CONTROL];

/// The `source` of an image or document that has the bytes or the text.
pub(super) const DATA_SOURCE: &[Field] = &[carried("type"), carried("media_type"), carried("data")];

/// The `source` of an image that is elsewhere.
pub(super) const URL_SOURCE: &[Field] = &[carried("type"), carried("url")];

/// The `source` of a document that is made of blocks.
pub(super) const CONTENT_SOURCE: &[Field] = &[carried("type"), carried("content")];

/// A block with a document.
pub(super) const DOCUMENT: &[Field] = &[
    carried("type"),
    carried("source"),
    carried("title"),
    carried("context"),
    CACHE_CONTROL,
    left_out_if("citations", is_off, "asks for none", "`citations` of a document"),
];

/// A block with a call.
pub(super) const TOOL_USE: &[Field] = &[
    carried("type"),
    carried("id"),
    carried("name"),
    carried("input"),
    CACHE_CONTROL,
    left_out_if("caller", is_direct, "the model called it", "a tool call made by a program"),
];

/// A block with a result.
pub(super) const TOOL_RESULT: &[Field] = &[
    carried("type"),
    carried("tool_use_id"),
    carried("content"),
    carried("is_error"),
    CACHE_CONTROL,
];

/// A tool.
pub(super) const TOOL: &[Field] = &[
    carried("type"),
    carried("name"),
    carried("description"),
    carried("input_schema"),
    carried("strict"),
    CACHE_CONTROL,
    left_out("eager_input_streaming", "how finely a stream is cut; the text is the same"),
];

/// `tool_choice`; only the type `tool` has a name.
pub(super) const TOOL_CHOICE: &[Field] =
    &[carried("type"), carried("name"), carried("disable_parallel_tool_use")];

fn is_off(citations: Value<'_>) -> bool {
    citations.get("enabled").is_none_or(is_false)
}

fn is_direct(caller: Value<'_>) -> bool {
    *word(caller, "type") == *"direct"
}
