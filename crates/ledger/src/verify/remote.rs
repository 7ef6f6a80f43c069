//! Checking a log that somebody serves as C2SP's tlog-tiles, ours or anybody's, without believing the server.
//!
//! Hashes are followed from the signed root down: the last tiles of all levels make the root, a full tile is
//! believed when the tile above it has its root, and an entry when a lowest tile has its hash. So every hash
//! and every entry is looked at once, what is wrong is named where it is, and memory is bounded: a tile per
//! level, and the few bundles that were asked for together. How bytes come here is for a [`Source`] to say.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::Broken;
use crate::checkpoint::Checkpoint;
use crate::merkle::{Content, Frontier, Hash, TILE_WIDTH, Tile};
use crate::note::{NOTE_BYTES, Note};
use crate::removal::Removals;
use crate::trust::{Trust, Witnessed};

/// Path of the checkpoint below the prefix of a log.
const CHECKPOINT: &str = "checkpoint";
/// Bytes of a full tile of hashes.
const TILE_BYTES: usize = TILE_WIDTH as usize * 32;
/// Most bytes of a bundle of entries: each has a length of two bytes.
const BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + u16::MAX as usize);
/// Lowest tiles that are asked for together, with their entries: at most 64 MiB of these.
const TOGETHER: u64 = 4;

/// Where a log is served.
pub trait Source {
    /// Why it cannot be said what the server has: nothing that the log could be blamed for.
    type Error;

    /// Asks for some paths, in any order or at once, and gives what came of each in the order in which they
    /// were asked for.
    ///
    /// # Errors
    /// What keeps the server from being asked.
    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Vec<Fetched>, Self::Error>;
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Below the prefix of the log.
    pub path: String,
    /// Most bytes that are of use.
    pub limit_bytes: usize,
}

/// What a server has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// This.
    Bytes(Vec<u8>),
    /// More bytes than are of use.
    TooLong,
    /// Nothing.
    Absent,
    /// What it does not show to whoever asks.
    Denied,
}

/// What was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The checkpoint that is trusted, and who else has signed it.
    pub signed: Witnessed,
    /// Number of the first entry that was read, with all that follow it; none, where no entries are served.
    pub first: Option<u64>,
    /// Entries that were read, and are those that were signed.
    pub checked: u64,
    /// Entries that the server does not have or show: their hashes are those that were signed, and nobody
    /// has looked at what they say.
    pub hashes_only: u64,
    /// Whether entries are shown to others, and to whoever asked are not.
    pub denied: bool,
    /// Entries before this one were removed, as the log itself says in an entry that was read.
    pub removed_before: u64,
}

/// Why a log was not found to hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed<E> {
    /// The server cannot be asked.
    #[error(transparent)]
    Source(E),
    /// No log is served there.
    #[error("no log is served there: {what}")]
    NoLog {
        /// What there is in its place.
        what: String,
    },
    /// Hashes are not shown to whoever asks.
    #[error("the server does not show `{path}`")]
    Denied {
        /// The path.
        path: String,
    },
    /// The log does not hold.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Checks the log of a source against the checkpoint that it shows, if `trust` believes that. Reads every
/// hash and every entry once; `progress` is told of entries that were checked, and of their bytes.
///
/// Entries that are not served are checked by their hashes, and counted. Those are all, or the oldest, of which
/// the log has to say that it removed them: any other that is not served is missing.
///
/// # Errors
/// [`Failed`], with the first entry that does not hold.
pub fn verify<S: Source>(
    source: &mut S,
    trust: &Trust,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, Failed<S::Error>> {
    let signed = signed(source, trust)?;
    let mut log = Log::new(source, signed.checkpoint.size);
    log.check_root(&signed.checkpoint)?;
    log.ask_for_entries()?;
    let tiles = signed.checkpoint.size.div_ceil(TILE_WIDTH);
    let mut next = 0;
    while next < tiles {
        let end = tiles.min(next + TOGETHER);
        log.check_lowest(next..end, &mut progress)?;
        next = end;
    }
    let Log { first, checked, hashes_only, denied, removals, .. } = log;
    let removed_before = removals.kept_from();
    // Bundles of which some entries were removed are not served.
    let served = removed_before.checked_next_multiple_of(TILE_WIDTH).unwrap_or(u64::MAX);
    if checked > 0 && first.is_none_or(|first| first > served) {
        return Err(Broken::Missing { entry: removed_before }.into());
    }
    Ok(Verified { signed, first, checked, hashes_only, denied, removed_before })
}

/// The checkpoint that the server shows.
fn signed<S: Source>(source: &mut S, trust: &Trust) -> Result<Witnessed, Failed<S::Error>> {
    let path = CHECKPOINT.to_owned();
    let wanted = Wanted { path: path.clone(), limit_bytes: NOTE_BYTES };
    let no_log = |what: String| Failed::NoLog { what };
    let bytes = match source.fetch(&[wanted]).map_err(Failed::Source)?.into_iter().next() {
        Some(Fetched::Bytes(bytes)) => bytes,
        Some(Fetched::TooLong) => {
            return Err(no_log(format!("`{path}` is larger than a note may be")));
        }
        Some(Fetched::Denied) => return Err(Failed::Denied { path }),
        Some(Fetched::Absent) | None => return Err(no_log(format!("it has no `{path}`"))),
    };
    let text = String::from_utf8(bytes).map_err(|_| no_log(format!("`{path}` is no text")))?;
    let note = text.parse::<Note>().map_err(|error| no_log(format!("`{path}`: {error}")))?;
    Ok(trust.check(&note).map_err(Broken::Trust)?)
}

/// What came for a tile.
struct Got {
    /// What was asked for.
    wanted: Tile,
    /// The same, or the full tile that has taken its place.
    served: Tile,
    fetched: Fetched,
}

/// A log of which this much was checked.
struct Log<'s, S> {
    source: &'s mut S,
    size: u64,
    /// The last tile of each level that has one that is not full.
    edge: BTreeMap<u8, Vec<Hash>>,
    /// The full tile of each level above the lowest that was needed last, with its index.
    above: BTreeMap<u8, (u64, Vec<Hash>)>,
    first: Option<u64>,
    checked: u64,
    hashes_only: u64,
    denied: bool,
    /// The last bundle, if it was served.
    bundle: Option<Tile>,
    removals: Removals,
}

impl<'s, S: Source> Log<'s, S> {
    fn new(source: &'s mut S, size: u64) -> Self {
        Self {
            source,
            size,
            edge: BTreeMap::new(),
            above: BTreeMap::new(),
            first: None,
            checked: 0,
            hashes_only: 0,
            denied: false,
            bundle: None,
            removals: Removals::default(),
        }
    }

    /// Reads the tiles that are not full, which together make the root, and compares that.
    fn check_root(&mut self, signed: &Checkpoint) -> Result<(), Failed<S::Error>> {
        let size = self.size;
        let last = |level: u8| {
            let content = Content::Hashes { level };
            let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
            Tile::at(content, hashes / TILE_WIDTH, size).map(|tile| (level, tile))
        };
        // The largest number of entries has eight levels.
        let (levels, tiles): (Vec<u8>, Vec<Tile>) = (0..8).filter_map(last).unzip();
        for (level, got) in levels.into_iter().zip(self.get(&tiles)?) {
            self.edge.insert(level, hashes(got)?);
        }
        // Each bit of the size is a full subtree, and those of eight bits are in one tile.
        let peaks = self.edge.values().rev().flat_map(|hashes| over(hashes).into_peaks());
        let tree = Frontier::of(size, peaks.collect());
        if tree.is_none_or(|tree| tree.root() != signed.root) {
            return Err(Broken::Hashes { entries: 0..size }.into());
        }
        Ok(())
    }

    /// Finds out whether entries are shown at all, by the last bundle: no log removes that before others.
    fn ask_for_entries(&mut self) -> Result<(), Failed<S::Error>> {
        let Some(last) = self.size.checked_sub(1) else { return Ok(()) };
        let last = Tile::at(Content::Entries, last / TILE_WIDTH, self.size);
        let got = self.get(last.as_slice())?;
        self.denied = got.iter().any(|got| got.fetched == Fetched::Denied);
        Ok(())
    }

    /// Checks some of the lowest tiles, and the entries that they are about.
    fn check_lowest(
        &mut self,
        indexes: Range<u64>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Failed<S::Error>> {
        let size = self.size;
        let lowest = Content::Hashes { level: 0 };
        let tiles = || indexes.clone().filter_map(|index| Tile::at(lowest, index, size));
        let mut wanted: Vec<Tile> = tiles().filter(Tile::is_full).collect();
        let full = wanted.len();
        if !self.denied {
            wanted.extend(tiles().map(|tile| Tile { content: Content::Entries, ..tile }));
        }
        let mut got = self.get(&wanted)?;
        let mut bundles = VecDeque::from(got.split_off(full.min(got.len())));
        let mut full = got.into_iter();
        for tile in tiles() {
            let hashes = if tile.is_full() {
                let Some(got) = full.next() else { return Err(unserved(tile).into()) };
                let hashes = hashes(got)?;
                self.check_tile(0, tile, &hashes)?;
                hashes
            } else {
                // The root was made of it.
                self.edge.get(&0).cloned().unwrap_or_default()
            };
            let bytes = match bundles.pop_front() {
                Some(bundle) => self.check_bundle(bundle, &hashes)?,
                None => self.leave_out(tile),
            };
            progress(u64::from(tile.width), bytes);
        }
        Ok(())
    }

    /// Compares a full tile with its hash in the tile above.
    fn check_tile(
        &mut self,
        level: u8,
        tile: Tile,
        hashes: &[Hash],
    ) -> Result<(), Failed<S::Error>> {
        if self.hash(level + 1, tile.index)? == Some(over(hashes).root()) {
            return Ok(());
        }
        let entries = tile.entries().unwrap_or(0..self.size);
        Err(Broken::Hashes { entries }.into())
    }

    /// A hash of a level above the lowest, from a tile that is believed.
    fn hash(&mut self, level: u8, index: u64) -> Result<Option<Hash>, Failed<S::Error>> {
        let place = (index % TILE_WIDTH) as usize;
        let index = index / TILE_WIDTH;
        let Some(tile) = Tile::at(Content::Hashes { level }, index, self.size) else {
            return Ok(None);
        };
        if !tile.is_full() {
            return Ok(self.edge.get(&level).and_then(|hashes| hashes.get(place)).copied());
        }
        if self.above.get(&level).is_none_or(|(kept, _)| *kept != index) {
            let got = self.get(&[tile])?.pop().ok_or_else(|| unserved(tile))?;
            let hashes = hashes(got)?;
            // At most eight levels deep.
            self.check_tile(level, tile, &hashes)?;
            self.above.insert(level, (index, hashes));
        }
        Ok(self.above.get(&level).and_then(|(_, hashes)| hashes.get(place)).copied())
    }

    /// Compares the entries of a bundle with their hashes, and says how many bytes they have.
    fn check_bundle(&mut self, got: Got, hashes: &[Hash]) -> Result<u64, Failed<S::Error>> {
        let bundle = got.wanted;
        let start = first_entry(bundle);
        match got.fetched {
            Fetched::Bytes(bytes) => {
                for (number, entry) in (start..).zip(entries(got.served, &bytes)) {
                    let entry = entry?;
                    let place = number - start;
                    if place >= u64::from(bundle.width) {
                        // It has grown, and goes on behind what the checkpoint is about.
                        continue;
                    }
                    if hashes.get(place as usize) != Some(&Hash::of_leaf(entry)) {
                        return Err(Broken::Entry { entry: number }.into());
                    }
                    self.removals.note(number, entry);
                }
                self.first.get_or_insert(start);
                self.checked += u64::from(bundle.width);
                self.bundle = Some(bundle);
                Ok(bytes.len() as u64)
            }
            Fetched::TooLong => Err(malformed(got.served, "it is larger than a bundle may be")),
            Fetched::Absent | Fetched::Denied => {
                // Logs remove their oldest entries first, also meanwhile: then the one before is gone, too.
                if let Some(before) = self.bundle.take() {
                    let again = self.get(&[before])?.pop().map(|got| got.fetched);
                    if matches!(again, Some(Fetched::Bytes(_) | Fetched::TooLong)) {
                        return Err(Broken::Missing { entry: start }.into());
                    }
                }
                self.first = None;
                Ok(self.leave_out(bundle))
            }
        }
    }

    /// Counts the entries of a tile that are not there to be read.
    fn leave_out(&mut self, tile: Tile) -> u64 {
        self.hashes_only += u64::from(tile.width);
        0
    }

    /// Asks for tiles. Partial ones may be gone from a log that has grown, and then there is a full one.
    fn get(&mut self, tiles: &[Tile]) -> Result<Vec<Got>, Failed<S::Error>> {
        let mut got = self.ask(tiles)?;
        let is_gone = |got: &&mut Got| {
            !got.wanted.is_full() && matches!(got.fetched, Fetched::Absent | Fetched::Denied)
        };
        let full: Vec<Tile> = got.iter_mut().filter(is_gone).map(|got| got.wanted.full()).collect();
        for (got, full) in got.iter_mut().filter(is_gone).zip(self.ask(&full)?) {
            (got.served, got.fetched) = (full.served, full.fetched);
        }
        Ok(got)
    }

    fn ask(&mut self, tiles: &[Tile]) -> Result<Vec<Got>, Failed<S::Error>> {
        if tiles.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<Wanted> = tiles.iter().map(wanted).collect();
        let mut fetched = self.source.fetch(&wanted).map_err(Failed::Source)?.into_iter();
        let got = tiles.iter().map(|tile| Got {
            wanted: *tile,
            served: *tile,
            fetched: fetched.next().unwrap_or(Fetched::Absent),
        });
        Ok(got.collect())
    }
}

fn wanted(tile: &Tile) -> Wanted {
    let limit_bytes = match tile.content {
        Content::Entries => BUNDLE_BYTES,
        Content::Hashes { .. } => TILE_BYTES,
    };
    Wanted { path: tile.to_string(), limit_bytes }
}

/// The tree over hashes that stand beside each other.
fn over(hashes: &[Hash]) -> Frontier {
    let mut tree = Frontier::new();
    for hash in hashes {
        tree.push(*hash, |_, _, _| ());
    }
    tree
}

/// The hashes of a tile that was asked for.
fn hashes<E>(got: Got) -> Result<Vec<Hash>, Failed<E>> {
    match got.fetched {
        Fetched::Bytes(bytes) => {
            let hashes = got.served.hashes(&bytes);
            let mut hashes = hashes.map_err(|error| malformed(got.served, &error.to_string()))?;
            hashes.truncate(got.wanted.width.into());
            Ok(hashes)
        }
        Fetched::TooLong => Err(malformed(got.served, "it is larger than a tile may be")),
        Fetched::Absent => Err(unserved(got.wanted).into()),
        Fetched::Denied => Err(Failed::Denied { path: got.wanted.to_string() }),
    }
}

/// The entries of a bundle, which has as many as its width says and nothing behind them.
fn entries(bundle: Tile, bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], Broken>> {
    let (start, width) = (first_entry(bundle), u64::from(bundle.width));
    let mut rest = bytes;
    (0..=width).filter_map(move |number| {
        let entry = start + number;
        let wrong = |what: String| Err(Broken::Malformed { tile: bundle, entry, what });
        if number == width {
            let is_end = rest.is_empty();
            return (!is_end).then(|| wrong(format!("it goes on behind entry {}", entry - 1)));
        }
        let cut = rest
            .split_first_chunk::<2>()
            .and_then(|(length, more)| more.split_at_checked(u16::from_be_bytes(*length).into()));
        let Some((read, more)) = cut else {
            rest = &[];
            return Some(wrong(format!("it ends in entry {entry}")));
        };
        rest = more;
        Some(Ok(read))
    })
}

fn first_entry(tile: Tile) -> u64 {
    tile.entries().map_or(0, |entries| entries.start)
}

fn malformed<E>(tile: Tile, what: &str) -> Failed<E> {
    Broken::Malformed { tile, entry: first_entry(tile), what: what.to_owned() }.into()
}

fn unserved(tile: Tile) -> Broken {
    Broken::Unserved { tile, entry: first_entry(tile) }
}

#[cfg(test)]
mod tests;
