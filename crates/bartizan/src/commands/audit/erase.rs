//! `bartizan audit erase`: the name of one person or program, out of the log and of the state, and what they asked and
//! were answered.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bartizan_core::settings::Shared;
use bartizan_ledger::{is_in_use, subjects};
use bartizan_policy::DataSettings;

use crate::commands::key::open_log;
use crate::format::usage;
use crate::wire::state;

/// How long a running process may take to notice that keys are gone: it looks once a second.
const UNTIL_NOTICED: Duration = Duration::from_millis(1_500);

pub(super) fn run(
    data: &DataSettings,
    shared: &Shared,
    folder: &Path,
    name: &str,
) -> anyhow::Result<ExitCode> {
    // The keys first: whoever can still call gets a new pseudonym, and a name with it.
    let store = state::existing_store(&data.data_dir, shared)?;
    let keys = store.forget(name)?;
    let is_running = is_in_use(folder);
    if is_running && keys > 0 {
        std::thread::sleep(UNTIL_NOTICED);
    }
    // Before the name is gone: where this fails, the same command does it again.
    let texts = data.data_dir.join(bartizan_inference::FOLDER);
    let payloads = if texts.is_dir() { bartizan_inference::erase(&texts, name)? } else { 0 };
    let ids = subjects::erase(folder, name, keys > 0 || payloads > 0)?;
    if ids.is_empty() {
        return Err(usage(
            format!("nobody in the log is named `{name}`"),
            "`bartizan events` shows names as they are matched, letter by letter",
        ));
    }
    // Whoever opens the log writes the entry about it; a running process does so by itself.
    if !is_running {
        drop(open_log(data)?);
    }
    let mut out = std::io::stdout().lock();
    for id in ids {
        writeln!(out, "entries name {id} from now on")?;
    }
    if keys > 0 {
        writeln!(out, "keys removed: {keys}")?;
    }
    if payloads > 0 {
        writeln!(out, "what was asked and answered: nobody can open it any more")?;
    }
    for key in store.list_keys()? {
        if key.note.is_some_and(|note| note.contains(name)) {
            tracing::warn!(
                id = key.id,
                "the note of another key has this name; revoke it and make one without"
            );
        }
    }
    tracing::warn!(
        "not reached from here: backups of the data folder, what was exported, what sinks have got, traces, and the logs of processes"
    );
    Ok(ExitCode::SUCCESS)
}
