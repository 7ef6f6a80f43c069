//! The JSON that translations write, as types: one file per protocol.
//!
//! What a translation does not have to look into (schemas, tool inputs, numbers) is passed on as
//! its source writes it: the order of members, which matters to models, and numbers of any length
//! stay as they were.

pub(super) mod chat;
pub(super) mod messages;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::GatewayError;
use crate::json::{Document, Kind, Value};

use super::Translated;

/// JSON as its source writes it.
pub(super) type Json = Box<RawValue>;

/// Copies a value.
pub(super) fn json(value: Value<'_>) -> Result<Json, GatewayError> {
    from_source(value).ok_or(GatewayError::Untranslatable { what: "a JSON value" })
}

/// The object that a string of JSON stands for: tool arguments in chat completions, where a call
/// without arguments may have an empty string. None when it is no object that we would accept in a
/// body, for a provider would read it differently or not at all.
pub(super) fn object_in(arguments: &str) -> Option<Json> {
    if arguments.trim_ascii().is_empty() {
        return RawValue::from_string("{}".to_owned()).ok();
    }
    let document = Document::parse(arguments.as_bytes()).ok()?;
    let root = document.root();
    (root.kind() == Kind::Object).then(|| from_source(root)).flatten()
}

/// Writes a body.
pub(super) fn write(body: &impl Serialize) -> Result<Vec<u8>, GatewayError> {
    serde_json::to_vec(body).map_err(|_| GatewayError::Untranslatable { what: "the body" })
}

/// Writes an event.
pub(super) fn event(event: Option<&'static str>, data: &serde_json::Value) -> Translated {
    Translated { event, data: data.to_string() }
}

fn from_source(value: Value<'_>) -> Option<Json> {
    let source = std::str::from_utf8(value.raw()).ok()?;
    RawValue::from_string(source.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_objects_in_strings_and_nothing_else() {
        let object = |text| object_in(text).map(|json| json.get().to_owned());
        assert_eq!(
            object(r#" {"b": 1e0, "a":12345678901234567890123} "#).unwrap(),
            r#"{"b": 1e0, "a":12345678901234567890123}"#
        );
        assert_eq!(object("").unwrap(), "{}");
        assert_eq!(object(" \n").unwrap(), "{}");
        for other in
            ["[]", "1", "null", "\"x\"", "{", "{}{}", r#"{"a":1,"a":2}"#, r#"{"a":"\ud800"}"#]
        {
            assert_eq!(object(other), None, "{other}");
        }
    }
}
