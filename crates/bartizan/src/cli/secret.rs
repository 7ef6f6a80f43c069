//! The words of `bartizan secret`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DocumentFormat, PolicyArgs};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan secret set openai-key < key.txt\n  bartizan secret rotate openai-key --overlap 24h < new-key.txt\n  bartizan secret age --older-than 90d"
)]
pub(crate) struct SecretArgs {
    #[command(subcommand)]
    pub(crate) command: SecretCommand,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a value that the policy can refer to as `secret:NAME`
    ///
    /// Reads the value from standard input, or a file; a line break at its end is left out.
    #[command(
        after_help = "Examples:\n  bartizan secret set openai-key < key.txt\n  pass show openai | bartizan secret set openai-key --expires-in 90d"
    )]
    Set {
        /// Name: letters, digits, `.`, `_`, `-` and `/`
        name: String,
        #[command(flatten)]
        value: ValueArgs,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Give a secret another value
    ///
    /// A running process uses it within a second. The old value can be brought back while the overlap lasts.
    #[command(
        after_help = "Examples:\n  bartizan secret rotate openai-key < new-key.txt\n  bartizan secret rotate openai-key --overlap 0s < new-key.txt"
    )]
    Rotate {
        /// Name of the secret
        name: String,
        #[command(flatten)]
        value: ValueArgs,
        /// How long the old value is kept; `0s` forgets all earlier ones at once
        #[arg(long, default_value = "24h", value_name = "DURATION")]
        overlap: String,
    },
    /// Bring the value back that a secret had before
    #[command(after_help = "Examples:\n  bartizan secret rollback openai-key")]
    Rollback {
        /// Name of the secret
        name: String,
    },
    /// List secrets, without their values
    #[command(
        after_help = "Examples:\n  bartizan secret list\n  bartizan secret list --format json"
    )]
    List {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
    },
    /// Name secrets whose value is old, or about to expire
    ///
    /// Exit code 1 when there are any.
    #[command(
        after_help = "Examples:\n  bartizan secret age\n  bartizan secret age --older-than 30d --format json"
    )]
    Age {
        /// Age from which on a value is old
        #[arg(long, default_value = "90d", value_name = "DURATION")]
        older_than: String,
        /// Time before its end from which on a value is named
        #[arg(long, default_value = "14d", value_name = "DURATION")]
        expires_within: String,
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
    },
    /// Remove a secret, with its earlier values
    #[command(after_help = "Examples:\n  bartizan secret remove openai-key")]
    Remove {
        /// Name of the secret
        name: String,
    },
    /// Change the master key: make a new one, encrypt everything with it, forget old ones
    ///
    /// Without an option a new key is put before the others and everything is encrypted with it; where there is none, the
    /// first one is made. The old one still opens backups, until it is retired.
    #[command(
        after_help = "Examples:\n  bartizan secret master-key\n  bartizan secret master-key --retire 3f9c2a71"
    )]
    MasterKey {
        /// Forget this key, by its id
        #[arg(long, value_name = "ID")]
        retire: Option<String>,
        /// Only list the ids, the current one first
        #[arg(long, conflicts_with = "retire")]
        list: bool,
    },
}

/// Where a value comes from, and when it ends.
#[derive(Debug, Args)]
pub(crate) struct ValueArgs {
    /// File with the value [default: standard input]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// When it stops working: 12h, 30d [default: never]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires_in: Option<String>,
}
