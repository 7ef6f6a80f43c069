//! Values that the policy refers to: kept, changed while a gateway runs, and asked of Vault.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_testkit::upstream::{Script, Upstream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Stage, chat, events_in, launch};

const FIRST: &str = "sk-first-value-of-the-provider";
const SECOND: &str = "sk-second-value-of-the-provider";

fn secret(folder: &Path, words: &[&str], value: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .arg("secret")
        .args(words)
        .arg("--config")
        .arg(folder.join("bartizan.yaml"))
        .arg("--data-dir")
        .arg(folder.join("data"))
        .env("VAULT_TOKEN", "hvs.token")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Commands that need no value do not read one.
    let _ = child.stdin.take().unwrap().write_all(value.as_bytes());
    child.wait_with_output().unwrap()
}

fn done(folder: &Path, words: &[&str], value: &str) -> String {
    let output = secret(folder, words, value);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    assert!(!said.contains("sk-"), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn policy(upstream: &Upstream, key: &str, more: &str) -> String {
    format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n{more}\
         providers:\n  open: {{ openai-compatible: {{ base-url: \"{}/v1\", api-key: \"{key}\" }} }}\n\
         endpoints:\n  open: {{ routes: [{{ provider: open, model: m }}] }}\n",
        upstream.url()
    )
}

/// What the provider is sent as its key from some moment on, within two seconds.
async fn until_sent(stage: &Stage, key: &str) {
    let began = Instant::now();
    loop {
        stage.upstream.clear();
        assert_eq!(
            stage.post("/v1/chat/completions", &chat("open", "hi", false)).await.status,
            200
        );
        let sent = stage.upstream.requests().remove(0);
        let sent = sent.header("authorization").unwrap().to_owned();
        if sent == format!("Bearer {key}") {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(2), "still {sent}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_key_of_a_provider_is_kept_encrypted_and_rotates_without_a_restart() {
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = policy(&upstream, "secret:openai/prod", "");
    std::fs::write(folder.path().join("bartizan.yaml"), &text).unwrap();
    let set =
        done(folder.path(), &["set", "openai/prod", "--note", "billing"], &format!("{FIRST}\n"));
    assert_eq!(set, "secret:openai/prod\n");
    let stage = Stage::with_policy(upstream, folder, &text).await;
    until_sent(&stage, FIRST).await;
    let folder = stage.folder.path();
    done(folder, &["rotate", "openai/prod"], SECOND);
    until_sent(&stage, SECOND).await;
    done(folder, &["rollback", "openai/prod"], "");
    until_sent(&stage, FIRST).await;
    let id = done(folder, &["master-key", "--list"], "");
    let id = id.split_whitespace().next().unwrap().to_owned();
    done(folder, &["master-key"], "");
    until_sent(&stage, FIRST).await;
    done(folder, &["master-key", "--retire", &id], "");
    done(folder, &["rotate", "openai/prod", "--overlap", "0s"], SECOND);
    until_sent(&stage, SECOND).await;
    let listed: Value =
        serde_json::from_str(&done(folder, &["list", "--format", "json"], "")).unwrap();
    assert_eq!(listed["secrets"][0]["note"], "billing");
    assert_ne!(listed["secrets"][0]["master_key"], id.as_str());
    // No file of the data folder has a value, and no event.
    for entry in walk(&folder.join("data")) {
        // The log puts files into their places while this looks.
        let Ok(bytes) = std::fs::read(&entry) else { continue };
        for value in [FIRST, SECOND] {
            let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!found, "{}", entry.display());
        }
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn what_is_wrong_with_a_secret_is_said_and_changes_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let write = |key: &str| {
        let text = format!(
            "version: 1\nproviders: {{ p: {{ openai: {{ api-key: \"{key}\" }} }} }}\n\
             endpoints: {{ a: {{ routes: [{{ provider: p, model: m }}] }} }}\n"
        );
        std::fs::write(path.join("bartizan.yaml"), text).unwrap();
    };
    let check = || {
        let output = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(["config", "check", "--config"])
            .arg(path.join("bartizan.yaml"))
            .arg("--data-dir")
            .arg(path.join("data"))
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    write("secret:openai");
    let (code, said) = check();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("master.key") && said.contains("-->"), "{said}");
    done(path, &["set", "openai"], FIRST);
    assert_eq!(check().0, 0);
    write("secret:other");
    let (code, said) = check();
    assert!(code == 2 && said.contains("there is no secret `other`"), "{said}");
    assert!(said.contains("help: set it: `bartizan secret set other`"), "{said}");
    write("vault:secret/openai#key");
    let (code, said) = check();
    assert!(code == 2 && said.contains("the policy names none"), "{said}");
    write("secret:not a name");
    assert_eq!(check().0, 2);
    let again = secret(path, &["set", "openai"], SECOND);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("rotate it"));
    let aged = secret(path, &["age", "--older-than", "1d"], "");
    assert_eq!(aged.status.code(), Some(0));
    done(path, &["rotate", "openai", "--expires-in", "2d"], SECOND);
    let aged = secret(path, &["age", "--format", "json"], "");
    assert_eq!(aged.status.code(), Some(1));
    let aged: Value = serde_json::from_slice(&aged.stdout).unwrap();
    assert_eq!(aged["secrets"][0]["found"], json!(["expires soon"]));
    done(path, &["remove", "openai"], "");
    let operations: Vec<Value> =
        events_in(&path.join("data")).into_iter().map(|event| event["operation"].clone()).collect();
    assert_eq!(operations, ["secret-set", "secret-rotated", "secret-removed"]);
    // Another key does not open what is there, and takes the place of nothing.
    std::fs::remove_file(path.join("data/master.key")).unwrap();
    let lost = secret(path, &["list"], "");
    assert_eq!(lost.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&lost.stderr).contains("master.key"));
}

/// A server that answers as Vault does.
struct FakeVault {
    address: String,
    value: Arc<Mutex<(u16, String)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeVault {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let value = Arc::new(Mutex::new((200, Self::reply(FIRST))));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, heard) = (Arc::clone(&value), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (answer, heard) = (Arc::clone(&answer), Arc::clone(&heard));
                tokio::spawn(async move {
                    let mut request = vec![0; 16 << 10];
                    let mut read = 0;
                    while !request[..read].windows(4).any(|window| window == b"\r\n\r\n") {
                        match stream.read(&mut request[read..]).await {
                            Ok(more) if more > 0 => read += more,
                            _ => return,
                        }
                    }
                    heard.lock().push(String::from_utf8_lossy(&request[..read]).into_owned());
                    let (status, body) = answer.lock().clone();
                    let answer = format!(
                        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n\
                         content-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address, value, asked }
    }

    /// The shape of "KV version 2: read secret version".
    fn reply(value: &str) -> String {
        json!({
            "request_id": "5a7a2b1c-0000-0000-0000-000000000000", "lease_id": "", "renewable": false,
            "lease_duration": 0,
            "data": {
                "data": { "api-key": value, "other": "x" },
                "metadata": {
                    "created_time": "2026-11-01T10:00:00.123456789Z", "custom_metadata": null,
                    "deletion_time": "", "destroyed": false, "version": 3,
                },
            },
            "wrap_info": null, "warnings": null, "auth": null, "mount_type": "kv",
        })
        .to_string()
    }
}

#[tokio::test]
async fn a_value_of_vault_is_used_followed_and_kept_while_vault_is_away() {
    let vault = FakeVault::start().await;
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let more = format!(
        "secrets: {{ vault: {{ address: \"{}\", token: env:VAULT_TOKEN, namespace: team/prod, refresh: 5s }} }}\n",
        vault.address
    );
    let text = policy(&upstream, "vault:kv/providers/openai#api-key", &more);
    let folder: TempDir = tempfile::tempdir().unwrap();
    let launch = launch(&folder).env("VAULT_TOKEN", "hvs.token");
    let stage = Stage::with_launch(upstream, folder, &text, launch).await;
    until_sent(&stage, FIRST).await;
    let asked = vault.asked.lock()[0].clone();
    assert!(asked.starts_with("GET /v1/kv/data/providers/openai HTTP/1.1\r\n"), "{asked}");
    for header in
        ["x-vault-token: hvs.token", "x-vault-namespace: team/prod", "x-vault-request: true"]
    {
        assert!(asked.to_lowercase().contains(header), "{asked}");
    }
    *vault.value.lock() = (503, r#"{"errors":["Vault is sealed"]}"#.to_owned());
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    until_sent(&stage, FIRST).await;
    *vault.value.lock() = (200, FakeVault::reply(SECOND));
    tokio::time::sleep(Duration::from_millis(5_000)).await;
    until_sent(&stage, SECOND).await;
}
