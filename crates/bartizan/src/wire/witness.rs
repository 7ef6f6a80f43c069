//! Witnesses: those who are asked to sign this log, and this process as the one who signs others.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bartizan_console::{LogWitness, WitnessAnswer};
use bartizan_core::settings;
use bartizan_ledger::note::VerifyingKey;
use bartizan_ledger::witness::{Submission, Witness, WitnessError, forget};
use bartizan_relay::Witnesses;

use crate::format::{chain, usage};

/// Folder of what was signed of other logs, inside of the folder for data.
pub(crate) const FOLDER: &str = "witness";

/// Those who are asked to sign the log in the folder `log`; none where the policy names nobody.
pub(crate) fn ask(
    log: &Path,
    witnesses: &[settings::Witness],
) -> anyhow::Result<Option<Witnesses>> {
    if witnesses.is_empty() {
        // What others signed once must not stand for the log from now on.
        forget(log)?;
        return Ok(None);
    }
    let asked = Witnesses::open(log, witnesses)?;
    tracing::info!(witnesses = witnesses.len(), "checkpoints are shown to witnesses");
    Ok(Some(asked))
}

/// The witness of other logs; none where the policy names no log.
pub(crate) fn open(
    data_dir: &Path,
    logs: &[String],
) -> anyhow::Result<Option<Arc<dyn LogWitness>>> {
    if logs.is_empty() {
        return Ok(None);
    }
    let keys = logs.iter().map(|key| {
        key.parse::<VerifyingKey>().map_err(|error| {
            usage(
                format!("`ledger.witness-for`: `{key}`: {error}"),
                "write what `bartizan audit key` prints where the log is",
            )
        })
    });
    let keys = keys.collect::<anyhow::Result<Vec<_>>>()?;
    let count = keys.len();
    let witness = Witness::open(&data_dir.join(FOLDER), keys).context("no witness can be had")?;
    tracing::info!(logs = count, key = %witness.key(), "checkpoints of other logs are signed");
    Ok(Some(Arc::new(Signs(witness))))
}

struct Signs(Witness);

impl LogWitness for Signs {
    fn add_checkpoint(&self, submission: &str) -> WitnessAnswer {
        let Ok(submission) = submission.parse::<Submission>() else {
            return WitnessAnswer::Refused(400, "the submission is malformed".to_owned());
        };
        let now = bartizan_core::time::now().as_second().unsigned_abs();
        match self.0.sign(&submission, now) {
            Ok(lines) => WitnessAnswer::Signed(lines),
            Err(error) => {
                let origin = submission.checkpoint.text().lines().next().unwrap_or_default();
                let why = chain(&error);
                if let WitnessError::Memory { .. } = error {
                    tracing::error!(log = origin, why, "the witness cannot remember what it signs");
                } else {
                    tracing::info!(log = origin, why, "a checkpoint was not signed");
                }
                match error.size() {
                    Some(size) => WitnessAnswer::Elsewhere(size),
                    // What is on this machine's disk is nobody's business elsewhere.
                    None => WitnessAnswer::Refused(error.status(), error.to_string()),
                }
            }
        }
    }
}
