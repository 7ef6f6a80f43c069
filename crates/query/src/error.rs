//! Why a question has no answer, and an export no file.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};
use bartizan_ledger::LedgerError;
use datafusion::error::DataFusionError;

/// Why a question has no answer, or an export no file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LedgerError),
    /// The folder of the tables, or a file of it, cannot be read or written.
    #[error("cannot keep the tables in `{path}`")]
    Folder {
        /// What could not be read or written.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A table cannot be made or read; they are only a copy, and can be made again.
    #[error("the table `{path}` cannot be used")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DataFusionError,
    },
    /// A file for other programs cannot be written.
    #[error("cannot write `{path}`")]
    Export {
        /// The file.
        path: PathBuf,
        /// What the system or the format says.
        #[source]
        source: DataFusionError,
    },
    /// The statement cannot be understood, names what does not exist, or does more than read.
    #[error("{message}")]
    Statement {
        /// What is wrong with it, in one line.
        message: String,
    },
    /// Answering needs more memory than the question may have.
    #[error("the answer needs more than {memory_bytes} bytes of memory")]
    TooLarge {
        /// The bound.
        memory_bytes: usize,
    },
    /// The question failed on the way.
    #[error("the question cannot be answered")]
    Failed(#[source] DataFusionError),
}

impl Coded for QueryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Log(error) => error.code(),
            Self::Folder { .. } => "bartizan::query::folder",
            Self::Table { .. } => "bartizan::query::table",
            Self::Export { .. } => "bartizan::query::export",
            Self::Statement { .. } => "bartizan::query::statement",
            Self::TooLarge { .. } => "bartizan::query::too-large",
            Self::Failed(_) => "bartizan::query::failed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Log(error) => error.class(),
            // Where it is to lie is the caller's choice.
            Self::Statement { .. } | Self::Export { .. } => Class::Usage,
            Self::TooLarge { .. } => Class::Limit,
            // A file may have gone or be damaged; a bug of the engine looks the same.
            Self::Folder { .. } | Self::Table { .. } | Self::Failed(_) => Class::Unavailable,
        }
    }
}

impl QueryError {
    /// What the engine says of a statement, in the words of the user: whose fault it is decides.
    pub(crate) fn of(error: DataFusionError, memory_bytes: usize) -> Self {
        let root = error.find_root();
        match root {
            DataFusionError::ResourcesExhausted(_) => Self::TooLarge { memory_bytes },
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::ArrowError(..)
            | DataFusionError::Execution(_)
            | DataFusionError::Diagnostic(..)
            | DataFusionError::Collection(_) => Self::Statement { message: said(root) },
            _ => Self::Failed(error),
        }
    }

    /// The engine met a file or a statement that it did not expect.
    pub(crate) fn panicked() -> Self {
        Self::Failed(DataFusionError::Internal("the engine panicked".to_owned()))
    }
}

/// The first line of what an error says, without the engine's own names for kinds of errors and without
/// the catalogue that every table is in.
fn said(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let line = text.lines().next().unwrap_or_default();
    let known = ["Error during planning: ", "SQL error: ", "Schema error: ", "Arrow error: "];
    let bare = known.iter().fold(line, |line, prefix| line.strip_prefix(prefix).unwrap_or(line));
    bare.replace("datafusion.public.", "")
}
