//! The pseudonyms that a writer gives, and their way into the file.
//!
//! A pseudonym is given at once and from memory. The line that says whose it is goes to the file
//! before the first entry with it goes to the log, and to the disk before that entry does.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bartizan_core::event::{Event, Outcome};
use bartizan_core::id::RequestId;
use parking_lot::{Mutex, RwLock};

use super::{FILE, PREFIX, Row, Seen, Stamp, load, lock, replace, stamp};
use crate::disk::{Disk, SegmentFile};
use crate::error::LedgerError;

/// Most names that are kept. Entries of others get a pseudonym each, and no name.
const NAMES_MAX: usize = 1 << 20;
/// Longest name that is kept, in bytes: its line, escaped, has to be shorter than a reader takes.
const NAME_BYTES: usize = 2048;
/// How long to wait before the file is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Random bits of a pseudonym.
const PSEUDONYM_BITS: u32 = 96;
const OPERATION: &str = "subject-erased";

/// The pseudonyms of one log.
pub(crate) struct Pseudonyms {
    dir: PathBuf,
    path: PathBuf,
    given: RwLock<HashMap<String, Arc<str>>>,
    file: Mutex<NamesFile>,
    /// Lines wait to be written. They are written with the lock of `file` held.
    waits: AtomicBool,
}

/// The file as this process knows it. Taken before `given`, never after.
#[derive(Default)]
struct NamesFile {
    file: Option<Arc<dyn SegmentFile>>,
    seen: Option<Seen>,
    /// Bytes of whole lines.
    whole: u64,
    /// What has to be written next.
    waiting: Vec<u8>,
    /// The file may end in half a line.
    torn: bool,
    /// Lines were written that may not be on the disk.
    dirty: bool,
    /// The name of the file may not be on the disk.
    is_new: bool,
    /// Writing failed; it is tried again after this.
    again_after: Option<Instant>,
    /// Subjects whose erasure no entry says.
    unrecorded: Vec<String>,
}

impl Pseudonyms {
    /// Reads the names of the log in the folder `dir`, and brings those to the disk that a process before may
    /// not have synced.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(FILE);
        let pseudonyms = Self {
            dir: dir.to_owned(),
            path: path.clone(),
            given: RwLock::default(),
            file: Mutex::default(),
            waits: AtomicBool::new(false),
        };
        let opened = || -> io::Result<()> {
            let mut file = pseudonyms.file.lock();
            pseudonyms.read(&mut file)?;
            if file.seen.is_some() {
                pseudonyms.reopen(disk, &mut file)?;
                (file.dirty, file.is_new) = (true, true);
            }
            drop(file);
            pseudonyms.sync(disk)
        };
        opened().map_err(|source| LedgerError::Subjects { path, source })?;
        Ok(pseudonyms)
    }

    /// The event as it goes to the log.
    ///
    /// # Errors
    /// That the system has no random numbers.
    pub(crate) fn hide<'a>(&self, event: &'a Event) -> io::Result<Cow<'a, Event>> {
        if event.principal.is_none() && event.subject.is_none() {
            return Ok(Cow::Borrowed(event));
        }
        let of = |name: &Option<String>| -> io::Result<Option<String>> {
            let Some(name) = name else { return Ok(None) };
            Ok(Some(self.of(name)?.as_ref().to_owned()))
        };
        let (principal, subject) = (of(&event.principal)?, of(&event.subject)?);
        Ok(Cow::Owned(Event { principal, subject, ..event.clone() }))
    }

    /// The pseudonym of a name.
    fn of(&self, name: &str) -> io::Result<Arc<str>> {
        if let Some(id) = self.given.read().get(name) {
            return Ok(Arc::clone(id));
        }
        let mut file = self.file.lock();
        let mut given = self.given.write();
        if let Some(id) = given.get(name) {
            return Ok(Arc::clone(id));
        }
        let id: Arc<str> = random()?.into();
        if given.len() < NAMES_MAX && name.len() <= NAME_BYTES {
            let row = Row::Named { id: id.as_ref().to_owned(), name: name.to_owned() };
            serde_json::to_writer(&mut file.waiting, &row)?;
            file.waiting.push(b'\n');
            self.waits.store(true, Ordering::Release);
            given.insert(name.to_owned(), Arc::clone(&id));
        }
        Ok(id)
    }

    /// Writes the lines that wait. Has to succeed before an entry with a new pseudonym is written.
    pub(crate) fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        if !self.waits.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut file = self.file.lock();
        if file.again_after.is_some_and(|after| Instant::now() < after) {
            return Err(io::Error::other("names cannot be written; it is tried again in a moment"));
        }
        let written = self.write_waiting(disk, &mut file);
        // Events do not wait one after the other for what just failed.
        file.again_after = written.is_err().then(|| Instant::now() + RETRY_DELAY);
        written
    }

    fn write_waiting(&self, disk: &dyn Disk, file: &mut NamesFile) -> io::Result<()> {
        let _lock = lock(&self.dir)?;
        // Names may have been erased by another process just now.
        if file.file.is_none() || Stamp::at(&self.path)? != stamp(file.seen.as_ref()) {
            self.read(file)?;
            self.reopen(disk, file)?;
        }
        file.append_waiting()?;
        // What is appended to is open as it is.
        file.seen = Stamp::at(&self.path)?.map(|stamp| (stamp, None));
        self.waits.store(false, Ordering::Release);
        Ok(())
    }

    /// Brings the lines that were written to the disk.
    pub(crate) fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut file = self.file.lock();
        if !std::mem::take(&mut file.dirty) {
            return Ok(());
        }
        let is_new = std::mem::take(&mut file.is_new);
        let names = file.file.clone();
        // Whoever asks for a pseudonym does not wait for the disk.
        drop(file);
        let mut result = names.map_or(Ok(()), |names| names.sync());
        if is_new {
            result = result.and_then(|()| disk.sync_folder(&self.dir));
        }
        if result.is_err() {
            let mut file = self.file.lock();
            file.dirty = true;
            file.is_new |= is_new;
        }
        result
    }

    /// Forgets names that another process erased, and gives the events that say so. They are given again
    /// until [`Pseudonyms::recorded`] is told that they are in the log.
    pub(crate) fn erased(&self) -> Vec<(String, Event)> {
        let mut file = self.file.lock();
        let looked = Stamp::at(&self.path).and_then(|now| {
            if now == stamp(file.seen.as_ref()) {
                return Ok(());
            }
            // What is open is the old file.
            file.file = None;
            self.read(&mut file)
        });
        if let Err(error) = looked {
            tracing::warn!(%error, file = %self.path.display(), "names cannot be read");
        }
        let event = |id: &String| {
            let mut event = Event::new(RequestId::new(), "admin", OPERATION);
            event.outcome = Outcome::Changed;
            event.subject = Some(id.clone());
            event
        };
        file.unrecorded.iter().map(|id| (id.clone(), event(id))).collect()
    }

    /// Notes that the log says which names are gone.
    pub(crate) fn recorded(&self, disk: &dyn Disk, ids: &[String]) {
        let mut file = self.file.lock();
        let noted = lock(&self.dir).and_then(|_lock| {
            let mut rows = load(&self.path)?.rows;
            for row in &mut rows {
                if let Row::Erased { id, recorded, .. } = row {
                    *recorded |= ids.contains(id);
                }
            }
            replace(disk, &self.dir, &rows)?;
            file.file = None;
            self.read(&mut file)
        });
        match noted {
            Ok(()) => {}
            // Said once too often rather than never.
            Err(error) => {
                file.unrecorded.retain(|id| !ids.contains(id));
                tracing::warn!(%error, file = %self.path.display(), "names cannot be kept");
            }
        }
    }

    /// Reads the file anew. Pseudonyms whose lines wait stay.
    fn read(&self, file: &mut NamesFile) -> io::Result<()> {
        let content = load(&self.path)?;
        let rows = file.waiting.split_inclusive(|byte| *byte == b'\n');
        let rows = rows.filter_map(|row| Some((row, serde_json::from_slice::<Row>(row).ok()?)));
        // Some may have come to the file although the disk refused others.
        let there: HashSet<&str> = if file.waiting.is_empty() {
            HashSet::new()
        } else {
            content.rows.iter().map(Row::id).collect()
        };
        let (left, waiting): (Vec<&[u8]>, Vec<Row>) =
            rows.filter(|(_, row)| !there.contains(row.id())).unzip();
        let left = left.concat();
        drop(there);
        file.waiting = left;
        let mut given = HashMap::new();
        file.unrecorded.clear();
        for row in content.rows.into_iter().chain(waiting) {
            match row {
                Row::Named { id, name } => {
                    given.insert(name, id.into());
                }
                Row::Erased { id, recorded: false, .. } => file.unrecorded.push(id),
                Row::Erased { .. } => {}
            }
        }
        *self.given.write() = given;
        file.whole = content.whole;
        file.torn = stamp(content.seen.as_ref()).is_some_and(|stamp| stamp.len != content.whole);
        file.seen = content.seen;
        Ok(())
    }

    fn reopen(&self, disk: &dyn Disk, file: &mut NamesFile) -> io::Result<()> {
        file.file = None;
        if file.seen.is_some() {
            let (open, _) = disk.reopen(&self.path)?;
            file.file = Some(open);
        } else {
            file.file = Some(disk.create(&self.path)?);
            file.is_new = true;
            file.dirty = true;
        }
        Ok(())
    }
}

impl NamesFile {
    /// Appends all that waits, or nothing.
    fn append_waiting(&mut self) -> io::Result<()> {
        let Some(file) = self.file.clone() else { return Err(io::ErrorKind::NotFound.into()) };
        if self.torn {
            file.truncate(self.whole)?;
            self.torn = false;
        }
        self.dirty = true;
        let mut rest = self.waiting.as_slice();
        while !rest.is_empty() {
            self.torn = true;
            let written = file.append(rest)?;
            rest = rest.get(written..).filter(|_| written > 0).ok_or(io::ErrorKind::WriteZero)?;
        }
        self.torn = false;
        self.whole += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

/// A pseudonym that nobody has.
pub(super) fn random() -> io::Result<String> {
    let mut bits = [0; size_of::<u128>()];
    getrandom::fill(&mut bits).map_err(io::Error::other)?;
    Ok(format!("{PREFIX}{:024x}", u128::from_ne_bytes(bits) >> (u128::BITS - PSEUDONYM_BITS)))
}
