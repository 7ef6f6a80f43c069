//! Reads batches from the folder of a log, up to its last checkpoint.
//!
//! Everything here waits for the disk and runs on a thread that may.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bartizan_core::settings::Sink;
use bartizan_ledger::checkpoint::Checkpoint;
use bartizan_ledger::note::Note;
use bartizan_ledger::{Follow, LINE_BYTES, LedgerError, entries, serve};
use serde::Deserialize;

use crate::batch::{BATCH_BYTES, BATCH_ENTRIES, Batch, Entry};
use crate::error::RelayError;

/// Most entries that are looked at for one batch, most of which may be of other areas.
const LOOKED_AT: u64 = 16_384;

/// Reads one log for one sink.
#[derive(Debug)]
pub(crate) struct Reader {
    dir: PathBuf,
    sink: Sink,
    follow: Option<Follow>,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    /// Entries to ship; may be none.
    pub(crate) batch: Batch,
    /// Number of the first entry that was not looked at.
    pub(crate) next: u64,
    /// Entries that are signed.
    pub(crate) signed: u64,
    /// Entries that were removed before they were looked at.
    pub(crate) missed: u64,
}

/// What an entry is about.
#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    area: std::borrow::Cow<'a, str>,
}

impl Reader {
    pub(crate) fn new(dir: PathBuf, sink: Sink) -> Self {
        Self { dir, sink, follow: None }
    }

    /// Entries from number `from` on, or from the first that is left.
    ///
    /// # Errors
    /// [`RelayError::Log`] when the log cannot be read, [`RelayError::Ahead`] when it is shorter than
    /// what was shipped of it.
    pub(crate) fn read(&mut self, from: Option<u64>) -> Result<Read, RelayError> {
        let read = self.read_on(from);
        if read.is_err() {
            // Where reading stopped is not known; the next try looks for it again.
            self.follow = None;
        }
        read
    }

    fn read_on(&mut self, from: Option<u64>) -> Result<Read, RelayError> {
        let (signed, text) = self.checkpoint()?;
        let mut follow = match self.follow.take() {
            Some(mut follow) => {
                follow.refresh()?;
                follow
            }
            None => entries(&self.dir, from.unwrap_or(0))?,
        };
        // A sink that is new begins with what is left, and misses nothing by that.
        let mut next = from.unwrap_or_else(|| follow.number());
        if next > signed.size && from.is_some() {
            return Err(RelayError::Ahead {
                sink: self.sink.id.clone(),
                next,
                signed: signed.size,
            });
        }
        let (mut batch, mut bytes, mut missed) = (Vec::new(), 0, 0);
        let end = signed.size.min(next.saturating_add(LOOKED_AT));
        while next < end && batch.len() < BATCH_ENTRIES && bytes <= BATCH_BYTES - LINE_BYTES {
            let entry = match follow.next() {
                None => break,
                Some(Err(LedgerError::Gap { found, .. })) if found > next => {
                    follow = entries(&self.dir, found)?;
                    batch.push(Entry::notice(next, found - 1));
                    missed += found - next;
                    next = found;
                    continue;
                }
                Some(entry) => entry?,
            };
            let (number, line) = entry;
            if number > next {
                batch.push(Entry::notice(next, number - 1));
                missed += number - next;
                next = number;
            }
            if number >= signed.size {
                // It is not signed yet and will be read again.
                follow = entries(&self.dir, number)?;
                break;
            }
            next = number + 1;
            if self.wants(&line) {
                bytes += line.len();
                batch.push(Entry { number, line: line.into() });
            }
        }
        self.follow = Some(follow);
        let batch = Batch { log: signed.origin.into(), entries: batch, checkpoint: text };
        Ok(Read { batch, next, signed: signed.size, missed })
    }

    /// What is signed, and the note that says so.
    fn checkpoint(&self) -> Result<(Checkpoint, Arc<str>), RelayError> {
        let wrong = |source| RelayError::Unknown { path: self.dir.clone(), source };
        let invalid = |what: String| wrong(io::Error::new(io::ErrorKind::InvalidData, what));
        let text = serve::checkpoint(&self.dir)?
            .ok_or_else(|| wrong(io::Error::new(io::ErrorKind::NotFound, "nothing is signed")))?;
        let note: Note = text.parse().map_err(|error| invalid(format!("{error}")))?;
        let signed = note.text().parse().map_err(|error| invalid(format!("{error}")))?;
        Ok((signed, text.into()))
    }

    /// Whether the sink gets an entry. One that cannot be read goes everywhere: dropping it in silence
    /// would be worse.
    fn wants(&self, line: &[u8]) -> bool {
        self.sink.areas.is_empty()
            || serde_json::from_slice::<About<'_>>(line)
                .map_or(true, |about| self.sink.areas.contains(about.area.as_ref()))
    }
}
