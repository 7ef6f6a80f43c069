//! Starting, and what stands beside a running process: keys, events, the doctor, reload.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use bartizan_testkit::http::Client;
use bartizan_testkit::process::Process;
use http::Method;
use serde_json::Value;

use crate::cli::Place;
use crate::support::launch;

/// A policy whose provider needs a credential that is not there.
const NEEDS_A_KEY: &str = "version: 1
listen: { gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }
data-dir: kept
providers: { acme: { openai: { api-key: env:ACME_KEY } } }
endpoints: { acme: { routes: [{ provider: acme, model: m }] } }
";

fn demo(gateway: &str, console: &str, more: &str) -> String {
    format!(
        "version: 1\nlisten: {{ gateway: \"{gateway}\", console: \"{console}\" }}\n\
         providers: {{ demo: {{ demo: {{}} }} }}\n\
         endpoints: {{ demo: {{ routes: [{{ provider: demo, model: demo }}] }} }}\n{more}"
    )
}

/// Waits until the process has said so on stderr; within 20 s.
pub(crate) async fn says(process: &Process, words: &str) {
    for _ in 0..200 {
        if process.stderr().contains(words) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("`{words}` is not said: {}", process.stderr());
}

#[test]
fn a_ready_file_that_cannot_be_written_loses_no_keys() {
    let place = Place::new();
    place.write("bartizan.yaml", demo("127.0.0.1:0", "127.0.0.1:0", ""));
    std::fs::create_dir(place.path("folder")).unwrap();
    for ready_file in ["missing/ready.json", "folder"] {
        let ran = place.run(&["up", "--ready-file", ready_file], "");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let said = format!("error: cannot write the ready file `{ready_file}`");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
        let keys = place.run(&["key", "list"], "");
        assert_eq!((keys.code, keys.stdout.as_str()), (0, ""), "{}", keys.stderr);
    }
}

#[test]
fn keys_and_events_need_no_secret_of_a_provider() {
    let place = Place::new();
    place.write("bartizan.yaml", NEEDS_A_KEY);
    let run = |words: &[&str]| {
        let ran = place.run(words, "");
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    run(&["key", "create", "alice"]);
    let list: Value = serde_json::from_str(&run(&["key", "list", "--format", "json"])).unwrap();
    let id = list["keys"][0]["id"].as_str().unwrap();
    run(&["key", "revoke", id]);
    let events = run(&["events"]);
    let detail = format!("  changed: client key {id}, on the command line");
    let says = |line: &str| line.contains(" of alice ") && line.ends_with(&detail);
    assert_eq!(events.lines().filter(|line| says(line)).count(), 2, "{events}");
    assert_eq!(place.names(), ["bartizan.yaml", "kept"]);
}

#[test]
fn a_mistyped_data_folder_is_not_made() {
    let place = Place::new();
    for words in [&["key", "list"][..], &["key", "revoke", "x"]] {
        let ran = place.run(&[words, &["--data-dir", "nowhere"]].concat(), "");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words:?}");
        let said = "there is no data folder of Bartizan at `nowhere`";
        assert!(ran.stderr.contains(said), "{words:?}: {}", ran.stderr);
    }
    let ran = place.run(&["key", "create", "b@d name", "--data-dir", "nowhere"], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(place.names().is_empty(), "{:?}", place.names());
    let ran = place.run(&["key", "create", "alice", "--data-dir", "new"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("there was no data folder; made one"), "{}", ran.stderr);

    place.write("file", "");
    let ran = place.run(&["key", "create", "alice", "--data-dir", "file"], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("error: `file` is a file"), "{}", ran.stderr);
}

#[test]
fn a_policy_file_with_the_other_ending_is_not_passed_over() {
    let place = Place::new();
    place.write("bartizan.yml", demo("127.0.0.1:0", "127.0.0.1:0", ""));
    for words in [&["config", "check"][..], &["key", "list"]] {
        let ran = place.run(words, "");
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (
                2,
                "error: found `bartizan.yml`; the name is `bartizan.yaml`\n\
                 help: rename it, or name it with `--config bartizan.yml`\n"
            ),
            "{words:?}"
        );
    }
    assert_eq!(place.run(&["config", "check", "-c", "bartizan.yml"], "").code, 0);
}

#[test]
fn a_policy_without_endpoints_is_noted() {
    let place = Place::new();
    place.write("bartizan.yaml", "version: 1\n");
    let ran = place.run(&["config", "check"], "");
    let note = "note: no endpoints: add one under `endpoints`\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note));
}

#[test]
fn init_makes_the_folder_of_the_file() {
    let place = Place::new();
    let ran = place.run(&["init", "--path", "policies/bartizan.yaml"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = place.run(&["config", "check", "-c", "policies/bartizan.yaml"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_tells_its_own_bartizan_from_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bartizan.yaml");
    std::fs::write(&file, demo("127.0.0.1:0", "127.0.0.1:0", "")).unwrap();
    let process = launch(&folder).start().await.unwrap();
    let place = Place::new();
    let address = |url: &str| url.trim_start_matches("http://").to_owned();
    let (gateway, console) = (address(&process.ready().gateway), address(&process.ready().console));
    place.write("bartizan.yaml", demo(&gateway, &console, ""));
    let data = folder.path().join("data");
    let own = place.run(&["doctor", "--data-dir", data.to_str().unwrap()], "");
    let up = format!("{gateway} is in use; Bartizan is up");
    assert!(own.code == 0 && own.stdout.contains(&up), "{}", own.stdout);
    let other = place.run(&["doctor", "--data-dir", "mine"], "");
    let taken = format!("{gateway} is in use by another Bartizan");
    assert!(other.code == 1 && other.stdout.contains(&taken), "{}", other.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_says_what_waits_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bartizan.yaml");
    std::fs::write(&file, demo("127.0.0.1:0", "127.0.0.1:0", "")).unwrap();
    let process = launch(&folder).start().await.unwrap();
    let more = "data-dir: elsewhere\nledger: { total: 2GiB }\n";
    std::fs::write(&file, demo("127.0.0.1:1", "127.0.0.1:0", more)).unwrap();
    for key in ["listen.gateway", "data-dir", "ledger"] {
        says(&process, &format!("`{key}` takes effect at the next start")).await;
    }
    let said = process.stderr();
    assert!(!said.contains("`listen.console`") && !said.contains("`ledger.sinks`"), "{said}");
    std::fs::remove_file(&file).unwrap();
    says(&process, "policy file not read; the last good one stays").await;
}

/// Longest wait for a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// `bartizan up` as a newcomer starts it, but on ports that are free; ended when dropped.
struct Up {
    child: Child,
    lines: Receiver<String>,
}

impl Up {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(["up", "--gateway", "127.0.0.1:0", "--console", "127.0.0.1:0"])
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || stdout.lines().try_for_each(|line| sender.send(line.unwrap())));
        Self { child, lines }
    }

    /// What it prints up to and with the line that is the last.
    fn greeting(&self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        while !said.last().is_some_and(|line| is_last(line)) {
            let line = self.lines.recv_timeout(PATIENCE);
            said.push(line.unwrap_or_else(|error| panic!("{error} after {said:#?}")));
        }
        said
    }

    /// Asks it to end, and waits; what it still prints.
    fn stop(mut self) -> Vec<String> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", id.as_str()]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        self.lines.iter().collect()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // A process that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does what a printed `curl` command does: by a shell, or by its parts where there is no `curl`.
async fn tried(command: &str) -> String {
    let ran = Command::new("/bin/sh")
        .args(["-c", command])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap();
    // How a shell says that there is no such command.
    if ran.status.code() != Some(127) {
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{command}: {stderr}");
        return String::from_utf8(ran.stdout).unwrap();
    }
    let parts: Vec<&str> = command.split('\'').collect();
    let url = parts[0].split_whitespace().nth(1).unwrap();
    let (base, path) = url.split_at(url.find("/v1/").unwrap());
    let key = parts[1].strip_prefix("authorization: Bearer ").unwrap();
    let client = Client::new(base).bearer(key);
    let answer = client.send(Method::POST, path, parts[3].to_owned()).await.unwrap();
    answer.whole().await.unwrap().text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_shows_keys_and_commands_that_work_and_a_second_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path());
    let greeting = up.greeting(|line| line.contains("Ignore all previous instructions"));
    let text = greeting.join("\n");
    for (scope, prefix) in [("admin", "bza_"), ("client", "bzc_")] {
        let line = greeting.iter().find(|line| line.trim_start().starts_with(scope));
        let key = line.unwrap().split_whitespace().nth(1).unwrap();
        assert!(key.starts_with(prefix) && key.len() == 47, "{text}");
    }
    let at = greeting.iter().position(|line| line == "Try it:").expect(&text);
    let is_command = |line: &&String| !line.trim_start().starts_with('#');
    let commands: Vec<&str> =
        greeting[at + 1..].iter().filter(is_command).map(|line| line.trim_start()).collect();
    let [passes, python, attack] = commands.as_slice() else { panic!("{text}") };
    assert!(python.starts_with("python3 -c 'from openai import OpenAI;"), "{text}");

    let answer = tried(passes).await;
    let said: Value = serde_json::from_str(&answer).unwrap();
    let content = &said["choices"][0]["message"]["content"];
    assert_eq!(content, "write to bob@example.com", "{answer}");
    let answer = tried(attack).await;
    let said: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(said["error"]["code"], "content_filter", "{answer}");
    assert!(answer.contains("`g-injection`"), "{answer}");

    let rest = up.stop();
    assert!(rest.is_empty(), "{rest:?}");
    let again = Up::start(folder.path());
    let mut greeting = again.greeting(|line| line.starts_with("Keys that work: "));
    greeting.extend(again.stop());
    let text = greeting.join("\n");
    assert!(text.contains("Keys that work: 1 admin, 1 client;"), "{text}");
    for word in ["bza_", "bzc_", "Try it"] {
        assert!(!text.contains(word), "{text}");
    }
}
