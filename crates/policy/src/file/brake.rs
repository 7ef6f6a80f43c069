//! The shape of one entry of `brakes:`.

use bartizan_core::verdict::Action;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{Choice, ModeWord, RateText, RuleIdText, SubjectText, Vocabulary};
use crate::located::{Located, given};

/// Stops a caller that goes round in circles; with one of `same-requests`, `same-tool-calls`, `tool-rounds`,
/// `conversation-tokens`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BrakeFile {
    /// Id that appears in events; unique in the endpoint, also among guardrails and limits.
    pub(crate) id: Located<RuleIdText>,
    /// Requests of one caller that say nearly the same, such as `10/min`; in windows of at most an hour.
    #[serde(default, deserialize_with = "given")]
    pub(crate) same_requests: Option<Located<RateText>>,
    /// How often one conversation may have the same tool call with the same arguments.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) same_tool_calls: Option<Located<u64>>,
    /// Rounds of tool calls since a person last said something.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) tool_rounds: Option<Located<u64>>,
    /// Tokens that one conversation uses, such as `200k/h`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) conversation_tokens: Option<Located<RateText>>,
    /// What to do with a request that goes over it: `block` or `flag`.
    pub(crate) action: Located<Choice<BrakeActionWord>>,
    /// Whether it acts, or only records what it would have done. Default: `enforce`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) mode: Option<Located<Choice<ModeWord>>>,
    /// Only these groups and principals are looked at. Default: all.
    #[serde(default, deserialize_with = "given")]
    pub(crate) only: Option<Located<Vec<Located<SubjectText>>>>,
}

/// Words of `action:` of a brake.
pub(crate) enum BrakeActionWord {}

impl Vocabulary for BrakeActionWord {
    type Meaning = Action;
    const WHAT: &'static str = "an action of a brake";
    const WORDS: &'static [(&'static str, Action)] =
        &[("flag", Action::Flag), ("block", Action::Block)];
}
