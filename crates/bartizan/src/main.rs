//! The `bartizan` command: reads the command line and hands over to one command.

mod cli;
mod commands;
mod format;
mod logging;
mod output;
mod progress;
mod spans;
mod terminal;
mod usage;
mod wire;

use std::process::ExitCode;

use crate::cli::Command;
use crate::terminal::Terminal;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let terminal = Terminal::of(&cli.everywhere);
    logging::start(&cli.everywhere, terminal);
    let result = match cli.command {
        Command::Up(args) => commands::up::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Check(args) => commands::check::run(&args, terminal),
        Command::Decrypt(args) => commands::decrypt::run(&args, terminal),
        Command::Eval(args) => commands::eval::run(&args, terminal),
        Command::Train(args) => commands::train::run(&args, terminal),
        Command::Events(args) => commands::events::run(&args, terminal),
        Command::Query(args) => commands::query::run(&args, terminal),
        Command::Audit(args) => commands::audit::run(&args, terminal),
        Command::Account(args) => commands::account::run(&args),
        Command::Inference(args) => commands::inference::run(&args, terminal),
        Command::Key(args) => commands::key::run(&args),
        Command::Secret(args) => commands::secret::run(&args, terminal),
        Command::Change(args) => commands::change::run(&args, terminal),
        Command::Policy(args) => commands::policy::run(&args, terminal),
        Command::Config(args) => commands::config::run(&args, terminal),
        Command::Doctor(args) => commands::doctor::run(&args, terminal),
        Command::Explain(args) => commands::explain::run(&args, terminal),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Reference { page } => commands::reference::run(page),
    };
    match result {
        Ok(code) => code,
        Err(error) => format::report(&error, terminal),
    }
}
