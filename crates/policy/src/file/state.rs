//! The shape of `state:`: what several gateways share.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{Choice, DurationText, SecretText, Vocabulary};
use crate::located::{Located, given};

/// Where state is kept that several gateways share. Without it, each keeps its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StateFile {
    /// Keys and endpoints in a database of PostgreSQL. Default: a file in the data folder.
    #[serde(default, deserialize_with = "given")]
    pub(crate) postgres: Option<Located<PostgresFile>>,
    /// Counters of limits in Redis or Valkey. Default: the memory of the process.
    #[serde(default, deserialize_with = "given")]
    pub(crate) redis: Option<Located<RedisFile>>,
}

/// A database of PostgreSQL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PostgresFile {
    /// `postgres://USER@HOST:5432/DATABASE`; encrypted unless the host is this machine.
    pub(crate) url: Located<String>,
    /// Reference to the password of the user.
    #[serde(default, deserialize_with = "given")]
    pub(crate) password: Option<Located<SecretText>>,
    /// File of certificates in PEM to trust in place of the system's.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
    /// How long keys are taken as they were known when the database is not reached any more; afterwards none is, until
    /// it is back. Default: `5m`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) trust_for: Option<Located<DurationText>>,
    /// Lets state travel unencrypted to another machine. Default: `false`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) danger_allow_plain: Option<Located<bool>>,
}

/// A server of Redis or Valkey.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RedisFile {
    /// `rediss://USER@HOST:6379/0`, or `redis://…` where the host is this machine.
    pub(crate) url: Located<String>,
    /// Reference to the password of the user.
    #[serde(default, deserialize_with = "given")]
    pub(crate) password: Option<Located<SecretText>>,
    /// File of certificates in PEM to trust in place of the system's.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
    /// What the names of all keys begin with. Gateways with the same prefix count together. Default: `bartizan`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) prefix: Option<Located<String>>,
    /// Longest wait for an answer, `1ms` to `10s`. Default: `250ms`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) timeout: Option<Located<DurationText>>,
    /// What becomes of requests with limits while nobody answers: `deny` refuses them, `count-alone` lets each
    /// gateway count for itself, up to an equal share of each limit. Default: `deny`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) when_away: Option<Located<Choice<AwayWord>>>,
    /// How many gateways there are, for `count-alone`; 1 to 1,000.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) gateways: Option<Located<u64>>,
    /// Lets counters travel unencrypted to another machine. Default: `false`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) danger_allow_plain: Option<Located<bool>>,
}

/// Words of `when-away:`.
pub(crate) enum AwayWord {}

impl Vocabulary for AwayWord {
    type Meaning = bool;
    const WHAT: &'static str = "something to do when nobody counts";
    const WORDS: &'static [(&'static str, bool)] = &[("deny", false), ("count-alone", true)];
}
