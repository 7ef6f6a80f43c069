//! The shape of one entry of `models:`, and of `refine:`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::file::scalar::DurationText;
use crate::located::{Located, given};

/// A classifier in a local folder, which guardrails may ask with `refine`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ModelFile {
    /// Folder with `config.json`, `tokenizer.json` and `model.safetensors`; a relative path starts at the
    /// folder of this file.
    pub(crate) path: Located<String>,
    /// Labels of the model that stand for an attack; their probabilities are summed.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) labels: Located<Vec<Located<String>>>,
    /// Probability from which the model means an attack, between 0 and 1. Default: 0.5.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) threshold: Option<Located<f64>>,
    /// Tokens that the model reads at once, 16 or more. Default: what it takes, 512 at most.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 16))]
    pub(crate) max_tokens: Option<Located<u64>>,
    /// Most time for one text; `0ms` never asks. Default: `50ms`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) budget: Option<Located<DurationText>>,
    /// Most time for all texts of one request. Default: four times `budget`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) request_budget: Option<Located<DurationText>>,
}

/// The model that is asked about what `prompt-attack` is not sure of: its name, or a map.
#[derive(Debug)]
pub(crate) enum RefineFile {
    /// `refine: NAME`
    Model(String),
    /// `refine: { model: NAME, from: 0.2, to: 0.9 }`
    Zone(ZoneFile),
}

/// A model and the scores of `prompt-attack` that it is asked about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ZoneFile {
    /// Name of an entry of `models`.
    pub(crate) model: Located<String>,
    /// Least score that it is asked about. Default: 0.2.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) from: Option<Located<f64>>,
    /// Score from which on the built-in model is sure enough. Default: 0.9.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) to: Option<Located<f64>>,
}

impl<'de> Deserialize<'de> for RefineFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefineVisitor;

        impl<'de> Visitor<'de> for RefineVisitor {
            type Value = RefineFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a model, or a map with `model`")
            }

            fn visit_str<E>(self, name: &str) -> Result<RefineFile, E> {
                Ok(RefineFile::Model(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RefineFile, A::Error> {
                ZoneFile::deserialize(MapAccessDeserializer::new(map)).map(RefineFile::Zone)
            }
        }

        deserializer.deserialize_any(RefineVisitor)
    }
}

impl JsonSchema for RefineFile {
    fn schema_name() -> Cow<'static, str> {
        "RefineFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<ZoneFile>();
        json_schema!({ "anyOf": [{ "type": "string" }, map] })
    }
}
