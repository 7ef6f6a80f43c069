//! What the demo says.

use crate::json::{Kind, Value};

/// Answer to anything that is not one of the two commands.
const FIXED: &str = "This is Bartizan's built-in demo, not a model. Say `repeat after me: ...` and I will. \
                     Connect a provider in bartizan.yaml to talk to a real model.";

/// What the demo does about a prompt.
pub(super) enum Speech {
    Says(String),
    Calls { name: String, arguments: String },
}

impl Speech {
    pub(super) fn about(prompt: &str) -> Self {
        let command = prompt.trim_start();
        if let Some(text) = strip_prefix(command, "repeat after me: ") {
            return Self::Says(text.to_owned());
        }
        if let Some((name, arguments)) =
            strip_prefix(command, "call ").and_then(|rest| rest.split_once(" with "))
        {
            let (name, arguments) = (name.trim(), arguments.trim());
            let fits =
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
            if fits
                && !name.is_empty()
                && serde_json::from_str::<serde_json::Value>(arguments).is_ok()
            {
                return Self::Calls { name: name.to_owned(), arguments: arguments.to_owned() };
            }
        }
        Self::Says(FIXED.to_owned())
    }

    /// Words that count as the answer.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Says(text) => text,
            Self::Calls { arguments, .. } => arguments,
        }
    }
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

/// The last text of the user in a list of messages or items.
pub(super) fn last_user_text(messages: Option<Value<'_>>) -> String {
    let items: Vec<Value<'_>> =
        messages.into_iter().flat_map(|messages| messages.items()).collect();
    let is_user = |item: &&Value<'_>| {
        item.get("role").and_then(|role| role.as_str()).is_none_or(|role| role == *"user")
    };
    items
        .iter()
        .rev()
        .find(is_user)
        .and_then(|item| item.get("content"))
        .map(text_of)
        .unwrap_or_default()
}

/// Text of a string, or of the parts of a list.
pub(super) fn text_of(content: Value<'_>) -> String {
    match content.kind() {
        Kind::String => content.as_str().map(|text| text.text().into_owned()).unwrap_or_default(),
        Kind::Array => content.items().map(text_of).collect(),
        Kind::Object => content.get("text").map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Tokens of a text, as everywhere in Bartizan where nobody counts: four bytes each.
pub(super) fn tokens(text: &str) -> u64 {
    crate::record::estimate_tokens(text.len() as u64)
}

/// Cuts a text into pieces of about `bytes`, between characters.
pub(super) fn pieces(text: &str, bytes: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.ceil_char_boundary(bytes.max(1).min(rest.len()));
        let (piece, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_two_commands() {
        assert!(
            matches!(Speech::about("Repeat after me: a b"), Speech::Says(text) if text == "a b")
        );
        assert!(matches!(
            Speech::about(r#"call get_weather with {"city":"Rome"}"#),
            Speech::Calls { name, .. } if name == "get_weather"
        ));
        assert!(matches!(Speech::about("call me with care"), Speech::Says(text) if text == FIXED));
    }

    #[test]
    fn pieces_join_to_the_text() {
        for bytes in [1, 2, 5, 100] {
            assert_eq!(pieces("añ漢字 text", bytes).concat(), "añ漢字 text");
        }
    }
}
