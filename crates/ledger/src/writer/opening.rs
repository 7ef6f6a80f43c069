//! Opening a log: one writer per folder, what a crash left behind, and whether the entries are those that
//! were signed.

use std::fs::TryLockError;
use std::path::Path;

use crate::active::Active;
use crate::disk::{self, Disk, LOCK_FILE};
use crate::entries::EntryReader;
use crate::error::LedgerError;
use crate::merkle::Hash;
use crate::segment::{self, Segment};
use crate::tree::{Opened, Tree};

/// Whether a writer is open on the folder `dir`, in this process or another. Changes nothing; what
/// cannot be looked at counts as not in use.
pub fn is_in_use(dir: &Path) -> bool {
    // Shared, so that two that look at the same time do not take each other for a writer.
    disk::open(&dir.join(LOCK_FILE))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Adds the entries behind the last full tile to a tree that was opened, and checks that those which
/// were signed are the same.
pub(super) fn grow(dir: &Path, opened: Opened) -> Result<Tree, LedgerError> {
    let Opened { mut tree, checkpoint } = opened;
    let mut entries = EntryReader::from(dir, tree.size())?;
    if entries.number() != tree.size() {
        let (signed, entries) = (tree.size(), 0);
        return Err(LedgerError::Behind { signed, entries });
    }
    let signed = checkpoint.size;
    let is_same = |tree: &Tree| tree.size() != signed || tree.root() == checkpoint.root;
    let mut agrees = is_same(&tree);
    while let Some(entry) = entries.next()? {
        tree.push(Hash::of_leaf(entry));
        agrees &= is_same(&tree);
    }
    if tree.size() < signed {
        return Err(LedgerError::Behind { signed, entries: tree.size() });
    }
    if !agrees {
        return Err(LedgerError::Changed { signed });
    }
    tree.agrees_with(checkpoint);
    Ok(tree)
}

/// Brings to the disk what a process before wrote and may not have synced: it is about to be signed.
pub(super) fn sync_all(disk: &dyn Disk, dir: &Path, signed: u64) -> Result<(), LedgerError> {
    let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
    let segments = segment::list(dir).map_err(folder)?;
    let ends = segments.iter().skip(1).map(|next| next.first).chain([u64::MAX]);
    for (segment, _) in segments.iter().zip(ends).filter(|(_, end)| *end > signed) {
        let synced = disk.reopen(&segment.path).and_then(|(file, _)| file.sync());
        synced.map_err(|source| LedgerError::Segment { path: segment.path.clone(), source })?;
    }
    disk.sync_folder(dir).map_err(folder)
}

pub(super) fn reopen(disk: &dyn Disk, segment: Segment) -> Result<Active, LedgerError> {
    let opened = segment.cut_torn_tail().and_then(|torn_bytes| {
        if torn_bytes > 0 {
            tracing::warn!(
                torn_bytes,
                file = %segment.path.display(),
                "event log ended in the middle of a line; the rest is kept in a .torn file"
            );
        }
        disk.reopen(&segment.path)
    });
    match opened {
        Ok((file, len)) => Ok(Active::new(segment, file, len)),
        Err(source) => Err(LedgerError::Segment { path: segment.path, source }),
    }
}

pub(super) fn create(disk: &dyn Disk, segment: Segment) -> Result<Active, LedgerError> {
    match disk.create(&segment.path) {
        Ok(file) => Ok(Active::new(segment, file, 0)),
        Err(source) => Err(LedgerError::Segment { path: segment.path, source }),
    }
}
