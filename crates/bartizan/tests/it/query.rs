//! `bartizan query` on the log of a gateway that runs.

use bartizan_testkit::upstream::Script;
use serde_json::Value;

use crate::cli::{Place, Ran};
use crate::support::{MASK_GUARD, Stage, chat};

fn query(stage: &Stage, words: &[&str]) -> Ran {
    let data = stage.folder.path().join("data");
    let folder = ["--data-dir", data.to_str().unwrap()];
    Place::new().run(&[&["query"], words, &folder].concat(), "")
}

#[tokio::test]
async fn questions_see_what_was_just_decided_and_lead_to_its_proof() {
    let stage = Stage::start(Script::obedient(), MASK_GUARD, "").await;
    let text = "write to bob@example.com";
    let masked = stage.post("/v1/chat/completions", &chat("open", text, false)).await;
    let id = masked.header("x-bartizan-request-id").unwrap().to_owned();
    stage.post("/v1/chat/completions", &chat("open", "hello", true)).await;

    let of_one = format!("SELECT leaf_index, verdict FROM events WHERE request_id = '{id}'");
    let ran = query(&stage, &[&of_one, "--format", "jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let row: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(row["verdict"], "mask", "{row}");
    let rules = "SELECT rule, count(*) AS n FROM findings GROUP BY rule";
    let ran = query(&stage, &[rules, "--format", "csv"]);
    assert_eq!(ran.stdout, "rule,n\r\nemail,1\r\n", "{}", ran.stderr);
    let ran = query(
        &stage,
        &[
            "SELECT verdict, count(*) AS n FROM events WHERE area = 'gateway' GROUP BY verdict ORDER BY verdict",
        ],
    );
    assert_eq!(ran.stdout, "verdict  n\nallow    1\nmask     1\n", "{}", ran.stderr);

    // The number of the row is what its proof is about.
    let number = row["leaf_index"].to_string();
    let data = stage.folder.path().join("data");
    let mut proof =
        Place::new().run(&["audit", "prove", &number, "--data-dir", data.to_str().unwrap()], "");
    for _ in 0..100 {
        if proof.code == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        proof = Place::new()
            .run(&["audit", "prove", &number, "--data-dir", data.to_str().unwrap()], "");
    }
    assert!(proof.stdout.contains(&format!("index {number}\n")), "{}", proof.stderr);
}

#[tokio::test]
async fn a_wrong_question_is_named_and_helped() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    for (question, part) in [
        ("SELECT verdct FROM events", "verdct"),
        ("DROP TABLE events", "not supported"),
        ("SELECT 1 FROM '/etc/passwd'", "not found"),
    ] {
        let ran = query(&stage, &[question]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{question}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{question}: {}", ran.stderr);
        assert!(ran.stderr.contains("help: ask with one `SELECT`"), "{question}: {}", ran.stderr);
    }
    let ran = Place::new().run(&["query", "SELECT 1", "--data-dir", "nowhere"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("there is no event log"), "{}", ran.stderr);
}

#[tokio::test]
async fn what_somebody_sent_cannot_move_the_cursor_of_a_terminal() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    stage.post("/v1/chat/completions", &chat("\u{1b}[2J", "hello", false)).await;
    let ran = query(&stage, &["SELECT * FROM events"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}'), "{:?}", ran.stdout);
}
