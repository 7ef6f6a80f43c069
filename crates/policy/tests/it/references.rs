//! Secrets and other references.

use bartizan_policy::{Sources, load_str};

use crate::catalogue::FULL;
use crate::load;

fn openai(key: &str) -> String {
    format!("version: 1\nproviders:\n  o:\n    openai:\n      api-key: {key}\n")
}

#[test]
fn a_literal_key_is_refused_and_never_repeated() {
    for key in ["sk-proj-VERYSECRET", "\"sk-proj-VERYSECRET\"", "\n        sk-proj-VERYSECRET"] {
        let error = load(&openai(key)).unwrap_err();
        for shown in [error.render(), error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("VERYSECRET"), "{shown}");
        }
        assert!(error.render().contains("`api-key: env:NAME`"), "{}", error.render());
    }
}

#[test]
fn another_problem_on_the_line_does_not_show_the_key() {
    let text = "version: 1\nproviders: { o: { openai: { api-key: sk-VERYSECRET, base_url: x } } }";
    let shown = load(text).unwrap_err().render();
    assert!(shown.contains("did you mean `base-url`?"), "{shown}");
    assert!(!shown.contains("VERYSECRET"), "{shown}");
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let text = "version: 1\nproviders:\n  o: { openai-compatible: { base-url: \
                'https://me:VERYSECRET@example.com' } }";
    let shown = load(text).unwrap_err().render();
    assert!(shown.contains("user or password"), "{shown}");
    assert!(!shown.contains("VERYSECRET"), "{shown}");
}

#[test]
fn a_value_that_cannot_be_a_header_is_not_shown() {
    let shown = load(&openai("env:BROKEN")).unwrap_err().render();
    assert!(shown.contains("visible ASCII") && !shown.contains("two"), "{shown}");
}

#[test]
fn files_are_capped_and_must_hold_something() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let sources = Sources { env: &|_| None };
        load_str(&openai(&format!("file:{name}")), "f", folder.path(), FULL, sources)
    };
    assert!(load("good", b"sk-1\n").is_ok());
    let long = "a".repeat(70_000);
    for (name, bytes) in [("empty", &b"\n"[..]), ("long", long.as_bytes()), ("bad", b"\xFF")] {
        assert!(load(name, bytes).is_err(), "{name}");
    }
}
