//! Every member of a chat completion request that this translation knows, and what becomes of it.

use super::super::fields::{
    Field, carried, is_empty, is_false, is_zero, left_out, left_out_if, refused,
};
use crate::json::Value;

/// The request.
pub(super) const ROOT: &[Field] = &[
    carried("model"),
    carried("messages"),
    carried("tools"),
    carried("tool_choice"),
    carried("parallel_tool_calls"),
    carried("max_tokens"),
    carried("max_completion_tokens"),
    carried("temperature"),
    carried("top_p"),
    carried("stop"),
    carried("user"),
    carried("stream"),
    carried("reasoning_effort"),
    carried("response_format"),
    left_out("stream_options", "translated streams always end with usage"),
    left_out("seed", "best effort by its definition; messages have no such effort"),
    left_out("service_tier", "names price classes of another provider"),
    left_out("metadata", "labels for the provider's own dashboard; the model never sees them"),
    left_out("prompt_cache_key", "a hint for the provider's cache; the answer is the same"),
    left_out("prompt_cache_retention", "a hint for the provider's cache; the answer is the same"),
    left_out("safety_identifier", "names the user to one provider's abuse team; `user` is carried"),
    left_out_if("store", is_false, "messages are never stored", "`store`"),
    left_out_if("n", is_one, "there is always one choice", "`n` above 1"),
    left_out_if("logprobs", is_false, "the default", "`logprobs`"),
    left_out_if("top_logprobs", is_zero, "the default", "`top_logprobs`"),
    left_out_if("frequency_penalty", is_zero, "the default", "`frequency_penalty`"),
    left_out_if("presence_penalty", is_zero, "the default", "`presence_penalty`"),
    left_out_if("logit_bias", is_empty, "biases nothing", "`logit_bias`"),
    left_out_if("modalities", is_only_text, "the default", "`modalities` beside text"),
    left_out_if("verbosity", is_medium, "the default", "`verbosity`"),
    left_out_if("functions", is_empty, "declares nothing", "`functions` (use `tools`)"),
    refused("function_call", "`function_call` (use `tool_choice`)"),
    refused("audio", "`audio`"),
    refused("prediction", "`prediction`"),
    refused("web_search_options", "`web_search_options`"),
];

const NAME: Field = refused("name", "`name` of a message");

/// A message of the roles `system`, `developer` and `user`.
pub(super) const PLAIN_MESSAGE: &[Field] = &[carried("role"), carried("content"), NAME];

/// A message of the role `assistant`.
pub(super) const ASSISTANT_MESSAGE: &[Field] = &[
    carried("role"),
    carried("content"),
    carried("refusal"),
    carried("tool_calls"),
    left_out("reasoning_content", UNSIGNED),
    left_out("reasoning", UNSIGNED),
    left_out("reasoning_details", UNSIGNED),
    left_out_if("annotations", is_empty, "annotates nothing", "`annotations` of a message"),
    refused("function_call", "`function_call` of a message (use `tool_calls`)"),
    refused("audio", "`audio` of a message"),
    NAME,
];

const UNSIGNED: &str =
    "messages take thinking only with the provider's signature, and pass over earlier turns'";

/// A message of the role `tool`.
pub(super) const TOOL_MESSAGE: &[Field] = &[
    carried("role"),
    carried("content"),
    carried("tool_call_id"),
    left_out("name", "repeats the name of the call that `tool_call_id` points to"),
];

/// A call in `tool_calls`.
pub(super) const TOOL_CALL: &[Field] = &[
    carried("id"),
    carried("type"),
    carried("function"),
    left_out("index", "the place in the list says the same"),
];

/// The `function` of a call.
pub(super) const CALLED_FUNCTION: &[Field] = &[carried("name"), carried("arguments")];

/// A part with text.
pub(super) const TEXT_PART: &[Field] = &[carried("type"), carried("text")];

/// A part with a refusal.
pub(super) const REFUSAL_PART: &[Field] = &[carried("type"), carried("refusal")];

/// A part with an image.
pub(super) const IMAGE_PART: &[Field] = &[carried("type"), carried("image_url")];

/// The `image_url` of a part.
pub(super) const IMAGE_URL: &[Field] =
    &[carried("url"), left_out("detail", "how sharp to look; messages always look sharp")];

/// A part with a file.
pub(super) const FILE_PART: &[Field] = &[carried("type"), carried("file")];

/// The `file` of a part.
pub(super) const FILE: &[Field] = &[
    carried("filename"),
    carried("file_data"),
    refused("file_id", "a file kept at another provider"),
];

/// A tool.
pub(super) const TOOL: &[Field] = &[carried("type"), carried("function")];

/// The `function` of a tool.
pub(super) const FUNCTION: &[Field] =
    &[carried("name"), carried("description"), carried("parameters"), carried("strict")];

/// `tool_choice`, where it is an object.
pub(super) const TOOL_CHOICE: &[Field] = &[carried("type"), carried("function")];

/// The `function` of `tool_choice`.
pub(super) const CHOSEN_FUNCTION: &[Field] = &[carried("name")];

/// `response_format`.
pub(super) const RESPONSE_FORMAT: &[Field] = &[carried("type"), carried("json_schema")];

/// The `json_schema` of `response_format`.
pub(super) const JSON_SCHEMA: &[Field] = &[
    carried("schema"),
    left_out("name", "a label that chat completions demand"),
    left_out("strict", "messages always hold to the schema"),
    refused("description", "`description` of `response_format` (write it into the schema)"),
];

fn is_one(value: Value<'_>) -> bool {
    value.as_u64() == Some(1)
}

fn is_only_text(value: Value<'_>) -> bool {
    value.items().next().is_some()
        && value.items().all(|item| item.as_str().is_some_and(|text| text == *"text"))
}

fn is_medium(value: Value<'_>) -> bool {
    value.as_str().is_some_and(|text| text == *"medium")
}
