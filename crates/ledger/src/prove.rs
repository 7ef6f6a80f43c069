//! Proofs of single entries, made from the folder of a log; also while its writer runs.

use std::io;
use std::path::Path;

use bartizan_core::id::RequestId;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entries::EntryReader;
use crate::error::LedgerError;
use crate::log_proof::LogProof;
use crate::merkle::{Hash, Tile, TileError, Tiles, consistency_proof, inclusion_proof};
use crate::note::{Note, NoteError};
use crate::tree::{checkpoint_text, tile_bytes};

/// Why there is no proof of an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Unreadable(#[from] LedgerError),
    /// The checkpoint cannot be read.
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[from] io::Error),
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note")]
    Note(#[from] NoteError),
    /// The note is no checkpoint.
    #[error("the checkpoint cannot be understood")]
    Text(#[from] CheckpointError),
    /// A tile does not have the form of one.
    #[error("a tile of the log cannot be used")]
    Tile(#[from] TileError),
    /// No entry has the id.
    #[error("the log has no entry of the request `{id}`")]
    Unknown {
        /// The id.
        id: RequestId,
    },
    /// No checkpoint is about the entry yet.
    #[error("entry {entry} is not signed yet; the last checkpoint is about {signed}")]
    Unsigned {
        /// Its number.
        entry: u64,
        /// Entries that are signed.
        signed: u64,
    },
    /// The entry is not there.
    #[error("entry {entry} is not in the log")]
    Missing {
        /// Its number.
        entry: u64,
    },
}

/// Number of the last entry of a request.
///
/// # Errors
/// [`ProveError::Unknown`], when there is none, or [`ProveError::Unreadable`].
pub fn find(dir: &Path, id: RequestId) -> Result<u64, ProveError> {
    let member = format!("\"request_id\":\"{id}\"");
    let finder = memchr::memmem::Finder::new(member.as_bytes());
    let mut entries = EntryReader::from(dir, 0)?;
    let (mut number, mut found) = (entries.number(), None);
    while let Some(entry) = entries.next()? {
        if finder.find(entry).is_some() {
            found = Some(number);
        }
        number += 1;
    }
    found.ok_or(ProveError::Unknown { id })
}

/// Proves that an entry is in the log, under its last checkpoint. The entry goes along.
///
/// # Errors
/// [`ProveError`], when the entry is not there, not signed yet, or the log cannot be read.
pub fn prove(dir: &Path, entry: u64) -> Result<LogProof, ProveError> {
    let unsigned = |signed| ProveError::Unsigned { entry, signed };
    // What witnesses have signed proves more, where it is about the entry already.
    let (checkpoint, signed) = match witnessed(dir)? {
        Some((note, checkpoint)) if entry < checkpoint.size => (note, checkpoint),
        _ => {
            let note: Note = checkpoint_text(dir)?.ok_or(unsigned(0))?.parse()?;
            let checkpoint = note.text().parse()?;
            (note, checkpoint)
        }
    };
    if entry >= signed.size {
        return Err(unsigned(signed.size));
    }
    let mut entries = EntryReader::from(dir, entry)?;
    let is_there = entries.number() == entry;
    let extra = entries.next()?.filter(|_| is_there).ok_or(ProveError::Missing { entry })?.to_vec();
    let fetch = |tile: Tile| tile_bytes(dir, tile).map_err(ProveError::from);
    let mut tiles = Tiles::new(signed.size, fetch);
    let hashes = inclusion_proof(&mut tiles, entry, signed.size)?;
    Ok(LogProof { extra: Some(extra), index: entry, hashes, checkpoint })
}

fn witnessed(dir: &Path) -> Result<Option<(Note, Checkpoint)>, ProveError> {
    let Some(note) = crate::witness::read(dir)? else { return Ok(None) };
    let checkpoint = note.text().parse()?;
    Ok(Some((note, checkpoint)))
}

/// Proves that the log under one checkpoint begins with that under an older one, by the hashes in its
/// folder. Whether that follows is for [`verify_consistency`](crate::merkle::verify_consistency) to say.
///
/// # Errors
/// [`ProveError`], when hashes are missing.
pub fn consistency(dir: &Path, old: u64, size: u64) -> Result<Vec<Hash>, ProveError> {
    let fetch = |tile: Tile| tile_bytes(dir, tile).map_err(ProveError::from);
    consistency_proof(&mut Tiles::new(size, fetch), old, size)
}

impl LogProof {
    /// Hash of the entry that goes along with the proof; none if there is none.
    #[must_use]
    pub fn leaf(&self) -> Option<Hash> {
        self.extra.as_deref().map(Hash::of_leaf)
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::event::Event;
    use bartizan_core::settings::Ledger;

    use super::*;
    use crate::EventLogWriter;
    use crate::trust::Trust;

    #[test]
    fn every_entry_is_proved_while_the_log_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let config = Ledger { segment_bytes: 50_000, total_bytes: 1 << 30, ..Ledger::DEFAULT };
        let log = EventLogWriter::open(dir.path(), config).unwrap();
        let trust = Trust::of_log(crate::public_key(dir.path()).unwrap());
        let ids: Vec<RequestId> = (0..520).map(|_| RequestId::new()).collect();
        for (number, id) in ids.iter().enumerate() {
            log.append(&Event::new(*id, "gateway", "chat-completions")).unwrap();
            if ![0, 1, 255, 256, 519].contains(&number) {
                continue;
            }
            let early = prove(dir.path(), number as u64);
            assert!(matches!(early, Err(ProveError::Unsigned { .. })), "{early:?}");
            log.sign().unwrap();
            for entry in [0, number / 2, number] {
                assert_eq!(find(dir.path(), ids[entry]).unwrap(), entry as u64);
                let proof = prove(dir.path(), entry as u64).unwrap();
                let read: LogProof = proof.to_string().parse().unwrap();
                read.verify(read.leaf().unwrap(), &trust).unwrap();
                let event: Event = serde_json::from_slice(&read.extra.unwrap()).unwrap();
                assert_eq!(event.request_id, ids[entry]);
            }
        }
        assert!(matches!(find(dir.path(), RequestId::new()), Err(ProveError::Unknown { .. })));
    }
}
