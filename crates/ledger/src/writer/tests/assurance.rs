//! What the policy asks of the events of an area: to be on the disk, or to wait for it in memory.

use bartizan_core::settings::{Durability, OnLogFailure};

use super::*;

/// Events of the gateway go on without the disk; changes wait for it.
const CAREFUL: Ledger = Ledger {
    gateway: Assurance { durability: Durability::Batched, on_failure: OnLogFailure::Buffer },
    admin: Assurance { durability: Durability::Strict, on_failure: OnLogFailure::Deny },
    ..BIG
};

fn change(n: u64) -> Event {
    Event::new(RequestId::new(), "admin", &format!("change-{n}"))
}

#[test]
fn a_change_is_settled_when_the_disk_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), CAREFUL);
    log.flush().unwrap();
    let before = disk.syncs.load(Ordering::SeqCst);
    assert!(matches!(log.record(&event(0)).unwrap(), Recorded::Settled));
    log.record(&change(0)).unwrap().wait().unwrap();
    assert!(disk.syncs.load(Ordering::SeqCst) > before);
    // Many wait for one sync, also when each is asked only once.
    disk.sync_takes_ms.store(50, Ordering::SeqCst);
    let before = disk.syncs.load(Ordering::SeqCst);
    let waiting: Vec<_> = (1..50).map(|n| log.record(&change(n)).unwrap()).collect();
    for recorded in waiting {
        recorded.wait().unwrap();
    }
    assert!(disk.syncs.load(Ordering::SeqCst) - before <= 3);
    disk.cannot_sync.store(true, Ordering::SeqCst);
    log.record(&change(50)).unwrap().wait().unwrap_err();
    log.record(&change(51)).unwrap_err();
}

#[test]
fn a_change_that_is_waited_for_is_told_when_the_log_ends() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), CAREFUL);
    disk.sync_takes_ms.store(100, Ordering::SeqCst);
    let recorded = log.record(&change(0)).unwrap();
    let waiting = std::thread::spawn(move || recorded.wait());
    drop(log);
    // Whether it hears of the last sync or of the end is a matter of time; it hears of one.
    let _ = waiting.join().unwrap();
    assert_eq!(operations(dir.path()), ["change-0"]);
}

#[test]
fn events_wait_in_memory_for_a_disk_that_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), CAREFUL);
    drop(log.record(&event(0)).unwrap());
    disk.free_bytes.store(0, Ordering::SeqCst);
    for n in 1..20 {
        drop(log.record(&event(n)).unwrap());
    }
    assert_eq!(log.progress().waiting, 19);
    // What is withheld without the disk is withheld still, and does not wait.
    log.record(&change(0)).unwrap_err();
    log.check().unwrap();
    assert_eq!(operations(dir.path()), ["op-0"]);
    disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
    drop(log.record(&event(20)).unwrap());
    let all: Vec<_> = (0..=20).map(|n| format!("op-{n}")).collect();
    assert_eq!(operations(dir.path()), all);
    assert_eq!(log.progress().waiting, 0);
}

#[test]
fn what_waits_is_written_without_another_event() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), CAREFUL);
    disk.free_bytes.store(0, Ordering::SeqCst);
    drop(log.record(&event(0)).unwrap());
    disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
    let asked = Instant::now();
    while log.progress().waiting > 0 {
        assert!(asked.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(operations(dir.path()), ["op-0"]);
}

#[test]
fn what_waits_is_written_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), CAREFUL);
    disk.free_bytes.store(0, Ordering::SeqCst);
    drop(log.record(&event(0)).unwrap());
    disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
    drop(log);
    assert_eq!(operations(dir.path()), ["op-0"]);
}

#[test]
fn without_room_in_memory_nothing_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), CAREFUL);
    disk.free_bytes.store(0, Ordering::SeqCst);
    let mut large = event(0);
    large.detail = Some("x".repeat(60_000));
    let mut taken = 0;
    while let Ok(recorded) = log.record(&large) {
        drop(recorded);
        taken += 1;
        assert!(taken < 1_000);
    }
    assert!(taken > 200, "{taken}");
    log.check().unwrap_err();
    disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
    log.flush().unwrap();
    assert_eq!(operations(dir.path()).len(), taken);
    log.check().unwrap();
}

#[test]
fn old_entries_go_and_the_log_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let short = Ledger { keep: Duration::from_millis(160), ..BIG };
    let log = EventLogWriter::open(dir.path(), short).unwrap();
    for n in 0..700 {
        log.append(&event(n)).unwrap();
    }
    log.sign().unwrap();
    // Files are closed by age, and go when what is in them has become too old.
    let asked = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(40));
        log.append(&event(1_000)).unwrap();
        log.sign().unwrap();
        let first = crate::verify::verify(dir.path(), &key_of(dir.path()), |_| ()).unwrap().first;
        if first > 0 {
            break;
        }
        assert!(asked.elapsed() < Duration::from_secs(20));
    }
}

fn key_of(dir: &Path) -> Trust {
    Trust::of_log(crate::public_key(dir).unwrap())
}
