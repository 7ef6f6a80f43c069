//! Append-only record of decisions: segments, batching, reading back.
//!
//! Events are lines of JSON in `events-<start>.jsonl` files of one folder. [`EventLogWriter`] is the
//! only writer of that folder and keeps every promise of `bartizan_core::event::EventSink`; [`read`]
//! goes through the lines again, from any process, also while the writer runs.
//! [`entries`] gives the lines themselves, and goes on where it stopped when there are more.
//! What an event says is decided by the rooms that make it, except for names: these are kept beside the
//! log ([`subjects`]), so that they can be erased.
//!
//! The log proves itself: a Merkle tree over its lines is kept beside them and signed at least once a
//! second while it grows, in the public formats of transparency logs. [`verify`] checks a folder
//! from end to end, [`prove`] makes a proof of one entry, and everything that somebody else needs to
//! check that is a pure function: [`merkle`] trees and proofs, signed [`note`]s, [`checkpoint`]s, whom
//! to [`trust`], and proofs in one file ([`log_proof`]).

pub mod checkpoint;
pub mod log_proof;
pub mod merkle;
pub mod note;
pub mod prove;
pub mod serve;
pub mod subjects;
pub mod trust;
pub mod verify;
pub mod witness;

mod active;
mod disk;
mod entries;
mod error;
mod follow;
mod handover;
mod lines;
mod reader;
mod removal;
mod segment;
mod signer;
mod tree;
mod writer;

pub use error::LedgerError;
pub use follow::{Follow, entries};
pub use reader::{Events, read};
pub use signer::{earlier_keys, public_key};
pub use writer::{EventLogWriter, Progress, Retired, is_in_use};

/// Name of the folder of the log, inside of the folder for data.
pub const FOLDER: &str = "ledger";

/// Longest line of the log, newline included, in bytes. A longer event is refused by the writer and
/// a longer line is reported by the reader, so neither ever holds more than this in memory.
pub const LINE_BYTES: usize = 64 << 10;
