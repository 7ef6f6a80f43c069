//! Tiles: 256 hashes, or 256 entries, in one file, as C2SP's tlog-tiles lays them out.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::hash::Hash;
use super::proof::Nodes;

/// Hashes or entries of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of a tree that one tile spans.
const TILE_HEIGHT: u32 = 8;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// Highest level that a path may name.
const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Entries, each behind its length in two bytes, the higher first.
    Entries,
    /// Roots of subtrees of `256^level` entries.
    Hashes {
        /// 0 for the hashes of entries.
        level: u8,
    },
}

impl Content {
    /// Height of the nodes that it holds.
    const fn shift(self) -> u32 {
        match self {
            Self::Entries => 0,
            Self::Hashes { level } => level as u32 * TILE_HEIGHT,
        }
    }
}

/// A tile, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub content: Content,
    /// Its place among those of its level.
    pub index: u64,
    /// Hashes or entries in it, `1..=256`.
    pub width: u16,
}

/// Why a tile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// A path that names no tile.
    #[error("`{path}` names no tile: expected `tile/<level or entries>/<x000/…/000>[.p/<1..255>]`")]
    Path {
        /// The path.
        path: String,
    },
    /// A tile of another length than its width says.
    #[error("tile `{tile}` has {bytes} bytes instead of {expected}")]
    Length {
        /// The tile.
        tile: Tile,
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it should have.
        expected: usize,
    },
}

impl Tile {
    /// The tile of a level with this index in a tree of `size` entries, as wide as it is there; none
    /// if it is empty.
    #[must_use]
    pub fn at(content: Content, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(content.shift()).unwrap_or(0);
        let width = hashes.saturating_sub(index.checked_mul(TILE_WIDTH)?).min(TILE_WIDTH);
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { content, index, width })
    }

    /// The tiles that a tree of `size` entries has and one of `old` entries has not, entries first
    /// and then level by level: full ones, and the last of each level as wide as it is.
    pub fn between(old: u64, size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..=MAX_LEVEL)
            .map(|level| Content::Hashes { level })
            .take_while(move |content| Self::at(*content, 0, size).is_some());
        std::iter::once(Content::Entries).chain(levels).flat_map(move |content| {
            let shift = content.shift();
            // The last tile of the old tree may have grown, the ones before it were full.
            let first = old.checked_shr(shift).unwrap_or(0) / TILE_WIDTH;
            let before = Self::at(content, first, old);
            (first..)
                .map_while(move |index| Self::at(content, index, size))
                .filter(move |tile| before.as_ref() != Some(tile))
        })
    }

    /// The full tile of a level with this index.
    #[must_use]
    pub const fn full_at(content: Content, index: u64) -> Self {
        Self { content, index, width: TILE_WIDTH as u16 }
    }

    /// Whether it holds all that it can.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// The same tile when it is full.
    #[must_use]
    pub const fn full(self) -> Self {
        Self::full_at(self.content, self.index)
    }

    /// Number of the first entry that it says something about, and one past the last.
    #[must_use]
    pub fn entries(&self) -> Option<std::ops::Range<u64>> {
        let start = self.index.checked_mul(TILE_WIDTH)?;
        let end = start.checked_add(u64::from(self.width))?;
        let scale = 1_u64.checked_shl(self.content.shift())?;
        Some(start.checked_mul(scale)?..end.checked_mul(scale)?)
    }

    /// The hashes of a tile of hashes.
    ///
    /// # Errors
    /// [`TileError::Length`], when the bytes are not as many as the width says.
    pub fn hashes(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        let expected = usize::from(self.width) * HASH_BYTES;
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        if bytes.len() != expected || !rest.is_empty() {
            return Err(TileError::Length { tile: *self, bytes: bytes.len(), expected });
        }
        Ok(hashes.iter().copied().map(Hash::from).collect())
    }
}

/// The path below the prefix of a log, in text that is the same everywhere.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Entries => f.write_str("tile/entries")?,
            Content::Hashes { level } => write!(f, "tile/{level}")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        while let Some(group) = groups.pop() {
            f.write_char('/')?;
            if !groups.is_empty() {
                f.write_char('x')?;
            }
            write!(f, "{group:03}")?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Reads what [`fmt::Display`] writes, and nothing else: one tile has one path.
impl FromStr for Tile {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let tile = parse(path);
        // Leading zeros and empty groups read well, and are written otherwise.
        tile.filter(|tile| tile.to_string() == path)
            .ok_or_else(|| TileError::Path { path: path.chars().take(128).collect() })
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (content, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let content = if content == "entries" {
        Content::Entries
    } else {
        Content::Hashes { level: content.parse().ok().filter(|level| *level <= MAX_LEVEL)? }
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok().filter(|width| *width < 256)?),
        None => (rest, TILE_WIDTH as u16),
    };
    let index = index.split('/').try_fold(0_u64, |index, group| {
        let group: u64 =
            group.trim_start_matches('x').parse().ok().filter(|group| *group < 1000)?;
        index.checked_mul(1000)?.checked_add(group)
    })?;
    (width > 0).then_some(Tile { content, index, width })
}

/// The tree of `size` entries, read from tiles of hashes; each is fetched once.
#[derive(Debug)]
pub struct Tiles<F> {
    size: u64,
    fetch: F,
    kept: Vec<(Tile, Vec<Hash>)>,
}

/// Tiles that are kept: enough for the path from a leaf to the root, and for that of another.
const KEPT: usize = 16;

impl<F, E> Tiles<F>
where
    F: FnMut(Tile) -> Result<Vec<u8>, E>,
    E: From<TileError>,
{
    /// Prepares to read a tree of `size` entries; `fetch` gives the bytes of a tile.
    pub const fn new(size: u64, fetch: F) -> Self {
        Self { size, fetch, kept: Vec::new() }
    }

    fn with<T>(&mut self, tile: Tile, read: impl FnOnce(&[Hash]) -> T) -> Result<T, E> {
        let kept = match self.kept.iter().position(|(kept, _)| *kept == tile) {
            Some(at) => self.kept.remove(at),
            None => (tile, tile.hashes(&(self.fetch)(tile)?)?),
        };
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        let read = read(&kept.1);
        self.kept.push(kept);
        Ok(read)
    }
}

impl<F, E> Nodes for Tiles<F>
where
    F: FnMut(Tile) -> Result<Vec<u8>, E>,
    E: From<TileError>,
{
    type Error = E;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        let (level, inside) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = index << inside;
        let content = Content::Hashes { level: level as u8 };
        let outside =
            || TileError::Path { path: format!("node {height}, {index} of {}", self.size) };
        let tile = Tile::at(content, first / TILE_WIDTH, self.size).ok_or_else(outside)?;
        let from = (first % TILE_WIDTH) as usize;
        let node = self.with(tile, |hashes| fold(hashes.get(from..from + (1 << inside))?))?;
        Ok(node.ok_or_else(|| TileError::Path { path: format!("node {height}, {index}") })?)
    }
}

/// Root over a power of two of hashes.
fn fold(hashes: &[Hash]) -> Option<Hash> {
    if let [only] = hashes {
        return Some(*only);
    }
    let (left, right) = hashes.split_at_checked(hashes.len() / 2)?;
    if left.is_empty() {
        return None;
    }
    Some(Hash::of_node(fold(left)?, fold(right)?))
}
