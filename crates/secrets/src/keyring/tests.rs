//! Keys as texts, as files, and what is derived from them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bartizan_core::Coded as _;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Keys of a test: their bits are the numbers from `start` on.
pub(crate) fn key_text(start: u8) -> String {
    let bits: Vec<u8> = (start..).take(KEY_BYTES).collect();
    format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(bits))
}

fn ring(keys: &[u8]) -> Keyring {
    let lines: Vec<String> = keys.iter().map(|start| key_text(*start)).collect();
    Keyring::parse(&Secret::new(lines.join("\n"))).unwrap()
}

fn file() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys").join("master.key");
    (dir, path)
}

fn text(path: &std::path::Path) -> String {
    bartizan_core::limits::read_text_file(path, KEYS_TEXT_BYTES).unwrap()
}

/// `words`, sealed for `place` and the purpose `secrets` with the key of bytes 0 to 31. Made with HMAC of Python's
/// standard library and AES-GCM-SIV of its package `cryptography`: what is written here must open for ever.
const SEALED: &str = "AT5NUEcAAQIDBAUGBwgJCgs1Xe75DhPbZEVTVdTxsbLD5ewtzQI";

#[test]
fn ids_and_keys_stay_the_same_from_version_to_version() {
    let ring = ring(&[0]);
    assert_eq!(ring.current().to_string(), "3e4d5047");
    let sealed = URL_SAFE_NO_PAD.decode(SEALED).unwrap();
    let opened = ring.derive("secrets").unwrap().open(b"place", &sealed).unwrap();
    assert_eq!(*opened, b"words");
}

#[test]
fn reads_a_key_a_line_and_passes_over_comments() {
    let (a, b) = (key_text(0), key_text(100));
    let text = format!("# current\r\n\n  {a}\t\r\n\n# older\n{b}");
    let of = |start| ring(&[start]).current();
    let ring = Keyring::parse(&Secret::new(text)).unwrap();
    assert_eq!(ring.ids(), [of(0), of(100)]);
    assert_eq!(ring.current(), ring.ids()[0]);
}

#[test]
fn what_is_no_key_is_named_by_its_line_alone() {
    let key = key_text(0);
    let cut = &key[..key.len() - 1];
    let other_form = format!("{cut}9");
    for wrong in [
        "canary",
        cut,
        &format!("{key}A"),
        &format!("{key}="),
        &key.replace("bzk1_", "bzk2_"),
        &key.replace("bzk1_", ""),
        &key.to_uppercase(),
        &format!("{key} # canary"),
        // The last digit has bits that no byte has.
        &other_form,
    ] {
        let text = format!("# head\n{}\n{wrong}\n", key_text(50));
        let error = Keyring::parse(&Secret::new(text)).unwrap_err();
        assert!(matches!(error, KeyringError::Malformed { line: 3 }), "{wrong}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains(cut), "{shown}");
    }
}

#[test]
fn refuses_no_key_twice_the_same_too_many_and_templates() {
    let parse = |text: String| Keyring::parse(&Secret::new(text)).map(|ring| ring.ids().len());
    assert!(matches!(parse(String::new()), Err(KeyringError::Empty)));
    assert!(matches!(parse("# nothing\n".to_owned()), Err(KeyringError::Empty)));
    let twice = format!("{}\n{}\n{}", key_text(1), key_text(2), key_text(1));
    assert!(matches!(parse(twice), Err(KeyringError::Twice { line: 3, .. })));
    let zeros = format!("{KEY_PREFIX}{}", "A".repeat(KEY_DIGITS));
    assert!(matches!(parse(zeros), Err(KeyringError::Guessable { line: 1 })));
    let many = |count: u8| (0..count).map(key_text).collect::<Vec<_>>().join("\n");
    assert_eq!(parse(many(KEYS_MAX as u8)).unwrap(), KEYS_MAX);
    assert!(matches!(parse(many(KEYS_MAX as u8 + 1)), Err(KeyringError::TooMany)));
}

#[test]
fn never_shows_a_key() {
    let ring = ring(&[0, 100]);
    let sealer = ring.derive("secrets").unwrap();
    let shown = format!("{ring:?} {sealer:?} {ring:#?}");
    for start in [0, 100] {
        let key = key_text(start);
        assert!(!shown.contains(key.strip_prefix(KEY_PREFIX).unwrap()), "{shown}");
    }
    assert!(shown.contains(&ring.current().to_string()));
}

#[test]
fn an_id_is_no_part_of_the_key_or_of_its_hash() {
    let bits: Vec<u8> = (0..32).collect();
    let id = ring(&[0]).current().bytes();
    assert!(!bits.windows(4).any(|window| window == id));
    assert!(!digest(&SHA256, &bits).as_ref().starts_with(&id));
}

#[test]
fn purposes_have_plain_names() {
    let ring = ring(&[0]);
    for fine in ["a", "inference-log", "vault", &"x".repeat(64)] {
        assert_eq!(ring.derive(fine).unwrap().purpose(), fine);
    }
    for wrong in ["", "A", "a b", "a/b", "a_b", "ä", &"x".repeat(65)] {
        assert!(matches!(ring.derive(wrong), Err(KeyringError::Purpose)), "{wrong}");
    }
}

#[test]
fn makes_a_private_file_with_a_key_of_its_own() {
    let (_dir, path) = file();
    let id = make_file(&path).unwrap();
    assert_eq!(Keyring::open(&path).unwrap().ids(), [id]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path) & 0o777, 0o600);
        assert_eq!(mode(path.parent().unwrap()) & 0o777, 0o700);
    }
    let (_dir, other) = file();
    assert_ne!(make_file(&other).unwrap(), id);
}

#[test]
fn a_new_file_takes_the_place_of_nothing() {
    let (_dir, path) = file();
    make_file(&path).unwrap();
    let before = text(&path);
    assert!(matches!(make_file(&path), Err(KeyringError::Exists { .. })));
    assert_eq!(text(&path), before);
    #[cfg(unix)]
    {
        let link = path.with_file_name("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(matches!(make_file(&link), Err(KeyringError::Exists { .. })));
        assert!(!path.with_file_name("nowhere").exists());
    }
}

#[test]
fn a_new_key_seals_and_the_one_before_still_opens() {
    let (_dir, path) = file();
    let first = make_file(&path).unwrap();
    let sealed = sealer(&path).seal(b"a", b"words").unwrap();
    let second = add_to_file(&path).unwrap();
    assert_eq!(Keyring::open(&path).unwrap().ids(), [second, first]);
    let now = sealer(&path);
    assert_eq!(now.current(), second);
    assert_eq!(*now.open(b"a", &sealed).unwrap(), b"words");
    assert!(now.needs_reseal(&sealed));
    assert!(!now.needs_reseal(&now.seal(b"a", b"words").unwrap()));
    assert!(text(&path).starts_with("# Master keys"), "comments at the head stay there");
    retire_in_file(&path, first).unwrap();
    assert_eq!(Keyring::open(&path).unwrap().ids(), [second]);
    assert_eq!(sealer(&path).open(b"a", &sealed), Err(crate::SealError::UnknownKey { id: first }));
}

fn sealer(path: &std::path::Path) -> Sealer {
    Keyring::open(path).unwrap().derive("test").unwrap()
}

#[test]
fn the_current_key_and_so_the_last_cannot_be_retired() {
    let (_dir, path) = file();
    let first = make_file(&path).unwrap();
    let refused = |id| retire_in_file(&path, id).unwrap_err();
    assert!(matches!(refused(first), KeyringError::Current { id } if id == first));
    let second = add_to_file(&path).unwrap();
    let before = text(&path);
    assert!(matches!(refused(second), KeyringError::Current { .. }));
    let unknown = KeyId::from_bytes([1; 4]);
    assert!(matches!(refused(unknown), KeyringError::Unknown { id } if id == unknown));
    assert_eq!(text(&path), before);
}

#[test]
fn retiring_a_key_leaves_comments_and_the_order_of_the_others() {
    let (_dir, path) = file();
    make_file(&path).unwrap();
    let (a, b, c) = (key_text(0), key_text(100), key_text(200));
    std::fs::write(&path, format!("# one\n{a}\n\n# two\n {b}\n# three\n{c}")).unwrap();
    retire_in_file(&path, ring(&[100]).current()).unwrap();
    assert_eq!(text(&path), format!("# one\n{a}\n\n# two\n# three\n{c}\n"));
}

#[test]
fn a_file_with_a_line_that_is_no_key_is_not_changed() {
    let (_dir, path) = file();
    make_file(&path).unwrap();
    let broken = format!("{}\ncanary\n", key_text(0));
    std::fs::write(&path, &broken).unwrap();
    assert!(matches!(add_to_file(&path), Err(KeyringError::Malformed { line: 2 })));
    let id = ring(&[0]).current();
    assert!(matches!(retire_in_file(&path, id), Err(KeyringError::Malformed { line: 2 })));
    assert_eq!(text(&path), broken);
}

#[test]
fn what_a_crash_left_is_no_hindrance() {
    let (_dir, path) = file();
    make_file(&path).unwrap();
    std::fs::write(path.with_added_extension("new"), "half a k").unwrap();
    let id = add_to_file(&path).unwrap();
    assert_eq!(Keyring::open(&path).unwrap().current(), id);
    assert!(!path.with_added_extension("new").exists());
}

#[test]
fn keys_that_are_added_at_once_are_all_there() {
    let (_dir, path) = file();
    make_file(&path).unwrap();
    let added: BTreeSet<KeyId> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| add_to_file(&path).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let ids: BTreeSet<KeyId> = Keyring::open(&path).unwrap().ids().into_iter().collect();
    assert_eq!(ids.len(), 9);
    assert!(added.is_subset(&ids));
}

#[cfg(unix)]
#[test]
fn keys_that_are_replaced_while_they_are_read_are_read_again() {
    let (_dir, path) = file();
    let first = make_file(&path).unwrap();
    let opened = file::open(&path).unwrap();
    let second = add_to_file(&path).unwrap();
    // What was opened is overwritten by now.
    assert_eq!(file::keyring(&path, &opened).unwrap().ids(), [second, first]);
    let opened = file::open(&path).unwrap();
    std::fs::write(&path, "no key\n").unwrap();
    assert!(matches!(file::keyring(&path, &opened), Err(KeyringError::Malformed { line: 1 })));
    let opened = file::open(&path).unwrap();
    assert!(matches!(file::keyring(&path, &opened), Err(KeyringError::Malformed { line: 1 })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(file::keyring(&path, &opened), Err(KeyringError::File { .. })));
}

/// Only the administrator can give files away; for others there is nothing to see here.
#[cfg(unix)]
#[test]
fn keys_of_somebody_else_are_refused() {
    use std::os::unix::fs::chown;
    const SERVICE: u32 = 12_345;
    let (_dir, path) = file();
    let id = make_file(&path).unwrap();
    if chown(&path, Some(SERVICE), None).is_err() {
        return;
    }
    for error in [
        Keyring::open(&path).unwrap_err(),
        add_to_file(&path).unwrap_err(),
        retire_in_file(&path, id).unwrap_err(),
    ] {
        assert!(matches!(error, KeyringError::Owner { owner: SERVICE, .. }), "{error:?}");
        assert_eq!(error.code(), "bartizan::keyring::owner");
    }
    chown(path.parent().unwrap(), Some(SERVICE), None).unwrap();
    assert_eq!(Keyring::open(&path).unwrap().ids(), [id], "that of the account of the service");
}

#[test]
fn there_is_room_for_so_many_keys_and_no_more() {
    let (_dir, path) = file();
    make_file(&path).unwrap();
    let keys: Vec<String> = (0..KEYS_MAX as u8).map(key_text).collect();
    std::fs::write(&path, keys.join("\n")).unwrap();
    assert!(matches!(add_to_file(&path), Err(KeyringError::TooMany)));
    let long = "#".repeat(KEYS_TEXT_BYTES as usize - 48);
    std::fs::write(&path, format!("{long}\n{}", key_text(0))).unwrap();
    assert!(matches!(Keyring::open(&path), Err(KeyringError::File { .. })), "too long to read");
    std::fs::write(&path, format!("{}\n{}", key_text(0), &long[..long.len() - 10])).unwrap();
    assert!(matches!(add_to_file(&path), Err(KeyringError::File { .. })), "too long to write");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, path) = file();
    let id = make_file(&path).unwrap();
    let chmod = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o644, 0o777] {
        chmod(mode);
        for error in [
            Keyring::open(&path).unwrap_err(),
            add_to_file(&path).unwrap_err(),
            retire_in_file(&path, id).unwrap_err(),
        ] {
            assert!(matches!(error, KeyringError::OpenToOthers { .. }), "{error:?}");
            assert!(error.to_string().contains(&format!("`chmod 600 {}`", path.display())));
            assert!(error.to_string().contains(&format!("mode {mode:04o}")), "{error}");
            assert_eq!(error.code(), "bartizan::keyring::open-to-others");
        }
    }
    for mode in [0o600, 0o400, 0o700] {
        chmod(mode);
        assert_eq!(Keyring::open(&path).unwrap().ids(), [id], "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_read_and_not_changed() {
    let (_dir, path) = file();
    let id = make_file(&path).unwrap();
    let link = path.with_file_name("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(Keyring::open(&link).unwrap().ids(), [id]);
    let before = text(&path);
    assert!(matches!(add_to_file(&link), Err(KeyringError::File { .. })));
    assert_eq!(text(&path), before);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[cfg(unix)]
#[test]
fn what_is_taken_out_of_a_file_is_not_left_on_the_disk() {
    let (_dir, path) = file();
    let first = make_file(&path).unwrap();
    add_to_file(&path).unwrap();
    // Whoever has the file open sees what becomes of its blocks.
    let open = std::fs::File::open(&path).unwrap();
    retire_in_file(&path, first).unwrap();
    let left = bartizan_core::limits::read_capped(&open, KEYS_TEXT_BYTES).unwrap();
    assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0));
}

#[test]
fn what_is_no_file_is_refused() {
    let (dir, path) = file();
    assert!(matches!(Keyring::open(&path), Err(KeyringError::File { .. })));
    assert!(matches!(Keyring::open(dir.path()), Err(KeyringError::File { .. })));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    bartizan_core::private::file().create(true).write(true).truncate(true).open(&path).unwrap();
    assert!(matches!(Keyring::open(&path), Err(KeyringError::Empty)));
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(Keyring::open(&path), Err(KeyringError::File { .. })));
}

#[test]
fn ids_have_one_form() {
    let id = ring(&[0]).current();
    assert_eq!(id.to_string().parse(), Ok(id));
    for wrong in ["", "0", "+1234567", "0123456G", "0123456A", "012345678"] {
        assert_eq!(wrong.parse::<KeyId>(), Err(KeyIdError), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_is_repeated(text in "\\PC{0,80}\n?(bzk1_)?[A-Za-z0-9_-]{40,46}") {
        if let Err(error) = Keyring::parse(&Secret::new(text.clone())) {
            let shown = format!("{error} {error:?}");
            prop_assert!(text.lines().filter(|line| line.len() > 40).all(|line| !shown.contains(line)));
        }
    }

    #[test]
    fn a_written_key_is_read_again(bits in prop::array::uniform32(any::<u8>())) {
        let key = Key::new(Box::new(Zeroizing::new(bits))).unwrap();
        let ring = Keyring::parse(&Secret::new(key.text().as_str()));
        prop_assert_eq!(&**ring.unwrap().current.bits, &bits);
    }
}
