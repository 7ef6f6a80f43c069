//! `bartizan man`: the manual page.

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::Cli;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
