//! `bartizan policy prove`: the properties under `proofs:`, proved or refuted.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::Name;
use bartizan_core::limits::{POLICY_BYTES, read_text_file};
use bartizan_core::settings::{Property, Settings};
use bartizan_core::time;
use bartizan_policy::{Companions, Counterexample, Proof};
use serde_json::{Value, json};

use super::FAILED;
use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Paint, Terminal};
use crate::wire::{policy, state};

/// Exit code when it is not known whether a property holds.
const INCOMPLETE: u8 = 3;

pub(super) fn run(
    args: &PolicyArgs,
    format: DocumentFormat,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let loaded = policy::load_to_try(args)?;
    let settings = &loaded.settings;
    if settings.properties.is_empty() {
        // Nothing was proved, which must not look like success.
        return Err(usage(
            format!("{} has no proofs", loaded.origin),
            "add some, such as `proofs: [{ id: p-staff, endpoint: NAME, only: [staff] }]`",
        ));
    }
    let cedar = cedar_files(loaded.file.as_deref())?;
    let others = others(settings)?;
    let now = time::now();
    // A solver is another program.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let proved: Vec<(&Property, Proof)> = settings
        .properties
        .iter()
        .map(|property| {
            let proof = bartizan_policy::prove(settings, property, &cedar, now);
            (property, runtime.block_on(proof))
        })
        .collect();
    let count = |is: fn(&Proof) -> bool| proved.iter().filter(|(_, proof)| is(proof)).count();
    let failed = count(|proof| matches!(proof, Proof::Fails(_)));
    let unknown = count(|proof| matches!(proof, Proof::Unknown { .. }));
    // What was proved is not about them, though a promise about all endpoints may look as if it were.
    let is_partial = !others.is_empty();
    let mut out = Output::open(output, terminal)?;
    match format {
        DocumentFormat::Human => {
            let paint = out.paint();
            for (property, proof) in &proved {
                for line in lines(property, proof, paint) {
                    writeln!(out, "{line}")?;
                }
            }
            let noun = if proved.len() == 1 { "proof" } else { "proofs" };
            writeln!(out, "{} {noun}, {failed} failed, {unknown} unknown", proved.len())?;
            if is_partial {
                writeln!(
                    out,
                    "not looked at: endpoints of the admin API ({}); a promise about all endpoints says nothing of them",
                    others.join(", ")
                )?;
            }
        }
        DocumentFormat::Json => {
            let proofs = proved.iter().map(|(property, proof)| document(property, proof));
            let document = json!({
                "schema": "bartizan.policy-proofs/v1",
                "policy": loaded.origin,
                "version": settings.version,
                "failed": failed,
                "unknown": unknown,
                "not_looked_at": others,
                "proofs": proofs.collect::<Vec<_>>(),
            });
            writeln!(out, "{document}")?;
        }
    }
    out.finish()?;
    Ok(match (failed, unknown > 0 || is_partial) {
        (0, false) => ExitCode::SUCCESS,
        (0, true) => ExitCode::from(INCOMPLETE),
        _ => ExitCode::from(FAILED),
    })
}

/// Endpoints of the admin API in the data folder, which the policy file does not have. A database that several gateways
/// share is not asked: its credentials need not be at hand.
fn others(settings: &Settings) -> anyhow::Result<Vec<String>> {
    if settings.shared.postgres.is_some() {
        return Ok(vec!["those in `state.postgres`".to_owned()]);
    }
    if !state::has_store(&settings.data_dir) {
        return Ok(Vec::new());
    }
    let store = state::existing_store(&settings.data_dir, &settings.shared)?;
    Ok(store.list_endpoints()?.into_iter().map(|endpoint| endpoint.name).collect())
}

/// Texts of the Cedar files of a policy file, in the order in which it names them.
fn cedar_files(file: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let text = read_text_file(file, POLICY_BYTES)
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let files = Companions::of(&text, folder).cedar().context("cannot read a Cedar file")?;
    Ok(files.into_iter().map(|(_, text)| text).collect())
}

fn lines(property: &Property, proof: &Proof, paint: Paint) -> Vec<String> {
    let place = property.line.map(|line| format!("line {line}  ")).unwrap_or_default();
    let id = &property.id;
    match proof {
        Proof::Holds(means) => {
            vec![format!("{}  {place}{id}: holds, by {}", paint.good("ok  "), means.name())]
        }
        Proof::Fails(found) => vec![
            format!("{}  {place}{id}: does not hold", paint.bad("FAIL")),
            format!("      {}", said(found)),
        ],
        Proof::Unknown { reason, help } => vec![
            format!("{}  {place}{id}: not known", paint.bad("?   ")),
            format!("      {reason}"),
            format!("      help: {help}"),
        ],
    }
}

/// A counterexample in words.
fn said(found: &Counterexample) -> String {
    match found {
        Counterexample::Call { caller, endpoint, operation, model, at, ruling } => {
            let groups: Vec<&str> = caller.groups.iter().map(Name::as_str).collect();
            let groups = match groups.as_slice() {
                [] => "in no group".to_owned(),
                [one] => format!("in the group {one}"),
                several => format!("in the groups {}", several.join(", ")),
            };
            let may = if ruling.is_allowed { "may" } else { "may not" };
            let model = match model.as_str() {
                "" => String::new(),
                model => format!(" with the model {model:?}"),
            };
            let rule = match &ruling.rule {
                Some(rule) => format!(", by `{rule}`"),
                None => String::new(),
            };
            let (who, at) = (caller.qualified(), time::format(*at));
            format!("{who:?}, {groups}, {may} call {endpoint} ({operation}{model}, at {at}){rule}")
        }
        Counterexample::Unguarded { endpoint, channel, detector, why } => {
            format!("{endpoint} on {}: {detector}: {why}", channel.name())
        }
    }
}

fn document(property: &Property, proof: &Proof) -> Value {
    let id = property.id.as_str();
    let line = property.line;
    match proof {
        Proof::Holds(means) => {
            json!({ "id": id, "line": line, "proof": "holds", "by": means.name() })
        }
        Proof::Fails(found) => {
            let counterexample = match found {
                Counterexample::Call { caller, endpoint, operation, model, at, ruling } => json!({
                    "as": caller.qualified(),
                    "groups": caller.groups,
                    "endpoint": endpoint,
                    "operation": operation,
                    "model": model,
                    "at": time::format(*at),
                    "allowed": ruling.is_allowed,
                    "rule": ruling.rule,
                }),
                Counterexample::Unguarded { endpoint, channel, detector, why } => json!({
                    "endpoint": endpoint,
                    "channel": channel.name(),
                    "detector": detector,
                    "why": why,
                }),
            };
            json!({ "id": id, "line": line, "proof": "fails", "counterexample": counterexample })
        }
        Proof::Unknown { reason, help } => {
            json!({ "id": id, "line": line, "proof": "unknown", "reason": reason, "help": help })
        }
    }
}
