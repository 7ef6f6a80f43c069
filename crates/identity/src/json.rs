//! JSON objects in which no member stands twice. Two readers may take such an object differently, and one of
//! them is the one that checked it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// An object, by the names of its members.
pub(crate) type Object = Map<String, Value>;

/// A text is not the object that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is not JSON (RFC 8259), or deeper than 127 containers.
    #[error("it is no JSON")]
    Invalid,
    /// It is another value.
    #[error("it is no JSON object")]
    NoObject,
    /// One of its objects, at any depth, has two members of one name.
    #[error("it names a member twice")]
    Twice,
}

/// Reads an object, which is all of the text. The caller has capped its length.
pub(crate) fn object(text: &[u8]) -> Result<Object, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict.deserialize(&mut reader).map_err(|error| {
        // `Strict` takes every value, and has one complaint of its own.
        if error.is_data() { JsonError::Twice } else { JsonError::Invalid }
    })?;
    reader.end().map_err(|_| JsonError::Invalid)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::NoObject),
    }
}

/// Makes a value, and refuses members of the same name.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.insert(name, members.next_value_seed(Strict)?).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_member_stands_once_at_any_depth_however_it_is_spelled() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":[{"c":1,"d":2,"c":3}]}}"#,
            r#"{"a":null,"b":0,"a":null}"#,
        ] {
            assert_eq!(object(text.as_bytes()), Err(JsonError::Twice), "{text}");
        }
        assert!(object(br#"{"a":{"a":1},"b":{"a":1},"A":1}"#).is_ok());
    }

    #[test]
    fn is_all_of_the_text_and_an_object() {
        for text in
            ["", "{", "{} x", "{}{}", "{'a':1}", "{\"a\":1,}", "{\"a\":1e999}", "\u{feff}{}"]
        {
            assert_eq!(object(text.as_bytes()), Err(JsonError::Invalid), "{text}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(JsonError::Invalid));
        assert_eq!(object(br#"{"a":"\ud800"}"#), Err(JsonError::Invalid));
        assert_eq!(object("[".repeat(4096).as_bytes()), Err(JsonError::Invalid));
        for text in ["[]", "1", "null", "\"a\""] {
            assert_eq!(object(text.as_bytes()), Err(JsonError::NoObject), "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<Object>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(value in value()) {
            let text = serde_json::json!({ "value": value });
            prop_assert_eq!(object(text.to_string().as_bytes()).map(Value::from), Ok(text));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = object(&bytes);
        }
    }
}
