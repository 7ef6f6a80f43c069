//! What all commands share about errors: how they are said, and the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_console::AdminError;
use bartizan_core::event::RecordError;
use bartizan_core::{Class, Coded};
use bartizan_counters::CountersError;
use bartizan_gateway::{BuildError, ServerError};
use bartizan_guard::GuardError;
use bartizan_inference::InferenceError;
use bartizan_ledger::LedgerError;
use bartizan_policy::PolicyError;
use bartizan_relay::{FetchError, RelayError};
use bartizan_secrets::{KeyringError, SealError, SecretsError};
use bartizan_store::StoreError;

use crate::commands::explain::codes;
use crate::terminal::{Paint, Terminal, printable};
use crate::wire::sql;

/// What each exit code means; the same for every command and format.
pub(crate) const EXIT_CODES: [(u8, &str); 6] = [
    (0, "done; nothing found at or above `--fail-on`"),
    (1, "something was found or denied; a check of `doctor` failed"),
    (2, "usage or configuration"),
    (INCOMPLETE, "part of the input or of the log could not be read"),
    (4, "unreachable, or not authenticated; also a port that is taken"),
    (70, "a bug in Bartizan"),
];

/// Exit code when part of what was to be read could not be.
pub(crate) const INCOMPLETE: u8 = 3;

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
pub(crate) fn report(error: &anyhow::Error, terminal: Terminal) -> ExitCode {
    if is_broken_pipe(error) {
        // Whoever read the output has seen enough.
        return ExitCode::SUCCESS;
    }
    let said = match error.downcast_ref::<PolicyError>() {
        Some(policy) => policy.render(),
        None => plain(error),
    };
    print_error(&said, terminal.stderr());
    ExitCode::from(class(error).exit_code())
}

/// Prints lines that begin with `error:`, `help:` and the like on stderr.
pub(crate) fn print_error(said: &str, paint: Paint) {
    let mut stderr = std::io::stderr().lock();
    for line in said.lines() {
        let line = printable(line);
        let painted = match line.split_once(':') {
            Some((word @ "error", rest)) => paint.bad(&format!("{word}:")) + rest,
            Some((word @ ("help" | "note"), rest)) => paint.hint(&format!("{word}:")) + rest,
            _ => line.into_owned(),
        };
        // An error that cannot be printed has its exit code left.
        let _ = writeln!(stderr, "{painted}");
    }
}

/// An error with its causes and its help, one per line.
fn plain(error: &anyhow::Error) -> String {
    let causes = error.chain().skip(1).map(|cause| format!("  caused by: {cause}"));
    let help = help(error).map(|help| format!("help: {help}"));
    let lines = std::iter::once(format!("error: {error}")).chain(causes).chain(help);
    lines.collect::<Vec<_>>().join("\n")
}

fn help(error: &anyhow::Error) -> Option<&str> {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return Some(&usage.help);
    }
    if error.chain().any(<dyn std::error::Error>::is::<GuardError>) {
        return Some(GUARDRAIL_HELP);
    }
    let is_full = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        kind == Some(std::io::ErrorKind::StorageFull)
    };
    // Says more than where it was noticed.
    if error.chain().any(is_full) {
        return io_help(std::io::ErrorKind::StorageFull);
    }
    for cause in error.chain() {
        let fix = coded(cause).and_then(|(code, _)| codes::fix(code));
        if fix.is_some() {
            return fix;
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return io_help(error.kind());
        }
    }
    None
}

/// What to do about what the system says.
pub(crate) fn io_help(kind: std::io::ErrorKind) -> Option<&'static str> {
    use std::io::ErrorKind as Kind;
    Some(match kind {
        Kind::NotFound => "check the path: something in it does not exist",
        Kind::PermissionDenied => "give this user the right to it, or choose another path",
        Kind::IsADirectory => "name the files in it, for example with `DIR/*`",
        Kind::AddrInUse => {
            "stop what uses the port, or choose another with `--gateway` or `--console`, or \
             `listen` in the policy"
        }
        Kind::AddrNotAvailable => "use an address of this machine, such as 127.0.0.1",
        Kind::StorageFull => "make room on the disk",
        _ => return None,
    })
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
        let known = coded(cause)
            .map(|(_, class)| class)
            .or_else(|| cause.downcast_ref::<BuildError>().map(|_| Class::Usage))
            .or_else(|| cause.downcast_ref::<GuardError>().map(|_| Class::Usage))
            .or_else(|| cause.downcast_ref::<RecordError>().map(|_| Class::Unavailable))
            .or_else(|| cause.downcast_ref::<ServerError>().map(|_| Class::Unavailable));
        if let Some(class) = known {
            return class;
        }
    }
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    match io.map(std::io::Error::kind) {
        None => Class::Internal,
        Some(std::io::ErrorKind::AddrInUse) => Class::Unavailable,
        // Files and addresses are the caller's to mend.
        Some(_) => Class::Usage,
    }
}

/// Code and class of an error of any room that has them.
fn coded(cause: &(dyn std::error::Error + 'static)) -> Option<(&'static str, Class)> {
    fn of<E: Coded + std::error::Error + 'static>(
        cause: &(dyn std::error::Error + 'static),
    ) -> Option<(&'static str, Class)> {
        cause.downcast_ref::<E>().map(|error| (error.code(), error.class()))
    }
    of::<PolicyError>(cause)
        .or_else(|| of::<StoreError>(cause))
        .or_else(|| of::<CountersError>(cause))
        .or_else(|| of::<LedgerError>(cause))
        .or_else(|| of::<InferenceError>(cause))
        .or_else(|| sql::error(cause))
        .or_else(|| of::<RelayError>(cause))
        .or_else(|| of::<FetchError>(cause))
        .or_else(|| of::<SecretsError>(cause))
        .or_else(|| of::<KeyringError>(cause))
        .or_else(|| of::<SealError>(cause))
        .or_else(|| of::<AdminError>(cause))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
