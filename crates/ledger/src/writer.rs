//! The one writer of a log: takes events from any thread, brings them to the disk behind their
//! back, starts new files and removes the oldest.
//!
//! An event is turned into its line before the lock is taken, and the lock is held for one
//! `write(2)`; the sync thread waits for the disk without it, adds what is on the disk to the tree
//! and signs that. What a line looks like is decided by `Event`; whether an answer waits for a log
//! that fails is decided by policy.

mod backlog;
mod erasure;
mod handover;
mod opening;
mod retention;
mod state;
mod threads;
mod waiting;

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bartizan_core::event::{Event, EventSink, RecordError, Recorded};
use bartizan_core::settings::{Assurance, Durability, Ledger, OnLogFailure};
use bartizan_core::time::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::LINE_BYTES;
use crate::active::Active;
use crate::checkpoint::Checkpoint;
use crate::disk::{self, Disk, FileSystem};
use crate::error::LedgerError;
use crate::merkle::Hash;
use crate::removal;
use crate::segment::{self, Segment};
use crate::signer;
use crate::subjects::Pseudonyms;
use crate::tree::{Tree, checkpoint_text};

use backlog::Backlog;
use erasure::Said;
pub use handover::Retired;
pub use opening::is_in_use;
use opening::{create, grow, reopen, sync_all};
use retention::Leaving;
use state::{Failed, State, Stop};

/// From the first unsynced write to the start of `fdatasync`. The promise is 50 ms to the disk;
/// the rest is left to the disk itself.
const SYNC_DELAY: Duration = Duration::from_millis(20);
/// From the first entry on the disk that no checkpoint is about to the next checkpoint. The promise is
/// one second.
const SIGN_DELAY: Duration = Duration::from_millis(500);
/// How long to wait before asking a failing disk again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// A thread keeps its line buffer up to this size.
const KEPT_BUFFER_BYTES: usize = 64 << 10;

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes the event log of one folder.
///
/// Only one can be open per folder, over all processes. Dropping it waits until all events are on
/// the disk.
pub struct EventLogWriter {
    shared: Arc<Shared>,
    sync_thread: Option<JoinHandle<()>>,
    sign_thread: Option<JoinHandle<()>>,
    /// The system gives the lock back when this closes, also when the process dies.
    _lock: File,
}

impl EventLogWriter {
    /// Opens the log in the folder `dir`, which is created when missing.
    ///
    /// A line that was cut off by a crash is moved to a `.torn` file beside its segment.
    ///
    /// # Errors
    /// [`LedgerError::Locked`] when another writer is open, [`LedgerError::Folder`] or
    /// [`LedgerError::Segment`] when the system refuses.
    pub fn open(dir: &Path, config: Ledger) -> Result<Self, LedgerError> {
        Self::open_on(Box::new(FileSystem), dir, config)
    }

    fn open_on(disk: Box<dyn Disk>, dir: &Path, config: Ledger) -> Result<Self, LedgerError> {
        let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
        disk::private_folder(dir).map_err(folder)?;
        let lock = disk::lock_folder(dir)?;
        let mut segments = segment::list(dir).map_err(folder)?;
        // A crash may fall between the first checkpoint and the key.
        let first = checkpoint_text(dir).map_err(folder)?;
        let is_new = segments.is_empty() && first.is_none_or(|note| note.contains("\n0\n"));
        let keys = signer::open(disk.as_ref(), dir, is_new)?;
        if keys.both().is_some_and(|(_, older)| crate::handover::proof_path(dir, &older).exists()) {
            // Retiring was interrupted, or the keys come from a backup that was made before it.
            tracing::warn!(
                dir = %dir.display(),
                "a key that was retired signs the log again; end that with `bartizan audit rotate-key --finish`"
            );
        }
        let pseudonyms = Pseudonyms::open(disk.as_ref(), dir)?;
        let opened = Tree::open(dir, keys)?;
        let last = segments.pop();
        let last = last.map(|segment| reopen(disk.as_ref(), segment)).transpose()?;
        let tree = grow(dir, opened)?;
        let next = tree.size();
        let signed = tree.signed().map_or(0, |signed| signed.size);
        sync_all(disk.as_ref(), dir, signed)?;
        let active = match last {
            Some(active) => active,
            None => create(disk.as_ref(), Segment::next(dir, next, None))?,
        };
        disk.sync_folder(dir).map_err(folder)?;

        let shared = Arc::new(Shared {
            disk,
            dir: dir.to_owned(),
            config,
            opened: (bartizan_core::time::now(), Instant::now()),
            state: Mutex::new(State {
                active,
                is_new_file: false,
                next,
                synced: next,
                leaves: Vec::new(),
                waiting: 0,
                // The file may have been left unsynced by a process that died.
                dirty_since: Some(Instant::now()),
                sign_after: Some(Instant::now()),
                look_after: Instant::now(),
                rotate_after: None,
                prune_after: Instant::now().checked_add(retention::PRUNE_EVERY),
                backlog: Backlog::default(),
                wakers: Vec::new(),
                failed: Failed::default(),
                broken: false,
                stop: Stop::None,
            }),
            wake: Condvar::new(),
            wake_signer: Condvar::new(),
            synced: Condvar::new(),
            syncing: Mutex::new(()),
            tree: Mutex::new(tree),
            leaving: Mutex::new(None),
            pseudonyms,
            said: Mutex::new(None),
        });
        if signed < next {
            // Whoever verifies does not take what they say about removals for the log's own word.
            shared.write(&removal::adopted(signed, next)).map_err(LedgerError::Sync)?;
        }
        shared.announce()?;
        shared.prune();
        shared.look_for_erased();
        let sync_thread = Some(threads::start("event-log-sync", &shared, Shared::keep_synced)?);
        let sign_thread = Some(threads::start("event-log-sign", &shared, Shared::keep_signed)?);
        Ok(Self { shared, sync_thread, sign_thread, _lock: lock })
    }

    /// Hands one event to the log and waits for nothing: it reaches the disk at most 50 ms later, whatever
    /// the policy asks of its area.
    ///
    /// # Errors
    /// [`RecordError`] when the log cannot take it.
    pub fn append(&self, event: &Event) -> Result<(), RecordError> {
        self.shared.write(self.shared.pseudonyms.hide(event)?.as_ref())?;
        Ok(())
    }

    /// Hands one event to the log, waits until it is on the disk, and says which entry it became. Those
    /// who wait at the same time wait for one sync together.
    ///
    /// # Errors
    /// [`RecordError`] when the log cannot take it or the disk refuses. It may be in the log all the
    /// same.
    pub fn record_durably(&self, event: &Event) -> Result<u64, RecordError> {
        let entry = self.shared.write(self.shared.pseudonyms.hide(event)?.as_ref())?;
        self.shared.wait_for(entry)?;
        Ok(entry)
    }

    /// Returns when every event recorded so far is on the disk.
    ///
    /// # Errors
    /// [`LedgerError::Sync`] when the disk refuses; it is tried again in the background.
    pub fn flush(&self) -> Result<(), LedgerError> {
        self.shared.sync().map_err(LedgerError::Sync)
    }

    /// Signs everything recorded so far, and says what was signed; none while the log is empty.
    ///
    /// # Errors
    /// [`LedgerError::Sync`] or [`LedgerError::Sign`] when the disk refuses; it is tried again in the
    /// background.
    pub fn sign(&self) -> Result<Option<Checkpoint>, LedgerError> {
        self.flush()?;
        self.shared.sign().map_err(LedgerError::Sign)?;
        Ok(self.shared.tree.lock().signed().cloned())
    }

    /// Whether the log would take an event of the gateway now; for readiness checks.
    ///
    /// After a failed write the disk is asked, so that a full disk that has space again is noticed
    /// without an event to write. Where such events wait in memory, there is room as long as that has.
    ///
    /// # Errors
    /// [`RecordError`] with what the system says.
    pub fn check(&self) -> Result<(), RecordError> {
        let mut state = self.shared.state.lock();
        let asked = state.ask_disk().and_then(|()| {
            let names = self.shared.pseudonyms.write(self.shared.disk.as_ref());
            state.failed.write |= names.is_err();
            names
        });
        let buffers = self.shared.config.gateway.on_failure == OnLogFailure::Buffer;
        if buffers && state.backlog.has_room_for(LINE_BYTES) {
            return Ok(());
        }
        Ok(asked?)
    }

    /// How far the log has got.
    pub fn progress(&self) -> Progress {
        let signed = self.shared.tree.lock().signed().map_or(0, |signed| signed.size);
        let state = self.shared.state.lock();
        Progress { entries: state.next, synced: state.synced, signed, waiting: state.backlog.len() }
    }
}

impl EventSink for EventLogWriter {
    fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
        let assurance = self.shared.config.of(&event.area);
        let event = self.shared.pseudonyms.hide(event)?;
        match (self.shared.record(&event, assurance)?, assurance.durability) {
            (Taken::Written(entry), Durability::Strict) => {
                Ok(waiting::until_synced(&self.shared, entry, assurance.on_failure))
            }
            (Taken::Written(_), Durability::Batched) | (Taken::Waits, _) => Ok(Recorded::Settled),
        }
    }
}

/// How far a log has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries ever written, the removed ones included.
    pub entries: u64,
    /// Of these, entries known to be on the disk.
    pub synced: u64,
    /// Of these, entries that the last checkpoint is about.
    pub signed: u64,
    /// Events that wait in memory because the disk does not take them.
    pub waiting: usize,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It is an entry of the log.
    Written(u64),
    /// It waits in memory.
    Waits,
}

impl std::fmt::Debug for EventLogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLogWriter").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

/// What writers and the sync thread share.
struct Shared {
    disk: Box<dyn Disk>,
    dir: PathBuf,
    config: Ledger,
    /// When the log was opened, by the clock and by the time that passes.
    opened: (Timestamp, Instant),
    state: Mutex<State>,
    /// Told when there is something to sync, or when it is time to stop.
    wake: Condvar,
    /// Told when there is something to sign, or when it is time to stop.
    wake_signer: Condvar,
    /// Told when entries have come to the disk, or cannot.
    synced: Condvar,
    /// Held during a sync, so that `flush` returns only when an earlier sync has ended too.
    /// Taken before `state`, never after.
    syncing: Mutex<()>,
    /// What is signed. Taken before `state`, never after.
    tree: Mutex<Tree>,
    /// What is to be removed. Taken before `tree` and `state`, never after.
    leaving: Mutex<Option<Leaving>>,
    /// Who is named how. Its locks are taken after all others.
    pseudonyms: Pseudonyms,
    /// Erasures that the log speaks of, as long as that is not signed. Taken before `state`, never after.
    said: Mutex<Option<Said>>,
}

impl Shared {
    /// Writes an event as it is, and says which entry it became.
    fn write(&self, event: &Event) -> io::Result<u64> {
        match self.record(event, Assurance::DEFAULT)? {
            Taken::Written(entry) => Ok(entry),
            // INVARIANT: without a buffer, nothing waits.
            Taken::Waits => Err(io::Error::other("the event waits for the disk")),
        }
    }

    /// Writes an event, or lets it wait where its area goes on without the disk.
    fn record(&self, event: &Event, assurance: Assurance) -> io::Result<Taken> {
        LINE.with_borrow_mut(|line| {
            line.clear();
            serde_json::to_writer(&mut *line, event)?;
            if line.len() >= LINE_BYTES {
                // An event that nobody can log would be an exchange without a record.
                line.clear();
                serde_json::to_writer(&mut *line, &event.shortened())?;
            }
            let leaf = Hash::of_leaf(line);
            line.push(b'\n');
            let result = self.append(line, leaf, assurance.on_failure);
            if line.capacity() > KEPT_BUFFER_BYTES {
                *line = Vec::new();
            }
            result
        })
    }

    fn append(&self, line: &[u8], leaf: Hash, on_failure: OnLogFailure) -> io::Result<Taken> {
        if line.len() > LINE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the event takes {} bytes, at most {LINE_BYTES} are kept", line.len()),
            ));
        }
        let mut state = self.state.lock();
        // What waits comes first, so that entries stand in the order of what happened.
        let written = self.write_backlog(&mut state);
        let written = written.and_then(|()| self.append_line(&mut state, line, leaf));
        let buffers = on_failure == OnLogFailure::Buffer && state.backlog.has_room_for(line.len());
        match written {
            Err(_) if buffers => {
                state.backlog.push(line, leaf);
                self.wake.notify_one();
                Ok(Taken::Waits)
            }
            written => written.map(Taken::Written),
        }
    }

    /// Appends one line to the last file, and says which entry it is.
    fn append_line(
        &self,
        state: &mut MutexGuard<'_, State>,
        line: &[u8],
        leaf: Hash,
    ) -> io::Result<u64> {
        state.refuse_when_sync_failed()?;
        // INVARIANT: whose pseudonym it is stands in the file before an entry has it.
        if let Err(error) = self.pseudonyms.write(self.disk.as_ref()) {
            if !std::mem::replace(&mut state.failed.write, true) {
                tracing::error!(%error, dir = %self.dir.display(), "names beside the event log cannot be written");
            }
            return Err(error);
        }
        let is_full = state.active.is_full_for(line.len(), self.config.segment_bytes);
        if is_full || state.active.is_old(retention::segment_age(self.config.keep)) {
            self.rotate(state);
        }
        let number = state.next;
        let result = state.active.append(line);
        let failed_before = std::mem::replace(&mut state.failed.write, result.is_err());
        match &result {
            Ok(()) => {
                state.next += 1;
                state.leaves.push(leaf);
                self.mark_dirty(state);
                if failed_before {
                    tracing::info!(dir = %self.dir.display(), "event log takes events again");
                }
            }
            Err(error) if !failed_before => {
                tracing::error!(%error, dir = %self.dir.display(), "event log cannot be written");
            }
            Err(_) => {}
        }
        result.map(|()| number)
    }

    /// Writes what waits, as far as the disk takes it.
    fn write_backlog(&self, state: &mut MutexGuard<'_, State>) -> io::Result<()> {
        while let Some((line, leaf)) = state.backlog.pop() {
            if let Err(error) = self.append_line(state, &line, leaf) {
                state.backlog.put_back(line, leaf);
                return Err(error);
            }
        }
        Ok(())
    }

    fn mark_dirty(&self, state: &mut MutexGuard<'_, State>) {
        if state.dirty_since.is_none() {
            state.dirty_since = Some(Instant::now());
            self.wake.notify_one();
        }
    }

    /// Starts the next file. When that fails, the old one goes on growing: a file that is too big
    /// is better than an event that is lost.
    fn rotate(&self, state: &mut MutexGuard<'_, State>) {
        let now = Instant::now();
        if state.rotate_after.is_some_and(|after| now < after) {
            return;
        }
        let latest = state.active.latest();
        let segment = Segment::next(&self.dir, state.next, Some(latest));
        // INVARIANT: no file has entries while one before it lacks some; a power cut would leave a gap.
        let full = self.pseudonyms.sync(self.disk.as_ref());
        let full = full.and_then(|()| state.active.mend()).and_then(|()| state.active.file.sync());
        let created = full.and_then(|()| self.disk.create(&segment.path));
        match created {
            Ok(file) => {
                state.active = Active::new(segment, file, 0);
                state.is_new_file = true;
                state.rotate_after = None;
                self.mark_dirty(state);
            }
            Err(error) => {
                state.rotate_after = now.checked_add(RETRY_DELAY);
                tracing::warn!(%error, dir = %self.dir.display(), "event log file cannot be created");
            }
        }
    }

    /// Adds what is on the disk to the tree, and signs it.
    fn sign(&self) -> io::Result<()> {
        let mut tree = self.tree.lock();
        let mut state = self.state.lock();
        // Hashes begin behind the tree, and some may be of entries that are not on the disk yet.
        let ready = state.synced.saturating_sub(tree.size()) as usize;
        let ready = ready.min(state.leaves.len());
        let leaves: Vec<Hash> = state.leaves.drain(..ready).collect();
        state.sign_after = None;
        drop(state);

        for leaf in leaves {
            tree.push(leaf);
        }
        let time = bartizan_core::time::now().as_second().unsigned_abs();
        let result = tree.sign(self.disk.as_ref(), time);
        let signed = tree.signed().map_or(0, |signed| signed.size);
        drop(tree);
        self.remove(signed);

        let mut state = self.state.lock();
        let failed_before = std::mem::replace(&mut state.failed.sign, result.is_err());
        if result.is_err() {
            state.sign_after = Instant::now().checked_add(RETRY_DELAY);
            self.wake_signer.notify_one();
        }
        drop(state);
        match &result {
            Err(error) if !failed_before => {
                tracing::error!(%error, dir = %self.dir.display(), "event log cannot be signed");
            }
            Ok(()) if failed_before => {
                tracing::info!(dir = %self.dir.display(), "event log is signed again");
            }
            _ => {}
        }
        result
    }

    /// Brings everything written so far to the disk.
    fn sync(&self) -> io::Result<()> {
        let _one_at_a_time = self.syncing.lock();
        self.prune_when_due();
        let mut state = self.state.lock();
        // What waits goes on waiting when the disk refuses, and is tried again.
        let _ = self.write_backlog(&mut state);
        if state.dirty_since.take().is_none() {
            return Ok(());
        }
        let is_new_file = std::mem::take(&mut state.is_new_file);
        let active = Arc::clone(&state.active.file);
        let written = state.next;
        drop(state);

        let mut result = self.pseudonyms.sync(self.disk.as_ref());
        result = result.and_then(|()| active.sync());
        if is_new_file {
            result = result.and_then(|()| self.disk.sync_folder(&self.dir));
        }

        let mut state = self.state.lock();
        let failed_before = std::mem::replace(&mut state.failed.sync, result.is_err());
        if result.is_err() {
            state.is_new_file |= is_new_file;
            state.dirty_since = Some(Instant::now());
            self.wake.notify_one();
        } else if state.synced < written {
            state.synced = written;
            if state.sign_after.is_none() {
                state.sign_after = Instant::now().checked_add(SIGN_DELAY);
                self.wake_signer.notify_one();
            }
        }
        drop(state);
        self.tell_waiting();
        match &result {
            Err(error) if !failed_before => {
                tracing::error!(%error, dir = %self.dir.display(), "event log cannot be synced");
            }
            Ok(()) if failed_before => {
                tracing::info!(dir = %self.dir.display(), "event log reaches the disk again");
            }
            _ => {}
        }
        if is_new_file && result.is_ok() {
            self.prune();
        }
        result
    }
}

#[cfg(test)]
mod tests;
