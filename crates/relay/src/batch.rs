//! Entries that are handed to a sink together.

use std::sync::Arc;

use bartizan_core::event::{Event, Outcome};
use bartizan_core::id::RequestId;
use bytes::Bytes;

/// Most entries of a batch.
pub const BATCH_ENTRIES: usize = 512;
/// Most bytes of a batch, over all of its lines.
pub const BATCH_BYTES: usize = 1 << 20;

/// Entries in the order of the log, at least one, all of which a checkpoint covers.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Which log they are of: its origin, as checkpoints name it.
    pub log: Arc<str>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// A checkpoint that covers them, as it was signed.
    pub checkpoint: Arc<str>,
}

impl Batch {
    /// Id that every shipping of an entry carries, for receivers that drop what they have: the log and
    /// the number.
    pub fn id_of(&self, entry: &Entry) -> String {
        format!("{}/{}", self.log, entry.number)
    }

    /// Bytes of all lines.
    pub fn len_bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.line.len()).sum()
    }
}

/// One entry of a log, or a notice in its place that it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0.
    pub number: u64,
    /// The line, without its break.
    pub line: Bytes,
}

impl Entry {
    /// A notice that the entries from `first` to `last` were removed before they could be shipped; it
    /// stands where the last of them would.
    pub(crate) fn notice(first: u64, last: u64) -> Self {
        let mut event = Event::new(RequestId::new(), "relay", "entries-missing");
        event.outcome = Outcome::Failed;
        event.detail =
            Some(format!("entries {first} to {last} were removed before they were shipped"));
        // An event is text and numbers, which always can be written.
        let line = serde_json::to_vec(&event).unwrap_or_default();
        Self { number: last, line: line.into() }
    }

    /// What the line says; none for one that a later version wrote in a way that this one cannot read.
    pub fn event(&self) -> Option<Event> {
        serde_json::from_slice(&self.line).ok()
    }
}
