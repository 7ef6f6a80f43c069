//! A folder with a store in it, and a clock that stands still.

use std::path::{Path, PathBuf};

use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use tempfile::TempDir;

use crate::keyring::{Keyring, tests::key_text};
use crate::{SecretName, SecretStore};

/// When everything begins.
pub(super) const T0: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// So many seconds later.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(T0.as_second() + seconds).unwrap()
}

pub(super) fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text)
}

/// A keyring of keys that are known.
pub(super) fn keyring(keys: &[u8]) -> Keyring {
    let lines: Vec<String> = keys.iter().map(|start| key_text(*start)).collect();
    Keyring::parse(&Secret::new(lines.join("\n"))).unwrap()
}

/// A folder that is gone when the test ends.
pub(super) struct Place {
    _dir: TempDir,
    file: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("data").join("secrets.json");
        Self { _dir: dir, file }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The store, as another process would open it.
    pub(super) fn open(&self) -> SecretStore {
        self.open_with(&[0]).unwrap()
    }

    pub(super) fn open_with(&self, keys: &[u8]) -> Result<SecretStore, crate::SecretsError> {
        SecretStore::open(&self.file, &keyring(keys))
    }

    pub(super) fn text(&self) -> String {
        bartizan_core::limits::read_text_file(&self.file, crate::FILE_BYTES).unwrap()
    }

    /// Puts another file in the place, as an attacker or an administrator would.
    pub(super) fn write(&self, text: &str) {
        let new = self.file.with_file_name("other");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
    }
}
