//! The rows of events as one Parquet file, for other programs.

use std::path::{Path, PathBuf};

use datafusion::error::DataFusionError;

use crate::columns::{Rows, event_schema};
use crate::error::QueryError;
use crate::project::{BATCH_ROWS, Table};

/// A Parquet file with the columns of the table `events`, while it is written.
///
/// It is made beside its place, readable by its owner alone, and put there at the end; what is not finished
/// leaves nothing. Memory is bounded, however many entries there are.
pub struct EventsFile {
    path: PathBuf,
    table: Table,
    rows: Rows,
}

impl EventsFile {
    /// Begins the file at `path`; one that is there stays until the end.
    ///
    /// # Errors
    /// [`QueryError::Export`], when it cannot be written there.
    pub fn begin(path: impl Into<PathBuf>) -> Result<Self, QueryError> {
        let path = path.into();
        let begun = Table::begin_plain(path.clone(), event_schema());
        let table = begun.map_err(|error| failed(&path, error))?;
        Ok(Self { path, table, rows: Rows::default() })
    }

    /// Adds the row of the entry of a number, as it stands: whoever wants names puts them there before. One
    /// that is no event has nothing but its number.
    ///
    /// # Errors
    /// [`QueryError::Export`], when the file cannot be written.
    pub fn push(&mut self, number: u64, entry: &[u8]) -> Result<(), QueryError> {
        self.rows.push(number, entry);
        if self.rows.len() < BATCH_ROWS {
            return Ok(());
        }
        self.write()
    }

    /// Writes what is left and puts the file in its place.
    ///
    /// # Errors
    /// As [`EventsFile::push`].
    pub fn finish(mut self) -> Result<(), QueryError> {
        self.write()?;
        self.table.finish().map_err(|error| failed(&self.path, error))
    }

    fn write(&mut self) -> Result<(), QueryError> {
        let taken = self.rows.take().map_err(|error| self.table.failed(error.into()));
        let written = taken.and_then(|(events, _)| self.table.write(&events));
        written.map_err(|error| failed(&self.path, error))
    }
}

impl std::fmt::Debug for EventsFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventsFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The same error in words for a file that somebody named.
fn failed(path: &Path, error: QueryError) -> QueryError {
    let source = match error {
        QueryError::Folder { source, .. } => DataFusionError::IoError(source),
        QueryError::Table { source, .. } => source,
        error => return error,
    };
    QueryError::Export { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use bartizan_core::event::Event;
    use bartizan_core::id::RequestId;
    use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
    use datafusion::arrow::datatypes::{DataType, Int64Type};
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::TABLES;

    #[test]
    fn a_file_has_the_columns_of_events_in_types_that_every_reader_knows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.parquet");
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.principal = Some("alice@example.com".to_owned());
        let line = serde_json::to_vec(&event).unwrap();
        let count = BATCH_ROWS as u64 + 10;
        let mut file = EventsFile::begin(&path).unwrap();
        for number in 0..count {
            file.push(number + 5, &line).unwrap();
        }
        file.push(count + 5, b"no event").unwrap();
        assert!(!path.exists());
        file.finish().unwrap();

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let schema = reader.schema().clone();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let expected: Vec<&str> = TABLES[0].columns.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, expected);
        assert_eq!(schema.field_with_name("principal").unwrap().data_type(), &DataType::Utf8);
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64, count + 1);
        let first = &batches[0];
        let numbers = first.column_by_name("leaf_index").unwrap();
        assert_eq!(numbers.as_primitive::<Int64Type>().value(0), 5);
        let principals = first.column_by_name("principal").unwrap();
        assert_eq!(principals.as_string::<i32>().value(0), "alice@example.com");
        let last = batches.last().unwrap();
        assert_eq!(last.column_by_name("area").unwrap().null_count(), 1);
    }

    #[test]
    fn what_is_not_finished_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.parquet");
        std::fs::write(&path, "old").unwrap();
        let mut file = EventsFile::begin(&path).unwrap();
        file.push(0, b"{}").unwrap();
        drop(file);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 3);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        EventsFile::begin(&path).unwrap().finish().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > 100);
        let nowhere = EventsFile::begin(dir.path().join("missing/events.parquet"));
        assert!(matches!(nowhere, Err(QueryError::Export { .. })), "{nowhere:?}");
    }
}
