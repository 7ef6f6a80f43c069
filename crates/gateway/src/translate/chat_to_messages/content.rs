//! The conversation: messages become a system prompt and turns.
//!
//! System messages keep their order among each other and move to the front, where messages have
//! them. Messages of one side that follow each other become one turn, with results of tools as
//! blocks of the user's.

use std::borrow::Cow;

use super::fields;
use crate::error::GatewayError;
use crate::json::{Kind, Value};
use crate::translate::fields::{check, list, present, text, text_if_any, text_of, word};
use crate::translate::media;
use crate::translate::wire;
use crate::translate::wire::messages::{Block, Role, Source, Turn};

/// What is said, by whom.
#[derive(Debug, Default)]
pub(super) struct Conversation<'d> {
    pub(super) system: Vec<Block<'d>>,
    pub(super) turns: Vec<Turn<'d>>,
}

pub(super) fn read(root: Value<'_>) -> Result<Conversation<'_>, GatewayError> {
    let messages = root.get("messages").filter(|messages| messages.kind() == Kind::Array);
    let what = "`messages` that is no list";
    let messages = messages.ok_or(GatewayError::Untranslatable { what })?;
    let mut conversation = Conversation::default();
    for message in messages.items() {
        conversation.push(message)?;
    }
    Ok(conversation)
}

impl<'d> Conversation<'d> {
    fn push(&mut self, message: Value<'d>) -> Result<(), GatewayError> {
        const UNKNOWN: &str = "a field of a message that is not known";
        match &*word(message, "role") {
            "system" | "developer" => {
                check(message, fields::PLAIN_MESSAGE, UNKNOWN)?;
                self.system.extend(blocks(message, text_block)?);
            }
            "user" => {
                check(message, fields::PLAIN_MESSAGE, UNKNOWN)?;
                self.say(Role::User, blocks(message, user_block)?);
            }
            "assistant" => {
                check(message, fields::ASSISTANT_MESSAGE, UNKNOWN)?;
                let mut said = blocks(message, assistant_block)?;
                let refusal = text_if_any(message, "refusal", "`refusal` of a message")?;
                said.extend(
                    refusal.filter(|text| !text.is_empty()).map(|text| Block::Text { text }),
                );
                for call in list(message, "tool_calls", "`tool_calls` that is no list")? {
                    said.push(tool_use(call)?);
                }
                self.say(Role::Assistant, said);
            }
            "tool" => {
                check(message, fields::TOOL_MESSAGE, UNKNOWN)?;
                let what = "a tool message without `tool_call_id`";
                let tool_use_id = text_of(message, "tool_call_id", what)?;
                let content = blocks(message, text_block)?;
                self.say(Role::User, vec![Block::ToolResult { tool_use_id, content }]);
            }
            _ => return Err(GatewayError::Untranslatable { what: "a message of this role" }),
        }
        Ok(())
    }

    /// Messages take no empty turns, and nothing is lost with one.
    fn say(&mut self, role: Role, content: Vec<Block<'d>>) {
        if content.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(content),
            _ => self.turns.push(Turn { role, content }),
        }
    }
}

/// The content of a message, its parts read by `part`. Messages take no empty texts.
fn blocks<'d>(
    message: Value<'d>,
    part: fn(Value<'d>) -> Result<Block<'d>, GatewayError>,
) -> Result<Vec<Block<'d>>, GatewayError> {
    let Some(content) = present(message, "content") else { return Ok(Vec::new()) };
    let mut blocks = Vec::new();
    match content.kind() {
        Kind::Array => {
            for item in content.items() {
                blocks.push(part(item)?);
            }
        }
        _ => blocks.push(Block::Text { text: text(content, "this `content` of a message")? }),
    }
    blocks.retain(|block| !matches!(block, Block::Text { text } if text.is_empty()));
    Ok(blocks)
}

/// A part of the user's.
fn user_block(part: Value<'_>) -> Result<Block<'_>, GatewayError> {
    match &*word(part, "type") {
        "image_url" => image(part),
        "file" => document(part),
        "input_audio" => Err(GatewayError::Untranslatable { what: "audio content" }),
        _ => text_block(part),
    }
}

/// A part of the assistant's.
fn assistant_block(part: Value<'_>) -> Result<Block<'_>, GatewayError> {
    if *word(part, "type") == *"refusal" {
        check(part, fields::REFUSAL_PART, UNKNOWN_PART_FIELD)?;
        return Ok(Block::Text { text: text_of(part, "refusal", "a refusal without text")? });
    }
    text_block(part)
}

/// A part where only text is taken.
fn text_block(part: Value<'_>) -> Result<Block<'_>, GatewayError> {
    if *word(part, "type") != *"text" {
        return Err(GatewayError::Untranslatable { what: "a content part of this type" });
    }
    check(part, fields::TEXT_PART, UNKNOWN_PART_FIELD)?;
    Ok(Block::Text { text: text_of(part, "text", "a text part without text")? })
}

const UNKNOWN_PART_FIELD: &str = "a field of a content part that is not known";

fn image(part: Value<'_>) -> Result<Block<'_>, GatewayError> {
    check(part, fields::IMAGE_PART, UNKNOWN_PART_FIELD)?;
    let what = "an image that is neither a base64 `data:` URL nor on the web";
    let image = part.get("image_url").ok_or(GatewayError::Untranslatable { what })?;
    check(image, fields::IMAGE_URL, UNKNOWN_PART_FIELD)?;
    let url = text_of(image, "url", what)?;
    let source = match base64(&url, |media_type| media_type.starts_with("image/")) {
        Some(source) => source,
        None if media::is_web(&url) => Source::Url { url },
        None => return Err(GatewayError::Untranslatable { what }),
    };
    Ok(Block::Image { source })
}

fn document(part: Value<'_>) -> Result<Block<'_>, GatewayError> {
    check(part, fields::FILE_PART, UNKNOWN_PART_FIELD)?;
    let what = "a file that is no PDF in a base64 `data:` URL";
    let file = part.get("file").ok_or(GatewayError::Untranslatable { what })?;
    check(file, fields::FILE, UNKNOWN_PART_FIELD)?;
    let data: Cow<'_, str> = text_of(file, "file_data", what)?;
    let source = base64(&data, |media_type| media_type == "application/pdf");
    let source = source.ok_or(GatewayError::Untranslatable { what })?;
    let title = text_if_any(file, "filename", "`filename` of a file")?;
    Ok(Block::Document { source, title: title.filter(|title| !title.is_empty()) })
}

fn base64<'d>(url: &str, is_wanted: fn(&str) -> bool) -> Option<Source<'d>> {
    let (media_type, data) = media::split_data_url(url)?;
    let media_type = media_type.to_ascii_lowercase();
    is_wanted(&media_type).then(|| Source::Base64 { media_type, data: data.to_owned() })
}

fn tool_use(call: Value<'_>) -> Result<Block<'_>, GatewayError> {
    const UNKNOWN: &str = "a field of a tool call that is not known";
    let what = "a tool call that is no function call";
    if !matches!(&*word(call, "type"), "function" | "") {
        return Err(GatewayError::Untranslatable { what });
    }
    let function = call.get("function").ok_or(GatewayError::Untranslatable { what })?;
    check(call, fields::TOOL_CALL, UNKNOWN)?;
    check(function, fields::CALLED_FUNCTION, UNKNOWN)?;
    let what = "a tool call whose `arguments` are no JSON object";
    let arguments = text_of(function, "arguments", what)?;
    Ok(Block::ToolUse {
        id: text_of(call, "id", "a tool call without an id")?,
        name: text_of(function, "name", "a tool call without a name")?,
        input: wire::object_in(&arguments).ok_or(GatewayError::Untranslatable { what })?,
    })
}
