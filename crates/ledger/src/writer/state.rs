//! What a log is about to do: lines that are on their way, and when what is due.

use std::io;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::{RETRY_DELAY, SYNC_DELAY};
use crate::active::Active;
use crate::merkle::Hash;

/// What changes with every event.
pub(super) struct State {
    pub(super) active: Active,
    /// The name of the active file is not known to be on the disk. Full files are there with theirs.
    pub(super) is_new_file: bool,
    /// Number of the next entry.
    pub(super) next: u64,
    /// Entries that are on the disk.
    pub(super) synced: u64,
    /// Hashes of the last entries that were written and are not in the tree.
    pub(super) leaves: Vec<Hash>,
    /// When the first unsynced line was written.
    pub(super) dirty_since: Option<Instant>,
    /// Threads that wait for the disk.
    pub(super) waiting: usize,
    /// Tasks that wait for the disk.
    pub(super) wakers: Vec<Waker>,
    /// Lines that the disk did not take, for areas that go on without it.
    pub(super) backlog: Backlog,
    /// When entries that are on the disk are due to be signed.
    pub(super) sign_after: Option<Instant>,
    /// A new file could not be created; it is tried again after this.
    pub(super) rotate_after: Option<Instant>,
    /// When to look for names that were erased.
    pub(super) look_after: Instant,
    /// When to look for entries that have become too old.
    pub(super) prune_after: Option<Instant>,
    pub(super) failed: Failed,
    /// A thread ended before its time. Only a new start helps.
    pub(super) broken: bool,
    pub(super) stop: Stop,
}

/// Which threads are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    None,
    Syncing,
    Signing,
}

/// What the disk refused the last time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failed {
    pub(super) write: bool,
    pub(super) sync: bool,
    pub(super) sign: bool,
}

impl State {
    /// When there is something to sync, to write again or to remove; none while there is nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        let delay = if self.failed.sync {
            RETRY_DELAY
        } else if self.waiting == 0 && self.wakers.is_empty() {
            SYNC_DELAY
        } else {
            // Whoever waits does not wait for others to come: these are many, or the disk is fast.
            Duration::ZERO
        };
        let sync = self.dirty_since.and_then(|since| since.checked_add(delay));
        let again = self.backlog.since().and_then(|since| since.checked_add(RETRY_DELAY));
        [sync, again, self.prune_after].into_iter().flatten().min()
    }

    /// Whether the disk would take an event now.
    pub(super) fn ask_disk(&mut self) -> io::Result<()> {
        self.refuse_when_sync_failed()?;
        if self.failed.sign {
            return Err(io::Error::other("the event log cannot be signed"));
        }
        if self.failed.write {
            self.active.probe()?;
            self.failed.write = false;
        }
        Ok(())
    }

    /// While the disk loses what it was given, nothing more is promised.
    pub(super) fn refuse_when_sync_failed(&self) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("a thread of the event log ended; start again"));
        }
        if self.failed.sync {
            return Err(io::Error::other("earlier events could not be synced to disk"));
        }
        Ok(())
    }
}
