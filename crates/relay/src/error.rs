//! What can go wrong between the log and a sink, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bartizan_core::error::{Class, Coded};
use bartizan_core::id::RuleId;
use bartizan_ledger::LedgerError;

/// Most characters of what a receiver says that an error repeats.
const SAID_CHARS: usize = 200;

/// Entries cannot be followed, or not be shipped to a sink as the policy has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The file that says how far a sink got cannot be used.
    #[error(
        "sink `{sink}`: the cursor `{}` cannot be used; remove it to ship from the first entry",
        path.display()
    )]
    Cursor {
        /// The sink.
        sink: RuleId,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// The sink got entries of another log before.
    #[error(
        "sink `{sink}`: the cursor `{}` is of the log `{found}`, and this is `{log}`; move it away to \
         ship this log from its first entry",
        path.display()
    )]
    OtherLog {
        /// The sink.
        sink: RuleId,
        /// The file of the cursor.
        path: PathBuf,
        /// Key of the log that the cursor is of.
        found: String,
        /// Key of this log.
        log: String,
    },
    /// The sink got more than the log holds.
    #[error(
        "sink `{sink}` is at entry {next}, and the log is signed up to {signed}; if it was restored \
         from a backup, remove the cursor"
    )]
    Ahead {
        /// The sink.
        sink: RuleId,
        /// Number of the entry that it waits for.
        next: u64,
        /// Entries that are signed.
        signed: u64,
    },
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LedgerError),
    /// The public key or the checkpoint of the log cannot be understood.
    #[error("the log in `{}` cannot be recognised", path.display())]
    Unknown {
        /// Folder of the log.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// A sink cannot be made as the policy has it.
    #[error("sink `{sink}` cannot be used")]
    Sink {
        /// The sink.
        sink: RuleId,
        /// Why.
        #[source]
        source: SinkError,
    },
}

impl Coded for RelayError {
    fn code(&self) -> &'static str {
        match self {
            Self::Cursor { .. } => "bartizan::relay::cursor",
            Self::OtherLog { .. } => "bartizan::relay::other-log",
            Self::Ahead { .. } => "bartizan::relay::ahead",
            Self::Log(_) => "bartizan::relay::log",
            Self::Unknown { .. } => "bartizan::relay::unknown",
            Self::Sink { .. } => "bartizan::relay::sink",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::OtherLog { .. } | Self::Sink { .. } => Class::Usage,
            _ => Class::Unavailable,
        }
    }
}

/// A sink did not take entries. They are shipped again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Nobody answers at the address.
    #[error("`{address}` cannot be reached")]
    Connect {
        /// Host and port.
        address: String,
        /// What the system or TLS says.
        #[source]
        source: io::Error,
    },
    /// The connection ended before the entries were known to be taken.
    #[error("the connection to `{address}` broke")]
    Broken {
        /// Host and port.
        address: String,
        /// What the system or TLS says.
        #[source]
        source: io::Error,
    },
    /// The receiver is too slow, or silent.
    #[error("`{address}` did not take the entries within {} s", wait.as_secs())]
    TimedOut {
        /// Host and port.
        address: String,
        /// How long it was waited for.
        wait: Duration,
    },
    /// The receiver answered with something else than success.
    #[error("`{address}` answered with status {status}{}", remark(said))]
    Status {
        /// Host and port.
        address: String,
        /// HTTP status.
        status: u16,
        /// The beginning of the answer.
        said: String,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver refused the entries in its own words.
    #[error("`{address}` refused the entries{}", remark(said))]
    Refused {
        /// Host and port, or the stream.
        address: String,
        /// What it said.
        said: String,
    },
    /// A file cannot be written or read.
    #[error("the file `{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An address, header or certificate of the policy cannot be used.
    #[error("{what} cannot be used{}", remark(said))]
    Setting {
        /// Which key.
        what: &'static str,
        /// What is wrong with it; never a credential.
        said: String,
    },
}

impl SinkError {
    /// What whoever runs Bartizan can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Connect { .. } => {
                "check that the receiver runs and that host, port and `ca` are right"
            }
            Self::TimedOut { .. } => {
                "look whether the receiver is overloaded; entries are shipped again"
            }
            Self::Status { status: 401 | 403, .. } => "check the credential and what it may do",
            Self::Status { status: 404, .. } => "check the address, and the bucket if it is one",
            Self::Status { status: 413, .. } => "let the receiver take bodies of 4 MiB",
            Self::Broken { .. } | Self::Status { .. } => {
                "look into the log of the receiver; entries are shipped again"
            }
            Self::Refused { .. } => "check the stream, its subjects and its limits",
            Self::File { .. } => "check the path, its rights and the space that is left",
            Self::Setting { .. } => "mend the sink in the policy",
        }
    }

    /// How long the receiver asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A sink stopped before the end of a batch.
#[derive(Debug)]
pub struct Interrupted {
    /// Entries, from the start of the batch, that it has for certain.
    pub taken: usize,
    /// Why it did not take the next one.
    pub error: SinkError,
}

impl From<SinkError> for Interrupted {
    fn from(error: SinkError) -> Self {
        Self { taken: 0, error }
    }
}

/// The beginning of what a receiver says, safe to print.
pub(crate) fn said(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.trim().chars().take(SAID_CHARS).map(plain).collect();
    text.trim_end().to_owned()
}

/// What a receiver says, behind what is said about it.
pub(crate) fn remark(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// An error with its causes: the outermost alone says that something failed, not why.
pub(crate) struct Causes<'e>(pub(crate) &'e dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}
