//! The last checkpoint that enough witnesses have signed, beside the last one of the log.

use std::io;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, Durably, FileSystem, read_text};
use crate::error::LedgerError;
use crate::merkle::{Tile, Tiles, root};
use crate::note::{NOTE_BYTES, Note, VerifyingKey};
use crate::prove::{ProveError, consistency};
use crate::signer::Keys;
use crate::tree::tile_bytes;
use crate::witness::Submission;

/// Where it is kept.
const FILE: &str = "checkpoint.witnessed";

/// The checkpoint that witnesses have signed, as it is in the folder of a log; none if there is none.
///
/// # Errors
/// What the system says, or that it is no note.
pub(crate) fn read(dir: &Path) -> io::Result<Option<Note>> {
    let text = match read_text(&dir.join(FILE), NOTE_BYTES as u64) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let note = text.parse();
    note.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Keeps a checkpoint that witnesses have signed; it is shown instead of the log's own from then on.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when that cannot be done.
pub fn keep(dir: &Path, note: &Note) -> Result<(), LedgerError> {
    let path = dir.join(FILE);
    let put = FileSystem.put(&path, note.to_string().as_bytes(), Durably::Yes);
    put.map_err(|source| LedgerError::Checkpoint { path, source })
}

/// Checks that the log in the folder `dir`, of which `size` entries are signed, goes on from what witnesses
/// have signed.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when it does not, or that is not by one of its keys.
pub(crate) fn follows_witnessed(dir: &Path, keys: &Keys, size: u64) -> Result<(), LedgerError> {
    followed(dir, &known(keys), size).map(drop)
}

/// Has the current key sign what witnesses have signed under the one before, so that whoever knows the current
/// one alone believes it.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when the log does not go on from there, or that cannot be kept.
pub(crate) fn countersign(
    disk: &dyn Disk,
    dir: &Path,
    keys: &Keys,
    size: u64,
) -> Result<(), LedgerError> {
    let Some(note) = followed(dir, &known(keys), size)? else { return Ok(()) };
    if note.verify(std::slice::from_ref(keys.current())).is_ok() {
        return Ok(());
    }
    let path = dir.join(FILE);
    let failed = |source| LedgerError::Checkpoint { path: path.clone(), source };
    let mut signed = keys.sign(note.text().to_owned(), 0).map_err(failed)?;
    for signature in note.signatures() {
        signed.add(signature.clone());
    }
    disk.put(&path, signed.to_string().as_bytes(), Durably::Yes).map_err(failed)
}

fn known(keys: &Keys) -> Vec<VerifyingKey> {
    keys.both()
        .map_or_else(|| vec![keys.current().clone()], |(current, older)| vec![current, older])
}

/// What witnesses have signed, if the log goes on from there.
fn followed(dir: &Path, keys: &[VerifyingKey], size: u64) -> Result<Option<Note>, LedgerError> {
    let path = dir.join(FILE);
    let failed = |source| LedgerError::Checkpoint { path: path.clone(), source };
    let wrong = |what: &str| failed(io::Error::new(io::ErrorKind::InvalidData, what));
    let Some(note) = read(dir).map_err(failed)? else { return Ok(None) };
    note.verify(keys).map_err(|_| wrong("it is not signed by a key of the log"))?;
    let seen: Checkpoint = note.text().parse().map_err(|_| wrong("it is no checkpoint"))?;
    if seen.size > size {
        return Err(wrong("witnesses have signed more than the log has"));
    }
    let fetch = |tile: Tile| tile_bytes(dir, tile).map_err(ProveError::from);
    match root(&mut Tiles::new(size, fetch), seen.size) {
        Ok(root) if root == seen.root => Ok(Some(note)),
        Ok(_) => Err(wrong("the log does not begin with what witnesses have signed")),
        Err(error) => Err(failed(io::Error::other(error))),
    }
}

/// Forgets the checkpoint that witnesses have signed: for a log that asks none any more.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when that cannot be done.
pub fn forget(dir: &Path) -> Result<(), LedgerError> {
    let path = dir.join(FILE);
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(LedgerError::Checkpoint { path, source })
        }
        _ => Ok(()),
    }
}

/// What is submitted to a witness that has signed `old` entries of the log in the folder `dir`: the
/// checkpoint, and the proof that it goes on from there.
///
/// # Errors
/// [`ProveError`], when there is no such proof: the note is no checkpoint, or the witness has seen more
/// than there is.
pub fn submission(dir: &Path, note: &Note, old: u64) -> Result<Submission, ProveError> {
    let checkpoint: Checkpoint = note.text().parse()?;
    let proof = match old {
        // Everything begins with nothing, and there is nothing to prove.
        0 => Vec::new(),
        old => consistency(dir, old, checkpoint.size)?,
    };
    Ok(Submission { old, proof, checkpoint: note.clone() })
}
