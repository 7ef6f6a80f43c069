//! What `bartizan account` takes.

use bartizan_core::access::Scope;
use bartizan_core::settings::OidcLogin;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::{DocumentFormat, PolicyArgs};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan account add alice@example.com --scope operator\n  bartizan account reset alice@example.com"
)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    pub(crate) command: AccountCommand,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account and print the link with which its person chooses a password
    ///
    /// The link is good for an hour, once. Whoever has it can make the account theirs: send it on a way that only the
    /// person reads.
    #[command(
        after_help = "Examples:\n  bartizan account add alice@example.com\n  bartizan account add bob@example.com --scope admin"
    )]
    Add {
        /// Name of the person, such as `alice@example.com`
        name: String,
        /// What they may do at the console: everything, change endpoints and client keys, see all, see endpoints
        #[arg(
            long,
            default_value = Scope::Viewer.name(),
            value_parser = PossibleValuesParser::new(OidcLogin::SCOPES.map(Scope::name))
        )]
        scope: String,
    },
    /// List accounts: name, scope, state, last login
    #[command(
        after_help = "Examples:\n  bartizan account list\n  bartizan account list --format json"
    )]
    List {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
    },
    /// Take password and code away, end the sessions, and print a link for new ones
    ///
    /// For a person who lost their phone, forgot the password or is locked out, and for an account that somebody else
    /// may be using.
    #[command(
        after_help = "Examples:\n  bartizan account list\n  bartizan account reset alice@example.com"
    )]
    Reset {
        /// Name of the account
        name: String,
    },
    /// Remove an account and end its sessions
    #[command(
        after_help = "Examples:\n  bartizan account list\n  bartizan account remove alice@example.com"
    )]
    Remove {
        /// Name of the account
        name: String,
    },
}
