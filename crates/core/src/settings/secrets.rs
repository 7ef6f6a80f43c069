//! Where the values are kept that `secret:` and `vault:` refer to.

use std::path::PathBuf;
use std::time::Duration;

use crate::redact::Secret;

/// Where secrets are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// What opens the secrets of the data folder.
    pub key: MasterKey,
    /// A server of `HashiCorp` Vault.
    pub vault: Option<Vault>,
}

/// The master keys that encrypt what is kept in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MasterKey {
    /// In the file `master.key` of the data folder.
    #[default]
    InDataFolder,
    /// In another file.
    File(PathBuf),
    /// Handed in.
    Text(Secret),
}

/// A server of `HashiCorp` Vault, or one that speaks its API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Without trailing slash.
    pub address: String,
    /// What this process signs in with.
    pub token: Secret,
    /// Namespace of everything that is asked for.
    pub namespace: Option<String>,
    /// Certificates in PEM to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// How often values are asked for again.
    pub refresh: Duration,
}

impl Vault {
    /// [`Vault::refresh`] where the policy names none.
    pub const REFRESH: Duration = Duration::from_secs(300);
}
