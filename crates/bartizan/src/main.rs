//! The `bartizan` command: reads the command line and hands over to one command.

mod cli;
mod commands;
mod format;
mod logging;
mod spans;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.verbose, cli.quiet, cli.log_json);
    let result = match cli.command {
        Command::Up(args) => commands::up::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Events(args) => commands::events::run(&args),
        Command::Key(args) => commands::key::run(&args),
        Command::Config(args) => commands::config::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man => commands::man::run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => format::report(&error),
    }
}
