//! The words of `bartizan inference`.

use clap::{Args, Subcommand, ValueEnum};

use super::{DocumentFormat, Format, OutputArgs, PolicyArgs};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan inference list --since 1h\n  bartizan inference show 01a1fc2e-84b7-710d-b445-12d6e7cfbb3d\n  bartizan inference verify"
)]
pub(crate) struct InferenceArgs {
    #[command(subcommand)]
    pub(crate) command: InferenceCommand,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InferenceCommand {
    /// List the exchanges that are kept, without their text
    #[command(
        after_help = "Examples:\n  bartizan inference list --since 7d\n  bartizan inference list --principal sp:support-bot --format json"
    )]
    List {
        #[command(flatten)]
        which: WhichArgs,
        /// Output format
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show what was asked and answered in one request
    ///
    /// Without `bartizan up` on the same data folder, the event log says that it was shown. While `bartizan up` runs, only
    /// reads by the admin API are recorded: the log has one writer.
    #[command(
        after_help = "Examples:\n  bartizan inference show 01a1fc2e-84b7-710d-b445-12d6e7cfbb3d\n  bartizan inference show 01a1fc2e-84b7-710d-b445-12d6e7cfbb3d --format json"
    )]
    Show {
        /// Id of the request, as in `x-bartizan-request-id`
        request: String,
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Write exchanges for other programs, one JSON document in each line
    ///
    /// What was written, a later erasure does not reach. Recorded like `show`. Exit code 3 when a record that was asked
    /// for does not open.
    #[command(
        after_help = "Examples:\n  bartizan inference export --since 30d -o exchanges.jsonl\n  bartizan inference export --endpoint protected-llm --since 1d"
    )]
    Export {
        #[command(flatten)]
        which: WhichArgs,
        /// Output format
        #[arg(long, value_enum, default_value_t = LinesFormat::Jsonl)]
        format: LinesFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Check every record against the event log
    ///
    /// Needs no master key. Names records that an event speaks of and that are missing or were changed, and records that
    /// no event speaks of. `bartizan audit verify` says whether the event log itself holds. Exit code 1 when something
    /// does not agree, 3 when records are older than the event log or part of that cannot be read.
    #[command(
        after_help = "Examples:\n  bartizan inference verify\n  bartizan inference verify --format json"
    )]
    Verify {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Which exchanges are meant.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// How far back: 30s, 5m, 1h, 7d
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    pub(crate) since: String,
    /// Only those of this person or program, as events name them
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Only those of this endpoint
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Option<String>,
}

/// The one format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinesFormat {
    /// One JSON document in each line
    Jsonl,
}
