//! The log from the outside: what is left of it when its process is killed, and proofs of others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

mod canonical;
#[cfg(target_os = "linux")]
mod clock;
mod kills;
#[cfg(unix)]
mod pipes;
#[cfg(target_os = "linux")]
mod syscalls;
mod vectors;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use bartizan_ledger::EventLogWriter;

const CHILD_DIR: &str = "BARTIZAN_TEST_LEDGER_DIR";
const CONFIG: Ledger = Ledger { segment_bytes: 50_000, total_bytes: 1 << 30, ..Ledger::DEFAULT };

/// The test runs itself as the process that is killed: the child acknowledges each event on stdout
/// once `record` has returned.
#[test]
fn no_acknowledged_event_is_lost_when_the_process_is_killed() {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        write_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_acknowledged_event_is_lost_when_the_process_is_killed"])
        .arg("--nocapture")
        .env(CHILD_DIR, dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        acknowledged.extend(line.unwrap().strip_prefix("ack ").map(str::to_owned));
        if acknowledged.len() == 2_000 && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 2_000, "{}", acknowledged.len());

    // The last line of the pipe may itself have been cut by the kill.
    let last_is_whole = acknowledged.last().is_some_and(|id| id.len() == 36);
    if !last_is_whole {
        acknowledged.pop();
    }
    let log = EventLogWriter::open(dir.path(), CONFIG).unwrap();
    log.append(&Event::new(RequestId::new(), "gateway", "after")).unwrap();
    let kept: Vec<Event> = bartizan_ledger::read(dir.path(), None).map(Result::unwrap).collect();
    assert_eq!(kept.last().map(|event| event.operation.as_str()), Some("after"));
    let kept: Vec<String> = kept.iter().map(|event| event.request_id.to_string()).collect();
    assert_eq!(kept[..acknowledged.len()], acknowledged);
}

fn write_until_killed(dir: &Path) -> ! {
    let log = EventLogWriter::open(dir, CONFIG).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        let event = Event::new(RequestId::new(), "gateway", "chat-completions");
        log.append(&event).unwrap();
        writeln!(out, "ack {}", event.request_id).unwrap();
    }
}
