//! Checking a log from its folder alone: every entry that is left, every hash, the signature. What is served
//! elsewhere is for [`remote`].

pub mod remote;

use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::entries::EntryReader;
use crate::error::LedgerError;
use crate::handover;
use crate::merkle::{Content, Frontier, Hash, TILE_WIDTH, Tile};
use crate::note::{Note, NoteError, VerifyingKey};
use crate::removal::Removals;
use crate::segment::{self, Segment};
use crate::tree::{CHECKPOINT_FILE, checkpoint_text, read_tile};
use crate::trust::{Trust, TrustError, Witnessed};

/// What was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The last checkpoint that is trusted, and who else has signed it.
    pub signed: Witnessed,
    /// Number of the first entry that is left; those before it are signed, and the log says that it
    /// removed them.
    pub first: u64,
    /// Entries that were checked.
    pub checked: u64,
    /// Entries that the log has signed and the witnesses have not seen yet.
    pub unwitnessed: u64,
    /// Entries that were written since and are not signed yet.
    pub unsigned: u64,
}

/// What does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The folder cannot be read.
    #[error("the log cannot be read")]
    Unreadable(#[from] LedgerError),
    /// There is no checkpoint, and so nothing to check entries against.
    #[error("`{}` is not there: nothing in this log is signed", path.display())]
    Unsigned {
        /// Where it should be.
        path: PathBuf,
    },
    /// The checkpoint cannot be read.
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[source] io::Error),
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note")]
    Note(#[source] NoteError),
    /// Nobody who is trusted has signed the checkpoint.
    #[error("the checkpoint is not trusted")]
    Trust(#[source] TrustError),
    /// A key that is trusted signs the log no more.
    #[error(
        "the checkpoint is not signed by `{key}`, which was retired: so says entry {entry}, which that key {}, \
         and names `{next}` in its place",
        if *is_signed { "has signed" } else { "is not known to have signed" }
    )]
    Retired {
        /// The key.
        key: Box<VerifyingKey>,
        /// Number of the entry that says so.
        entry: u64,
        /// The key that it names.
        next: Box<VerifyingKey>,
        /// Whether the key that was retired has signed the entry. Otherwise anybody may have written it.
        is_signed: bool,
    },
    /// The hashes that are kept do not make the tree that was signed.
    #[error(
        "the hashes of entries {} to {} are not those that were signed",
        entries.start,
        entries.end.saturating_sub(1)
    )]
    Hashes {
        /// The entries that some of the hashes are about.
        entries: std::ops::Range<u64>,
    },
    /// An entry is not what was signed.
    #[error("entry {entry} is not the one that was signed")]
    Entry {
        /// Its number, from 0.
        entry: u64,
    },
    /// An entry was signed and is not there.
    #[error("entry {entry} is missing")]
    Missing {
        /// Its number, from 0.
        entry: u64,
    },
    /// A server does not have hashes that were signed.
    #[error(
        "`{tile}` is not served, and nothing shows that entries from {entry} on are those that were signed"
    )]
    Unserved {
        /// The tile of hashes.
        tile: Tile,
        /// The first entry that it is about.
        entry: u64,
    },
    /// What a server gives as a tile or a bundle of entries is none.
    #[error("`{tile}` is malformed: {what}")]
    Malformed {
        /// The tile.
        tile: Tile,
        /// The first entry that cannot be read, or of which a hash cannot.
        entry: u64,
        /// What is wrong.
        what: String,
    },
}

impl Broken {
    /// The first entry that does not hold, where that is known.
    #[must_use]
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::Entry { entry }
            | Self::Missing { entry }
            | Self::Unserved { entry, .. }
            | Self::Malformed { entry, .. } => Some(*entry),
            Self::Unreadable(LedgerError::Gap { expected, .. }) => Some(*expected),
            Self::Hashes { entries } => Some(entries.start),
            _ => None,
        }
    }
}

/// How often a log is looked at whose oldest files go meanwhile.
const TRIES: u32 = 8;

/// Checks the log in the folder `dir` against its last checkpoint, if `trust` believes that. Reads
/// every entry and every hash once; `progress` is told how many entries were checked.
///
/// # Errors
/// [`Broken`], with the first entry that does not hold.
pub fn verify(
    dir: &Path,
    trust: &Trust,
    mut progress: impl FnMut(u64),
) -> Result<Verified, Broken> {
    let first = || segment::list(dir).ok()?.first().map(|oldest| oldest.first);
    let mut tries = 1;
    loop {
        let before = first();
        let outcome = verify_once(dir, trust, &mut progress);
        // The list of files and the checkpoint were of two moments: what seems to be missing may have been
        // removed by the log, which says so in an entry that was not looked at.
        let moved = outcome.is_err() && first() > before;
        if !moved || tries == TRIES {
            return outcome;
        }
        tries += 1;
    }
}

fn verify_once(dir: &Path, trust: &Trust, progress: impl FnMut(u64)) -> Result<Verified, Broken> {
    let path = dir.join(CHECKPOINT_FILE);
    let text = checkpoint_text(dir).map_err(Broken::Checkpoint)?;
    let text = text.ok_or(Broken::Unsigned { path })?;
    let note: Note = text.parse().map_err(Broken::Note)?;
    let last = trust.check_log(&note).map_err(|error| untrusted(dir, trust, error))?;
    let witnessed = crate::witness::read(dir).map_err(Broken::Checkpoint)?;
    let seen = witnessed.as_ref().map(|note| trust.check_log(note)).transpose();
    let seen = seen.map_err(Broken::Trust)?;
    // What witnesses have signed may be older than what the log has; both have to hold.
    let signed = match (trust.check(&note), &witnessed) {
        (Err(_), Some(witnessed)) => trust.check(witnessed),
        (checked, _) => checked,
    };
    let signed = signed.map_err(Broken::Trust)?;
    if let Some(seen) = seen.as_ref().filter(|seen| seen.size > last.size) {
        // Somebody has put an older log back.
        return Err(Broken::Missing { entry: last.size.min(seen.size - 1) });
    }
    check_names(dir)?;
    let (first, checked, unsigned) = check_entries(dir, last.size, progress)?;
    check_tree(dir, &last, seen.as_ref())?;
    let unwitnessed = last.size - signed.checkpoint.size;
    Ok(Verified { signed, first, checked, unwitnessed, unsigned })
}

/// Why nobody who is trusted has signed the checkpoint: their key may have been retired.
fn untrusted(dir: &Path, trust: &Trust, error: TrustError) -> Broken {
    let TrustError::Log { origin, source: NoteError::Unsigned } = &error else {
        return Broken::Trust(error);
    };
    let own = trust.logs().iter().filter(|key| key.name().as_str() == origin);
    // Who knows several keys of a log learns of the last.
    let found = own.filter_map(|key| Some((key, handover::find(dir, key)?)));
    match found.max_by_key(|(_, found)| (found.is_signed, found.entry)) {
        Some((key, handover::Handover { entry, next, is_signed })) => {
            Broken::Retired { key: Box::new(key.clone()), entry, next: Box::new(next), is_signed }
        }
        None => Broken::Trust(error),
    }
}

/// Checks that everything that looks like a file of the log is one, and no two begin with one entry.
fn check_names(dir: &Path) -> Result<(), Broken> {
    let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
    let strange = |path: PathBuf| {
        let source = io::Error::new(io::ErrorKind::InvalidData, "it is no file of the log");
        Broken::Unreadable(LedgerError::Segment { path, source })
    };
    for file in std::fs::read_dir(dir).map_err(folder)? {
        let path = file.map_err(folder)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let looks =
            name.starts_with("events-") && path.extension().is_some_and(|end| end == "jsonl");
        let is_own = || Segment::from_name(dir, name).is_some() && is_file(&path);
        if looks && !is_own() {
            return Err(strange(path));
        }
    }
    Ok(())
}

fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Compares entries with the hashes of the lowest tiles. Says which is the first, how many were
/// compared and how many are behind the checkpoint.
fn check_entries(
    dir: &Path,
    size: u64,
    mut progress: impl FnMut(u64),
) -> Result<(u64, u64, u64), Broken> {
    let mut entries = EntryReader::from(dir, 0)?;
    let first = entries.number();
    if first > size {
        return Err(Broken::Missing { entry: size.saturating_sub(1) });
    }
    // Until an entry says otherwise, what is missing before the first was not removed by the log.
    let mut removals = Removals::default();
    let (mut number, mut unsigned) = (first, 0);
    let mut tile: Option<(u64, Vec<Hash>)> = None;
    while let Some(entry) = entries.next()? {
        if number >= size {
            unsigned += 1;
            continue;
        }
        let index = number / TILE_WIDTH;
        if tile.as_ref().is_none_or(|(kept, _)| *kept != index) {
            let lowest = Tile::at(Content::Hashes { level: 0 }, index, size);
            let lowest = lowest.ok_or(Broken::Missing { entry: number })?;
            tile = Some((index, read_tile(dir, lowest)?));
            progress(number - first);
        }
        let hash = tile.as_ref().and_then(|(_, hashes)| hashes.get((number % TILE_WIDTH) as usize));
        if hash != Some(&Hash::of_leaf(entry)) {
            return Err(Broken::Entry { entry: number });
        }
        removals.note(number, entry);
        number += 1;
    }
    if number < size {
        return Err(Broken::Missing { entry: number });
    }
    if first > removals.kept_from() {
        return Err(Broken::Missing { entry: first - 1 });
    }
    progress(number - first);
    Ok((first, number - first, unsigned))
}

/// Makes the tree from the hashes of entries, and compares it with the hashes above and the root, and on
/// the way with what witnesses have seen.
fn check_tree(dir: &Path, signed: &Checkpoint, seen: Option<&Checkpoint>) -> Result<(), Broken> {
    let size = signed.size;
    let differs = |frontier: &Frontier| {
        seen.is_some_and(|seen| seen.size == frontier.size() && seen.root != frontier.root())
    };
    let mut frontier = Frontier::new();
    // Full subtrees that end a tile of the level below, with what they were found to be.
    let mut nodes: Vec<(u8, u64, Hash)> = Vec::new();
    let mut above: Vec<Option<(u64, Vec<Hash>)>> = Vec::new();
    let lowest = (0..).map_while(|index| Tile::at(Content::Hashes { level: 0 }, index, size));
    for tile in lowest {
        for hash in read_tile(dir, tile)? {
            frontier.push(hash, |height, index, root| {
                if height > 0 && height.is_multiple_of(8) {
                    nodes.push(((height / 8) as u8, index, root));
                }
            });
            if differs(&frontier) {
                return Err(Broken::Hashes { entries: 0..frontier.size() });
            }
        }
        for (level, index, root) in nodes.drain(..) {
            let content = Content::Hashes { level };
            let place = usize::from(level) - 1;
            if above.len() <= place {
                above.resize(place + 1, None);
            }
            let Some(kept) = above.get_mut(place) else { continue };
            if kept.as_ref().is_none_or(|(kept, _)| *kept != index / TILE_WIDTH) {
                let wanted = Tile::at(content, index / TILE_WIDTH, size);
                let wanted = wanted.unwrap_or(Tile::full_at(content, index / TILE_WIDTH));
                *kept = Some((index / TILE_WIDTH, read_tile(dir, wanted)?));
            }
            let known =
                kept.as_ref().and_then(|(_, hashes)| hashes.get((index % TILE_WIDTH) as usize));
            if known != Some(&root) {
                let start = index << (8 * u32::from(level));
                let end = (index + 1) << (8 * u32::from(level));
                return Err(Broken::Hashes { entries: start..end });
            }
        }
    }
    if frontier.root() == signed.root { Ok(()) } else { Err(Broken::Hashes { entries: 0..size }) }
}

#[cfg(test)]
mod tests;
