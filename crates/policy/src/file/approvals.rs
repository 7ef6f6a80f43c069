//! The shape of `approvals:`.

use bartizan_core::settings::Approval;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{Choice, DurationText, Vocabulary};
use crate::located::{Located, given};

/// Which changes that weaken something wait until another person approves them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ApprovalsFile {
    /// Changes of endpoints by the admin API: `two-people` or `none`. Default: `none`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) weaker_endpoints: Option<Located<Choice<ApprovalWord>>>,
    /// Changes of this file: `two-people` keeps the last version in force until two people have approved a weaker one,
    /// also over a restart. Default: `none`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) policy_file: Option<Located<Choice<ApprovalWord>>>,
    /// How long a change waits, `1h` to `30d`. Default: `24h`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) expire: Option<Located<DurationText>>,
}

/// Words of `weaker-endpoints:` and `policy-file:`.
pub(crate) enum ApprovalWord {}

impl Vocabulary for ApprovalWord {
    type Meaning = Approval;
    const WHAT: &'static str = "a number of people";
    const WORDS: &'static [(&'static str, Approval)] = &[
        (Approval::None.name(), Approval::None),
        (Approval::TwoPeople.name(), Approval::TwoPeople),
    ];
}
