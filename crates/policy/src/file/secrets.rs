//! The shape of `secrets:`: where the values are that `secret:` and `vault:` refer to.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{DurationText, SecretText, UrlText};
use crate::located::{Located, given};

/// Where secrets are kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SecretsFile {
    /// Reference to the master keys that open what `bartizan secret` keeps: `file:PATH` or `env:NAME`. Default:
    /// `master.key` in the data folder, which is made with the first secret.
    #[serde(default, deserialize_with = "given")]
    pub(crate) key: Option<Located<SecretText>>,
    /// A server of Vault, for references such as `vault:secret/openai#api-key`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) vault: Option<Located<VaultFile>>,
}

/// A server of Vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VaultFile {
    /// Its address, such as `https://vault.example:8200`.
    pub(crate) address: Located<UrlText>,
    /// Reference to a token, `file:PATH` or `env:NAME`.
    pub(crate) token: Located<SecretText>,
    /// Namespace of everything that is asked for. Default: none.
    #[serde(default, deserialize_with = "given")]
    pub(crate) namespace: Option<Located<String>>,
    /// File of certificates in PEM to trust in place of the system's.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
    /// How often values are asked for again. Default: `5m`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) refresh: Option<Located<DurationText>>,
}
