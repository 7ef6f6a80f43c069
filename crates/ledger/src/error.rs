//! What can go wrong with the log, and who has to act.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

use crate::note::VerifyingKey;

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
    /// The key of the log is missing, or cannot be read or kept.
    #[error("the key of the log, `{}`, cannot be used", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// Two keys sign the log already.
    #[error("the log has two keys already: `{older}` is not retired yet")]
    TwoKeys {
        /// The older one.
        older: VerifyingKey,
    },
    /// Only one key signs the log.
    #[error("the log has one key, and none to retire")]
    OneKey,
    /// The last checkpoint cannot be read, or is not signed by the key of the log.
    #[error("the last checkpoint of the log, `{}`, cannot be used", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// Hashes of the tree are missing or damaged.
    #[error("the tile `{}` of the log cannot be used", path.display())]
    Tile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// A file begins with another entry than the one before it ends with.
    #[error("`{}` begins with entry {found}, and entry {expected} is missing", path.display())]
    Gap {
        /// The file.
        path: PathBuf,
        /// Number of the first entry that is missing.
        expected: u64,
        /// Number of the first entry in the file.
        found: u64,
    },
    /// The log is shorter than its last checkpoint says.
    #[error("the last checkpoint of the log is about {signed} entries, and it holds {entries}")]
    Behind {
        /// Entries that are signed.
        signed: u64,
        /// Entries that are there.
        entries: u64,
    },
    /// The entries are not those of the last checkpoint.
    #[error("the first {signed} entries of the log are not those of its last checkpoint")]
    Changed {
        /// Entries that are signed.
        signed: u64,
    },
    /// The tree could not be brought to the disk or signed.
    #[error("the log cannot be signed")]
    Sign(#[source] io::Error),
    /// Events written before could not be brought to the disk.
    #[error("the event log cannot be synced to disk")]
    Sync(#[source] io::Error),
    /// The names of those whom entries are about cannot be read or kept.
    #[error("the names beside the event log, `{}`, cannot be used", path.display())]
    Subjects {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
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
            Self::Key { .. } => "bartizan::ledger::key",
            Self::TwoKeys { .. } => "bartizan::ledger::two-keys",
            Self::OneKey => "bartizan::ledger::one-key",
            Self::Checkpoint { .. } => "bartizan::ledger::checkpoint",
            Self::Tile { .. } => "bartizan::ledger::tile",
            Self::Gap { .. } => "bartizan::ledger::gap",
            Self::Behind { .. } => "bartizan::ledger::behind",
            Self::Changed { .. } => "bartizan::ledger::changed",
            Self::Sign(_) => "bartizan::ledger::sign",
            Self::Sync(_) => "bartizan::ledger::sync",
            Self::Subjects { .. } => "bartizan::ledger::subjects",
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
            Self::Folder { .. } | Self::Locked { .. } | Self::TwoKeys { .. } | Self::OneKey => {
                Class::Usage
            }
            _ => Class::Unavailable,
        }
    }
}
