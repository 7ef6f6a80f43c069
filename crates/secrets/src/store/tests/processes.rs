//! Several stores on one file, each as another process would have it.

use std::time::Duration;

use super::super::*;
use super::support::{Place, T0, at, name, secret};

#[test]
fn changes_of_many_at_once_are_all_there() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = place.open();
            scope.spawn(move || {
                for number in 0..6 {
                    let name = name(&format!("t{thread}/{number}"));
                    store.set(&name, &secret("one"), None, None, T0).unwrap();
                    let overlap = Duration::from_secs(60);
                    store.rotate(&name, &secret("two"), overlap, None, at(1)).unwrap();
                    store.reload_if_changed().unwrap();
                }
            });
        }
    });
    let store = place.open();
    assert_eq!(store.list(at(2)).unwrap().len(), 48);
    for record in store.list(at(2)).unwrap() {
        assert_eq!(store.get(&record.name, at(2)).unwrap(), secret("two"));
        assert_eq!(store.previous(&record.name, at(2)).unwrap(), Some(secret("one")));
    }
    assert_eq!(store.state.read().contents().serial, 96);
}

#[test]
fn of_all_who_set_the_same_secret_one_succeeds() {
    let place = Place::new();
    let set = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let store = place.open();
                scope.spawn(move || {
                    let value = secret(&format!("v{thread}"));
                    match store.set(&name("a"), &value, None, None, T0) {
                        Ok(_) => Some(value),
                        Err(SecretsError::Exists { .. }) => None,
                        Err(error) => panic!("{error:?}"),
                    }
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(set, [place.open().get(&name("a"), T0).unwrap()]);
}

#[test]
fn one_store_is_shared_by_threads_that_read_change_and_reload() {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret("v"), None, None, T0).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, place) = (&store, &place);
            scope.spawn(move || {
                let other = place.open();
                for number in 0..10 {
                    let name_of = name(&format!("t{thread}/{number}"));
                    let changing = if number % 2 == 0 { store } else { &other };
                    changing.set(&name_of, &secret("v"), None, None, T0).unwrap();
                    store.reload_if_changed().unwrap();
                    assert_eq!(store.get(&name_of, T0).unwrap(), secret("v"));
                    assert_eq!(store.get(&name("a"), T0).unwrap(), secret("v"));
                }
            });
        }
    });
    assert_eq!(store.list(T0).unwrap().len(), 41);
}

#[test]
fn what_others_changed_is_read_again_and_only_then() {
    let place = Place::new();
    let (store, other) = (place.open(), place.open());
    assert!(!store.reload_if_changed().unwrap(), "there is no file yet");
    other.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    assert!(matches!(store.get(&name("a"), T0), Err(SecretsError::NotFound { .. })));
    assert!(store.reload_if_changed().unwrap());
    assert_eq!(store.get(&name("a"), T0).unwrap(), secret("one"));
    assert!(!store.reload_if_changed().unwrap());
    store.set(&name("b"), &secret("two"), None, None, T0).unwrap();
    assert!(!store.reload_if_changed().unwrap(), "its own change is not news");
    assert!(other.reload_if_changed().unwrap());
    // The same bytes in another file.
    place.write(&place.text());
    assert!(!other.reload_if_changed().unwrap());
}

#[test]
fn a_change_begins_with_what_the_file_says_then() {
    let place = Place::new();
    let (store, other) = (place.open(), place.open());
    other.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    let late = store.set(&name("a"), &secret("two"), None, None, T0);
    assert!(matches!(late, Err(SecretsError::Exists { .. })));
    store.rotate(&name("a"), &secret("two"), Duration::ZERO, None, T0).unwrap();
    other.remove(&name("a"), T0).unwrap();
    assert!(place.open().list(T0).unwrap().is_empty());
}

#[test]
fn what_a_crash_left_is_no_hindrance() {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    let left = place.file().with_added_extension("new");
    std::fs::write(&left, "{\"schema\":\"bartizan.sec").unwrap();
    assert_eq!(place.open().get(&name("a"), T0).unwrap(), secret("one"));
    store.set(&name("b"), &secret("two"), None, None, T0).unwrap();
    assert!(!left.exists());
    assert_eq!(place.open().list(T0).unwrap().len(), 2);
}

#[cfg(unix)]
#[test]
fn a_link_beside_the_file_leads_nowhere() {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    let other = place.file().with_file_name("precious");
    std::fs::write(&other, "of somebody else").unwrap();
    std::os::unix::fs::symlink(&other, place.file().with_added_extension("new")).unwrap();
    store.set(&name("b"), &secret("two"), None, None, T0).unwrap();
    let precious = bartizan_core::limits::read_text_file(&other, 1 << 10).unwrap();
    assert_eq!(precious, "of somebody else");
    assert!(std::fs::symlink_metadata(place.file()).unwrap().is_file());
    let lock = place.file().with_added_extension("lock");
    std::fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&other, &lock).unwrap();
    let refused = store.set(&name("c"), &secret("x"), None, None, T0);
    assert!(matches!(refused, Err(SecretsError::Write { .. })));
}

#[cfg(unix)]
#[test]
fn a_disk_that_takes_nothing_leaves_all_as_it_was() {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    // A folder in the way, which cannot be removed as a file is.
    let in_the_way = place.file().with_added_extension("new");
    std::fs::create_dir(&in_the_way).unwrap();
    let refused = store.set(&name("b"), &secret("x"), None, None, T0);
    assert!(matches!(refused, Err(SecretsError::Write { .. })));
    assert!(matches!(store.get(&name("b"), T0), Err(SecretsError::NotFound { .. })));
    std::fs::remove_dir(&in_the_way).unwrap();
    store.set(&name("b"), &secret("x"), None, None, T0).unwrap();
    assert_eq!(place.open().list(T0).unwrap().len(), 2);
}

/// Only the administrator can give files away; for others there is nothing to see here.
#[cfg(unix)]
#[test]
fn what_the_administrator_makes_belongs_to_the_account_of_the_service() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    const SERVICE: u32 = 12_345;
    let place = Place::new();
    let folder = place.file().parent().unwrap();
    std::fs::create_dir(folder).unwrap();
    if chown(folder, Some(SERVICE), None).is_err() {
        return;
    }
    let owner = |path: &Path| std::fs::symlink_metadata(path).unwrap().uid();
    let store = place.open();
    store.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    assert_eq!(owner(place.file()), SERVICE);
    assert_eq!(owner(&place.file().with_added_extension("lock")), SERVICE);
    chown(place.file(), Some(SERVICE + 1), None).unwrap();
    store.remove(&name("a"), T0).unwrap();
    assert_eq!(owner(place.file()), SERVICE + 1, "the owner of the file before comes first");
    let key = folder.join("master.key");
    crate::keyring::make_file(&key).unwrap();
    assert_eq!(owner(&key), SERVICE);
}
