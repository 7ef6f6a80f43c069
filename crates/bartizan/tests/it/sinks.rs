//! Sinks of the event log in the running process: what arrives, what is counted, what a stop leaves.

use std::path::Path;
use std::time::Duration;

use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::{Value, json};

use crate::support::Stage;

fn policy(url: &str, sinks: &str) -> String {
    format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers: {{ open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }} }}\n\
         endpoints: {{ open: {{ routes: [{{ provider: open, model: mock }}] }} }}\n\
         ledger:\n  sinks:\n{sinks}"
    )
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_reach_a_file_and_the_metrics_say_so() {
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let sinks = "    - { id: s-all, file: { path: out/all.jsonl } }\n    \
                 - { id: s-admin, areas: [admin], file: { path: out/admin.jsonl } }\n    \
                 - { id: s-away, syslog: { to: 'tcp://127.0.0.1:1' } }\n";
    let folder = tempfile::tempdir().unwrap();
    let policy = policy(&upstream.url(), sinks);
    let stage = Stage::with_policy(upstream, folder, &policy).await;
    let all = stage.folder.path().join("out/all.jsonl");
    let body = json!({ "model": "open", "messages": [{ "role": "user", "content": "hi" }] });
    for _ in 0..3 {
        assert_eq!(stage.post("/v1/chat/completions", &body).await.status, 200);
    }
    let logged = stage.events().len();
    for _ in 0..100 {
        if lines(&all).len() == logged {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(lines(&all), stage.events());
    let metrics = stage.process.console().get("/metrics").await.unwrap().text();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    for line in [
        format!("bartizan_sink_entries_total{{sink=\"s-all\"}} {logged}"),
        "bartizan_sink_lag_entries{sink=\"s-all\"} 0".to_owned(),
        "bartizan_ledger_waiting_events 0".to_owned(),
        "bartizan_sink_failures_total{sink=\"s-all\"} 0".to_owned(),
        "bartizan_sink_entries_total{sink=\"s-away\"} 0".to_owned(),
    ] {
        assert!(metrics.lines().any(|shown| shown == line), "{line}: {metrics}");
    }
    assert!(!metrics.contains("bartizan_sink_failures_total{sink=\"s-away\"} 0"), "{metrics}");

    // What is recorded a moment before the end arrives before it.
    assert_eq!(stage.post("/v1/chat/completions", &body).await.status, 200);
    let Stage { process, folder, .. } = stage;
    let (status, said) = process.terminate().await.unwrap();
    assert!(status.success(), "{said}");
    let data = folder.path().join("data");
    let logged = crate::support::events_in(&data);
    assert_eq!(lines(&all), logged);
    let areas = lines(&folder.path().join("out/admin.jsonl"));
    assert!(areas.iter().all(|event| event["area"] == "admin"), "{areas:?}");
    assert!(said.contains("`127.0.0.1:1` cannot be reached"), "{said}");
    assert!(data.join("relay/s-all.cursor").is_file());
}
