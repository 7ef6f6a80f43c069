//! The shape of `operator:` and of each entry of `operators:`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::located::{Located, Unsupported, given};

/// Operators that one word says all about.
pub(crate) const WORDS: [&str; 8] = [
    "placeholder",
    "label",
    "redact",
    "partial",
    "hash",
    "encrypt",
    "format-preserving",
    "synthetic",
];

/// Operators of single detectors or categories.
pub(crate) type OperatorsFile = BTreeMap<Located<String>, Located<OperatorFile>>;

/// What stands in place of a masked value: a word, or a map with one key.
#[derive(Debug)]
pub(crate) enum OperatorFile {
    /// `operator: hash`
    Word(String),
    /// `operator: { partial: { last: 4 } }`
    Map(Box<OperatorMap>),
}

/// An operator with settings: one key says which.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct OperatorMap {
    /// Always this text, of 1 to 200 bytes.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(min = 1, max = 200))]
    pub(crate) replace: Option<Located<String>>,
    /// A few letters and digits of the value, never more than half; a sign for each of the others.
    #[serde(default, deserialize_with = "given")]
    pub(crate) partial: Option<Located<PartialFile>>,

    #[serde(default)]
    #[schemars(skip)]
    pub(crate) hash: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) encrypt: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) format_preserving: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) synthetic: Unsupported,
}

/// Which characters of a value stay. Without any key, the last four.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PartialFile {
    /// Letters and digits kept at the beginning, 0 to 64. Default: 0.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(max = 64))]
    pub(crate) first: Option<Located<u64>>,
    /// Letters and digits kept at the end, 0 to 64. Default: 0, and 4 where `first` is not given either.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(max = 64))]
    pub(crate) last: Option<Located<u64>>,
    /// The sign for each of the others. Default: `*`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(min = 1, max = 1))]
    pub(crate) with: Option<Located<String>>,
}

impl<'de> Deserialize<'de> for OperatorFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OperatorVisitor;

        impl<'de> Visitor<'de> for OperatorVisitor {
            type Value = OperatorFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an operator, or a map with one as its key")
            }

            fn visit_str<E>(self, word: &str) -> Result<OperatorFile, E> {
                Ok(OperatorFile::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OperatorFile, A::Error> {
                OperatorMap::deserialize(MapAccessDeserializer::new(map))
                    .map(|map| OperatorFile::Map(Box::new(map)))
            }
        }

        deserializer.deserialize_any(OperatorVisitor)
    }
}

impl JsonSchema for OperatorFile {
    fn schema_name() -> Cow<'static, str> {
        "OperatorFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<OperatorMap>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": WORDS }, map] })
    }
}
