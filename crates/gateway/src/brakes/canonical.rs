//! Calls of tools compared: the same tool with the same arguments, in whatever order and spacing they are written.
//!
//! Arguments are compared exactly: a loop over pages calls one tool with one number after the other, and is no
//! circle.

use sha2::{Digest as _, Sha256};

use crate::json::{Document, Kind, Str, Value};

/// Stands for a call. Arguments that are a text are read as JSON, as most protocols send them; one that is none stands
/// for itself.
pub(super) fn call(name: &str, arguments: Option<Value<'_>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    put_text(&mut hash, name);
    if let Some(arguments) = arguments {
        let text = arguments.as_str().map(|text| text.text());
        match text.as_deref().map(|text| (text, Document::parse(text.as_bytes()))) {
            Some((_, Ok(document))) => put(&mut hash, document.root()),
            Some((text, Err(_))) => put_text(&mut hash, text.trim()),
            None => put(&mut hash, arguments),
        }
    }
    hash.finalize().into()
}

/// Adds a value: members by their names. As deep as a document may be.
fn put(hash: &mut Sha256, value: Value<'_>) {
    match value.kind() {
        Kind::Null | Kind::Bool | Kind::Number => hash.update(value.raw()),
        Kind::String => {
            let text = value.as_str();
            put_text(hash, text.as_ref().map(Str::text).as_deref().unwrap_or_default());
        }
        Kind::Array => {
            hash.update(b"[");
            for item in value.items() {
                put(hash, item);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        Kind::Object => {
            let members = value.members().map(|(name, value)| (name.text(), value));
            let mut members: Vec<_> = members.collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            hash.update(b"{");
            for (name, value) in members {
                put_text(hash, &name);
                put(hash, value);
                hash.update(b",");
            }
            hash.update(b"}");
        }
    }
}

fn put_text(hash: &mut Sha256, text: &str) {
    hash.update(b"\"");
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn of(arguments: &str) -> [u8; 32] {
        let body = json!({ "arguments": arguments }).to_string();
        let document = Document::parse(body.as_bytes()).unwrap();
        call("search", document.root().get("arguments"))
    }

    #[test]
    fn order_and_spacing_do_not_count_and_values_do() {
        let said = of(r#"{"q":"rust","page":1,"in":{"a":[1,2],"b":null}}"#);
        for same in [
            "{ \"page\" : 1, \"in\": {\"b\":null,\"a\":[1, 2]},\n\"q\":\"rust\" }",
            r#"{"q":"\u0072ust","page":1,"in":{"a":[1,2],"b":null}}"#,
        ] {
            assert_eq!(of(same), said, "{same}");
        }
        for other in [
            r#"{"q":"rust","page":2,"in":{"a":[1,2],"b":null}}"#,
            r#"{"q":"rust","page":"1","in":{"a":[1,2],"b":null}}"#,
            r#"{"q":"rust","page":1,"in":{"a":[2,1],"b":null}}"#,
            r#"{"q":"Rust","page":1,"in":{"a":[1,2],"b":null}}"#,
            "q=rust",
            "",
        ] {
            assert_ne!(of(other), said, "{other}");
        }
        // Anthropic sends arguments as they are.
        let body = r#"{"input":{"page":1,"q":"rust","in":{"b":null,"a":[1,2]}}}"#;
        let document = Document::parse(body.as_bytes()).unwrap();
        assert_eq!(call("search", document.root().get("input")), said);
        assert_ne!(call("fetch", document.root().get("input")), said);
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            proptest::bool::ANY.prop_map(Json::from),
            (0u32..100).prop_map(Json::from),
            "[a-c\"]{0,3}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The same value, with the members of every object in the opposite order.
    fn turned(value: &Json) -> String {
        match value {
            Json::Array(items) => {
                format!("[ {} ]", items.iter().map(turned).collect::<Vec<_>>().join(" , "))
            }
            Json::Object(members) => {
                let members = members.iter().rev();
                let members = members.map(|(name, value)| format!("{name:?}: {}", turned(value)));
                format!("{{ {} }}", members.collect::<Vec<_>>().join(" ,\n"))
            }
            other => other.to_string(),
        }
    }

    proptest! {
        #[test]
        fn two_are_the_same_when_they_say_the_same(one in any_json(), other in any_json()) {
            prop_assert_eq!(of(&one.to_string()), of(&turned(&one)));
            prop_assert_eq!(of(&one.to_string()) == of(&other.to_string()), one == other);
        }
    }
}
