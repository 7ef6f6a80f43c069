//! `bartizan audit export` on the log of a gateway that runs.

use std::time::Duration;

use bartizan_testkit::upstream::Script;
use serde_json::Value;

use crate::cli::{Place, Ran};
use crate::support::{Stage, WORD_GUARD, chat, log_files};

fn audit(stage: &Stage, words: &[&str]) -> Ran {
    let data = stage.folder.path().join("data");
    let folder = ["--data-dir", data.to_str().unwrap()];
    Place::new().run(&[&["audit"], words, &folder].concat(), "")
}

fn export(stage: &Stage, words: &[&str]) -> Ran {
    audit(stage, &[&["export"], words].concat())
}

/// A gateway that refused the last request, whose id is given, and has signed that.
async fn refused() -> (Stage, String) {
    let stage = Stage::start(Script::obedient(), WORD_GUARD, "").await;
    stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    let refused = stage.post("/v1/chat/completions", &chat("open", "zanzibar", false)).await;
    let id = refused.header("x-bartizan-request-id").unwrap().to_owned();
    for _ in 0..100 {
        if export(&stage, &[]).stdout.contains(&id) {
            return (stage, id);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never signed");
}

#[tokio::test]
async fn entries_leave_with_names_or_as_they_were_signed() {
    let (stage, _) = refused().await;
    let (named, signed) = (export(&stage, &[]), export(&stage, &["--pseudonyms"]));
    assert_eq!((named.code, signed.code), (0, 0), "{} {}", named.stderr, signed.stderr);
    let log = log_files(&stage.folder.path().join("data"));
    let log: String = log.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(log.starts_with(&signed.stdout), "{}", signed.stdout);
    assert_eq!(named.stdout.lines().count(), signed.stdout.lines().count());
    // Pseudonyms begin like this.
    assert!(signed.stdout.contains("\"subject:"), "{}", signed.stdout);
    assert!(!named.stdout.contains("\"subject:"), "{}", named.stdout);

    let count = named.stdout.lines().count();
    let last = (count - 1).to_string();
    for (words, lines) in [
        (["--since", "1h"], count),
        (["--since", "0s"], 0),
        (["--from", "1"], count - 1),
        (["--from", &last], 1),
        (["--from", &count.to_string()], 0),
    ] {
        let ran = export(&stage, &words);
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, lines), "{words:?}: {}", ran.stderr);
        assert!(named.stdout.ends_with(&ran.stdout), "{words:?}");
    }
}

#[tokio::test]
async fn what_was_refused_leaves_as_a_finding_that_leads_to_its_proof() {
    let (stage, id) = refused().await;
    let ran = export(&stage, &["--format", "ocsf"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let events: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), export(&stage, &[]).stdout.lines().count());
    assert!(events.iter().any(|event| event["class_uid"] == 6003), "{events:?}");
    assert!(!ran.stdout.contains("\"subject:"), "{}", ran.stdout);
    let finding = events.iter().find(|event| event["metadata"]["uid"] == id.as_str()).unwrap();
    assert_eq!(finding["class_uid"], 2004, "{finding}");
    assert_eq!(finding["finding_info"]["analytic"]["name"], "g-word", "{finding}");
    assert_eq!(finding["disposition"], "Blocked", "{finding}");
    assert!(!finding.to_string().contains("zanzibar"), "{finding}");

    let number = finding["unmapped"]["leaf_index"].to_string();
    let proof = audit(&stage, &["prove", &number]);
    assert!(proof.stdout.contains(&format!("index {number}\n")), "{}", proof.stderr);
    let log = proof.stdout.lines().find(|line| finding["metadata"]["log_name"] == **line);
    assert!(log.is_some(), "{}", proof.stdout);
}

#[cfg(feature = "sql")]
#[tokio::test]
async fn a_parquet_file_is_there_whole_or_not_at_all() {
    let (stage, _) = refused().await;
    let file = stage.folder.path().join("events.parquet");
    let ran = export(&stage, &["--format", "parquet", "-o", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{}", bytes.len());

    let missing = stage.folder.path().join("missing/events.parquet");
    let folder = stage.folder.path().to_str().unwrap();
    for (words, said) in [
        (&[][..], "name a file with `-o FILE`"),
        (&["-o", "-"][..], "name a file with `-o FILE`"),
        (&["-o", folder][..], "is no file"),
        (&["-o", missing.to_str().unwrap()][..], "cannot write `"),
    ] {
        refuses(&stage, &[&["--format", "parquet"], words].concat(), said);
    }
}

#[tokio::test]
async fn what_cannot_be_exported_is_said() {
    let (stage, _) = refused().await;
    refuses(&stage, &["--since", "soon"], "`soon` is not a duration");
    refuses(&stage, &["--from", "1000000"], "`--from` takes what the last export said");
    let ran = Place::new().run(&["audit", "export"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("there is no event log in"), "{}", ran.stderr);
}

fn refuses(stage: &Stage, words: &[&str], said: &str) {
    let ran = export(stage, words);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words:?}: {}", ran.stderr);
    assert!(ran.stderr.contains(said) && ran.stderr.contains("\nhelp: "), "{}", ran.stderr);
}
