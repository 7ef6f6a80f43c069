//! The shape of one entry of `tests:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{ExpectText, PrincipalText};
use crate::located::{Located, Unsupported, given};

/// A request, and what has to become of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TestFile {
    /// Who asks: `alice@example.com`, `sp:support-bot`.
    pub(crate) r#as: Located<PrincipalText>,
    /// Name of an entry of `endpoints`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(required)]
    pub(crate) endpoint: Option<Located<String>>,
    /// Model that the caller names, where a route leaves the choice.
    #[serde(default, deserialize_with = "given")]
    pub(crate) model: Option<Located<String>>,
    /// What the user says. Default: `Hello.`
    #[serde(default, deserialize_with = "given")]
    pub(crate) prompt: Option<Located<String>>,
    /// What a tool gave the model before it answers.
    #[serde(default, deserialize_with = "given")]
    pub(crate) tool_result: Option<Located<String>>,
    /// What the model answers. Default: `Hello.`
    #[serde(default, deserialize_with = "given")]
    pub(crate) answer: Option<Located<String>>,
    /// How often the request is made, 1 to 100,000; what became of the last one counts. Default: 1.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<u64>", range(min = 1, max = 100_000))]
    pub(crate) times: Option<Located<u64>>,
    /// `allow`, `flag RULE`, `mask RULE`, `block RULE`, `deny` or `deny RULE`, `limit RULE`; the rule may be left out.
    pub(crate) expect: Located<ExpectText>,

    #[serde(default)]
    #[schemars(skip)]
    pub(crate) connect: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) sql: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) tool: Unsupported,
}
