//! The request: all but the conversation, which `content` translates.

use std::borrow::Cow;

use super::{content, fields};
use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::translate::effort;
use crate::translate::fields::{check, list, present, switch, text_if_any, text_of, word};
use crate::translate::wire::chat::{
    Function, FunctionTag, Named, NamedSchema, Request, ResponseFormat, StreamOptions, Tool,
    ToolChoice,
};
use crate::translate::wire::{self, Json, json};

pub(super) fn translate(root: Value<'_>) -> Result<Vec<u8>, GatewayError> {
    if root.kind() != Kind::Object {
        return Err(GatewayError::NotAnObject);
    }
    check(root, fields::ROOT, "a field of the request that is not known")?;
    let stream = switch(root, "stream", "`stream`")?;
    let (tool_choice, parallel_tool_calls) = tool_choice(root)?;
    wire::write(&Request {
        model: root.get("model").map(json).transpose()?,
        messages: content::read(root)?,
        tools: tools(root)?,
        tool_choice,
        parallel_tool_calls,
        max_completion_tokens: present(root, "max_tokens").map(json).transpose()?,
        temperature: present(root, "temperature").map(json).transpose()?,
        top_p: present(root, "top_p").map(json).transpose()?,
        stop: stop(root)?,
        reasoning_effort: reasoning_effort(root)?,
        response_format: response_format(root)?,
        user: user(root)?,
        stream,
        // Messages always end with usage, so that limits can be settled.
        stream_options: (stream == Some(true)).then_some(StreamOptions { include_usage: true }),
    })
}

/// Chat completions take no empty list.
fn stop(root: Value<'_>) -> Result<Option<Json>, GatewayError> {
    let sequences = list(root, "stop_sequences", "`stop_sequences` that is no list")?;
    root.get("stop_sequences").filter(|_| !sequences.is_empty()).map(json).transpose()
}

fn user(root: Value<'_>) -> Result<Option<Cow<'_, str>>, GatewayError> {
    let Some(metadata) = present(root, "metadata") else { return Ok(None) };
    check(metadata, fields::METADATA, "a field of `metadata` that is not known")?;
    text_if_any(metadata, "user_id", "`user_id` of `metadata`")
}

/// The effort if there is one, else the budget. Thinking that is off or up to the model is what
/// chat completions do when nothing is said.
fn reasoning_effort(root: Value<'_>) -> Result<Option<&'static str>, GatewayError> {
    let budget = match present(root, "thinking") {
        None => None,
        Some(thinking) => {
            check(thinking, fields::THINKING, "a field of `thinking` that is not known")?;
            match &*word(thinking, "type") {
                "enabled" => {
                    let what = "`thinking` without `budget_tokens`";
                    let budget = thinking.get("budget_tokens").and_then(|budget| budget.as_u64());
                    Some(budget.ok_or(GatewayError::Untranslatable { what })?)
                }
                "disabled" | "adaptive" => None,
                _ => return Err(GatewayError::Untranslatable { what: "this type of `thinking`" }),
            }
        }
    };
    let Some(config) = present(root, "output_config") else {
        return Ok(budget.map(effort::word_for_budget));
    };
    check(config, fields::OUTPUT_CONFIG, "a field of `output_config` that is not known")?;
    let what = "this `effort` of `output_config`";
    match text_if_any(config, "effort", what)? {
        None => Ok(budget.map(effort::word_for_budget)),
        Some(effort) => {
            effort::word_for_effort(&effort).map(Some).ok_or(GatewayError::Untranslatable { what })
        }
    }
}

fn response_format(root: Value<'_>) -> Result<Option<ResponseFormat>, GatewayError> {
    let config = present(root, "output_config").and_then(|config| present(config, "format"));
    let Some(format) = config.or_else(|| present(root, "output_format")) else { return Ok(None) };
    check(format, fields::FORMAT, "a field of the output format that is not known")?;
    let what = "an output format that is no JSON schema";
    let schema = Some(format).filter(|format| *word(*format, "type") == *"json_schema");
    let schema = schema.and_then(|format| present(format, "schema"));
    let schema = json(schema.ok_or(GatewayError::Untranslatable { what })?)?;
    let json_schema = NamedSchema { name: "answer", schema, strict: true };
    Ok(Some(ResponseFormat::JsonSchema { json_schema }))
}

fn tools(root: Value<'_>) -> Result<Vec<Tool<'_>>, GatewayError> {
    list(root, "tools", "`tools` that is no list")?.into_iter().map(tool).collect()
}

fn tool(tool: Value<'_>) -> Result<Tool<'_>, GatewayError> {
    if !matches!(&*word(tool, "type"), "" | "custom") {
        return Err(GatewayError::Untranslatable { what: "a tool that the provider runs" });
    }
    check(tool, fields::TOOL, "a field of a tool that is not known")?;
    let what = "a tool without `input_schema`";
    let schema = present(tool, "input_schema").ok_or(GatewayError::Untranslatable { what })?;
    Ok(Tool::Function {
        function: Function {
            name: text_of(tool, "name", "a tool without a name")?,
            description: text_if_any(tool, "description", "`description` of a tool")?,
            parameters: json(schema)?,
            strict: switch(tool, "strict", "`strict` of a tool")?,
        },
    })
}

/// Which tool to call, and whether several at once are fine.
fn tool_choice(root: Value<'_>) -> Result<(Option<ToolChoice<'_>>, Option<bool>), GatewayError> {
    let what = "this `tool_choice`";
    let Some(choice) = present(root, "tool_choice") else { return Ok((None, None)) };
    check(choice, fields::TOOL_CHOICE, what)?;
    let translated = match &*word(choice, "type") {
        "auto" => ToolChoice::Mode("auto"),
        "none" => ToolChoice::Mode("none"),
        "any" => ToolChoice::Mode("required"),
        "tool" => ToolChoice::Function {
            r#type: FunctionTag::Function,
            function: Named { name: text_of(choice, "name", what)? },
        },
        _ => return Err(GatewayError::Untranslatable { what }),
    };
    if present(choice, "name").is_some() && !matches!(translated, ToolChoice::Function { .. }) {
        return Err(GatewayError::Untranslatable { what });
    }
    let serial = switch(choice, "disable_parallel_tool_use", what)?.unwrap_or(false);
    Ok((Some(translated), serial.then_some(false)))
}
