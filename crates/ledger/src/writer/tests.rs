//! The writer on disks that are full, slow or failing.

mod assurance;
mod failures;
mod handover;
mod signing;

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bartizan_core::id::RequestId;
use bartizan_core::settings::Assurance;

use super::*;
use crate::disk::{Durably, SegmentFile};
use crate::entries::EntryReader;
use crate::trust::Trust;

const BIG: Ledger = Ledger { segment_bytes: 1 << 20, total_bytes: 1 << 30, ..Ledger::DEFAULT };

#[test]
fn events_come_back_in_the_order_of_writing() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    for n in 0..100 {
        log.append(&event(n)).unwrap();
    }
    // In the kernel already: another reader sees them before any sync.
    assert_eq!(operations(dir.path()), (0..100).map(|n| format!("op-{n}")).collect::<Vec<_>>());
}

#[test]
fn a_second_start_goes_on_in_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..3 {
        EventLogWriter::open(dir.path(), BIG).unwrap().append(&event(n)).unwrap();
    }
    assert_eq!(segment::list(dir.path()).unwrap().len(), 1);
    assert_eq!(operations(dir.path()), ["op-0", "op-1", "op-2"]);
}

#[test]
fn a_folder_is_in_use_as_long_as_its_writer_is_open() {
    let dir = tempfile::tempdir().unwrap();
    assert!(!is_in_use(dir.path()) && !is_in_use(&dir.path().join("missing")));
    let writer = EventLogWriter::open(dir.path(), BIG).unwrap();
    assert!(is_in_use(dir.path()));
    drop(writer);
    assert!(!is_in_use(dir.path()));
}

#[test]
fn two_writers_never_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = EventLogWriter::open(dir.path(), BIG).unwrap();
    let second = EventLogWriter::open(dir.path(), BIG);
    assert!(matches!(second, Err(LedgerError::Locked { .. })), "{second:?}");
    drop(first);
    EventLogWriter::open(dir.path(), BIG).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_log() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data/events");
    let log = EventLogWriter::open(&dir, BIG).unwrap();
    log.append(&event(0)).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn starts_new_files_and_keeps_to_the_total() {
    let dir = tempfile::tempdir().unwrap();
    let config = Ledger { segment_bytes: 20_000, total_bytes: 200_000, ..BIG };
    let log = EventLogWriter::open(dir.path(), config).unwrap();
    for n in 0..3_000 {
        log.append(&event(n)).unwrap();
        if n % 50 == 0 {
            log.sign().unwrap();
        }
    }
    log.flush().unwrap();
    drop(log);
    let segments = segment::list(dir.path()).unwrap();
    let sizes: Vec<u64> =
        segments.iter().map(|segment| segment.path.metadata().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= 20_000), "{sizes:?}");
    // What is about to go, because the last events made it too much, is still there.
    assert!(sizes.len() >= 4 && sizes.iter().sum::<u64>() <= 240_000, "{sizes:?}");
    let kept = operations(dir.path());
    let removals = kept.iter().filter(|operation| *operation == "entries-removed").count();
    let first = kept.iter().find_map(|operation| operation.strip_prefix("op-")).unwrap();
    let first: u64 = first.parse().unwrap();
    assert!(first > 1_000 && kept.contains(&"op-2999".to_owned()));
    assert_eq!((kept.len() - removals) as u64, 3_000 - first, "a gap inside the kept events");
    // What is gone is still signed.
    let log = EventLogWriter::open(dir.path(), config).unwrap();
    let signed = log.sign().unwrap().unwrap();
    let first = segment::list(dir.path()).unwrap()[0].first;
    assert_eq!(signed.size, first + operations(dir.path()).len() as u64);
}

#[test]
fn entries_that_the_edge_of_the_tree_needs_are_kept_beyond_the_total() {
    let dir = tempfile::tempdir().unwrap();
    let config = Ledger { segment_bytes: 2_000, total_bytes: 4_000, ..BIG };
    let log = EventLogWriter::open(dir.path(), config).unwrap();
    for n in 0..400 {
        log.append(&event(n)).unwrap();
    }
    drop(log);
    EventLogWriter::open(dir.path(), config).unwrap().sign().unwrap();
    let first = segment::list(dir.path()).unwrap()[0].first;
    assert!((1..=256).contains(&first), "{first}");
    EventLogWriter::open(dir.path(), config).unwrap();
}

#[test]
fn a_torn_end_is_set_aside_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    EventLogWriter::open(dir.path(), BIG).unwrap().append(&event(0)).unwrap();
    let path = segment::list(dir.path()).unwrap().remove(0).path;
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"schema\":\"half").unwrap();
    EventLogWriter::open(dir.path(), BIG).unwrap().append(&event(1)).unwrap();
    assert_eq!(operations(dir.path()), ["op-0", "op-1"]);
    let torn = format!("{}.torn", path.display());
    let torn = bartizan_core::limits::read_text_file(torn.as_ref(), 1_000).unwrap();
    assert_eq!(torn, "{\"schema\":\"half");
}

#[test]
fn a_full_disk_is_reported_and_leaves_no_partial_line() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    let line = serde_json::to_vec(&event(0)).unwrap().len() as u64 + 1;

    // Room for one event and a half, at every split of the second one that matters.
    for (n, extra) in [1, line / 2, line - 1].into_iter().enumerate() {
        let n = n as u64;
        disk.free_bytes.store(line + extra, Ordering::SeqCst);
        log.append(&event(n)).unwrap();
        let error = log.append(&event(9)).unwrap_err();
        assert_eq!(error.0.kind(), io::ErrorKind::StorageFull);
        assert!(log.check().is_err(), "readiness must see the full disk");
        assert_eq!(operations(dir.path()).len() as u64, n + 1, "a partial line stayed");
        disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
        log.check().unwrap();
        assert_eq!(operations(dir.path()).len() as u64, n + 1, "the probe stayed");
    }
    log.append(&event(3)).unwrap();
    drop(log);
    assert_eq!(operations(dir.path()), ["op-0", "op-1", "op-2", "op-3"]);
    assert!(disk.cut.load(Ordering::SeqCst) >= 3, "no write was partial");
}

#[test]
fn a_line_that_cannot_be_cut_now_is_cut_before_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    log.append(&event(0)).unwrap();
    disk.free_bytes.store(10, Ordering::SeqCst);
    disk.cannot_cut.store(true, Ordering::SeqCst);
    log.append(&event(1)).unwrap_err();
    disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
    log.append(&event(2)).unwrap_err();
    disk.cannot_cut.store(false, Ordering::SeqCst);
    log.append(&event(3)).unwrap();
    assert_eq!(operations(dir.path()), ["op-0", "op-3"]);
}

#[test]
fn short_and_interrupted_writes_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    disk.short_writes.store(true, Ordering::SeqCst);
    for n in 0..3 {
        log.append(&event(n)).unwrap();
    }
    assert_eq!(operations(dir.path()), ["op-0", "op-1", "op-2"]);
}

#[test]
fn an_event_from_a_clock_that_was_ahead_is_found_by_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let config = Ledger { segment_bytes: 2_000, ..BIG };
    let ahead = bartizan_core::time::now() + jiff::SignedDuration::from_hours(3);
    for reopened in [false, true] {
        let mut log = EventLogWriter::open(dir.path(), config).unwrap();
        let early = Event { time: bartizan_core::time::format(ahead), ..event(7) };
        log.append(&early).unwrap();
        if reopened {
            drop(log);
            log = EventLogWriter::open(dir.path(), config).unwrap();
        }
        for n in 0..30 {
            log.append(&event(n)).unwrap();
        }
        let found = crate::read(dir.path(), Some(ahead - jiff::SignedDuration::from_hours(1)));
        let found = found.map(|event| event.unwrap().time).filter(|time| *time == early.time);
        assert_eq!(found.count(), 1 + usize::from(reopened), "opened anew: {reopened}");
    }
}

#[test]
fn when_no_new_file_can_be_created_the_old_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), Ledger { segment_bytes: 10, ..BIG });
    disk.cannot_create.store(true, Ordering::SeqCst);
    for n in 0..5 {
        log.append(&event(n)).unwrap();
    }
    assert_eq!(segment::list(dir.path()).unwrap().len(), 1);
    assert_eq!(operations(dir.path()).len(), 5);
}

#[test]
fn events_are_synced_within_50_ms_and_only_when_there_are_any() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    log.flush().unwrap();
    let before = disk.syncs.load(Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(120));
    assert_eq!(disk.syncs.load(Ordering::SeqCst), before, "synced with nothing to sync");

    log.append(&event(0)).unwrap();
    let written = Instant::now();
    while disk.syncs.load(Ordering::SeqCst) == before {
        assert!(written.elapsed() < Duration::from_secs(5), "never synced");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Generous: the machine that runs this test may be busy; the delay itself is 20 ms.
    assert!(written.elapsed() < Duration::from_millis(500), "{:?}", written.elapsed());
    assert!(SYNC_DELAY < Duration::from_millis(50));
}

#[test]
fn a_slow_disk_does_not_hold_up_writers() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    log.flush().unwrap();
    disk.sync_takes_ms.store(400, Ordering::SeqCst);
    log.append(&event(0)).unwrap();
    while !disk.in_sync.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    for n in 1..50 {
        log.append(&event(n)).unwrap();
    }
    assert!(disk.in_sync.load(Ordering::SeqCst), "the writers waited for the sync");
    assert_eq!(operations(dir.path()).len(), 50);
}

#[test]
fn a_disk_that_loses_data_stops_the_promise_until_it_works_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), Ledger { segment_bytes: 10, ..BIG });
    disk.cannot_sync.store(true, Ordering::SeqCst);
    log.append(&event(0)).unwrap();
    log.append(&event(1)).unwrap();
    assert!(matches!(log.flush(), Err(LedgerError::Sync(_))));
    assert!(log.append(&event(2)).is_err() && log.check().is_err());
    disk.cannot_sync.store(false, Ordering::SeqCst);
    let syncs = disk.syncs.load(Ordering::SeqCst);
    log.flush().unwrap();
    // No new file was begun meanwhile: a power cut would have left a gap between the two.
    assert_eq!(disk.syncs.load(Ordering::SeqCst), syncs + 1);
    assert_eq!(segment::list(dir.path()).unwrap().len(), 1);
    log.check().unwrap();
    log.append(&event(3)).unwrap();
    assert_eq!(operations(dir.path()), ["op-0", "op-1", "op-3"]);
}

#[test]
fn closing_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    log.flush().unwrap();
    let before = disk.syncs.load(Ordering::SeqCst);
    log.append(&event(0)).unwrap();
    drop(log);
    assert_eq!(disk.syncs.load(Ordering::SeqCst), before + 1);
}

#[test]
fn an_event_beyond_the_line_cap_is_logged_shortened() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    let mut big = event(0);
    big.model = Some("x".repeat(LINE_BYTES));
    log.append(&big).unwrap();
    log.append(&event(1)).unwrap();
    assert_eq!(operations(dir.path()), ["op-0", "op-1"]);
}

#[test]
fn many_threads_lose_nothing_over_rotations() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), Ledger { segment_bytes: 5_000, ..BIG }).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..250 {
                    log.append(&event(thread * 1_000 + n)).unwrap();
                }
            });
        }
    });
    drop(log);
    let all = operations(dir.path());
    for thread in 0..4 {
        let own: Vec<u64> = all
            .iter()
            .map(|operation| operation.strip_prefix("op-").unwrap().parse().unwrap())
            .filter(|n| n / 1_000 == thread)
            .collect();
        let expected: Vec<u64> = (0..250).map(|n| thread * 1_000 + n).collect();
        assert_eq!(own, expected);
    }
}

/// A real disk that can be told to misbehave.
struct Faults {
    free_bytes: AtomicU64,
    short_writes: AtomicBool,
    cannot_cut: AtomicBool,
    cannot_create: AtomicBool,
    cannot_sync: AtomicBool,
    cannot_put: AtomicBool,
    /// Files that can still be put in their place.
    puts: AtomicU64,
    /// The next file that is put in its place ends the thread that does it.
    panics: AtomicBool,
    sync_takes_ms: AtomicU64,
    in_sync: AtomicBool,
    /// Successful syncs of files.
    syncs: AtomicU64,
    /// Successful cuts.
    cut: AtomicU64,
    calls: AtomicU64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            free_bytes: AtomicU64::new(u64::MAX),
            short_writes: AtomicBool::default(),
            cannot_cut: AtomicBool::default(),
            cannot_create: AtomicBool::default(),
            cannot_sync: AtomicBool::default(),
            cannot_put: AtomicBool::default(),
            puts: AtomicU64::new(u64::MAX),
            panics: AtomicBool::default(),
            sync_takes_ms: AtomicU64::default(),
            in_sync: AtomicBool::default(),
            syncs: AtomicU64::default(),
            cut: AtomicU64::default(),
            calls: AtomicU64::default(),
        }
    }
}

struct FaultyDisk(Arc<Faults>);

struct FaultyFile(Arc<dyn SegmentFile>, Arc<Faults>);

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        if self.0.cannot_create.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Arc::new(FaultyFile(FileSystem.create(path)?, Arc::clone(&self.0))))
    }

    fn reopen(&self, path: &Path) -> io::Result<(Arc<dyn SegmentFile>, u64)> {
        let (file, len) = FileSystem.reopen(path)?;
        Ok((Arc::new(FaultyFile(file, Arc::clone(&self.0))), len))
    }

    fn put(&self, path: &Path, bytes: &[u8], durably: Durably) -> io::Result<()> {
        assert!(!self.0.panics.swap(false, Ordering::SeqCst), "told to");
        let less = |puts: u64| puts.checked_sub(1);
        let is_last = self.0.puts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err();
        if is_last || self.0.cannot_put.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        FileSystem.put(path, bytes, durably)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        FileSystem.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        FileSystem.sync_folder(path)
    }
}

impl SegmentFile for FaultyFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let faults = &self.1;
        let mut most = bytes.len();
        if faults.short_writes.load(Ordering::SeqCst) {
            if faults.calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            most = most.min(7);
        }
        let free = faults.free_bytes.load(Ordering::SeqCst);
        if free == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.0.append(&bytes[..most.min(free as usize)])?;
        faults.free_bytes.fetch_sub(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        if self.1.cannot_cut.load(Ordering::SeqCst) {
            return Err(io::Error::other("cannot cut"));
        }
        self.1.cut.fetch_add(1, Ordering::SeqCst);
        self.0.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        if self.1.cannot_sync.load(Ordering::SeqCst) {
            return Err(io::Error::other("cannot sync"));
        }
        self.1.in_sync.store(true, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(self.1.sync_takes_ms.load(Ordering::SeqCst)));
        self.1.in_sync.store(false, Ordering::SeqCst);
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
}

fn open_with(faults: &Arc<Faults>, dir: &Path, config: Ledger) -> EventLogWriter {
    EventLogWriter::open_on(Box::new(FaultyDisk(Arc::clone(faults))), dir, config).unwrap()
}

fn event(n: u64) -> Event {
    Event::new(RequestId::new(), "gateway", &format!("op-{n}"))
}

fn operations(dir: &Path) -> Vec<String> {
    crate::read(dir, None).map(|event| event.unwrap().operation).collect()
}
