//! The inference log: what was asked and answered, kept for whoever has to look later.
//!
//! [`InferenceLog`] is the only writer of a folder and keeps the promises of
//! [`PayloadSink`](bartizan_core::payload::PayloadSink): it takes exchanges without waiting, seals them on a thread of
//! its own, and says what became of each once it is on the disk. [`Reader`] opens them again, from any process.
//!
//! Records stand in append-only segments. Each is sealed with the data key of the person or program who asked, for its
//! place, so that records cannot be swapped, repeated or moved; [`erase`] destroys one key and with it all of one person. The
//! digest of each record stands in its event of the event log, so that anybody can check without a key what is here
//! ([`Reader::check`]).
//!
//! What is kept, and who may read it, is decided elsewhere: texts come here after masking.

mod content;
mod error;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod index;
mod keys;
mod reader;
mod segment;
mod writer;

pub use content::Content;
pub use error::InferenceError;
pub use frame::{RECORD_BYTES, SubjectId};
pub use index::{Entry, Scan};
pub use keys::{FILE as KEYS_FILE, KeySource, erase, keys_in_use, reseal};
pub use reader::{Check, Opened, Reader};
pub use writer::retention::{AREA, REMOVED, removed_segment};
pub use writer::{InferenceLog, Parts, Stats};

/// Name of the folder of the log, inside of the folder for data.
pub const FOLDER: &str = "inference";

/// What the keys are derived from a master key for.
pub const PURPOSE: &str = "inference-log";
