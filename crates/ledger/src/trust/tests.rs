//! Who has to sign, and files that do not say so.

use std::fmt::Write as _;

use super::*;
use crate::merkle::Hash;
use crate::note::SigningKey;

fn key(name: &str, algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(name.parse().unwrap(), algorithm).unwrap()
}

fn note(origin: &str, keys: &[&SigningKey]) -> Note {
    let root = Hash::of_leaf(b"only");
    let text = Checkpoint { origin: origin.to_owned(), size: 1, root, extensions: Vec::new() };
    let mut note = Note::new(text.to_string()).unwrap();
    for key in keys {
        note.add(key.sign(&text.to_string(), 7));
    }
    note
}

#[test]
fn a_quorum_of_witnesses_is_asked_for() {
    let log = key("example.org/log", Algorithm::Ed25519);
    let witnesses: Vec<SigningKey> =
        (0..6).map(|number| key(&format!("w{number}"), Algorithm::Cosignature)).collect();
    let mut file = format!("# whom to trust\nlog {}\n", log.verifying());
    for (number, witness) in witnesses.iter().enumerate() {
        let key = witness.verifying();
        writeln!(file, "\twitness W{number} {key}  https://w{number}.example").unwrap();
    }
    file += "group X 2 W0 W1 W2\ngroup Y any W3 W4 W5\n\ngroup both all X Y\nquorum both\n";
    let trust: Trust = file.parse().unwrap();
    let check = |seen: &[usize]| {
        let mut keys = vec![&log];
        keys.extend(seen.iter().map(|witness| &witnesses[*witness]));
        trust.check(&note("example.org/log", &keys))
    };
    for seen in [&[0, 1, 3][..], &[0, 2, 5], &[0, 1, 2, 3, 4, 5]] {
        let found = check(seen).unwrap();
        let names: Vec<_> = seen.iter().map(|witness| (format!("W{witness}"), 7)).collect();
        assert_eq!(found.witnesses, names);
    }
    for seen in [&[][..], &[0, 3], &[0, 1, 2], &[3, 4, 5]] {
        assert_eq!(check(seen), Err(TrustError::Quorum { seen: seen.len(), known: 6 }));
    }
}

#[test]
fn a_log_speaks_for_itself_alone() {
    let log = key("example.org/log", Algorithm::Ed25519);
    let trust = Trust::of_log(log.verifying().clone());
    assert!(trust.check(&note("example.org/log", &[&log])).is_ok());
    let other = trust.check(&note("example.org/other", &[&log]));
    assert!(matches!(other, Err(TrustError::Log { .. })), "{other:?}");
    assert!(matches!(trust.check(&note("example.org/log", &[])), Err(TrustError::Log { .. })));
}

#[test]
fn says_which_line_is_wrong() {
    let log = key("log", Algorithm::Ed25519).verifying().to_string();
    let witness = key("w", Algorithm::Cosignature).verifying().to_string();
    let check = |file: &str, line: usize, expected: &str| {
        let error = file.parse::<Trust>().unwrap_err();
        assert_eq!(error.line, line, "{file:?}: {error}");
        assert!(error.to_string().contains(expected), "{file:?}: {error}");
    };
    check("", 1, "`quorum");
    check("log\nquorum none\n", 1, "too few");
    check("logs x\n", 1, "begins with");
    check(&format!("log {witness}\n"), 1, "signs cosignatures");
    check(&format!("witness W {log}\n"), 1, "signs notes");
    check(&format!("log {log}\nlog {log}\n"), 2, "already");
    check(&format!("witness W {witness}\nwitness V {witness}\n"), 2, "already");
    check(&format!("witness none {witness}\n"), 1, "taken");
    check("group G any W\n", 1, "not known");
    check(&format!("witness W {witness}\ngroup G any W W\n"), 2, "twice");
    check(&format!("witness W {witness}\ngroup G 2 W\n"), 2, "at least one");
    check(&format!("witness W {witness}\ngroup G 0 W\n"), 2, "at least one");
    check(&format!("witness W {witness}\ngroup G 01 W\n"), 2, "a number");
    check(&format!("witness W {witness}\ngroup G +1 W\n"), 2, "a number");
    check(&format!("witness W {witness}\ngroup W any W\n"), 2, "taken");
    check("quorum G\n", 1, "not the name");
    check("quorum none\nquorum none\n", 2, "second");
    check("quorum none\r\n", 1, "control");
    check("# \u{7f}\nquorum none\n", 1, "control");
    assert!(format!("log {log}\nquorum none").parse::<Trust>().is_ok());
}

#[test]
fn bytes_beyond_ascii_are_opaque() {
    let witnesses: Vec<SigningKey> =
        (0..3).map(|number| key(&format!("w{number}"), Algorithm::Cosignature)).collect();
    // A name in Latin-1, the sign of Kelvin, which some take for the letter, and a control character of
    // Unicode, which is none of ASCII.
    let names: [&[u8]; 3] = [b"J\xF8rgen", "\u{212a}".as_bytes(), "\u{85}".as_bytes()];
    let mut file = b"# Gr\xFC\xDFe \xC2\x9B\n".to_vec();
    for (name, witness) in names.into_iter().zip(&witnesses) {
        let key = witness.verifying().to_string();
        file.extend([b"witness ", name, b" ", key.as_bytes(), b" http://\xFF.example\n"].concat());
    }
    let with = |end: &[u8]| Trust::from_bytes(&[&file[..], end].concat());
    let trust = with(b"group G 2 J\xF8rgen \xE2\x84\xAA \xC2\x85\nquorum G\n").unwrap();
    assert_eq!(trust.witnesses()[0].name, "J\u{fffd}rgen");
    assert_eq!(trust.witnesses()[1].url.as_deref(), Some("http://\u{fffd}.example"));
    // Names are compared as they are written.
    assert!(with(b"quorum J\xF9rgen\n").is_err() && with(b"quorum K\n").is_err());
}

#[test]
fn a_file_may_name_as_many_as_its_cap_and_then_a_quorum() {
    let mut file = String::new();
    for number in 0..MEMBERS {
        let key = key("w", Algorithm::Cosignature);
        writeln!(file, "witness {number} {}", key.verifying()).unwrap();
    }
    let quorum = "\n# all of it\nquorum 255\n";
    assert_eq!((file.clone() + quorum).parse::<Trust>().unwrap().witnesses().len(), MEMBERS);
    let log = key("log", Algorithm::Ed25519);
    let error = format!("{file}log {}{quorum}", log.verifying()).parse::<Trust>().unwrap_err();
    assert_eq!(error.line, MEMBERS + 1, "{error}");
    let error = format!("{file}group G any 3{quorum}").parse::<Trust>().unwrap_err();
    assert_eq!(error.line, MEMBERS + 1, "{error}");
}
