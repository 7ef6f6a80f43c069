//! The one writer of a log: takes events from any thread, brings them to the disk behind their
//! back, starts new files and removes the oldest.
//!
//! An event is turned into its line before the lock is taken, and the lock is held for one
//! `write(2)`; the sync thread waits for the disk without it. What a line looks like is decided by
//! `Event`; whether an answer waits for a log that fails is decided by policy.

use std::cell::RefCell;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bartizan_core::event::{Event, EventSink, RecordError};
use bartizan_core::private;
use bartizan_core::settings::EventLog;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::LINE_BYTES;
use crate::active::Active;
use crate::disk::{self, Disk, FileSystem, SegmentFile};
use crate::error::LedgerError;
use crate::segment::{self, Segment};

/// From the first unsynced write to the start of `fdatasync`. The promise is 50 ms to the disk;
/// the rest is left to the disk itself.
const SYNC_DELAY: Duration = Duration::from_millis(20);
/// How long to wait before asking a failing disk again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Locked by the writer of a folder.
const LOCK_FILE: &str = ".lock";
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
    pub fn open(dir: &Path, config: EventLog) -> Result<Self, LedgerError> {
        Self::open_on(Box::new(FileSystem), dir, config)
    }

    fn open_on(disk: Box<dyn Disk>, dir: &Path, config: EventLog) -> Result<Self, LedgerError> {
        let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
        disk::private_folder(dir).map_err(folder)?;
        let lock = lock_folder(dir)?;
        let last = segment::list(dir).map_err(folder)?.pop();
        let active = match last {
            Some(segment) => reopen(disk.as_ref(), segment)?,
            None => create(disk.as_ref(), Segment::at(dir, Segment::next_start(None)))?,
        };
        disk.sync_folder(dir).map_err(folder)?;

        let shared = Arc::new(Shared {
            disk,
            dir: dir.to_owned(),
            config,
            state: Mutex::new(State {
                active,
                closed: Vec::new(),
                // The file may have been left unsynced by a process that died.
                dirty_since: Some(Instant::now()),
                rotate_after: None,
                write_failed: false,
                sync_failed: false,
                stop: false,
            }),
            wake: Condvar::new(),
            syncing: Mutex::new(()),
        });
        shared.prune();
        let in_thread = Arc::clone(&shared);
        let sync_thread = std::thread::Builder::new()
            .name("event-log-sync".to_owned())
            .spawn(move || in_thread.keep_synced())
            .map_err(LedgerError::Thread)?;
        Ok(Self { shared, sync_thread: Some(sync_thread), _lock: lock })
    }

    /// Returns when every event recorded so far is on the disk.
    ///
    /// # Errors
    /// [`LedgerError::Sync`] when the disk refuses; it is tried again in the background.
    pub fn flush(&self) -> Result<(), LedgerError> {
        self.shared.sync().map_err(LedgerError::Sync)
    }

    /// Whether the log would take an event now; for readiness checks.
    ///
    /// After a failed write the disk is asked, so that a full disk that has space again is noticed
    /// without an event to write.
    ///
    /// # Errors
    /// [`RecordError`] with what the system says.
    pub fn check(&self) -> Result<(), RecordError> {
        let mut state = self.shared.state.lock();
        state.refuse_when_sync_failed()?;
        if state.write_failed {
            state.active.probe()?;
            state.write_failed = false;
        }
        Ok(())
    }
}

impl EventSink for EventLogWriter {
    fn record(&self, event: &Event) -> Result<(), RecordError> {
        LINE.with_borrow_mut(|line| {
            line.clear();
            serde_json::to_writer(&mut *line, event).map_err(io::Error::from)?;
            if line.len() >= LINE_BYTES {
                // An event that nobody can log would be an exchange without a record.
                line.clear();
                serde_json::to_writer(&mut *line, &event.shortened()).map_err(io::Error::from)?;
            }
            line.push(b'\n');
            let result = self.shared.append(line);
            if line.capacity() > KEPT_BUFFER_BYTES {
                *line = Vec::new();
            }
            Ok(result?)
        })
    }
}

impl Drop for EventLogWriter {
    fn drop(&mut self) {
        self.shared.state.lock().stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.sync_thread.take() {
            // A thread that panicked has nothing left to sync with.
            let _ = thread.join();
        }
    }
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
    config: EventLog,
    state: Mutex<State>,
    /// Told when there is something to sync, or when it is time to stop.
    wake: Condvar,
    /// Held during a sync, so that `flush` returns only when an earlier sync has ended too.
    /// Taken before `state`, never after.
    syncing: Mutex<()>,
}

struct State {
    active: Active,
    /// Full files that were not synced yet.
    closed: Vec<Arc<dyn SegmentFile>>,
    /// When the first unsynced line was written.
    dirty_since: Option<Instant>,
    /// A new file could not be created; it is tried again after this.
    rotate_after: Option<Instant>,
    write_failed: bool,
    sync_failed: bool,
    stop: bool,
}

impl State {
    /// While the disk loses what it was given, nothing more is promised.
    fn refuse_when_sync_failed(&self) -> io::Result<()> {
        if self.sync_failed {
            return Err(io::Error::other("earlier events could not be synced to disk"));
        }
        Ok(())
    }
}

impl Shared {
    fn append(&self, line: &[u8]) -> io::Result<()> {
        if line.len() > LINE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the event takes {} bytes, at most {LINE_BYTES} are kept", line.len()),
            ));
        }
        let mut state = self.state.lock();
        state.refuse_when_sync_failed()?;
        if state.active.is_full_for(line.len(), self.config.segment_bytes) {
            self.rotate(&mut state);
        }
        let result = state.active.append(line);
        let failed_before = std::mem::replace(&mut state.write_failed, result.is_err());
        if result.is_ok() {
            self.mark_dirty(&mut state);
        }
        drop(state);
        match &result {
            Err(error) if !failed_before => {
                tracing::error!(%error, dir = %self.dir.display(), "event log cannot be written");
            }
            Ok(()) if failed_before => {
                tracing::info!(dir = %self.dir.display(), "event log takes events again");
            }
            _ => {}
        }
        result
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
        let start = Segment::next_start(Some(state.active.start));
        let created = state
            .active
            .mend()
            .and_then(|()| self.disk.create(&Segment::at(&self.dir, start).path));
        match created {
            Ok(file) => {
                let full = std::mem::replace(&mut state.active, Active::new(start, file, 0));
                state.closed.push(full.file);
                state.rotate_after = None;
                self.mark_dirty(state);
            }
            Err(error) => {
                state.rotate_after = now.checked_add(RETRY_DELAY);
                tracing::warn!(%error, dir = %self.dir.display(), "event log file cannot be created");
            }
        }
    }

    /// Body of the sync thread.
    fn keep_synced(&self) {
        loop {
            let mut state = self.state.lock();
            while state.dirty_since.is_none() && !state.stop {
                self.wake.wait(&mut state);
            }
            let delay = if state.sync_failed { RETRY_DELAY } else { SYNC_DELAY };
            while let Some(due) = state.dirty_since.and_then(|since| since.checked_add(delay)) {
                if state.stop || self.wake.wait_until(&mut state, due).timed_out() {
                    break;
                }
            }
            let stop = state.stop;
            drop(state);
            // A failure is logged and kept in the state; there is no one to hand it to.
            let _ = self.sync();
            if stop {
                return;
            }
        }
    }

    /// Brings everything written so far to the disk.
    fn sync(&self) -> io::Result<()> {
        let _one_at_a_time = self.syncing.lock();
        let mut state = self.state.lock();
        if state.dirty_since.take().is_none() {
            return Ok(());
        }
        let closed = std::mem::take(&mut state.closed);
        let active = Arc::clone(&state.active.file);
        drop(state);

        let mut result = closed.iter().chain([&active]).try_for_each(|file| file.sync());
        if !closed.is_empty() {
            result = result.and_then(|()| self.disk.sync_folder(&self.dir));
        }

        let rotated = !closed.is_empty();
        let mut state = self.state.lock();
        let failed_before = std::mem::replace(&mut state.sync_failed, result.is_err());
        if result.is_err() {
            // What was active is still active or was closed meanwhile; either way it comes again.
            state.closed.extend(closed);
            state.dirty_since = Some(Instant::now());
        }
        drop(state);
        match &result {
            Err(error) if !failed_before => {
                tracing::error!(%error, dir = %self.dir.display(), "event log cannot be synced");
            }
            Ok(()) if failed_before => {
                tracing::info!(dir = %self.dir.display(), "event log reaches the disk again");
            }
            _ => {}
        }
        if rotated && result.is_ok() {
            self.prune();
        }
        result
    }

    /// Removes old files, so that the closed ones and a full active one stay within the total.
    fn prune(&self) {
        let active = self.state.lock().active.start;
        let budget = self.config.total_bytes.saturating_sub(self.config.segment_bytes);
        match segment::prune(&self.dir, active, budget) {
            Ok(0) => {}
            Ok(files) => {
                tracing::info!(files, dir = %self.dir.display(), "old event log files removed");
            }
            Err(error) => {
                tracing::warn!(%error, dir = %self.dir.display(), "old event log files stay");
            }
        }
    }
}

/// Whether a writer is open on the folder `dir`, in this process or another. Changes nothing; what
/// cannot be looked at counts as not in use.
pub fn is_in_use(dir: &Path) -> bool {
    // Shared, so that two that look at the same time do not take each other for a writer.
    File::open(dir.join(LOCK_FILE))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn lock_folder(dir: &Path) -> Result<File, LedgerError> {
    let path = dir.join(LOCK_FILE);
    let segment = |source| LedgerError::Segment { path: path.clone(), source };
    let file =
        private::file().create(true).truncate(false).write(true).open(&path).map_err(segment)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(segment(source)),
    }
}

fn reopen(disk: &dyn Disk, segment: Segment) -> Result<Active, LedgerError> {
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
        Ok((file, len)) => Ok(Active::new(segment.start, file, len)),
        Err(source) => Err(LedgerError::Segment { path: segment.path, source }),
    }
}

fn create(disk: &dyn Disk, segment: Segment) -> Result<Active, LedgerError> {
    match disk.create(&segment.path) {
        Ok(file) => Ok(Active::new(segment.start, file, 0)),
        Err(source) => Err(LedgerError::Segment { path: segment.path, source }),
    }
}

#[cfg(test)]
mod tests;
