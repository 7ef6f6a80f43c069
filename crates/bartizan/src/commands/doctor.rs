//! `bartizan doctor`: what would keep Bartizan from running, each line with its fix.

mod folder;
mod keys;
mod machine;
mod network;
mod sinks;

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::settings::Settings;
use bartizan_gateway::Snapshot;
use serde::Serialize;

use super::config::{ended_exceptions, notes};
use crate::cli::{DoctorArgs, Format};
use crate::format::{GUARDRAIL_HELP, chain};
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::{models, policy};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Line {
    check: String,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Line {
    fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), state: State::Ok, found: found.into(), fix: None }
    }

    fn warn(check: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        let (check, found) = (check.into(), found.into());
        Self { check, state: State::Warn, found, fix: Some(fix.into()) }
    }

    fn fail(check: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(check, found, fix) }
    }
}

pub(crate) fn run(args: &DoctorArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    match policy::load(&args.policy) {
        Ok(loaded) => {
            lines.push(Line::ok("policy", format!("{}: valid", loaded.origin)));
            lines.extend(loaded.file.as_deref().and_then(folder::credentials));
            examine(&loaded.settings, args.offline, &mut lines);
        }
        Err(error) => lines.push(Line::fail(
            "policy",
            chain(error.as_ref()),
            "run `bartizan config check` to see the place in the file",
        )),
    }
    lines.push(machine::open_files());
    let worst = lines.iter().map(|line| line.state).max().unwrap_or(State::Ok);
    print(&lines, args, terminal)?;
    Ok(if worst == State::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn examine(settings: &Settings, offline: bool, lines: &mut Vec<Line>) {
    lines.push(guardrails(settings));
    lines.extend(models_of(settings));
    lines.extend(exceptions(settings));
    let folder = settings.data_dir.as_path();
    // Rights first: opening the store mends those of its file.
    lines.extend(folder::all(folder, settings.ledger.total_bytes));
    lines.extend(keys::all(folder, &settings.shared));
    lines.push(machine::clock(folder));
    lines.extend(network::ports(&settings.listen, folder));
    lines.push(network::certificates());
    lines.extend(network::providers(&settings.providers, offline));
    lines.extend(sinks::all(settings));
}

/// What to do about a model that cannot be loaded.
const MODEL_HELP: &str = "the line of the model says what to do";

/// Each model of the policy, run once.
fn models_of(settings: &Settings) -> Vec<Line> {
    let line = |measured: models::Measured| {
        let check = format!("model {}", measured.name);
        match (measured.found, measured.fix) {
            (Ok(found), None) => Line::ok(check, found),
            (Ok(found), Some(fix)) => Line::warn(check, found, fix),
            (Err(found), fix) => Line::fail(check, found, fix.unwrap_or_default()),
        }
    };
    models::measure(settings).into_iter().map(line).collect()
}

fn guardrails(settings: &Settings) -> Line {
    let models = match models::load(settings) {
        Ok(models) => models,
        Err(error) => return Line::fail("guardrails", chain(error.as_ref()), MODEL_HELP),
    };
    if let Err(error) = Snapshot::build(settings.clone(), &models) {
        return Line::fail("guardrails", chain(&error), GUARDRAIL_HELP);
    }
    match notes(settings).as_slice() {
        [] => Line::ok("guardrails", "all can be enforced"),
        [note] => Line::ok("guardrails", format!("all can be enforced; {note}")),
        [note, rest @ ..] => Line::ok(
            "guardrails",
            format!(
                "all can be enforced; {note} (and {} more, see `bartizan config check`)",
                rest.len()
            ),
        ),
    }
}

/// Exceptions that have ended: they do nothing, and somebody may still count on them.
fn exceptions(settings: &Settings) -> Option<Line> {
    let ended = ended_exceptions(settings);
    let (first, rest) = ended.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
    let fix = "remove it from the policy, or set `expires` to a later day";
    Some(Line::warn("exceptions", format!("{first}{more}"), fix))
}

fn print(lines: &[Line], args: &DoctorArgs, terminal: Terminal) -> anyhow::Result<()> {
    let mut out = Output::open(&args.output, terminal)?;
    let paint = out.paint();
    match args.format {
        Format::Json => {
            let document = serde_json::json!({ "schema": "bartizan.doctor/v1", "checks": lines });
            writeln!(out, "{document}")?;
        }
        Format::Jsonl => {
            for line in lines {
                writeln!(out, "{}", serde_json::to_string(line)?)?;
            }
        }
        Format::Human => {
            for line in lines {
                let state = match line.state {
                    State::Ok => paint.good("ok  "),
                    State::Warn => paint.caution("warn"),
                    State::Fail => paint.bad("fail"),
                };
                writeln!(out, "{state}  {:22} {}", line.check, printable(&line.found))?;
                if let Some(fix) = &line.fix {
                    writeln!(out, "      {:22} {} {}", "", paint.hint("fix:"), printable(fix))?;
                }
            }
        }
    }
    out.finish()?;
    Ok(())
}
