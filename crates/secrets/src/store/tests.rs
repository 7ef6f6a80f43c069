//! The store as one process and as several see it, and as an attacker would like it to be.

mod attacks;
mod processes;
mod rotation;
mod support;

use std::time::Duration;

use bartizan_core::Coded as _;
use bartizan_core::redact::Secret;

use super::*;
use crate::contents::{NOTE_BYTES, OVERLAP_MAX, VALUE_BYTES};
use support::{Place, T0, at, keyring, name, secret};

#[test]
fn gives_out_what_was_set_also_after_a_restart() {
    let place = Place::new();
    let store = place.open();
    let record = store.set(&name("openai/prod"), &secret("sk-one"), None, None, T0).unwrap();
    store.set(&name("b"), &secret("päss\n✓"), Some("for B".to_owned()), Some(at(60)), T0).unwrap();
    for store in [store, place.open()] {
        assert_eq!(store.get(&name("openai/prod"), at(1)).unwrap(), secret("sk-one"));
        assert_eq!(store.get(&name("b"), at(1)).unwrap(), secret("päss\n✓"));
        let records = store.list(at(1)).unwrap();
        assert_eq!(records[1], record);
        assert_eq!(
            records.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            ["b", "openai/prod"]
        );
        assert_eq!(records[0].note.as_deref(), Some("for B"));
        assert_eq!(
            (records[0].created, records[0].set, records[0].expires),
            (T0, T0, Some(at(60)))
        );
        assert_eq!(records[0].age(at(5)), Duration::from_secs(5));
        assert_eq!(records[0].age(at(-5)), Duration::ZERO);
        assert!(!records[0].has_previous());
        assert_eq!(records[0].sealed_by, keyring(&[0]).current());
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let store = Place::new().open();
    assert!(store.list(T0).unwrap().is_empty());
    let gone = name("a");
    for error in [
        store.get(&gone, T0).unwrap_err(),
        store.previous(&gone, T0).unwrap_err(),
        store.record(&gone, T0).unwrap_err(),
        store.remove(&gone, T0).unwrap_err(),
        store.rollback(&gone, T0).unwrap_err(),
        store.rotate(&gone, &secret("x"), Duration::ZERO, None, T0).unwrap_err(),
    ] {
        assert!(matches!(error, SecretsError::NotFound { .. }), "{error:?}");
        assert_eq!(error.class(), bartizan_core::Class::NotFound);
    }
}

#[test]
fn a_secret_that_exists_is_rotated_and_not_set() {
    let place = Place::new();
    let store = place.open();
    store.set(&name("a"), &secret("one"), None, None, T0).unwrap();
    let error = store.set(&name("a"), &secret("two"), None, None, T0).unwrap_err();
    assert_eq!(error.to_string(), "the secret `a` exists; rotate it to give it another value");
    assert_eq!(place.open().get(&name("a"), T0).unwrap(), secret("one"));
}

#[test]
fn what_expired_is_not_given_out() {
    let store = Place::new().open();
    store.set(&name("a"), &secret("one"), None, Some(at(10)), T0).unwrap();
    assert!(store.get(&name("a"), at(9)).is_ok());
    let error = store.get(&name("a"), at(10)).unwrap_err();
    assert!(matches!(error, SecretsError::Expired { expired, .. } if expired == at(10)));
    let record = store.record(&name("a"), at(10)).unwrap();
    assert!(record.is_expired_at(at(10)) && !record.is_expired_at(at(9)));
    store.rotate(&name("a"), &secret("two"), Duration::from_secs(60), None, at(20)).unwrap();
    assert_eq!(store.get(&name("a"), at(20)).unwrap(), secret("two"));
    assert_eq!(store.previous(&name("a"), at(20)).unwrap(), None, "nor in an overlap");
    assert!(matches!(store.rollback(&name("a"), at(20)), Err(SecretsError::NoPrevious { .. })));
}

#[test]
fn refuses_values_notes_and_times_that_make_no_sense() {
    let place = Place::new();
    let store = place.open();
    let set = |value: &str, note: Option<&str>, expires| {
        store.set(&name("a"), &secret(value), note.map(str::to_owned), expires, T0)
    };
    assert!(matches!(set("", None, None), Err(SecretsError::Value)));
    assert!(matches!(set(&"x".repeat(VALUE_BYTES + 1), None, None), Err(SecretsError::Value)));
    let long = "x".repeat(NOTE_BYTES + 1);
    for note in [&long, "two\nlines", "\u{1b}[2J"] {
        assert!(matches!(set("x", Some(note), None), Err(SecretsError::Note)));
    }
    for expires in [T0, at(-1)] {
        assert!(matches!(set("x", None, Some(expires)), Err(SecretsError::AlreadyExpired)));
    }
    assert!(!place.file().exists(), "nothing was written");
    set(&"x".repeat(VALUE_BYTES), Some(&"x".repeat(NOTE_BYTES)), Some(at(1))).unwrap();
    let rotate = |value: &str, overlap, expires| {
        store.rotate(&name("a"), &secret(value), overlap, expires, T0)
    };
    assert!(matches!(rotate("", OVERLAP_MAX, None), Err(SecretsError::Value)));
    assert!(matches!(rotate("y", OVERLAP_MAX, Some(T0)), Err(SecretsError::AlreadyExpired)));
    for overlap in [OVERLAP_MAX + Duration::from_nanos(1), Duration::MAX] {
        assert!(matches!(rotate("y", overlap, None), Err(SecretsError::OverlapTooLong)));
    }
    rotate("y", OVERLAP_MAX, None).unwrap();
}

#[test]
fn what_is_removed_is_gone_from_the_file() {
    let place = Place::new();
    let store = place.open();
    for a in ["a", "b"] {
        store.set(&name(a), &secret("one"), None, None, T0).unwrap();
    }
    store.remove(&name("a"), T0).unwrap();
    for store in [store, place.open()] {
        assert!(matches!(store.get(&name("a"), T0), Err(SecretsError::NotFound { .. })));
        assert_eq!(store.get(&name("b"), T0).unwrap(), secret("one"));
    }
    assert!(!place.text().contains(r#""a""#));
}

#[cfg(unix)]
#[test]
fn the_file_is_private_and_nothing_else_is_left() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.open().set(&name("a"), &secret("one"), None, None, T0).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(place.file().parent().unwrap())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            entry.file_name().into_string().unwrap()
        })
        .collect();
    files.sort();
    assert_eq!(files, ["secrets.json", "secrets.json.lock"]);
}

#[test]
fn no_value_is_ever_shown_or_lies_in_the_file() {
    let place = Place::new();
    let store = place.open();
    let canary = "canary-c0ffee";
    let mut errors: Vec<SecretsError> = Vec::new();
    store.set(&name("a"), &secret(canary), None, None, T0).unwrap();
    errors.push(store.set(&name("a"), &secret(canary), None, None, T0).unwrap_err());
    let same = store.rotate(&name("a"), &secret(canary), Duration::ZERO, None, T0);
    errors.push(same.unwrap_err());
    let long = secret(&canary.repeat(10_000));
    errors.push(store.rotate(&name("a"), &long, Duration::ZERO, None, T0).unwrap_err());
    store.rotate(&name("a"), &secret("canary-two"), Duration::from_secs(9), None, T0).unwrap();
    let shown = format!("{store:?} {:?} {:?}", store.list(T0), store.get(&name("a"), T0));
    let file = place.text();
    place.write(&file.replace("secrets/v1", "canary"));
    errors.push(place.open_with(&[0]).unwrap_err());
    place.write(&format!("{{\"schema\":\"{canary}\",\"store\":\"{canary}\"}}"));
    errors.push(place.open_with(&[0]).unwrap_err());
    for text in [shown, format!("{errors:?}"), file] {
        assert!(!text.contains("canary"), "{text}");
    }
    for error in &errors {
        let mut chain: Option<&dyn std::error::Error> = Some(error);
        while let Some(link) = chain {
            assert!(!link.to_string().contains("canary"), "{link}");
            chain = link.source();
        }
    }
}

#[test]
fn every_secret_says_the_same_of_itself_alone_and_in_the_list() {
    let store = Place::new().open();
    for a in ["b", "a/x", "a"] {
        store.set(&name(a), &secret(a), None, None, T0).unwrap();
    }
    for record in store.list(T0).unwrap() {
        assert_eq!(store.record(&record.name, T0).unwrap(), record);
    }
}

#[test]
fn a_store_that_is_full_says_so_and_stays_as_it_is() {
    let place = Place::new();
    let store = place.open();
    let value = Secret::new("x".repeat(VALUE_BYTES));
    // Filled within one change, since each change writes all.
    let fill = |contents: &mut Contents, sealer: &Sealer| {
        for number in 0..760 {
            contents.set(sealer, &name(&format!("s{number}")), &value, None, None, T0)?;
        }
        Ok(())
    };
    store.change(T0, fill).unwrap();
    let before = std::fs::metadata(place.file()).unwrap().len();
    assert!(before < FILE_BYTES);
    let more = |contents: &mut Contents, sealer: &Sealer| {
        for number in 0..10 {
            contents.set(sealer, &name(&format!("t{number}")), &value, None, None, T0)?;
        }
        Ok(())
    };
    assert!(matches!(store.change(T0, more), Err(SecretsError::Full)));
    assert_eq!(std::fs::metadata(place.file()).unwrap().len(), before);
    assert_eq!(place.open().list(T0).unwrap().len(), 760);
}

#[test]
fn there_are_so_many_secrets_and_no_more() {
    let store = Place::new().open();
    let fill = |contents: &mut Contents, sealer: &Sealer| {
        for number in 0..crate::SECRETS_MAX {
            contents.set(sealer, &name(&format!("s{number}")), &secret("x"), None, None, T0)?;
        }
        Ok(())
    };
    store.change(T0, fill).unwrap();
    let one_more = store.set(&name("t"), &secret("x"), None, None, T0);
    assert!(matches!(one_more, Err(SecretsError::TooMany)));
    store.remove(&name("s7"), T0).unwrap();
    store.set(&name("t"), &secret("x"), None, None, T0).unwrap();
}
