//! A log whose process is killed over and over: nothing that was acknowledged is lost, every checkpoint
//! begins with the one before, and no start needs a repair.
//!
//! `BARTIZAN_KILLS=1000 cargo test -p bartizan-ledger --test it kills` does it a thousand times, in some ten minutes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::checkpoint::Checkpoint;
use bartizan_ledger::merkle::{Frontier, Hash};
use bartizan_ledger::note::Note;
use bartizan_ledger::trust::Trust;
use bartizan_ledger::verify::{Broken, verify};

const TEST: &str = "kills::what_was_acknowledged_survives_every_kill";
const CHILD_DIR: &str = "BARTIZAN_TEST_KILLED_DIR";
const KILLS: &str = "BARTIZAN_KILLS";
/// Small files, so that kills fall into the start of new ones and the removal of old ones, too.
const CONFIG: Ledger = Ledger { segment_bytes: 60_000, total_bytes: 4_000_000, ..Ledger::DEFAULT };

#[test]
fn what_was_acknowledged_survives_every_kill() {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        write_until_killed(Path::new(&dir));
    }
    let kills: u32 = std::env::var(KILLS).map_or(12, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut before: Option<Checkpoint> = None;
    let mut acknowledged: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..kills {
        // Some die while they open the log.
        let patience = Duration::from_micros(u64::from(round * 7919 % 90_000));
        let new = killed_after(dir.path(), patience);
        for (entry, id) in new {
            assert!(acknowledged.insert(entry, id).is_none(), "entry {entry} twice");
        }
        let lines = lines(dir.path());
        let first = lines.keys().next().copied().unwrap_or_default();
        acknowledged.retain(|entry, _| *entry >= first);
        for (entry, id) in &acknowledged {
            let line = lines.get(entry).unwrap_or_else(|| panic!("entry {entry} is lost"));
            assert!(line.contains(id), "entry {entry} is another");
        }
        before = consistent(dir.path(), before);
    }
    assert!(!acknowledged.is_empty(), "nothing was ever acknowledged");
    // What was written last is signed by the next start.
    drop(EventLogWriter::open(dir.path(), CONFIG).unwrap());
    let trust = Trust::of_log(bartizan_ledger::public_key(dir.path()).unwrap());
    assert_eq!(verify(dir.path(), &trust, |_| ()).unwrap().unsigned, 0);
}

/// The entries that a process acknowledged before it was killed, after so long.
fn killed_after(dir: &Path, patience: Duration) -> Vec<(u64, String)> {
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
    let ack = |line: String| {
        let (entry, id) = line.strip_prefix("ack ")?.split_once(' ')?;
        // The last line may have been cut by the kill.
        (id.len() == 36).then(|| (entry.parse().unwrap(), id.to_owned()))
    };
    out.lines().filter_map(|line| ack(line.unwrap())).collect()
}

/// Whole lines of the log, by number.
pub(crate) fn lines(dir: &Path) -> BTreeMap<u64, String> {
    let mut lines = BTreeMap::new();
    for file in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let Some(name) = name.strip_prefix("events-").and_then(|name| name.strip_suffix(".jsonl"))
        else {
            continue;
        };
        let first: u64 = name.split('-').next().unwrap().parse().unwrap();
        let text = bartizan_core::limits::read_text_file(&file, 1 << 20).unwrap();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let whole = whole.filter(|line| !line.trim().is_empty());
        lines.extend((first..).zip(whole.map(str::to_owned)));
    }
    lines
}

/// Whose entries they are is known wherever an entry is.
pub(crate) fn all_have_names(dir: &Path) {
    for event in bartizan_ledger::read(dir, None) {
        let principal = event.unwrap().principal.unwrap_or_default();
        assert!(!principal.starts_with(bartizan_ledger::subjects::PREFIX), "{principal}");
    }
}

/// Checks the log against its checkpoint, and the checkpoint against the one before.
fn consistent(dir: &Path, before: Option<Checkpoint>) -> Option<Checkpoint> {
    let Ok(key) = bartizan_ledger::public_key(dir) else {
        assert_eq!(before, None, "the key is lost");
        return None;
    };
    all_have_names(dir);
    let signed = match verify(dir, &Trust::of_log(key), |_| ()) {
        Ok(verified) => verified.signed.checkpoint,
        Err(Broken::Unsigned { .. }) if before.is_none() => return None,
        Err(broken) => panic!("{broken}: {broken:?}"),
    };
    if let Some(before) = before {
        assert!(signed.size >= before.size, "{signed:?} after {before:?}");
        assert_eq!(
            root(dir, before.size),
            before.root,
            "{signed:?} does not begin with {before:?}"
        );
    }
    Some(signed)
}

/// Root over the first entries, from the hashes that are kept.
fn root(dir: &Path, size: u64) -> Hash {
    let mut frontier = Frontier::new();
    for index in 0..size.div_ceil(256) {
        let tile = dir.join("tile/0").join(format!("{index:03}"));
        let tile = if tile.is_file() { tile } else { widest(&tile.with_extension("p")) };
        let bytes =
            bartizan_core::limits::read_capped(std::fs::File::open(tile).unwrap(), 8192).unwrap();
        let hashes = bytes.as_chunks::<32>().0;
        for hash in hashes.iter().take((size - frontier.size()) as usize) {
            frontier.push(Hash::from(*hash), |_, _, _| ());
        }
    }
    assert_eq!(frontier.size(), size);
    frontier.root()
}

/// The tile of most hashes in a folder of tiles that are not full.
fn widest(folder: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let width = |path: &std::path::PathBuf| path.file_name()?.to_str()?.parse::<u16>().ok();
    files.filter(|path| width(path).is_some()).max_by_key(width).unwrap()
}

fn write_until_killed(dir: &Path) -> ! {
    let log = EventLogWriter::open(dir, CONFIG).unwrap();
    let out = Mutex::new(std::io::stdout());
    let names = std::sync::atomic::AtomicU64::new(0);
    let event = || {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        let name = names.fetch_add(1, std::sync::atomic::Ordering::Relaxed) / 5;
        event.principal = Some(format!("sp:caller-{name}"));
        event
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let event = event();
                    let entry = log.record_durably(&event).unwrap();
                    writeln!(out.lock().unwrap(), "ack {entry} {}", event.request_id).unwrap();
                }
            });
        }
        scope.spawn(|| {
            loop {
                log.append(&event()).unwrap();
                std::thread::sleep(Duration::from_micros(50));
            }
        });
        // Far more often than by itself, so that kills fall into it.
        loop {
            log.sign().unwrap();
        }
    })
}

#[test]
fn a_checkpoint_is_a_note_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), CONFIG).unwrap();
    log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
    drop(log);
    let text =
        bartizan_ledger::serve::Served::new(dir.path().to_owned()).checkpoint().unwrap().unwrap();
    let note: Note = text.parse().unwrap();
    assert_eq!((note.to_string(), note.signatures().len()), (text, 1));
}
