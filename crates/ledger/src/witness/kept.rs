//! A witness that remembers what it signed, in a folder of its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Followed, Refused, Submission, cosign, decide};
use crate::checkpoint::Checkpoint;
use crate::disk::{self, Disk as _, Durably, FileSystem, read_text};
use crate::error::LedgerError;
use crate::note::{Algorithm, KeyName, NOTE_BYTES, SigningKey, VerifyingKey};
use crate::signer::read_public;

/// The private key; readable by its owner alone.
const PRIVATE_FILE: &str = "witness.key";
/// The public key, for whoever trusts this witness.
const PUBLIC_FILE: &str = "witness.vkey";
/// Most bytes of a key.
const KEY_BYTES: u64 = 1024;

/// Signs checkpoints of logs that it follows, and never two that contradict each other: what it signs is
/// on the disk before anybody sees the signature.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    key: SigningKey,
    logs: Vec<VerifyingKey>,
    /// Held from the look at what was signed before until the new one is kept.
    deciding: Mutex<()>,
    /// The system gives the lock back when this closes, also when the process dies.
    _lock: File,
}

/// Why a witness gives no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// It must not sign.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It cannot read or keep what it has signed, and so signs nothing.
    #[error("the witness cannot use `{path}`")]
    Memory {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl WitnessError {
    /// Status of the answer, as the specification has it where it says something.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Refused(refused) => refused.status(),
            Self::Memory { .. } => 503,
        }
    }

    /// How far the witness has followed, when that is the answer.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        match self {
            Self::Refused(Refused::Elsewhere { size }) => Some(*size),
            _ => None,
        }
    }
}

impl Witness {
    /// Opens the witness in the folder `dir`, which is created with a new key when missing. `logs` are
    /// the keys of the logs that it follows.
    ///
    /// # Errors
    /// [`LedgerError::Locked`] when another process has it open, [`LedgerError::Key`] when its key cannot
    /// be read or kept, [`LedgerError::Folder`] when the system refuses.
    pub fn open(dir: &Path, logs: Vec<VerifyingKey>) -> Result<Self, LedgerError> {
        let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
        disk::private_folder(dir).map_err(folder)?;
        let lock = disk::lock_folder(dir)?;
        let path = dir.join(PRIVATE_FILE);
        let key = key(dir, &path).map_err(|source| LedgerError::Key { path, source })?;
        Ok(Self { dir: dir.to_owned(), key, logs, deciding: Mutex::new(()), _lock: lock })
    }

    /// The key by which others know this witness.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        self.key.verifying()
    }

    /// Judges a submission, at `time` in seconds since 1970, and gives the line that is added to the
    /// checkpoint, with its end.
    ///
    /// # Errors
    /// [`WitnessError`], when there is no signature.
    pub fn sign(&self, submission: &Submission, time: u64) -> Result<String, WitnessError> {
        let _one_at_a_time = self.deciding.lock();
        let mut failed = None;
        let last = |origin: &str| {
            self.last(origin).unwrap_or_else(|error| {
                failed = Some(error);
                Followed::nothing()
            })
        };
        let decided = decide(submission, &self.logs, last);
        if let Some(error) = failed {
            return Err(error);
        }
        let (checkpoint, _) = decided?;
        self.keep(&checkpoint)?;
        Ok(format!("{}\n", cosign(&checkpoint, &self.key, time)))
    }

    /// What was signed last of a log.
    fn last(&self, origin: &str) -> Result<Followed, WitnessError> {
        let path = self.memory(origin);
        let memory = |source| WitnessError::Memory { path: path.clone(), source };
        let text = match read_text(&path, NOTE_BYTES as u64) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Followed::nothing());
            }
            Err(error) => return Err(memory(error)),
        };
        let kept: Checkpoint = text
            .parse()
            .map_err(|error| memory(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        if kept.origin != origin {
            return Err(memory(io::Error::new(io::ErrorKind::InvalidData, "it is of another log")));
        }
        Ok(Followed { size: kept.size, root: kept.root })
    }

    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), WitnessError> {
        let path = self.memory(&checkpoint.origin);
        let bare = Checkpoint { extensions: Vec::new(), ..checkpoint.clone() };
        FileSystem
            .put(&path, bare.to_string().as_bytes(), Durably::Yes)
            .map_err(|source| WitnessError::Memory { path, source })
    }

    /// Where it is kept what was signed of a log. Names of logs are not names of files.
    fn memory(&self, origin: &str) -> PathBuf {
        let digest = Sha256::digest(origin.as_bytes());
        let name = digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        self.dir.join(format!("{name:032x}.signed"))
    }
}

/// The public key of the witness in a folder.
///
/// # Errors
/// What the system says, or that it is no key.
pub fn public_key(dir: &Path) -> io::Result<VerifyingKey> {
    read_public(&dir.join(PUBLIC_FILE))
}

fn key(dir: &Path, path: &Path) -> io::Result<SigningKey> {
    let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let key = match read_text(path, KEY_BYTES).map(Zeroizing::new) {
        Ok(text) => SigningKey::from_secret_text(text.trim_ascii_end()).map_err(wrong)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
            let name = format!("bartizan.invalid/witness/{number:016x}");
            let name: KeyName = name.parse().map_err(wrong)?;
            let key = SigningKey::generate(name, Algorithm::Cosignature).map_err(wrong)?;
            let text = Zeroizing::new(format!("{}\n", key.to_secret_text().as_str()));
            FileSystem.put(path, text.as_bytes(), Durably::Yes)?;
            key
        }
        Err(error) => return Err(error),
    };
    let public = format!("{}\n", key.verifying());
    let path = dir.join(PUBLIC_FILE);
    if read_text(&path, KEY_BYTES).ok().as_deref() != Some(&public) {
        FileSystem.put(&path, public.as_bytes(), Durably::Yes)?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{key as log_key, submission};
    use super::*;

    fn log() -> SigningKey {
        log_key("example.org/log", Algorithm::Ed25519)
    }

    #[test]
    fn what_was_signed_is_remembered_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let (log, other) = (log(), log_key("example.org/other", Algorithm::Ed25519));
        let logs = vec![log.verifying().clone(), other.verifying().clone()];
        let witness = Witness::open(dir.path(), logs.clone()).unwrap();
        let key = witness.key().clone();
        let second = Witness::open(dir.path(), logs.clone());
        assert!(matches!(second, Err(LedgerError::Locked { .. })), "{second:?}");
        let good = submission(&log, 0, 3, 99, 0);
        let line = witness.sign(&good, 1_700_000_000).unwrap();
        let mut note = good.checkpoint.clone();
        for line in crate::note::parse_signatures(&line).unwrap() {
            note.add(line);
        }
        note.verify(std::slice::from_ref(&key)).unwrap();
        witness.sign(&submission(&other, 0, 5, 99, 0), 1).unwrap();
        drop(witness);

        let witness = Witness::open(dir.path(), logs).unwrap();
        assert_eq!(witness.key(), &key);
        let again = witness.sign(&submission(&log, 0, 3, 99, 0), 1).unwrap_err();
        assert_eq!((again.status(), again.size()), (409, Some(3)));
        let forked = witness.sign(&submission(&log, 3, 8, 1, 1), 1).unwrap_err();
        assert_eq!(forked.status(), 422);
        witness.sign(&submission(&log, 3, 8, 99, 0), 1).unwrap();
        witness.sign(&submission(&other, 5, 8, 99, 0), 1).unwrap();
    }

    #[test]
    fn without_its_memory_it_signs_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let log = log();
        let witness = Witness::open(dir.path(), vec![log.verifying().clone()]).unwrap();
        witness.sign(&submission(&log, 0, 3, 99, 0), 1).unwrap();
        let memory = witness.memory("example.org/log");
        std::fs::write(&memory, "no checkpoint").unwrap();
        for submission in [submission(&log, 0, 3, 99, 0), submission(&log, 3, 8, 99, 0)] {
            assert_eq!(witness.sign(&submission, 1).unwrap_err().status(), 503);
        }
        // A checkpoint of another log in its place is no memory either.
        let other = log_key("example.org/other", Algorithm::Ed25519);
        std::fs::write(&memory, submission(&other, 0, 3, 99, 0).checkpoint.text()).unwrap();
        assert_eq!(witness.sign(&submission(&log, 3, 8, 99, 0), 1).unwrap_err().status(), 503);
    }
}
