//! A log whose key is changed: who can verify it when, and what a crash on the way leaves.

use super::*;
use crate::note::{Algorithm, Note, SigningKey, VerifyingKey, parse_signatures};
use crate::verify::{Broken, verify};
use crate::witness::{Witness, keep, submission};

const KEY: &str = "signing.key";

fn holds(dir: &Path, trust: &Trust) -> Result<crate::verify::Verified, Broken> {
    verify(dir, trust, |_| ())
}

fn of(key: &VerifyingKey) -> Trust {
    Trust::of_log(key.clone())
}

/// A folder with some entries, and its key.
fn begun(dir: &Path) -> VerifyingKey {
    let log = EventLogWriter::open(dir, BIG).unwrap();
    (0..300).for_each(|n| log.append(&event(n)).unwrap());
    drop(log);
    crate::public_key(dir).unwrap()
}

fn add_key(dir: &Path) -> VerifyingKey {
    EventLogWriter::open(dir, BIG).unwrap().add_key().unwrap()
}

fn retire_key(dir: &Path) -> Retired {
    EventLogWriter::open(dir, BIG).unwrap().retire_key().unwrap()
}

fn go_on(dir: &Path) {
    EventLogWriter::open(dir, BIG).unwrap().append(&event(7)).unwrap();
}

fn signers(dir: &Path) -> Vec<u32> {
    let note: Note = checkpoint_text(dir).unwrap().unwrap().parse().unwrap();
    note.signatures().iter().map(|signature| signature.id).collect()
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

fn assert_retired(found: Result<crate::verify::Verified, Broken>, by: &VerifyingKey, signs: bool) {
    let text = found.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let Err(Broken::Retired { entry, next, is_signed, .. }) = found else { panic!("{found:?}") };
    assert_eq!((&*next, is_signed), (by, signs));
    assert!(text.contains(&format!("entry {entry}, ")) && text.contains(&by.to_string()), "{text}");
}

#[test]
fn both_keys_sign_until_the_older_one_is_retired() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let old = begun(dir);
    assert_eq!(signers(dir), [old.id()]);
    let log = EventLogWriter::open(dir, BIG).unwrap();
    let new = log.add_key().unwrap();
    assert_ne!(new, old);
    assert_eq!(new.name(), old.name());
    assert_eq!(crate::public_key(dir).unwrap(), new);
    assert_eq!(crate::earlier_keys(dir).unwrap(), std::slice::from_ref(&old));
    let both: Trust = format!("log {old}\nlog {new}\nquorum none\n").parse().unwrap();
    let check = || {
        assert_eq!(signers(dir), [new.id(), old.id()]);
        let found = [&of(&old), &of(&new), &both].map(|trust| holds(dir, trust).unwrap());
        assert_eq!(found[0].signed, found[1].signed);
        assert!(crate::serve::checkpoint(dir).unwrap().is_some());
    };
    // The process that changed it goes on, and so do others.
    check();
    log.append(&event(1)).unwrap();
    log.sign().unwrap();
    check();
    let again = log.add_key().unwrap_err();
    assert!(matches!(&again, LedgerError::TwoKeys { older } if *older == old), "{again}");
    drop(log);
    go_on(dir);
    check();

    let retired = retire_key(dir);
    assert_eq!((&retired.key, &retired.next), (&old, &new));
    go_on(dir);
    assert_eq!(signers(dir), [new.id()]);
    holds(dir, &of(&new)).unwrap();
    holds(dir, &both).unwrap();
    assert_retired(holds(dir, &of(&old)), &new, true);
    let entries = operations(dir);
    let said = |name: &str| entries.iter().filter(|operation| *operation == name).count();
    assert_eq!((said("key-added"), said("key-retired"), said("entries-adopted")), (1, 1, 0));
    let one = EventLogWriter::open(dir, BIG).unwrap().retire_key().unwrap_err();
    assert!(matches!(one, LedgerError::OneKey), "{one}");
    // The proof can be shown to whoever knows the old key alone.
    let proof = bartizan_core::limits::read_text_file(&retired.proof, 1 << 20).unwrap();
    let proof: crate::log_proof::LogProof = proof.parse().unwrap();
    proof.verify(proof.leaf().unwrap(), &of(&old)).unwrap();
    proof.verify(proof.leaf().unwrap(), &of(&new)).unwrap();
    let said: Event = serde_json::from_slice(&proof.extra.unwrap()).unwrap();
    assert_eq!(said.detail, Some(format!("{old} replaced by {new}")));
}

#[test]
fn keys_are_changed_again_and_each_names_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut keys = vec![begun(dir)];
    for _ in 0..3 {
        keys.push(add_key(dir));
        go_on(dir);
        retire_key(dir);
    }
    go_on(dir);
    let [earlier @ .., last] = keys.as_slice() else { panic!() };
    holds(dir, &of(last)).unwrap();
    for (old, next) in earlier.iter().zip(&keys[1..]) {
        assert_retired(holds(dir, &of(old)), next, true);
    }
    let kept = crate::earlier_keys(dir).unwrap();
    assert!(kept.iter().eq(earlier.iter().rev()), "{kept:?}");
}

#[test]
fn a_log_without_entries_gets_a_new_key_too() {
    let dir = tempfile::tempdir().unwrap();
    drop(EventLogWriter::open(dir.path(), BIG).unwrap());
    let old = crate::public_key(dir.path()).unwrap();
    let new = add_key(dir.path());
    for key in [&old, &new] {
        assert_eq!(holds(dir.path(), &of(key)).unwrap().checked, 1);
    }
}

#[test]
fn what_the_old_key_has_not_signed_is_not_said_to_be_its_word() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let old = begun(dir);
    let new = add_key(dir);
    let Retired { proof, .. } = retire_key(dir);
    // A proof of another log, or of another entry, shows nothing.
    let other = tempfile::tempdir().unwrap();
    begun(other.path());
    add_key(other.path());
    let foreign = retire_key(other.path()).proof;
    let unrelated = crate::prove::prove(dir, 3).unwrap().to_string();
    // Nor does one in which the entry is exchanged for one that names somebody else's key.
    let never = SigningKey::generate(old.name().clone(), Algorithm::Ed25519).unwrap();
    let text = bartizan_core::limits::read_text_file(&proof, 1 << 20).unwrap();
    let mut forged: crate::log_proof::LogProof = text.parse().unwrap();
    let said = String::from_utf8(forged.extra.unwrap()).unwrap();
    let said = said.replace(&new.to_string(), &never.verifying().to_string());
    forged.extra = Some(said.into_bytes());
    std::fs::write(&proof, forged.to_string()).unwrap();
    assert_retired(holds(dir, &of(&old)), &new, false);
    std::fs::copy(foreign, &proof).unwrap();
    assert_retired(holds(dir, &of(&old)), &new, false);
    std::fs::write(&proof, unrelated).unwrap();
    assert_retired(holds(dir, &of(&old)), &new, false);
    std::fs::remove_file(&proof).unwrap();
    assert_retired(holds(dir, &of(&old)), &new, false);
    // Of a key that the log never had, it says nothing.
    let found = holds(dir, &of(never.verifying()));
    assert!(matches!(found, Err(Broken::Trust(_))), "{found:?}");
}

#[test]
fn a_change_goes_on_from_wherever_it_was_cut_off() {
    let all = tempfile::tempdir().unwrap();
    let folder = |name: &str| all.path().join(name);
    let [before, during, after] = ["before", "during", "after"].map(folder);
    let old = begun(&before);
    copy(&before, &during);
    let new = add_key(&during);
    copy(&during, &after);
    let retired = retire_key(&after);
    // The last that both have signed.
    let proof = bartizan_core::limits::read_text_file(&retired.proof, 1 << 20).unwrap();
    let proof: crate::log_proof::LogProof = proof.parse().unwrap();
    std::fs::write(after.join("checkpoint"), proof.checkpoint.to_string()).unwrap();
    // What of the later folder is on the disk already, over the earlier one.
    let retired = format!("retired-{:08x}.tlog-proof", old.id());
    let check = |name: &str, base: &Path, later: &Path, parts: &[&str]| {
        let dir = folder(name);
        copy(base, &dir);
        for part in parts {
            if later.join(part).is_dir() {
                copy(&later.join(part), &dir.join(part));
            } else if *part == "events" {
                let path = segment::list(later).unwrap().remove(0).path;
                std::fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
            } else {
                std::fs::copy(later.join(part), dir.join(part)).unwrap();
            }
        }
        // Whoever verifies before the next start sees a log that holds.
        holds(&dir, &of(&old)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        drop(EventLogWriter::open(&dir, BIG).unwrap_or_else(|error| panic!("{name}: {error:?}")));
        assert_eq!(crate::public_key(&dir).unwrap(), new, "{name}");
        assert_eq!(crate::earlier_keys(&dir).unwrap(), std::slice::from_ref(&old), "{name}");
        assert_eq!(signers(&dir), [new.id(), old.id()], "{name}");
        assert!(operations(&dir).contains(&"key-added".to_owned()), "{name}");
        for key in [&old, &new] {
            assert_eq!(holds(&dir, &of(key)).unwrap().unsigned, 0, "{name}");
        }
        retire_key(&dir);
        holds(&dir, &of(&new)).unwrap();
        assert_retired(holds(&dir, &of(&old)), &new, true);
    };
    check("keys", &before, &during, &[KEY]);
    check("entry", &before, &during, &[KEY, "events"]);
    check("signed", &before, &during, &[KEY, "events", "tile", "checkpoint"]);
    let parts = [KEY, "events", "tile", "checkpoint", "log.vkey.old"];
    check("earlier", &before, &during, &parts);
    check("shown", &during, &during, &[]);
    check("said", &during, &after, &["events"]);
    check("said-and-signed", &during, &after, &["events", "tile", "checkpoint"]);
    check("proved", &during, &after, &["events", "tile", "checkpoint", retired.as_str()]);
    // Without the older key all is done, but for what stands under the last checkpoint.
    assert_eq!(signers(&after), [new.id(), old.id()]);
    for key in [&old, &new] {
        holds(&after, &of(key)).unwrap();
    }
    go_on(&after);
    assert_eq!(signers(&after), [new.id()]);
    assert_retired(holds(&after, &of(&old)), &new, true);
}

#[test]
fn a_disk_that_fails_at_any_step_leaves_a_log_that_opens() {
    let mut has_ended = [false; 2];
    for puts in 0..24 {
        for (retires, has_ended) in [false, true].into_iter().zip(&mut has_ended) {
            let all = tempfile::tempdir().unwrap();
            let (dir, old, _) = witnessed(all.path());
            if retires {
                add_key(&dir);
            }
            let faults = Arc::new(Faults::default());
            let log = open_with(&faults, &dir, BIG);
            faults.puts.store(puts, Ordering::SeqCst);
            let done = if retires { log.retire_key().map(drop) } else { log.add_key().map(drop) };
            *has_ended |= done.is_ok();
            drop(log);
            go_on(&dir);
            let current = crate::public_key(&dir).unwrap();
            holds(&dir, &of(&current)).unwrap();
            match holds(&dir, &of(&old)) {
                Ok(_) => assert!(!(retires && done.is_ok()), "{puts}"),
                found => {
                    assert!(retires && done.is_ok(), "{puts}: {done:?}");
                    assert_retired(found, &current, true);
                }
            }
        }
    }
    assert_eq!(has_ended, [true; 2]);
}

#[test]
fn no_other_key_is_taken_for_that_of_the_log() {
    let all = tempfile::tempdir().unwrap();
    let folder = |name: &str| all.path().join(name);
    let [before, during, after] = ["before", "during", "after"].map(folder);
    begun(&before);
    copy(&before, &during);
    add_key(&during);
    copy(&during, &after);
    retire_key(&after);
    go_on(&after);
    let other = folder("other");
    begun(&other);
    add_key(&other);
    let refused = |base: &Path, from: &Path, name: &str| {
        let dir = tempfile::tempdir().unwrap();
        copy(base, dir.path());
        std::fs::copy(from.join(name), dir.path().join(name)).unwrap();
        format!("{:?}", EventLogWriter::open(dir.path(), BIG).unwrap_err())
    };
    // The key of a backup from before, and a log from before under the keys that came later.
    for base in [&during, &after] {
        let error = refused(base, &before, KEY);
        assert!(error.starts_with("Key {") && error.contains("replaced by a newer"), "{error}");
        let error = refused(base, &before, "checkpoint");
        assert!(error.starts_with("Checkpoint {"), "{error}");
        let error = refused(base, &other, KEY);
        assert!(error.starts_with("Checkpoint {"), "{error}");
    }
    let text = |dir: &Path| bartizan_core::limits::read_text_file(&dir.join(KEY), 4096).unwrap();
    let (own, others) = (text(&during), text(&other));
    let [new, old] = own.lines().collect::<Vec<_>>()[..] else { panic!("{own}") };
    let strange = others.lines().next().unwrap();
    for keys in [
        format!("{new}\n{strange}\n"),
        format!("{new}\n{new}\n"),
        format!("{new}\n{old}\n{old}\n"),
        format!("{new}\n\n"),
        format!("\n{new}\n"),
    ] {
        std::fs::write(during.join(KEY), &keys).unwrap();
        let opened = EventLogWriter::open(&during, BIG);
        // Empty lines at the end are none.
        if keys.ends_with("\n\n") {
            opened.unwrap();
        } else {
            assert!(matches!(opened, Err(LedgerError::Key { .. })), "{keys}: {opened:?}");
        }
    }
}

#[test]
fn while_a_log_is_written_its_key_is_changed_by_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    let second = EventLogWriter::open(dir.path(), BIG);
    assert!(matches!(second, Err(LedgerError::Locked { .. })), "{second:?}");
    // By the process that writes it, it is, also while entries come.
    let old = crate::public_key(dir.path()).unwrap();
    let new = std::thread::scope(|threads| {
        threads.spawn(|| (0..2_000).for_each(|n| log.append(&event(n)).unwrap()));
        let new = log.add_key().unwrap();
        log.retire_key().unwrap();
        new
    });
    drop(log);
    holds(dir.path(), &of(&new)).unwrap();
    assert_retired(holds(dir.path(), &of(&old)), &new, true);
}

#[cfg(unix)]
#[test]
fn a_key_that_is_retired_is_overwritten_unless_somebody_keeps_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    begun(dir.path());
    let path = dir.path().join(KEY);
    let held = |file: &File| bartizan_core::limits::read_capped(file, 4096).unwrap();
    for change in [|dir: &Path| drop(add_key(dir)), |dir: &Path| drop(retire_key(dir))] {
        let before = File::open(&path).unwrap();
        change(dir.path());
        let left = held(&before);
        assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0), "{left:?}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let kept = dir.path().join("backup");
    std::fs::hard_link(&path, &kept).unwrap();
    let before = held(&File::open(&path).unwrap());
    add_key(dir.path());
    assert_eq!(held(&File::open(&kept).unwrap()), before);
    retire_key(dir.path());
    // Nor is a link replaced by a file that nobody backs up.
    std::fs::rename(&path, &kept).unwrap();
    std::os::unix::fs::symlink(&kept, &path).unwrap();
    let log = EventLogWriter::open(dir.path(), BIG).unwrap();
    assert!(matches!(log.add_key(), Err(LedgerError::Key { .. })));
    log.append(&event(9)).unwrap();
    drop(log);
    holds(dir.path(), &of(&crate::public_key(dir.path()).unwrap())).unwrap();
}

/// A log, and one who has signed its first entries.
fn witnessed(all: &Path) -> (PathBuf, VerifyingKey, Witness) {
    let dir = all.join("log");
    let old = begun(&dir);
    let witness = Witness::open(&all.join("witness"), vec![old.clone()]).unwrap();
    show(&dir, &witness, 0).unwrap();
    (dir, old, witness)
}

fn show(dir: &Path, witness: &Witness, seen: u64) -> Result<u64, crate::witness::WitnessError> {
    let mut note: Note = checkpoint_text(dir).unwrap().unwrap().parse().unwrap();
    let signed: Checkpoint = note.text().parse().unwrap();
    let lines = witness.sign(&submission(dir, &note, seen).unwrap(), 1_700_000_000)?;
    for signature in parse_signatures(&lines).unwrap() {
        note.add(signature);
    }
    keep(dir, &note).unwrap();
    Ok(signed.size)
}

#[test]
fn witnesses_that_know_the_old_key_sign_until_it_is_retired() {
    let all = tempfile::tempdir().unwrap();
    let (dir, old, witness) = witnessed(all.path());
    let new = add_key(&dir);
    let seen_by = |key: &VerifyingKey| {
        let trust = format!("log {key}\nwitness W {}\nquorum W\n", witness.key());
        verify(&dir, &trust.parse().unwrap(), |_| ())
    };
    // What was witnessed before is under the new key as well.
    for key in [&old, &new] {
        assert_eq!(seen_by(key).unwrap().signed.checkpoint.size, 300);
    }
    let served = crate::serve::Served::new(dir.clone());
    assert!(served.checkpoint().unwrap().unwrap().contains("\n300\n"));
    let seen = show(&dir, &witness, 300).unwrap();
    for key in [&old, &new] {
        assert_eq!(seen_by(key).unwrap().signed.checkpoint.size, seen);
    }
    retire_key(&dir);
    assert_eq!(seen_by(&new).unwrap().signed.checkpoint.size, seen);
    assert_retired(seen_by(&old), &new, true);
    assert_eq!(show(&dir, &witness, seen).unwrap_err().status(), 403);
    let key = witness.key().clone();
    drop(witness);
    // It remembers the log by its name, whatever its key.
    let witness = Witness::open(&all.path().join("witness"), vec![old, new]).unwrap();
    assert_eq!(witness.key(), &key);
    assert!(show(&dir, &witness, seen).unwrap() > seen);
}

#[test]
fn a_log_that_does_not_go_on_from_what_was_witnessed_gets_no_new_key() {
    let all = tempfile::tempdir().unwrap();
    let (dir, old, witness) = witnessed(all.path());
    let before = all.path().join("before");
    copy(&dir, &before);
    go_on(&dir);
    show(&dir, &witness, 300).unwrap();
    let seen = "checkpoint.witnessed";
    // Somebody has put an older log back, or wrote it anew.
    std::fs::copy(dir.join(seen), before.join(seen)).unwrap();
    let check = || {
        let log = EventLogWriter::open(&before, BIG).unwrap();
        let error = log.add_key().unwrap_err();
        assert!(matches!(&error, LedgerError::Checkpoint { .. }), "{error}");
        drop(log);
        assert_eq!(crate::public_key(&before).unwrap(), old);
        assert_eq!(signers(&before), [old.id()]);
    };
    check();
    (0..3).for_each(|_| go_on(&before));
    check();
    // Where the key was made already, the log goes on, and whoever verifies is told.
    let during = all.path().join("during");
    copy(&dir, &during);
    let new = add_key(&during);
    std::fs::copy(during.join(KEY), before.join(KEY)).unwrap();
    go_on(&before);
    assert_eq!(crate::public_key(&before).unwrap(), new);
    for key in [&old, &new] {
        let found = holds(&before, &of(key));
        assert!(found.is_err(), "{found:?}");
    }
    let refused = EventLogWriter::open(&before, BIG).unwrap().retire_key();
    assert!(matches!(refused, Err(LedgerError::Checkpoint { .. })), "{refused:?}");
}

#[test]
fn what_a_crash_left_of_private_keys_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let key = begun(dir.path());
    let left = dir.path().join("signing.key.new");
    std::fs::copy(dir.path().join(KEY), &left).unwrap();
    // Whoever still has it open sees that it was overwritten, too.
    let open = std::fs::File::open(&left).unwrap();
    go_on(dir.path());
    assert!(!left.exists());
    let bytes = bartizan_core::limits::read_capped(open, 1 << 20).unwrap();
    assert!(cfg!(not(unix)) || bytes.iter().all(|byte| *byte == 0), "{bytes:?}");
    holds(dir.path(), &of(&key)).unwrap();
}
