//! Chat completions: the request and the answer.

use std::borrow::Cow;

use serde::Serialize;

use super::Json;
use crate::json::Value;

/// A request.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<Json>,
    pub(crate) messages: Vec<Message<'d>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<Tool<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_choice: Option<ToolChoice<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<ResponseFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Cow<'d, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_options: Option<StreamOptions>,
}

/// One message of a request.
#[derive(Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(crate) enum Message<'d> {
    System {
        content: Content<'d>,
    },
    User {
        content: Content<'d>,
    },
    Assistant {
        content: Option<Content<'d>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall<'d>>,
    },
    Tool {
        tool_call_id: Cow<'d, str>,
        content: Content<'d>,
    },
}

/// Content of a message.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'d> {
    Text(Cow<'d, str>),
    Parts(Vec<Part<'d>>),
}

impl<'d> Content<'d> {
    /// A single text as a string, which every server understands, all else as parts.
    pub(crate) fn of(mut parts: Vec<Part<'d>>) -> Self {
        match parts.pop() {
            None => Self::Text(Cow::Borrowed("")),
            Some(Part::Text { text }) if parts.is_empty() => Self::Text(text),
            Some(last) => {
                parts.push(last);
                Self::Parts(parts)
            }
        }
    }
}

/// A part of a content.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Part<'d> {
    Text { text: Cow<'d, str> },
    ImageUrl { image_url: ImageUrl<'d> },
    File { file: File<'d> },
}

/// Where an image is, or the image itself as a `data:` URL.
#[derive(Debug, Serialize)]
pub(crate) struct ImageUrl<'d> {
    pub(crate) url: Cow<'d, str>,
}

/// A file as a `data:` URL.
#[derive(Debug, Serialize)]
pub(crate) struct File<'d> {
    pub(crate) filename: Cow<'d, str>,
    pub(crate) file_data: String,
}

/// A call of a tool.
#[derive(Debug, Serialize)]
pub(crate) struct ToolCall<'d> {
    pub(crate) id: Cow<'d, str>,
    pub(crate) r#type: FunctionTag,
    pub(crate) function: Called<'d>,
}

/// The function that is called; `arguments` is JSON in a string.
#[derive(Debug, Serialize)]
pub(crate) struct Called<'d> {
    pub(crate) name: Cow<'d, str>,
    pub(crate) arguments: Cow<'d, str>,
}

/// The word `function`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FunctionTag {
    Function,
}

/// A tool.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Tool<'d> {
    Function { function: Function<'d> },
}

/// A function as it is declared.
#[derive(Debug, Serialize)]
pub(crate) struct Function<'d> {
    pub(crate) name: Cow<'d, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Cow<'d, str>>,
    pub(crate) parameters: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
}

/// Which tool may or must be called.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ToolChoice<'d> {
    Mode(&'static str),
    Function { r#type: FunctionTag, function: Named<'d> },
}

/// The name of a function.
#[derive(Debug, Serialize)]
pub(crate) struct Named<'d> {
    pub(crate) name: Cow<'d, str>,
}

/// How the answer must look.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ResponseFormat {
    JsonSchema { json_schema: NamedSchema },
}

/// A schema; chat completions demand a name for it.
#[derive(Debug, Serialize)]
pub(crate) struct NamedSchema {
    pub(crate) name: &'static str,
    pub(crate) schema: Json,
    pub(crate) strict: bool,
}

/// Options of a stream.
#[derive(Debug, Serialize)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: bool,
}

/// An answer with one choice.
#[derive(Debug, Serialize)]
pub(crate) struct Completion<'d> {
    pub(crate) id: Cow<'d, str>,
    pub(crate) object: &'static str,
    pub(crate) created: i64,
    pub(crate) model: Cow<'d, str>,
    pub(crate) choices: [Choice<'d>; 1],
    pub(crate) usage: Usage,
}

/// The choice of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct Choice<'d> {
    pub(crate) index: u8,
    pub(crate) message: Answer<'d>,
    pub(crate) logprobs: (),
    pub(crate) finish_reason: &'static str,
}

/// The message of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<'d> {
    pub(crate) role: &'static str,
    pub(crate) content: Option<String>,
    pub(crate) refusal: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<ToolCall<'d>>,
}

/// Tokens used. `prompt_tokens` counts the cached ones too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    pub(crate) total_tokens: u64,
    pub(crate) prompt_tokens_details: PromptDetails,
}

/// What the prompt's tokens were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PromptDetails {
    pub(crate) cached_tokens: u64,
}

/// Reads `usage`; what is missing counts as 0.
pub(crate) fn read_usage(usage: Value<'_>) -> Usage {
    let count = |object: Option<Value<'_>>, name| object?.get(name)?.as_u64();
    let (prompt_tokens, completion_tokens) = (
        count(Some(usage), "prompt_tokens").unwrap_or(0),
        count(Some(usage), "completion_tokens").unwrap_or(0),
    );
    let cached = count(usage.get("prompt_tokens_details"), "cached_tokens").unwrap_or(0);
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens.saturating_add(completion_tokens),
        prompt_tokens_details: PromptDetails { cached_tokens: cached },
    }
}
