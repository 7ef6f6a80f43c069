//! Several exchanges, written and brought to the disk together.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::event::EventSink;
use bartizan_core::payload::{NotKept, Payload, Receipt};
use bartizan_core::settings::InferenceStore;
use bartizan_core::time::{self, Timestamp};

use super::Waiting;
use super::file::{Append, Disk, sync_folder};
use super::retention::{Closed, LOOK_EVERY, roll_after};
use crate::content;
use crate::error::InferenceError;
use crate::frame::{self, Head, Place};
use crate::index::{self, Entry};
use crate::keys::{self, Keys};
use crate::segment::{self, HEAD_LEN};

/// Most bytes that are written with one call.
const BATCH_BYTES: usize = 8 << 20;
/// Most exchanges of these.
const BATCH_ITEMS: usize = 512;

/// Takes what is written next.
pub(super) fn take(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    while taken.len() < BATCH_ITEMS && bytes < BATCH_BYTES {
        let Some(waiting) = queue.pop_front() else { break };
        bytes += waiting.bytes;
        taken.push(waiting);
    }
    taken
}

/// What the thread that writes holds.
pub(super) struct Batches {
    pub(super) dir: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    pub(super) store: InferenceStore,
    pub(super) events: Arc<dyn EventSink>,
    pub(super) keys: Keys,
    pub(super) active: Active,
    /// Segments that nothing is added to, oldest first.
    pub(super) closed: Vec<Closed>,
    /// When the log was opened, by the clock and by the time that passes.
    pub(super) opened: (Timestamp, Instant),
    /// When it is looked what may go.
    pub(super) look_at: Instant,
}

/// The segment that grows.
pub(super) struct Active {
    pub(super) number: u64,
    file: Box<dyn Append>,
    /// Bytes that are on the disk.
    pub(super) len: u64,
    pub(super) entries: Vec<Entry>,
    /// When it is closed, however small it is.
    pub(super) roll_at: Option<Instant>,
    /// Cutting what a failure left failed too.
    is_broken: bool,
}

impl Batches {
    pub(super) fn open(disk: Box<dyn Disk>, parts: super::Parts) -> Result<Self, InferenceError> {
        let super::Parts { dir, store, keys: source, events } = parts;
        let sealer = source().map_err(InferenceError::MasterKey)?;
        keys::reseal(&dir, &sealer)?;
        let keys = Keys::open(&dir, source)?;
        let folder = |source| InferenceError::Folder { path: dir.clone(), source };
        let mut numbers = segment::list(&dir).map_err(folder)?;
        let last = numbers.pop();
        let mut closed = Vec::new();
        for number in numbers {
            match Closed::of(&dir, number) {
                Ok(segment) => closed.push(segment),
                // It is nobody's any more, and says so whenever the log is verified.
                Err(error) => {
                    tracing::error!(%error, number, "a segment of the inference log cannot be read");
                }
            }
        }
        let broken = |number: u64| {
            let path = segment::path(&dir, number);
            move |source| InferenceError::Segment { path, source }
        };
        let number = last.unwrap_or(1);
        let active = match last {
            None => create(&*disk, &dir, number).map_err(broken(number))?,
            Some(number) => reopen(&*disk, &dir, number).map_err(broken(number))?,
        };
        sync_folder(&dir).map_err(folder)?;
        let opened = (time::now(), Instant::now());
        let look_at = Instant::now();
        let mut batches = Self { dir, disk, store, events, keys, active, closed, opened, look_at };
        batches.look_after();
        Ok(batches)
    }

    /// Keeps exchanges; says what became of each, and how many bytes they take.
    pub(super) fn write(&mut self, payloads: &[&Payload]) -> (Vec<Result<Receipt, NotKept>>, u64) {
        let names: BTreeSet<&str> = payloads.iter().map(|payload| name(payload)).collect();
        if let Err(why) = self.keys.prepare(&names) {
            return (payloads.iter().map(|_| Err(why)).collect(), 0);
        }
        let mut out = Vec::new();
        let mut entries = Vec::new();
        let mut results: Vec<Result<Receipt, NotKept>> =
            payloads.iter().map(|payload| self.seal(payload, &mut out, &mut entries)).collect();
        if out.is_empty() {
            return (results, 0);
        }
        match self.put(&out) {
            Ok(()) => {
                let soonest = payloads.iter().map(|payload| payload.keep).min();
                self.active.grow(out.len() as u64, entries, soonest.unwrap_or_default());
                self.roll_when_full();
                (results, out.len() as u64)
            }
            Err(error) => {
                tracing::error!(%error, dir = %self.dir.display(), "inference log cannot be written");
                for result in &mut results {
                    *result = result.and(Err(NotKept::Disk));
                }
                (results, 0)
            }
        }
    }

    /// Seals one exchange for the place where it will lie.
    fn seal(
        &mut self,
        payload: &Payload,
        out: &mut Vec<u8>,
        entries: &mut Vec<Entry>,
    ) -> Result<Receipt, NotKept> {
        let now = time::now();
        let until = now.as_second().saturating_add_unsigned(payload.keep.as_secs());
        let (subject, key) = self.keys.of(name(payload))?;
        let head = Head {
            request_id: payload.event.request_id,
            subject,
            time: u64::try_from(now.as_microsecond()).unwrap_or_default(),
            until: u64::try_from(until).unwrap_or_default(),
            endpoint: payload.event.endpoint.clone().unwrap_or_default(),
        };
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a record of the inference log cannot be sealed");
            NotKept::Key
        };
        let content = content::write(payload).map_err(|error| failed(&error))?;
        let before = out.len();
        let offset = self.active.len + before as u64;
        let place = Place { segment: self.active.number, offset };
        let receipt = frame::append(out, place, &head, key, &content);
        let receipt = receipt.map_err(|error| failed(&error))?;
        entries.push(Entry {
            request_id: head.request_id,
            subject,
            time: head.time,
            until: head.until,
            offset,
            len: (out.len() - before) as u32,
        });
        Ok(receipt)
    }

    /// Adds bytes to the segment and brings them to the disk: all of them, or none.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let active = &mut self.active;
        if active.is_broken {
            active.file.cut(active.len)?;
            active.is_broken = false;
        }
        let written = active.file.add(bytes).and_then(|()| active.file.sync());
        if written.is_err() {
            // What is half there must not be taken for a record, nor stand before one. It was said that it is not
            // kept; where a sync failed, the system may have dropped it and says so only once.
            active.is_broken = active.file.cut(active.len).is_err();
        }
        written
    }

    fn roll_when_full(&mut self) {
        if self.active.len >= self.store.segment_bytes {
            self.roll();
        }
    }

    /// Closes the segment that grows, and begins another.
    pub(super) fn roll(&mut self) {
        let number = self.active.number;
        let next = match create(&*self.disk, &self.dir, number + 1) {
            Ok(next) => next,
            Err(error) => {
                // It goes on growing, and is closed with the next batch.
                tracing::error!(%error, dir = %self.dir.display(), "inference log cannot begin a segment");
                return;
            }
        };
        let before = std::mem::replace(&mut self.active, next);
        if let Err(error) = index::write(&self.dir, number, before.len, &before.entries) {
            tracing::warn!(%error, number, "no index beside a segment of the inference log");
        }
        self.closed.push(Closed::new(number, before.len, &before.entries));
        self.look_at = Instant::now();
    }
}

impl Active {
    fn grow(&mut self, bytes: u64, mut entries: Vec<Entry>, keep: Duration) {
        self.len += bytes;
        self.entries.append(&mut entries);
        let roll_at = Instant::now().checked_add(roll_after(keep));
        self.roll_at = match (self.roll_at, roll_at) {
            (Some(before), Some(now)) => Some(before.min(now)),
            (before, now) => before.or(now),
        };
    }
}

impl Batches {
    /// When there is something to do although nobody asks.
    pub(super) fn next_look(&self) -> Instant {
        self.active.roll_at.map_or(self.look_at, |at| at.min(self.look_at))
    }

    /// Closes what is old, and removes what may go.
    pub(super) fn look_after(&mut self) {
        let now = Instant::now();
        if self.active.roll_at.is_some_and(|at| at <= now) {
            self.active.roll_at = now.checked_add(LOOK_EVERY);
            self.roll();
        }
        if self.look_at <= now {
            self.look_at = now + LOOK_EVERY;
            self.prune();
        }
    }
}

/// Who asked.
fn name(payload: &Payload) -> &str {
    payload.event.principal.as_deref().unwrap_or_default()
}

fn create(disk: &dyn Disk, dir: &std::path::Path, number: u64) -> io::Result<Active> {
    let path = segment::path(dir, number);
    // One that a failed try left has no records.
    let is_left = std::fs::symlink_metadata(&path).is_ok_and(|found| found.len() <= HEAD_LEN);
    let mut file = disk.open(&path, is_left.then_some(0))?;
    file.add(&segment::head(number))?;
    file.sync()?;
    sync_folder(dir)?;
    let (entries, roll_at, is_broken) = (Vec::new(), None, false);
    Ok(Active { number, file, len: HEAD_LEN, entries, roll_at, is_broken })
}

fn reopen(disk: &dyn Disk, dir: &std::path::Path, number: u64) -> io::Result<Active> {
    let path = segment::path(dir, number);
    if std::fs::metadata(&path)?.len() < HEAD_LEN {
        // A crash fell into its first bytes.
        return create(disk, dir, number);
    }
    let found = index::scan(dir, number)?;
    if found.rest > 0 {
        set_aside(dir, number, found.end, found.rest)?;
    }
    let mut file = disk.open(&path, Some(found.end))?;
    // What a process before wrote and did not sync is synced with the rest.
    file.sync()?;
    let now = time::now().as_second();
    let left = |entry: &Entry| entry.until.saturating_sub(u64::try_from(now).unwrap_or_default());
    let soonest = found.entries.iter().map(left).min();
    let roll_at =
        soonest.and_then(|left| Instant::now().checked_add(roll_after(Duration::from_secs(left))));
    let (len, entries) = (found.end, found.entries);
    Ok(Active { number, file, len, entries, roll_at, is_broken: false })
}

/// Copies the end of a segment that is no record into a file beside it.
fn set_aside(dir: &std::path::Path, number: u64, from: u64, bytes: u64) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = bartizan_core::private::open(&segment::path(dir, number))?;
    file.seek(SeekFrom::Start(from))?;
    let path = segment::torn_path(dir, number);
    let mut torn = bartizan_core::private::file().create(true).append(true).open(&path)?;
    io::copy(&mut file.take(bytes), &mut torn)?;
    tracing::warn!(
        bytes,
        file = %path.display(),
        "the inference log ended in the middle of a record; the rest is kept in a .torn file"
    );
    torn.sync_data()
}
