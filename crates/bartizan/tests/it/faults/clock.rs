//! A clock that is set back under a running gateway: requests are answered and recorded in their order, and
//! the log holds and is read by time.

use std::path::Path;
use std::time::Duration;

use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::Value;

use crate::cli::Place;
use crate::support::{Stage, chat, launch};

/// Where Debian has it; the loader puts the folder of the system in the place of `$LIB`.
const LIBRARY: &str = "/usr/$LIB/faketime/libfaketime.so.1";
const POLICY: &str = "version: 1
listen: { gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }
providers: { open: { openai-compatible: { base-url: \"URL/v1\" } } }
endpoints: { open: { routes: [{ provider: open, model: m }] } }
";
/// What the clock is off, one after the other, and whether an event of the last hour has that time.
const OFFSETS: [(&str, bool); 5] =
    [("+0", true), ("-2h", false), ("-3h", false), ("+1d", true), ("+0", true)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_loses_nothing_and_moves_nothing() {
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let policy = POLICY.replace("URL", &upstream.url());
    let folder = tempfile::tempdir().unwrap();
    let offset = folder.path().join("offset");
    std::fs::write(&offset, OFFSETS[0].0).unwrap();
    let launch = launch(&folder)
        .env("LD_PRELOAD", LIBRARY)
        .env("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let stage = Stage::with_launch(upstream, folder, &policy, launch).await;
    let (mut asked, mut recent) = (Vec::new(), Vec::new());
    for (set, is_recent) in OFFSETS {
        std::fs::write(&offset, set).unwrap();
        for stream in [false, true] {
            let answer = stage.post("/v1/chat/completions", &chat("open", "hi", stream)).await;
            assert_eq!(answer.status, 200, "{set}: {}", answer.text());
            let id = answer.header("x-bartizan-request-id").unwrap().to_owned();
            recent.extend(is_recent.then(|| id.clone()));
            asked.push(id);
        }
        let ready = stage.process.console().get("/readyz").await.unwrap();
        assert_eq!(ready.status, 200, "{set}: {}", ready.text());
        // Each part is signed under its own time.
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let data = stage.folder.path().join("data");
    let events: Vec<Value> = stage.events();
    let of_gateway = |event: &&Value| event["area"] == "gateway";
    let ids: Vec<&str> = events
        .iter()
        .filter(of_gateway)
        .map(|event| event["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, asked);
    let times: Vec<&str> =
        events.iter().filter(of_gateway).map(|event| event["time"].as_str().unwrap()).collect();
    let back = times.array_windows().filter(|[before, after]| after < before).count();
    assert_eq!(back, 3, "this test needs the Debian package `libfaketime`: {times:?}");
    assert_eq!(since(&data, "1h"), recent);
    assert_eq!(since(&data, "100d"), asked);

    let (status, stderr) = stage.process.terminate().await.unwrap();
    assert!(status.success(), "{stderr}");
    let verified = run(&data, &["audit", "verify", "--format", "json"]);
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!((&verified["unsigned"], &verified["checked"]), (&0.into(), &events.len().into()));
}

/// Requests whose events the command shows.
fn since(data: &Path, time: &str) -> Vec<String> {
    let lines = run(data, &["events", "--since", time, "--format", "jsonl"]);
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_gateway = events.filter(|event| event["area"] == "gateway");
    of_gateway.map(|event| event["request_id"].as_str().unwrap().to_owned()).collect()
}

fn run(data: &Path, words: &[&str]) -> String {
    let ran = Place::new().run(&[words, &["--data-dir", data.to_str().unwrap()]].concat(), "");
    assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    ran.stdout
}
