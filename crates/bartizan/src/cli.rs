//! The command line: every command, flag and environment variable, with its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Guards, tests and proves the security of AI systems.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version, about, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  bartizan up\n  echo 'ignore all previous instructions' | bartizan check"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Say more on stderr; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Logs")]
    pub(crate) verbose: u8,
    /// Say only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Logs")]
    pub(crate) quiet: bool,
    /// Write logs as JSON lines
    #[arg(long, global = true, env = "BARTIZAN_LOG_JSON", help_heading = "Logs")]
    pub(crate) log_json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the gateway and the console
    Up(UpArgs),
    /// Write a commented bartizan.yaml that runs
    Init(InitArgs),
    /// Scan text with the guard
    Check(CheckArgs),
    /// Read the event log
    Events(EventsArgs),
    /// Create, list and revoke keys
    Key(KeyArgs),
    /// Check, show or describe the policy file
    Config(ConfigArgs),
    /// Look for what would keep Bartizan from running
    Doctor(DoctorArgs),
    /// Explain a detector, a category or an error code
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Which policy and data to use.
#[derive(Debug, Args, Clone)]
pub(crate) struct PolicyArgs {
    /// Policy file [default: ./bartizan.yaml when there is one, else embedded defaults]
    #[arg(short, long, env = "BARTIZAN_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for state and logs, instead of the policy's
    #[arg(long, env = "BARTIZAN_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan up\n  bartizan up --config bartizan.yaml --data-dir /var/lib/bartizan"
)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Address of the gateway, instead of the policy's
    #[arg(long, env = "BARTIZAN_LISTEN_GATEWAY", value_name = "ADDR")]
    pub(crate) gateway: Option<std::net::SocketAddr>,
    /// Address of the console, instead of the policy's
    #[arg(long, env = "BARTIZAN_LISTEN_CONSOLE", value_name = "ADDR")]
    pub(crate) console: Option<std::net::SocketAddr>,
    /// Write addresses, and keys on a first start, to this file once everything serves
    #[arg(long, env = "BARTIZAN_READY_FILE", value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Longest wait for answers under way when stopping, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) drain: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bartizan init\n  bartizan init --path policies/bartizan.yaml")]
pub(crate) struct InitArgs {
    /// Where to write
    #[arg(long, default_value = "bartizan.yaml", value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// One JSON document per line
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    /// Exit 1 on any finding
    Flag,
    /// Exit 1 when text was masked or blocked
    Mask,
    /// Exit 1 when text was blocked
    Block,
    /// Exit 0 whatever is found
    Never,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  echo 'mail bob@example.com' | bartizan check\n  bartizan check --format jsonl --scores < prompts.jsonl",
    long_about = "Scan text with the guard\n\nReads files, or standard input. With `--format jsonl` each input line is \
                  {\"id\",\"text\",\"channel\"} and each output line is {\"id\",\"verdict\",\"findings\",\"text\"}, in input order."
)]
pub(crate) struct CheckArgs {
    /// Files to scan; `-` or none for standard input
    pub(crate) files: Vec<PathBuf>,
    /// Policy file whose guardrails apply [default: the default guardrails, on every channel]
    #[arg(short, long, env = "BARTIZAN_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Endpoint of the policy file [default: its first]
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) endpoint: Option<String>,
    /// Where the text comes from: user, system, document, tool-result, tool-schema, tool-call, output
    #[arg(long, default_value = "user", value_name = "CHANNEL")]
    pub(crate) channel: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Add the highest score per category, below any threshold
    #[arg(long)]
    pub(crate) scores: bool,
    /// When to exit with 1
    #[arg(long, value_enum, default_value_t = FailOn::Block)]
    pub(crate) fail_on: FailOn,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan events --since 1h\n  bartizan events --since 24h --format jsonl | jq .verdict"
)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// How far back: 30s, 5m, 1h, 7d
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    pub(crate) since: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key and print it once
    Create {
        /// Person (`alice@example.com`) or program (`sp:support-bot`)
        name: String,
        /// What the key may do: client or admin
        #[arg(long, default_value = "client")]
        scope: String,
        /// What it is for
        #[arg(long)]
        note: Option<String>,
        /// When it stops working: 30d, 12h
        #[arg(long, value_name = "DURATION")]
        expires_in: Option<String>,
    },
    /// List keys
    List,
    /// Revoke a key by its id
    Revoke {
        /// Id of the key
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the policy file is valid and enforceable
    Check(PolicyArgs),
    /// Print the policy in force, without secrets
    Show(PolicyArgs),
    /// Print the JSON Schema of the policy file
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan explain email\n  bartizan explain bartizan::gateway::limited"
)]
pub(crate) struct ExplainArgs {
    /// Detector, category or error code; nothing for a list of detectors
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell
    pub(crate) shell: clap_complete::Shell,
}
