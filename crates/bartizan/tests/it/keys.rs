//! Keys of every scope, in front of a running gateway and on the command line.

use bartizan_testkit::upstream::Script;
use serde_json::{Value, json};

use crate::cli::{Place, Ran};
use crate::support::{Stage, chat};

fn key(stage: &Stage, words: &[&str]) -> Ran {
    let data = stage.folder.path().join("data");
    Place::new().run(&[&["key"], words, &["--data-dir", data.to_str().unwrap()]].concat(), "")
}

/// A key that the admin API makes.
async fn made(stage: &Stage, body: &Value) -> Value {
    let made = stage.console.post_json("/api/v1/keys", body).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

#[tokio::test]
async fn a_narrowed_key_opens_its_endpoints_and_does_not_show_others() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let body = json!({ "name": "sp:bot", "scope": "client", "endpoints": ["open", "demo"] });
    let made = made(&stage, &body).await;
    let bot = stage.process.gateway().bearer(made["key"].as_str().unwrap());
    for (endpoint, status) in [("open", 200), ("demo", 200), ("claude", 403), ("bricks", 403)] {
        let answer =
            bot.post_json("/v1/chat/completions", &chat(endpoint, "hello", false)).await.unwrap();
        assert_eq!(answer.status, status, "{endpoint}: {}", answer.text());
    }
    let models = bot.get("/v1/models").await.unwrap().json();
    let names: Vec<&str> =
        models["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["demo", "open"]);
    let hint =
        bot.post_json("/v1/chat/completions", &chat("nothing/x", "hi", false)).await.unwrap();
    assert!(!hint.text().contains("claude"), "{}", hint.text());
}

#[tokio::test]
async fn a_key_is_replaced_beside_a_running_gateway_and_both_work_for_a_while() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let old = made(&stage, &json!({ "name": "sp:bot", "scope": "client" })).await;
    let id = old["id"].as_str().unwrap();
    let ran = key(&stage, &["replace", id, "--overlap", "1h", "--expires-in", "90d"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let new = ran.stdout.trim();
    for secret in [old["key"].as_str().unwrap(), new] {
        let client = stage.process.gateway().bearer(secret);
        let mut status = 0;
        // A running process follows within a second.
        for _ in 0..60 {
            let body = chat("open", "hello", false);
            status = client.post_json("/v1/chat/completions", &body).await.unwrap().status.as_u16();
            if status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(status, 200);
    }
    let listed = key(&stage, &["list", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let replaced = listed["keys"].as_array().unwrap().iter().find(|key| key["replaces"] == id);
    assert_eq!(replaced.unwrap()["name"], "sp:bot");
    assert_eq!(key(&stage, &["replace", "nothing"]).code, 2);
}

#[tokio::test]
async fn the_report_names_keys_and_its_exit_code_says_so() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let ran = key(&stage, &["report"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("admin  0 days old: without an end\n"), "{}", ran.stdout);
    let ran = key(&stage, &["report", "--older-than", "0s", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["schema"], "bartizan.key-report/v1");
    assert_eq!(report["keys"][0]["found"][0], "old", "{report}");
    assert_eq!(key(&stage, &["report", "--older-than", "long"]).code, 2);
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_the_log_says_that_they_tried() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let body = json!({ "name": "eve@example.com", "scope": "auditor" });
    let made = made(&stage, &body).await;
    let auditor = stage.process.console().bearer(made["key"].as_str().unwrap());
    assert_eq!(auditor.get("/api/v1/events?since=1h").await.unwrap().status, 200);
    assert_eq!(auditor.get("/api/v1/keys").await.unwrap().status, 200);
    let refused = auditor.post_json("/api/v1/keys", &body).await.unwrap();
    assert_eq!(refused.status, 403);
    assert!(
        refused.text().contains("a key of scope `auditor` may not do this"),
        "{}",
        refused.text()
    );
    let event = stage.event(|event| event["operation"] == "refused").await;
    assert_eq!(event["principal"], "eve@example.com");
    // It calls no model either.
    let client = stage.process.gateway().bearer(made["key"].as_str().unwrap());
    let answer =
        client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
    assert_eq!(answer.status, 403);
}
