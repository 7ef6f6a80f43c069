//! `bartizan check` over folders, and with exceptions of a policy.

use serde_json::Value;

use crate::cli::Place;

const MAIL: &str = "line one\nwrite to bob@example.com\n";

/// A small tree with everything that is handled in a way of its own.
fn tree() -> Place {
    let place = Place::new();
    for folder in ["t/.git", "t/b/deep", "t/a", "t/out"] {
        std::fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.write("t/.gitignore", "out/\n*.log\n");
    place.write("t/.env", MAIL);
    place.write("t/.git/config", MAIL);
    place.write("t/a/one.txt", MAIL);
    place.write("t/a/clean.txt", "nothing here");
    place.write("t/b/deep/two.txt", MAIL);
    place.write("t/b/image.bin", b"\x89PNG\0\0 bob@example.com");
    place.write("t/b/latin.txt", b"caf\xe9 bob@example.com");
    let wide = "\u{feff}mail bob@example.com".encode_utf16().flat_map(u16::to_le_bytes);
    place.write("t/b/wide.txt", wide.collect::<Vec<u8>>());
    place.write("t/out/built.txt", MAIL);
    place.write("t/run.log", MAIL);
    place.write("outside.txt", MAIL);
    #[cfg(unix)]
    for link in ["t/a/link.txt", "t/a/up"] {
        let to = if link.ends_with("up") { "../.." } else { "../../outside.txt" };
        std::os::unix::fs::symlink(to, place.path(link)).unwrap();
    }
    place
}

fn ids(document: &str, lines: bool) -> Vec<String> {
    let results: Vec<Value> = if lines {
        document.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    } else {
        let document: Value = serde_json::from_str(document).unwrap();
        document["results"].as_array().unwrap().clone()
    };
    let id = |result: &Value| result["id"].as_str().unwrap().replace('\\', "/");
    results.iter().map(id).collect()
}

const FOUND: [&str; 5] =
    ["t/.env", "t/a/one.txt", "t/b/deep/two.txt", "t/b/latin.txt", "t/b/wide.txt"];

#[test]
fn a_folder_is_read_in_order_without_what_is_ignored() {
    let place = tree();
    for format in ["json", "jsonl"] {
        let ran = place.run(&["check", "--format", format, "t"], "");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ids(&ran.stdout, format == "jsonl"), FOUND, "{format}");
        assert!(!ran.stdout.contains("bob@"), "{}", ran.stdout);
        let said = "note: 7 files read, 1 file without text left out, 1 file not in UTF-8";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        let again = place.run(&["check", "--format", format, "t"], "");
        assert_eq!(again.stdout, ran.stdout);
    }
    let ran = place.run(&["check", "--format", "json", "--no-ignore", "t"], "");
    let found = ids(&ran.stdout, false);
    assert!(found.contains(&"t/out/built.txt".to_owned()) && found.contains(&"t/run.log".into()));
    assert!(!found.iter().any(|path| path.contains(".git/") || path.contains("link")));
}

#[test]
fn people_and_code_scanning_get_paths_and_lines() {
    let place = tree();
    let ran = place.run(&["check", "t", "--fail-on", "mask"], "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(!ran.stdout.contains("clean.txt") && !ran.stdout.contains("after masking"));
    let lines = ran.stdout.lines().filter(|line| line.contains("line 2, bytes 18..33"));
    assert_eq!(lines.count(), 3, "{}", ran.stdout);
    let ran = place.run(&["check", "t", "--format", "sarif"], "");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let uri = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        place["artifactLocation"]["uri"].as_str().unwrap().to_owned()
    };
    assert_eq!(results.iter().map(uri).collect::<Vec<_>>(), FOUND);
    let artifacts = document["runs"][0]["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), FOUND.len());
}

#[test]
fn a_text_that_is_too_large_is_told_and_never_clean() {
    let place = Place::new();
    std::fs::create_dir(place.path("t")).unwrap();
    place.write("t/large.txt", "a ".repeat((16 << 20) / 2 + 1));
    place.write("t/small.txt", "all is well");
    let ran = place.run(&["check", "t"], "");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stdout.contains("large.txt: incomplete"), "{}", ran.stdout);
    assert!(ran.stderr.contains("help: cut it into smaller files"), "{}", ran.stderr);
}

#[test]
fn folders_and_json_lines_are_told_apart() {
    let place = tree();
    let ran = place.run(&["check", "--format", "jsonl", "t", "outside.txt"], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("help: scan the folders by themselves"), "{}", ran.stderr);
}

const POLICY: &str = r"version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - id: g-pii
        on: input
        detect: email
        action: block
        allow:
          - { literal: bob@example.com, reason: of the manual, expires: 2999-12-31 }
          - { literal: eve@example.com, reason: of last year, expires: 2020-12-31 }
";

#[test]
fn a_lower_threshold_shows_samples() {
    let place = Place::new();
    for (threshold, code, shown) in [("0.5", 0, false), ("0.2", 1, true), ("1.5", 2, false)] {
        let arguments = ["check", "--threshold", threshold, "--fail-on", "flag"];
        let ran = place.run(&arguments, "key AKIAIOSFODNN7EXAMPLE");
        assert_eq!(ran.code, code, "{threshold}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stdout.contains("sample-secret"), shown, "{threshold}: {}", ran.stdout);
    }
}

#[test]
fn an_exception_is_named_in_every_format_and_the_text_in_none() {
    let place = Place::new();
    place.write("p.yaml", POLICY);
    for format in ["human", "json", "sarif"] {
        let ran = place.run(&["check", "-c", "p.yaml", "--format", format], "mail bob@example.com");
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("of the manual"), "{format}: {}", ran.stdout);
    }
    let ran = place.run(&["check", "-c", "p.yaml"], "mail eve@example.com");
    assert_eq!(ran.code, 1, "{}", ran.stdout);
}

#[test]
fn an_exception_that_ended_is_reported() {
    let place = Place::new();
    place.write("p.yaml", POLICY);
    let said = "endpoint `e`, guardrail `g-pii`: an exception ended on 2020-12-31";
    let ran = place.run(&["config", "check", "-c", "p.yaml"], "");
    assert!(ran.code == 0 && ran.stderr.contains(said), "{}{}", ran.stdout, ran.stderr);
    let ran = place.run(&["doctor", "--offline", "-c", "p.yaml"], "");
    let line = ran.stdout.lines().find(|line| line.contains(said));
    assert!(line.is_some_and(|line| line.starts_with("warn  exceptions")), "{}", ran.stdout);
}
