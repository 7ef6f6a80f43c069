//! Puts an answer into the bytes of each vendor's API.
//!
//! Field names, their order and the order of events follow what the vendors send; what a client
//! has to tolerate (null fields, empty deltas, pings, usage at the end) is there on purpose.

mod anthropic;
pub(super) mod azure;
mod chat;
mod errors;
mod logprobs;
mod plain;
mod responses;

use serde_json::Value;

use super::script::{Fault, Reply, Said, resolve};

pub(in crate::upstream) use errors::{error_body, not_found};

/// Seconds since 1970 in every answer: fixed, so that answers can be compared.
const CREATED: u64 = 1_767_225_600;

/// Which API a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Chat,
    Completions,
    Embeddings,
    Models,
    Responses,
    Messages,
    CountTokens,
    Invocations,
}

/// Whose words an error is said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vendor {
    OpenAi,
    Anthropic,
    Databricks,
    Azure,
}

impl Api {
    /// Finds the API by the end of the path, so that `/v1`, Azure's and Databricks' prefixes work.
    pub(super) fn of(path: &str) -> Option<Self> {
        const ENDS: [(&str, Api); 8] = [
            ("/chat/completions", Api::Chat),
            ("/completions", Api::Completions),
            ("/embeddings", Api::Embeddings),
            ("/models", Api::Models),
            ("/responses", Api::Responses),
            ("/messages/count_tokens", Api::CountTokens),
            ("/messages", Api::Messages),
            ("/invocations", Api::Invocations),
        ];
        let path = path.split('?').next().unwrap_or(path);
        ENDS.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, api)| api)
    }

    pub(super) fn vendor(self, path: &str) -> Vendor {
        match self {
            Self::Messages | Self::CountTokens => Vendor::Anthropic,
            Self::Invocations => Vendor::Databricks,
            _ if path.starts_with("/serving-endpoints/") => Vendor::Databricks,
            _ if azure::owns(path) => Vendor::Azure,
            _ => Vendor::OpenAi,
        }
    }
}

/// A request, as far as answering it needs it.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) body: &'a Value,
    pub(super) model: &'a str,
    pub(super) stream: bool,
    pub(super) usage_in_stream: bool,
    pub(super) choices: usize,
    pub(super) prompt_tokens: u64,
}

/// An answer in the bytes of its API.
#[derive(Debug)]
pub(super) enum Payload {
    Json(Value),
    /// Frames of an event stream, each with its blank line.
    Frames(Vec<String>),
}

/// Answers a request.
pub(super) fn answer(api: Api, path: &str, body: &Value, reply: &Reply) -> Result<Payload, Fault> {
    let served = path.strip_suffix("/invocations").and_then(|rest| rest.rsplit('/').next());
    let served = served.or_else(|| azure::deployment(path));
    let ask = Ask {
        body,
        model: served.or_else(|| body.get("model")?.as_str()).unwrap_or("mock-model"),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        usage_in_stream: body
            .pointer("/stream_options/include_usage")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        choices: body.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128) as usize,
        prompt_tokens: tokens(&body.to_string()),
    };
    let last_user = last_user_text(body);
    let said = (0..ask.choices)
        .map(|index| {
            let turns = reply.turns.len().max(1);
            reply
                .turns
                .get(index % turns)
                .map_or_else(|| Ok(Said::default()), |turn| resolve(turn, &last_user))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let sizes = reply.pieces.as_slice();
    Ok(match api {
        Api::Chat if azure::owns(path) => azure::filtered(chat::answer(&ask, &said, sizes)),
        Api::Chat => chat::answer(&ask, &said, sizes),
        Api::Embeddings => plain::embeddings(&ask),
        Api::Models => plain::models(),
        Api::Responses => responses::answer(&ask, &said, sizes),
        Api::Messages => anthropic::answer(&ask, &said, sizes),
        Api::CountTokens => anthropic::count_tokens(&ask),
        Api::Invocations if body.get("messages").is_some() => chat::answer(&ask, &said, sizes),
        Api::Invocations if body.get("input").is_some() => plain::embeddings(&ask),
        Api::Completions | Api::Invocations => plain::completions(&ask, &said, sizes),
    })
}

/// Frames of a stream without event names, as chat completions have them.
fn data_frame(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A frame named by the `type` inside it, as Anthropic and the Responses API have them.
fn event_frame(value: &Value) -> String {
    let name = value.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {value}\n\n")
}

/// Roughly four bytes a token, never none.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4).max(1)
}

fn said_tokens(said: &Said) -> u64 {
    let calls: String =
        said.tool_calls.iter().flat_map(|call| [&*call.name, &*call.arguments]).collect();
    [said.reasoning.as_deref(), said.text.as_deref(), said.refusal.as_deref(), Some(calls.as_str())]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .map(tokens)
        .sum()
}

/// The last text of a user, in any of the APIs' request shapes.
pub(super) fn last_user_text(body: &Value) -> String {
    let prompt = body.get("prompt").or_else(|| body.get("input"));
    if let Some(text) = prompt.and_then(content_text) {
        return text;
    }
    ["messages", "input"]
        .into_iter()
        .filter_map(|name| body.get(name)?.as_array())
        .flat_map(|messages| messages.iter().rev())
        .filter(|message| message.get("role").and_then(Value::as_str) == Some("user"))
        .find_map(|message| content_text(message.get("content")?))
        .unwrap_or_default()
}

/// Text of a string or of the text parts in a list.
fn content_text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()))
                .collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        _ => None,
    }
}
