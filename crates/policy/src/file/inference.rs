//! The shape of `inference-log:`, of an endpoint and of all together.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::{Choice, DurationText, NotKeptWord, PercentText, SizeText};
use crate::located::{Located, given};

/// How what was asked and answered is kept, after masking; `{}` keeps all of it for 30 days.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InferenceLogFile {
    /// How long each exchange is kept, from `1h` to `3653d`. Default: `30d`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) keep: Option<Located<DurationText>>,
    /// Share of the exchanges that are kept, drawn by chance. Default: `100%`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) share: Option<Located<PercentText>>,
    /// What happens to an answer that cannot be kept: `withhold`, or `answer`, and its event says so. Default:
    /// `withhold`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) on_failure: Option<Located<Choice<NotKeptWord>>>,
}

/// How much of the inference log is kept, of all endpoints together.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InferenceStoreFile {
    /// A segment is closed when it reaches this size. Default: `64MiB`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) segment: Option<Located<SizeText>>,
    /// The oldest segments are removed beyond this size. Default: `10GiB`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) total: Option<Located<SizeText>>,
}
