//! The one writer of a log: takes exchanges from any thread, and seals and writes them on one of its own.
//!
//! What waits is bounded in number and in bytes; what does not fit is refused at once. The thread takes all that waits,
//! seals it, writes it with one call and brings it to the disk with one sync, and then tells each what became of it. So
//! a record is on the disk before its event is written, and those who wait at the same time wait for one sync together.

mod batch;
mod file;
pub(crate) mod retention;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bartizan_core::event::EventSink;
use bartizan_core::payload::{Done, NotKept, Payload, PayloadSink};
use bartizan_core::private;
use bartizan_core::settings::InferenceStore;
use parking_lot::{Condvar, Mutex};

use crate::error::InferenceError;
use crate::keys::{self, KeySource};
use batch::Batches;
use file::{Disk, FileSystem};

/// Most bytes of exchanges that wait.
const QUEUE_BYTES: usize = 64 << 20;
/// Most exchanges that wait.
const QUEUE_ITEMS: usize = 4096;
/// After a failure, how long it is said that none is taken.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Locked by the writer of a folder.
const LOCK_FILE: &str = ".lock";

/// What a log needs to be written.
pub struct Parts {
    /// Its folder, which is made where it is missing.
    pub dir: PathBuf,
    /// How much of it is kept.
    pub store: InferenceStore,
    /// What opens its keys.
    pub keys: KeySource,
    /// Is told what is removed.
    pub events: Arc<dyn EventSink>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Writes the inference log of one folder.
///
/// Only one can be open per folder, over all processes. Dropping it waits until all that it took is on the disk.
pub struct InferenceLog {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The system gives the lock back when this closes, also when the process dies.
    _lock: File,
}

impl InferenceLog {
    /// Opens the log. What a crash left unfinished at its end is put aside.
    ///
    /// # Errors
    /// [`InferenceError`], when it cannot be opened, another process has it open, or there is no master key.
    pub fn open(parts: Parts) -> Result<Self, InferenceError> {
        Self::open_on(Box::new(FileSystem), parts)
    }

    fn open_on(disk: Box<dyn Disk>, parts: Parts) -> Result<Self, InferenceError> {
        let dir = parts.dir.clone();
        let folder = |source| InferenceError::Folder { path: dir.clone(), source };
        keys::make_folder(&dir).map_err(folder)?;
        let lock = lock_folder(&dir)?;
        let batches = Batches::open(disk, parts)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            stats: Counts::default(),
        });
        let with = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("inference-log".to_owned())
            .spawn(move || with.run(batches))
            .map_err(InferenceError::Thread)?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), _lock: lock })
    }

    /// Takes no more, and returns when all that was taken is on the disk and everybody was told.
    pub fn close(&self) {
        self.shared.state.lock().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the inference log has failed");
        }
    }

    /// What became of exchanges since the log was opened.
    pub fn stats(&self) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let state = self.shared.state.lock();
        let Counts { kept, bytes, not_kept } = &self.shared.stats;
        Stats {
            kept: count(kept),
            bytes: count(bytes),
            not_kept: std::array::from_fn(|index| not_kept.get(index).map_or(0, count)),
            waiting: state.items,
            waiting_bytes: state.bytes,
        }
    }
}

impl Drop for InferenceLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for InferenceLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InferenceLog").finish_non_exhaustive()
    }
}

impl PayloadSink for InferenceLog {
    fn keep(&self, payload: Payload, done: Done) {
        let waiting = Waiting { bytes: size(&payload), payload, done };
        let mut state = self.shared.state.lock();
        let why = if state.stop {
            NotKept::Closed
        } else if state.items >= QUEUE_ITEMS || state.bytes + waiting.bytes > QUEUE_BYTES {
            NotKept::QueueFull
        } else {
            state.items += 1;
            state.bytes += waiting.bytes;
            state.queue.push_back(waiting);
            drop(state);
            self.shared.wake.notify_one();
            return;
        };
        drop(state);
        self.shared.stats.note(why);
        (waiting.done)(Err(why));
    }

    fn is_ready(&self) -> bool {
        let state = self.shared.state.lock();
        let failed = state.failed_at.is_some_and(|at| at.elapsed() < RETRY_DELAY);
        !state.stop && !failed && state.items < QUEUE_ITEMS && state.bytes < QUEUE_BYTES
    }
}

/// Bytes that an exchange takes while it waits, about.
fn size(payload: &Payload) -> usize {
    let side = |side: &Option<bartizan_core::payload::Side>| {
        side.as_ref().map_or(0, |side| side.bytes().len())
    };
    1024 + side(&payload.request) + side(&payload.answer)
}

/// What became of exchanges since a log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Exchanges that are kept.
    pub kept: u64,
    /// Bytes that were written for them.
    pub bytes: u64,
    /// Exchanges that are not, by reason, in the order of [`NotKept::ALL`].
    pub not_kept: [u64; NotKept::ALL.len()],
    /// Exchanges that wait.
    pub waiting: usize,
    /// Bytes of these.
    pub waiting_bytes: usize,
}

#[derive(Debug, Default)]
struct Counts {
    kept: AtomicU64,
    bytes: AtomicU64,
    not_kept: [AtomicU64; NotKept::ALL.len()],
}

impl Counts {
    fn note(&self, why: NotKept) {
        let index = NotKept::ALL.iter().position(|known| *known == why);
        if let Some(counter) = index.and_then(|index| self.not_kept.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An exchange on its way.
struct Waiting {
    payload: Payload,
    bytes: usize,
    done: Done,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    /// Exchanges that were taken and of which nobody has said what became of them.
    items: usize,
    /// Bytes of these.
    bytes: usize,
    failed_at: Option<Instant>,
    stop: bool,
}

/// What those who hand over and the thread share.
struct Shared {
    state: Mutex<State>,
    /// Told when there is something to write, or when it is time to stop.
    wake: Condvar,
    stats: Counts,
}

/// Whatever ends the thread, nobody waits for it after that.
struct Ends<'s>(&'s Shared);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.stop = true;
        let left = std::mem::take(&mut state.queue);
        drop(state);
        for waiting in left {
            self.0.stats.note(NotKept::Closed);
            (waiting.done)(Err(NotKept::Closed));
        }
    }
}

impl Shared {
    fn run(&self, mut batches: Batches) {
        let _ends = Ends(self);
        loop {
            let mut state = self.state.lock();
            while state.queue.is_empty() && !state.stop {
                if self.wake.wait_until(&mut state, batches.next_look()).timed_out() {
                    break;
                }
            }
            let waiting = batch::take(&mut state.queue);
            let stops = state.stop;
            drop(state);
            if waiting.is_empty() && stops {
                return;
            }
            self.write(&mut batches, waiting);
            batches.look_after();
        }
    }

    fn write(&self, batches: &mut Batches, waiting: Vec<Waiting>) {
        if waiting.is_empty() {
            return;
        }
        let (items, bytes) =
            (waiting.len(), waiting.iter().map(|waiting| waiting.bytes).sum::<usize>());
        let payloads: Vec<&Payload> = waiting.iter().map(|waiting| &waiting.payload).collect();
        let (results, written) = batches.write(&payloads);
        let failed =
            results.iter().any(|result| matches!(result, Err(NotKept::Disk | NotKept::Key)));
        self.stats.bytes.fetch_add(written, Ordering::Relaxed);
        // Whoever is told may look at once.
        let mut state = self.state.lock();
        state.items = state.items.saturating_sub(items);
        state.bytes = state.bytes.saturating_sub(bytes);
        state.failed_at = failed.then(Instant::now);
        drop(state);
        for (waiting, result) in waiting.into_iter().zip(results) {
            match result {
                Ok(_) => {
                    self.stats.kept.fetch_add(1, Ordering::Relaxed);
                }
                Err(why) => self.stats.note(why),
            }
            // One that panics must not take the others down.
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                (waiting.done)(result);
            }));
            if told.is_err() {
                tracing::error!("whoever waited for the inference log has failed");
            }
        }
    }
}

/// Locks a folder for the one process that writes there.
fn lock_folder(dir: &Path) -> Result<File, InferenceError> {
    let path = dir.join(LOCK_FILE);
    let segment = |source: io::Error| InferenceError::Segment { path: path.clone(), source };
    let open = private::file().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(segment)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(InferenceError::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(segment(source)),
    }
}
