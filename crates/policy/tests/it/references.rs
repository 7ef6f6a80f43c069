//! Secrets and other references.

use std::path::Path;

use bartizan_core::packages::Ecosystem;
use bartizan_core::settings::Detect;
use bartizan_policy::{Sources, load_str, show};

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
        let sources = Sources::of(&|_| None);
        load_str(&openai(&format!("file:{name}")), "f", folder.path(), FULL, sources)
    };
    assert!(load("good", b"sk-1\n").is_ok());
    let long = "a".repeat(70_000);
    for (name, bytes) in [("empty", &b"\n"[..]), ("long", long.as_bytes()), ("bad", b"\xFF")] {
        assert!(load(name, bytes).is_err(), "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_file_of_a_credential_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    let said = |name: &str| {
        let text = openai(&format!("file:{name}"));
        let sources = Sources::of(&|_| None);
        load_str(&text, "f", folder.path(), FULL, sources).unwrap_err().render()
    };
    assert!(said("empty").contains("help: put the key into it"), "{}", said("empty"));
    let looked = format!("no such file (looked for {})", folder.path().join("gone").display());
    assert!(said("gone").contains(&looked), "{}", said("gone"));
}

#[test]
fn what_is_shown_in_place_of_a_secret_is_no_secret() {
    let said = load(&openai("\u{2039}set\u{203a}")).unwrap_err().render();
    assert!(said.contains("stands for a credential that is not shown"), "{said}");
    let canary = "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo, model: m }]
    guardrails: [{ id: g, on: output, detect: prompt-leak, action: block }]
    canaries: [\u{2039}set\u{203a}]
";
    let said = load(canary).unwrap_err().render();
    assert!(said.contains("stands for a canary that is not shown"), "{said}");
}

#[test]
fn where_data_is_kept_is_read_without_any_secret() {
    let text = openai("env:NOT_SET") + "data-dir: kept\nledger: { segment: 1MiB, total: 3MiB }\n";
    let data = bartizan_policy::load_data(&text, "f", Path::new("base")).unwrap();
    assert_eq!(data.data_dir, Path::new("base/kept"));
    assert_eq!((data.ledger.segment_bytes, data.ledger.total_bytes), (1 << 20, 3 << 20));
    let wrong = "version: 1\ndata-dir: ''\n";
    assert!(bartizan_policy::load_data(wrong, "f", Path::new("")).is_err());
}

#[test]
fn files_of_packages_hold_a_name_per_line_and_are_shown_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let load = |bytes: &[u8]| {
        std::fs::write(folder.path().join("names"), bytes).unwrap();
        let text = "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails: &rails
      - { id: g, on: output, detect: packages, packages: { pypi: [requests, 'file:names'] }, action: flag }
  f:
    routes: [{ provider: demo }]
    guardrails: *rails
";
        load_str(text, "f", folder.path(), FULL, Sources::of(&|_| None))
    };
    let settings = load(b"# of our mirror\nNumPy\r\n\n  flask \n").unwrap();
    let lists =
        ["e", "f"].map(|endpoint| match &settings.endpoints[endpoint].guardrails[0].detect {
            Detect::Packages(lists) => lists[&Ecosystem::Pypi].clone(),
            other => panic!("{other:?}"),
        });
    assert!(["numpy", "Flask", "requests"].iter().all(|name| lists[0].names.contains(name)));
    assert!(!lists[0].names.contains("of") && lists[0].names.len() == 3);
    assert!(std::sync::Arc::ptr_eq(&lists[0].names, &lists[1].names), "one file is read once");
    let shown = show(&settings);
    assert!(shown.contains("file:names") && !shown.contains("numpy"), "{shown}");
    for (bytes, said) in [
        (&b"numpy\nflask==1.0\n"[..], "line 2 of `names` is no name of a package"),
        (b"\xFF", "not UTF-8"),
    ] {
        let error = load(bytes).unwrap_err().render();
        assert!(error.contains(said), "{error}");
    }
}
