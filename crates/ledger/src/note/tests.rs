//! Notes as they are signed, read and forged.

use proptest::prelude::*;

use super::*;

const TEXT: &str = "example.org/log\n3\nnot a root\n\nwith an empty line\n";

fn key(name: &str, algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(name.parse().unwrap(), algorithm).unwrap()
}

fn signed(keys: &[&SigningKey]) -> Note {
    let mut note = Note::new(TEXT.to_owned()).unwrap();
    for key in keys {
        note.add(key.sign(note.text(), 1_700_000_000));
    }
    note
}

#[test]
fn what_was_signed_is_read_and_verified() {
    let log = key("example.org/log", Algorithm::Ed25519);
    let witness = key("witness.example", Algorithm::Cosignature);
    let note = signed(&[&log, &witness]);
    let read: Note = note.to_string().parse().unwrap();
    assert_eq!(read, note);
    let keys = [witness.verifying().clone(), log.verifying().clone()];
    let found = read.verify(&keys).unwrap();
    let found: Vec<_> = found.iter().map(|signed| (signed.key, signed.time)).collect();
    assert_eq!(found, [(&keys[1], None), (&keys[0], Some(1_700_000_000))]);
}

#[test]
fn signatures_of_strangers_say_nothing() {
    let (log, other) = (key("log", Algorithm::Ed25519), key("log", Algorithm::Ed25519));
    assert_eq!(signed(&[&log]).verify(&[other.verifying().clone()]), Err(NoteError::Unsigned));
    assert_eq!(signed(&[]).verify(&[log.verifying().clone()]), Err(NoteError::Unsigned));
    let both = signed(&[&other, &log]);
    assert_eq!(both.verify(&[log.verifying().clone()]).unwrap().len(), 1);
}

#[test]
fn a_forged_signature_spoils_the_note() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Cosignature] {
        let key = key("log", algorithm);
        let good = signed(&[&key]);
        let keys = [key.verifying().clone()];
        for at in 0..good.signatures[0].bytes.len() {
            let mut note = good.clone();
            note.signatures[0].bytes[at] ^= 1;
            assert_eq!(note.verify(&keys), Err(NoteError::Forged { name: "log".to_owned() }));
        }
        let mut other = Note::new("another text\n".to_owned()).unwrap();
        other.add(good.signatures[0].clone());
        assert!(matches!(other.verify(&keys), Err(NoteError::Forged { .. })));
    }
}

#[test]
fn a_cosignature_is_no_signature_of_the_log() {
    let log = key("log", Algorithm::Ed25519);
    let secret = log.to_secret_text();
    assert_eq!(*SigningKey::from_secret_text(&secret).unwrap().to_secret_text(), *secret);
    let note = signed(&[&log]);
    // The same key, said to be that of a witness, has another number.
    let witness = key("log", Algorithm::Cosignature);
    assert_ne!(witness.verifying().id(), log.verifying().id());
    assert_eq!(note.verify(&[witness.verifying().clone()]), Err(NoteError::Unsigned));
}

#[test]
fn a_cosigner_names_a_time_that_exists() {
    let witness = key("witness", Algorithm::Cosignature);
    let keys = [witness.verifying().clone()];
    for (time, holds) in [(0, true), (1 << 62, true), ((1 << 63) - 1, true), (1 << 63, false)] {
        let mut note = Note::new("text\n".to_owned()).unwrap();
        note.add(witness.sign(note.text(), time));
        assert_eq!(note.verify(&keys).is_ok(), holds, "{time}");
    }
}

#[test]
fn keys_are_read_as_they_are_written() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Cosignature] {
        let key = key("example.org/a", algorithm);
        let text = key.verifying().to_string();
        assert_eq!(text.parse::<VerifyingKey>().as_ref(), Ok(key.verifying()));
        // The number belongs to the name.
        assert!(text.replacen("/a", "/b", 1).parse::<VerifyingKey>().is_err());
        let secret = key.to_secret_text();
        let seed = secret.splitn(5, '+').last().unwrap();
        assert!(seed.len() == 44 && !format!("{key:?}").contains(seed), "{key:?}");
    }
    for text in ["", "name", "name+00000000", "name+0+AAAA", "+00000000+AAAA", "a b+00000000+AAAA"]
    {
        assert!(text.parse::<VerifyingKey>().is_err(), "{text:?}");
        assert!(SigningKey::from_secret_text(&format!("PRIVATE+KEY+{text}")).is_err(), "{text:?}");
    }
}

#[test]
fn names_have_no_spaces_and_no_plus_signs() {
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\u{2028}b", "a\nb", &"x".repeat(256)] {
        assert!(name.parse::<KeyName>().is_err(), "{name:?}");
    }
    assert!("example.org/log/ü".parse::<KeyName>().is_ok());
}

#[test]
fn says_what_is_wrong_about_a_note() {
    let check = |note: &str, expected: &str| {
        let error = note.parse::<Note>().unwrap_err().to_string();
        assert!(error.contains(expected), "{note:?}: {error}");
    };
    check("text\n", "an empty line");
    check("text\n\n", "there are no signatures");
    check("text\n\n\u{2014} log AAAAAAA=", "cut off");
    check("text\n\n\u{2014} log AAAA\n", "malformed");
    check("text\n\n- log AAAAAAA=\n", "malformed");
    check("te\txt\n\n\u{2014} log AAAAAAA=\n", "control characters");
    check(&format!("text\n\n{}", "\u{2014} log AAAAAAA=\n".repeat(200)), "more than");
    check(&"x".repeat(NOTE_BYTES + 1), "more than");
    assert!(Note::new("no end".to_owned()).is_err());
}

proptest! {
    #[test]
    fn every_note_that_is_read_is_written_again(text in "([a-z\n\u{2014} ]{0,40}\n)?\n(\u{2014} [a-z]{1,3} [A-Za-z0-9]{7}=\n){0,3}") {
        if let Ok(note) = text.parse::<Note>() {
            prop_assert_eq!(note.to_string().parse::<Note>(), Ok(note));
        }
    }
}
