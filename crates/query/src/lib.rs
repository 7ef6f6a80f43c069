//! Questions in SQL over the event log.
//!
//! [`Tables`] keeps a copy of the log's entries as Parquet files that are made from them, a file for each
//! run of entries, and answers `SELECT` statements with DataFusion. The copy is for questions only: it can
//! be deleted at any time and is made again, and what proves a row is the entry whose number stands in
//! its `leaf_index`. [`EventsFile`] writes rows of events for other programs. What an entry says, and
//! whether it is the one that was written, is the ledger's matter.

mod answer;
mod chunks;
mod columns;
mod error;
mod export;
mod names;
mod project;
mod tables;

pub use answer::{Answer, Cell, Row};
pub use columns::{TABLES, TableInfo};
pub use error::QueryError;
pub use export::EventsFile;
pub use project::Refreshed;
pub use tables::{Limits, Tables};

/// Name of the folder of the tables, inside of the folder for data.
pub const FOLDER: &str = "tables";
