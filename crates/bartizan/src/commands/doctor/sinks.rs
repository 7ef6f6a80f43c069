//! Sinks of the event log: whether they can be made, and how far each got.

use std::path::Path;

use bartizan_core::settings::{Settings, Sink};
use bartizan_ledger::serve;
use bartizan_relay::{Follower, Metrics};

use super::Line;
use crate::format::chain;

/// Entries that may wait without a word: a few seconds of a busy gateway.
const FEW: u64 = 10_000;

pub(super) fn all(settings: &Settings) -> Vec<Line> {
    let log = settings.data_dir.join(bartizan_ledger::FOLDER);
    let cursors = settings.data_dir.join(bartizan_relay::FOLDER);
    settings.sinks.iter().map(|sink| line(&log, &cursors, sink)).collect()
}

fn line(log: &Path, cursors: &Path, sink: &Sink) -> Line {
    let check = format!("sink {}", sink.id);
    let kind = sink.kind.name();
    let Some(signed) = signed(log) else {
        return Line::ok(check, format!("{kind}; nothing is signed yet"));
    };
    match Follower::open(log, cursors, sink, Metrics::default().of(&sink.id)) {
        Err(error) => Line::fail(check, chain(&error), "mend the sink in the policy"),
        Ok(follower) => match follower.next_entry() {
            None => Line::ok(check, format!("{kind}; nothing shipped yet")),
            Some(next) if signed.saturating_sub(next) > FEW => Line::warn(
                check,
                format!("{kind}; {} entries wait", signed - next),
                "look for `entries not shipped` in what the process says",
            ),
            Some(next) => Line::ok(check, format!("{kind}; {next} of {signed} entries shipped")),
        },
    }
}

/// Entries that are signed; none where there is no log yet.
fn signed(log: &Path) -> Option<u64> {
    let note = serve::checkpoint(log).ok()??;
    note.lines().nth(1)?.parse().ok()
}
