//! `bartizan policy check`: what is valid in a policy and does nothing.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::time::now;
use bartizan_gateway::Snapshot;
use serde_json::{Value, json};

use super::FAILED;
use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::{models, policy};

pub(super) fn run(
    args: &PolicyArgs,
    format: DocumentFormat,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let loaded = policy::load_to_try(args)?;
    let version = loaded.settings.version.clone();
    let lints = bartizan_policy::lints(&loaded.settings, now());
    let models = models::load(&loaded.settings)?;
    Snapshot::build(loaded.settings, &models)?;
    let mut out = Output::open(output, terminal)?;
    match format {
        DocumentFormat::Human => {
            let paint = out.paint();
            for lint in &lints {
                let id = paint.caution(lint.id);
                writeln!(out, "{id}  {}: {}", lint.at, printable(&lint.message))?;
            }
            let said = match lints.len() {
                0 => paint.good("valid, and every rule can apply"),
                1 => "valid, and 1 thing does nothing".to_owned(),
                more => format!("valid, and {more} things do nothing"),
            };
            writeln!(out, "{}: {said}, version {version}", loaded.origin)?;
        }
        DocumentFormat::Json => {
            let lints: Vec<Value> = lints
                .iter()
                .map(|lint| json!({ "id": lint.id, "at": lint.at, "message": lint.message }))
                .collect();
            let document = json!({
                "schema": "bartizan.policy-check/v1",
                "policy": loaded.origin,
                "version": version,
                "lints": lints,
            });
            writeln!(out, "{document}")?;
        }
    }
    out.finish()?;
    Ok(if lints.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
