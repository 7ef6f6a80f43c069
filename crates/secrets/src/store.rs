//! The store of secrets: one file that several processes may read and change.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bartizan_core::private;
use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use parking_lot::{Mutex, RwLock};

use crate::contents::Contents;
use crate::disk::{Seen, Stamp};
use crate::document::{self, Document, FILE_BYTES, Problem};
use crate::error::SecretsError;
use crate::keyring::{KeyId, Keyring};
use crate::name::SecretName;
use crate::record::SecretRecord;
use crate::sealer::Sealer;

/// What the keys of the store are derived for.
const PURPOSE: &str = "secrets";

/// Named secrets with their earlier values, sealed in one file with keys of a [`Keyring`].
///
/// Names, notes and times lie in the file in clear; values do not, and how long each is can be seen. Whoever has no
/// master key can change nothing in the file unnoticed: no value, no name or time, none added or left out, none put
/// back from before. Such a file is refused whole.
///
/// What cannot be noticed: an old copy of the *whole* file, put back while nobody has it open. A process that knows a
/// later one refuses it, also when others have changed it since ([`SecretsError::Replaced`]); one that starts then
/// cannot know. Neither can it know that the file was deleted: then the store is empty, and no secret is found.
/// Whoever has a master key, or reads the memory of the process, has everything.
///
/// Each file knows the 256 before it. A process that misses more changes than that is told the same, though nothing
/// is wrong, until it opens the store anew: whoever does so takes the file as it is.
///
/// Values are opened when the file is read, to check them, and when they are asked for; they lie sealed in memory
/// otherwise. Changes hold the lock of the file and begin with what the file says then, so that two processes lose
/// nothing, on file systems that know locks; each change writes the file whole. All times are handed in. Where the clock of `now` is set back, a value whose overlap had ended is given out again,
/// unless a change came between.
pub struct SecretStore {
    path: PathBuf,
    sealer: Sealer,
    state: RwLock<State>,
    /// Held by whoever makes another state, from reading the file on: states are made in the order of the file.
    changing: Mutex<()>,
}

struct State {
    document: Option<Document>,
    /// What a store has that has no file yet.
    empty: Contents,
    seen: Option<Seen>,
}

impl State {
    fn contents(&self) -> &Contents {
        self.document.as_ref().map_or(&self.empty, |document| &document.contents)
    }

    fn stamp(&self) -> Option<Stamp> {
        self.seen.as_ref().map(Seen::stamp)
    }
}

impl SecretStore {
    /// Opens the file at a path, and checks every seal in it. Where there is none, the store is empty and the first
    /// change makes the file.
    ///
    /// # Errors
    /// [`SecretsError`]. A file that cannot be verified is never taken for an empty one.
    pub fn open(path: &Path, keyring: &Keyring) -> Result<Self, SecretsError> {
        let sealer = keyring.derive(PURPOSE).map_err(SecretsError::Keyring)?;
        let (document, seen) = load(path, &sealer)?.unzip();
        let state = State { document, empty: Contents::empty()?, seen };
        let path = path.to_owned();
        Ok(Self { path, sealer, state: RwLock::new(state), changing: Mutex::new(()) })
    }

    /// The current value of a secret.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`], [`SecretsError::Expired`].
    pub fn get(&self, name: &SecretName, now: Timestamp) -> Result<Secret, SecretsError> {
        self.state.read().contents().get(&self.sealer, name, now)
    }

    /// The newest earlier value of a secret whose overlap lasts and which has not expired; none where there is none.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`].
    pub fn previous(
        &self,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<Option<Secret>, SecretsError> {
        self.state.read().contents().previous(&self.sealer, name, now)
    }

    /// What is known about one secret.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`].
    pub fn record(&self, name: &SecretName, now: Timestamp) -> Result<SecretRecord, SecretsError> {
        self.state.read().contents().record(name, now)
    }

    /// What is known about all secrets, by their names.
    ///
    /// # Errors
    /// [`SecretsError::Seal`], which a file that was verified does not give.
    pub fn list(&self, now: Timestamp) -> Result<Vec<SecretRecord>, SecretsError> {
        self.state.read().contents().records(now)
    }

    /// Ids of the master keys that the file needs: to seal itself, its values and their earlier ones. All others can
    /// be retired, as far as this store goes.
    ///
    /// # Errors
    /// [`SecretsError::Seal`], which a file that was verified does not give.
    pub fn keys_in_use(&self) -> Result<BTreeSet<KeyId>, SecretsError> {
        let state = self.state.read();
        let mut keys = state.contents().keys_in_use().map_err(SecretsError::Seal)?;
        if let Some(document) = &state.document {
            keys.insert(document.sealed_by().map_err(SecretsError::Seal)?);
        }
        Ok(keys)
    }

    /// Keeps a new secret, of 1 to [`VALUE_BYTES`](crate::VALUE_BYTES) bytes. From `expires` on it is not given out.
    ///
    /// # Errors
    /// [`SecretsError::Exists`], where there is one with this name; or what forbids the value, the note, the times or
    /// the change. Then everything is as it was.
    pub fn set(
        &self,
        name: &SecretName,
        value: &Secret,
        note: Option<String>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<SecretRecord, SecretsError> {
        self.change(now, |contents, sealer| {
            contents.set(sealer, name, value, note, expires, now)?;
            contents.record(name, now)
        })
    }

    /// Gives a secret a new value. The one before is still given out by [`previous`](Self::previous) while the
    /// overlap lasts, and so are those before it as long as their own overlaps do, up to
    /// [`VERSIONS_MAX`](crate::VERSIONS_MAX): the oldest make room. Without an overlap, all of them are forgotten.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`], [`SecretsError::SameValue`], [`SecretsError::OverlapTooLong`] past
    /// [`OVERLAP_MAX`](crate::OVERLAP_MAX), or what forbids the value or the change. Then everything is as it was.
    pub fn rotate(
        &self,
        name: &SecretName,
        value: &Secret,
        overlap: Duration,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<SecretRecord, SecretsError> {
        self.change(now, |contents, sealer| {
            contents.rotate(sealer, name, value, overlap, expires, now)?;
            contents.record(name, now)
        })
    }

    /// Makes the value that [`previous`](Self::previous) gives the current one again. The one that was current takes
    /// its place, until the end of its overlap: a second rollback takes back the first.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`], [`SecretsError::NoPrevious`], or what forbids the change. Then everything is as it
    /// was.
    pub fn rollback(
        &self,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<SecretRecord, SecretsError> {
        self.change(now, |contents, _| {
            contents.rollback(name, now)?;
            contents.record(name, now)
        })
    }

    /// Removes a secret with all its values.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`], or what forbids the change. Then everything is as it was.
    pub fn remove(&self, name: &SecretName, now: Timestamp) -> Result<(), SecretsError> {
        self.change(now, |contents, _| contents.remove(name))
    }

    /// Seals everything again with the current master key, and says how many values there are. Afterwards the file
    /// needs no older master key; backups of it still do.
    ///
    /// # Errors
    /// What forbids the change. Then everything is as it was.
    pub fn rekey(&self, now: Timestamp) -> Result<usize, SecretsError> {
        self.change(now, Contents::rekey)
    }

    /// Reads the file again if it is another one than that which was read or written last, and says whether there
    /// was anything new. Where nothing changed, that takes one question to the system.
    ///
    /// # Errors
    /// [`SecretsError`], also where the file has gone. What was known before is still given out.
    pub fn reload_if_changed(&self) -> Result<bool, SecretsError> {
        // INVARIANT: before the file is looked at, which may have come into being since.
        let known = self.state.read().stamp();
        if Stamp::at(&self.path).map_err(|source| self.unreadable(source))? == known {
            return Ok(false);
        }
        let _changing = self.changing.lock();
        let Some((document, seen)) = self.load()? else { return Ok(false) };
        let mut state = self.state.write();
        let before = state.document.as_ref().map(|document| document.contents.serial);
        let is_new = before != Some(document.contents.serial);
        (state.document, state.seen) = (Some(document), Some(seen));
        Ok(is_new)
    }

    /// Changes what the file says now.
    fn change<T>(
        &self,
        now: Timestamp,
        edit: impl FnOnce(&mut Contents, &Sealer) -> Result<T, SecretsError>,
    ) -> Result<T, SecretsError> {
        let _changing = self.changing.lock();
        let _lock = private::lock(&self.path).map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => SecretsError::Locked { path: self.path.clone() },
            _ => self.unwritable(source),
        })?;
        let mut contents = match self.load()? {
            Some((document, _)) => document.into_next(),
            None => self.state.read().empty.clone(),
        };
        contents.drop_ended(now);
        let made = edit(&mut contents, &self.sealer)?;
        contents.serial = contents.serial.checked_add(1).ok_or(SecretsError::Full)?;
        let (document, bytes) = document::write(contents, &self.sealer)?;
        let file = private::put(&self.path, &bytes).map_err(|source| self.unwritable(source))?;
        let seen = Seen::new(file).map_err(|source| self.unwritable(source))?;
        let mut state = self.state.write();
        (state.document, state.seen) = (Some(document), Some(seen));
        Ok(made)
    }

    /// What the file says now, if it is what became of that which is known; nothing where there is none and was none.
    fn load(&self) -> Result<Option<(Document, Seen)>, SecretsError> {
        let loaded = load(&self.path, &self.sealer)?;
        let state = self.state.read();
        match (&state.document, &loaded) {
            (Some(_), None) => Err(SecretsError::Disappeared { path: self.path.clone() }),
            (Some(known), Some((new, _))) if !new.follows(known) => {
                Err(SecretsError::Replaced { path: self.path.clone() })
            }
            _ => Ok(loaded),
        }
    }

    fn unreadable(&self, source: io::Error) -> SecretsError {
        SecretsError::Read { path: self.path.clone(), source }
    }

    fn unwritable(&self, source: io::Error) -> SecretsError {
        SecretsError::Write { path: self.path.clone(), source }
    }
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.read();
        f.debug_struct("SecretStore")
            .field("path", &self.path)
            .field("sealer", &self.sealer)
            .field("serial", &state.contents().serial)
            .field("secrets", &state.contents().entries.len())
            .finish_non_exhaustive()
    }
}

/// Reads and verifies the file at a path; nothing where there is none.
fn load(path: &Path, sealer: &Sealer) -> Result<Option<(Document, Seen)>, SecretsError> {
    let failed = |source| SecretsError::Read { path: path.to_owned(), source };
    let file = match private::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let seen = Seen::new(file).map_err(failed)?;
    let bytes = seen.read(FILE_BYTES).map_err(failed)?;
    let document = document::read(&bytes, sealer).map_err(|problem| match problem {
        Problem::Schema => SecretsError::Schema { path: path.to_owned() },
        Problem::Damaged(reason) => SecretsError::Damaged { path: path.to_owned(), reason },
        Problem::Seal(source) => SecretsError::Unverified { path: path.to_owned(), source },
    })?;
    Ok(Some((document, seen)))
}
