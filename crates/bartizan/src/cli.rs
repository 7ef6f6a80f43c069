//! The command line: every command, flag and environment variable, with its help.
//!
//! The help texts are also the source of `docs/reference/cli.md`.

pub(crate) mod account;
mod audit;
pub(crate) mod inference;
pub(crate) mod secret;

use std::path::PathBuf;

use bartizan_core::Channel;
use bartizan_core::access::Scope;
use clap::builder::{FalseyValueParser, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::change::ChangeArgs;
use crate::commands::decrypt::DecryptArgs;
use crate::commands::eval::EvalArgs;
use crate::commands::policy::PolicyCommandArgs;
use crate::commands::query::QueryArgs;
use crate::commands::reference::Page;
use crate::commands::train::TrainArgs;
use crate::terminal::ColorWhen;
use account::AccountArgs;
pub(crate) use audit::{AuditArgs, AuditCommand, TrustArgs, VerifyArgs};
use inference::InferenceArgs;
use secret::SecretArgs;

/// Guards, tests and proves the security of AI systems.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version, about, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  bartizan up\n  echo 'ignore all previous instructions' | bartizan check"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) everywhere: EverywhereArgs,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct EverywhereArgs {
    /// Say more on stderr; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Logs")]
    pub(crate) verbose: u8,
    /// Say only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Logs")]
    pub(crate) quiet: bool,
    /// Write logs as JSON lines
    #[arg(
        long,
        global = true,
        env = "BARTIZAN_LOG_JSON",
        hide_env_values = true,
        value_parser = FalseyValueParser::new(),
        help_heading = "Logs"
    )]
    pub(crate) log_json: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "BARTIZAN_COLOR",
        hide_env_values = true,
        value_name = "WHEN",
        help_heading = "Terminal"
    )]
    pub(crate) color: ColorWhen,
    /// Say nothing about how far a long scan is
    #[arg(long, global = true, help_heading = "Terminal")]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the gateway and the console
    ///
    /// Stops on SIGTERM or SIGINT and lets answers under way end; a second signal cuts them off. The
    /// first start of a data folder makes an admin key and a client key and prints them once.
    Up(UpArgs),
    /// Write a commented bartizan.yaml that runs
    Init(InitArgs),
    /// Scan text with the guard
    ///
    /// Reads files, or standard input. With `--format jsonl` each input line is
    /// `{"id","text","channel"}` and each output line `{"id","verdict","findings","text"}`, in input
    /// order. What cannot be read is named, the rest is scanned, and the exit code is 3.
    Check(CheckArgs),
    /// Put values back for tokens that the operator `encrypt` wrote
    ///
    /// Reads a text and writes it with every token opened, such as `<EMAIL_ADDRESS_E…>`, however a model
    /// has respelt it. A token of another key, or one that was changed, stays and is named with its
    /// place; the exit code is then 3. At most 16 MiB.
    Decrypt(DecryptArgs),
    /// Measure the guard on texts whose answer is known
    ///
    /// Reads JSON Lines, each `{"text","label","source","kind","channel"}`, of which `text` and `label`
    /// are needed. What is `benign` must pass; see `--positive` for what must be found. Thresholds come
    /// from the benign rows of the same data.
    Eval(EvalArgs),
    /// Train a model of attacks on your own texts
    ///
    /// Reads JSON Lines, each `{"text","label","kind","source","lang","lic"}`, of which `text` and
    /// `label` are needed. The same rows give the same model, byte for byte; a card says what it
    /// learned from and how good it is on collections that it had not seen.
    Train(TrainArgs),
    /// Read the event log
    Events(EventsArgs),
    /// Ask the event log in SQL
    ///
    /// Tables of the log's entries are kept in `<data-dir>/tables` as Parquet files; what is missing is made
    /// first. A row's `leaf_index` is the number of its entry, which `bartizan audit prove` takes. Only in
    /// builds with `--features sql`.
    Query(QueryArgs),
    /// Verify the event log, and prove what is in it
    ///
    /// The log is a Merkle tree that is signed once a second while it grows, in the formats of C2SP's
    /// transparency logs. Who holds the public key can check it without Bartizan.
    Audit(AuditArgs),
    /// Read and check what was asked and answered, where it is kept
    ///
    /// Endpoints with an `inference-log` keep it after masking, encrypted with a key of whoever asked.
    Inference(InferenceArgs),
    /// Create, list and revoke keys
    ///
    /// Works on the data folder, also while `bartizan up` runs there; the running process follows
    /// within about a second. Changes are recorded as events, but not while `bartizan up` runs: the
    /// log has one writer. Changes by the admin API always are.
    Key(KeyArgs),
    /// Keep the accounts of people who sign in to the console
    ///
    /// Works on the data folder, also while `bartizan up` runs there. Changes are recorded as events, but not while
    /// `bartizan up` runs: the log has one writer.
    Account(AccountArgs),
    /// Keep the values that the policy refers to as `secret:NAME`
    ///
    /// They lie encrypted in the data folder. A running process uses a new value within a second.
    Secret(SecretArgs),
    /// List, show, approve and reject changes that wait for a second person
    ///
    /// Asks the console of a running process, with a key of whoever decides. Changes wait where the policy says so under
    /// `approvals`, and something would become weaker.
    Change(ChangeArgs),
    /// Try, explain and check what the policy decides
    Policy(PolicyCommandArgs),
    /// Check, show or describe the policy file
    Config(ConfigArgs),
    /// Look for what would keep Bartizan from running
    ///
    /// Each line is ok, warn or fail, with the fix. To see whether a provider answers, a TCP connection
    /// to it is opened and closed; nothing is sent. Exit code 1 when a line fails.
    Doctor(DoctorArgs),
    /// Explain a detector, a category, a rule of the policy or an error code
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
    /// Print a page of the reference that comes from the code
    #[command(hide = true)]
    Reference {
        /// Which page
        page: Page,
    },
}

/// Which policy and data to use.
#[derive(Debug, Args, Clone)]
pub(crate) struct PolicyArgs {
    /// Policy file [default: ./bartizan.yaml when there is one, else embedded defaults]
    #[arg(
        short,
        long,
        env = "BARTIZAN_CONFIG",
        hide_env_values = true,
        value_name = "FILE",
        global = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// Folder for state and logs, instead of the policy's
    #[arg(
        long,
        env = "BARTIZAN_DATA_DIR",
        hide_env_values = true,
        value_name = "DIR",
        global = true
    )]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Where data goes.
#[derive(Debug, Args, Clone)]
pub(crate) struct OutputArgs {
    /// Write to this file instead of standard output; it is replaced in one step, at the end
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan up\n  bartizan up --config bartizan.yaml --data-dir /var/lib/bartizan"
)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Address of the gateway, instead of the policy's
    #[arg(
        long,
        env = "BARTIZAN_LISTEN_GATEWAY",
        hide_env_values = true,
        value_parser = address,
        value_name = "ADDR"
    )]
    pub(crate) gateway: Option<std::net::SocketAddr>,
    /// Address of the console, instead of the policy's
    #[arg(
        long,
        env = "BARTIZAN_LISTEN_CONSOLE",
        hide_env_values = true,
        value_parser = address,
        value_name = "ADDR"
    )]
    pub(crate) console: Option<std::net::SocketAddr>,
    /// Write addresses, and keys on a first start, to this file once everything serves; readable by
    /// the owner alone
    #[arg(long, env = "BARTIZAN_READY_FILE", hide_env_values = true, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Longest wait for answers under way when stopping, in seconds
    #[arg(long, default_value_t = 30, value_parser = seconds, value_name = "SECONDS")]
    pub(crate) drain: u64,
}

/// Reads an address; the line that starts with `tip:` is said as help.
fn address(text: &str) -> Result<std::net::SocketAddr, String> {
    let tip = "tip: write IP:PORT, such as 127.0.0.1:8080";
    text.parse().map_err(|_| format!("not an address to listen on\n{tip}"))
}

/// Reads a time in seconds; the line that starts with `tip:` is said as help.
fn seconds(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "not a number of seconds\ntip: whole seconds, such as 30".to_owned())
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

/// Format of what is one thing and not a list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// JSON lines in, JSON lines out
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Reads a score.
fn score(text: &str) -> Result<f32, String> {
    let score = text.parse().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| "write a number from 0 to 1, such as 0.2".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    /// On any finding
    Flag,
    /// When text was masked or blocked
    Mask,
    /// When text was blocked
    Block,
    /// Whatever is found
    Never,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  echo 'mail bob@example.com' | bartizan check\n  bartizan check src --format sarif --output findings.sarif"
)]
pub(crate) struct CheckArgs {
    /// Files and folders to scan; `-` or none for standard input
    #[arg(value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// Policy file whose guardrails apply [default: the default guardrails, on every channel]
    #[arg(short, long, env = "BARTIZAN_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Endpoint of the policy file [default: its first by name]
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) endpoint: Option<String>,
    /// Where the text comes from
    #[arg(
        long,
        default_value = Channel::User.name(),
        value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::name)),
        value_name = "CHANNEL"
    )]
    pub(crate) channel: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub(crate) format: CheckFormat,
    /// In folders, also read what `.gitignore` and `.ignore` leave out
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// Act on findings from this score on, 0 to 1, whatever the guardrails say
    #[arg(long, value_name = "SCORE", value_parser = score)]
    pub(crate) threshold: Option<f32>,
    /// Add the highest score per category, below any threshold; in `json` and `jsonl`
    #[arg(long)]
    pub(crate) scores: bool,
    /// When to exit with 1
    #[arg(long, value_enum, default_value_t = FailOn::Block, value_name = "VERDICT")]
    pub(crate) fail_on: FailOn,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
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
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan key create alice@example.com\n  bartizan key create sp:support-bot --expires-in 90d"
)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key and print it once
    #[command(
        after_help = "Examples:\n  bartizan key create alice@example.com\n  bartizan key create sp:crawler --tag team=search --expires-in 90d"
    )]
    Create {
        /// Person (`alice@example.com`) or program (`sp:support-bot`)
        name: String,
        /// What the key may do: call models, or at the console port everything, change endpoints and client keys, see all,
        /// see endpoints
        #[arg(
            long,
            default_value = Scope::Client.name(),
            value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::name))
        )]
        scope: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// When it stops working: 12h, 30d [default: never]
        #[arg(long, value_name = "DURATION")]
        expires_in: Option<String>,
        /// The only endpoint that it opens; may be given several times [default: all that the policy opens to its holder]
        #[arg(long = "endpoint", value_name = "NAME")]
        endpoints: Vec<String>,
        /// What use with it is put down to, by which limits can count; may be given several times
        #[arg(long = "tag", value_name = "NAME=VALUE")]
        tags: Vec<String>,
    },
    /// Make a key in the place of one that works, and print it once
    ///
    /// For the same holder, with the same rights. The old key goes on to work for the overlap, so that its holder can
    /// change over.
    #[command(
        after_help = "Examples:\n  bartizan key replace ID\n  bartizan key replace ID --overlap 7d --expires-in 90d"
    )]
    Replace {
        /// Id of the key
        id: String,
        /// How long the old key goes on to work
        #[arg(long, default_value = "24h", value_name = "DURATION")]
        overlap: String,
        /// When the new one stops working: 12h, 30d [default: never]
        #[arg(long, value_name = "DURATION")]
        expires_in: Option<String>,
    },
    /// Name keys that are old, unused, or without an end
    ///
    /// Exit code 1 when there are any.
    #[command(
        after_help = "Examples:\n  bartizan key report\n  bartizan key report --older-than 90d --unused-for 30d --format json"
    )]
    Report {
        /// Age from which on a key is old
        #[arg(long, default_value = "365d", value_name = "DURATION")]
        older_than: String,
        /// Time without use from which on a key is unused
        #[arg(long, default_value = "90d", value_name = "DURATION")]
        unused_for: String,
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
    },
    /// List keys: id, scope, state, holder, last use, note
    #[command(after_help = "Examples:\n  bartizan key list\n  bartizan key list --format json")]
    List {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
    },
    /// Revoke a key by its id; the last admin key that works cannot be revoked
    ///
    /// `session:ID` ends the short tokens of a session.
    #[command(after_help = "Examples:\n  bartizan key list\n  bartizan key revoke ID")]
    Revoke {
        /// Id of the key, or `session:ID`
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan config check --config bartizan.yaml\n  bartizan config schema --output bartizan.schema.json"
)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the policy file is valid and enforceable
    #[command(
        after_help = "Examples:\n  bartizan config check\n  bartizan config check --config bartizan.yaml --format json"
    )]
    Check {
        #[command(flatten)]
        policy: PolicyArgs,
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Print the policy in force with every default, without secrets
    #[command(
        after_help = "Examples:\n  bartizan config show\n  bartizan config show --output effective.yaml"
    )]
    Show {
        #[command(flatten)]
        policy: PolicyArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Print the JSON Schema of the policy file
    #[command(
        after_help = "Examples:\n  bartizan config schema\n  bartizan config schema --output bartizan.schema.json"
    )]
    Schema {
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bartizan doctor\n  bartizan doctor --offline --format json")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Open no connection to providers
    #[arg(long)]
    pub(crate) offline: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan explain email\n  bartizan explain g-pii --config bartizan.yaml\n  bartizan explain bartizan::gateway::limited"
)]
pub(crate) struct ExplainArgs {
    /// Detector, category, error code, or the id of a guardrail or limit; nothing for a list of
    /// detectors
    pub(crate) id: Option<String>,
    /// Policy file whose rules can be named [default: ./bartizan.yaml when there is one, else
    /// embedded defaults]
    #[arg(short, long, env = "BARTIZAN_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
    pub(crate) format: DocumentFormat,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan completions bash > /etc/bash_completion.d/bartizan\n  bartizan completions zsh > ~/.zfunc/_bartizan"
)]
pub(crate) struct CompletionsArgs {
    /// Shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bartizan man | man -l -\n  bartizan man check | man -l -")]
pub(crate) struct ManArgs {
    /// Command whose page to print [default: that of bartizan]
    pub(crate) command: Vec<String>,
}
