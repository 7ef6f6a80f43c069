//! What a request says, turn by turn: who speaks, and which tools the model called before.
//!
//! Brakes read it. It decides about no text that is sent, so that what a protocol does not know is left out.

use std::borrow::Cow;

use super::type_of;
use crate::json::{Kind, Str, Value};

/// A part of a conversation, as the client sends it again with each request.
#[derive(Debug, Clone)]
pub(crate) enum Said<'d> {
    /// A system prompt.
    Instructions(Value<'d>),
    /// A person says something.
    Person(Value<'d>),
    /// What a tool brought, or somebody else who is no person.
    Brought(Value<'d>),
    /// The model says something.
    Answer,
    /// The model calls a tool.
    Call { name: Cow<'d, str>, arguments: Option<Value<'d>> },
    /// The request goes on from what the provider keeps.
    Stored,
}

/// Chat completions.
pub(super) fn chat(root: Value<'_>) -> Vec<Said<'_>> {
    let mut said = Vec::new();
    for message in items(root.get("messages")) {
        let content = message.get("content");
        let role = message.get("role").and_then(|role| role.as_str());
        match role.as_ref().map(Str::text).as_deref() {
            Some("system" | "developer") => said.extend(content.map(Said::Instructions)),
            Some("user") => said.extend(content.map(Said::Person)),
            Some("assistant") => {
                said.push(Said::Answer);
                for call in items(message.get("tool_calls")) {
                    let of = call.get("function").or_else(|| call.get("custom"));
                    said.extend(of.map(|of| called(of, &["arguments", "input"])));
                }
                let old = message.get("function_call").filter(|it| it.kind() == Kind::Object);
                said.extend(old.map(|of| called(of, &["arguments"])));
            }
            _ => said.extend(content.map(Said::Brought)),
        }
    }
    said
}

/// Anthropic messages. Whatever stands beside the result of a tool is put there by the program that ran it.
pub(super) fn messages(root: Value<'_>) -> Vec<Said<'_>> {
    let mut said = Vec::new();
    said.extend(root.get("system").map(Said::Instructions));
    for message in items(root.get("messages")) {
        let content = message.get("content");
        let is_model = message.get("role").and_then(|role| role.as_str());
        if is_model.is_some_and(|role| role == *"assistant") {
            said.push(Said::Answer);
            for block in items(content).filter(|block| type_of(*block).ends_with("tool_use")) {
                said.push(called(block, &["input"]));
            }
            continue;
        }
        let has_result = items(content).any(|block| type_of(block).ends_with("tool_result"));
        let part = if has_result { Said::Brought } else { Said::Person };
        said.extend(content.map(part));
    }
    said
}

/// Responses.
pub(super) fn responses(root: Value<'_>) -> Vec<Said<'_>> {
    let mut said = Vec::new();
    let is_given = |name: &&str| root.get(name).is_some_and(|value| value.kind() != Kind::Null);
    if ["previous_response_id", "conversation", "prompt"].iter().any(is_given) {
        said.push(Said::Stored);
    }
    said.extend(root.get("instructions").map(Said::Instructions));
    let variables = root.get("prompt").and_then(|prompt| prompt.get("variables"));
    for (_, value) in variables.into_iter().flat_map(|variables| variables.members()) {
        said.push(Said::Brought(value));
    }
    let input = root.get("input");
    said.extend(input.filter(|input| input.kind() == Kind::String).map(Said::Person));
    for item in items(input) {
        let kind = type_of(item);
        let role = item.get("role").and_then(|role| role.as_str());
        let content = item.get("content");
        match role.as_ref().map(Str::text).as_deref() {
            // What an item is goes before who is said to speak.
            _ if kind.ends_with("_output") => said.extend(item.get("output").map(Said::Brought)),
            _ if kind.ends_with("_call") => said.push(called(item, &CALLED_WITH)),
            _ if kind == "reasoning" => said.push(Said::Answer),
            _ if !matches!(&*kind, "" | "message") => {}
            Some("system" | "developer") => said.extend(content.map(Said::Instructions)),
            Some("user") => said.extend(content.map(Said::Person)),
            Some("assistant") => said.push(Said::Answer),
            _ => said.extend(content.map(Said::Brought)),
        }
    }
    said
}

/// Members of an item that say what a tool is called with.
const CALLED_WITH: [&str; 6] = ["arguments", "input", "action", "actions", "queries", "code"];

/// A call, by the name of its tool, or by its type where that is the tool.
fn called<'d>(of: Value<'d>, arguments: &[&str]) -> Said<'d> {
    let name = of.get("name").and_then(|name| name.as_str());
    let name = name.map_or_else(|| type_of(of).into(), |name| name.text());
    Said::Call { name, arguments: arguments.iter().find_map(|name| of.get(name)) }
}

fn items(value: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    value.into_iter().flat_map(|value| value.items())
}

/// Members of a part that hold what it says, or stand for it. Ids, types and whatever a protocol does not know are
/// left out: they may be another with each request.
const HOLDS_TEXT: [&str; 18] = [
    "text",
    "content",
    "output",
    "refusal",
    "input",
    "title",
    "transcript",
    "stdout",
    "stderr",
    "image_url",
    "url",
    "source",
    "data",
    "input_audio",
    "file",
    "file_data",
    "file_id",
    "file_url",
];

/// Calls `each` with the texts of a part, in order.
pub(crate) fn texts(value: Value<'_>, each: &mut dyn FnMut(&str)) {
    match value.kind() {
        Kind::String => {
            if let Some(text) = value.as_str() {
                each(&text.text());
            }
        }
        Kind::Array => value.items().for_each(|item| texts(item, each)),
        Kind::Object => {
            for (name, inner) in value.members() {
                if HOLDS_TEXT.contains(&&*name.text()) {
                    texts(inner, each);
                }
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}
