//! `bartizan reference`: pages of `docs/reference` that come from the code.
//!
//! `cargo xtask generate` writes them, and compares them before every merge.

mod cli;
mod detectors;
mod errors;
mod events;

use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Page {
    /// Commands, options, exit codes
    Cli,
    /// Detectors
    Detectors,
    /// Error codes
    Errors,
    /// Fields of events
    Events,
}

pub(crate) fn run(page: Page) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match page {
        Page::Cli => cli::write(&mut text),
        Page::Detectors => detectors::write(&mut text),
        Page::Errors => errors::write(&mut text),
        Page::Events => events::write(&mut text),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Text as it may stand in the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
