//! Every single thing that a log asks of its disk, refused once or from then on.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::verify::verify;

/// A real disk that refuses one call by its number, and in the worst case all that follow.
struct Refusing {
    left: AtomicU64,
    forever: bool,
}

impl Refusing {
    fn ask(&self) -> io::Result<()> {
        let before = self.left.load(Ordering::SeqCst);
        if before > 0 {
            self.left.store(before - 1, Ordering::SeqCst);
        }
        let refuses = if self.forever { before == 0 } else { before == 1 };
        if refuses { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

struct OnRefusing<T>(T, Arc<Refusing>);

impl Disk for OnRefusing<FileSystem> {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        self.1.ask()?;
        Ok(Arc::new(OnRefusing(self.0.create(path)?, Arc::clone(&self.1))))
    }

    fn reopen(&self, path: &Path) -> io::Result<(Arc<dyn SegmentFile>, u64)> {
        self.1.ask()?;
        let (file, len) = self.0.reopen(path)?;
        Ok((Arc::new(OnRefusing(file, Arc::clone(&self.1))), len))
    }

    fn put(&self, path: &Path, bytes: &[u8], durably: Durably) -> io::Result<()> {
        self.1.ask()?;
        self.0.put(path, bytes, durably)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.1.ask()?;
        self.0.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.1.ask()?;
        self.0.sync_folder(path)
    }
}

impl SegmentFile for OnRefusing<Arc<dyn SegmentFile>> {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        self.1.ask()?;
        self.0.append(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.1.ask()?;
        self.0.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.ask()?;
        self.0.sync()
    }
}

/// What a log acknowledged on a disk that refuses a call, and how many calls it asked for.
fn acknowledged(dir: &Path, call: u64, forever: bool) -> Vec<(u64, RequestId)> {
    let refusing = Arc::new(Refusing { left: AtomicU64::new(call), forever });
    let config = Ledger { segment_bytes: 3_000, total_bytes: 60_000, ..BIG };
    let disk = Box::new(OnRefusing(FileSystem, refusing));
    let Ok(log) = EventLogWriter::open_on(disk, dir, config) else { return Vec::new() };
    let mut acknowledged = Vec::new();
    for n in 0..300 {
        let event = event(n);
        let written = if n % 16 == 0 {
            log.record_durably(&event)
        } else {
            log.shared.write(&event).map_err(RecordError::from)
        };
        if let Ok(entry) = written {
            acknowledged.push((entry, event.request_id));
        }
        if n % 100 == 50 {
            let _ = log.sign();
        }
    }
    acknowledged
}

#[test]
fn whatever_the_disk_refuses_nothing_that_was_acknowledged_is_lost() {
    // Some 400 calls: all the first ones, in which the log is made, and then some of each sort.
    let calls = (1..40).chain((40..420).step_by(13));
    for (call, forever) in calls.flat_map(|call| [(call, false), (call, true)]) {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged = acknowledged(dir.path(), call, forever);
        // The next start needs no repair, and signs what is there.
        let log = EventLogWriter::open(dir.path(), BIG)
            .unwrap_or_else(|error| panic!("call {call}, for ever: {forever}: {error}"));
        log.sign().unwrap();
        drop(log);
        let key = crate::public_key(dir.path()).unwrap();
        if let Err(broken) = verify(dir.path(), &Trust::of_log(key), |_| ()) {
            // A log without entries has nothing to sign.
            assert!(acknowledged.is_empty(), "call {call}, for ever: {forever}: {broken}");
            continue;
        }
        let mut entries = EntryReader::from(dir.path(), 0).unwrap();
        let first = entries.number();
        let mut lines = Vec::new();
        while let Some(entry) = entries.next().unwrap() {
            lines.push(String::from_utf8(entry.to_vec()).unwrap());
        }
        for (entry, id) in acknowledged.into_iter().filter(|(entry, _)| *entry >= first) {
            let line = lines.get((entry - first) as usize);
            let line = line.unwrap_or_else(|| panic!("call {call}: entry {entry} is lost"));
            assert!(line.contains(&id.to_string()), "call {call}: entry {entry} is another");
        }
    }
}
