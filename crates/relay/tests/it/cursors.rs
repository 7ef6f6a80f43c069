//! What a follower does with its cursor and with what is not signed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::{FileSink, Ledger, SinkKind};
use bartizan_ledger::EventLogWriter;
use bartizan_relay::metrics::{Metrics, SinkMetrics};
use bartizan_relay::{Batch, Follower, Interrupted, RelayError, Sink};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// Keeps the numbers of what it gets.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u64>>>);

impl Sink for Kept {
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>> {
        self.0.lock().unwrap().extend(batch.entries.iter().map(|entry| entry.number));
        futures_util::future::ready(Ok(())).boxed()
    }
}

fn open(log: &Path) -> EventLogWriter {
    let config = Ledger { segment_bytes: 1 << 20, total_bytes: 1 << 30, ..Ledger::DEFAULT };
    EventLogWriter::open(log, config).unwrap()
}

fn record(log: &EventLogWriter, area: &str) {
    log.append(&Event::new(RequestId::new(), area, "something")).unwrap();
}

fn settings(areas: &[&str]) -> bartizan_core::settings::Sink {
    bartizan_core::settings::Sink {
        id: "s".parse().unwrap(),
        areas: areas.iter().map(|area| (*area).to_owned()).collect::<BTreeSet<_>>(),
        names: true,
        kind: SinkKind::File(FileSink { path: "x".into(), rotate_bytes: 1, keep: 0 }),
    }
}

fn follower(
    dir: &Path,
    areas: &[&str],
    kept: &Kept,
) -> Result<(Follower, SinkMetrics), RelayError> {
    let metrics = Metrics::default().of(&"s".parse().unwrap());
    let (log, cursors) = (dir.join("ledger"), dir.join("relay"));
    let (settings, sink) = (settings(areas), Box::new(kept.clone()));
    let follower = Follower::with_sink(&log, &cursors, &settings, metrics.clone(), sink)?;
    Ok((follower, metrics))
}

/// Follows until there is nothing more.
async fn catch_up(dir: &Path, areas: &[&str]) -> Vec<u64> {
    let kept = Kept::default();
    let (follower, _) = follower(dir, areas, &kept).unwrap();
    follower.run(async {}).await;
    kept.0.lock().unwrap().clone()
}

#[tokio::test]
async fn goes_on_behind_what_was_shipped_before() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("ledger"));
    (0..3).for_each(|_| record(&log, "gateway"));
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [0, 1, 2]);
    assert_eq!(catch_up(dir.path(), &[]).await, [0; 0]);
    record(&log, "gateway");
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [3]);
}

#[tokio::test]
async fn ships_nothing_that_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("ledger"));
    (0..2000).for_each(|_| record(&log, "gateway"));
    let signed = log.sign().unwrap().unwrap().size;
    let kept = Kept::default();
    let (follower, metrics) = follower(dir.path(), &[], &kept).unwrap();
    let following = tokio::spawn(follower.run(std::future::pending()));
    let mut checked = 0;
    while checked < 4000 {
        record(&log, "gateway");
        // What is signed now was signed a moment ago, or later than it was shipped.
        let shipped = kept.0.lock().unwrap().len() as u64;
        let note = bartizan_ledger::serve::checkpoint(&dir.path().join("ledger")).unwrap().unwrap();
        let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
        assert!(shipped <= size, "{shipped} of {size}");
        checked += 1;
        tokio::task::yield_now().await;
    }
    while metrics.entries.get() < signed {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    following.abort();
}

#[tokio::test]
async fn leaves_out_other_areas_and_does_not_look_at_them_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("ledger"));
    for area in ["gateway", "admin", "gateway", "admin", "gateway"] {
        record(&log, area);
    }
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &["admin"]).await, [1, 3]);
    record(&log, "gateway");
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &["admin"]).await, [0; 0]);
    // The cursor stands behind all of them.
    assert_eq!(catch_up(dir.path(), &[]).await, [0; 0]);
}

#[tokio::test]
async fn refuses_the_cursor_of_another_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("ledger"));
    record(&log, "gateway");
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [0]);
    drop(log);
    std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    drop(open(&dir.path().join("ledger")));
    let error = follower(dir.path(), &[], &Kept::default()).unwrap_err();
    assert!(matches!(error, RelayError::OtherLog { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
}

#[tokio::test]
async fn a_log_that_became_shorter_is_not_shipped_again_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("ledger"));
    record(&log, "gateway");
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [0]);
    let cursor = dir.path().join("relay/s.cursor");
    let text = bartizan_core::limits::read_text_file(&cursor, 4096).unwrap();
    std::fs::write(&cursor, text.replace("\"next\":1}", "\"next\":9}")).unwrap();
    let kept = Kept::default();
    let (follower, metrics) = follower(dir.path(), &[], &kept).unwrap();
    follower.run(async {}).await;
    assert!(kept.0.lock().unwrap().is_empty());
    assert!(metrics.failures.get() > 0);
}

#[tokio::test]
async fn goes_on_under_a_new_key_of_the_same_log() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("ledger");
    let log = open(&folder);
    record(&log, "gateway");
    log.sign().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [0]);
    // While both keys sign, after that, and where the sink was away for a whole change.
    log.add_key().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [1]);
    log.retire_key().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [2]);
    log.add_key().unwrap();
    log.retire_key().unwrap();
    log.add_key().unwrap();
    assert_eq!(catch_up(dir.path(), &[]).await, [3, 4, 5]);
    let cursor = dir.path().join("relay/s.cursor");
    let text = bartizan_core::limits::read_text_file(&cursor, 4096).unwrap();
    let key = bartizan_ledger::public_key(&folder).unwrap().to_string();
    assert!(text.contains(&key), "{text}");
}
