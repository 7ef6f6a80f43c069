//! The shape of one entry of `providers:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{HostText, SecretText, UrlText};
use crate::located::{Located, given};

/// A provider: the API it speaks, and how to reach it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProviderFile {
    /// OpenAI.
    #[serde(rename = "openai")]
    OpenAi(OpenAiFile),
    /// Any server that speaks OpenAI's API.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible(CompatibleFile),
    /// Azure OpenAI; the model of a route is the name of the deployment.
    #[serde(rename = "azure-openai")]
    AzureOpenAi(AzureFile),
    /// Anthropic.
    Anthropic(AnthropicFile),
    /// Databricks model serving.
    Databricks(DatabricksFile),
    /// Built in and offline, for a first look.
    Demo(DemoFile),
}

impl ProviderFile {
    /// Where the credential comes from, as written.
    pub(crate) fn credential(&self) -> Option<&str> {
        let given = match self {
            Self::OpenAi(file) => &file.api_key,
            Self::OpenAiCompatible(file) => file.api_key.as_ref()?,
            Self::AzureOpenAi(file) => &file.api_key,
            Self::Anthropic(file) => &file.api_key,
            Self::Databricks(file) => &file.token,
            Self::Demo(_) => return None,
        };
        Some(&given.value.0)
    }
}

/// OpenAI.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OpenAiFile {
    /// Reference to the key.
    pub(crate) api_key: Located<SecretText>,
    /// Default: `https://api.openai.com/v1`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) base_url: Option<Located<UrlText>>,
    /// Lets `base-url` be plain http beyond this machine: keys and prompts travel unencrypted.
    #[serde(default)]
    pub(crate) danger_allow_plain_http: bool,
}

/// Any server that speaks OpenAI's API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CompatibleFile {
    /// Address, with `/v1` where the server has it.
    pub(crate) base_url: Located<UrlText>,
    /// Reference to the key, for servers that want one.
    #[serde(default, deserialize_with = "given")]
    pub(crate) api_key: Option<Located<SecretText>>,
    /// Lets `base-url` be plain http beyond this machine: keys and prompts travel unencrypted.
    #[serde(default)]
    pub(crate) danger_allow_plain_http: bool,
}

/// Azure OpenAI.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AzureFile {
    /// `https://NAME.openai.azure.com`.
    pub(crate) base_url: Located<UrlText>,
    /// Version of the API, such as `2024-10-21`.
    pub(crate) api_version: Located<String>,
    /// Reference to the key.
    pub(crate) api_key: Located<SecretText>,
    /// Lets `base-url` be plain http beyond this machine: keys and prompts travel unencrypted.
    #[serde(default)]
    pub(crate) danger_allow_plain_http: bool,
}

/// Anthropic.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AnthropicFile {
    /// Reference to the key.
    pub(crate) api_key: Located<SecretText>,
    /// Default: `https://api.anthropic.com`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) base_url: Option<Located<UrlText>>,
    /// Lets `base-url` be plain http beyond this machine: keys and prompts travel unencrypted.
    #[serde(default)]
    pub(crate) danger_allow_plain_http: bool,
}

/// Databricks model serving.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DatabricksFile {
    /// Host of the workspace, with or without `https://`.
    pub(crate) host: Located<HostText>,
    /// Reference to the token.
    pub(crate) token: Located<SecretText>,
    /// Lets `host` be plain http beyond this machine: tokens and prompts travel unencrypted.
    #[serde(default)]
    pub(crate) danger_allow_plain_http: bool,
}

/// The built-in stand-in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DemoFile {
    /// Bytes per streamed chunk, 1 to 65,536. Default: 5.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) chunk: Option<Located<u64>>,
}
