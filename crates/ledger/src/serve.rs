//! What a log shows to those who follow it, by path, as C2SP's tlog-tiles lays it out: the checkpoint,
//! tiles of hashes, and bundles of entries.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::checkpoint::Checkpoint;
use crate::entries::{EntryReader, Place};
use crate::error::LedgerError;
use crate::merkle::{Content, TILE_WIDTH, Tile};
use crate::note::Note;
use crate::signer::public_key;
use crate::tree::{CHECKPOINT_FILE, checkpoint_text, tile_bytes};

/// Most beginnings of bundles that are remembered. A file of the log has fewer, unless it is made larger than
/// by default.
const PLACES: usize = 4096;

/// A log that is shown, also while it is written.
#[derive(Debug)]
pub struct Served {
    dir: PathBuf,
    /// Where bundles begin that were come by, so that whoever copies a log does not have each of its files
    /// read anew for every bundle.
    places: Mutex<BTreeMap<u64, Place>>,
}

impl Served {
    /// The log in the folder `dir`.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, places: Mutex::default() }
    }

    /// The checkpoint for those who follow the log: the last one that witnesses have signed, where some
    /// are asked, else the last one of the log; none while nothing is signed.
    ///
    /// # Errors
    /// [`LedgerError::Checkpoint`], when it cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>, LedgerError> {
        match crate::witness::read(&self.dir).map_err(|source| failed(&self.dir, source))? {
            Some(note) => verified(&self.dir, &note).map(Some),
            None => checkpoint(&self.dir),
        }
    }

    /// A tile, or a bundle of entries, by the path below the prefix of the log. None for what is no path of
    /// one, for what no checkpoint is about yet, and for bundles of which some entries were removed: the
    /// *minimum index* of the specification is the beginning of the first bundle behind those.
    ///
    /// # Errors
    /// [`LedgerError`], when the log cannot be read.
    pub fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let Ok(tile) = path.parse::<Tile>() else { return Ok(None) };
        let size = size(&self.dir)?;
        // A checkpoint of some size commits to every tile that is as wide as it was then, or narrower.
        let widest = Tile::at(tile.content, tile.index, size);
        if widest.is_none_or(|widest| widest.width < tile.width) {
            return Ok(None);
        }
        match tile.content {
            Content::Hashes { .. } => tile_bytes(&self.dir, tile).map(Some),
            Content::Entries => self.bundle(tile),
        }
    }

    /// Entries, each behind its length in two bytes.
    fn bundle(&self, tile: Tile) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(numbers) = tile.entries() else { return Ok(None) };
        let known = self.places.lock().range(..=numbers.start).next_back().map(|(_, place)| *place);
        let mut entries = EntryReader::near(&self.dir, numbers.start, known)?;
        if entries.number() > numbers.start {
            return Ok(None);
        }
        let mut bundle = Vec::new();
        loop {
            let number = entries.number();
            if number.is_multiple_of(TILE_WIDTH) {
                self.remember(entries.place());
            }
            if number == numbers.end {
                return Ok(Some(bundle));
            }
            let Some(entry) = entries.next()? else { return Ok(None) };
            if numbers.contains(&number) {
                // INVARIANT: a line has at most 65,535 bytes and its break.
                let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
                bundle.extend(length.to_be_bytes());
                bundle.extend(entry);
            }
        }
    }

    fn remember(&self, place: Option<Place>) {
        let Some(place) = place else { return };
        let mut places = self.places.lock();
        if places.len() >= PLACES {
            // What is still needed is found again on the way.
            places.clear();
        }
        places.insert(place.entry, place);
    }
}

/// The last checkpoint of the log in the folder `dir`, as it was signed, whoever else has seen it; none while
/// nothing is.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when it cannot be read.
pub fn checkpoint(dir: &Path) -> Result<Option<String>, LedgerError> {
    let wrong = |error| failed(dir, io::Error::new(io::ErrorKind::InvalidData, error));
    let Some(text) = checkpoint_text(dir).map_err(|source| failed(dir, source))? else {
        return Ok(None);
    };
    let note: Note = text.parse().map_err(wrong)?;
    verified(dir, &note).map(Some)
}

/// Entries that the last checkpoint of the log in the folder `dir` is about; 0 while nothing is signed.
///
/// # Errors
/// [`LedgerError::Checkpoint`], when it cannot be read.
pub fn size(dir: &Path) -> Result<u64, LedgerError> {
    let signed = checkpoint(dir)?.and_then(|note| note.parse::<Note>().ok());
    let signed = signed.and_then(|note| note.text().parse::<Checkpoint>().ok());
    Ok(signed.map_or(0, |signed| signed.size))
}

/// Nothing is shown but what the log has signed, whatever somebody may have put there.
fn verified(dir: &Path, note: &Note) -> Result<String, LedgerError> {
    let wrong = |error| failed(dir, io::Error::new(io::ErrorKind::InvalidData, error));
    let key = public_key(dir).map_err(|source| failed(dir, source))?;
    note.verify(std::slice::from_ref(&key)).map_err(wrong)?;
    Ok(note.to_string())
}

fn failed(dir: &Path, source: io::Error) -> LedgerError {
    LedgerError::Checkpoint { path: dir.join(CHECKPOINT_FILE), source }
}

#[cfg(test)]
mod tests {
    use bartizan_core::event::Event;
    use bartizan_core::id::RequestId;
    use bartizan_core::settings::Ledger;

    use std::path::Path;

    use super::*;
    use crate::EventLogWriter;
    use crate::merkle::{Frontier, Hash};

    #[test]
    fn a_client_that_follows_the_log_finds_everything_that_is_signed() {
        let dir = tempfile::tempdir().unwrap();
        let config = Ledger { segment_bytes: 30_000, total_bytes: 1 << 30, ..Ledger::DEFAULT };
        let log = EventLogWriter::open(dir.path(), config).unwrap();
        let served = Served::new(dir.path().to_owned());
        let text = served.checkpoint().unwrap().unwrap();
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
                let bytes = served.tile(&wanted.to_string()).unwrap();
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
                assert!(served.tile(&old.to_string()).unwrap().is_some(), "{old}");
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
        assert!(served.tile("tile/0/000.p/3").is_err());
        std::fs::remove_file(&tile_path).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("kept"), &tile_path).unwrap();
            assert!(served.tile("tile/0/000").is_err());
            std::fs::remove_file(&tile_path).unwrap();
        }
        std::fs::rename(dir.path().join("kept"), &tile_path).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), kept);
        let signed = served.checkpoint().unwrap().unwrap();
        std::fs::copy(&key, dir.path().join("checkpoint")).unwrap();
        assert!(served.checkpoint().is_err());
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
            assert_eq!(served.tile(path).unwrap(), None, "{path}");
        }
    }
    #[test]
    fn whoever_copies_a_log_has_no_part_of_it_read_twice() {
        let (dir, lines) = log(2_000);
        let served = Served::new(dir.path().to_owned());
        for index in 0..5 {
            assert_eq!(bundle(&served, index), lines[index * 256..][..256]);
        }
        // What lies before is not even looked at: a line more there would move all that follow.
        let file = file(dir.path());
        let bytes = read(&file);
        std::fs::write(&file, [&bytes[..40], b"\n", &bytes[41..]].concat()).unwrap();
        for index in [5, 6, 3] {
            assert_eq!(bundle(&served, index), lines[index * 256..][..256], "{index}");
        }
        // Where no line begins any more, the file is another one and is read from its start.
        std::fs::write(&file, [&b"{}\n"[..], &bytes].concat()).unwrap();
        assert_eq!(bundle(&served, 3)[1..], lines[3 * 256..][..255]);
    }

    #[test]
    fn what_is_remembered_of_a_log_is_bounded() {
        let (dir, lines) = log(600);
        let served = Served::new(dir.path().to_owned());
        bundle(&served, 0);
        let place = *served.places.lock().get(&256).unwrap();
        for entry in 0..3 * PLACES as u64 {
            served.remember(Some(Place { entry: 512 + entry, ..place }));
        }
        assert!(served.places.lock().len() <= PLACES);
        // None of these is where it says, and none is believed beyond its file.
        served.places.lock().clear();
        for index in [1, 0] {
            assert_eq!(bundle(&served, index), lines[index * 256..][..256]);
        }
    }

    #[test]
    fn behind_removed_entries_all_bundles_that_are_whole_are_served() {
        let dir = tempfile::tempdir().unwrap();
        let config = Ledger { segment_bytes: 20_000, ..CONFIG };
        for config in [config, Ledger { total_bytes: 100_000, ..config }] {
            let log = EventLogWriter::open(dir.path(), config).unwrap();
            for _ in 0..800 {
                log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
            }
            log.sign().unwrap();
        }
        let first = crate::segment::list(dir.path()).unwrap()[0].first;
        assert!(first > 256 && !first.is_multiple_of(256), "{first}");
        let served = Served::new(dir.path().to_owned());
        let minimum = first.div_ceil(256);
        for index in 0..6 {
            let path = Tile::full_at(Content::Entries, index).to_string();
            let bundle = served.tile(&path).unwrap();
            assert_eq!(bundle.is_some(), index >= minimum, "{path}: {first}");
        }
    }

    const CONFIG: Ledger =
        Ledger { segment_bytes: 1 << 30, total_bytes: 1 << 40, ..Ledger::DEFAULT };

    /// A log of one file, and its lines.
    fn log(events: usize) -> (tempfile::TempDir, Vec<Vec<u8>>) {
        let dir = tempfile::tempdir().unwrap();
        let log = EventLogWriter::open(dir.path(), CONFIG).unwrap();
        for _ in 0..events {
            log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
        }
        drop(log);
        let lines = read(&file(dir.path()));
        let lines = lines.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        (dir, lines)
    }

    fn file(dir: &Path) -> PathBuf {
        crate::segment::list(dir).unwrap().remove(0).path
    }

    fn read(file: &Path) -> Vec<u8> {
        bartizan_core::limits::read_capped(std::fs::File::open(file).unwrap(), 1 << 24).unwrap()
    }

    /// The entries of a whole bundle.
    fn bundle(served: &Served, index: usize) -> Vec<Vec<u8>> {
        let path = Tile::full_at(Content::Entries, index as u64).to_string();
        let bytes = served.tile(&path).unwrap().unwrap();
        let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
        while let Some((length, more)) = rest.split_first_chunk::<2>() {
            let (entry, more) = more.split_at(u16::from_be_bytes(*length).into());
            entries.push(entry.to_vec());
            rest = more;
        }
        entries
    }
}
