//! The values that `secret:` and `vault:` refer to: from the store of the data folder, and from Vault.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bartizan_core::redact::Secret;
use bartizan_core::settings::{MasterKey, Secrets, Vault};
use bartizan_core::{Class, Coded, time};
use bartizan_inference::{FOLDER, KEYS_FILE};
use bartizan_policy::{FindSecret, PolicyError, SecretProblem, Sources};
use bartizan_secrets::keyring::{self, Keyring};
use bartizan_secrets::vault::{self, Namespace, REPLY_BYTES, Reference, VaultError, VaultSecret};
use bartizan_secrets::{SealError, SecretName, SecretStore, SecretsError};
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::commands::explain::codes;
use crate::format::chain;

/// Name of the store in a data folder.
const STORE_FILE: &str = "secrets.json";
/// Name of the file of master keys in a data folder.
const KEY_FILE: &str = "master.key";
/// How long a value of Vault is used when Vault does not give it any more.
const VAULT_STALE: Duration = Duration::from_secs(24 * 3_600);

/// Where the secrets of a policy are.
pub(crate) struct SecretSource {
    settings: Secrets,
    data_dir: PathBuf,
    store: Mutex<Option<Arc<SecretStore>>>,
    /// Values by reference.
    vault: Mutex<HashMap<String, Asked>>,
    /// When a value was last asked for and not given.
    missed: Mutex<Option<Instant>>,
    /// How often it was time to ask again for what was not given.
    retries: AtomicU64,
}

/// A value that was not given.
struct Missed {
    problem: SecretProblem,
    /// Whether nobody said that there is none.
    is_away: bool,
}

/// A value of Vault as it was last given.
struct Asked {
    value: Secret,
    at: Instant,
    /// When it was last tried to get it again.
    tried: Instant,
}

impl SecretSource {
    pub(crate) fn new(settings: Secrets, data_dir: &Path) -> Self {
        let (store, vault, missed) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (data_dir, retries) = (data_dir.to_owned(), AtomicU64::new(0));
        Self { settings, data_dir, store, vault, missed, retries }
    }

    /// The one that a policy needs; none where it refers to no secret. `data_dir` takes the place of the policy's.
    pub(crate) fn of(
        text: &str,
        name: &str,
        folder: &Path,
        data_dir: Option<&Path>,
    ) -> Result<Option<Self>, PolicyError> {
        if !text.contains("secret:") && !text.contains("vault:") {
            return Ok(None);
        }
        let (own, settings) =
            bartizan_policy::load_secrets(text, name, folder, Sources::process())?;
        Ok(Some(Self::new(settings, data_dir.unwrap_or(&own))))
    }

    /// Whether another policy keeps its secrets in the same places.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.settings == other.settings && self.data_dir == other.data_dir
    }

    /// What the policy says about them.
    pub(crate) const fn settings(&self) -> &Secrets {
        &self.settings
    }

    /// The file of master keys; none where they are handed in.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        match &self.settings.key {
            MasterKey::InDataFolder => Some(self.data_dir.join(KEY_FILE)),
            MasterKey::File(path) => Some(path.clone()),
            MasterKey::Text(_) => None,
        }
    }

    pub(crate) fn keyring(&self) -> anyhow::Result<Keyring> {
        Ok(match (&self.settings.key, self.key_file()) {
            (MasterKey::Text(text), _) => Keyring::parse(text)?,
            (_, Some(path)) => Keyring::open(&path)?,
            (_, None) => anyhow::bail!("no master key is named"),
        })
    }

    /// What opens the keys of the inference log.
    pub(crate) fn inference_keys(&self) -> bartizan_inference::KeySource {
        super::inference::keys(self.settings.clone(), &self.data_dir)
    }

    /// The store, as it is on the disk now.
    pub(crate) fn store(&self) -> anyhow::Result<Arc<SecretStore>> {
        let mut known = self.store.lock();
        if let Some(store) = &*known {
            match store.reload_if_changed() {
                Ok(_) => return Ok(Arc::clone(store)),
                // A new master key is only known to a keyring that is read again. Whatever else is wrong stays so:
                // what was known is not given up for a file that does not follow from it.
                Err(error) if needs_new_keys(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "the store of secrets stays as it was");
                    return Ok(Arc::clone(store));
                }
            }
        }
        let store = SecretStore::open(&self.data_dir.join(STORE_FILE), &self.keyring()?)?;
        Ok(Arc::clone(known.insert(Arc::new(store))))
    }

    /// The store with the master keys that are there now.
    pub(crate) fn reopened(&self) -> anyhow::Result<Arc<SecretStore>> {
        *self.store.lock() = None;
        self.store()
    }

    /// Makes the file of master keys where there is none; true when it did.
    pub(crate) fn make_key(&self) -> anyhow::Result<bool> {
        let Some(path) = self.key_file().filter(|path| !path.exists()) else { return Ok(false) };
        let sealed = [self.data_dir.join(STORE_FILE), self.data_dir.join(FOLDER).join(KEYS_FILE)];
        if sealed.iter().any(|path| path.exists()) {
            // Another key would not open what is there.
            return Ok(false);
        }
        keyring::make_file(&path)?;
        Ok(true)
    }

    /// A text that is another one when the files have changed that values and keys are in.
    pub(crate) fn files_state(&self) -> String {
        let mut state = String::new();
        let files = [Some(self.data_dir.join(STORE_FILE)), self.key_file()];
        for path in files.into_iter().flatten() {
            if let Ok(found) = std::fs::metadata(&path) {
                // Writing to a string cannot fail.
                let _ = write!(state, "{} {:?}\0", found.len(), found.modified().ok());
            }
        }
        state
    }

    /// Asks Vault again for what it is time to.
    pub(crate) fn refresh_vault(&self) {
        let Some(settings) = &self.settings.vault else { return };
        let due: Vec<String> = self
            .vault
            .lock()
            .iter()
            .filter(|(_, asked)| asked.tried.elapsed() >= settings.refresh)
            .map(|(reference, _)| reference.clone())
            .collect();
        for reference in due {
            // What is wrong is said, and the last value stays.
            let _ = self.of_vault(&reference);
        }
        // A policy that was refused for want of a value is read again.
        if self.missed.lock().is_some_and(|missed| missed.elapsed() >= settings.refresh) {
            *self.missed.lock() = None;
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A text that is another one when a value that Vault gave is.
    pub(crate) fn vault_state(&self) -> String {
        if self.settings.vault.is_none() {
            return String::new();
        }
        let vault = self.vault.lock();
        let mut values: Vec<_> = vault.iter().collect();
        values.sort_by_key(|(reference, _)| *reference);
        let mut digest = Sha256::new();
        for (reference, asked) in values {
            digest.update((reference.len() as u64).to_le_bytes());
            digest.update(reference);
            digest.update((asked.value.expose().len() as u64).to_le_bytes());
            digest.update(asked.value.expose());
        }
        let retries = self.retries.load(Ordering::Relaxed);
        format!("{:x?} {retries}", digest.finalize().as_slice())
    }

    fn of_store(&self, name: &str) -> Result<Secret, SecretProblem> {
        let name: SecretName = name.parse().map_err(|error| problem(&error))?;
        let store = self.store().map_err(|error| SecretProblem {
            message: chain(error.as_ref()),
            help: help(&error).to_owned(),
        })?;
        store.get(&name, time::now()).map_err(|error| match error {
            SecretsError::NotFound { .. } => SecretProblem {
                message: error.to_string(),
                help: format!("set it: `bartizan secret set {name}`"),
            },
            error => problem(&error),
        })
    }

    fn of_vault(&self, reference: &str) -> Result<Secret, SecretProblem> {
        let Some(settings) = &self.settings.vault else {
            return Err(SecretProblem {
                message: format!("`{reference}` refers to Vault, and the policy names none"),
                help: "add `secrets: { vault: { address: …, token: … } }`".to_owned(),
            });
        };
        let parsed: Reference = reference.parse().map_err(|error| problem(&error))?;
        if let Some(known) = self.vault.lock().get(reference)
            && known.tried.elapsed() < settings.refresh
        {
            return Ok(known.value.clone());
        }
        let now = Instant::now();
        match fetch(settings, &parsed) {
            Ok(VaultSecret { value, .. }) => {
                let asked = Asked { value: value.clone(), at: now, tried: now };
                self.vault.lock().insert(reference.to_owned(), asked);
                Ok(value)
            }
            Err(Missed { problem: found, is_away }) => {
                let mut vault = self.vault.lock();
                *self.missed.lock() = Some(now);
                let known = vault.get_mut(reference);
                // What Vault says is gone or not for this process is not used for want of an answer.
                let Some(known) = known.filter(|known| is_away && known.at.elapsed() < VAULT_STALE)
                else {
                    vault.remove(reference);
                    return Err(found);
                };
                known.tried = now;
                let why = &found.message;
                tracing::warn!(
                    reference,
                    why,
                    "Vault does not give a value again; the last one stays"
                );
                Ok(known.value.clone())
            }
        }
    }
}

impl FindSecret for SecretSource {
    fn find(&self, reference: &str) -> Result<Secret, SecretProblem> {
        match reference.strip_prefix("secret:") {
            Some(name) => self.of_store(name),
            None => self.of_vault(reference),
        }
    }
}

/// Asks Vault, on a thread of its own: callers may be on one that must not block.
fn fetch(settings: &Vault, reference: &Reference) -> Result<VaultSecret, Missed> {
    let here = |problem| Missed { problem, is_away: false };
    let away = |problem| Missed { problem, is_away: true };
    let namespace = settings.namespace.as_deref().map(str::parse::<Namespace>).transpose();
    let namespace = namespace.map_err(|error| here(problem(&error)))?;
    let headers = vault::headers(&settings.token, namespace.as_ref());
    let mut sent = Vec::new();
    for header in headers.map_err(|error| here(problem(&error)))? {
        let mut value = HeaderValue::from_str(header.value.expose()).map_err(|_| {
            here(problem(&VaultError::Token("a token of Vault has visible ASCII characters")))
        })?;
        value.set_sensitive(true);
        sent.push((HeaderName::from_static(header.name), value));
    }
    let url = format!("{}{}", settings.address, reference.request_path());
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| {
            away(SecretProblem { message: error.to_string(), help: String::new() })
        })?;
        let asking = bartizan_relay::ask(&url, settings.ca.as_deref(), &sent, REPLY_BYTES);
        runtime.block_on(asking).map_err(|error| {
            away(SecretProblem {
                message: format!("Vault does not answer: {}", chain(&error)),
                help: "check `secrets.vault.address` and `ca`, and whether Vault runs".to_owned(),
            })
        })
    };
    let answered = std::thread::scope(|scope| match scope.spawn(ask).join() {
        Ok(answered) => answered,
        Err(panic) => std::panic::resume_unwind(panic),
    });
    let (status, body) = answered?;
    let body = body.unwrap_or_default();
    let read = vault::read_reply(status.as_u16(), &body, reference, time::now());
    read.map_err(|error| Missed {
        is_away: error.class() == Class::Unavailable,
        problem: problem(&error),
    })
}

/// Whether a file is sealed with a key that the keyring did not have when it was read.
fn needs_new_keys(error: &SecretsError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(SealError::UnknownKey { .. })) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn problem(error: &(impl Coded + 'static)) -> SecretProblem {
    let help = codes::fix(error.code()).filter(|fix| !fix.is_empty());
    let help = help.unwrap_or("look at the cause").to_owned();
    SecretProblem { message: chain(error), help }
}

fn help(error: &anyhow::Error) -> &'static str {
    let code = error
        .downcast_ref::<SecretsError>()
        .map(Coded::code)
        .or_else(|| error.downcast_ref::<bartizan_secrets::KeyringError>().map(Coded::code));
    let fix = code.and_then(codes::fix).filter(|fix| !fix.is_empty());
    fix.unwrap_or("`bartizan secret set NAME` makes the first secret, and the key for it")
}
