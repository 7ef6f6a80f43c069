//! Starts a scripted provider and the binary in front of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::process::{Launch, Process};
use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running gateway with its provider.
pub(crate) struct Stage {
    pub(crate) upstream: Upstream,
    pub(crate) process: Process,
    pub(crate) client: Client,
    pub(crate) console: Client,
    pub(crate) folder: TempDir,
}

/// Guardrails that refuse one made-up word everywhere, and US social security numbers.
pub(crate) const WORD_GUARD: &str = r"
      - { id: g-word, on: [input, output, tool-call], detect: keywords, keywords: [zanzibar], action: block }
      - { id: g-ssn, on: [input, output, tool-call], detect: us-ssn, action: block }";

/// Guardrails that mask personal data and put it back.
pub(crate) const MASK_GUARD: &str = r"
      - { id: g-pii, on: [input, output, tool-call], detect: pii, action: mask, restore: true }";

impl Stage {
    /// Starts with the guardrails on every endpoint and more lines under each endpoint.
    pub(crate) async fn start(script: Script, guardrails: &str, more: &str) -> Self {
        let upstream = Upstream::start(script).await.unwrap();
        let url = upstream.url();
        let folder = tempfile::tempdir().unwrap();
        let guardrails = if guardrails.is_empty() {
            String::new()
        } else {
            format!("    guardrails:{guardrails}\n")
        };
        let endpoint = |name: &str, provider: &str| {
            format!(
                "  {name}:\n    routes: [{{ provider: {provider}, model: mock }}]\n{guardrails}{more}\n"
            )
        };
        let policy = format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             providers:\n  open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n  \
             ant: {{ anthropic: {{ base-url: \"{url}\", api-key: env:TEST_PROVIDER_KEY }} }}\n  \
             dbx: {{ databricks: {{ host: \"{url}\", token: env:TEST_PROVIDER_KEY }} }}\n  \
             demo: {{ demo: {{}} }}\n\
             endpoints:\n{}{}{}{}",
            endpoint("open", "open"),
            endpoint("claude", "ant"),
            endpoint("bricks", "dbx"),
            endpoint("demo", "demo"),
        );
        Self::with_policy(upstream, folder, &policy).await
    }

    /// Starts with a whole policy file.
    pub(crate) async fn with_policy(upstream: Upstream, folder: TempDir, policy: &str) -> Self {
        let launch = launch(&folder);
        Self::with_launch(upstream, folder, policy, launch).await
    }

    /// Starts in a way of its own.
    pub(crate) async fn with_launch(
        upstream: Upstream,
        folder: TempDir,
        policy: &str,
        launch: Launch,
    ) -> Self {
        let file = folder.path().join("bartizan.yaml");
        std::fs::write(&file, policy).unwrap();
        let process = launch.start().await.unwrap_or_else(|error| panic!("{error}"));
        let key = process.ready().client_key.clone().unwrap();
        let admin = process.ready().admin_key.clone().unwrap();
        let client = process.gateway().bearer(&key);
        let console = process.console().bearer(&admin);
        Self { upstream, process, client, console, folder }
    }

    /// Posts and waits for the whole answer.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post_json(path, body).await.unwrap()
    }

    /// Events of the log, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        events_in(&self.folder.path().join("data"))
    }

    /// Those of them that are about requests to the gateway.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        let all = self.events().into_iter();
        all.filter(|event| event["area"] == "gateway").collect()
    }

    /// The first event that fits, as soon as it is there; within 10 s.
    pub(crate) async fn event(&self, fits: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..200 {
            if let Some(event) = self.events().into_iter().find(|event| fits(event)) {
                return event;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no such event: {:?}", self.events());
    }

    /// Waits until the provider has noticed that so many answers are not read to their end; 10 s.
    pub(crate) async fn abandoned(&self, answers: usize) {
        for _ in 0..200 {
            if self.upstream.abandoned() == answers {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} answers are abandoned, not {answers}", self.upstream.abandoned());
    }
}

/// Files of the log in a data folder, oldest first.
pub(crate) fn log_files(data_dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(data_dir.join("ledger"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .filter(|path| !path.ends_with(bartizan_ledger::subjects::FILE))
        .collect();
    files.sort();
    files
}

/// Events of the log in a data folder, oldest first and with names. Every line must be one; what has no
/// end yet is being written.
pub(crate) fn events_in(data_dir: &Path) -> Vec<Value> {
    let files = log_files(data_dir);
    // Whose an entry is, is known before the entry is there, not after it was read.
    let entries = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
    let texts: Vec<String> = files.iter().map(entries).collect();
    let names = bartizan_ledger::subjects::Names::of(&data_dir.join("ledger")).unwrap();
    texts
        .iter()
        .flat_map(|text| {
            text.split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| names.reveal_line(line.as_bytes().to_vec()))
                .map(|line| serde_json::from_slice(&line).unwrap())
                .collect::<Vec<Value>>()
        })
        .collect()
}

/// How the binary is started on a folder.
pub(crate) fn launch(folder: &TempDir) -> Launch {
    Launch::new(
        env!("CARGO_BIN_EXE_bartizan"),
        folder.path().join("bartizan.yaml"),
        folder.path().join("data"),
    )
    .env("TEST_PROVIDER_KEY", "provider-key-for-tests")
    .patience(Duration::from_secs(60))
}

/// A chat completion request with one user message.
pub(crate) fn chat(model: &str, content: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": content }] })
}

/// A messages request with one user message.
pub(crate) fn messages(model: &str, content: &str, stream: bool) -> Value {
    json!({
        "model": model, "stream": stream, "max_tokens": 256,
        "messages": [{ "role": "user", "content": content }],
    })
}

/// A responses request with one input text.
pub(crate) fn responses(model: &str, content: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "input": content })
}

/// All text of an answer in any protocol, streamed or not: what a client would show or act on.
pub(crate) fn said(answer: &Answer) -> String {
    let mut text = String::new();
    let documents: Vec<Value> = if answer.body.starts_with(b"{") {
        vec![answer.json()]
    } else {
        answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    };
    for document in &documents {
        collect(document, &mut text);
    }
    text
}

fn collect(value: &Value, text: &mut String) {
    match value {
        Value::String(string) => text.push_str(string),
        Value::Array(items) => items.iter().for_each(|item| collect(item, text)),
        Value::Object(members) => {
            for (key, item) in members {
                let says = [
                    "content",
                    "text",
                    "delta",
                    "arguments",
                    "partial_json",
                    "thinking",
                    "reasoning_content",
                    "refusal",
                    "input",
                    "choices",
                    "message",
                    "function",
                    "tool_calls",
                    "output",
                    "part",
                    "item",
                    "response",
                    "content_block",
                    "name",
                ];
                if says.contains(&key.as_str()) {
                    collect(item, text);
                }
            }
        }
        _ => {}
    }
}
