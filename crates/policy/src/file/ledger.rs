//! The shape of `ledger:`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::{
    Choice, DurabilityWord, DurationText, LogFailureWord, RuleIdText, SizeText, UrlText,
};
use super::sink::SinkFile;
use crate::located::{Located, filled, given};

/// How the event log is kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LedgerFile {
    /// A segment is closed when it reaches this size. Default: `64MiB`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) segment: Option<Located<SizeText>>,
    /// The oldest segments are removed beyond this size. Default: `8GiB`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) total: Option<Located<SizeText>>,
    /// Segments are removed when their last entry is older than this; tiles and checkpoints stay for
    /// ever. Default: `90d`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) keep: Option<Located<DurationText>>,
    /// When an event counts as written: `batched`, when the system has it (the disk has it at most 50 ms
    /// later), or `strict`, when the disk has it. Default: `batched`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) durability: Option<Located<Choice<DurabilityWord>>>,
    /// What happens to an answer or a change whose event the disk does not take: `deny` withholds it,
    /// `buffer` keeps the event in memory, up to 16 MiB, until the disk takes it. Default: `deny`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) on_failure: Option<Located<Choice<LogFailureWord>>>,
    /// Other values for single areas.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) areas: AreasFile,
    /// Systems that entries are shipped to, besides the log itself. Default: none.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) sinks: Vec<Located<SinkFile>>,
    /// Who is asked to sign the checkpoints of this log; they are published when most have. Default: nobody.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) witnesses: Vec<Located<WitnessFile>>,
    /// Public keys of logs whose checkpoints are signed here, by `POST` to `/ledger/witness/add-checkpoint` of
    /// the console port. Default: none.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) witness_for: Vec<Located<String>>,
}

/// Somebody who signs checkpoints (C2SP tlog-witness).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WitnessFile {
    /// Names it in logs.
    pub(crate) id: Located<RuleIdText>,
    /// Where it takes checkpoints, such as `https://other.example/ledger/witness`.
    pub(crate) url: Located<UrlText>,
    /// Its public key, such as `bartizan.invalid/witness/9f3b+4c1d2e3f+BA…`.
    pub(crate) key: Located<String>,
}

/// Other values for single areas.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AreasFile {
    /// Requests to models.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) gateway: AreaFile,
    /// Changes by administrators.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) admin: AreaFile,
}

/// How safe the events of an area have to be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AreaFile {
    /// `batched` or `strict`. Default: that of the log.
    #[serde(default, deserialize_with = "given")]
    pub(crate) durability: Option<Located<Choice<DurabilityWord>>>,
    /// `deny` or `buffer`. Default: that of the log.
    #[serde(default, deserialize_with = "given")]
    pub(crate) on_failure: Option<Located<Choice<LogFailureWord>>>,
}
