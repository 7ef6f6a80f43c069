//! What is signed, when, and when a log is not started.

use jiff::Timestamp;

use super::*;
use crate::merkle::{Content, Frontier, Tile, TileError, Tiles, root};
use crate::note::Note;

#[test]
fn everything_recorded_is_signed_and_can_be_checked_by_the_public_key() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    assert_eq!(log.sign().unwrap().unwrap().size, 0);
    for n in 0..700 {
        log.append(&event(n)).unwrap();
        if n % 97 == 0 {
            assert_eq!(log.sign().unwrap().unwrap().size, n + 1);
        }
    }
    let signed = log.sign().unwrap().unwrap();
    assert_eq!((signed.size, signed.root), (700, root_of_lines(dir.path())));
    let key = crate::public_key(dir.path()).unwrap();
    let note: Note = checkpoint_text(dir.path()).unwrap().unwrap().parse().unwrap();
    let found = Trust::of_log(key).check(&note).unwrap();
    assert_eq!(found.checkpoint, signed);
    // The tiles are those of the tree, and no others are left.
    let paths: Vec<String> = Tile::between(0, 700)
        .filter(|tile| tile.content != Content::Entries)
        .map(|tile| tile.to_string())
        .collect();
    assert_eq!(paths, ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]);
    let mut kept = files_below(&dir.path().join("tile"));
    kept.sort();
    let mut expected: Vec<_> = paths.iter().map(|path| dir.path().join(path)).collect();
    expected.sort();
    assert_eq!(kept, expected);
    let read = |tile| crate::tree::read_tile(dir.path(), tile).map(|hashes| bytes(&hashes));
    let mut nodes =
        Tiles::new(700, |tile| read(tile).map_err(|_| TileError::Path { path: tile.to_string() }));
    assert_eq!(root(&mut nodes, 700), Ok(signed.root));
}

#[test]
fn signs_within_a_second_and_only_when_there_is_news() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    log.append(&event(0)).unwrap();
    let written = Instant::now();
    let is_empty = |note: String| note.contains("\n0\n");
    while checkpoint_text(dir.path()).unwrap().is_none_or(is_empty) {
        assert!(written.elapsed() < Duration::from_secs(10), "never signed");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(SYNC_DELAY + SIGN_DELAY < Duration::from_secs(1));
    let before = checkpoint_text(dir.path()).unwrap();
    log.sign().unwrap();
    assert_eq!(checkpoint_text(dir.path()).unwrap(), before);
}

#[test]
fn a_log_goes_on_with_its_tree_at_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let config = Ledger { segment_bytes: 4_000, ..BIG };
    let mut size = 0;
    for more in [1, 3, 252, 1, 255, 1, 300, 0, 512] {
        let log = EventLogWriter::open(dir.path(), config).unwrap();
        for _ in 0..more {
            log.append(&event(size)).unwrap();
            size += 1;
        }
        drop(log);
        let note: Note = checkpoint_text(dir.path()).unwrap().unwrap().parse().unwrap();
        let signed: Checkpoint = note.text().parse().unwrap();
        assert_eq!((signed.size, signed.root), (size, root_of_lines(dir.path())));
    }
}

#[test]
fn entries_behind_the_last_checkpoint_are_signed_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    log.append(&event(0)).unwrap();
    log.sign().unwrap();
    disk.cannot_put.store(true, Ordering::SeqCst);
    log.append(&event(1)).unwrap();
    assert!(matches!(log.sign(), Err(LedgerError::Sign(_))));
    assert!(log.check().is_err(), "readiness must see that nothing is signed");
    log.append(&event(2)).unwrap();
    drop(log);
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    // With one that says which they were.
    assert_eq!(log.sign().unwrap().unwrap().size, 4);
    log.check().unwrap();
    drop(log);
    assert_eq!(operations(dir.path()).last().map(String::as_str), Some("entries-adopted"));
}

#[test]
fn a_clean_end_leaves_nothing_unsigned() {
    let dir = tempfile::tempdir().unwrap();
    let config = Ledger { segment_bytes: 20_000, total_bytes: 100_000, ..BIG };
    for end in 0..60 {
        let log = EventLogWriter::open(dir.path(), config).unwrap();
        for n in 0..50 + end {
            log.append(&event(n)).unwrap();
        }
        drop(log);
        let key = crate::public_key(dir.path()).unwrap();
        let verified = crate::verify::verify(dir.path(), &Trust::of_log(key), |_| ()).unwrap();
        assert_eq!(verified.unsigned, 0, "after {end} starts: {verified:?}");
    }
}

#[test]
fn a_log_whose_thread_panicked_takes_nothing_until_it_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faults::default());
    let log = open_with(&disk, dir.path(), BIG);
    log.append(&event(0)).unwrap();
    disk.panics.store(true, Ordering::SeqCst);
    let mut taken = 1;
    let asked = Instant::now();
    // All the while, so that some are on their way to the disk when the thread ends.
    let refused = loop {
        match log.append(&event(taken)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(asked.elapsed() < Duration::from_secs(20), "nothing is signed");
        std::thread::sleep(Duration::from_millis(1));
    };
    let said = std::error::Error::source(&refused).unwrap().to_string();
    assert!(said.contains("start again"), "{said}");
    log.check().unwrap_err();
    log.record_durably(&event(9)).unwrap_err();
    drop(log);
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    log.sign().unwrap();
    assert_eq!(
        operations(dir.path()).iter().filter(|name| name.starts_with("op-")).count() as u64,
        taken
    );
    let trust = Trust::of_log(crate::public_key(dir.path()).unwrap());
    assert_eq!(crate::verify::verify(dir.path(), &trust, |_| ()).unwrap().unsigned, 0);
}

#[test]
fn does_not_start_on_a_log_that_differs_from_its_last_checkpoint() {
    let refused = |change: fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        let log = EventLogWriter::open(dir.path(), BIG).unwrap();
        for n in 0..300 {
            log.append(&event(n)).unwrap();
        }
        drop(log);
        change(dir.path());
        EventLogWriter::open(dir.path(), BIG).err().map(|error| format!("{error:?}"))
    };
    let check = |change: fn(&Path), expected: &str| {
        let error = refused(change).unwrap_or_default();
        assert!(error.starts_with(expected), "{expected}: {error}");
    };
    assert_eq!(refused(|_| ()), None);
    // The edge of the tree is made again from the lines.
    assert_eq!(refused(|dir| std::fs::remove_dir_all(dir.join("tile/0/001.p")).unwrap()), None);
    check(
        |dir| rewrite(dir, |lines| lines.replacen("op-299", "op-298", 1)),
        "Changed { signed: 300 }",
    );
    check(
        |dir| {
            rewrite(dir, |lines| {
                lines[..lines.len() - 2].rsplit_once('\n').unwrap().0.to_owned() + "\n"
            });
        },
        "Behind { signed: 300, entries: 299 }",
    );
    check(|dir| std::fs::remove_file(dir.join("tile/0/000")).unwrap(), "Tile {");
    check(|dir| std::fs::write(dir.join("tile/0/000"), [0; 8192]).unwrap(), "Changed {");
    check(|dir| std::fs::remove_file(dir.join("signing.key")).unwrap(), "Key {");
    // Otherwise anything could be signed anew.
    check(|dir| std::fs::remove_file(dir.join("checkpoint")).unwrap(), "Checkpoint {");
    check(
        |dir| {
            std::fs::remove_file(dir.join("checkpoint")).unwrap();
            std::fs::remove_file(&segment::list(dir).unwrap().remove(0).path).unwrap();
        },
        "Checkpoint {",
    );
    check(
        |dir| std::fs::write(Segment::at(dir, 0, Timestamp::UNIX_EPOCH).path, "{}\n").unwrap(),
        "Gap {",
    );
    check(|dir| std::fs::write(dir.join("checkpoint"), "log\n300\n").unwrap(), "Checkpoint {");
    check(
        |dir| {
            let path = segment::list(dir).unwrap().remove(0).path;
            std::fs::rename(&path, Segment::at(dir, 7, Segment::next(dir, 0, None).start).path)
                .unwrap();
        },
        "Changed {",
    );
}

fn rewrite(dir: &Path, change: impl Fn(&str) -> String) {
    let path = segment::list(dir).unwrap().remove(0).path;
    let lines = bartizan_core::limits::read_text_file(&path, 1 << 20).unwrap();
    std::fs::write(&path, change(&lines)).unwrap();
}

/// The root over the lines of the log, by another way than the writer's.
fn root_of_lines(dir: &Path) -> Hash {
    let mut frontier = Frontier::new();
    let mut entries = EntryReader::from(dir, 0).unwrap();
    while let Some(entry) = entries.next().unwrap() {
        frontier.push(Hash::of_leaf(entry), |_, _, _| ());
    }
    frontier.root()
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
