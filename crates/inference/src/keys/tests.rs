//! Keys are found, kept, destroyed and sealed again.

use bartizan_core::limits::read_text_file;
use bartizan_secrets::Keyring;
use bartizan_secrets::keyring::KEY_PREFIX;

use super::*;
use crate::PURPOSE;

/// Master keys of these numbers, the current one first.
pub(crate) fn source(keys: &'static [u8]) -> KeySource {
    Arc::new(move || {
        let line = |start: &u8| {
            let bits: Vec<u8> = (*start..).take(32).collect();
            let digits = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bits);
            format!("{KEY_PREFIX}{digits}")
        };
        let text = keys.iter().map(line).collect::<Vec<_>>().join("\n");
        Ok(Keyring::parse(&bartizan_core::Secret::new(text))?.derive(PURPOSE)?)
    })
}

fn keys(dir: &Path) -> Keys {
    Keys::open(dir, source(&[0])).unwrap()
}

fn text(dir: &Path) -> String {
    read_text_file(&dir.join(FILE), 1 << 20).unwrap()
}

const ALICE: &str = "alice@example.com";
const BOB: &str = "sp:bob";

fn both() -> BTreeSet<&'static str> {
    BTreeSet::from([ALICE, BOB])
}

#[test]
fn a_name_keeps_its_key_also_in_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = keys(dir.path());
    here.prepare(&both()).unwrap();
    let mut sealed = Vec::new();
    let (id, key) = here.of(ALICE).unwrap();
    key.seal_onto(b"", b"words", &mut sealed).unwrap();
    assert_ne!(here.id_of(BOB), Some(id));
    here.prepare(&both()).unwrap();
    assert_eq!(text(dir.path()).lines().count(), 2);
    let mut there = keys(dir.path());
    let (again, key) = there.of(ALICE).unwrap();
    assert_eq!((again, &*key.open(b"", &sealed).unwrap()), (id, &b"words".to_vec()));
}

#[test]
fn an_erased_name_has_no_key_anywhere_and_gets_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = keys(dir.path());
    here.prepare(&both()).unwrap();
    let id = here.id_of(ALICE).unwrap();
    // What is opened stays in memory until the file is looked at.
    assert!(here.key(id).unwrap().is_some());
    assert_eq!(erase(dir.path(), ALICE).unwrap(), 1);
    assert_eq!(erase(dir.path(), ALICE).unwrap(), 0);
    assert!(!text(dir.path()).contains("alice"));
    here.prepare(&BTreeSet::from([BOB])).unwrap();
    assert!(here.key(id).unwrap().is_none());
    assert!(matches!(here.whose(id), Some(Whose::Erased(_))));
    assert_eq!(here.of(ALICE).unwrap_err(), NotKept::Subjects);
    assert!(here.of(BOB).is_ok());
    here.prepare(&both()).unwrap();
    assert_ne!(here.of(ALICE).unwrap().0, id);
}

#[cfg(unix)]
#[test]
fn the_file_that_was_replaced_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path()).prepare(&both()).unwrap();
    // Somebody has it open, as a snapshot would.
    let mut before = std::fs::File::open(dir.path().join(FILE)).unwrap();
    erase(dir.path(), ALICE).unwrap();
    let bytes = bartizan_core::limits::read_capped(&mut before, 1 << 20).unwrap();
    assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn a_line_that_a_crash_cut_off_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path()).prepare(&BTreeSet::from([ALICE])).unwrap();
    let whole = text(dir.path());
    std::fs::write(dir.path().join(FILE), format!("{whole}{{\"id\":\"half a li")).unwrap();
    let mut here = keys(dir.path());
    here.prepare(&both()).unwrap();
    assert!(here.of(ALICE).is_ok() && here.of(BOB).is_ok());
    let text = text(dir.path());
    assert!(text.starts_with(&whole) && text.lines().count() == 2, "{text}");
}

#[test]
fn a_key_under_another_name_or_id_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path()).prepare(&both()).unwrap();
    let swapped =
        text(dir.path()).replace(ALICE, "carol").replace(BOB, ALICE).replace("carol", BOB);
    std::fs::write(dir.path().join(FILE), swapped).unwrap();
    let mut here = keys(dir.path());
    for name in [ALICE, BOB] {
        assert_eq!(here.of(name).unwrap_err(), NotKept::Key);
    }
}

#[test]
fn a_changed_master_key_leaves_what_was_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = keys(dir.path());
    here.prepare(&both()).unwrap();
    let mut sealed = Vec::new();
    here.of(ALICE).unwrap().1.seal_onto(b"", b"words", &mut sealed).unwrap();
    let [old, both_keys, new]: [KeySource; 3] = [source(&[0]), source(&[100, 0]), source(&[100])];
    assert_eq!(keys_in_use(dir.path()).unwrap(), BTreeSet::from([old().unwrap().current()]));
    assert_eq!(reseal(dir.path(), &both_keys().unwrap()).unwrap(), 2);
    assert_eq!(reseal(dir.path(), &both_keys().unwrap()).unwrap(), 0);
    assert_eq!(keys_in_use(dir.path()).unwrap(), BTreeSet::from([new().unwrap().current()]));
    let mut there = Keys::open(dir.path(), new).unwrap();
    assert_eq!(*there.of(ALICE).unwrap().1.open(b"", &sealed).unwrap(), b"words");
    // Who has the old key alone opens nothing, and says so.
    here.refresh().unwrap();
    assert_eq!(here.of(ALICE).unwrap_err(), NotKept::Key);
}

#[test]
fn who_has_no_record_any_more_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = keys(dir.path());
    here.prepare(&both()).unwrap();
    let bob = here.id_of(BOB).unwrap();
    here.retain(&BTreeSet::from([bob])).unwrap();
    assert!(!text(dir.path()).contains("alice"));
    assert_eq!((here.id_of(ALICE), here.id_of(BOB)), (None, Some(bob)));
}

#[test]
fn a_name_that_is_too_long_gets_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = keys(dir.path());
    let long = "x".repeat(NAME_BYTES + 1);
    here.prepare(&BTreeSet::from([long.as_str()])).unwrap();
    assert_eq!(here.of(&long).unwrap_err(), NotKept::Subjects);
}
