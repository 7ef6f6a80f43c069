//! Messages: the request and the answer.

use std::borrow::Cow;

use serde::Serialize;

use super::Json;
use crate::json::Value;

/// A request.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<Json>,
    pub(crate) max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) system: Vec<Block<'d>>,
    pub(crate) messages: Vec<Turn<'d>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<Tool<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_choice: Option<ToolChoice<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_config: Option<OutputConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) stop_sequences: Vec<Cow<'d, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Metadata<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
}

/// All that one side says before the other speaks.
#[derive(Debug, Serialize)]
pub(crate) struct Turn<'d> {
    pub(crate) role: Role,
    pub(crate) content: Vec<Block<'d>>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    User,
    Assistant,
}

/// A content block.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block<'d> {
    Text {
        text: Cow<'d, str>,
    },
    Thinking {
        thinking: Cow<'d, str>,
        signature: &'static str,
    },
    Image {
        source: Source<'d>,
    },
    Document {
        source: Source<'d>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<Cow<'d, str>>,
    },
    ToolUse {
        id: Cow<'d, str>,
        name: Cow<'d, str>,
        input: Json,
    },
    ToolResult {
        tool_use_id: Cow<'d, str>,
        content: Vec<Block<'d>>,
    },
}

/// Bytes of an image or document, or where they are.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Source<'d> {
    Base64 { media_type: String, data: String },
    Url { url: Cow<'d, str> },
}

/// A tool.
#[derive(Debug, Serialize)]
pub(crate) struct Tool<'d> {
    pub(crate) name: Cow<'d, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Cow<'d, str>>,
    pub(crate) input_schema: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
}

/// Which tool may or must be called.
#[derive(Debug, Serialize)]
pub(crate) struct ToolChoice<'d> {
    pub(crate) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Cow<'d, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disable_parallel_tool_use: Option<bool>,
}

/// How much the model is to think.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Thinking {
    Enabled { budget_tokens: u64 },
}

/// How the answer must look.
#[derive(Debug, Serialize)]
pub(crate) struct OutputConfig {
    pub(crate) format: Format,
}

/// The format of an answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Format {
    JsonSchema { schema: Json },
}

/// About the request.
#[derive(Debug, Serialize)]
pub(crate) struct Metadata<'d> {
    pub(crate) user_id: Cow<'d, str>,
}

/// An answer.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<'d> {
    pub(crate) id: Cow<'d, str>,
    pub(crate) r#type: &'static str,
    pub(crate) role: Role,
    pub(crate) model: Cow<'d, str>,
    pub(crate) content: Vec<Block<'d>>,
    pub(crate) stop_reason: &'static str,
    pub(crate) stop_sequence: (),
    pub(crate) usage: Usage,
}

/// Tokens used. `input_tokens` leaves out what the cache was read for or written with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the protocol's own names")]
pub(crate) struct Usage {
    pub(crate) input_tokens: u64,
    pub(crate) cache_creation_input_tokens: u64,
    pub(crate) cache_read_input_tokens: u64,
    pub(crate) output_tokens: u64,
}

impl Usage {
    /// Takes the counts that `usage` has; the others stay. Counts of a stream are running totals.
    pub(crate) fn update(&mut self, usage: Value<'_>) {
        let counts = [
            ("input_tokens", &mut self.input_tokens),
            ("cache_creation_input_tokens", &mut self.cache_creation_input_tokens),
            ("cache_read_input_tokens", &mut self.cache_read_input_tokens),
            ("output_tokens", &mut self.output_tokens),
        ];
        for (name, count) in counts {
            if let Some(newer) = usage.get(name).and_then(|value| value.as_u64()) {
                *count = newer;
            }
        }
    }
}
