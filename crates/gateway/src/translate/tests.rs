//! What the tests of both directions share, and the properties that hold for both.

mod accumulate;
mod requests;
mod streams;

use serde_json::Value as Json;

use super::{StreamTranslation, Translated, Translation, between};
use crate::error::GatewayError;
use crate::json::Document;
use crate::operation::Operation;

pub(super) const PAIRS: [(Operation, Operation); 2] = [
    (Operation::ChatCompletions, Operation::Messages),
    (Operation::Messages, Operation::ChatCompletions),
];

pub(super) fn chat_to_messages() -> &'static dyn Translation {
    between(Operation::ChatCompletions, Operation::Messages).unwrap()
}

pub(super) fn messages_to_chat() -> &'static dyn Translation {
    between(Operation::Messages, Operation::ChatCompletions).unwrap()
}

/// Translates a request and makes sure that the gateway can read what came out.
pub(super) fn request(by: &dyn Translation, body: &Json) -> Result<Json, GatewayError> {
    let body = body.to_string();
    let translated = by.request(Document::parse(body.as_bytes()).unwrap().root())?;
    Document::parse(&translated).unwrap();
    Ok(serde_json::from_slice(&translated).unwrap())
}

/// What a refused request is refused for.
pub(super) fn refusal(by: &dyn Translation, body: &Json) -> &'static str {
    match request(by, body) {
        Err(GatewayError::Untranslatable { what }) => what,
        other => panic!("{body} gave {other:?}"),
    }
}

/// Translates an answer.
pub(super) fn answer(by: &dyn Translation, body: &Json) -> Result<Json, GatewayError> {
    let body = body.to_string();
    let translated = by.answer(Document::parse(body.as_bytes()).unwrap().root())?;
    Document::parse(&translated).unwrap();
    Ok(serde_json::from_slice(&translated).unwrap())
}

/// Translates an error body.
pub(super) fn error(by: &dyn Translation, body: &Json) -> Json {
    let body = body.to_string();
    let translated = by.error(Document::parse(body.as_bytes()).unwrap().root());
    serde_json::from_slice(&translated).unwrap()
}

/// Translates one event of a stream.
pub(super) fn event(
    by: &mut dyn StreamTranslation,
    data: &Json,
) -> Result<Vec<Translated>, GatewayError> {
    let name = data.get("type").and_then(Json::as_str);
    let text = data.to_string();
    by.event(name, &Document::parse(text.as_bytes()).unwrap())
}

/// Translates a stream; the end marker comes where `[DONE]` stands.
pub(super) fn stream(
    by: &dyn Translation,
    events: &[Json],
) -> Result<Vec<Translated>, GatewayError> {
    let mut stream = by.stream();
    let mut out = Vec::new();
    for data in events {
        if data == "[DONE]" {
            out.extend(stream.end_marker());
        } else {
            out.extend(event(&mut *stream, data)?);
        }
    }
    Ok(out)
}

/// The data of events; the end marker is a string.
pub(super) fn data(events: &[Translated]) -> Vec<Json> {
    let read = |event: &Translated| match &*event.data {
        "[DONE]" => Json::from("[DONE]"),
        data => serde_json::from_str(data).unwrap(),
    };
    events.iter().map(read).collect()
}

#[test]
fn only_chat_and_messages_are_translated() {
    for asked in Operation::ALL {
        for spoken in Operation::ALL {
            let is_known = PAIRS.contains(&(asked, spoken));
            assert_eq!(between(asked, spoken).is_some(), is_known, "{asked:?} {spoken:?}");
        }
    }
}

#[test]
fn a_body_must_be_an_object() {
    for (asked, spoken) in PAIRS {
        let translation = between(asked, spoken).unwrap();
        for body in ["[]", "1", "null", "\"text\""] {
            let document = Document::parse(body.as_bytes()).unwrap();
            let refused = translation.request(document.root());
            assert!(matches!(refused, Err(GatewayError::NotAnObject)), "{body}");
            let unread = translation.answer(document.root());
            assert!(matches!(unread, Err(GatewayError::ProviderUnreadable)), "{body}");
        }
    }
}
