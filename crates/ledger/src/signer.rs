//! The key by which a log signs its checkpoints, and its public half beside it.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::disk::{Disk, Durably, read_text};
use crate::error::LedgerError;
use crate::note::{Algorithm, KeyName, SigningKey, VerifyingKey};
use crate::tree::begin;

/// The private key; readable by its owner alone.
const PRIVATE_FILE: &str = "signing.key";
/// The public key, for whoever verifies the log.
const PUBLIC_FILE: &str = "log.vkey";
/// Most bytes of either.
const KEY_BYTES: u64 = 1024;

/// The key of the log in a folder. One is made for a log that `is_new`, with the name of the log in
/// it.
///
/// # Errors
/// [`LedgerError::Key`], when it is missing, cannot be read or cannot be kept.
pub(crate) fn open(disk: &dyn Disk, dir: &Path, is_new: bool) -> Result<SigningKey, LedgerError> {
    let path = dir.join(PRIVATE_FILE);
    let failed = |source: io::Error| LedgerError::Key { path: path.clone(), source };
    let wrong = |error| failed(io::Error::new(io::ErrorKind::InvalidData, error));
    let key = match read_text(&path, KEY_BYTES).map(Zeroizing::new) {
        Ok(text) => SigningKey::from_secret_text(text.trim_ascii_end()).map_err(wrong)?,
        // A log whose key is lost must not be signed by another one without anybody noticing.
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_new => {
            let key = SigningKey::generate(name().map_err(failed)?, Algorithm::Ed25519);
            let key = key.map_err(wrong)?;
            // INVARIANT: whoever has a key has signed something, if only that there is nothing yet.
            begin(disk, dir, &key).map_err(failed)?;
            let text = Zeroizing::new(format!("{}\n", key.to_secret_text().as_str()));
            disk.put(&path, text.as_bytes(), Durably::Yes).map_err(failed)?;
            key
        }
        Err(error) => return Err(failed(error)),
    };
    let public = format!("{}\n", key.verifying());
    if read_text(&dir.join(PUBLIC_FILE), KEY_BYTES).ok().as_deref() != Some(&public) {
        disk.put(&dir.join(PUBLIC_FILE), public.as_bytes(), Durably::Yes).map_err(failed)?;
    }
    Ok(key)
}

/// The public key that lies in the folder of a log.
///
/// # Errors
/// What the system says, or that it is no key.
pub fn public_key(dir: &Path) -> io::Result<VerifyingKey> {
    read_public(&dir.join(PUBLIC_FILE))
}

/// Reads a public key from its file.
pub(crate) fn read_public(path: &Path) -> io::Result<VerifyingKey> {
    let text = read_text(path, KEY_BYTES)?;
    let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    text.trim_ascii_end().parse().map_err(wrong)
}

/// A name that no other log has.
fn name() -> io::Result<KeyName> {
    let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    format!("bartizan.invalid/log/{number:016x}").parse().map_err(io::Error::other)
}
