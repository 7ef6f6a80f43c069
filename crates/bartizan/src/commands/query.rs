//! `bartizan query`: questions in SQL over the event log, in builds with the feature `sql`.

#[cfg(feature = "sql")]
mod ask;

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::{OutputArgs, PolicyArgs};
use crate::terminal::Terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan query \"SELECT verdict, count(*) FROM events WHERE time > now() - interval '24 hours' GROUP BY verdict\"\n  bartizan query \"SELECT principal, sum(usd) AS usd FROM usage GROUP BY principal ORDER BY usd DESC\" --format jsonl\n  bartizan query"
)]
pub(crate) struct QueryArgs {
    /// One `SELECT`; `-` for standard input [default: list the tables and their columns]
    #[arg(value_name = "SQL")]
    pub(crate) statement: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Make the tables again from the entries of the log before asking
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Most memory for sorting and grouping, in MiB
    #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    pub(crate) memory: u32,
    /// Output format
    #[arg(long, value_enum, default_value_t = RowFormat::Human)]
    pub(crate) format: RowFormat,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// A table for people
    Human,
    /// One JSON document
    Json,
    /// A JSON object for each row
    Jsonl,
    /// Comma-separated values with a line of names (RFC 4180)
    Csv,
}

#[cfg(feature = "sql")]
pub(crate) fn run(args: &QueryArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    ask::run(args, terminal)
}

#[cfg(not(feature = "sql"))]
pub(crate) fn run(_: &QueryArgs, _: Terminal) -> anyhow::Result<ExitCode> {
    Err(crate::wire::sql::missing("asking in SQL"))
}
