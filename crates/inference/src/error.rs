//! What can go wrong with the inference log, and who has to act.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

/// The inference log could not be opened, kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// The folder of the log cannot be created, listed or locked.
    #[error("the folder of the inference log, `{}`, cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process writes to the same folder.
    #[error("the inference log `{}` is in use by another process", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// One file of the log cannot be opened, created, repaired or read.
    #[error("the file `{}` of the inference log cannot be used", path.display())]
    Segment {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The keys of people and programs cannot be read or changed.
    #[error("the keys of the inference log, `{}`, cannot be used", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no master key to open the log with.
    #[error("the inference log has no master key")]
    MasterKey(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that writes cannot be started.
    #[error("the thread that writes the inference log cannot be started")]
    Thread(#[source] io::Error),
}

impl Coded for InferenceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "bartizan::inference::folder",
            Self::Locked { .. } => "bartizan::inference::locked",
            Self::Segment { .. } => "bartizan::inference::segment",
            Self::Keys { .. } => "bartizan::inference::keys",
            Self::MasterKey(_) => "bartizan::inference::master-key",
            Self::Thread(_) => "bartizan::inference::thread",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Class::NotFound
            }
            Self::Folder { .. } | Self::Locked { .. } | Self::MasterKey(_) => Class::Usage,
            _ => Class::Unavailable,
        }
    }
}
