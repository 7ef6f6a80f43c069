//! Output that all commands share: errors, exit codes, JSON.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::event::RecordError;
use bartizan_core::{Class, Coded};
use bartizan_gateway::{BuildError, ServerError};
use bartizan_guard::GuardError;
use bartizan_ledger::LedgerError;
use bartizan_policy::PolicyError;
use bartizan_store::StoreError;

/// What to do about a guardrail that cannot be enforced.
pub(crate) const GUARDRAIL_HELP: &str = "change `detect`, `on` or the patterns of the guardrail; \
    `bartizan explain` lists the detectors, and each says what it cannot do";

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
    match help(error) {
        Some(help) => writeln!(stderr, "help: {help}"),
        None => Ok(()),
    }
}

fn help(error: &anyhow::Error) -> Option<&str> {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return Some(&usage.help);
    }
    let is_guardrail = error.chain().any(<dyn std::error::Error>::is::<GuardError>);
    is_guardrail.then_some(GUARDRAIL_HELP)
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(": ");
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    shown
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
            .or_else(|| cause.downcast_ref::<GuardError>().map(|_| Class::Usage))
            .or_else(|| cause.downcast_ref::<RecordError>().map(|_| Class::Unavailable))
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
