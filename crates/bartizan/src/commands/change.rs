//! `bartizan change`: changes that wait for a second person, at the console of a running process.
//!
//! Never through the state itself: who approves is whoever holds the key, and the process decides whether that is
//! another person.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::redact::Secret;
use bartizan_relay::{FetchError, is_in_the_clear, tell};
use clap::{Args, Subcommand};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::cli::DocumentFormat;
use crate::commands::audit::key_of;
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Terminal, printable};

/// Exit code where the console says no.
const DENIED: u8 = 1;
/// Most bytes of an answer: a policy as text, and what is said about it.
const ANSWER_BYTES: usize = 16 << 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan change list\n  bartizan change approve 01a1fc2e-84b7-710d-b445-12d6e7cfbb3d --admin-key file:admin.key"
)]
pub(crate) struct ChangeArgs {
    #[command(subcommand)]
    command: ChangeCommand,
    /// Address of the console
    #[arg(long, default_value = "http://127.0.0.1:8081", value_name = "URL", global = true)]
    console: String,
    /// Key for the console, as `env:NAME` or `file:PATH`; whoever approves uses their own
    #[arg(long, default_value = "env:BARTIZAN_ADMIN_KEY", value_name = "REF", global = true)]
    admin_key: String,
    /// File of certificates in PEM to trust in place of the system's
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = DocumentFormat::Human, global = true)]
    format: DocumentFormat,
}

#[derive(Debug, Subcommand)]
enum ChangeCommand {
    /// List changes, the newest first
    List,
    /// Show a change, and what becomes weaker by it
    Show {
        /// Id of the change
        id: String,
    },
    /// Approve a change that another person asked for
    ///
    /// It is in force at once; the policy file within a second. Who changed a file is not known, so that two people have
    /// to approve that. Exit code 1 when the console says no.
    Approve {
        /// Id of the change
        id: String,
    },
    /// Reject a change
    Reject {
        /// Id of the change
        id: String,
    },
}

pub(crate) fn run(args: &ChangeArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let (method, path) = match &args.command {
        ChangeCommand::List => (Method::GET, String::new()),
        ChangeCommand::Show { id } => (Method::GET, format!("/{}", checked(id)?)),
        ChangeCommand::Approve { id } => (Method::POST, format!("/{}/approve", checked(id)?)),
        ChangeCommand::Reject { id } => (Method::POST, format!("/{}/reject", checked(id)?)),
    };
    let url = format!("{}/api/v1/changes{path}", args.console.trim_end_matches('/'));
    let (status, reply) = asked(method, &url, args.ca.as_deref(), &args.admin_key)?;
    let mut out = Output::stdout(terminal);
    if !status.is_success() {
        let said = |field: &str| {
            let text =
                reply.get("error").and_then(|error| error.get(field)).and_then(Value::as_str);
            printable(text.unwrap_or_default()).into_owned()
        };
        if status == StatusCode::UNAUTHORIZED {
            return Err(FetchError::KeyRefused { url, status: status.as_u16() }.into());
        }
        if status == StatusCode::FORBIDDEN {
            tracing::error!("{}; {}", said("message"), said("help"));
            return Ok(ExitCode::from(DENIED));
        }
        let message = match said("message") {
            text if text.is_empty() => format!("`{url}` was answered with status {status}"),
            text => text,
        };
        return Err(usage(message, said("help")));
    }
    match (args.format, &args.command) {
        (DocumentFormat::Json, _) => writeln!(out, "{reply}")?,
        (DocumentFormat::Human, ChangeCommand::List) => {
            for change in reply.get("changes").and_then(Value::as_array).into_iter().flatten() {
                line(&mut out, change)?;
            }
        }
        (DocumentFormat::Human, ChangeCommand::Show { .. }) => {
            line(&mut out, &reply)?;
            weaker(&mut out, &reply)?;
        }
        (DocumentFormat::Human, ChangeCommand::Approve { .. } | ChangeCommand::Reject { .. }) => {
            line(&mut out, &reply)?;
        }
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// An id as the console makes them; what is none could be another path.
fn checked(id: &str) -> anyhow::Result<&str> {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let wrong =
        || usage(format!("`{id}` is no id of a change"), "`bartizan change list` lists them");
    if is_id { Ok(id) } else { Err(wrong()) }
}

fn asked(
    method: Method,
    url: &str,
    ca: Option<&Path>,
    reference: &str,
) -> anyhow::Result<(StatusCode, Value)> {
    if is_in_the_clear(url) {
        return Err(usage(
            format!(
                "the key would go to `{url}` in the clear, where others on the way can read it"
            ),
            "use `https://`",
        ));
    }
    let key: Secret = key_of(reference)?;
    let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
    let mut value = value.map_err(|_| FetchError::Key)?;
    value.set_sensitive(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let headers = [(AUTHORIZATION, value)];
    let (status, body) = runtime.block_on(tell(method, url, ca, &headers, ANSWER_BYTES))?;
    let body = body.unwrap_or_default();
    let reply = serde_json::from_slice(&body).ok();
    if status.is_success() && reply.is_none() {
        return Err(usage(
            format!("`{url}` does not answer as a console of Bartizan"),
            "name the address of the console with `--console`",
        ));
    }
    Ok((status, reply.unwrap_or(Value::Null)))
}

fn line(out: &mut Output, change: &Value) -> std::io::Result<()> {
    let text = |field: &str| change.get(field).and_then(Value::as_str).unwrap_or("-");
    let missing = change.get("approvals_missing").and_then(Value::as_u64).unwrap_or_default();
    let needs = match missing {
        0 => text("decider").to_owned(),
        1 => format!("needs one more person, until {}", text("expires")),
        _ => format!("needs {missing} people, until {}", text("expires")),
    };
    let line = format!(
        "{}  {:8}  {} {}  by {}  {needs}",
        text("id"),
        text("state"),
        text("kind"),
        text("name"),
        text("proposer"),
    );
    writeln!(out, "{}", printable(&line))
}

fn weaker(out: &mut Output, change: &Value) -> std::io::Result<()> {
    for weakness in change.get("weaker").and_then(Value::as_array).into_iter().flatten() {
        let text = |field: &str| weakness.get(field).and_then(Value::as_str);
        let endpoint = text("endpoint").map(|name| format!("endpoint `{name}`: "));
        let line = format!(
            "  {}  {}{}",
            text("kind").unwrap_or_default(),
            endpoint.unwrap_or_default(),
            text("words").unwrap_or_default(),
        );
        writeln!(out, "{}", printable(&line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_path() {
        checked("01a1fc2e-84b7-710d-b445-12d6e7cfbb3d").unwrap();
        for wrong in ["", "../keys", "a/b", "01a1?x", "01a1%2f"] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
