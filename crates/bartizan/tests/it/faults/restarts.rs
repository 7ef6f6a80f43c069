//! Processes that die or start again, and policies that change under load.

use std::time::Duration;

use bartizan_testkit::upstream::Script;

use crate::support::{Stage, WORD_GUARD, chat, launch};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_request_is_without_its_event_after_a_kill() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let client = stage.client.clone();
        tasks.push(tokio::spawn(async move {
            let mut answered = Vec::new();
            for turn in 0..10_000 {
                let body = chat("open", "hi", turn % 2 == 0);
                let Ok(answer) = client.post_json("/v1/chat/completions", &body).await else {
                    break;
                };
                if answer.status != 200 || answer.text().is_empty() {
                    break;
                }
                answered.push(answer.header("x-bartizan-request-id").unwrap().to_owned());
            }
            answered
        }));
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let folder = stage.folder;
    stage.process.kill().await.unwrap();
    let mut answered = Vec::new();
    for task in tasks {
        answered.extend(task.await.unwrap());
    }
    assert!(answered.len() > 20, "only {} requests", answered.len());
    let mut log = String::new();
    for entry in std::fs::read_dir(folder.path().join("data/events")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            log.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let missing: Vec<_> = answered.iter().filter(|id| !log.contains(*id)).collect();
    assert!(missing.is_empty(), "{} of {} without event", missing.len(), answered.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_keeps_keys_and_an_invalid_policy_keeps_the_last_good_one() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let file = stage.folder.path().join("bartizan.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "version: 1\nnonsense: true\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(stage.process.stderr().contains("nonsense"), "{}", stage.process.stderr());
    std::fs::write(&file, good.replace("zanzibar", "timbuktu")).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "to Timbuktu", false)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());

    let Stage { process, client: _, folder, upstream: _upstream, .. } = stage;
    let key = process.ready().client_key.clone().unwrap();
    let (status, _) = process.terminate().await.unwrap();
    assert!(status.success());
    let again = launch(&folder).start().await.unwrap();
    assert!(again.ready().client_key.is_none());
    let client = again.gateway().bearer(&key);
    let answer =
        client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloading_under_load_fails_no_request() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let file = stage.folder.path().join("bartizan.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let client = stage.client.clone();
    let load = tokio::spawn(async move {
        let mut statuses = Vec::new();
        for _ in 0..300 {
            let answer = client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await;
            statuses.push(answer.map_or(0, |answer| answer.status.as_u16()));
        }
        statuses
    });
    for turn in 0..3 {
        std::fs::write(&file, format!("{text}# {turn}\n")).unwrap();
        // Two looks must find the same text.
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    let statuses = load.await.unwrap();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert!(stage.process.stderr().contains("policy reloaded"), "{}", stage.process.stderr());
}
