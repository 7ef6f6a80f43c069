//! `bartizan policy cedar`: the lists of a policy in the words of Cedar, for its tools.

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::{OutputArgs, PolicyArgs};
use crate::output::Output;
use crate::terminal::Terminal;
use crate::wire::policy;

pub(super) fn run(
    schema: bool,
    args: &PolicyArgs,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let text = if schema {
        bartizan_policy::cedar_schema().to_owned()
    } else {
        bartizan_policy::as_cedar(&policy::load_to_try(args)?.settings)
    };
    let mut out = Output::open(output, terminal)?;
    write!(out, "{text}")?;
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}
