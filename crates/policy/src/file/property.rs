//! The shape of one entry of `proofs:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::endpoint::Words;
use crate::file::scalar::{ActionWord, Choice, RuleIdText, SubjectText};
use crate::located::{Located, given};

/// Something that holds for every request there can be: one of `only`, `never`, `always` and `guarded`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PropertyFile {
    /// Names it; unique.
    pub(crate) id: Located<RuleIdText>,
    /// An endpoint, a list of them, or `*` for all.
    pub(crate) endpoint: Located<Words>,
    /// Nobody but these groups and principals may call.
    #[serde(default, deserialize_with = "given")]
    pub(crate) only: Option<Located<Vec<Located<SubjectText>>>>,
    /// None of these groups and principals may call.
    #[serde(default, deserialize_with = "given")]
    pub(crate) never: Option<Located<Vec<Located<SubjectText>>>>,
    /// All of these groups and principals may call.
    #[serde(default, deserialize_with = "given")]
    pub(crate) always: Option<Located<Vec<Located<SubjectText>>>>,
    /// What is looked for, and what is done about it.
    #[serde(default, deserialize_with = "given")]
    pub(crate) guarded: Option<Located<GuardedFile>>,
}

/// What is looked for, and what is done about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GuardedFile {
    /// Texts that are read, as in `on` of guardrails.
    pub(crate) on: Located<Words>,
    /// Categories and detectors, as in `detect` of guardrails.
    pub(crate) detect: Located<Words>,
    /// The mildest that is done with a finding. Default: `mask`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) at_least: Option<Located<Choice<ActionWord>>>,
}
