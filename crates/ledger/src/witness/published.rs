//! The last checkpoint that enough witnesses have signed, beside the last one of the log.

use std::io;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk as _, Durably, FileSystem, read_text};
use crate::error::LedgerError;
use crate::note::{NOTE_BYTES, Note};
use crate::prove::{ProveError, consistency};
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
