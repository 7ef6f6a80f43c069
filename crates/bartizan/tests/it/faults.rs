//! Providers that fail in every way, processes that die, and policies that change under load.

use std::time::Duration;

use bartizan_testkit::upstream::{Fault, Reply, Script, Upstream};

use crate::support::{Stage, WORD_GUARD, chat, launch, messages, responses};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_faults_become_clear_errors() {
    let times = "    timeouts: { attempt: 2s, idle: 1s, total: 5s }\n";
    let faults = [
        (Fault::ResetBeforeHeaders, 502),
        (Fault::NeverAnswers, 504),
        (Fault::MalformedJson, 502),
        (Fault::WrongContentType, 502),
        (Fault::SlowDrip { every: Duration::from_millis(1500) }, 504),
        (Fault::Status { status: 500, retry_after: None }, 500),
        (Fault::Status { status: 429, retry_after: Some(7) }, 429),
        (Fault::HugeBody { bytes: 80 << 20 }, 502),
    ];
    let replies = faults.iter().map(|(fault, _)| Reply::text("x").fault(*fault));
    let stage = Stage::start(Script::sequence(replies), WORD_GUARD, times).await;
    for (fault, status) in faults {
        let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{fault:?}: {}", answer.text());
        assert!(answer.header("x-bartizan-request-id").is_some());
    }
    let outcomes: Vec<_> =
        stage.events().into_iter().map(|event| event["outcome"].clone()).collect();
    assert!(outcomes.iter().all(|outcome| outcome == "upstream-failed"), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_break_are_told_apart_from_streams_that_end() {
    let faults = [
        Fault::ResetMidStream { after_frames: 4 },
        Fault::EndsEarly { after_frames: 4 },
        Fault::MalformedSse,
    ];
    for fault in faults {
        let reply = Reply::text("some words that go on for a while").fault(fault);
        let stage = Stage::start(reply.into(), WORD_GUARD, "").await;
        for (path, body) in [
            ("/v1/chat/completions", chat("open", "hi", true)),
            ("/v1/messages", messages("claude", "hi", true)),
            ("/v1/responses", responses("open", "hi", true)),
        ] {
            let answer = stage.post(path, &body).await;
            let text = answer.text();
            assert!(text.contains("provider-"), "{fault:?} {path}: {text}");
            assert!(!text.contains("[DONE]"), "{fault:?} {path}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_route_is_asked_only_when_the_first_did_not_begin() {
    let refusing = Upstream::start(Script::fault(Fault::Status { status: 503, retry_after: None }))
        .await
        .unwrap();
    let breaking =
        Upstream::start(Script::fault(Fault::ResetMidStream { after_frames: 0 })).await.unwrap();
    let fine = Upstream::start(Script::text("from the second")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\nproviders:\n  \
         refusing: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }}\n  \
         breaking: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }}\n  \
         away: {{ openai-compatible: {{ base-url: \"http://127.0.0.1:9/v1\" }} }}\n  \
         fine: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }}\n\
         endpoints:\n  a:\n    routes: [{{ provider: refusing, model: m }}, {{ provider: away, model: m }}, {{ provider: fine, model: m }}]\n  \
         b:\n    routes: [{{ provider: breaking, model: m }}, {{ provider: fine, model: m }}]\n",
        refusing.url(),
        breaking.url(),
        fine.url(),
    );
    let stage = Stage::with_policy(refusing, folder, &policy).await;
    let answer = stage.post("/v1/chat/completions", &chat("a", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("from the second"));
    let answer = stage.post("/v1/chat/completions", &chat("b", "hi", false)).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(fine.requests().len(), 1);
}

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
    for turn in 0..6 {
        std::fs::write(&file, format!("{text}# {turn}\n")).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let statuses = load.await.unwrap();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert!(stage.process.stderr().contains("policy reloaded"), "{}", stage.process.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_early() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let body = vec![b' '; 20 << 20];
    let answer = stage.client.send(http::Method::POST, "/v1/chat/completions", body).await;
    // A server that stops reading may close before the client has written all.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 413);
    }
    assert!(stage.upstream.requests().is_empty());
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200);
}
