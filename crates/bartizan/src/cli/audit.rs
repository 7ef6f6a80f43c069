//! The words of `bartizan audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::commands::audit::export::ExportArgs;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan audit verify\n  bartizan audit prove 01a1fc2e-84b7-710d-b445-12d6e7cfbb3d > answer.tlog-proof\n  bartizan audit check answer.tlog-proof --key \"$(bartizan audit key)\""
)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check every entry, every hash and the signature of the log
    ///
    /// Exit code 0 when all of it holds, 1 when something does not; the first entry that does not is
    /// named. At a URL, a log that is served as C2SP's tlog-tiles is checked without believing the server:
    /// `--key` or `--trust` has to say whose signature counts. Entries of a log of Bartizan are shown to
    /// admins: `--admin-key` names a key that goes along. Entries that are not shown are checked by their
    /// hashes alone, and counted.
    #[command(
        after_help = "Examples:\n  bartizan audit verify --data-dir /var/lib/bartizan\n  bartizan audit verify --key \"$(cat log.vkey)\" --format json\n  bartizan audit verify https://console.example/ledger --key \"$(cat log.vkey)\""
    )]
    Verify(VerifyArgs),
    /// Write a proof that the event of a request is in the log
    ///
    /// The proof holds the event, and can be checked without the log. Entries are signed within a second
    /// of being written.
    #[command(
        after_help = "Examples:\n  bartizan audit prove 01a1fc2e-84b7-710d-b445-12d6e7cfbb3d -o answer.tlog-proof\n  bartizan audit prove 1234"
    )]
    Prove {
        /// Id of a request, as in `x-bartizan-request-id`, or number of an entry
        entry: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Check a proof without the log, and print the event that it proves
    #[command(
        after_help = "Examples:\n  bartizan audit check answer.tlog-proof --key \"$(cat log.vkey)\"\n  bartizan audit check answer.tlog-proof --trust policy.tlog"
    )]
    Check {
        /// The proof; `-` for standard input
        file: PathBuf,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Check that the log begins with what an older checkpoint of it says
    ///
    /// Exit code 0 when nothing of what was signed then has changed, 1 when something has or a checkpoint
    /// is not signed.
    #[command(
        after_help = "Examples:\n  bartizan audit consistency last-month.checkpoint\n  bartizan audit consistency a.checkpoint b.checkpoint --key \"$(cat log.vkey)\""
    )]
    Consistency {
        /// The older checkpoint
        old: PathBuf,
        /// The newer one [default: the last of the log]
        new: Option<PathBuf>,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Take the name of a person or program out of the log
    ///
    /// Entries keep a pseudonym that nobody can resolve any more, and all proofs hold. The keys of whoever
    /// it is are removed, and what they asked and were answered cannot be opened any more. A running gateway notices
    /// within a second.
    #[command(after_help = "Example:\n  bartizan audit erase alice@example.com")]
    Erase {
        /// As events name them: `alice@example.com`, `sp:support-bot`
        name: String,
    },
    /// Write entries of the log for other systems
    ///
    /// Only entries that are signed, with names as far as they are not erased; what was written, a later
    /// erasure does not reach. In `parquet` and `ocsf`, `leaf_index` is what `bartizan audit prove` takes.
    /// Exit code 3 when entries that were asked for are gone or are no events.
    Export(ExportArgs),
    /// Have another key sign the log
    ///
    /// A new key signs from then on, and the one before signs along, so that whoever knows either can verify
    /// the log. `--finish` drops the one before. Both are entries of the log. Works while no `bartizan up`
    /// writes it; the new public key is printed.
    #[command(
        after_help = "Examples:\n  bartizan audit rotate-key > log.vkey\n  bartizan audit rotate-key --finish"
    )]
    RotateKey {
        /// Drop the older key: witnesses and verifiers know the new one
        #[arg(long)]
        finish: bool,
    },
    /// Print the public key of the log
    #[command(after_help = "Example:\n  bartizan audit key > log.vkey")]
    Key {
        /// Print the key by which this installation signs the checkpoints of other logs instead
        #[arg(long)]
        witness: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of a log, or URL below which one is served [default: the log in the data folder]
    #[arg(value_name = "LOG")]
    pub(crate) log: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Admin key of the console at a URL, to be shown entries: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "REFERENCE", requires = "log")]
    pub(crate) admin_key: Option<String>,
    /// PEM file of the authorities to trust at a URL, instead of those of the system
    #[arg(long, value_name = "FILE", requires = "log")]
    pub(crate) ca: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
    pub(crate) format: DocumentFormat,
}

/// Whose signature counts.
#[derive(Debug, Args, Clone)]
pub(crate) struct TrustArgs {
    /// Public key of the log [default: the one in its folder, which proves nothing about who wrote it]
    #[arg(long, value_name = "VKEY", conflicts_with = "trust")]
    pub(crate) key: Option<String>,
    /// File that names logs, witnesses and a quorum, as C2SP's tlog-policy has it
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Option<PathBuf>,
}
