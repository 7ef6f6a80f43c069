//! The event log as evidence: verified, proved and tampered with, from the command line.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use bartizan_testkit::upstream::Script;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Place, Ran};
use crate::support::{MASK_GUARD, Stage, chat, log_files};

/// A command on the data folder of a stage.
fn audit(folder: &TempDir, words: &[&str]) -> Ran {
    let data = folder.path().join("data");
    let folder = ["--data-dir", data.to_str().unwrap()];
    Place::new().run(&[&["audit"], words, &folder].concat(), "")
}

/// The proof of a request, as soon as its event is signed.
async fn proof(folder: &TempDir, id: &str) -> String {
    for _ in 0..100 {
        let ran = audit(folder, &["prove", id]);
        if ran.code == 0 {
            return ran.stdout;
        }
        assert!(
            ran.stderr.contains("not signed yet") || ran.stderr.contains("no entry"),
            "{}",
            ran.stderr
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never signed");
}

#[tokio::test]
async fn every_answer_leads_to_a_proof_that_is_checked_without_the_log() {
    let stage = Stage::start(Script::obedient(), MASK_GUARD, "").await;
    let mut ids = Vec::new();
    for stream in [false, true, false] {
        let answer = stage.post("/v1/chat/completions", &chat("open", "hello", stream)).await;
        ids.push(answer.header("x-bartizan-request-id").unwrap().to_owned());
    }
    let refused = stage.post("/v1/chat/completions", &chat("nowhere", "hello", false)).await;
    ids.push(refused.header("x-bartizan-request-id").unwrap().to_owned());
    let key = audit(&stage.folder, &["key"]).stdout;
    let key = key.trim();
    for id in &ids {
        let proof = proof(&stage.folder, id).await;
        assert!(proof.starts_with("c2sp.org/tlog-proof@v1\n"), "{proof}");
        // In a folder that knows nothing of the log.
        let check = |proof: &str| Place::new().run(&["audit", "check", "-", "--key", key], proof);
        let ran = check(&proof);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let event: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(event["request_id"], id.as_str());
        let changed = proof.replacen("index ", "index 1", 1);
        let ran = check(&changed);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("not in the log at this place"), "{}", ran.stderr);
    }
    let ran = audit(&stage.folder, &["verify", "--key", key, "--format", "json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &found["holds"], &found["first"]),
        (0, &Value::from(true), &Value::from(0))
    );
    let ran = audit(&stage.folder, &["prove", "01a1fc2e-84b7-710d-b445-12d6e7cfbb3d"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("has no entry of the request"), "{}", ran.stderr);
}

#[tokio::test]
async fn what_was_changed_is_named_also_after_a_crash() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    for _ in 0..5 {
        stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    }
    let last = stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    proof(&stage.folder, last.header("x-bartizan-request-id").unwrap()).await;
    let key = audit(&stage.folder, &["key"]).stdout;
    let Stage { process, folder, .. } = stage;
    process.kill().await.unwrap();
    let verify = || audit(&folder, &["verify", "--key", key.trim()]);
    let ran = verify();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("holds: entries 0 to "), "{}", ran.stdout);

    let file = log_files(&folder.path().join("data")).remove(0);
    let before = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = before.lines().collect();
    let changed = lines[3].replace("\"allow\"", "\"block\"");
    lines[3] = &changed;
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let ran = verify();
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("error: entry 3 is not the one that was signed"), "{}", ran.stderr);

    std::fs::write(&file, before.split_inclusive('\n').take(4).collect::<String>()).unwrap();
    let ran = verify();
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("error: entry 4 is missing"), "{}", ran.stderr);
    std::fs::write(&file, before).unwrap();
    assert_eq!(verify().code, 0);

    // A key that lies beside the log is used with a word of warning.
    let ran = audit(&folder, &["verify"]);
    assert!(ran.code == 0 && ran.stderr.contains("who could write there"), "{}", ran.stderr);
    let other = Stage::start(Script::obedient(), "", "").await;
    let key = audit(&other.folder, &["key"]).stdout;
    let ran = audit(&folder, &["verify", "--key", key.trim()]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("not trusted"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_checkpoint_that_somebody_kept_shows_whether_the_log_was_written_anew() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let ask = async || {
        let answer = stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
        proof(&stage.folder, answer.header("x-bartizan-request-id").unwrap()).await;
    };
    let checkpoint = stage.folder.path().join("data/ledger/checkpoint");
    ask().await;
    let kept = stage.folder.path().join("kept");
    std::fs::copy(&checkpoint, &kept).unwrap();
    ask().await;
    let consistency =
        |old: &std::path::Path| audit(&stage.folder, &["consistency", old.to_str().unwrap()]);
    let ran = consistency(&kept);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("holds: the log of "), "{}", ran.stdout);
    let ran = audit(
        &stage.folder,
        &["consistency", checkpoint.to_str().unwrap(), kept.to_str().unwrap()],
    );
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("name the older one first"), "{}", ran.stderr);
    let text = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, text.replacen('\n', "\n1", 1)).unwrap();
    let ran = consistency(&kept);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("is not trusted") || ran.stderr.contains("has signed"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn a_log_is_verified_where_it_is_served_with_its_entries_and_without() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    for _ in 0..5 {
        stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    }
    let last = stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    proof(&stage.folder, last.header("x-bartizan-request-id").unwrap()).await;
    let key = audit(&stage.folder, &["key"]).stdout;
    let ready = stage.process.ready();
    let url = format!("{}/ledger", ready.console);
    let trust = ["--key", key.trim()];
    let with = |key: &str, more: &[&str]| {
        let named = if key.is_empty() { &[][..] } else { &["--admin-key", "env:THEIR_KEY"] };
        let words = [&["audit", "verify", url.as_str()], &trust[..], named, more].concat();
        Place::new().run_with(("THEIR_KEY", key), &words)
    };
    let admin = ready.admin_key.clone().unwrap();
    let ran = with(&admin, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("holds: entries 0 to "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("note:"), "{}", ran.stdout);
    let ran = with(&admin, &["--format", "json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&found["holds"], &found["first"]), (&Value::from(true), &Value::from(0)));
    assert_eq!(
        (&found["hashes_only"], &found["checked"]),
        (&Value::from(0), &found["checkpoint"]["size"])
    );

    // Without a key, and with one that is refused.
    let ran = with("", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("holds: the hashes of entries 0 to "), "{}", ran.stdout);
    assert!(ran.stdout.contains("were checked by their hashes alone"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`--admin-key` names one"), "{}", ran.stdout);
    let ran = with("bza_nobody", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("the server refuses the key"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("bza_nobody"), "{}", ran.stderr);

    // The key of another log.
    let other = Stage::start(Script::obedient(), "", "").await;
    let other = audit(&other.folder, &["key"]).stdout;
    let ran = Place::new().run(&["audit", "verify", &url, "--key", other.trim()], "");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("not trusted"), "{}", ran.stderr);

    // What is no log, and who is not there.
    let verify =
        |url: &str| Place::new().run(&[&["audit", "verify", url], &trust[..]].concat(), "");
    for (url, code, said) in [
        (ready.console.as_str(), 2, "no log is served there"),
        ("http://127.0.0.1:1/ledger", 4, "cannot be reached"),
        ("http://bob:secret@127.0.0.1:1/ledger", 2, "cannot be the address of a log"),
    ] {
        let ran = verify(url);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{url}: {}", ran.stderr);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("\nhelp: "), "{}", ran.stderr);
    }

    // An entry that somebody changes under the process.
    let path = log_files(&stage.folder.path().join("data")).remove(0);
    let text = std::fs::read_to_string(&path).unwrap();
    let start: usize = text.split_inclusive('\n').take(3).map(str::len).sum();
    let at = start + text[start..].find("\"allow\"").unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"\"block\"").unwrap();
    let ran = with(&admin, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    let entry = text[..at].lines().count() - 1;
    let said = format!("error: entry {entry} is not the one that was signed");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    // Its hash says nothing about that.
    assert_eq!(with("", &[]).code, 0);
}

#[tokio::test]
async fn a_copy_of_a_log_is_verified_by_the_name_of_its_folder() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let last = stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    proof(&stage.folder, last.header("x-bartizan-request-id").unwrap()).await;
    let key = audit(&stage.folder, &["key"]).stdout;
    let data = stage.folder.path().join("data");
    for folder in [data.clone(), data.join("ledger")] {
        let folder = folder.to_str().unwrap();
        let ran = Place::new().run(&["audit", "verify", folder, "--key", key.trim()], "");
        assert_eq!(ran.code, 0, "{folder}: {}", ran.stderr);
        assert!(ran.stdout.starts_with("holds: entries 0 to "), "{}", ran.stdout);
    }
}

#[tokio::test]
async fn a_key_that_was_retired_is_told_which_took_its_place() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    stage.post("/v1/chat/completions", &chat("open", "hello", false)).await;
    let old = audit(&stage.folder, &["key"]).stdout;
    let refused = |ran: Ran, expected: &str| {
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    };
    refused(audit(&stage.folder, &["rotate-key"]), "stop `bartizan up`");
    let Stage { process, folder, .. } = stage;
    process.terminate().await.unwrap();
    refused(audit(&folder, &["rotate-key", "--finish"]), "none to retire");
    let new = audit(&folder, &["rotate-key"]).stdout;
    assert_eq!(audit(&folder, &["key"]).stdout, new);
    let verify = |key: &str| audit(&folder, &["verify", "--key", key.trim()]);
    for key in [&old, &new] {
        assert_eq!(verify(key).code, 0, "{}", verify(key).stderr);
    }
    refused(audit(&folder, &["rotate-key"]), "two keys already");
    let ran = audit(&folder, &["rotate-key", "--finish"]);
    assert_eq!((ran.code, &ran.stdout), (0, &new), "{}", ran.stderr);
    assert_eq!(verify(&new).code, 0, "{}", verify(&new).stderr);
    let ran = verify(&old);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    for expected in [old.trim(), new.trim(), "which that key has signed", "help: get the new key"] {
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
    let files = std::fs::read_dir(folder.path().join("data/ledger")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let proof = files.find(|path| path.extension().is_some_and(|end| end == "tlog-proof")).unwrap();
    let words = ["audit", "check", proof.to_str().unwrap(), "--key", old.trim()];
    let ran = Place::new().run(&words, "");
    assert!(ran.code == 0 && ran.stdout.contains("key-retired"), "{}", ran.stderr);
}

#[test]
fn says_what_to_do_about_mistakes() {
    let place = Place::new();
    let check = |words: &[&str], expected: &str| {
        let ran = place.run(&[&["audit"], words].concat(), "no proof");
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{words:?}: {}", ran.stderr);
    };
    check(&["verify"], "there is no event log in");
    check(&["verify", "missing"], "there is no event log in `missing`");
    check(&["verify", "https://127.0.0.1:1/ledger"], "name its key with `--key`");
    check(&["verify", ".", "--ca", "ca.pem"], "`--ca` and `--admin-key` are for a URL");
    check(&["key"], "there is no event log in");
    check(&["check", "-"], "name the key with `--key`");
    check(&["check", "-", "--key", "x"], "`bartizan audit key` prints the key");
    place.write("trust", "quorum nobody\n");
    check(&["check", "-", "--trust", "trust"], "line 1: the quorum is not the name");
}
