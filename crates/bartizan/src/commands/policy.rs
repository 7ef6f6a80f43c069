//! `bartizan policy`: what a policy decides, tried and explained before it is in force.

mod cedar;
mod check;
mod diff;
mod explain;
mod found;
mod history;
mod prove;
mod test;

use std::process::ExitCode;

use bartizan_core::settings::Settings;
use bartizan_core::time::{self, Timestamp};
use bartizan_gateway::Trial;
use clap::{Args, Subcommand};

use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::format::usage;
use crate::terminal::Terminal;
use crate::wire::models;

/// Exit code when the policy does not do what is asked of it.
const FAILED: u8 = 1;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan policy test\n  bartizan policy explain --as alice@example.com --endpoint protected-llm --prompt 'mail bob@example.com'"
)]
pub(crate) struct PolicyCommandArgs {
    #[command(subcommand)]
    command: PolicyCommand,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Look for rules that are valid and do nothing
    ///
    /// Rules that another one leaves nothing to do, limits that nobody can reach, groups, providers and prices that
    /// nothing uses, endpoints that nobody may call. Exit code 1 when there is one.
    Check {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Try the requests under `tests:` and compare
    ///
    /// Each request goes the way of a real one, guards and limits included, to a model whose answer the test gives.
    /// Nothing is sent and nothing is recorded. Exit code 1 when one comes to something else.
    Test {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Prove what the policy promises under `proofs:`, for every request there can be
    ///
    /// Who may call what, and what is looked for where. Shows a request for which a promise does not hold. With Cedar
    /// files, the solver `cvc5` is asked: on the PATH, or where CVC5 says. Exit code 1 when a promise does not hold, 3
    /// when nobody knows.
    Prove {
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Say what would become of a request, by which rule, and why
    ///
    /// Exit code 1 when it would be refused.
    Explain(explain::ExplainArgs),
    /// Compare two policies by what each makes of the requests in the event log
    ///
    /// Access and limits are decided anew. The log has no texts, so guardrails are asked about what was found then. Who
    /// was in a group by a token counts as being in no group. Exit code 1 when anything is decided otherwise.
    Diff(diff::DiffArgs),
    /// List the versions that were in force, from the event log
    History {
        /// How far back: 30s, 5m, 1h, 7d
        #[arg(long, default_value = "90d", value_name = "DURATION")]
        since: String,
        /// Output format
        #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
        format: DocumentFormat,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Write a version that was in force into the policy file again
    ///
    /// With its Cedar files. A running `bartizan up` takes it within a second, as any change of the file, and the event
    /// log says so.
    Rollback {
        /// Which version [default: the one before the last]
        #[arg(value_name = "VERSION")]
        to: Option<String>,
    },
    /// Print who may call what as Cedar: the lists of the policy
    Cedar {
        /// Print what Cedar files of the policy may speak of
        #[arg(long)]
        schema: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
}

pub(crate) fn run(args: &PolicyCommandArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    match &args.command {
        PolicyCommand::Check { format, output } => {
            check::run(&args.policy, *format, output, terminal)
        }
        PolicyCommand::Test { format, output } => {
            test::run(&args.policy, *format, output, terminal)
        }
        PolicyCommand::Prove { format, output } => {
            prove::run(&args.policy, *format, output, terminal)
        }
        PolicyCommand::Explain(explain) => explain::run(explain, &args.policy, terminal),
        PolicyCommand::Diff(diff) => diff::run(diff, &args.policy, terminal),
        PolicyCommand::History { since, format, output } => {
            history::list(&args.policy, since, *format, output, terminal)
        }
        PolicyCommand::Rollback { to } => history::rollback(&args.policy, to.as_deref(), terminal),
        PolicyCommand::Cedar { schema, output } => {
            cedar::run(*schema, &args.policy, output, terminal)
        }
    }
}

/// A policy to try, with the models that it names.
fn trial(settings: &Settings) -> anyhow::Result<Trial> {
    let models = models::load(settings)?;
    Ok(Trial::new(settings.clone(), &models)?)
}

/// The moment that lies so far back; none where that is before all times.
fn back(since: &str) -> anyhow::Result<Option<Timestamp>> {
    let back = time::parse_duration(since)
        .map_err(|message| usage(message, "for example `--since 24h`"))?;
    Ok(time::now().checked_sub(back).ok())
}

/// Runs what waits for nothing outside of this process.
fn block_on<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(future))
}
