//! What guardrails write in place of what they mask.

use bartizan_core::operator::{Operator, Operators};
use bartizan_policy::{Sources, load_mask_key, mask_key_of, show};

use crate::{load, variable};

fn operators(rest: &str) -> Operators {
    let text = format!(
        "version: 1\nmask-key: env:MASK_KEY\nproviders: {{ demo: {{ demo: {{}} }} }}\nendpoints:\n  e:\n    \
         routes: [{{ provider: demo }}]\n    guardrails:\n      - {{ id: g-one, on: input, action: mask, {rest} }}\n"
    );
    let settings = load(&text).unwrap_or_else(|error| panic!("{}", error.render()));
    let shown = show(&settings);
    assert!(!shown.contains("heron"), "{shown}");
    let rail = &settings.endpoints.values().next().unwrap().guardrails[0];
    rail.operators.clone()
}

#[test]
fn a_placeholder_unless_something_else_is_said() {
    assert_eq!(operators("detect: pii"), Operators::default());
    assert_eq!(operators("detect: pii, operator: placeholder"), Operators::default());
}

#[test]
fn every_word_is_an_operator() {
    let words = ["label", "redact", "partial", "hash", "encrypt", "format-preserving", "synthetic"];
    for word in words {
        assert_eq!(operators(&format!("detect: pii, operator: {word}")).usual.name(), word);
    }
}

#[test]
fn settings_of_an_operator() {
    let usual = |text: &str| operators(&format!("detect: pii, operator: {text}")).usual;
    assert_eq!(usual("{ replace: '[mail]' }"), Operator::Replace("[mail]".to_owned()));
    let partial = |first, last, with| Operator::Partial { first, last, with };
    assert_eq!(usual("partial"), partial(0, 4, '*'));
    assert_eq!(usual("{ partial: {} }"), partial(0, 4, '*'));
    assert_eq!(usual("{ partial: { first: 2 } }"), partial(2, 0, '*'));
    assert_eq!(usual("{ partial: { first: 1, last: 2, with: '•' } }"), partial(1, 2, '•'));
}

#[test]
fn single_detectors_come_before_their_category() {
    let given = operators(
        "detect: [pii, secret], operators: { pii: label, email: redact, api-key: { replace: x } }",
    );
    assert_eq!(given.usual, Operator::Placeholder);
    assert_eq!(given.of("email"), &Operator::Redact);
    assert_eq!(given.of("iban"), &Operator::Label);
    assert_eq!(given.of("api-key"), &Operator::Replace("x".to_owned()));
}

#[test]
fn attacks_and_data_in_one_guardrail_have_operators_of_their_own() {
    let given = operators("detect: [pii, exfiltration], operators: { pii: partial }");
    assert_eq!(given.of("data-link"), &Operator::Placeholder);
    assert_eq!(given.of("email").name(), "partial");
}

#[test]
fn what_is_shown_reads_back() {
    let text = "version: 1\nmask-key: env:MASK_KEY\nproviders: { demo: { demo: {} } }\nendpoints:\n  e:\n    \
                routes: [{ provider: demo }]\n    guardrails:\n      - { id: g-one, on: input, action: mask, \
                detect: pii, operator: { partial: { last: 2 } }, operators: { email: synthetic } }\n";
    let shown = show(&load(text).unwrap());
    for line in [
        "mask-key: ‹set›",
        "operator: { partial: { first: 0, last: 2, with: \"*\" } }",
        "email: synthetic",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn the_key_alone_needs_no_other_secret() {
    let sources = Sources::of(&variable);
    let text = "version: 1\nmask-key: env:MASK_KEY\nproviders: { o: { openai: { api-key: env:NOT_THERE } } }";
    let key = load_mask_key(text, "f", std::path::Path::new(""), sources).unwrap();
    assert_eq!(key, Some(mask_key_of("env:MASK_KEY", "--key", sources).unwrap()));
    let none = load_mask_key("version: 1", "f", std::path::Path::new(""), sources).unwrap();
    assert_eq!(none, None);
    let error = mask_key_of("env:NOT_THERE", "--key", sources).unwrap_err().render();
    assert!(error.contains("`NOT_THERE` is not set"), "{error}");
    let error = mask_key_of("VERYSECRET", "--key", sources).unwrap_err().render();
    assert!(!error.contains("VERYSECRET"), "{error}");
}
