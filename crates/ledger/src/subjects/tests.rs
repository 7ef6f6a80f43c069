//! Names beside the log: who sees them, and that they can be erased.

use std::fs;
use std::time::{Duration, Instant};

use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use proptest::prelude::*;

use super::*;
use crate::trust::Trust;
use crate::verify::verify;
use crate::{EventLogWriter, entries, prove, public_key, read};

const ALICE: &str = "alice@example.com";

fn event(principal: &str) -> Event {
    let mut event = Event::new(RequestId::new(), "gateway", "chat");
    event.principal = Some(principal.to_owned());
    event
}

fn open(dir: &Path) -> EventLogWriter {
    EventLogWriter::open(dir, Ledger::DEFAULT).unwrap()
}

/// What the log itself says of who it was.
fn logged(dir: &Path) -> Vec<Option<String>> {
    let event = |line: &[u8]| serde_json::from_slice::<Event>(line).unwrap();
    entries(dir, 0).unwrap().map(|entry| event(&entry.unwrap().1).principal).collect()
}

fn revealed(dir: &Path) -> Vec<Option<String>> {
    read(dir, None).map(|event| event.unwrap().principal).collect()
}

fn bytes_of(path: &Path) -> Vec<u8> {
    bartizan_core::limits::read_capped(File::open(path).unwrap(), 1 << 20).unwrap()
}

fn text_of(path: &Path) -> String {
    bartizan_core::limits::read_text_file(path, 1 << 20).unwrap()
}

/// Every byte below the folder.
fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { bytes_of(&path) });
    }
    bytes
}

fn says(dir: &Path, name: &str) -> bool {
    memchr::memmem::find(&all_bytes(dir), name.as_bytes()).is_some()
}

fn holds(dir: &Path) {
    verify(dir, &Trust::of_log(public_key(dir).unwrap()), |_| ()).unwrap();
}

#[test]
fn the_log_has_pseudonyms_and_whoever_reads_it_gets_names() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut change = event(ALICE);
    change.subject = Some("sp:bot".to_owned());
    let nobody = Event::new(RequestId::new(), "gateway", "chat");
    for event in [&event(ALICE), &event("sp:bot"), &change, &nobody] {
        log.append(event).unwrap();
    }
    drop(log);
    // A new start knows them.
    open(dir.path()).append(&event(ALICE)).unwrap();

    let logged = logged(dir.path());
    assert_eq!((&logged[0], &logged[0]), (&logged[2], &logged[4]));
    assert_ne!(logged[0], logged[1]);
    assert_eq!(logged[3], None);
    for id in logged.iter().flatten() {
        assert!(id.starts_with(PREFIX) && id.len() == PREFIX.len() + 24, "{id}");
    }
    let (alice, bot) = (Some(ALICE.to_owned()), Some("sp:bot".to_owned()));
    assert_eq!(revealed(dir.path()), [alice.clone(), bot.clone(), alice.clone(), None, alice]);
    let subjects: Vec<_> = read(dir.path(), None).map(|event| event.unwrap().subject).collect();
    assert_eq!(subjects[2], bot);
}

#[test]
fn an_erased_name_is_nowhere_and_every_proof_holds() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..300 {
        log.append(&event(if n % 3 == 0 { ALICE } else { "sp:bot" })).unwrap();
    }
    log.sign().unwrap();
    let proofs: Vec<_> = [0, 255, 299].map(|entry| prove::prove(dir.path(), entry).unwrap()).into();
    let note = text_of(&dir.path().join("checkpoint"));
    drop(log);
    assert!(says(dir.path(), "alice"));

    let ids = erase(dir.path(), ALICE, false).unwrap();
    assert_eq!(logged(dir.path())[0].as_ref(), ids.first());
    assert_eq!(ids.len(), 1);
    assert!(!says(dir.path(), "alice"));
    assert!(says(dir.path(), "sp:bot"));
    holds(dir.path());
    assert_eq!(text_of(&dir.path().join("checkpoint")), note);
    for proof in proofs {
        assert_eq!(prove::prove(dir.path(), proof.index).unwrap().to_string(), proof.to_string());
    }
    assert_eq!(revealed(dir.path())[0].as_ref(), ids.first());
    assert_eq!(revealed(dir.path())[1].as_deref(), Some("sp:bot"));
    assert!(erase(dir.path(), ALICE, false).unwrap().is_empty());

    // The next start says so once, and whoever comes back is somebody else.
    for _ in 0..3 {
        open(dir.path()).append(&event(ALICE)).unwrap();
    }
    let events: Vec<_> = read(dir.path(), None).map(Result::unwrap).collect();
    let said: Vec<_> = events.iter().filter(|event| event.operation == "subject-erased").collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].subject.as_ref(), ids.first());
    assert_eq!(events.last().unwrap().principal.as_deref(), Some(ALICE));
    assert_ne!(logged(dir.path()).last().unwrap().as_ref(), ids.first());
    holds(dir.path());
}

#[test]
fn a_writer_notices_an_erasure_by_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&event(ALICE)).unwrap();
    log.append(&event("sp:bot")).unwrap();
    let ids = erase(dir.path(), ALICE, false).unwrap();
    let said = || {
        read(dir.path(), None).any(|event| {
            let event = event.unwrap();
            event.operation == "subject-erased" && event.subject.as_ref() == ids.first()
        })
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !said() {
        assert!(Instant::now() < deadline, "never said");
        std::thread::sleep(Duration::from_millis(20));
    }
    log.append(&event(ALICE)).unwrap();
    log.append(&event("sp:bot")).unwrap();
    drop(log);
    let logged = logged(dir.path());
    assert_ne!(logged[3].as_ref(), ids.first());
    assert_eq!(logged[4], logged[1]);
    // Once, also over another start.
    drop(open(dir.path()));
    let count = read(dir.path(), None).filter(|e| e.as_ref().unwrap().area == "admin").count();
    assert_eq!(count, 1);
    holds(dir.path());
}

#[test]
fn whoever_follows_the_names_sees_new_ones_and_loses_erased_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Names::of(dir.path()).unwrap();
    let log = open(dir.path());
    log.append(&event(ALICE)).unwrap();
    names.refresh().unwrap();
    let line = entries(dir.path(), 0).unwrap().next().unwrap().unwrap().1;
    let shown: Event = serde_json::from_slice(&names.reveal_line(line.clone())).unwrap();
    assert_eq!(shown.principal.as_deref(), Some(ALICE));
    // Only what is new is read.
    log.append(&event("sp:bot")).unwrap();
    names.refresh().unwrap();
    let second = entries(dir.path(), 1).unwrap().next().unwrap().unwrap().1;
    for (line, name) in [(&line, ALICE), (&second, "sp:bot")] {
        let shown: Event = serde_json::from_slice(&names.reveal_line(line.clone())).unwrap();
        assert_eq!(shown.principal.as_deref(), Some(name));
    }
    erase(dir.path(), ALICE, false).unwrap();
    names.refresh().unwrap();
    assert_eq!(names.reveal_line(line.clone()), line);
    assert_ne!(names.reveal_line(second.clone()), second);
}

#[test]
fn two_erasures_at_once_are_not_taken_for_new_names() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for name in ["a", "b", "sp:bot"] {
        log.append(&event(name)).unwrap();
    }
    drop(log);
    let line = |n| entries(dir.path(), n).unwrap().next().unwrap().unwrap().1;
    let lines = [line(0), line(1), line(2)];
    let mut names = Names::of(dir.path()).unwrap();
    // The system may give the number of the first file to the third, which is longer than the first.
    for _ in 0..20 {
        erase(dir.path(), "a", true).unwrap();
        erase(dir.path(), "b", true).unwrap();
    }
    names.refresh().unwrap();
    for line in &lines[..2] {
        assert_eq!(&names.reveal_line(line.clone()), line);
    }
    assert_ne!(names.reveal_line(lines[2].clone()), lines[2]);
}

#[test]
fn whoever_holds_the_lock_of_the_names_does_not_hold_up_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&event("sp:bot")).unwrap();
    let held = lock(dir.path()).unwrap();
    let started = Instant::now();
    for _ in 0..20 {
        assert!(log.append(&event(ALICE)).is_err());
    }
    assert!(log.check().is_err());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(matches!(erase(dir.path(), ALICE, false), Err(LedgerError::Subjects { .. })));
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(30);
    while log.append(&event(ALICE)).is_err() {
        assert!(Instant::now() < deadline, "never again");
        std::thread::sleep(Duration::from_millis(20));
    }
    log.check().unwrap();
    drop(log);
    let names = ["sp:bot", ALICE].map(|name| Some(name.to_owned()));
    assert_eq!(revealed(dir.path()), names);
}

#[test]
fn half_a_line_and_lines_that_say_nothing_are_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).append(&event(ALICE)).unwrap();
    let path = dir.path().join(FILE);
    let before = text_of(&path);
    let noise = "x".repeat(40_000);
    fs::write(&path, format!("{noise}\nnothing\n{{\"id\":1}}\n{before}{{\"id\":\"subj")).unwrap();
    let log = open(dir.path());
    log.append(&event(ALICE)).unwrap();
    log.append(&event("sp:bot")).unwrap();
    drop(log);
    let names = [Some(ALICE.to_owned()), Some(ALICE.to_owned()), Some("sp:bot".to_owned())];
    assert_eq!(revealed(dir.path()), names);
    let logged = logged(dir.path());
    assert_eq!(logged[0], logged[1]);
    // Whatever cannot be read could hold the name.
    erase(dir.path(), ALICE, false).unwrap();
    let left = text_of(&path);
    assert!(!left.contains("nothing") && !left.contains("alice"), "{left}");
}

#[test]
fn a_file_of_names_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::create_dir(dir.path().join(FILE)).unwrap();
    let error = EventLogWriter::open(dir.path(), Ledger::DEFAULT).unwrap_err();
    assert!(matches!(error, LedgerError::Subjects { .. }), "{error:?}");
    assert!(matches!(read(dir.path(), None).next(), Some(Err(LedgerError::Subjects { .. }))));
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).append(&event(ALICE)).unwrap();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode(FILE) & 0o777, 0o600);
    erase(dir.path(), ALICE, false).unwrap();
    assert_eq!(mode(FILE) & 0o777, 0o600);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Whatever a name is, it is hidden, comes back whole and changes nothing else.
    #[test]
    fn names_come_back_as_they_were(
        names in prop::collection::vec("(?s).{0,40}|subject:.{0,24}|[\"\\\\{}]{1,8}", 1..6),
        detail in "(?s).{0,60}",
    ) {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        let mut written = Vec::new();
        for name in &names {
            let mut event = event(name);
            event.subject = names.first().cloned();
            event.detail = Some(format!("{detail}\"principal\":\"subject:"));
            log.append(&event).unwrap();
            written.push(event);
        }
        drop(log);
        let found: Vec<Event> = read(dir.path(), None).map(Result::unwrap).collect();
        prop_assert_eq!(&found, &written);
        let names = Names::of(dir.path()).unwrap();
        for (entry, event) in entries(dir.path(), 0).unwrap().zip(&written) {
            let line = names.reveal_line(entry.unwrap().1);
            prop_assert_eq!(line, serde_json::to_vec(event).unwrap());
        }
    }
}
