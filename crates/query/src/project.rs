//! Makes the files of the tables from the entries of the log.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bartizan_core::private;
use bartizan_ledger::entries;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use crate::chunks::{path, planned};
use crate::columns::{EVENTS, FINDINGS, Rows, event_schema, finding_schema};
use crate::error::QueryError;

/// Rows that are collected before they are encoded.
pub(crate) const BATCH_ROWS: usize = 8 << 10;
/// Rows of a part of a file that is read or skipped as a whole.
const ROW_GROUP_ROWS: usize = 128 << 10;
/// Held by whoever asks, so that files are not removed under their eyes.
const LOCK_FILE: &str = ".lock";

/// What the tables are about after they were brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshed {
    /// First entry of the log.
    pub first: u64,
    /// One past the last entry that is in a file; those behind it are read from the log.
    pub end: u64,
    /// Entries that were read to make files.
    pub read: u64,
}

/// Makes what is missing and removes what has gone from the log, up to the entry `end`. `progress` hears
/// of entries that were read and of those that are to be.
pub(crate) fn refresh(
    log: &Path,
    dir: &Path,
    end: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Refreshed, QueryError> {
    let folder = |source| QueryError::Folder { path: dir.to_owned(), source };
    private::make_folder(dir).map_err(folder)?;
    let first = entries(log, 0)?.number();
    let wanted = planned(&(first..end));
    let is_missing = |chunk: &&Range<u64>| {
        [EVENTS, FINDINGS].iter().any(|table| !path(dir, table, chunk).is_file())
    };
    let missing: Vec<_> = wanted.iter().filter(is_missing).cloned().collect();
    let to_read: u64 = missing.iter().map(|chunk| chunk.end - chunk.start).sum();
    let mut read = 0;
    for chunk in missing {
        write(log, dir, &chunk, &mut |rows| progress(read + rows, to_read))?;
        read += chunk.end - chunk.start;
    }
    // Whoever asks just now keeps what is not needed any more; the next time it goes.
    if let Ok(lock) = lock_file(dir)
        && lock.try_lock().is_ok()
    {
        remove_others(dir, &wanted).map_err(folder)?;
    }
    Ok(Refreshed { first, end: wanted.last().map_or(first, |chunk| chunk.end), read })
}

/// Keeps the files of the tables from being removed until it is dropped.
pub(crate) fn hold(dir: &Path) -> Result<File, QueryError> {
    let held = lock_file(dir).and_then(|lock| lock.lock_shared().map(|()| lock));
    held.map_err(|source| QueryError::Folder { path: dir.join(LOCK_FILE), source })
}

/// Removes every file of the tables, to be made again.
pub(crate) fn clear(dir: &Path) -> Result<(), QueryError> {
    let folder = |source| QueryError::Folder { path: dir.to_owned(), source };
    private::make_folder(dir).map_err(folder)?;
    let lock = lock_file(dir).map_err(folder)?;
    lock.lock().map_err(folder)?;
    remove_others(dir, &[]).map_err(folder)
}

fn lock_file(dir: &Path) -> io::Result<File> {
    private::file().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE))
}

fn remove_others(dir: &Path, wanted: &[Range<u64>]) -> io::Result<()> {
    let kept: std::collections::BTreeSet<PathBuf> = wanted
        .iter()
        .flat_map(|chunk| [EVENTS, FINDINGS].map(|table| path(dir, table, chunk)))
        .collect();
    for file in fs::read_dir(dir)? {
        let file = file?.path();
        let is_table = file.extension().is_some_and(|extension| extension == "parquet");
        if is_table && !kept.contains(&file) {
            fs::remove_file(&file)?;
        }
    }
    Ok(())
}

/// Writes the files of one run of entries. They are there whole or not at all.
fn write(
    log: &Path,
    dir: &Path,
    chunk: &Range<u64>,
    progress: &mut dyn FnMut(u64),
) -> Result<(), QueryError> {
    let mut events = Table::begin(path(dir, EVENTS, chunk), event_schema())?;
    let mut findings = Table::begin(path(dir, FINDINGS, chunk), finding_schema())?;
    let mut entries = entries(log, chunk.start)?;
    let mut rows = Rows::default();
    for number in chunk.clone() {
        // A log that lost entries since is another log; the next look at it plans anew.
        let entry = entries.next().transpose()?.filter(|(found, _)| *found == number);
        let (_, entry) = entry.ok_or_else(|| QueryError::Folder {
            path: log.to_owned(),
            source: io::Error::new(io::ErrorKind::UnexpectedEof, "entries were removed"),
        })?;
        rows.push(number, &entry);
        if rows.len() == BATCH_ROWS {
            Table::write_both(&mut events, &mut findings, &mut rows)?;
            progress(number + 1 - chunk.start);
        }
    }
    Table::write_both(&mut events, &mut findings, &mut rows)?;
    findings.finish()?;
    events.finish()
}

/// A file of a table that is being written.
pub(crate) struct Table {
    path: PathBuf,
    writer: ArrowWriter<tempfile::NamedTempFile>,
}

impl Table {
    /// A file that this build reads again.
    pub(crate) fn begin(path: PathBuf, schema: SchemaRef) -> Result<Self, QueryError> {
        Self::begin_with(path, schema, ArrowWriterOptions::new())
    }

    /// A file for other programs, with the types of Parquet alone: not all of them know those of Arrow that
    /// are new.
    pub(crate) fn begin_plain(path: PathBuf, schema: SchemaRef) -> Result<Self, QueryError> {
        Self::begin_with(path, schema, ArrowWriterOptions::new().with_skip_arrow_metadata(true))
    }

    fn begin_with(
        path: PathBuf,
        schema: SchemaRef,
        options: ArrowWriterOptions,
    ) -> Result<Self, QueryError> {
        let level = ZstdLevel::try_new(1).map_err(DataFusionError::from);
        let level = level.map_err(|source| QueryError::Table { path: path.clone(), source })?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        // Beside its final place, readable by its owner alone.
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)
            .map_err(|source| QueryError::Folder { path: path.clone(), source })?;
        let options = options.with_properties(properties);
        let writer = ArrowWriter::try_new_with_options(file, schema, options)
            .map_err(|error| QueryError::Table { path: path.clone(), source: error.into() })?;
        Ok(Self { path, writer })
    }

    fn write_both(
        events: &mut Self,
        findings: &mut Self,
        rows: &mut Rows,
    ) -> Result<(), QueryError> {
        let (event_rows, finding_rows) =
            rows.take().map_err(|error| events.failed(error.into()))?;
        events.write(&event_rows)?;
        findings.write(&finding_rows)
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        self.writer.write(rows).map_err(|error| self.failed(error.into()))
    }

    /// Puts the file in its place.
    pub(crate) fn finish(self) -> Result<(), QueryError> {
        let Self { path, writer } = self;
        let file = writer
            .into_inner()
            .map_err(|error| QueryError::Table { path: path.clone(), source: error.into() })?;
        let kept = file.persist(&path).map_err(|error| error.error);
        kept.map(drop).map_err(|source| QueryError::Folder { path, source })
    }

    pub(crate) fn failed(&self, source: DataFusionError) -> QueryError {
        QueryError::Table { path: self.path.clone(), source }
    }
}
