//! `bartizan completions`: a script that teaches a shell the commands.

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs};

pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    clap_complete::generate(args.shell, &mut Cli::command(), "bartizan", &mut std::io::stdout());
    ExitCode::SUCCESS
}
