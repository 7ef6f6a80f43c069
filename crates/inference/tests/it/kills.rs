//! A log whose process is killed over and over: what was acknowledged is there as it was, and no start needs a repair.
//!
//! `BARTIZAN_KILLS=1000 cargo test -p bartizan-inference --test it kills` does it a thousand times.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_core::payload::{PayloadSink as _, Receipt};
use bartizan_core::settings::InferenceStore;
use bartizan_inference::{Check, InferenceLog, Opened, Parts, Reader};

use crate::{NoEvents, keys, payload};

const TEST: &str = "kills::what_was_acknowledged_survives_every_kill";
const CHILD_DIR: &str = "BARTIZAN_TEST_KILLED_DIR";
const KILLS: &str = "BARTIZAN_KILLS";
/// Small files, so that kills fall into the start of new ones, too.
const STORE: InferenceStore = InferenceStore { segment_bytes: 100_000, total_bytes: 1 << 30 };

fn parts(dir: &Path) -> Parts {
    Parts { dir: dir.to_owned(), store: STORE, keys: keys(), events: Arc::new(NoEvents) }
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        write_until_killed(Path::new(&dir));
    }
    let kills: u32 = std::env::var(KILLS).map_or(12, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<(u64, u64), Receipt> = BTreeMap::new();
    for round in 0..kills {
        // Some die while they open the log.
        let patience = Duration::from_micros(u64::from(round * 7919 % 90_000));
        for receipt in killed_after(dir.path(), patience) {
            let before = acknowledged.insert((receipt.segment, receipt.offset), receipt);
            assert_eq!(before, None, "a place is given twice");
        }
        let mut reader = Reader::without_key(dir.path());
        for receipt in acknowledged.values() {
            assert_eq!(reader.check(receipt).unwrap(), Check::Same, "{receipt} in round {round}");
        }
    }
    assert!(acknowledged.len() > 50, "only {} were acknowledged", acknowledged.len());
    // What a kill cut off is put aside by the next start, and all that is left opens.
    drop(InferenceLog::open(parts(dir.path())).unwrap());
    let mut reader = Reader::open(dir.path(), keys()).unwrap();
    let mut opened = 0;
    for number in reader.segments().unwrap() {
        let found = reader.scanned(number).unwrap();
        assert_eq!((found.changed, found.rest), (0, 0));
        for entry in found.entries {
            let found = reader.read(number, &entry).unwrap();
            assert!(matches!(found, Opened::Content { .. }), "{found:?}");
            opened += 1;
        }
    }
    assert!(opened >= acknowledged.len());
}

/// Receipts that a process gave before it was killed, after so long.
fn killed_after(dir: &Path, patience: Duration) -> Vec<Receipt> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::sleep(patience);
    child.kill().unwrap();
    child.wait().unwrap();
    // The last line may have been cut by the kill.
    out.lines().filter_map(|line| line.unwrap().strip_prefix("kept ")?.parse().ok()).collect()
}

fn write_until_killed(dir: &Path) -> ! {
    let log = InferenceLog::open(parts(dir)).unwrap();
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let mut number = 0_u64;
    loop {
        // A new person now and then, so that kills fall into the making of keys, too.
        let payload = payload(&format!("sp:caller-{}", number / 20), 700);
        number += 1;
        let out = Arc::clone(&out);
        log.keep(
            payload,
            Box::new(move |result| match result {
                Ok(receipt) => writeln!(out.lock().unwrap(), "kept {receipt}").unwrap(),
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }),
        );
        if number.is_multiple_of(16) {
            std::thread::sleep(Duration::from_micros(300));
        }
    }
}
