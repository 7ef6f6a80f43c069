//! Append-only record of decisions: segments, batching, reading back.
//!
//! Events are lines of JSON in `events-<start>.jsonl` files of one folder. [`EventLogWriter`] is the
//! only writer of that folder and keeps every promise of `bartizan_core::event::EventSink`; [`read`]
//! goes through the lines again, from any process, also while the writer runs.
//! What an event says is decided by the rooms that make it.
//!
//! Beside the log lie the public formats of transparency logs, as pure functions: [`merkle`] trees
//! and proofs, signed [`note`]s, [`checkpoint`]s, whom to [`trust`], and proofs in one file
//! ([`log_proof`]). The log does not use them yet.

pub mod checkpoint;
pub mod log_proof;
pub mod merkle;
pub mod note;
pub mod trust;

mod active;
mod disk;
mod error;
mod reader;
mod segment;
mod writer;

pub use error::LedgerError;
pub use reader::{Events, read};
pub use writer::{EventLogWriter, is_in_use};

/// Longest line of the log, newline included, in bytes. A longer event is refused by the writer and
/// a longer line is reported by the reader, so neither ever holds more than this in memory.
pub const LINE_BYTES: usize = 64 << 10;
