//! Output that all commands share: errors, exit codes, JSON.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::{Class, Coded};
use bartizan_gateway::{BuildError, ServerError};
use bartizan_ledger::LedgerError;
use bartizan_policy::PolicyError;
use bartizan_store::StoreError;

/// A mistake in how a command was called; `help` says what to do.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    help: String,
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}

/// An error of usage with a line of help.
pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
    Usage { message: message.into(), help: help.into() }.into()
}

/// Prints an error and gives the exit code of its class.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        // Whoever read the output has seen enough.
        return ExitCode::SUCCESS;
    }
    let mut stderr = std::io::stderr().lock();
    // An error that cannot be printed has its exit code left.
    let _ = if let Some(policy) = error.downcast_ref::<PolicyError>() {
        writeln!(stderr, "{}", policy.render())
    } else {
        write_plain(&mut stderr, error)
    };
    ExitCode::from(class(error).exit_code())
}

fn write_plain(stderr: &mut impl std::io::Write, error: &anyhow::Error) -> std::io::Result<()> {
    writeln!(stderr, "error: {error}")?;
    for cause in error.chain().skip(1) {
        writeln!(stderr, "  caused by: {cause}")?;
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        writeln!(stderr, "help: {}", usage.help)?;
    }
    Ok(())
}

fn class(error: &anyhow::Error) -> Class {
    for cause in error.chain() {
        if cause.is::<Usage>() {
            return Class::Usage;
        }
        let known = cause
            .downcast_ref::<PolicyError>()
            .map(Coded::class)
            .or_else(|| cause.downcast_ref::<StoreError>().map(Coded::class))
            .or_else(|| cause.downcast_ref::<LedgerError>().map(Coded::class))
            .or_else(|| cause.downcast_ref::<BuildError>().map(|_| Class::Usage))
            .or_else(|| cause.downcast_ref::<ServerError>().map(|_| Class::Unavailable));
        if let Some(class) = known {
            return class;
        }
    }
    // Files and addresses are the caller's to mend.
    if error.chain().any(<dyn std::error::Error>::is::<std::io::Error>) {
        Class::Usage
    } else {
        Class::Internal
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
