//! `bartizan config`: the policy file checked, shown and described.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::settings::Settings;
use bartizan_core::time::{day_before, now};
use bartizan_gateway::Snapshot;
use serde_json::json;

use crate::cli::{ConfigArgs, ConfigCommand, DocumentFormat, OutputArgs, PolicyArgs};
use crate::commands::explain;
use crate::format::print_error;
use crate::output::Output;
use crate::terminal::Terminal;
use crate::wire::{inference, models, policy, tls};

pub(crate) fn run(args: &ConfigArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    match &args.command {
        ConfigCommand::Check { policy, format, output } => {
            check(policy, *format, output, terminal)?;
        }
        ConfigCommand::Show { policy, output } => {
            let loaded = policy::load(policy)?;
            let mut out = Output::open(output, terminal)?;
            for note in all_notes(&loaded.settings) {
                writeln!(out, "# note: {note}")?;
            }
            write!(out, "{}", bartizan_policy::show(&loaded.settings))?;
            out.finish()?;
        }
        ConfigCommand::Schema { output } => {
            let mut out = Output::open(output, terminal)?;
            writeln!(out, "{:#}", bartizan_policy::json_schema())?;
            out.finish()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(
    policy: &PolicyArgs,
    format: DocumentFormat,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<()> {
    let loaded = policy::load(policy)?;
    let endpoints: Vec<String> =
        loaded.settings.endpoints.keys().map(ToString::to_string).collect();
    let version = loaded.settings.version.clone();
    let notes = all_notes(&loaded.settings);
    // What cannot be enforced is an error here and not at the first request.
    if let Some(files) = &loaded.settings.listen.tls {
        tls::check(files)?;
    }
    inference::check(&loaded.settings)?;
    let models = models::load(&loaded.settings)?;
    Snapshot::build(loaded.settings, &models)?;
    let origin = loaded.origin;
    let mut out = Output::open(output, terminal)?;
    match format {
        DocumentFormat::Human => {
            let number = endpoints.len();
            let noun = if number == 1 { "endpoint" } else { "endpoints" };
            let valid = out.paint().good("valid");
            writeln!(out, "{origin}: {valid}, {number} {noun}, version {version}")?;
            if !terminal.quiet {
                for note in &notes {
                    print_error(&format!("note: {note}"), terminal.stderr());
                }
            }
        }
        DocumentFormat::Json => {
            let document = json!({
                "schema": "bartizan.config-check/v1",
                "policy": origin,
                "version": version,
                "endpoints": endpoints,
                "notes": notes,
            });
            writeln!(out, "{document}")?;
        }
    }
    out.finish()?;
    Ok(())
}

/// What is said of a policy that serves nobody.
pub(crate) const NO_ENDPOINTS: &str = "no endpoints: add one under `endpoints`";

/// What the policy leaves out, or names and this build does not do, which is no error.
pub(crate) fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if settings.endpoints.is_empty() {
        notes.push(NO_ENDPOINTS.to_owned());
    }
    for endpoint in settings.endpoints.values() {
        for rail in &endpoint.guardrails {
            let place = format!("endpoint `{}`, guardrail `{}`", endpoint.name, rail.id);
            notes.extend(explain::notes(rail).into_iter().map(|note| format!("{place}: {note}")));
        }
    }
    notes
}

/// As [`notes`], and what no longer counts.
fn all_notes(settings: &Settings) -> Vec<String> {
    let mut all = notes(settings);
    all.extend(ended_exceptions(settings));
    all
}

/// Exceptions of the policy that no longer count, by today.
pub(crate) fn ended_exceptions(settings: &Settings) -> Vec<String> {
    let now = Some(now());
    let mut notes = Vec::new();
    for endpoint in settings.endpoints.values() {
        for rail in &endpoint.guardrails {
            for exception in rail.exceptions.iter().filter(|exception| exception.is_over(now)) {
                let day = exception.until.map(day_before).unwrap_or_default();
                notes.push(format!(
                    "endpoint `{}`, guardrail `{}`: an exception ended on {day} and no longer counts: {}",
                    endpoint.name, rail.id, exception.reason
                ));
            }
        }
    }
    notes
}
