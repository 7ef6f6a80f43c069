//! Logs of which something was changed, by the byte.

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;

use super::*;
use crate::EventLogWriter;
use crate::note::SigningKey;
use crate::segment;

const CONFIG: Ledger = Ledger { segment_bytes: 1 << 20, total_bytes: 1 << 30, ..Ledger::DEFAULT };

fn log(events: u64, config: Ledger) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), config).unwrap();
    for n in 0..events {
        log.append(&Event::new(RequestId::new(), "gateway", &format!("op-{n}"))).unwrap();
    }
    drop(log);
    dir
}

fn trust(dir: &Path) -> Trust {
    Trust::of_log(crate::public_key(dir).unwrap())
}

fn check(dir: &Path) -> Result<Verified, Broken> {
    verify(dir, &trust(dir), |_| ())
}

fn read(path: &Path) -> Vec<u8> {
    bartizan_core::limits::read_capped(std::fs::File::open(path).unwrap(), 1 << 22).unwrap()
}

#[test]
fn a_log_that_nobody_touched_holds() {
    for events in [1, 2, 255, 256, 257, 600] {
        let dir = log(events, CONFIG);
        let verified = check(dir.path()).unwrap();
        assert_eq!((verified.first, verified.checked, verified.unsigned), (0, events, 0));
        assert_eq!(verified.signed.checkpoint.size, events);
    }
}

#[test]
fn every_changed_byte_is_found() {
    let dir = log(5, CONFIG);
    let trust = trust(dir.path());
    let mut files = vec![segment::list(dir.path()).unwrap().remove(0).path];
    files.extend(["checkpoint", "tile/0/000.p/5"].map(|name| dir.path().join(name)));
    for path in files {
        let before = read(&path);
        for at in 0..before.len() {
            for flip in [1, 0x20, 0x80] {
                let mut changed = before.clone();
                changed[at] ^= flip;
                std::fs::write(&path, &changed).unwrap();
                let broken = verify(dir.path(), &trust, |_| ());
                assert!(broken.is_err(), "{} byte {at} ^ {flip}: {broken:?}", path.display());
            }
        }
        std::fs::write(&path, before).unwrap();
    }
    verify(dir.path(), &trust, |_| ()).unwrap();
}

#[test]
fn names_the_first_entry_that_does_not_hold() {
    let changed = |change: fn(&mut Vec<String>)| {
        let dir = log(300, CONFIG);
        let path = segment::list(dir.path()).unwrap().remove(0).path;
        let text = String::from_utf8(read(&path)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        std::fs::write(&path, lines.iter().flat_map(|line| [line, "\n"]).collect::<String>())
            .unwrap();
        check(dir.path()).err().and_then(|broken| broken.entry())
    };
    assert_eq!(changed(|_| ()), None);
    assert_eq!(changed(|lines| lines[123] = lines[123].replace("op-", "up-")), Some(123));
    assert_eq!(changed(|lines| lines.swap(7, 290)), Some(7));
    assert_eq!(changed(|lines| drop(lines.remove(20))), Some(20));
    assert_eq!(changed(|lines| lines.insert(20, lines[4].clone())), Some(20));
    assert_eq!(changed(|lines| drop(lines.pop())), Some(299));
    assert_eq!(changed(|lines| lines.truncate(256)), Some(256));
    assert_eq!(changed(Vec::clear), Some(0));
    assert_eq!(changed(|lines| drop(lines.drain(..10))), Some(0));
}

#[test]
fn an_entry_changed_with_its_hash_is_found_by_the_hashes_above() {
    let dir = log(700, CONFIG);
    let path = segment::list(dir.path()).unwrap().remove(0).path;
    let text = String::from_utf8(read(&path)).unwrap().replace("\"op-300\"", "\"op-666\"");
    std::fs::write(&path, &text).unwrap();
    let tile = dir.path().join("tile/0/001");
    let mut hashes = read(&tile);
    let forged = Hash::of_leaf(text.lines().nth(300).unwrap().as_bytes());
    hashes[44 * 32..45 * 32].copy_from_slice(forged.as_bytes());
    std::fs::write(&tile, hashes).unwrap();
    assert_eq!(check(dir.path()).unwrap_err().entry(), Some(256));
}

#[test]
fn a_log_that_was_written_anew_is_signed_by_somebody_else() {
    let (dir, other) = (log(3, CONFIG), log(3, CONFIG));
    let broken = verify(other.path(), &trust(dir.path()), |_| ()).unwrap_err();
    assert!(matches!(broken, Broken::Trust(_)), "{broken:?}");
    std::fs::remove_file(dir.path().join("checkpoint")).unwrap();
    assert!(matches!(check(dir.path()), Err(Broken::Unsigned { .. })));
    assert_eq!(check(log(0, CONFIG).path()).unwrap().checked, 0);
    // A key of the same name does not help.
    let name = crate::public_key(other.path()).unwrap().name().clone();
    let key = SigningKey::generate(name, crate::note::Algorithm::Ed25519).unwrap();
    let broken = verify(other.path(), &Trust::of_log(key.verifying().clone()), |_| ());
    assert!(matches!(broken, Err(Broken::Trust(_))), "{broken:?}");
}

#[test]
fn entries_that_the_log_removed_are_not_missed_and_others_are() {
    let config = Ledger { segment_bytes: 20_000, total_bytes: 200_000, ..CONFIG };
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), config).unwrap();
    for n in 0..3_000 {
        log.append(&Event::new(RequestId::new(), "gateway", &format!("op-{n}"))).unwrap();
        if n % 50 == 0 {
            log.sign().unwrap();
        }
    }
    drop(log);
    let verified = check(dir.path()).unwrap();
    assert!(verified.first > 1_000, "{verified:?}");
    let oldest = segment::list(dir.path()).unwrap().remove(0);
    assert_eq!(oldest.first, verified.first);
    std::fs::remove_file(oldest.path).unwrap();
    let next = segment::list(dir.path()).unwrap()[0].first;
    assert_eq!(check(dir.path()).unwrap_err().entry(), Some(next - 1));
    // A file from the middle.
    let middle = segment::list(dir.path()).unwrap().remove(1);
    std::fs::remove_file(&middle.path).unwrap();
    assert_eq!(check(dir.path()).unwrap_err().entry(), Some(middle.first));
}

#[test]
fn files_that_the_log_removes_meanwhile_are_not_missed() {
    let config = Ledger { segment_bytes: 20_000, ..CONFIG };
    let dir = log(1_200, config);
    let config = Ledger { total_bytes: 100_000, ..config };
    let mut opened = None;
    let verified = verify(dir.path(), &trust(dir.path()), |_| {
        // The list of files was made, and only the first of them is open.
        let log = opened.get_or_insert_with(|| EventLogWriter::open(dir.path(), config).unwrap());
        log.sign().unwrap();
    });
    let first = segment::list(dir.path()).unwrap()[0].first;
    assert!(first > 0, "nothing was removed");
    assert_eq!(verified.unwrap().first, first);
    // What goes without a word of the log is missed as soon as it is gone.
    let mut gone = false;
    let broken = verify(dir.path(), &trust(dir.path()), |_| {
        for segment in segment::list(dir.path()).unwrap().into_iter().take(if gone { 0 } else { 2 })
        {
            std::fs::remove_file(segment.path).unwrap();
        }
        gone = true;
    });
    let next = segment::list(dir.path()).unwrap()[0].first;
    assert_eq!(broken.unwrap_err().entry(), Some(next - 1));
}

#[test]
fn files_that_are_not_the_logs_own_are_found() {
    let dir = log(3, CONFIG);
    for name in ["events-000000000000-19700101T000000.000000Z.jsonl", "events-extra.jsonl"] {
        let path = dir.path().join(name);
        std::fs::write(&path, "{\"forged\":true}\n").unwrap();
        let broken = check(dir.path()).unwrap_err();
        assert!(matches!(broken, Broken::Unreadable(_)), "{name}: {broken:?}");
        std::fs::remove_file(path).unwrap();
    }
    check(dir.path()).unwrap();
}

#[test]
fn what_was_put_in_while_the_log_was_closed_removes_nothing() {
    let config = Ledger { segment_bytes: 10_000, ..CONFIG };
    let dir = log(600, config);
    let path = segment::list(dir.path()).unwrap().pop().unwrap().path;
    let mut lines = read(&path);
    lines.extend(serde_json::to_vec(&crate::removal::event(300)).unwrap());
    lines.push(b'\n');
    std::fs::write(&path, lines).unwrap();
    drop(EventLogWriter::open(dir.path(), config).unwrap());
    check(dir.path()).unwrap();
    let oldest = segment::list(dir.path()).unwrap().remove(0);
    std::fs::remove_file(oldest.path).unwrap();
    let first = segment::list(dir.path()).unwrap()[0].first;
    assert_eq!(check(dir.path()).unwrap_err().entry(), Some(first - 1));
}

#[test]
fn entries_behind_the_checkpoint_are_counted() {
    let dir = log(2, CONFIG);
    let path = segment::list(dir.path()).unwrap().remove(0).path;
    let mut lines = read(&path);
    lines.extend_from_slice(b"{}\n{}\n{\"half");
    std::fs::write(&path, lines).unwrap();
    let verified = check(dir.path()).unwrap();
    assert_eq!((verified.checked, verified.unsigned), (2, 2));
}

mod witnessed {
    //! What a witness has seen cannot be taken back, also by whoever has the key of the log.

    use super::*;
    use crate::witness::{Witness, keep, submission};

    fn write(dir: &Path, events: u64) {
        let log = EventLogWriter::open(dir, CONFIG).unwrap();
        for n in 0..events {
            log.append(&Event::new(RequestId::new(), "gateway", &format!("op-{n}"))).unwrap();
        }
        log.sign().unwrap();
    }

    /// Has a witness sign the last checkpoint.
    fn show(dir: &Path, witness: &Witness, old: u64) {
        let mut note: Note = checkpoint_text(dir).unwrap().unwrap().parse().unwrap();
        let line = witness.sign(&submission(dir, &note, old).unwrap(), 1_700_000_000).unwrap();
        for signature in crate::note::parse_signatures(&line).unwrap() {
            note.add(signature);
        }
        keep(dir, &note).unwrap();
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    fn put(from: &Path, to: &Path, name: &str) {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }

    #[test]
    fn an_older_or_other_log_under_the_same_key_is_found_out() {
        let all = tempfile::tempdir().unwrap();
        let [dir, empty, older] = ["log", "empty", "older"].map(|name| all.path().join(name));
        write(&dir, 0);
        copy(&dir, &empty);
        let log = crate::public_key(&dir).unwrap();
        let witness = Witness::open(&all.path().join("witness"), vec![log.clone()]).unwrap();
        let (log, key) = (log.to_string(), witness.key().to_string());
        let trust: Trust = format!("log {log}\nwitness W {key}\nquorum W\n").parse().unwrap();
        let check = |dir: &Path| verify(dir, &trust, |_| ());
        let unseen = check(&dir);
        assert!(matches!(unseen, Err(Broken::Trust(TrustError::Quorum { .. }))), "{unseen:?}");

        write(&dir, 300);
        show(&dir, &witness, 0);
        copy(&dir, &older);
        write(&dir, 200);
        // The witness is behind the log: what it has seen holds, and so does the rest.
        let verified = check(&dir).unwrap();
        assert_eq!((verified.signed.checkpoint.size, verified.unwitnessed), (300, 200));
        assert_eq!(verified.checked, 500);
        show(&dir, &witness, 300);
        let verified = check(&dir).unwrap();
        assert_eq!((verified.signed.checkpoint.size, verified.unwitnessed), (500, 0));
        assert_eq!(verified.signed.witnesses, [("W".to_owned(), 1_700_000_000)]);

        // An older copy is put back under what was seen.
        put(&dir, &older, "checkpoint.witnessed");
        let cut = check(&older);
        assert!(matches!(cut, Err(Broken::Missing { entry: 300 })), "{cut:?}");
        // With its key the log is written anew, as long or longer.
        for events in [500, 700] {
            let other = all.path().join(format!("other-{events}"));
            copy(&empty, &other);
            write(&other, events);
            verify(&other, &super::trust(&other), |_| ()).unwrap();
            put(&dir, &other, "checkpoint.witnessed");
            let forged = check(&other);
            assert!(matches!(forged, Err(Broken::Hashes { .. })), "{forged:?}");
            // Whoever trusts the log alone finds it, too.
            let alone = verify(&other, &super::trust(&other), |_| ());
            assert!(matches!(alone, Err(Broken::Hashes { .. })), "{alone:?}");
        }
    }

    #[test]
    fn proofs_carry_what_witnesses_have_seen() {
        let all = tempfile::tempdir().unwrap();
        let dir = all.path().join("log");
        write(&dir, 10);
        let log = crate::public_key(&dir).unwrap();
        let witness = Witness::open(&all.path().join("witness"), vec![log.clone()]).unwrap();
        show(&dir, &witness, 0);
        write(&dir, 5);
        let signed = |entry| {
            let proof = crate::prove::prove(&dir, entry).unwrap();
            let file = format!("log {log}\nwitness W {}\nquorum none\n", witness.key());
            proof.verify(proof.leaf().unwrap(), &file.parse().unwrap()).unwrap()
        };
        assert_eq!((signed(9).checkpoint.size, signed(9).witnesses.len()), (10, 1));
        assert_eq!((signed(10).checkpoint.size, signed(10).witnesses.len()), (15, 0));
    }
}
