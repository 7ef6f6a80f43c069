//! `secrets:`: where the values are that `secret:` and `vault:` refer to.

use std::time::Duration;

use bartizan_core::settings::{MasterKey, Secrets, Vault};

use crate::compile::Compiler;
use crate::compile::urls::PlainHttp;
use crate::error::Problem;
use crate::file::scalar::SecretText;
use crate::file::secrets::{SecretsFile, VaultFile};
use crate::located::Located;
use crate::snippet::quote;

/// Shortest time between two looks at Vault.
const REFRESH_MIN: Duration = Duration::from_secs(5);

impl Compiler<'_, '_> {
    pub(crate) fn secrets(&mut self, file: &SecretsFile) -> Option<Secrets> {
        let key = match &file.key {
            None => Some(MasterKey::InDataFolder),
            Some(given) => self.master_key(given),
        };
        let vault = file.vault.as_ref().map(|given| self.vault(&given.value));
        let vault = match vault {
            None => None,
            Some(vault) => Some(vault?),
        };
        Some(Secrets { key: key?, vault })
    }

    /// What opens the store cannot lie in it. A file is read by whoever opens it, who also looks at its rights.
    fn master_key(&mut self, given: &Located<SecretText>) -> Option<MasterKey> {
        if let Some(path) = given.value.0.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Some(MasterKey::File(self.base_dir.join(path)));
        }
        self.is_outside("key", given)?;
        self.secret_lines("key", given).map(MasterKey::Text)
    }

    fn vault(&mut self, file: &VaultFile) -> Option<Vault> {
        // Whoever answers hands out credentials, so that it has to prove who it is.
        let address = self.base_url(&file.address.value.0, file.address.place, PlainHttp::Believed);
        let token = match self.is_outside("token", &file.token) {
            Some(()) => self.secret("token", &file.token),
            None => None,
        };
        let ca = self.given_ca(file.ca.as_ref());
        let refresh = self.duration(file.refresh.as_ref(), Vault::REFRESH);
        if refresh.is_some_and(|refresh| refresh < REFRESH_MIN) {
            let place = file.refresh.as_ref().and_then(|given| given.place);
            let message = "Vault would be asked more often than every 5 s";
            self.report(Problem::new(place, message).help("write `refresh: 5m`"));
            return None;
        }
        let namespace = match &file.namespace {
            None => None,
            Some(given) => {
                let text = given.value.trim_matches('/');
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
                if text.is_empty() || text.len() > 256 || !text.bytes().all(is_plain) {
                    let message = format!("{} is not a namespace of Vault", quote(&given.value));
                    let help = "write it like `team/prod`";
                    self.report(Problem::new(given.place, message).help(help));
                    return None;
                }
                Some(text.to_owned())
            }
        };
        Some(Vault { address: address?, token: token?, namespace, ca: ca?, refresh: refresh? })
    }

    /// Refuses a reference to what this one is needed for.
    fn is_outside(&mut self, key: &str, given: &Located<SecretText>) -> Option<()> {
        let text = &given.value.0;
        if !text.starts_with("secret:") && !text.starts_with("vault:") {
            return Some(());
        }
        let message = format!("`{key}` opens the secrets and cannot be one of them");
        let help = format!("write `{key}: env:NAME` or `{key}: file:PATH`");
        self.report(Problem::new(given.place, message).help(help));
        None
    }
}
