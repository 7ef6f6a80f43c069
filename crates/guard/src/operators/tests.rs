//! Operators by themselves; what the engine makes of them is tested beside it.

use bartizan_core::Secret;
use bartizan_core::operator::{MaskKey, Operator};

use super::*;

/// A key for tests.
pub(crate) fn key() -> MaskKey {
    MaskKey::new(Secret::new("heron-quartz-lantern-0123456789-test")).unwrap()
}

/// Another one.
pub(crate) fn other_key() -> MaskKey {
    MaskKey::new(Secret::new("another-key-of-tests-9876543210-abc")).unwrap()
}

/// One operator of each kind.
pub(crate) fn every_operator() -> [Operator; 9] {
    [
        Operator::Placeholder,
        Operator::Label,
        Operator::Redact,
        Operator::Replace("[hidden]".to_owned()),
        Operator::Partial { first: 1, last: 4, with: '*' },
        Operator::Hash(key()),
        Operator::Encrypt(key()),
        Operator::FormatPreserving(key()),
        Operator::Synthetic(key()),
    ]
}

fn written(operator: &Operator, label: &'static str, value: &str) -> Option<String> {
    Ready::new(operator).unwrap().write(label, value, true, &mut Vault::default())
}

#[test]
fn each_writes_its_own() {
    let all: Vec<String> = every_operator()
        .iter()
        .map(|operator| written(operator, "EMAIL_ADDRESS", "bob@shop.test").unwrap())
        .collect();
    assert_eq!(
        &all[..5],
        ["<EMAIL_ADDRESS_1>", "<EMAIL_ADDRESS>", "", "[hidden]", "b********test"]
    );
    assert!(all[5].starts_with("<EMAIL_ADDRESS_H") && all[5].len() == 33, "{}", all[5]);
    assert!(all[6].starts_with("<EMAIL_ADDRESS_E"), "{}", all[6]);
    assert!(all[7].len() == 13 && &all[7][3..4] == "@" && &all[7][8..9] == ".", "{}", all[7]);
    assert!(all[8].ends_with("@example.org"), "{}", all[8]);
}

#[test]
fn removal_is_removal_for_all() {
    for operator in every_operator() {
        assert_eq!(written(&operator, "", "\u{1b}[31m").as_deref(), Some(""), "{operator:?}");
    }
}

#[test]
fn what_an_operator_cannot_do_becomes_a_placeholder() {
    for (operator, value) in [
        (Operator::FormatPreserving(key()), "1234"),
        (Operator::Encrypt(key()), "x".repeat(2000).as_str()),
        (Operator::Synthetic(key()), "1234"),
    ] {
        assert_eq!(written(&operator, "UK_NHS", value).as_deref(), Some("<UK_NHS_1>"));
    }
}

#[test]
fn keys_and_labels_make_other_hashes_and_spellings_do_not() {
    let hash = |key, label, value| written(&Operator::Hash(key), label, value);
    let card = hash(key(), "CREDIT_CARD", "4111 1111 1111 1111");
    assert_eq!(card, hash(key(), "CREDIT_CARD", "4111-1111-1111-1111"));
    assert_ne!(card, hash(other_key(), "CREDIT_CARD", "4111 1111 1111 1111"));
    let digits = |label| hash(key(), label, "123456789").unwrap().split_off(label.len() + 1);
    assert_ne!(digits("US_SSN"), digits("CA_SIN"));
    assert_ne!(hash(key(), "PASSWORD", "Secret"), hash(key(), "PASSWORD", "secret"));
}

#[test]
fn no_key_is_printed() {
    for operator in every_operator() {
        let shown = format!("{:?}", Ready::new(&operator).unwrap());
        assert!(!shown.contains("heron"), "{shown}");
    }
}

#[test]
fn what_was_written_in_a_request_is_not_written_again() {
    let ready = Ready::new(&Operator::FormatPreserving(key())).unwrap();
    let mut vault = Vault::default();
    let written = ready.write("X", "12345678", false, &mut vault).unwrap();
    assert_eq!(ready.write("X", &written, false, &mut vault), None);
    assert_eq!(ready.write("X", "12345678", false, &mut vault), Some(written));
}

#[test]
fn partial_masks_of_an_address_within_another_show_no_more_than_half_of_it() {
    let partial = |value| {
        let operator = Operator::Partial { first: 4, last: 4, with: '*' };
        written(&operator, "IP_ADDRESS", value).unwrap()
    };
    assert_eq!(partial("::ffff:1.2.3.4"), "::ff*******3.4");
    let written = partial("64:ff9b::192.0.2.33");
    assert!(written.starts_with("64:f*") && written.ends_with("*2.33"), "{written}");
    assert!(!written.contains("192"), "{written}");
}

#[test]
fn what_has_a_form_keeps_it() {
    let preserved =
        |label, value| written(&Operator::FormatPreserving(key()), label, value).unwrap();
    assert!(preserved("IP_ADDRESS", "192.0.2.7").parse::<std::net::Ipv4Addr>().is_ok());
    assert!(!preserved("MAC_ADDRESS", "00:00:5e:00:53:af").contains(|c: char| c > 'f'));
    assert!(preserved("EMAIL_ADDRESS", "bob@shop.test").contains(".test"));
    assert_eq!(preserved("DATE_TIME", "5 May 2021"), "<DATE_TIME_1>");
}
