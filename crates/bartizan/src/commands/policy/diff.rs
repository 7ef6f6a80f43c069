//! `bartizan policy diff`: two policies, and what each makes of the requests in the event log.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use bartizan_core::settings::Settings;
use bartizan_gateway::{Decided, Replay};
use clap::Args;
use serde_json::{Value, json};

use super::FAILED;
use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::policy;
use crate::wire::versions::Versions;

/// Requests that are named for each kind of change.
const NAMED: usize = 5;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan policy diff bartizan.yaml candidate.yaml --since 24h\n  bartizan policy diff 9df425e581fb bartizan.yaml --since 7d --format json"
)]
pub(super) struct DiffArgs {
    /// A policy file, or a version that `policy history` lists
    #[arg(value_name = "OLD")]
    old: String,
    /// Another one
    #[arg(value_name = "NEW")]
    new: String,
    /// How far back: 30s, 5m, 1h, 7d
    #[arg(long, default_value = "24h", value_name = "DURATION")]
    since: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = DocumentFormat::Human)]
    format: DocumentFormat,
    #[command(flatten)]
    output: OutputArgs,
}

/// Requests that come to something else.
#[derive(Debug, Default)]
struct Changed {
    count: u64,
    /// Ids of the first.
    requests: Vec<String>,
}

/// What the replay came to.
#[derive(Debug, Default)]
struct Diff {
    requests: u64,
    same: u64,
    /// By what the old policy makes of a request, and what the new one does.
    changed: BTreeMap<(Decided, Decided), Changed>,
    /// About endpoints that one of the policies does not have.
    unknown: u64,
    unreadable: u64,
}

impl Diff {
    fn count(&self, which: impl Fn(&Decided, &Decided) -> bool) -> u64 {
        let fits = self.changed.iter().filter(|((old, new), _)| which(old, new));
        fits.map(|(_, changed)| changed.count).sum()
    }

    fn newly_refused(&self) -> u64 {
        self.count(|old, new| old.is_answered() && !new.is_answered())
    }

    fn newly_answered(&self) -> u64 {
        self.count(|old, new| !old.is_answered() && new.is_answered())
    }
}

pub(super) fn run(
    args: &DiffArgs,
    policy_args: &PolicyArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(policy_args)?;
    let versions = Versions::new(&data.data_dir);
    let mut old = Replay::new(named(&args.old, &versions)?);
    let mut new = Replay::new(named(&args.new, &versions)?);
    let unknown_to_log = new.is_new(&old);
    let diff = replay(&data.data_dir, args, &mut old, &mut new)?;
    let mut out = Output::open(&args.output, terminal)?;
    match args.format {
        DocumentFormat::Human => human(&mut out, args, &diff, &unknown_to_log)?,
        DocumentFormat::Json => writeln!(out, "{}", document(args, &diff, &unknown_to_log))?,
    }
    out.finish()?;
    Ok(if diff.changed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// A policy by its file, or by its version.
fn named(name: &str, versions: &Versions) -> anyhow::Result<Settings> {
    let file = Path::new(name);
    if file.is_file() {
        return Ok(policy::load_file_to_try(file)?);
    }
    let Some(kept) = versions.get(name)? else {
        return Err(usage(
            format!("`{name}` is neither a policy file nor a version whose text is kept"),
            "`bartizan policy history` lists versions",
        ));
    };
    // Cedar files are read from a folder, so that they are laid into one.
    let folder = tempfile::tempdir()?;
    for (path, text) in &kept.cedar {
        let place = crate::wire::versions::Version::place(folder.path(), path);
        let place = place.ok_or_else(|| {
            usage(
                format!(
                    "version `{name}` has the Cedar file `{}`, which is not below its policy",
                    path.display()
                ),
                "compare files instead",
            )
        })?;
        std::fs::create_dir_all(place.parent().unwrap_or(folder.path()))?;
        std::fs::write(place, text)?;
    }
    Ok(policy::load_text_to_try(&kept.text, name, folder.path())?)
}

fn replay(
    data_dir: &Path,
    args: &DiffArgs,
    old: &mut Replay,
    new: &mut Replay,
) -> anyhow::Result<Diff> {
    let folder = data_dir.join(bartizan_ledger::FOLDER);
    if !folder.is_dir() {
        return Err(usage(
            format!("there is no event log in `{}`", folder.display()),
            "`bartizan up` makes one; `--data-dir` names another folder",
        ));
    }
    let mut diff = Diff::default();
    for event in bartizan_ledger::read(&folder, super::back(&args.since)?) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                diff.unreadable += 1;
                tracing::warn!(%error, "part of the log cannot be read");
                continue;
            }
        };
        if event.area != "gateway" || event.principal.is_none() || event.endpoint.is_none() {
            continue;
        }
        diff.requests += 1;
        match (old.decide(&event), new.decide(&event)) {
            (Some(before), Some(after)) if before == after => diff.same += 1,
            (Some(before), Some(after)) => {
                let changed = diff.changed.entry((before, after)).or_default();
                changed.count += 1;
                if changed.requests.len() < NAMED {
                    changed.requests.push(event.request_id.to_string());
                }
            }
            _ => diff.unknown += 1,
        }
    }
    Ok(diff)
}

fn human(
    out: &mut Output,
    args: &DiffArgs,
    diff: &Diff,
    unknown_to_log: &[String],
) -> std::io::Result<()> {
    let paint = out.paint();
    writeln!(
        out,
        "{} requests in {}: {} newly refused, {} newly answered, {} decided otherwise, {} the same",
        diff.requests,
        args.since,
        diff.newly_refused(),
        diff.newly_answered(),
        diff.count(|old, new| old.is_answered() == new.is_answered()),
        diff.same,
    )?;
    for ((old, new), changed) in &diff.changed {
        let line = format!("{:>8}  {old} -> {new}", changed.count);
        let line = printable(&line);
        let line = if new.is_answered() { line.into_owned() } else { paint.caution(&line) };
        writeln!(out, "{line}  ({})", changed.requests.join(", "))?;
    }
    if diff.unknown > 0 {
        writeln!(
            out,
            "not replayed: {} requests to endpoints that one of the policies does not have",
            diff.unknown
        )?;
    }
    for place in unknown_to_log {
        writeln!(
            out,
            "not replayed: what {place} would find; the log has only what OLD looks for"
        )?;
    }
    Ok(())
}

fn document(args: &DiffArgs, diff: &Diff, unknown_to_log: &[String]) -> Value {
    let changed: Vec<Value> = diff
        .changed
        .iter()
        .map(|((old, new), changed)| {
            json!({
                "old": old.to_string(),
                "new": new.to_string(),
                "requests": changed.count,
                "first": changed.requests,
            })
        })
        .collect();
    json!({
        "schema": "bartizan.policy-diff/v1",
        "old": args.old,
        "new": args.new,
        "since": args.since,
        "requests": diff.requests,
        "same": diff.same,
        "newly_refused": diff.newly_refused(),
        "newly_answered": diff.newly_answered(),
        "changed": changed,
        "endpoints_unknown": diff.unknown,
        "guardrails_not_replayed": unknown_to_log,
        "unreadable": diff.unreadable,
    })
}
