//! A person who asks to be forgotten, while the gateway runs.

use std::path::Path;

use bartizan_testkit::upstream::Script;
use serde_json::json;

use crate::cli::{Place, Ran};
use crate::support::{MASK_GUARD, Stage, chat};

const ALICE: &str = "alice.liddell@example.com";

fn run(stage: &Stage, words: &[&str]) -> Ran {
    let data = stage.folder.path().join("data");
    Place::new().run(&[words, &["--data-dir", data.to_str().unwrap()]].concat(), "")
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap();
    bartizan_core::limits::read_capped(file, 100 << 20).unwrap()
}

/// Files below a folder that say a word.
fn files_that_say(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_that_say(&path, word));
        } else if bytes_of(&path).windows(word.len()).any(|w| w == word.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_name_is_gone_everywhere_and_the_log_holds() {
    let stage = Stage::start(Script::obedient(), MASK_GUARD, "").await;
    let made = json!({ "name": ALICE, "scope": "client" });
    let made = stage.console.post_json("/api/v1/keys", &made).await.unwrap();
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let alice = stage.process.gateway().bearer(&key);
    let asked = |client: bartizan_testkit::http::Client| async move {
        client.post_json("/v1/chat/completions", &chat("open", "hello", false)).await.unwrap()
    };
    let answer = asked(alice.clone()).await;
    assert_eq!(answer.status, 200);
    let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
    let logged = stage.event(|event| event["request_id"] == id.as_str()).await;
    assert_eq!(logged["principal"], ALICE);
    let data = stage.folder.path().join("data");
    let said = files_that_say(&data, "alice.liddell");
    assert!(said.iter().all(|file| !file.contains("events-")), "{said:?}");
    assert!(!said.is_empty());
    // Who is named in a question is found, and whose key it was too.
    if cfg!(feature = "sql") {
        let question = format!("SELECT operation, subject FROM events WHERE subject = '{ALICE}'");
        let found = run(&stage, &["query", &question, "--format", "csv"]);
        assert_eq!(found.stdout, format!("operation,subject\r\nkey-created,{ALICE}\r\n"));
    }

    let erased = run(&stage, &["audit", "erase", ALICE]);
    assert_eq!(erased.code, 0, "{}", erased.stderr);
    let (told, keys) = erased.stdout.split_once('\n').unwrap();
    let pseudonym = told.split(' ').find(|word| word.starts_with("subject:")).unwrap();
    assert_eq!(keys, "keys removed: 1\n");
    assert!(erased.stderr.contains("not reached from here: backups"), "{}", erased.stderr);
    let gone = stage
        .event(|event| event["operation"] == "subject-erased" && event["subject"] == pseudonym)
        .await;
    assert_eq!(gone["area"], "admin");
    assert_eq!(files_that_say(&data, "alice.liddell"), Vec::<String>::new());
    let logged = stage.event(|event| event["request_id"] == id.as_str()).await;
    assert_eq!(logged["principal"], pseudonym);
    assert_eq!(run(&stage, &["audit", "verify"]).code, 0);
    let proof = run(&stage, &["audit", "prove", &id]);
    assert!(proof.code == 0 && proof.stdout.contains("index "), "{}", proof.stderr);
    assert_eq!(asked(alice).await.status, 401, "the key goes on to work");

    let again = run(&stage, &["audit", "erase", ALICE]);
    assert_eq!(again.code, 2, "{}", again.stderr);
    assert!(again.stderr.contains("nobody in the log is named"), "{}", again.stderr);
    // The admin who is left cannot be locked out by mistake.
    let last = run(&stage, &["audit", "erase", "admin"]);
    assert_ne!(last.code, 0);
    assert!(last.stderr.contains("admin key"), "{}", last.stderr);
}
