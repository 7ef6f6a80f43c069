//! What somebody without a master key does to the file.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Place, T0, at, keyring, name, secret};
use crate::contents::{Contents, Entry};
use crate::document::{self, HISTORY_MAX, Problem};
use crate::name::RandomId;
use crate::{SealError, SecretStore, SecretsError};

/// A store with two secrets, the first of which has two values, and its file.
fn attacked() -> (Place, SecretStore, Value) {
    let place = Place::new();
    let store = place.open();
    let note = Some("for tests".to_owned());
    store.set(&name("a"), &secret("one"), note, Some(at(1000)), T0).unwrap();
    store.set(&name("b"), &secret("other"), None, None, T0).unwrap();
    store.rotate(&name("a"), &secret("two"), Duration::from_secs(100), None, at(10)).unwrap();
    let file = serde_json::from_str(&place.text()).unwrap();
    (place, store, file)
}

/// That the file is refused, by whoever starts with it and by whoever knows the one before.
#[track_caller]
fn refused(place: &Place, store: &SecretStore, text: &str) {
    assert_ne!(text, place.text());
    let before = place.text();
    place.write(text);
    let opened = place.open_with(&[0]);
    assert!(opened.is_err(), "{text}");
    assert!(store.reload_if_changed().is_err(), "{text}");
    assert!(store.set(&name("new"), &secret("x"), None, None, at(20)).is_err(), "{text}");
    assert_eq!(place.text(), text, "nothing is written over it");
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("two"), "what was known is kept");
    place.write(&before);
    store.reload_if_changed().unwrap();
}

#[test]
fn every_changed_byte_of_the_file_is_noticed() {
    let (place, _store, _) = attacked();
    let bytes = place.text().into_bytes();
    let sealer = keyring(&[0]).derive("secrets").unwrap();
    assert!(document::read(&bytes, &sealer).is_ok());
    for at in 0..bytes.len() {
        for mask in [1, 2, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            assert!(document::read(&changed, &sealer).is_err(), "{at} {mask}");
        }
    }
    for len in 0..bytes.len() - 1 {
        assert!(document::read(&bytes[..len], &sealer).is_err(), "{len}");
    }
}

#[test]
fn every_changed_field_is_noticed() {
    let (place, store, file) = attacked();
    let later = json!("2030-01-01T00:00:00Z");
    for (field, value) in [
        ("/store", json!("0123456789abcdef")),
        ("/serial", json!(4)),
        ("/serial", json!(2)),
        ("/history", json!("")),
        ("/history", json!("AAAA")),
        ("/history", json!("0123456789ABCDEFGHIJKL")),
        ("/secrets/0/name", json!("c")),
        ("/secrets/0/note", json!("for production")),
        ("/secrets/0/created", later.clone()),
        ("/secrets/0/versions/0/id", json!("0123456789abcdef")),
        ("/secrets/0/versions/0/set", later.clone()),
        ("/secrets/0/versions/1/until", later.clone()),
        ("/secrets/0/versions/1/expires", later.clone()),
        ("/secrets/0/versions/1/expires", Value::Null),
        ("/secrets/0/versions", json!([])),
        ("/secrets", json!([])),
        ("/schema", json!("bartizan.secrets/v2")),
        ("/schema", json!("")),
    ] {
        let mut changed = file.clone();
        *changed.pointer_mut(field).unwrap() = value;
        refused(&place, &store, &changed.to_string());
    }
    let mut longer = file.clone();
    longer["secrets"][1]["versions"][0]["expires"] = later;
    refused(&place, &store, &longer.to_string());
    let mut unknown = file;
    unknown["more"] = json!(1);
    refused(&place, &store, &unknown.to_string());
}

#[test]
fn values_and_secrets_that_change_places_are_noticed() {
    let (place, store, file) = attacked();
    let swap = |a: &str, b: &str| {
        let mut changed = file.clone();
        let [left, right] = [a, b].map(|at| file.pointer(at).unwrap().clone());
        *changed.pointer_mut(a).unwrap() = right;
        *changed.pointer_mut(b).unwrap() = left;
        refused(&place, &store, &changed.to_string());
    };
    swap("/secrets/0/versions/0/sealed", "/secrets/1/versions/0/sealed");
    swap("/secrets/0/versions/0/sealed", "/secrets/0/versions/1/sealed");
    swap("/secrets/0/versions/0", "/secrets/1/versions/0");
    swap("/secrets/0/versions/0", "/secrets/0/versions/1");
    swap("/secrets/0/name", "/secrets/1/name");
    swap("/secrets/0", "/secrets/1");
}

/// The second line of defence, for whoever could seal the file anew but not its values.
#[test]
fn a_value_is_bound_to_its_place_whatever_the_file_says() {
    let (place, _store, _) = attacked();
    let sealer = keyring(&[0]).derive("secrets").unwrap();
    let sealed_anew = |change: fn(&mut Contents)| {
        let mut contents = document::read(place.text().as_bytes(), &sealer).unwrap().contents;
        change(&mut contents);
        let (_, bytes) = document::write(contents, &sealer).unwrap();
        document::read(&bytes, &sealer).map(drop)
    };
    assert!(sealed_anew(|_| ()).is_ok());
    let changes: [fn(&mut Contents); 7] = [
        |contents| {
            let moved = contents.entries.remove(&name("a")).unwrap();
            contents.entries.insert(name("c"), moved);
        },
        |contents| contents.store = RandomId::new().unwrap(),
        |contents| entry(contents, "a").created = at(1),
        |contents| entry(contents, "a").versions[0].set = at(1),
        |contents| entry(contents, "a").versions[1].expires = None,
        |contents| entry(contents, "a").versions[0].id = entry(contents, "b").versions[0].id,
        |contents| {
            entry(contents, "a").versions[0].sealed =
                entry(contents, "b").versions[0].sealed.clone();
        },
    ];
    for change in changes {
        let problem = sealed_anew(change).unwrap_err();
        assert!(matches!(problem, Problem::Seal(SealError::Damaged)));
    }
}

fn entry<'a>(contents: &'a mut Contents, of: &str) -> &'a mut Entry {
    contents.entries.get_mut(&name(of)).unwrap()
}

#[test]
fn what_is_left_out_put_in_or_put_back_is_noticed() {
    let (place, store, file) = attacked();
    let old = file.clone();
    store.rotate(&name("a"), &secret("three"), Duration::ZERO, None, at(15)).unwrap();
    store.rotate(&name("a"), &secret("two"), Duration::ZERO, None, at(16)).unwrap();
    let new: Value = serde_json::from_str(&place.text()).unwrap();
    let mut fewer = new.clone();
    fewer["secrets"].as_array_mut().unwrap().pop();
    refused(&place, &store, &fewer.to_string());
    let mut more = new.clone();
    more["secrets"].as_array_mut().unwrap().push(old["secrets"][0].clone());
    refused(&place, &store, &more.to_string());
    let mut back = new.clone();
    back["secrets"][0] = old["secrets"][0].clone();
    refused(&place, &store, &back.to_string());
    let mut seal = back;
    seal["seal"] = old["seal"].clone();
    refused(&place, &store, &seal.to_string());
    let mut all_but_serial = old;
    all_but_serial["serial"] = new["serial"].clone();
    refused(&place, &store, &all_but_serial.to_string());
}

#[test]
fn an_old_copy_of_the_whole_file_is_refused_by_who_knows_a_later_one() {
    let (place, store, _) = attacked();
    let old = place.text();
    store.rotate(&name("a"), &secret("three"), Duration::ZERO, None, at(15)).unwrap();
    place.write(&old);
    assert!(matches!(store.reload_if_changed(), Err(SecretsError::Replaced { .. })));
    let change = store.remove(&name("b"), at(20));
    assert!(matches!(change, Err(SecretsError::Replaced { .. })));
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("three"));
    // Nobody else can know: this is what the documentation says cannot be noticed.
    let other = place.open();
    assert_eq!(other.get(&name("a"), at(20)).unwrap(), secret("two"));
    // However far it goes on from there, it is another history.
    for number in 0..4 {
        let value = secret(&format!("four {number}"));
        other.rotate(&name("a"), &value, Duration::ZERO, None, at(15)).unwrap();
        assert!(matches!(store.reload_if_changed(), Err(SecretsError::Replaced { .. })));
    }
    let change = store.remove(&name("b"), at(20));
    assert!(matches!(change, Err(SecretsError::Replaced { .. })));
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("three"), "what was known is kept");
}

#[test]
fn what_came_of_the_known_file_is_taken_as_long_as_the_history_reaches() {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret("0"), None, None, T0).unwrap();
    let (late, later) = (place.open(), place.open());
    for change in 1..=HISTORY_MAX {
        let value = secret(&change.to_string());
        store.rotate(&name("a"), &value, Duration::ZERO, None, T0).unwrap();
    }
    assert!(late.reload_if_changed().unwrap());
    assert_eq!(late.get(&name("a"), T0).unwrap(), secret(&HISTORY_MAX.to_string()));
    store.rotate(&name("a"), &secret("last"), Duration::ZERO, None, T0).unwrap();
    assert!(late.reload_if_changed().unwrap());
    assert!(matches!(later.reload_if_changed(), Err(SecretsError::Replaced { .. })));
    assert_eq!(later.get(&name("a"), T0).unwrap(), secret("0"), "what was known is kept");
    assert_eq!(place.open().get(&name("a"), T0).unwrap(), secret("last"));
}

#[test]
fn the_file_of_another_store_is_refused_by_who_knows_this_one() {
    let (place, store, _) = attacked();
    let elsewhere = Place::new();
    let other = elsewhere.open();
    for number in 0..9 {
        other.set(&name(&format!("s{number}")), &secret("x"), None, None, T0).unwrap();
    }
    place.write(&elsewhere.text());
    assert!(matches!(store.reload_if_changed(), Err(SecretsError::Replaced { .. })));
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("two"));
}

#[test]
fn a_file_that_disappears_is_an_error_and_what_was_known_is_kept() {
    let (place, store, _) = attacked();
    let text = place.text();
    std::fs::remove_file(place.file()).unwrap();
    for _ in 0..2 {
        assert!(matches!(store.reload_if_changed(), Err(SecretsError::Disappeared { .. })));
    }
    let change = store.set(&name("c"), &secret("x"), None, None, at(20));
    assert!(matches!(change, Err(SecretsError::Disappeared { .. })));
    assert!(!place.file().exists(), "no empty store takes its place");
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("two"));
    place.write(&text);
    assert!(!store.reload_if_changed().unwrap());
    store.set(&name("c"), &secret("x"), None, None, at(20)).unwrap();
}

#[test]
fn what_is_no_store_is_never_taken_for_an_empty_one() {
    let place = Place::new();
    std::fs::create_dir_all(place.file().parent().unwrap()).unwrap();
    for text in ["", "{}", "[]", "null", "{\"schema\":\"bartizan.secrets/v1\",\"secrets\":[]}"] {
        place.write(text);
        let opened = place.open_with(&[0]);
        assert!(matches!(opened, Err(SecretsError::Damaged { .. })), "{text}");
    }
    place.write("{\"schema\":\"bartizan.secrets/v9\",\"anything\":1}");
    let newer = place.open_with(&[0]);
    assert!(matches!(newer, Err(SecretsError::Schema { .. })));
    std::fs::remove_file(place.file()).unwrap();
    std::fs::create_dir(place.file()).unwrap();
    let folder = place.open_with(&[0]);
    assert!(matches!(folder, Err(SecretsError::Read { .. })));
}

#[test]
fn a_file_that_is_longer_than_any_is_not_read() {
    let place = Place::new();
    std::fs::create_dir_all(place.file().parent().unwrap()).unwrap();
    let file = std::fs::File::create(place.file()).unwrap();
    file.set_len(crate::FILE_BYTES + 1).unwrap();
    let opened = place.open_with(&[0]);
    assert!(matches!(opened, Err(SecretsError::Read { .. })));
}

#[test]
fn another_keyring_opens_nothing() {
    let (place, _store, _) = attacked();
    let id = keyring(&[0]).current();
    let error = place.open_with(&[100]).unwrap_err();
    let SecretsError::Unverified { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source, SealError::UnknownKey { id });
    assert!(place.open_with(&[100, 0]).is_ok());
}

#[test]
fn a_file_whose_time_and_length_were_restored_is_still_another() {
    let (place, store, _) = attacked();
    let before = std::fs::metadata(place.file()).unwrap().modified().unwrap();
    let text = place.text();
    let changed = text.replacen("for tests", "for tsets", 1);
    std::fs::write(place.file(), changed).unwrap();
    let file = std::fs::File::options().write(true).open(place.file()).unwrap();
    file.set_modified(before).unwrap();
    if cfg!(unix) {
        assert!(matches!(store.reload_if_changed(), Err(SecretsError::Unverified { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_are_a_store(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let sealer = keyring(&[0]).derive("secrets").unwrap();
        prop_assert!(document::read(&bytes, &sealer).is_err());
    }
}
