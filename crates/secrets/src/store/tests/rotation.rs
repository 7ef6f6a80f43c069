//! Values that take turns, and master keys that do.

use std::collections::BTreeSet;
use std::time::Duration;

use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;

use super::support::{Place, T0, at, keyring, name, secret};
use crate::{SealError, SecretStore, SecretsError, VERSIONS_MAX};

/// Rotates the secret `a` at a second, with an overlap of seconds.
fn rotate(store: &SecretStore, value: &str, overlap: u64, second: i64) {
    let overlap = Duration::from_secs(overlap);
    store.rotate(&name("a"), &secret(value), overlap, None, at(second)).unwrap();
}

/// The current value of `a` and the one before.
fn both(store: &SecretStore, now: Timestamp) -> (String, Option<String>) {
    let previous = store.previous(&name("a"), now).unwrap();
    let current = store.get(&name("a"), now).unwrap();
    (current.expose().to_owned(), previous.map(|value| value.expose().to_owned()))
}

fn shown(current: &str, previous: Option<&str>) -> (String, Option<String>) {
    (current.to_owned(), previous.map(str::to_owned))
}

fn place_with(value: &str) -> (Place, SecretStore) {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret(value), None, None, T0).unwrap();
    (place, store)
}

#[test]
fn the_value_before_is_given_out_while_the_overlap_lasts() {
    let (place, store) = place_with("one");
    let first = store.record(&name("a"), T0).unwrap();
    rotate(&store, "two", 100, 10);
    for store in [&store, &place.open()] {
        assert_eq!(both(store, at(10)), shown("two", Some("one")));
        assert_eq!(both(store, at(109)), shown("two", Some("one")));
        assert_eq!(both(store, at(110)), shown("two", None));
        let record = store.record(&name("a"), at(109)).unwrap();
        assert_eq!((record.created, record.set), (T0, at(10)));
        assert_eq!(record.previous_until, Some(at(110)));
        assert!(record.has_previous());
        assert_ne!(record.version, first.version);
        assert_eq!(store.record(&name("a"), at(110)).unwrap().previous_until, None);
    }
}

#[test]
fn a_value_whose_overlap_ended_leaves_the_file_with_the_next_change() {
    let (place, store) = place_with("one");
    let first = store.record(&name("a"), T0).unwrap().version.to_string();
    rotate(&store, "two", 100, 10);
    store.set(&name("b"), &secret("x"), None, None, at(50)).unwrap();
    assert!(place.text().contains(&first));
    store.set(&name("c"), &secret("x"), None, None, at(110)).unwrap();
    assert!(!place.text().contains(&first));
    assert_eq!(both(&store, at(50)), shown("two", None), "not even where the clock is set back");
}

#[test]
fn without_an_overlap_all_earlier_values_are_forgotten_at_once() {
    let (place, store) = place_with("one");
    rotate(&store, "two", 100, 10);
    rotate(&store, "three", 0, 20);
    for store in [&store, &place.open()] {
        assert_eq!(both(store, at(20)), shown("three", None));
    }
    assert!(matches!(store.rollback(&name("a"), at(20)), Err(SecretsError::NoPrevious { .. })));
}

#[test]
fn overlaps_of_several_rotations_each_end_in_their_own_time() {
    let (_place, store) = place_with("one");
    rotate(&store, "two", 100, 10);
    rotate(&store, "three", 5, 20);
    assert_eq!(both(&store, at(24)), shown("three", Some("two")));
    assert_eq!(both(&store, at(25)), shown("three", Some("one")));
    assert_eq!(both(&store, at(110)), shown("three", None));
}

#[test]
fn a_rollback_takes_the_value_before_and_another_takes_it_back() {
    let (place, store) = place_with("one");
    rotate(&store, "two", 100, 10);
    let record = store.rollback(&name("a"), at(20)).unwrap();
    assert_eq!(record.set, T0, "it is as old as it is");
    assert_eq!(record.previous_until, Some(at(110)));
    for store in [&store, &place.open()] {
        assert_eq!(both(store, at(20)), shown("one", Some("two")));
        assert_eq!(both(store, at(110)), shown("one", None));
    }
    store.rollback(&name("a"), at(30)).unwrap();
    assert_eq!(both(&store, at(30)), shown("two", Some("one")));
    let late = store.rollback(&name("a"), at(110));
    assert!(matches!(late, Err(SecretsError::NoPrevious { .. })));
    assert_eq!(both(&store, at(110)), shown("two", None));
}

#[test]
fn the_same_value_again_is_no_rotation() {
    let (place, store) = place_with("one");
    let again = store.rotate(&name("a"), &secret("one"), Duration::ZERO, None, at(10));
    assert!(matches!(again, Err(SecretsError::SameValue { .. })));
    assert_eq!(place.open().record(&name("a"), T0).unwrap().set, T0);
}

#[test]
fn rotating_is_never_refused_for_there_being_too_many_values() {
    let (place, store) = place_with("v0");
    for number in 1..20 {
        rotate(&store, &format!("v{number}"), 1000 - number, 1);
    }
    assert_eq!(both(&store, at(500)), shown("v19", Some("v18")));
    let kept = place.text().matches(r#""sealed":"#).count();
    assert_eq!(kept, VERSIONS_MAX);
    assert_eq!(place.open().get(&name("a"), T0).unwrap(), secret("v19"));
}

#[test]
fn a_new_value_has_an_end_of_its_own() {
    let (_place, store) = place_with("one");
    let overlap = Duration::from_secs(5);
    store.rotate(&name("a"), &secret("two"), overlap, Some(at(60)), at(10)).unwrap();
    assert_eq!(store.record(&name("a"), at(10)).unwrap().expires, Some(at(60)));
    rotate(&store, "three", 5, 20);
    assert_eq!(store.record(&name("a"), at(20)).unwrap().expires, None);
}

#[test]
fn after_everything_is_sealed_again_old_master_keys_can_go() {
    let (place, store) = place_with("one");
    rotate(&store, "two", 100, 10);
    store.set(&name("b"), &secret("x"), None, None, at(10)).unwrap();
    let [new, old] = [100, 0].map(|start| keyring(&[start]).current());
    let rotated = place.open_with(&[100, 0]).unwrap();
    assert_eq!(rotated.keys_in_use().unwrap(), BTreeSet::from([old]));
    let refused = place.open_with(&[100]).unwrap_err();
    let SecretsError::Unverified { source, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(source, SealError::UnknownKey { id: old });

    rotated.set(&name("c"), &secret("y"), None, None, at(20)).unwrap();
    assert_eq!(rotated.keys_in_use().unwrap(), BTreeSet::from([new, old]));
    let still = place.open_with(&[100]).unwrap_err();
    assert!(matches!(still, SecretsError::Unverified { .. }), "values need it: {still:?}");

    assert_eq!(rotated.rekey(at(30)).unwrap(), 4);
    assert_eq!(rotated.keys_in_use().unwrap(), BTreeSet::from([new]));
    let alone = place.open_with(&[100]).unwrap();
    assert_eq!(both(&alone, at(30)), shown("two", Some("one")));
    assert_eq!(alone.get(&name("b"), at(30)).unwrap(), secret("x"));
    let record = alone.record(&name("a"), at(30)).unwrap();
    assert_eq!((record.set, record.sealed_by), (at(10), new));
    assert!(matches!(place.open_with(&[0]), Err(SecretsError::Unverified { .. })));
}

#[test]
fn a_process_that_lacks_the_new_master_key_keeps_what_it_knows() {
    let (place, store) = place_with("one");
    place.open_with(&[100, 0]).unwrap().rekey(at(10)).unwrap();
    assert!(matches!(store.reload_if_changed(), Err(SecretsError::Unverified { .. })));
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("one"));
    let change = store.set(&name("b"), &Secret::new("x"), None, None, at(20));
    assert!(matches!(change, Err(SecretsError::Unverified { .. })));
}
