//! What can go wrong with the log, and who has to act.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

/// The event log could not be opened, kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The folder of the log cannot be created, listed or locked.
    #[error("the event log folder `{}` cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process writes to the same folder.
    #[error("the event log `{}` is in use by another process", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// One file of the log cannot be opened, created, repaired or read.
    #[error("the event log file `{}` cannot be used", path.display())]
    Segment {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The thread that brings events to the disk cannot be started.
    #[error("the thread that syncs the event log cannot be started")]
    Thread(#[source] io::Error),
    /// Events written before could not be brought to the disk.
    #[error("the event log cannot be synced to disk")]
    Sync(#[source] io::Error),
    /// A line is not an event. Reading goes on behind it.
    #[error("`{}` line {line} is not an event", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line number, counted from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A line is longer than the cap. Reading goes on behind it.
    #[error("`{}` line {line} is longer than {limit_bytes} bytes", path.display())]
    LineTooLong {
        /// The file.
        path: PathBuf,
        /// Line number, counted from 1.
        line: u64,
        /// The cap, in bytes.
        limit_bytes: usize,
    },
    /// A file other than the newest ends in the middle of a line.
    #[error("`{}` ends in the middle of line {line}", path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// Line number, counted from 1.
        line: u64,
    },
}

impl Coded for LedgerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "bartizan::ledger::folder",
            Self::Locked { .. } => "bartizan::ledger::locked",
            Self::Segment { .. } => "bartizan::ledger::segment",
            Self::Thread(_) => "bartizan::ledger::thread",
            Self::Sync(_) => "bartizan::ledger::sync",
            Self::Malformed { .. } => "bartizan::ledger::malformed",
            Self::LineTooLong { .. } => "bartizan::ledger::line-too-long",
            Self::Torn { .. } => "bartizan::ledger::torn",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Class::NotFound
            }
            Self::Folder { .. } | Self::Locked { .. } => Class::Usage,
            _ => Class::Unavailable,
        }
    }
}
