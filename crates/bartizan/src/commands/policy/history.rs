//! `bartizan policy history` and `rollback`: versions that were in force, from the event log.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::time::Timestamp;
use bartizan_ledger::LedgerError;
use bartizan_policy::Companions;
use serde_json::{Value, json};

use super::FAILED;
use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::format::usage;
use crate::output::Output;
use crate::terminal::Terminal;
use crate::wire::policy;
use crate::wire::versions::{LOADED, Version, Versions};

/// A version that came into force.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entered {
    /// In the form of event times.
    time: String,
    version: String,
}

/// What came into force since then, the oldest first; starts of the process with the version before are left
/// out.
fn entered(data_dir: &Path, since: Option<Timestamp>) -> anyhow::Result<Vec<Entered>> {
    let folder = data_dir.join(bartizan_ledger::FOLDER);
    let mut all: Vec<Entered> = Vec::new();
    for event in bartizan_ledger::read(&folder, since) {
        let event = match event {
            Ok(event) => event,
            Err(LedgerError::Folder { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                return Err(usage(
                    format!("there is no event log in `{}`", folder.display()),
                    "`bartizan up` makes one; `--data-dir` names another folder",
                ));
            }
            Err(error @ LedgerError::Folder { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "part of the log cannot be read");
                continue;
            }
        };
        if event.operation == LOADED && all.last().is_none_or(|last| last.version != event.policy) {
            all.push(Entered { time: event.time, version: event.policy });
        }
    }
    Ok(all)
}

pub(super) fn list(
    args: &PolicyArgs,
    since: &str,
    format: DocumentFormat,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(args)?;
    let all = entered(&data.data_dir, super::back(since)?)?;
    let versions = Versions::new(&data.data_dir);
    let mut out = Output::open(output, terminal)?;
    match format {
        DocumentFormat::Human => {
            for (number, Entered { time, version }) in all.iter().enumerate() {
                let kept = if versions.has(version) { "text kept" } else { "text not kept" };
                let last = if number + 1 == all.len() { ", the last" } else { "" };
                writeln!(out, "{time}  {version}  {kept}{last}")?;
            }
            if all.is_empty() {
                tracing::info!("no version came into force in that time");
            }
        }
        DocumentFormat::Json => {
            let list: Vec<Value> = all
                .iter()
                .map(|entered| {
                    json!({
                        "time": entered.time,
                        "version": entered.version,
                        "kept": versions.has(&entered.version),
                    })
                })
                .collect();
            let document = json!({ "schema": "bartizan.policy-history/v1", "versions": list });
            writeln!(out, "{document}")?;
        }
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn rollback(
    args: &PolicyArgs,
    version: Option<&str>,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let file = policy::find(args.config.as_deref())?.ok_or_else(|| {
        usage(
            "the policy is the embedded one, which has no file to write",
            "`--config` names the file",
        )
    })?;
    let data = policy::load_data(args)?;
    let all = entered(&data.data_dir, None)?;
    let last = all.last().map(|entered| entered.version.as_str());
    let before =
        all.iter().rev().map(|entered| entered.version.as_str()).find(|v| Some(*v) != last);
    let help = "`bartizan policy history` lists what was in force";
    let wanted = version
        .or(before)
        .ok_or_else(|| usage("the log knows of no version before the last", help))?;
    let kept = Versions::new(&data.data_dir).get(wanted)?;
    let kept =
        kept.ok_or_else(|| usage(format!("the text of version `{wanted}` is not kept"), help))?;
    put_back(&kept, &file, terminal)?;
    let mut out = Output::stdout(terminal);
    let folder = folder_of(&file);
    let found = policy::load_file_to_try(&file)?.version;
    if found == wanted {
        writeln!(out, "{} is version {wanted} again", file.display())?;
        out.finish()?;
        return Ok(ExitCode::SUCCESS);
    }
    // What the version had besides is not in it, or there is more now than there was.
    writeln!(out, "{} has the text of version {wanted}, and is version {found}", file.display())?;
    for (path, _) in Companions::of(&kept.text, folder).cedar()? {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        if kept.cedar.iter().all(|(known, _)| known != below) {
            writeln!(
                out,
                "  {} was not there; remove it, and it is {wanted} again",
                path.display()
            )?;
        }
    }
    out.finish()?;
    tracing::warn!(
        "endpoints of the admin API and files of members are part of a version and do not come back with it"
    );
    Ok(ExitCode::from(FAILED))
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Writes the files of a version. The policy comes last: it is what a running process looks at first, and what
/// names the others.
fn put_back(kept: &Version, file: &Path, terminal: Terminal) -> anyhow::Result<()> {
    let folder = folder_of(file);
    let mut files = Vec::new();
    for (path, text) in &kept.cedar {
        if let Some(place) = Version::place(folder, path) {
            files.push((place, text));
        } else {
            let file = path.display();
            tracing::warn!(%file, "a Cedar file outside of the policy's folder stays as it is");
        }
    }
    files.push((file.to_owned(), &kept.text));
    for (path, text) in files {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        let mut out = Output::open(&OutputArgs { output: Some(path) }, terminal)?;
        out.write_all(text.as_bytes())?;
        out.finish()?;
    }
    Ok(())
}
