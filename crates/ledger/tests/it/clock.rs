//! A clock that is set back and forth while the log is written: entries stay in the order of writing, files
//! are begun and removed as ever, and everything is found by its time. `libfaketime` is the clock of the
//! process that writes.

use std::path::Path;
use std::process::{Command, Stdio};

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::trust::Trust;
use bartizan_ledger::verify::verify;
use jiff::{SignedDuration, Timestamp};

use super::kills::lines;

const TEST: &str = "clock::a_clock_that_is_set_back_changes_nothing_but_times";
const CHILD_DIR: &str = "BARTIZAN_TEST_CLOCK_DIR";
const OFFSET_FILE: &str = "FAKETIME_TIMESTAMP_FILE";
/// Where Debian has it; the loader puts the folder of the system in the place of `$LIB`.
const LIBRARY: &str = "/usr/$LIB/faketime/libfaketime.so.1";
const CONFIG: Ledger = Ledger { segment_bytes: 6_000, total_bytes: 150_000, ..Ledger::DEFAULT };
/// How far the clock is off, one after the other, in seconds: a little, hours back, further ahead than
/// entries are kept.
const OFFSETS: [i64; 7] = [0, -90, -10_000, -5_000, 8_640_000, -20_000, -30_000];
const EVENTS: usize = 130;

#[test]
fn a_clock_that_is_set_back_changes_nothing_but_times() {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        return write(Path::new(&dir));
    }
    let place = tempfile::tempdir().unwrap();
    let (dir, offset) = (place.path().join("log"), place.path().join("offset"));
    std::fs::write(&offset, "+0").unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD_DIR, &dir)
        .env("LD_PRELOAD", LIBRARY)
        .env(OFFSET_FILE, &offset)
        .envs([("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let is_there = !said.contains("the clock is not set");
    assert!(is_there, "this test needs the Debian package `libfaketime`");
    assert!(child.status.success(), "{said}\n{}", String::from_utf8_lossy(&child.stderr));

    // In the order of writing, whatever the clock said.
    let all: Vec<Event> = bartizan_ledger::read(&dir, None).map(Result::unwrap).collect();
    let own: Vec<&Event> = all.iter().filter(|event| event.area == "gateway").collect();
    let numbers: Vec<usize> = own.iter().map(|event| event.operation.parse().unwrap()).collect();
    let end = OFFSETS.len() * EVENTS;
    assert_eq!(numbers, (end - numbers.len()..end).collect::<Vec<_>>());
    let back = own.array_windows().filter(|[before, after]| after.time < before.time).count();
    assert!(back >= 3, "the clock was set back {back} times");
    // Files begin one after the other, and old ones went for their size alone.
    let files = files(&dir);
    assert!(files.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "{files:?}");
    assert!(numbers[0] > 0 && numbers.len() > 4 * EVENTS, "{}", numbers.len());
    let kept = lines(&dir);
    assert_eq!(kept.keys().copied().collect::<Vec<_>>(), {
        let first = files[0].0;
        (first..first + all.len() as u64).collect::<Vec<_>>()
    });
    let trust = Trust::of_log(bartizan_ledger::public_key(&dir).unwrap());
    let verified = verify(&dir, &trust, |_| ()).unwrap();
    assert_eq!(verified.first, files[0].0);
    // What is asked for by time is what has that time, wherever it stands.
    for since in all.iter().map(|event| event.time.parse::<Timestamp>().unwrap()) {
        for since in [since, since + SignedDuration::from_micros(1)] {
            let text = bartizan_core::time::format(since);
            let wanted = all.iter().filter(|event| event.time >= text);
            let wanted: Vec<RequestId> = wanted.map(|event| event.request_id).collect();
            let found = bartizan_ledger::read(&dir, Some(since));
            let found: Vec<RequestId> = found.map(|event| event.unwrap().request_id).collect();
            let missed = wanted.iter().filter(|id| !found.contains(id)).count();
            assert_eq!(found, wanted, "{missed} of {} are missed since {text}", wanted.len());
        }
    }
}

/// Numbers of first entries and times of the files of a log, in the order of their names.
fn files(dir: &Path) -> Vec<(u64, String)> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut files: Vec<(u64, String)> = names
        .filter_map(|name| {
            let name = name.strip_prefix("events-")?.strip_suffix(".jsonl")?;
            let (first, start) = name.split_once('-')?;
            Some((first.parse().ok()?, start.to_owned()))
        })
        .collect();
    files.sort();
    files
}

/// The clock changes with the log open, and each second time it is opened anew.
fn write(dir: &Path) {
    let offset = std::env::var_os(OFFSET_FILE).unwrap();
    let mut log = None;
    let mut before = bartizan_core::time::now();
    for (turn, seconds) in OFFSETS.into_iter().enumerate() {
        if turn % 2 == 0 {
            drop(log.take());
        }
        let log = log.get_or_insert_with(|| EventLogWriter::open(dir, CONFIG).unwrap());
        for number in 0..EVENTS {
            if number == EVENTS / 2 {
                std::fs::write(&offset, format!("{seconds:+}")).unwrap();
                let now = bartizan_core::time::now();
                if turn > 0 && (now - before).total(jiff::Unit::Second).unwrap().abs() < 60.0 {
                    println!("the clock is not set: {before} {now}");
                    return;
                }
                before = now;
            }
            let operation = (turn * EVENTS + number).to_string();
            log.append(&Event::new(RequestId::new(), "gateway", &operation)).unwrap();
            if number % 30 == 29 {
                log.sign().unwrap();
            }
        }
    }
}
