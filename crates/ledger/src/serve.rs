//! What a log shows to those who follow it, by path, as C2SP's tlog-tiles lays it out: the checkpoint,
//! tiles of hashes, and bundles of entries.

use std::io;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::entries::EntryReader;
use crate::error::LedgerError;
use crate::merkle::{Content, Tile};
use crate::note::Note;
use crate::signer::public_key;
use crate::tree::{CHECKPOINT_FILE, checkpoint_text, tile_bytes};

/// The checkpoint for those who follow the log: the last one that witnesses have signed, where some are
/// asked, else the last one of the log; none while nothing is signed.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when it cannot be read.
pub fn checkpoint(dir: &Path) -> Result<Option<String>, LedgerError> {
    let failed = |source| LedgerError::Checkpoint { path: dir.join(CHECKPOINT_FILE), source };
    let Some(note) = crate::witness::read(dir).map_err(failed)? else { return own_checkpoint(dir) };
    verified(dir, &note).map(Some)
}

/// The last checkpoint of the log, as it was signed; none while nothing is.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when it cannot be read.
pub fn own_checkpoint(dir: &Path) -> Result<Option<String>, LedgerError> {
    let failed = |source| LedgerError::Checkpoint { path: dir.join(CHECKPOINT_FILE), source };
    let wrong = |error| failed(io::Error::new(io::ErrorKind::InvalidData, error));
    let Some(text) = checkpoint_text(dir).map_err(failed)? else { return Ok(None) };
    let note: Note = text.parse().map_err(wrong)?;
    verified(dir, &note).map(Some)
}

/// Nothing is shown but what the log has signed, whatever somebody may have put there.
fn verified(dir: &Path, note: &Note) -> Result<String, LedgerError> {
    let failed = |source| LedgerError::Checkpoint { path: dir.join(CHECKPOINT_FILE), source };
    let wrong = |error| failed(io::Error::new(io::ErrorKind::InvalidData, error));
    let key = public_key(dir).map_err(failed)?;
    note.verify(std::slice::from_ref(&key)).map_err(wrong)?;
    Ok(note.to_string())
}

/// Entries that the last checkpoint is about; 0 while nothing is signed.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when it cannot be read.
pub fn size(dir: &Path) -> Result<u64, LedgerError> {
    let signed = own_checkpoint(dir)?.and_then(|note| note.parse::<Note>().ok());
    let signed = signed.and_then(|note| note.text().parse::<Checkpoint>().ok());
    Ok(signed.map_or(0, |signed| signed.size))
}

/// A tile, or a bundle of entries, by the path below the prefix of the log. None for what is no path of
/// one, for what no checkpoint is about yet, and for entries that were removed.
///
/// # Errors
/// [`LedgerError`], when the log cannot be read.
pub fn tile(dir: &Path, path: &str) -> Result<Option<Vec<u8>>, LedgerError> {
    let Ok(tile) = path.parse::<Tile>() else { return Ok(None) };
    let size = size(dir)?;
    // A checkpoint of some size commits to every tile that is as wide as it was then, or narrower.
    let widest = Tile::at(tile.content, tile.index, size);
    if widest.is_none_or(|widest| widest.width < tile.width) {
        return Ok(None);
    }
    match tile.content {
        Content::Hashes { .. } => tile_bytes(dir, tile).map(Some),
        Content::Entries => bundle(dir, tile),
    }
}

/// Entries, each behind its length in two bytes.
fn bundle(dir: &Path, tile: Tile) -> Result<Option<Vec<u8>>, LedgerError> {
    let Some(numbers) = tile.entries() else { return Ok(None) };
    let mut entries = EntryReader::from(dir, numbers.start)?;
    if entries.number() != numbers.start {
        return Ok(None);
    }
    let mut bundle = Vec::new();
    for _ in numbers {
        let Some(entry) = entries.next()? else { return Ok(None) };
        // INVARIANT: a line has at most 65,535 bytes and its break.
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(Some(bundle))
}

#[cfg(test)]
mod tests {
    use bartizan_core::event::Event;
    use bartizan_core::id::RequestId;
    use bartizan_core::settings::Ledger;

    use super::*;
    use crate::EventLogWriter;
    use crate::merkle::{Frontier, Hash};

    #[test]
    fn a_client_that_follows_the_log_finds_everything_that_is_signed() {
        let dir = tempfile::tempdir().unwrap();
        let config = Ledger { segment_bytes: 30_000, total_bytes: 1 << 30, ..Ledger::DEFAULT };
        let log = EventLogWriter::open(dir.path(), config).unwrap();
        let text = checkpoint(dir.path()).unwrap().unwrap();
        assert!(text.contains("\n0\n"), "{text}");
        let mut followed = 0;
        for size in [1, 200, 256, 300, 513] {
            for _ in followed..size {
                let event = Event::new(RequestId::new(), "gateway", "chat-completions");
                log.append(&event).unwrap();
            }
            let signed = log.sign().unwrap().unwrap();
            let mut frontier = Frontier::new();
            for wanted in Tile::between(0, size) {
                let bytes = tile(dir.path(), &wanted.to_string()).unwrap();
                let bytes = bytes.unwrap_or_else(|| panic!("{wanted} is not served"));
                if wanted.content != Content::Entries {
                    assert_eq!(bytes.len(), usize::from(wanted.width) * 32);
                    continue;
                }
                let mut rest = bytes.as_slice();
                while let Some((length, more)) = rest.split_first_chunk::<2>() {
                    let (entry, more) = more.split_at(u16::from_be_bytes(*length).into());
                    frontier.push(Hash::of_leaf(entry), |_, _, _| ());
                    rest = more;
                }
            }
            assert_eq!((frontier.size(), frontier.root()), (size, signed.root));
            // Tiles of checkpoints before are still to be had.
            for old in Tile::between(0, followed) {
                assert!(tile(dir.path(), &old.to_string()).unwrap().is_some(), "{old}");
            }
            followed = size;
        }
        log.append(&Event::new(RequestId::new(), "gateway", "not signed yet")).unwrap();
        // What somebody put in the place of a file is not shown.
        let key = dir.path().join("signing.key");
        let tile_path = dir.path().join("tile/0/000");
        let kept = std::fs::read_dir(dir.path()).unwrap().count();
        std::fs::rename(&tile_path, dir.path().join("kept")).unwrap();
        std::fs::copy(&key, &tile_path).unwrap();
        assert!(tile(dir.path(), "tile/0/000.p/3").is_err());
        std::fs::remove_file(&tile_path).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("kept"), &tile_path).unwrap();
            assert!(tile(dir.path(), "tile/0/000").is_err());
            std::fs::remove_file(&tile_path).unwrap();
        }
        std::fs::rename(dir.path().join("kept"), &tile_path).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), kept);
        let signed = checkpoint(dir.path()).unwrap().unwrap();
        std::fs::copy(&key, dir.path().join("checkpoint")).unwrap();
        assert!(checkpoint(dir.path()).is_err());
        std::fs::write(dir.path().join("checkpoint"), &signed).unwrap();
        for path in [
            "tile/0/002.p/2",
            "tile/entries/002.p/2",
            "tile/0/003",
            "tile/2/000.p/1",
            "tile/0/000.p/0",
            "checkpoint",
            "signing.key",
            "../ledger/signing.key",
            "",
        ] {
            assert_eq!(tile(dir.path(), path).unwrap(), None, "{path}");
        }
    }
}
