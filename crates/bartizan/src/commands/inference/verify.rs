//! `bartizan inference verify`: the records against what the event log says of them. No key is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use bartizan_core::payload::{NotKept, Receipt};
use bartizan_core::{Coded as _, Event, time};
use bartizan_inference::{Check, Reader, Scan, removed_segment};
use bartizan_policy::DataSettings;
use serde_json::json;

use crate::cli::{DocumentFormat, OutputArgs};
use crate::format::INCOMPLETE;
use crate::output::Output;
use crate::terminal::{Terminal, printable};

/// Exit code when something does not agree.
const BROKEN: u8 = 1;
/// Most records of a kind that are named.
const NAMED_MAX: usize = 100;
/// A record of a process that runs comes before its event.
const YOUNG_MICROS: u64 = 10_000_000;

/// What the records and the events say together.
#[derive(Debug, Default)]
struct Found {
    /// Records that are what their event says.
    same: u64,
    /// Records of which an event says that their segment was removed.
    removed: u64,
    /// Events that say why nothing was kept.
    not_kept: u64,
    /// Records older than the oldest event that is left.
    before: u64,
    missing: Named,
    changed: Named,
    surplus: Named,
    /// Parts of the event log that cannot be read.
    unreadable: u64,
}

/// The first of some, and how many there are.
#[derive(Debug, Default)]
struct Named {
    count: u64,
    named: Vec<String>,
}

impl Named {
    fn add(&mut self, what: String) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(what);
        }
    }
}

pub(super) fn run(
    data: &DataSettings,
    folder: &Path,
    format: DocumentFormat,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let mut reader = Reader::without_key(folder);
    let found = compare(&data.data_dir.join(bartizan_ledger::FOLDER), &mut reader)?;
    let mut out = Output::open(output, terminal)?;
    let holds = [&found.missing, &found.changed, &found.surplus].iter().all(|it| it.count == 0);
    // Of what the log does not speak of, nobody can say that it is as it was.
    let is_whole = found.unreadable == 0 && found.before == 0;
    match format {
        DocumentFormat::Json => {
            let named = |named: &Named| json!({ "count": named.count, "first": named.named });
            let document = json!({
                "schema": "bartizan.inference-verify/v1",
                "holds": holds,
                "complete": is_whole,
                "same": found.same,
                "removed": found.removed,
                "not_kept": found.not_kept,
                "before_the_log": found.before,
                "missing": named(&found.missing),
                "changed": named(&found.changed),
                "surplus": named(&found.surplus),
                "unreadable": found.unreadable,
            });
            writeln!(out, "{document}")?;
        }
        DocumentFormat::Human => {
            let paint = out.paint();
            let verdict = match (holds, is_whole) {
                (false, _) => paint.bad("broken"),
                (true, false) => paint.bad("incomplete"),
                (true, true) => paint.good("ok"),
            };
            writeln!(
                out,
                "{verdict}: {} records are what the event log says; {} were removed for age or size, {} exchanges not kept",
                found.same, found.removed, found.not_kept
            )?;
            if found.before > 0 {
                let count = found.before;
                writeln!(
                    out,
                    "{count} records are older than the oldest event, so that nothing is said of them"
                )?;
            }
            for (what, named) in [
                ("missing: an event speaks of a record that is not there", &found.missing),
                ("changed: a record is not the one that its event speaks of", &found.changed),
                (
                    "surplus: no event speaks of a record; a gateway that was killed may leave one",
                    &found.surplus,
                ),
            ] {
                for place in &named.named {
                    writeln!(out, "{what}: {}", printable(place))?;
                }
                let more = named.count.saturating_sub(named.named.len() as u64);
                if more > 0 {
                    writeln!(out, "{what}: {more} more")?;
                }
            }
        }
    }
    out.finish()?;
    Ok(match (holds, is_whole) {
        (false, _) => ExitCode::from(BROKEN),
        (true, false) => ExitCode::from(INCOMPLETE),
        (true, true) => ExitCode::SUCCESS,
    })
}

fn compare(log: &Path, reader: &mut Reader) -> anyhow::Result<Found> {
    let mut found = Found::default();
    // Taken now: what is written since may have an event that was not read.
    let now = u64::try_from(time::now().as_microsecond()).unwrap_or_default();
    let young = if bartizan_ledger::is_in_use(log) { YOUNG_MICROS } else { 0 };
    // How many records went with each segment.
    let mut removed: BTreeMap<u64, u64> = BTreeMap::new();
    let mut claimed: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut gone: Vec<(Receipt, String)> = Vec::new();
    let mut oldest: Option<String> = None;
    for event in bartizan_ledger::read(log, None) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                found.unreadable += 1;
                tracing::warn!(code = error.code(), %error, "part of the event log cannot be read");
                continue;
            }
        };
        if oldest.as_ref().is_none_or(|oldest| event.time < *oldest) {
            oldest = Some(event.time.clone());
        }
        if let Some((segment, records)) = removed_segment(&event) {
            // Said again where the file could not be removed at first.
            let most = removed.entry(segment).or_default();
            *most = records.max(*most);
        }
        let Some(payload) = &event.payload else { continue };
        if payload.starts_with(NotKept::PREFIX) {
            found.not_kept += 1;
            continue;
        }
        let Ok(receipt) = payload.parse::<Receipt>() else {
            found.changed.add(format!("{} ({payload})", event.request_id));
            continue;
        };
        let place = place(&event, &receipt);
        if !claimed.insert((receipt.segment, receipt.offset)) {
            found.changed.add(format!("{place}, of which another event speaks too"));
            continue;
        }
        match reader.check(&receipt)? {
            Check::Same => found.same += 1,
            Check::Changed => found.changed.add(place),
            Check::Missing => found.missing.add(place),
            Check::NoSegment => gone.push((receipt, place)),
        }
    }
    // What is said of a segment may come before what is said of its last records. No more of them are accounted for than
    // it had: what was kept under the same number later, and is gone too, was removed by somebody else.
    for (receipt, place) in gone {
        match removed.get_mut(&receipt.segment) {
            Some(left) if *left > 0 => {
                *left -= 1;
                found.removed += 1;
            }
            _ => found.missing.add(place),
        }
    }
    let oldest = oldest.and_then(|oldest| oldest.parse::<time::Timestamp>().ok());
    let oldest = oldest.and_then(|oldest| u64::try_from(oldest.as_microsecond()).ok());
    let segments = reader.segments()?;
    for segment in segments.iter().copied() {
        let Scan { entries, end, changed, rest } = reader.scanned(segment)?;
        let unclaimed =
            entries.iter().filter(|entry| !claimed.contains(&(segment, entry.offset())));
        for entry in unclaimed {
            let place = format!("request {}, {segment}/{}", entry.request_id, entry.offset());
            if oldest.is_none_or(|oldest| entry.time < oldest) {
                found.before += 1;
            } else if !is_young(entry.time, now, young) {
                found.surplus.add(place);
            }
        }
        // Those of which an event speaks are counted above.
        let named = claimed.range((segment, 0)..=(segment, u64::MAX)).count() as u64;
        let known = entries.iter().filter(|entry| claimed.contains(&(segment, entry.offset())));
        let accounted = named.saturating_sub(known.count() as u64);
        if changed > accounted {
            let more = changed - accounted;
            found
                .changed
                .add(format!("{more} records of segment {segment}, of which no event speaks"));
        }
        // A process that runs is at work there right now.
        let is_written = young > 0 && Some(&segment) == segments.last();
        let is_named = claimed.range((segment, end)..=(segment, u64::MAX)).next().is_some();
        if rest > 0 && !is_written && !is_named {
            found
                .surplus
                .add(format!("{rest} bytes at the end of segment {segment} are no record"));
        }
    }
    Ok(found)
}

/// Whether a record without an event may be one whose event is still to come: so near is its time. One that says of
/// itself that it is far in the future is not.
const fn is_young(time: u64, now: u64, young: u64) -> bool {
    young > 0 && now.abs_diff(time) < young
}

fn place(event: &Event, receipt: &Receipt) -> String {
    format!("request {}, {}/{}", event.request_id, receipt.segment, receipt.offset)
}

#[cfg(test)]
mod tests {
    use bartizan_core::RequestId;
    use bartizan_core::event::{EventSink as _, Recorded};
    use bartizan_core::settings::Ledger;
    use bartizan_ledger::EventLogWriter;

    use super::*;

    #[test]
    fn a_segment_that_was_removed_accounts_for_as_many_records_as_it_had() {
        let dir = tempfile::tempdir().unwrap();
        let (log, folder) = (dir.path().join("ledger"), dir.path().join("inference"));
        std::fs::create_dir(&folder).unwrap();
        let writer = EventLogWriter::open(&log, Ledger::DEFAULT).unwrap();
        let record = |event: &Event| {
            writer.record(event).and_then(Recorded::wait).unwrap();
        };
        for offset in [24, 500, 900] {
            let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
            event.payload = Some(Receipt { segment: 7, offset, digest: [1; 32] }.to_string());
            record(&event);
        }
        // Said twice, since it could not be removed at first.
        for _ in 0..2 {
            let mut event = Event::new(RequestId::new(), "inference", "payloads-removed");
            event.detail = Some("segment 7: 2 records, past".to_owned());
            record(&event);
        }
        drop(writer);
        let found = compare(&log, &mut Reader::without_key(&folder)).unwrap();
        assert_eq!((found.removed, found.missing.count), (2, 1), "{found:?}");
    }

    #[test]
    fn no_record_is_passed_over_for_a_time_that_cannot_be() {
        assert!(is_young(1_000, 1_005, 10) && is_young(1_005, 1_000, 10));
        assert!(!is_young(1_000, 1_010, 10) && !is_young(9_000, 1_000, 10));
        assert!(!is_young(u64::MAX, 1_000, 10) && !is_young(1_000, 1_000, 0));
    }
}
