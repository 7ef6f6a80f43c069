//! The conversation: the system prompt and the turns become messages.
//!
//! Results of tools come before the rest of the user's turn, as chat completions demand. Thinking
//! of earlier turns is left out: chat completions have no place for it, the providers that speak
//! them keep none, and messages count it only while a call of a tool is going on.

use std::borrow::Cow;

use super::fields;
use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::translate::fields::{check, present, switch, text, text_if_any, text_of, word};
use crate::translate::media;
use crate::translate::wire::chat::{
    Called, Content, File, FunctionTag, ImageUrl, Message, Part, ToolCall,
};

type Parts<'d> = Vec<Part<'d>>;

pub(super) fn read(root: Value<'_>) -> Result<Vec<Message<'_>>, GatewayError> {
    let mut messages = Vec::new();
    if let Some(system) = present(root, "system") {
        let mut parts = Vec::new();
        each(system, &mut parts, "`system` that is no text", text_block)?;
        if !parts.is_empty() {
            messages.push(Message::System { content: Content::of(parts) });
        }
    }
    let turns = root.get("messages").filter(|turns| turns.kind() == Kind::Array);
    let what = "`messages` that is no list";
    for turn in turns.ok_or(GatewayError::Untranslatable { what })?.items() {
        check(turn, fields::MESSAGE, "a field of a message that is not known")?;
        match &*word(turn, "role") {
            "user" => user(turn, &mut messages)?,
            "assistant" => messages.push(assistant(turn)?),
            _ => return Err(GatewayError::Untranslatable { what: "a message of this role" }),
        }
    }
    if let Some(Message::Assistant { .. }) = messages.last() {
        let what = "an answer that the model is to continue";
        return Err(GatewayError::Untranslatable { what });
    }
    Ok(messages)
}

fn user<'d>(turn: Value<'d>, messages: &mut Vec<Message<'d>>) -> Result<(), GatewayError> {
    let mut parts = Vec::new();
    if let Some(content) = present(turn, "content") {
        each(content, &mut parts, CONTENT, |block, parts| match &*word(block, "type") {
            "tool_result" => {
                messages.push(tool_result(block)?);
                Ok(())
            }
            "image" => image(block, parts),
            "document" => document(block, parts),
            _ => text_block(block, parts),
        })?;
    }
    if !parts.is_empty() {
        messages.push(Message::User { content: Content::of(parts) });
    }
    Ok(())
}

fn assistant(turn: Value<'_>) -> Result<Message<'_>, GatewayError> {
    let mut parts = Vec::new();
    let mut tool_calls = Vec::new();
    if let Some(content) = present(turn, "content") {
        each(content, &mut parts, CONTENT, |block, parts| match &*word(block, "type") {
            "tool_use" => {
                tool_calls.push(tool_call(block)?);
                Ok(())
            }
            "thinking" | "redacted_thinking" => Ok(()),
            _ => text_block(block, parts),
        })?;
    }
    let content = (!parts.is_empty() || tool_calls.is_empty()).then(|| Content::of(parts));
    Ok(Message::Assistant { content, tool_calls })
}

const CONTENT: &str = "this `content` of a message";

/// Reads a content: a string, or blocks that `read` turns into parts.
fn each<'d>(
    content: Value<'d>,
    parts: &mut Parts<'d>,
    what: &'static str,
    mut read: impl FnMut(Value<'d>, &mut Parts<'d>) -> Result<(), GatewayError>,
) -> Result<(), GatewayError> {
    if content.kind() != Kind::Array {
        parts.push(Part::Text { text: text(content, what)? });
        return Ok(());
    }
    content.items().try_for_each(|block| read(block, parts))
}

const UNKNOWN: &str = "a field of a content block that is not known";

/// A block where only text is taken.
fn text_block<'d>(block: Value<'d>, parts: &mut Parts<'d>) -> Result<(), GatewayError> {
    if *word(block, "type") != *"text" {
        return Err(GatewayError::Untranslatable { what: "a content block of this type" });
    }
    check(block, fields::TEXT, UNKNOWN)?;
    parts.push(Part::Text { text: text_of(block, "text", "a text block without text")? });
    Ok(())
}

fn image<'d>(block: Value<'d>, parts: &mut Parts<'d>) -> Result<(), GatewayError> {
    check(block, fields::IMAGE, UNKNOWN)?;
    let what = "an image that is neither base64 nor on the web";
    let source = source(block, what)?;
    let url = match &*word(source, "type") {
        "base64" => {
            let media_type = text_of(source, "media_type", what)?;
            Cow::Owned(media::data_url(&media_type, &text_of(source, "data", what)?))
        }
        "url" => text_of(source, "url", what)?,
        _ => return Err(GatewayError::Untranslatable { what }),
    };
    parts.push(Part::ImageUrl { image_url: ImageUrl { url } });
    Ok(())
}

/// Title and context go before the document, as text.
fn document<'d>(block: Value<'d>, parts: &mut Parts<'d>) -> Result<(), GatewayError> {
    check(block, fields::DOCUMENT, UNKNOWN)?;
    let title = text_if_any(block, "title", "`title` of a document")?;
    let context = text_if_any(block, "context", "`context` of a document")?;
    let what = "a document that is neither text nor a PDF in base64";
    let source = source(block, what)?;
    match &*word(source, "type") {
        "text" => {
            let data = text_of(source, "data", what)?;
            let text: Vec<_> = title.into_iter().chain(context).chain([data]).collect();
            parts.push(Part::Text { text: Cow::Owned(text.join("\n\n")) });
        }
        "content" => {
            parts.extend(title.into_iter().chain(context).map(|text| Part::Text { text }));
            let blocks = source.get("content").ok_or(GatewayError::Untranslatable { what })?;
            each(blocks, parts, what, |block, parts| match &*word(block, "type") {
                "image" => image(block, parts),
                _ => text_block(block, parts),
            })?;
        }
        "base64" if *word(source, "media_type") == *"application/pdf" => {
            parts.extend(context.map(|text| Part::Text { text }));
            let data = text_of(source, "data", what)?;
            // Chat completions demand a name.
            let filename = title.unwrap_or(Cow::Borrowed("document.pdf"));
            let file_data = media::data_url("application/pdf", &data);
            parts.push(Part::File { file: File { filename, file_data } });
        }
        _ => return Err(GatewayError::Untranslatable { what }),
    }
    Ok(())
}

fn source<'d>(block: Value<'d>, what: &'static str) -> Result<Value<'d>, GatewayError> {
    let source = block.get("source").ok_or(GatewayError::Untranslatable { what })?;
    let table = match &*word(source, "type") {
        "url" => fields::URL_SOURCE,
        "content" => fields::CONTENT_SOURCE,
        _ => fields::DATA_SOURCE,
    };
    check(source, table, what)?;
    Ok(source)
}

fn tool_call(block: Value<'_>) -> Result<ToolCall<'_>, GatewayError> {
    check(block, fields::TOOL_USE, UNKNOWN)?;
    let what = "a tool call whose `input` is no object";
    let input = block.get("input").filter(|input| input.kind() == Kind::Object);
    let input = input.and_then(|input| std::str::from_utf8(input.raw()).ok());
    Ok(ToolCall {
        id: text_of(block, "id", "a tool call without an id")?,
        r#type: FunctionTag::Function,
        function: Called {
            name: text_of(block, "name", "a tool call without a name")?,
            arguments: Cow::Borrowed(input.ok_or(GatewayError::Untranslatable { what })?),
        },
    })
}

/// Chat completions take text alone as a result.
fn tool_result(block: Value<'_>) -> Result<Message<'_>, GatewayError> {
    check(block, fields::TOOL_RESULT, UNKNOWN)?;
    let mut parts = Vec::new();
    if let Some(content) = present(block, "content") {
        let what = "this `content` of a tool result";
        each(content, &mut parts, what, |block, parts| match &*word(block, "type") {
            "image" => Err(GatewayError::Untranslatable { what: "an image in a tool result" }),
            "document" if is_text_document(block) => document(block, parts),
            _ => text_block(block, parts),
        })?;
    }
    if switch(block, "is_error", "`is_error` of a tool result")?.unwrap_or(false) {
        mark_as_error(&mut parts);
    }
    let tool_call_id = text_of(block, "tool_use_id", "a tool result without `tool_use_id`")?;
    Ok(Message::Tool { tool_call_id, content: Content::of(parts) })
}

fn is_text_document(block: Value<'_>) -> bool {
    block.get("source").is_some_and(|source| *word(source, "type") == *"text")
}

/// Chat completions have no mark for a call that failed, so the text says it.
fn mark_as_error(parts: &mut Parts<'_>) {
    if let Some(Part::Text { text }) = parts.first_mut() {
        *text = Cow::Owned(format!("Error: {text}"));
    } else {
        parts.insert(0, Part::Text { text: Cow::Borrowed("Error") });
    }
}
