//! The keys by which a log signs its checkpoints, and their public halves beside them.
//!
//! All private keys of a log are in one file, the current one first: a key is added to them, and taken
//! away, in one step, and no backup has one of them without the other. [`Keys`] says which sign; when a key
//! is changed and what the log says about it is for the writer.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::disk::{Disk, Durably, read_text, refuse_others};
use crate::error::LedgerError;
use crate::note::{Algorithm, KeyName, Note, SigningKey, VerifyingKey};
use crate::tree::begin;

/// The private keys, a line each: the current one, and the one before as long as it signs along.
/// Readable by its owner alone.
const PRIVATE_FILE: &str = "signing.key";
/// The current public key, for whoever verifies the log.
const PUBLIC_FILE: &str = "log.vkey";
/// The public keys before that, a line each, the newest first.
const EARLIER_FILE: &str = "log.vkey.old";
/// Most bytes of a public key, and of all private ones.
const KEY_BYTES: u64 = 1024;
/// Earlier keys that are remembered: one a month for ten years.
const EARLIER_KEYS: usize = 128;
/// Most bytes of their file.
const EARLIER_BYTES: u64 = 64 << 10;

/// The keys of a log, all with its name.
#[derive(Debug)]
pub(crate) struct Keys {
    current: SigningKey,
    /// The one before, as long as it signs along.
    older: Option<SigningKey>,
    /// Whether the log says that it has the current one, in an entry that both have signed.
    is_announced: bool,
}

impl Keys {
    pub(crate) const fn current(&self) -> &VerifyingKey {
        self.current.verifying()
    }

    /// The current key and the one before, while both sign.
    pub(crate) fn both(&self) -> Option<(VerifyingKey, VerifyingKey)> {
        let older = self.older.as_ref()?;
        Some((self.current().clone(), older.verifying().clone()))
    }

    /// Whether the log says whom the current key belongs to.
    pub(crate) const fn is_announced(&self) -> bool {
        self.is_announced
    }

    /// Keys of which one has to have signed the last checkpoint: the current one, except when it was made a
    /// moment ago and a crash came between.
    pub(crate) fn accepted(&self) -> Vec<VerifyingKey> {
        let older = self.older.as_ref().filter(|_| !self.is_announced);
        [Some(&self.current), older]
            .into_iter()
            .flatten()
            .map(|key| key.verifying().clone())
            .collect()
    }

    /// Signs a text, the current key first.
    ///
    /// # Errors
    /// That the text can be in no note.
    pub(crate) fn sign(&self, text: String, time: u64) -> io::Result<Note> {
        let mut note = Note::new(text).map_err(io::Error::other)?;
        for key in [Some(&self.current), self.older.as_ref()].into_iter().flatten() {
            note.add(key.sign(note.text(), time));
        }
        Ok(note)
    }

    /// Makes a new key, which is the current one from then on. The one before signs along.
    ///
    /// # Errors
    /// [`LedgerError::TwoKeys`], when there are two already, [`LedgerError::Key`], when they cannot be kept.
    pub(crate) fn add(&mut self, disk: &dyn Disk, dir: &Path) -> Result<(), LedgerError> {
        if let Some((_, older)) = self.both() {
            return Err(LedgerError::TwoKeys { older });
        }
        let failed = |source| LedgerError::Key { path: dir.join(PRIVATE_FILE), source };
        let made = SigningKey::generate(self.current().name().clone(), Algorithm::Ed25519);
        let made = made.map_err(io::Error::other).map_err(failed)?;
        replace(disk, &dir.join(PRIVATE_FILE), &[&made, &self.current]).map_err(failed)?;
        self.older = Some(std::mem::replace(&mut self.current, made));
        self.is_announced = false;
        Ok(())
    }

    /// Notes that the log says whom the current key belongs to, and shows the key to whoever verifies.
    ///
    /// # Errors
    /// [`LedgerError::Key`], when that cannot be kept.
    pub(crate) fn announced(&mut self, disk: &dyn Disk, dir: &Path) -> Result<(), LedgerError> {
        if let Some((current, older)) = self.both() {
            let path = dir.join(EARLIER_FILE);
            let keep = || -> io::Result<()> {
                let mut earlier = earlier_keys(dir)?;
                earlier.retain(|key| *key != older);
                earlier.insert(0, older);
                earlier.truncate(EARLIER_KEYS);
                let lines: Vec<String> = earlier.iter().map(ToString::to_string).collect();
                let lines = lines.join("\n") + "\n";
                disk.put(&path, lines.as_bytes(), Durably::Yes)
            };
            keep().map_err(|source| LedgerError::Key { path: path.clone(), source })?;
            // INVARIANT: the last step, since it is by this file that a start knows whether all was done.
            show(disk, dir, &current)?;
        }
        self.is_announced = true;
        Ok(())
    }

    /// Forgets the older key, if there is one.
    ///
    /// # Errors
    /// [`LedgerError::Key`], when it cannot be removed.
    pub(crate) fn retire(&mut self, disk: &dyn Disk, dir: &Path) -> Result<(), LedgerError> {
        if self.older.is_some() {
            let path = dir.join(PRIVATE_FILE);
            replace(disk, &path, &[&self.current])
                .map_err(|source| LedgerError::Key { path, source })?;
            self.older = None;
        }
        Ok(())
    }
}

/// The keys of the log in a folder. One is made for a log that `is_new`, with the name of the log in
/// it.
///
/// # Errors
/// [`LedgerError::Key`], when it is missing, cannot be read or cannot be kept, or was replaced by another
/// one.
pub(crate) fn open(disk: &dyn Disk, dir: &Path, is_new: bool) -> Result<Keys, LedgerError> {
    let path = dir.join(PRIVATE_FILE);
    let failed = |source: io::Error| LedgerError::Key { path: path.clone(), source };
    clear(disk, &path.with_added_extension("new")).map_err(failed)?;
    let mut keys = match read_text(&path, KEY_BYTES).map(Zeroizing::new) {
        Ok(text) => parse(&text).map_err(failed)?,
        // A log whose key is lost must not be signed by another one without anybody noticing.
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_new => {
            let key = SigningKey::generate(name().map_err(failed)?, Algorithm::Ed25519);
            let current = key.map_err(|error| failed(invalid(error)))?;
            let keys = Keys { current, older: None, is_announced: true };
            // INVARIANT: whoever has a key has signed something, if only that there is nothing yet.
            begin(disk, dir, &keys).map_err(failed)?;
            disk.put(&path, lines(&[&keys.current]).as_bytes(), Durably::Yes).map_err(failed)?;
            keys
        }
        Err(error) => return Err(failed(error)),
    };
    let shown = read_public(&dir.join(PUBLIC_FILE)).ok();
    let is_shown = shown.as_ref() == Some(keys.current());
    let earlier = earlier_keys(dir)
        .map_err(|source| LedgerError::Key { path: dir.join(EARLIER_FILE), source })?;
    if earlier.contains(keys.current()) {
        // The log would go on under a key of which it says that another one took its place.
        return Err(failed(invalid("it was replaced by a newer one, which has to be put back")));
    }
    match keys.older {
        Some(_) => keys.is_announced = is_shown,
        None if !is_shown => show(disk, dir, keys.current())?,
        None => {}
    }
    Ok(keys)
}

fn show(disk: &dyn Disk, dir: &Path, key: &VerifyingKey) -> Result<(), LedgerError> {
    let path = dir.join(PUBLIC_FILE);
    let put = disk.put(&path, format!("{key}\n").as_bytes(), Durably::Yes);
    put.map_err(|source| LedgerError::Key { path, source })
}

/// The current public key that lies in the folder of a log.
///
/// # Errors
/// What the system says, or that it is no key.
pub fn public_key(dir: &Path) -> io::Result<VerifyingKey> {
    read_public(&dir.join(PUBLIC_FILE))
}

/// The public keys that the log in a folder had before, the newest first. Of these, the first may still sign
/// along.
///
/// # Errors
/// What the system says, or that one of them is no key.
pub fn earlier_keys(dir: &Path) -> io::Result<Vec<VerifyingKey>> {
    let text = match read_text(&dir.join(EARLIER_FILE), EARLIER_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    text.lines().map(|line| line.parse().map_err(invalid)).collect()
}

/// Reads a public key from its file.
pub(crate) fn read_public(path: &Path) -> io::Result<VerifyingKey> {
    let text = read_text(path, KEY_BYTES)?;
    text.trim_ascii_end().parse().map_err(invalid)
}

fn parse(text: &str) -> io::Result<Keys> {
    let key = |line: &str| SigningKey::from_secret_text(line).map_err(invalid);
    let mut lines = text.trim_ascii_end().split('\n');
    let current = key(lines.next().unwrap_or_default())?;
    let older = lines.next().map(key).transpose()?;
    let is_of_one_log = older.as_ref().is_none_or(|older| {
        older.verifying().name() == current.verifying().name()
            && older.verifying() != current.verifying()
    });
    if lines.next().is_some() || !is_of_one_log {
        return Err(invalid("it holds more than a key of the log and the one before"));
    }
    Ok(Keys { current, older, is_announced: true })
}

fn lines(keys: &[&SigningKey]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(KEY_BYTES as usize));
    for key in keys {
        text.push_str(&key.to_secret_text());
        text.push('\n');
    }
    text
}

/// Puts private keys in the place of others, and overwrites these: the system would leave them on the disk.
fn replace(disk: &dyn Disk, path: &Path, keys: &[&SigningKey]) -> io::Result<()> {
    // What is a link to somewhere else would be back after the next mount.
    refuse_others(path)?;
    let before = OpenOptions::new().write(true).open(path);
    disk.put(path, lines(keys).as_bytes(), Durably::Yes)?;
    if let Err(error) = before.and_then(overwrite) {
        tracing::warn!(%error, file = %path.display(), "what was in the file before may be left on the disk");
    }
    Ok(())
}

/// Removes what a crash left of putting private keys in their place.
fn clear(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => return Ok(()),
        Ok(_) => {}
    }
    let left = OpenOptions::new().write(true).open(path);
    disk.remove(path)?;
    if let Err(error) = left.and_then(overwrite) {
        tracing::warn!(%error, file = %path.display(), "a private key may be left on the disk");
    }
    Ok(())
}

/// Overwrites a file that has no name any more. One that has another is left alone: it is a backup.
#[cfg(unix)]
fn overwrite(mut file: File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = file.metadata()?;
    if metadata.nlink() > 0 {
        return Err(io::Error::other("it has another name"));
    }
    let zeros = vec![0; metadata.len().min(KEY_BYTES) as usize];
    file.write_all(&zeros)?;
    file.sync_all()
}

#[cfg(not(unix))]
fn overwrite(mut file: File) -> io::Result<()> {
    let zeros = vec![0; file.metadata()?.len().min(KEY_BYTES) as usize];
    file.write_all(&zeros)?;
    file.sync_all()
}

/// A name that no other log has.
fn name() -> io::Result<KeyName> {
    let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    format!("bartizan.invalid/log/{number:016x}").parse().map_err(io::Error::other)
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
