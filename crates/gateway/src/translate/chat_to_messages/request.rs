//! The request: all but the conversation, which `content` translates.

use std::borrow::Cow;

use super::content::{self, Conversation};
use super::fields;
use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::translate::effort;
use crate::translate::fields::{check, list, present, switch, text, text_if_any, text_of, word};
use crate::translate::wire::messages::{
    Block, Format, Metadata, OutputConfig, Request, Role, Thinking, Tool, ToolChoice, Turn,
};
use crate::translate::wire::{self, Json, json};

/// Tokens that an answer may take where the request sets no limit, besides those for thinking.
/// Messages demand a limit; the lowest that every current model grants.
const DEFAULT_MAX_TOKENS: u64 = 4096;

pub(super) fn translate(root: Value<'_>) -> Result<Vec<u8>, GatewayError> {
    if root.kind() != Kind::Object {
        return Err(GatewayError::NotAnObject);
    }
    check(root, fields::ROOT, "a field of the request that is not known")?;
    let Conversation { system, turns } = content::read(root)?;
    let (max_tokens, thinking) = tokens(root, &turns)?;
    let tools = tools(root)?;
    wire::write(&Request {
        model: root.get("model").map(json).transpose()?,
        max_tokens,
        system,
        tool_choice: tool_choice(root, !tools.is_empty())?,
        tools,
        thinking,
        output_config: output_config(root)?,
        temperature: present(root, "temperature").map(temperature).transpose()?,
        top_p: present(root, "top_p").map(json).transpose()?,
        stop_sequences: stop_sequences(root)?,
        metadata: text_if_any(root, "user", "`user`")?.map(|user_id| Metadata { user_id }),
        stream: switch(root, "stream", "`stream`")?,
        messages: turns,
    })
}

/// The limit on all tokens of the answer, and the part of it that is for thinking.
///
/// Thinking takes the budget of the effort, at most half of the limit. It cannot be asked for while
/// results of tools are handed in: the provider then wants its own signed thinking back, which chat
/// completions have no place for. Effort is advice, so the answer comes without thinking then.
fn tokens(root: Value<'_>, turns: &[Turn<'_>]) -> Result<(u64, Option<Thinking>), GatewayError> {
    let limit = present(root, "max_completion_tokens").or_else(|| present(root, "max_tokens"));
    let limit = limit
        .map(|limit| {
            let what = "a limit on tokens that is no whole number";
            limit.as_u64().ok_or(GatewayError::Untranslatable { what })
        })
        .transpose()?;
    let budget = match text_if_any(root, "reasoning_effort", "`reasoning_effort`")?.as_deref() {
        None | Some("none") => None,
        Some(effort) => {
            let what = "this `reasoning_effort`";
            Some(effort::budget(effort).ok_or(GatewayError::Untranslatable { what })?)
        }
    };
    let budget = budget.filter(|_| !hands_in_results(turns));
    let budget = match (budget, limit) {
        (Some(_), Some(limit)) if limit < 2 * effort::LEAST_BUDGET => {
            let what = "`reasoning_effort` with a limit below 2048 tokens";
            return Err(GatewayError::Untranslatable { what });
        }
        (Some(budget), Some(limit)) => Some(budget.min(limit / 2)),
        (budget, _) => budget,
    };
    let limit = limit.unwrap_or(DEFAULT_MAX_TOKENS + budget.unwrap_or(0));
    Ok((limit, budget.map(|budget_tokens| Thinking::Enabled { budget_tokens })))
}

fn hands_in_results(turns: &[Turn<'_>]) -> bool {
    let results = |turn: &Turn<'_>| {
        turn.role == Role::User
            && turn.content.iter().any(|block| matches!(block, Block::ToolResult { .. }))
    };
    turns.last().is_some_and(results)
}

/// Messages end at 1, chat completions at 2; above 1 the answer is as random as it gets.
fn temperature(value: Value<'_>) -> Result<Json, GatewayError> {
    let what = "`temperature` that is no number";
    let degrees = value.as_f64().ok_or(GatewayError::Untranslatable { what })?;
    if (0.0..=1.0).contains(&degrees) {
        return json(value);
    }
    serde_json::value::to_raw_value(&degrees.clamp(0.0, 1.0))
        .map_err(|_| GatewayError::Untranslatable { what })
}

fn stop_sequences(root: Value<'_>) -> Result<Vec<Cow<'_, str>>, GatewayError> {
    let what = "`stop`";
    match present(root, "stop") {
        None => Ok(Vec::new()),
        Some(stop) if stop.kind() == Kind::Array => {
            stop.items().map(|sequence| text(sequence, what)).collect()
        }
        Some(stop) => Ok(vec![text(stop, what)?]),
    }
}

fn tools(root: Value<'_>) -> Result<Vec<Tool<'_>>, GatewayError> {
    list(root, "tools", "`tools` that is no list")?.into_iter().map(tool).collect()
}

fn tool(tool: Value<'_>) -> Result<Tool<'_>, GatewayError> {
    let function = match &*word(tool, "type") {
        "function" => tool.get("function").filter(|function| function.kind() == Kind::Object),
        _ => None,
    };
    let what = "a tool that is no function";
    let function = function.ok_or(GatewayError::Untranslatable { what })?;
    check(tool, fields::TOOL, "a field of a tool that is not known")?;
    check(function, fields::FUNCTION, "a field of a function that is not known")?;
    let input_schema = match present(function, "parameters") {
        Some(parameters) => Some(json(parameters)?),
        None => wire::object_in(r#"{"type":"object","properties":{}}"#),
    };
    let what = "`parameters` of a function";
    Ok(Tool {
        name: text_of(function, "name", "a function without a name")?,
        description: text_if_any(function, "description", "`description` of a function")?,
        input_schema: input_schema.ok_or(GatewayError::Untranslatable { what })?,
        strict: switch(function, "strict", "`strict` of a function")?,
    })
}

/// Without tools only a call that is demanded says anything.
fn tool_choice(root: Value<'_>, has_tools: bool) -> Result<Option<ToolChoice<'_>>, GatewayError> {
    let what = "this `tool_choice`";
    let (kind, name) = match present(root, "tool_choice") {
        None => ("auto", None),
        Some(choice) if choice.kind() == Kind::Object => {
            let function = Some(choice).filter(|choice| *word(*choice, "type") == *"function");
            let function = function.and_then(|choice| choice.get("function"));
            let function = function.ok_or(GatewayError::Untranslatable { what })?;
            check(choice, fields::TOOL_CHOICE, what)?;
            check(function, fields::CHOSEN_FUNCTION, what)?;
            ("tool", Some(text_of(function, "name", what)?))
        }
        Some(choice) => match &*text(choice, what)? {
            "auto" => ("auto", None),
            "none" => ("none", None),
            "required" => ("any", None),
            _ => return Err(GatewayError::Untranslatable { what }),
        },
    };
    let parallel = switch(root, "parallel_tool_calls", "`parallel_tool_calls`")?.unwrap_or(true);
    let disable_parallel_tool_use = (!parallel && kind != "none").then_some(true);
    let is_default = present(root, "tool_choice").is_none() && parallel;
    let is_moot = !has_tools && matches!(kind, "auto" | "none");
    let choice = ToolChoice { r#type: kind, name, disable_parallel_tool_use };
    Ok((!is_default && !is_moot).then_some(choice))
}

fn output_config(root: Value<'_>) -> Result<Option<OutputConfig>, GatewayError> {
    let Some(format) = present(root, "response_format") else { return Ok(None) };
    check(format, fields::RESPONSE_FORMAT, "a field of `response_format` that is not known")?;
    let named = match &*word(format, "type") {
        "text" => return Ok(None),
        "json_schema" => present(format, "json_schema"),
        "json_object" => {
            let what = "`response_format` of the type `json_object` (use `json_schema`)";
            return Err(GatewayError::Untranslatable { what });
        }
        _ => None,
    };
    let what = "this `response_format`";
    let named = named.ok_or(GatewayError::Untranslatable { what })?;
    check(named, fields::JSON_SCHEMA, "a field of `json_schema` that is not known")?;
    let what = "`response_format` without a schema";
    let schema = present(named, "schema").ok_or(GatewayError::Untranslatable { what })?;
    Ok(Some(OutputConfig { format: Format::JsonSchema { schema: json(schema)? } }))
}
