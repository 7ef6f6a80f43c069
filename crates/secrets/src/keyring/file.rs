//! The file of the master keys: readable by its owner alone, and changed in one step.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use bartizan_core::private;
use bartizan_core::redact::Secret;
use zeroize::Zeroizing;

use crate::disk::{Seen, Stamp};
use crate::error::KeyringError;

use super::{KEYS_MAX, KEYS_TEXT_BYTES, Key, KeyId, Keyring, lines};

/// What a new file begins with.
const HEAD: &str = "# Master keys of Bartizan. The first one seals, the others still open what was sealed before.\n\
                    # Without them, nobody can read what they sealed: keep a copy where the data is not.\n";

/// Makes a file with one new key, and says its id. Folders on the way are made.
///
/// # Errors
/// [`KeyringError::Exists`], where there is anything at this path.
pub fn make_file(path: &Path) -> Result<KeyId, KeyringError> {
    let _lock = lock(path)?;
    let key = Key::generate()?;
    let made = text_with(HEAD, &key, "").and_then(|text| private::create(path, text.as_bytes()));
    made.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyringError::Exists { path: path.to_owned() },
        _ => KeyringError::File { path: path.to_owned(), source },
    })?;
    Ok(key.id)
}

/// Puts a new key in front of the others, so that it is the current one for whoever reads the file from then on, and
/// says its id.
///
/// # Errors
/// [`KeyringError`]; then the file is as it was.
pub fn add_to_file(path: &Path) -> Result<KeyId, KeyringError> {
    let _lock = lock(path)?;
    let before = read(path)?;
    let ids = Keyring::parse(&before)?.ids();
    if ids.len() >= KEYS_MAX {
        return Err(KeyringError::TooMany);
    }
    let key = Key::generate()?;
    if ids.contains(&key.id) {
        // One in 2^32: whoever tries again gets another one.
        return Err(KeyringError::Twice { line: 1, id: key.id });
    }
    // Comments at the head stay there.
    let rest = before.expose();
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if !line.trim_ascii().starts_with('#') {
            break;
        }
        at += line.len();
    }
    let (head, rest) = rest.split_at_checked(at).unwrap_or(("", rest));
    let text = text_with(head, &key, rest)
        .map_err(|source| KeyringError::File { path: path.to_owned(), source })?;
    replace(path, &text)?;
    Ok(key.id)
}

/// Removes a key. What is sealed with it cannot be opened any more: [`Sealer::needs_reseal`](crate::Sealer::needs_reseal)
/// and [`SecretStore::keys_in_use`](crate::SecretStore::keys_in_use) say whether anything is.
///
/// # Errors
/// [`KeyringError::Current`] for the first key, and so for the last that is left; [`KeyringError::Unknown`]. Then the
/// file is as it was.
pub fn retire_in_file(path: &Path, id: KeyId) -> Result<(), KeyringError> {
    let _lock = lock(path)?;
    let before = read(path)?;
    let keyring = Keyring::parse(&before)?;
    if keyring.current() == id {
        return Err(KeyringError::Current { id });
    }
    if !keyring.ids().contains(&id) {
        return Err(KeyringError::Unknown { id });
    }
    let mut text = Zeroizing::new(String::with_capacity(before.expose().len() + 1));
    for (line, (_, key)) in before.expose().lines().zip(lines(before.expose())) {
        if key?.is_none_or(|key| key.id != id) {
            text.push_str(line);
            text.push('\n');
        }
    }
    replace(path, &text)
}

/// The keys of a file that was opened, or of the one that was put in its place since: what is replaced is overwritten,
/// and whoever reads it then finds no keys.
pub(super) fn keyring(path: &Path, file: &Seen) -> Result<Keyring, KeyringError> {
    let parsed = text(path, file).and_then(|text| Keyring::parse(&text));
    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    if parsed.is_err() && Stamp::at(path).map_err(failed)? != Some(file.stamp()) {
        return Keyring::parse(&read(path)?);
    }
    parsed
}

/// Opens a file that nobody but its owner may read.
pub(super) fn open(path: &Path) -> Result<Seen, KeyringError> {
    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    let file = private::open(path).map_err(failed)?;
    must_be_private(path, &file)?;
    Seen::new(file).map_err(failed)
}

/// Reads the text of a file that nobody but its owner may read.
fn read(path: &Path) -> Result<Secret, KeyringError> {
    text(path, &open(path)?)
}

fn text(path: &Path, file: &Seen) -> Result<Secret, KeyringError> {
    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    let mut file = file.file();
    // One piece of memory, so that no part is left where it lay before.
    let mut bytes = Zeroizing::new(vec![0; KEYS_TEXT_BYTES as usize + 1]);
    let mut len = 0;
    loop {
        match file.read(bytes.get_mut(len..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if len as u64 > KEYS_TEXT_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let text = std::str::from_utf8(bytes.get(..len).unwrap_or_default());
    let text = text.map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Secret::new(text))
}

/// Asks the open file and not the path: what lies there may be another one by then.
#[cfg(unix)]
fn must_be_private(path: &Path, file: &File) -> Result<(), KeyringError> {
    use std::os::unix::fs::PermissionsExt as _;

    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    if let Some(owner) = private::stranger(path, file).map_err(failed)? {
        return Err(KeyringError::Owner { path: path.to_owned(), owner });
    }
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o7777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(KeyringError::OpenToOthers { path: path.to_owned(), mode }),
    }
}

#[cfg(not(unix))]
fn must_be_private(_path: &Path, _file: &File) -> Result<(), KeyringError> {
    Ok(())
}

/// A text in which a key stands between two others.
fn text_with(head: &str, key: &Key, rest: &str) -> io::Result<Zeroizing<String>> {
    let key = key.text();
    // With room for all of it, so that no part is left where it lay before.
    let len = head.len() + key.len() + rest.len() + 2;
    if len as u64 > KEYS_TEXT_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut text = Zeroizing::new(String::with_capacity(len));
    text.push_str(head);
    if !head.is_empty() && !head.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&key);
    text.push('\n');
    text.push_str(rest);
    Ok(text)
}

fn lock(path: &Path) -> Result<private::Lock, KeyringError> {
    private::lock(path).map_err(|source| match source.kind() {
        io::ErrorKind::TimedOut => KeyringError::Locked { path: path.to_owned() },
        _ => KeyringError::File { path: path.to_owned(), source },
    })
}

/// Puts keys in the place of others, and overwrites these as far as the disk lets itself be overwritten.
fn replace(path: &Path, text: &str) -> Result<(), KeyringError> {
    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    // Before it is opened to write: a link would lead elsewhere.
    private::refuse_others(path).map_err(failed)?;
    let before = OpenOptions::new().write(true).open(path).map_err(failed)?;
    private::put(path, text.as_bytes()).map_err(failed)?;
    // The new keys are in place, and that counts: what cannot be overwritten stays on the disk as deleted data does.
    let _ = overwrite(before);
    Ok(())
}

/// Overwrites a file that has no name any more. One that has another is left alone: it is a backup.
fn overwrite(mut file: File) -> io::Result<()> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&metadata) > 0 {
        return Ok(());
    }
    let zeros = vec![0; metadata.len().min(KEYS_TEXT_BYTES) as usize];
    file.write_all(&zeros)?;
    file.sync_all()
}
