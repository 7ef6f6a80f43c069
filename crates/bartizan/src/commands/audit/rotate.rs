//! `bartizan audit rotate-key`: another key signs the log, and the log says so itself.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use bartizan_ledger::{EventLogWriter, LedgerError, Retired};
use bartizan_policy::DataSettings;

use crate::format::usage;

/// Begins to change the key of the log in the folder, or ends that.
pub(super) fn run(data: &DataSettings, folder: &Path, finish: bool) -> anyhow::Result<ExitCode> {
    // The keys are in the memory of whoever writes the log.
    let log = EventLogWriter::open(folder, data.ledger).map_err(|error| match error {
        LedgerError::Locked { path } => usage(
            format!(
                "the key of `{}` cannot be changed: another process writes the log",
                path.display()
            ),
            "stop `bartizan up`, change the key, and start it again",
        ),
        error => error.into(),
    })?;
    let mut out = std::io::stdout().lock();
    if finish {
        let Retired { key, next, proof } = log.retire_key()?;
        writeln!(out, "{next}")?;
        tracing::info!(
            %key,
            proof = %proof.display(),
            "the old key signs nothing any more; the proof shows that to whoever knows it alone"
        );
        return Ok(ExitCode::SUCCESS);
    }
    let key = log.add_key()?;
    writeln!(out, "{key}")?;
    tracing::info!(
        "both keys sign from now on: give the new one to witnesses and to those who verify, back up \
         `signing.key`, then `bartizan audit rotate-key --finish`"
    );
    Ok(ExitCode::SUCCESS)
}
