//! Two installations: one signs the checkpoints of the other, and notices when that goes back.

use std::path::Path;
use std::time::Duration;

use bartizan_testkit::process::Process;
use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{Place, Ran};
use crate::support::{chat, launch};

/// An installation that is started anew now and then.
struct Installation {
    upstream: Upstream,
    folder: TempDir,
    client_key: String,
    process: Option<Process>,
}

impl Installation {
    /// Starts for the first time, with more of the section of the log.
    async fn new(ledger: &str) -> Self {
        let upstream = Upstream::start(Script::text("fine")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut new = Self { upstream, folder, client_key: String::new(), process: None };
        new.start(ledger).await;
        new.client_key = new.process().ready().client_key.clone().unwrap();
        new
    }

    async fn start(&mut self, ledger: &str) {
        let policy = format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             ledger: {{ {ledger} }}\n\
             providers: {{ open: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }} }}\n\
             endpoints: {{ open: {{ routes: [{{ provider: open, model: m }}] }} }}\n",
            self.upstream.url()
        );
        std::fs::write(self.folder.path().join("bartizan.yaml"), policy).unwrap();
        let process = launch(&self.folder).start().await.unwrap_or_else(|error| panic!("{error}"));
        self.process = Some(process);
    }

    fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    async fn end(&mut self) {
        self.process.take().unwrap().terminate().await.unwrap();
    }

    async fn ask(&self) {
        let client = self.process().gateway().bearer(&self.client_key);
        let answer =
            client.post_json("/v1/chat/completions", &chat("open", "hello", false)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn audit(&self, words: &[&str]) -> Ran {
        let data = self.folder.path().join("data");
        let folder = ["--data-dir", data.to_str().unwrap()];
        Place::new().run(&[&["audit"], words, &folder].concat(), "")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_another_installation_has_seen_cannot_be_put_back() {
    // The log has to exist before anybody can follow it.
    let mut seen = Installation::new("").await;
    seen.ask().await;
    seen.end().await;
    let log_key = seen.audit(&["key"]).stdout.trim().to_owned();
    let before = tempfile::tempdir().unwrap();
    let ledger = seen.folder.path().join("data/ledger");
    copy(&ledger, before.path());

    let witness = Installation::new(&format!("witness-for: [\"{log_key}\"]")).await;
    let witness_key = witness.audit(&["key", "--witness"]).stdout.trim().to_owned();
    let url = format!("{}/ledger/witness", witness.process().ready().console);
    let asks = format!("witnesses: [{{ id: w-other, url: \"{url}\", key: \"{witness_key}\" }}]");
    seen.start(&asks).await;
    seen.ask().await;

    // What is served carries the signature of the witness.
    let trust = witness.folder.path().join("trust");
    std::fs::write(&trust, format!("log {log_key}\nwitness W {witness_key}\nquorum W\n")).unwrap();
    let words = ["verify", "--trust", trust.to_str().unwrap()];
    let mut verified = seen.audit(&words);
    for _ in 0..100 {
        if verified.code == 0 && verified.stdout.contains("seen:") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        verified = seen.audit(&words);
    }
    assert_eq!(verified.code, 0, "{}\n{}", verified.stderr, seen.process().stderr());
    assert!(verified.stdout.contains("seen:  by witness `W`"), "{}", verified.stdout);
    let served = seen.process().console().get("/ledger/checkpoint").await.unwrap().text();
    let name = witness_key.split('+').next().unwrap();
    assert!(served.contains(&format!("\n\u{2014} {name} ")), "{served}");

    // An older copy of the folder is put back, and the log goes on from there.
    seen.end().await;
    std::fs::remove_dir_all(&ledger).unwrap();
    copy(before.path(), &ledger);
    seen.start(&asks).await;
    seen.ask().await;
    let mut stderr = String::new();
    for _ in 0..200 {
        stderr = seen.process().stderr();
        if stderr.contains("the witness has not signed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(stderr.contains("w-other"), "{stderr}");
    let says = ["an older copy of the log was put back", "another history", "does not begin with"];
    assert!(says.iter().any(|said| stderr.contains(said)), "{stderr}");
    assert_eq!(seen.audit(&words).code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submissions_are_refused_where_nobody_witnesses_and_where_they_are_none() {
    let nobody = Installation::new("").await;
    let log_key = nobody.audit(&["key"]).stdout.trim().to_owned();
    let submit = async |installation: &Installation| {
        let console = installation.process().console();
        console.post_json("/ledger/witness/add-checkpoint", &json!("no submission")).await.unwrap()
    };
    assert_eq!(submit(&nobody).await.status, 404);
    assert_eq!(nobody.audit(&["key", "--witness"]).code, 2);
    let witness = Installation::new(&format!("witness-for: [\"{log_key}\"]")).await;
    let refused = submit(&witness).await;
    assert_eq!(
        (refused.status.as_u16(), refused.text().as_str()),
        (400, "the submission is malformed\n")
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
