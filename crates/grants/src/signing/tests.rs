//! Keys in a file that several processes read and change, and keys that others have.

use std::fs;
use std::path::PathBuf;

use bartizan_core::error::Coded as _;
use tempfile::TempDir;

use super::*;

fn now() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys").join("grants.json");
    (dir, path)
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_made_once_and_private() {
    let (_dir, path) = place();
    let keys = SigningKeys::load_or_make(&path).unwrap();
    assert_eq!(SigningKeys::load_or_make(&path).unwrap().id(), keys.id());
    assert_eq!(names(&path), ["grants.json", "grants.json.lock"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKeys::load(&path), Err(KeysError::Exposed { .. })));
    }
}

#[test]
fn of_all_who_make_the_file_at_once_all_have_the_same_keys() {
    let (_dir, path) = place();
    let ids = at_once(8, || SigningKeys::load_or_make(&path).unwrap().id());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn of_changes_at_once_none_is_lost() {
    let (_dir, path) = place();
    let first = SigningKeys::load_or_make(&path).unwrap().id();
    let mut ids = at_once(8, || {
        let (keys, id) = SigningKeys::change(&path, |keys| keys.rotate(now())).unwrap();
        assert_eq!(keys.id(), id);
        id
    });
    ids.push(first);
    ids.sort_unstable();
    let mut there: Vec<u32> = SigningKeys::load(&path).unwrap().public().ids().collect();
    there.sort_unstable();
    assert_eq!(there, ids);
    assert_eq!(names(&path), ["grants.json", "grants.json.lock"]);
}

fn at_once(threads: usize, what: impl Fn() -> u32 + Sync) -> Vec<u32> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(&what)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_change_that_fails_leaves_all_as_it_was() {
    let (_dir, path) = place();
    let id = SigningKeys::load_or_make(&path).unwrap().id();
    let failed = SigningKeys::change(&path, |keys| {
        keys.rotate(now())?;
        keys.retire(7)
    });
    assert!(matches!(failed, Err(KeysError::Unknown { id: 7 })));
    assert_eq!(SigningKeys::load(&path).unwrap().public().ids().collect::<Vec<_>>(), [id]);
    // A folder in the way, which cannot be removed as a file is.
    let in_the_way = path.with_added_extension("new");
    fs::create_dir(&in_the_way).unwrap();
    let failed = SigningKeys::change(&path, |keys| keys.rotate(now()));
    assert!(matches!(failed, Err(KeysError::File { .. })));
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(SigningKeys::load(&path).unwrap().id(), id);
    // What a crash left.
    fs::write(&in_the_way, "half a k").unwrap();
    SigningKeys::change(&path, |keys| keys.rotate(now())).unwrap();
    assert!(!in_the_way.exists());
}

#[test]
fn nothing_is_changed_where_there_is_no_file() {
    let (_dir, path) = place();
    let failed = SigningKeys::change(&path, |keys| keys.rotate(now())).map(drop).unwrap_err();
    assert_eq!(failed.code(), "bartizan::grants::keys-file");
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn a_link_is_read_and_not_changed() {
    let (_dir, path) = place();
    let id = SigningKeys::load_or_make(&path).unwrap().id();
    let link = path.with_file_name("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(SigningKeys::load(&link).unwrap().id(), id);
    let failed = SigningKeys::change(&link, |keys| keys.rotate(now()));
    assert!(matches!(failed, Err(KeysError::File { .. })));
    assert_eq!(SigningKeys::load(&path).unwrap().id(), id);
    // What is in a file that somebody else put in the way is not theirs to have.
    let precious = path.with_file_name("precious");
    fs::write(&precious, "of somebody else").unwrap();
    std::os::unix::fs::symlink(&precious, path.with_added_extension("new")).unwrap();
    SigningKeys::change(&path, |keys| keys.rotate(now())).unwrap();
    assert_eq!(fs::metadata(&precious).unwrap().len(), 16);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_file_is_refused() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (dir, _) = place();
    let pipe = dir.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(matches!(SigningKeys::load_or_make(&pipe), Err(KeysError::File { .. })));
}

/// Only the administrator can give files away; for others there is nothing to see here.
#[cfg(unix)]
#[test]
fn keys_of_somebody_else_are_refused() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    const SERVICE: u32 = 12_345;
    let (_dir, path) = place();
    let id = SigningKeys::load_or_make(&path).unwrap().id();
    if chown(&path, Some(SERVICE), None).is_err() {
        return;
    }
    assert!(matches!(SigningKeys::load(&path), Err(KeysError::Owner { .. })));
    assert!(matches!(SigningKeys::load_or_make(&path), Err(KeysError::Owner { .. })));
    chown(path.parent().unwrap(), Some(SERVICE), None).unwrap();
    assert_eq!(SigningKeys::load(&path).unwrap().id(), id, "that of the account of the service");
    SigningKeys::change(&path, |keys| keys.rotate(now())).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().uid(), SERVICE, "and it still can read them");
}

#[test]
fn the_newest_signs_and_those_before_verify_for_a_while() {
    let (_dir, path) = place();
    let first = SigningKeys::load_or_make(&path).unwrap().id();
    let (_, second) = SigningKeys::change(&path, |keys| keys.rotate(now())).unwrap();
    let mut keys = SigningKeys::load(&path).unwrap();
    assert_eq!((keys.id(), keys.public().ids().collect::<Vec<_>>()), (second, vec![second, first]));
    let last = now() + MAX_LIFETIME + CLOCK_SKEW;
    assert!(keys.public().find(first, last).is_some());
    assert!(keys.public().find(first, last + MAX_LIFETIME).is_none());
    assert!(keys.public().find(second, last + MAX_LIFETIME).is_some());
    assert!(matches!(keys.retire(second), Err(KeysError::Newest { .. })));
    keys.retire(first).unwrap();
    assert!(keys.public().find(first, now()).is_none());
    assert!(matches!(keys.retire(first), Err(KeysError::Unknown { .. })));
}

#[test]
fn only_so_many_keys_are_held() {
    let mut keys = SigningKeys::generate().unwrap();
    for _ in 1..MAX_KEYS {
        keys.rotate(now()).unwrap();
    }
    assert!(matches!(keys.rotate(now()), Err(KeysError::TooMany { .. })));
    assert!(keys.rotate(now() + 2 * MAX_LIFETIME).is_ok());
    assert_eq!(keys.public().ids().count(), 2);
}

#[test]
fn public_keys_travel_without_the_secret() {
    let mut keys = SigningKeys::generate().unwrap();
    keys.rotate(now()).unwrap();
    let secret = URL_SAFE_NO_PAD.encode(*keys.newest.seed);
    let jwks = keys.public().to_jwks(now());
    assert!(!jwks.contains(&secret));
    let read = PublicKeys::from_jwks(jwks.as_bytes()).unwrap();
    assert_eq!(read.ids().collect::<Vec<_>>(), keys.public().ids().collect::<Vec<_>>());
    assert!(keys.to_json().contains(&secret));
    assert!(!format!("{keys:?} {read:?}").contains(&secret));
    let private = jwks.replacen("\"kty\"", "\"d\":\"AA\",\"kty\"", 1);
    for wrong in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{}]}"#, &private] {
        assert!(PublicKeys::from_jwks(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn published_keys_are_good_for_a_day() {
    let keys = SigningKeys::generate().unwrap();
    let jwks = keys.public().to_jwks(now());
    let read = PublicKeys::from_jwks(jwks.as_bytes()).unwrap();
    let last = now() + JWKS_LIFETIME;
    assert!(read.find(keys.id(), last).is_some());
    assert!(read.find(keys.id(), last + Duration::from_secs(1)).is_none());
    assert!(keys.public().find(keys.id(), last + JWKS_LIFETIME).is_some(), "the issuer has no end");
    // Whoever passes them on does not make them last.
    assert_eq!(read.to_jwks(last), jwks);
    // And a set in which a key has no end is none.
    let mut endless: serde_json::Value = serde_json::from_str(&jwks).unwrap();
    endless["keys"][0].as_object_mut().unwrap().remove("exp");
    assert!(PublicKeys::from_jwks(endless.to_string().as_bytes()).is_err());
}

#[test]
fn a_key_for_which_anybody_signs_is_no_root() {
    for key in crate::ed25519::weak_keys() {
        assert!(PublicKey::new(key, None).is_none(), "{key:02x?}");
    }
}

#[test]
fn a_broken_file_is_no_fresh_start() {
    let (_dir, path) = place();
    SigningKeys::load_or_make(&path).unwrap();
    for text in [
        "",
        "{}",
        r#"{"schema":"x","secret":"","older":[]}"#,
        r#"{"schema":"bartizan.grant-keys/v1","secret":"AA","older":[]}"#,
    ] {
        private::put(&path, text.as_bytes()).unwrap();
        assert!(
            matches!(SigningKeys::load_or_make(&path), Err(KeysError::Format { .. })),
            "{text}"
        );
    }
    private::put(&path, &vec![b' '; DOCUMENT_BYTES + 1]).unwrap();
    assert!(matches!(SigningKeys::load_or_make(&path), Err(KeysError::File { .. })));
}
