//! Processes that die or start again, and policies that change under load.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::upstream::{Reply, Script};
use serde_json::Value;

use crate::cli::Place;
use crate::start::says;
use crate::support::{Stage, WORD_GUARD, chat, events_in, launch, log_files, said};

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
    let data = folder.path().join("data");
    let read = |path| std::fs::read_to_string(path).unwrap();
    let log: String = log_files(&data).into_iter().map(read).collect();
    let missing: Vec<_> = answered.iter().filter(|id| !log.contains(*id)).collect();
    assert!(missing.is_empty(), "{} of {} without event", missing.len(), answered.len());
    // What was signed before holds, and the next start signs the rest.
    let audit = |words: &[&str]| {
        let ran = Place::new().run(&[words, &["--data-dir", data.to_str().unwrap()]].concat(), "");
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    audit(&["audit", "verify"]);
    audit(&["key", "create", "alice@example.com"]);
    let all: Value =
        serde_json::from_str(&audit(&["audit", "verify", "--format", "json"])).unwrap();
    assert_eq!(all["unsigned"], 0, "{all}");
    assert!(all["checked"].as_u64().unwrap() > answered.len() as u64, "{all}");
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

/// Waits until nobody is let in any more; within 10 s.
async fn closed(gateway: &str) {
    for _ in 0..500 {
        if Client::new(gateway).get("/v1/models").await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("connections are still accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_under_way_ends_whole_when_the_process_is_asked_to_stop() {
    let text = "word ".repeat(60);
    let reply = Reply::text(&text).pieces([5]).delay(Duration::from_millis(50));
    let stage = Stage::start(reply.into(), WORD_GUARD, "").await;
    let mut stream =
        stage.client.stream("/v1/chat/completions", &chat("open", "hi", true)).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    let Stage { process, folder, upstream: _upstream, .. } = stage;
    let gateway = process.ready().gateway.clone();
    let ending = tokio::spawn(process.terminate());
    closed(&gateway).await;

    let rest = stream.whole().await.unwrap();
    let body = [&first[..], &rest.body[..]].concat();
    let answer = Answer { body: body.into(), ..rest };
    assert_eq!(said(&answer), text);
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"), "{}", answer.text());
    let (status, stderr) = ending.await.unwrap().unwrap();
    assert!(status.success(), "{status}: {stderr}");
    let id = answer.header("x-bartizan-request-id").unwrap();
    let events = events_in(&folder.path().join("data"));
    let event = events.iter().find(|event| event["request_id"] == id).unwrap();
    assert_eq!(event["outcome"], "answered", "{event}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_answers_under_way_at_once() {
    // A minute, and longer than the drain.
    let reply = Reply::text("word ".repeat(600)).pieces([5]).delay(Duration::from_millis(100));
    let stage = Stage::start(reply.into(), WORD_GUARD, "").await;
    let mut stream =
        stage.client.stream("/v1/chat/completions", &chat("open", "hi", true)).await.unwrap();
    let id = stream.headers["x-bartizan-request-id"].to_str().unwrap().to_owned();
    stage.process.signal("TERM").await.unwrap();
    says(&stage.process, "a second signal ends them").await;
    for _ in 0..5 {
        assert!(stream.next().await.unwrap().is_some(), "the first signal ended the answer");
    }

    let Stage { process, folder, upstream: _upstream, .. } = stage;
    let asked = Instant::now();
    let (status, stderr) = process.terminate().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}: {stderr}", asked.elapsed());
    assert!(status.success(), "{status}: {stderr}");
    assert!(stderr.contains("answers under way are cut off"), "{stderr}");
    assert!(stream.whole().await.is_err(), "what is cut off looks whole");
    let events = events_in(&folder.path().join("data"));
    let event = events.iter().find(|event| event["request_id"] == *id).unwrap();
    assert_eq!(event["outcome"], "disconnected", "{event}");
}

/// Clients that ask without a pause.
const CLIENTS: usize = 8;
/// Changes of the policy meanwhile.
const RELOADS: usize = 3;

/// Asks again and again, whole and streamed in turn; what went wrong.
async fn load(client: Client, done: Arc<AtomicBool>, answered: Arc<AtomicUsize>) -> Vec<String> {
    let mut wrong = Vec::new();
    for stream in [false, true].into_iter().cycle() {
        if done.load(Ordering::SeqCst) {
            break;
        }
        match client.post_json("/v1/chat/completions", &chat("open", "hi", stream)).await {
            Err(error) => wrong.push(error.to_string()),
            Ok(answer) => {
                let is_whole = !stream || answer.text().ends_with("data: [DONE]\n\n");
                if answer.status == 200 && said(&answer) == "fine" && is_whole {
                    answered.fetch_add(1, Ordering::SeqCst);
                } else {
                    wrong.push(format!("stream={stream}: {} {}", answer.status, answer.text()));
                }
            }
        }
    }
    wrong
}

/// Waits until it holds; within 20 s.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within 20 s: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloading_under_load_fails_no_request() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let file = stage.folder.path().join("bartizan.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(load(stage.client.clone(), Arc::clone(&done), Arc::clone(&answered))))
        .collect();
    for reload in 0..=RELOADS {
        if reload > 0 {
            std::fs::write(&file, format!("{text}# {reload}\n")).unwrap();
            until("a reload is said", || {
                stage.process.stderr().matches("policy reloaded").count() == reload
            })
            .await;
        }
        // Every client has one request under way and asks once more under this version.
        let before = answered.load(Ordering::SeqCst);
        until("requests are answered", || answered.load(Ordering::SeqCst) >= before + 2 * CLIENTS)
            .await;
    }
    done.store(true, Ordering::SeqCst);
    for client in clients {
        let wrong = client.await.unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    let mut by_version: BTreeMap<String, usize> = BTreeMap::new();
    for event in stage.decisions() {
        assert_eq!(event["outcome"], "answered", "{event}");
        *by_version.entry(event["policy"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(by_version.len(), RELOADS + 1, "{by_version:?}");
    assert!(by_version.values().all(|count| *count >= CLIENTS), "{by_version:?}");
    assert_eq!(by_version.values().sum::<usize>(), answered.load(Ordering::SeqCst));
}
