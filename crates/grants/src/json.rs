//! JSON objects in which no member stands twice: two readers could take different ones, and one of them is the
//! one that checked it. Values stay as they are until somebody asks, and are then read as strictly.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object by their names.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Reads an object, which is all of the text. The caller has capped its length.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Whether there is a member, whatever its value.
    pub(crate) fn has(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    /// The text that is the value of a member.
    pub(crate) fn text(&self, member: &str) -> Option<String> {
        serde_json::from_str(self.0.get(member)?.get()).ok()
    }

    /// The number that is the value of a member, without what stands behind the point.
    pub(crate) fn integer(&self, member: &str) -> Option<i64> {
        let text = self.0.get(member)?.get();
        let number: serde_json::Number = serde_json::from_str(text).ok()?;
        // A float beyond an integer becomes the nearest one, which is no time of today.
        number.as_i64().or_else(|| number.as_f64().map(|number| number.floor() as i64))
    }

    /// The object that is the value of a member.
    pub(crate) fn object(&self, member: &str) -> Option<Members<'a>> {
        Self::read(self.0.get(member)?.get().as_bytes())
    }

    /// The objects that are the value of a member.
    pub(crate) fn objects(&self, member: &str) -> Option<Vec<Members<'a>>> {
        let raw: Vec<&RawValue> = serde_json::from_str(self.0.get(member)?.get()).ok()?;
        raw.into_iter().map(|raw| Self::read(raw.get().as_bytes())).collect()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadMembers)
    }
}

struct ReadMembers;

impl<'de> Visitor<'de> for ReadMembers {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if members.0.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_member_stands_once_however_it_is_spelled() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"a":null,"b":0,"a":null}"#] {
            assert!(Members::read(text.as_bytes()).is_none(), "{text}");
        }
        let nested = Members::read(br#"{"o":{"a":1,"a":2},"l":[{"a":1,"a":2}]}"#).unwrap();
        assert!(nested.object("o").is_none() && nested.objects("l").is_none());
    }

    #[test]
    fn is_all_of_the_text_and_an_object() {
        for text in
            ["", "{", "{} x", "{}{}", "{'a':1}", "{\"a\":1,}", "\u{feff}{}", "[]", "1", "null"]
        {
            assert!(Members::read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Members::read(b"{\"a\":\"\xff\"}").is_none());
        assert!(Members::read(format!("{{\"a\":{}", "[".repeat(100_000)).as_bytes()).is_none());
    }

    #[test]
    fn values_are_of_their_kind() {
        let members =
            Members::read(br#"{"t":"\u0061b","i":12,"f":12.9,"n":-1,"o":{},"x":null,"e":1e400}"#);
        let members = members.unwrap_or_default();
        assert_eq!(members.text("t").as_deref(), Some("ab"));
        assert_eq!(
            ["i", "f", "n", "t", "x"].map(|m| members.integer(m)),
            [Some(12), Some(12), Some(-1), None, None]
        );
        assert!(members.has("x") && !members.has("y") && members.text("x").is_none());
        assert!(members.object("o").is_some() && members.object("t").is_none());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = Members::read(&bytes);
        }
    }
}
