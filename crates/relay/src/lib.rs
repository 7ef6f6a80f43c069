//! What the event log tells others: ships its entries to files, syslog, OpenTelemetry collectors, NATS
//! and object stores.
//!
//! A [`Follower`] reads the folder of a log, from any process, and hands what a checkpoint covers to one
//! [`Sink`], in order. It keeps a cursor on the disk and moves it only behind what the sink took, so that
//! every entry arrives at least once; a sink that is away costs nothing but a cursor that stays behind.
//! Entries go as they were signed, byte for byte, wherever the format has room for that.
//! [`Witnesses`] shows each checkpoint to those who sign it besides the log, and publishes what most of them
//! have signed. [`ocsf`] says events in the words of a public schema. What is shipped where is policy; the
//! log itself is kept by the ledger. [`RemoteLog`] goes the other way: it reads a log that somebody serves.

pub mod batch;
pub mod metrics;
pub mod ocsf;
pub mod sinks;

mod backoff;
mod cursor;
mod error;
mod follower;
mod http;
mod reader;
mod remote;
mod severity;
mod tls;
mod witnesses;

pub use batch::{Batch, Entry};
pub use error::{Interrupted, RelayError, SinkError};
pub use follower::Follower;
pub use metrics::Metrics;
pub use remote::{FetchError, RemoteLog, ask, document, is_in_the_clear, post_form, tell};
pub use sinks::Sink;
pub use witnesses::Witnesses;

/// Name of the folder of cursors, inside of the folder for data.
pub const FOLDER: &str = "relay";
