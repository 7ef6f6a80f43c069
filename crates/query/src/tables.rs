//! The tables of a log, brought up to date and asked.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_ledger::entries;
use bartizan_ledger::subjects::Names;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures_util::FutureExt as _;

use crate::answer::Answer;
use crate::chunks::{path, planned};
use crate::columns::{EVENTS, FINDINGS, Rows, USAGE, USAGE_VIEW, event_schema, finding_schema};
use crate::error::QueryError;
use crate::names;
use crate::project::{Refreshed, clear, hold, refresh};

/// What a question may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory for sorting and grouping, in bytes. Nothing is put on the disk instead.
    pub memory_bytes: usize,
    /// Threads.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory_bytes: 1 << 30, threads }
    }
}

/// The tables of one log.
#[derive(Debug, Clone)]
pub struct Tables {
    log: PathBuf,
    dir: PathBuf,
}

impl Tables {
    /// The tables of the log in the folder `log`, kept in the folder `dir`. Nothing is read yet.
    pub fn new(log: impl Into<PathBuf>, dir: impl Into<PathBuf>) -> Self {
        Self { log: log.into(), dir: dir.into() }
    }

    /// Makes the files that are missing, from the entries that are signed, and removes those of entries
    /// that the log has removed. `progress` hears of entries that were read and of those to read.
    ///
    /// # Errors
    /// [`QueryError`], when the log cannot be read or a file cannot be written.
    pub fn refresh(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Refreshed, QueryError> {
        refresh(&self.log, &self.dir, self.signed()?, progress)
    }

    /// Removes all files, so that the next [`Tables::refresh`] makes them again from the log.
    ///
    /// # Errors
    /// [`QueryError::Folder`], when that cannot be done.
    pub fn clear(&self) -> Result<(), QueryError> {
        clear(&self.dir)
    }

    /// Answers one `SELECT`, from the files and from the entries behind them.
    ///
    /// # Errors
    /// [`QueryError::Statement`] for what cannot be understood or does more than read, and others when
    /// the log or the tables cannot be read.
    pub async fn ask(&self, statement: &str, limits: Limits) -> Result<Answer, QueryError> {
        let asking = AssertUnwindSafe(self.try_ask(statement, limits)).catch_unwind();
        asking.await.unwrap_or_else(|_| Err(QueryError::panicked()))
    }

    async fn try_ask(&self, statement: &str, limits: Limits) -> Result<Answer, QueryError> {
        let held = hold(&self.dir)?;
        let context = session(limits).map_err(QueryError::Failed)?;
        let first = entries(&self.log, 0)?.number();
        let chunks: Vec<_> = planned(&(first..self.signed()?))
            .into_iter()
            .take_while(|chunk| {
                [EVENTS, FINDINGS].iter().all(|table| path(&self.dir, table, chunk).is_file())
            })
            .collect();
        let behind = chunks.last().map_or(first, |chunk| chunk.end);
        let (events, findings) = self.rows_from(behind)?;
        // Names are written before entries, so that none is missing.
        let names = names::function(Names::of(&self.log)?);
        for (table, schema, rows) in
            [(EVENTS, event_schema(), events), (FINDINGS, finding_schema(), findings)]
        {
            let files: Vec<_> = chunks.iter().map(|chunk| path(&self.dir, table, chunk)).collect();
            let all = rows_of(&context, schema, &files, rows).map_err(QueryError::Failed)?;
            let rows = names::named(all, &names).map_err(QueryError::Failed)?;
            context.register_table(table, rows.into_view()).map_err(QueryError::Failed)?;
        }
        let view = format!("CREATE VIEW {USAGE} AS {USAGE_VIEW}");
        context.sql(&view).await.map_err(QueryError::Failed)?;

        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let wrong = |error| QueryError::of(error, limits.memory_bytes);
        let plan = context.sql_with_options(statement, reading).await.map_err(wrong)?;
        let columns = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        let batches = plan.execute_stream().await.map_err(wrong)?;
        Ok(Answer::new(columns, batches, held, limits.memory_bytes))
    }

    /// Entries that the last checkpoint is about.
    fn signed(&self) -> Result<u64, QueryError> {
        Ok(bartizan_ledger::serve::size(&self.log)?)
    }

    /// The rows of all entries from a number on, also of those that are not signed yet.
    fn rows_from(&self, first: u64) -> Result<(RecordBatch, RecordBatch), QueryError> {
        let mut rows = Rows::default();
        for entry in entries(&self.log, first)? {
            let (number, entry) = entry?;
            rows.push(number, &entry);
        }
        rows.take().map_err(|error| QueryError::Failed(error.into()))
    }
}

fn session(limits: Limits) -> Result<SessionContext, DataFusionError> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_limit(limits.memory_bytes, 1.0)
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let config = SessionConfig::new()
        .with_information_schema(true)
        .with_target_partitions(limits.threads)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        .set_bool("datafusion.execution.parquet.reorder_filters", true);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// All rows of a table: those of files, and those that are in none.
fn rows_of(
    context: &SessionContext,
    schema: SchemaRef,
    files: &[PathBuf],
    rows: RecordBatch,
) -> Result<DataFrame, DataFusionError> {
    let behind = MemTable::try_new(Arc::clone(&schema), vec![vec![rows]])?;
    let behind = context.read_table(Arc::new(behind))?;
    if files.is_empty() {
        return Ok(behind);
    }
    let urls = files.iter().map(|file| url(file)).collect::<Result<Vec<_>, _>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    context.read_table(Arc::new(ListingTable::try_new(config)?))?.union(behind)
}

fn url(file: &Path) -> Result<ListingTableUrl, DataFusionError> {
    let file = std::path::absolute(file)?;
    ListingTableUrl::parse(file.to_string_lossy())
}
