//! Reads the log, from any process, also while it is written.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use bartizan_core::RequestId;
use bartizan_core::payload::Receipt;
use bartizan_core::time::{self, Timestamp};
use bartizan_secrets::SealError;

use crate::content::{self, Content};
use crate::error::InferenceError;
use crate::frame::NoFrame;
use crate::index::{self, Entry, Scan};
use crate::keys::{KeySource, Keys, Whose};
use crate::segment::{self, SegmentFile};

/// Clocks are set back by small amounts: a segment that was written so long after a request may still have it.
const CLOCK_SLACK_MICROS: u64 = 10 * 60 * 1_000_000;

/// What became of a record that was looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// It reads as it was written.
    Content {
        /// Whose it is.
        name: String,
        /// Where it lies, and its digest.
        receipt: Receipt,
        /// What is in it.
        content: Box<Content>,
    },
    /// The key of whoever asked was destroyed, and when: nobody can open it.
    Erased {
        /// In the form of event times.
        at: String,
    },
    /// The time is over for which it is kept. It goes with its segment.
    Past,
    /// There is no key for it.
    NoKey,
    /// It is not as it was written, or its key is not the one that sealed it.
    Damaged,
}

/// How a record agrees with what an event says of it. No key is needed for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It is the record that the event says.
    Same,
    /// It is another one, or was changed.
    Changed,
    /// The segment is there and the record is not.
    Missing,
    /// There is no such segment.
    NoSegment,
}

/// Reads the log of one folder.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    keys: Option<Keys>,
    open: HashMap<u64, SegmentFile>,
}

/// Segments that are held open.
const OPEN_MAX: usize = 64;

impl Reader {
    /// Opens the log in the folder `dir` to read what is in it.
    ///
    /// # Errors
    /// [`InferenceError`], when there is no master key, or the keys cannot be read.
    pub fn open(dir: &Path, keys: KeySource) -> Result<Self, InferenceError> {
        let keys = Some(Keys::open(dir, keys)?);
        Ok(Self { dir: dir.to_owned(), keys, open: HashMap::new() })
    }

    /// Opens the log to look at it without a key.
    pub fn without_key(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), keys: None, open: HashMap::new() }
    }

    /// Numbers of the segments that there are, rising.
    ///
    /// # Errors
    /// [`InferenceError::Folder`].
    pub fn segments(&self) -> Result<Vec<u64>, InferenceError> {
        let folder = |source| InferenceError::Folder { path: self.dir.clone(), source };
        segment::list(&self.dir).map_err(folder)
    }

    /// What is in a segment, in the order of writing; nothing in one that was removed meanwhile. What is not as it was
    /// written is left out.
    ///
    /// # Errors
    /// [`InferenceError::Segment`].
    pub fn entries(&self, number: u64) -> Result<Vec<Entry>, InferenceError> {
        match index::of(&self.dir, number) {
            Ok(entries) => Ok(entries),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            // What is behind a damaged head does not open, and hides no other segment.
            Err(error) if segment::is_none(&error) => {
                index::salvaged(&self.dir, number).map_err(|source| self.failed(number, source))
            }
            Err(source) => Err(self.failed(number, source)),
        }
    }

    /// The same, read from the records and not from the index, with what is no record.
    ///
    /// # Errors
    /// [`InferenceError::Segment`].
    pub fn scanned(&self, number: u64) -> Result<Scan, InferenceError> {
        match index::scan(&self.dir, number) {
            Ok(found) => Ok(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Scan::default()),
            // One that does not begin as it did has no record.
            Err(error) if segment::is_none(&error) => {
                let rest = std::fs::metadata(segment::path(&self.dir, number));
                let rest = rest.map_or(0, |found| found.len());
                Ok(Scan { rest, ..Scan::default() })
            }
            Err(source) => Err(self.failed(number, source)),
        }
    }

    /// Whose records of the log are, as far as that is known.
    pub fn name(&self, entry: &Entry) -> Option<&str> {
        match self.keys.as_ref()?.whose(entry.subject) {
            Some(Whose::Kept { name, .. }) => Some(name),
            Some(Whose::Erased(_)) | None => None,
        }
    }

    /// Finds the record of a request, the newest where there are several.
    ///
    /// # Errors
    /// [`InferenceError`], when the log cannot be read.
    pub fn find(&self, id: RequestId) -> Result<Option<(u64, Entry)>, InferenceError> {
        for number in self.segments()?.into_iter().rev() {
            let entries = self.entries(number)?;
            if let Some(entry) = entries.iter().rev().find(|entry| entry.request_id == id) {
                return Ok(Some((number, *entry)));
            }
        }
        Ok(None)
    }

    /// Records that were written at or after a time, oldest first. Segments that ended before are not looked at.
    ///
    /// # Errors
    /// [`InferenceError`], when the log cannot be read.
    pub fn since(&self, since: Option<Timestamp>) -> Result<Vec<(u64, Entry)>, InferenceError> {
        let from =
            since.map_or(0, |since| u64::try_from(since.as_microsecond()).unwrap_or_default());
        let mut found = Vec::new();
        for number in self.segments()?.into_iter().rev() {
            let entries = self.entries(number)?;
            let last = entries.iter().map(|entry| entry.time).max();
            found.push((number, entries));
            if last.is_some_and(|last| last.saturating_add(CLOCK_SLACK_MICROS) < from) {
                break;
            }
        }
        let all = found.into_iter().rev();
        let all =
            all.flat_map(|(number, entries)| entries.into_iter().map(move |entry| (number, entry)));
        Ok(all.filter(|(_, entry)| entry.time >= from).collect())
    }

    /// Opens a record.
    ///
    /// # Errors
    /// [`InferenceError`], when the log cannot be read.
    pub fn read(&mut self, number: u64, entry: &Entry) -> Result<Opened, InferenceError> {
        let path = segment::path(&self.dir, number);
        match self.look_at(number) {
            Ok(true) => {}
            Ok(false) => return Ok(Opened::Damaged),
            Err(error) if segment::is_none(&error) => return Ok(Opened::Damaged),
            Err(source) => return Err(InferenceError::Segment { path, source }),
        }
        let Some(file) = self.open.get_mut(&number) else { return Ok(Opened::Damaged) };
        let frame = match file.read(entry.offset) {
            Ok(Ok(frame)) if frame.head.request_id == entry.request_id => frame,
            Ok(_) => return Ok(Opened::Damaged),
            Err(source) => return Err(InferenceError::Segment { path, source }),
        };
        let Some(keys) = &mut self.keys else { return Ok(Opened::NoKey) };
        let subject = frame.head.subject;
        if keys.whose(subject).is_none() {
            // Somebody who asked for the first time after the keys were read.
            if let Err(source) = keys.refresh() {
                return Err(InferenceError::Keys {
                    path: self.dir.join(crate::keys::FILE),
                    source,
                });
            }
        }
        let name = match keys.whose(subject) {
            Some(Whose::Erased(at)) => return Ok(Opened::Erased { at: at.clone() }),
            Some(Whose::Kept { name, .. }) => name.clone(),
            None => return Ok(Opened::NoKey),
        };
        let plain = match keys.key(subject) {
            Ok(Some(key)) => frame.unseal(key),
            Ok(None) | Err(SealError::UnknownKey { .. }) => return Ok(Opened::NoKey),
            Err(error) => Err(error),
        };
        let content = plain.ok().and_then(|plain| content::read(&plain));
        let now = u64::try_from(time::now().as_second()).unwrap_or_default();
        Ok(match content {
            // Only now: until then nobody has said that the time in the head is the one that was sealed.
            Some(_) if frame.head.until <= now => Opened::Past,
            Some(content) => {
                Opened::Content { name, receipt: frame.receipt, content: Box::new(content) }
            }
            None => Opened::Damaged,
        })
    }

    /// How the record of a receipt agrees with it.
    ///
    /// # Errors
    /// [`InferenceError::Segment`].
    pub fn check(&mut self, receipt: &Receipt) -> Result<Check, InferenceError> {
        let number = receipt.segment;
        let path = segment::path(&self.dir, number);
        match self.look_at(number) {
            Ok(true) => {}
            Ok(false) => return Ok(Check::NoSegment),
            // A segment that does not begin as it did has nothing that it had.
            Err(error) if segment::is_none(&error) => return Ok(Check::Changed),
            Err(source) => return Err(InferenceError::Segment { path, source }),
        }
        let Some(file) = self.open.get_mut(&number) else { return Ok(Check::NoSegment) };
        match file.read(receipt.offset) {
            Ok(Ok(frame)) if frame.receipt == *receipt => Ok(Check::Same),
            Ok(Ok(_) | Err(NoFrame::Changed { .. } | NoFrame::NoLength)) => Ok(Check::Changed),
            Ok(Err(NoFrame::Unfinished)) => Ok(Check::Missing),
            Err(source) => Err(InferenceError::Segment { path, source }),
        }
    }

    /// Opens a segment, or one that has grown again; false where there is none.
    fn look_at(&mut self, number: u64) -> io::Result<bool> {
        let len = match std::fs::metadata(segment::path(&self.dir, number)) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.open.get(&number).is_some_and(|open| open.len == len) {
            return Ok(true);
        }
        if self.open.len() >= OPEN_MAX {
            self.open.clear();
        }
        self.open.insert(number, SegmentFile::open(&self.dir, number)?);
        Ok(true)
    }

    fn failed(&self, number: u64, source: io::Error) -> InferenceError {
        InferenceError::Segment { path: segment::path(&self.dir, number), source }
    }
}
