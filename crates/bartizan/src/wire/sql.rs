//! The SQL engine and Parquet, which only builds with the feature `sql` have: compiling them takes longer than
//! all the rest.

use std::error::Error;

use bartizan_core::Class;
#[cfg(feature = "sql")]
use bartizan_core::Coded as _;
#[cfg(feature = "sql")]
pub(crate) use bartizan_query::EventsFile;
#[cfg(feature = "sql")]
use bartizan_query::QueryError;

/// What a build without the engine says, and how to get one.
#[cfg(not(feature = "sql"))]
pub(crate) fn missing(what: &str) -> anyhow::Error {
    crate::format::usage(
        format!("{what} needs the SQL engine, which this build does not have"),
        "build with it: `cargo build --release --features sql`, which takes long on few cores",
    )
}

/// Code and class of an error of the engine.
#[cfg(feature = "sql")]
pub(crate) fn error(cause: &(dyn Error + 'static)) -> Option<(&'static str, Class)> {
    cause.downcast_ref::<QueryError>().map(|error| (error.code(), error.class()))
}

/// None: there is no engine that could fail.
#[cfg(not(feature = "sql"))]
pub(crate) fn error(_: &(dyn Error + 'static)) -> Option<(&'static str, Class)> {
    None
}

/// Stands for the Parquet file that a build without the engine cannot write.
#[cfg(not(feature = "sql"))]
pub(crate) enum EventsFile {}

#[cfg(not(feature = "sql"))]
impl EventsFile {
    pub(crate) fn begin(_: std::path::PathBuf) -> anyhow::Result<Self> {
        Err(missing("writing Parquet"))
    }

    pub(crate) fn push(&mut self, _: u64, _: &[u8]) -> anyhow::Result<()> {
        match *self {}
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self {}
    }
}
