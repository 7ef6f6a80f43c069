//! The tree over the entries of a log, kept on the disk: tiles of hashes, and the last checkpoint.
//!
//! The lines of the log are what counts. Hashes of full tiles are brought to the disk before a
//! checkpoint that needs them; the edge of the tree, which changes with every entry, can always be
//! made again from the lines behind the last full tile. A checkpoint is on the disk before anybody is
//! shown it, so that no process after this one can sign another tree of that size.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use bartizan_core::limits::read_capped;

use crate::checkpoint::Checkpoint;
use crate::disk::{self, Disk, Durably};
use crate::error::LedgerError;
use crate::merkle::{Content, Frontier, Hash, TILE_WIDTH, Tile};
use crate::note::{NOTE_BYTES, Note};
use crate::signer::Keys;

/// File of the last checkpoint.
pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";
/// Levels of nodes that one tile spans.
const TILE_HEIGHT: u32 = 8;
/// Bytes of a full tile of hashes.
const TILE_BYTES: u64 = 8192;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// A tree that grows.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: PathBuf,
    keys: Keys,
    frontier: Frontier,
    levels: Vec<Level>,
    /// What was signed last.
    signed: Option<Checkpoint>,
    /// Whether the edge on the disk may be another than this.
    is_edge_unknown: bool,
    /// Folders with new names that are not known to be on the disk.
    folders: BTreeSet<PathBuf>,
}

/// The hashes of one level that are in no full tile on the disk.
#[derive(Debug, Default)]
struct Level {
    /// Tile of the first of them.
    tile: u64,
    hashes: Vec<Hash>,
    /// How many of them are in a tile that is not full, on the disk.
    partial: usize,
}

/// Where a tree begins when a log is opened.
pub(crate) struct Opened {
    /// The tree over the entries of all full tiles.
    pub(crate) tree: Tree,
    /// The checkpoint that it has to agree with when the entries behind are added.
    pub(crate) checkpoint: Checkpoint,
}

/// The last checkpoint in the folder of a log, as it was signed; none when there is no such file.
///
/// # Errors
/// What the system says.
pub(crate) fn checkpoint_text(dir: &Path) -> io::Result<Option<String>> {
    match disk::read_text(&dir.join(CHECKPOINT_FILE), NOTE_BYTES as u64) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Signs a tree of which this is known.
pub(crate) fn sign(
    keys: &Keys,
    size: u64,
    root: Hash,
    time: u64,
) -> io::Result<(Checkpoint, Note)> {
    let origin = keys.current().name().to_string();
    let checkpoint = Checkpoint { origin, size, root, extensions: Vec::new() };
    let note = keys.sign(checkpoint.to_string(), time)?;
    Ok((checkpoint, note))
}

/// Puts the checkpoint of a log that has no entries in its folder.
pub(crate) fn begin(disk: &dyn Disk, dir: &Path, keys: &Keys) -> io::Result<()> {
    let (_, note) = sign(keys, 0, Hash::of_empty_tree(), 0)?;
    disk.put(&dir.join(CHECKPOINT_FILE), note.to_string().as_bytes(), Durably::Yes)
}

impl Tree {
    /// Opens the tree in the folder of a log.
    ///
    /// # Errors
    /// [`LedgerError::Checkpoint`] for a checkpoint that cannot be read or is not by `keys`,
    /// [`LedgerError::Tile`] for a tile that is missing or cannot be read.
    pub(crate) fn open(dir: &Path, keys: Keys) -> Result<Opened, LedgerError> {
        let checkpoint = last_checkpoint(dir, &keys)?;
        let size = checkpoint.size;
        let full = size - size % TILE_WIDTH;
        let mut levels = vec![Level { tile: full / TILE_WIDTH, ..Level::default() }];
        let mut peaks = Vec::new();
        let mut height = TILE_HEIGHT;
        while let Some(number) = full.checked_shr(height).filter(|number| *number > 0) {
            // Each of these is the root of a full tile of the level below.
            let below = Content::Hashes { level: (height / TILE_HEIGHT - 1) as u8 };
            let tile = number / TILE_WIDTH;
            let hashes = (tile * TILE_WIDTH..number)
                .map(|index| Ok(over(&read_tile(dir, Tile::full_at(below, index))?).root()))
                .collect::<Result<Vec<Hash>, LedgerError>>()?;
            peaks.push(over(&hashes).into_peaks());
            levels.push(Level { tile, hashes, partial: 0 });
            height += TILE_HEIGHT;
        }
        peaks.reverse();
        let frontier = Frontier::of(full, peaks.concat()).unwrap_or_default();
        let tree = Self {
            dir: dir.to_owned(),
            keys,
            frontier,
            levels,
            signed: None,
            is_edge_unknown: true,
            folders: BTreeSet::new(),
        };
        Ok(Opened { tree, checkpoint })
    }

    /// Entries of the tree.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// What was signed last.
    pub(crate) const fn signed(&self) -> Option<&Checkpoint> {
        self.signed.as_ref()
    }

    /// By which it is signed.
    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// By which it is signed from now on.
    pub(crate) const fn keys_mut(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Takes the checkpoint with which the tree was found to agree.
    pub(crate) fn agrees_with(&mut self, checkpoint: Checkpoint) {
        self.signed = Some(checkpoint);
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let levels = &mut self.levels;
        self.frontier.push(leaf, |height, _, root| {
            if !height.is_multiple_of(TILE_HEIGHT) {
                return;
            }
            let level = (height / TILE_HEIGHT) as usize;
            if level == levels.len() {
                levels.push(Level::default());
            }
            if let Some(level) = levels.get_mut(level) {
                level.hashes.push(root);
            }
        });
    }

    /// Brings the tree to the disk and signs it, if it has grown since. What fails is done again by
    /// the next call.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn sign(&mut self, disk: &dyn Disk, time: u64) -> io::Result<()> {
        let is_signed = self.signed.as_ref().is_some_and(|signed| signed.size == self.size());
        if is_signed && !self.is_edge_unknown {
            return Ok(());
        }
        self.store(disk)?;
        self.is_edge_unknown = false;
        if is_signed {
            return Ok(());
        }
        let (checkpoint, note) = sign(&self.keys, self.size(), self.root(), time)?;
        let path = self.dir.join(CHECKPOINT_FILE);
        disk.put(&path, note.to_string().as_bytes(), Durably::Yes)?;
        self.signed = Some(checkpoint);
        Ok(())
    }

    /// Signs what was signed last by the keys that there are now: the same text, for nothing has come since.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn sign_again(&self, disk: &dyn Disk) -> io::Result<()> {
        let Some(signed) = &self.signed else { return Ok(()) };
        let note = self.keys.sign(signed.to_string(), 0)?;
        disk.put(&self.dir.join(CHECKPOINT_FILE), note.to_string().as_bytes(), Durably::Yes)
    }

    /// Writes the tiles that are not on the disk as they are.
    fn store(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let folders = &mut self.folders;
        for (number, level) in self.levels.iter_mut().enumerate() {
            level.store(disk, &self.dir, Content::Hashes { level: number as u8 }, folders)?;
        }
        folders.iter().try_for_each(|folder| disk.sync_folder(folder))?;
        folders.clear();
        Ok(())
    }
}

impl Level {
    fn store(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        content: Content,
        folders: &mut BTreeSet<PathBuf>,
    ) -> io::Result<()> {
        let width = TILE_WIDTH as usize;
        while let Some((full, _)) = self.hashes.split_at_checked(width) {
            let tile = Tile::full_at(content, self.tile);
            let path = dir.join(tile.to_string());
            disk.put(&path, &bytes(full), Durably::Content)?;
            // A name is on the disk when its folder is, and new folders have names, too.
            folders.extend(
                path.ancestors().skip(1).take_while(|folder| *folder != dir).map(Path::to_owned),
            );
            folders.insert(dir.to_owned());
            self.forget_narrower(disk, dir, content, None);
            self.partial = 0;
            self.hashes.drain(..width);
            self.tile += 1;
        }
        if self.hashes.len() != self.partial {
            let tile = Tile { content, index: self.tile, width: self.hashes.len() as u16 };
            disk.put(&dir.join(tile.to_string()), &bytes(&self.hashes), Durably::No)?;
            self.forget_narrower(disk, dir, content, Some(tile.width));
            self.partial = self.hashes.len();
        }
        Ok(())
    }

    /// Removes tiles that a wider one has replaced. One that stays does no harm.
    fn forget_narrower(&self, disk: &dyn Disk, dir: &Path, content: Content, kept: Option<u16>) {
        let narrow = Tile { content, index: self.tile, width: 1 };
        let path = dir.join(narrow.to_string());
        let Some(folder) = path.parent() else { return };
        let Ok(files) = std::fs::read_dir(folder) else { return };
        let kept = kept.map(|width| width.to_string());
        for file in files.flatten() {
            if kept.as_deref().is_none_or(|kept| file.file_name() != kept) {
                let _ = disk.remove(&file.path());
            }
        }
        if kept.is_none() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// The tree over hashes of one level, as if they were those of entries.
fn over(hashes: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.push(*hash, |_, _, _| ());
    }
    frontier
}

/// Reads a tile of hashes from the folder of a log.
///
/// # Errors
/// [`LedgerError::Tile`], when it is missing, cannot be read or has another length.
pub(crate) fn read_tile(dir: &Path, tile: Tile) -> Result<Vec<Hash>, LedgerError> {
    let wrong = |error| LedgerError::Tile {
        path: dir.join(tile.to_string()),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    };
    tile.hashes(&tile_bytes(dir, tile)?).map_err(wrong)
}

/// The bytes of a tile of hashes in the folder of a log. One that has grown since is cut to what it
/// was.
///
/// # Errors
/// [`LedgerError::Tile`], when it is missing, cannot be read or is not as long as its name says.
pub(crate) fn tile_bytes(dir: &Path, tile: Tile) -> Result<Vec<u8>, LedgerError> {
    let path = dir.join(tile.to_string());
    let found = read_exactly(&path, tile).or_else(|error| match grown(dir, tile) {
        Some((grown, wider)) => read_exactly(&grown, wider),
        None => Err(error),
    });
    let mut bytes = found.map_err(|source| LedgerError::Tile { path, source })?;
    bytes.truncate(usize::from(tile.width) * HASH_BYTES);
    Ok(bytes)
}

/// Reads the file of a tile. What else may lie there is not shown to anybody.
fn read_exactly(path: &Path, tile: Tile) -> io::Result<Vec<u8>> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(wrong("it is no file"));
    }
    let bytes = read_capped(std::fs::File::open(path)?, TILE_BYTES)?;
    if bytes.len() != usize::from(tile.width) * HASH_BYTES {
        return Err(wrong("it is not as long as its name says"));
    }
    Ok(bytes)
}

/// The file of a tile that has more hashes than the one that is asked for.
fn grown(dir: &Path, tile: Tile) -> Option<(PathBuf, Tile)> {
    let full = dir.join(tile.full().to_string());
    if full.is_file() {
        return Some((full, tile.full()));
    }
    let path = dir.join(tile.to_string());
    let files = std::fs::read_dir(path.parent()?).ok()?.flatten();
    let width = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u16>().ok();
    let wider = files.map(|file| file.path()).filter(|path| width(path) > Some(tile.width));
    let widest = wider.max_by_key(width)?;
    let width = width(&widest)?;
    Some((widest, Tile { width, ..tile }))
}

fn last_checkpoint(dir: &Path, keys: &Keys) -> Result<Checkpoint, LedgerError> {
    let path = dir.join(CHECKPOINT_FILE);
    let read = || -> io::Result<Checkpoint> {
        // A log has one from the moment it has a key: without it anything could be signed anew.
        let text = checkpoint_text(dir)?.ok_or(io::ErrorKind::NotFound)?;
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
            io::Error::new(io::ErrorKind::InvalidData, error)
        };
        let note: Note = text.parse().map_err(|error| wrong(Box::new(error)))?;
        note.verify(&keys.accepted()).map_err(|error| wrong(Box::new(error)))?;
        let checkpoint: Checkpoint = note.text().parse().map_err(|error| wrong(Box::new(error)))?;
        if checkpoint.origin != keys.current().name().as_str() {
            return Err(wrong("it is of another log".into()));
        }
        Ok(checkpoint)
    };
    read().map_err(|source| LedgerError::Checkpoint { path, source })
}
