//! A disk without space, or one that became read-only: the log says so, answers fare as policy says, and
//! all is well again when it takes data again, without a restart and without a hand on the files.

use std::path::PathBuf;
use std::time::Duration;

use bartizan_testkit::disk::TightDisk;
use bartizan_testkit::http::Answer;
use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::{Value, json};

use crate::cli::Place;
use crate::support::{Stage, chat, events_in, launch, log_files, messages, responses};

/// Requests until a page that was begun is full; an event takes some hundred bytes.
const PAGE_OF_REQUESTS: usize = 40;

/// A gateway whose space can be taken away.
struct Tight {
    disk: TightDisk,
    stage: Stage,
    data: PathBuf,
}

impl Tight {
    async fn start(disk: TightDisk, on_failure: &str) -> Self {
        let upstream = Upstream::start(Script::text("fine")).await.unwrap();
        let url = upstream.url();
        let policy = format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             ledger: {{ on-failure: {on_failure} }}\nproviders:\n  \
             open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n  \
             ant: {{ anthropic: {{ base-url: \"{url}\", api-key: env:TEST_PROVIDER_KEY }} }}\n\
             endpoints:\n  open: {{ routes: [{{ provider: open, model: m }}] }}\n  \
             claude: {{ routes: [{{ provider: ant, model: m }}] }}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let launch = disk.prepare(launch(&folder));
        let stage = Stage::with_launch(upstream, folder, &policy, launch).await;
        let data = disk.folder(&stage.process, &stage.folder.path().join("data")).unwrap();
        Self { disk, stage, data }
    }

    async fn take_space(&self) {
        let file = log_files(&self.data).pop().unwrap();
        self.disk.take_space(&self.stage.process, &file).await.unwrap();
    }

    async fn give_space(&self) {
        let file = log_files(&self.data).pop().unwrap();
        self.disk.give_space(&self.stage.process, &file).await.unwrap();
    }

    async fn ask(&self) -> Answer {
        self.stage.post("/v1/chat/completions", &chat("open", "hi", false)).await
    }

    /// One answer of each protocol, whole and as a stream.
    async fn ask_all(&self) -> Vec<(&'static str, bool, Answer)> {
        let mut answers = Vec::new();
        for stream in [false, true] {
            for (path, body) in [
                ("/v1/chat/completions", chat("open", "hi", stream)),
                ("/v1/messages", messages("claude", "hi", stream)),
                ("/v1/responses", responses("open", "hi", stream)),
            ] {
                answers.push((path, stream, self.stage.post(path, &body).await));
            }
        }
        answers
    }

    /// Whether the event of an answer is in the log.
    fn is_logged(&self, answer: &Answer) -> bool {
        let id = id(answer);
        events_in(&self.data).iter().any(|event| event["request_id"] == id)
    }

    async fn readiness(&self) -> (u16, Value) {
        let answer = self.stage.process.console().get("/readyz").await.unwrap();
        (answer.status.as_u16(), answer.json())
    }

    /// Asks the admin API for a key, which is kept in the data folder too.
    async fn make_key(&self) -> Answer {
        let ask = json!({ "name": "sp:bot", "scope": "client" });
        self.stage.console.post_json("/api/v1/keys", &ask).await.unwrap()
    }

    /// Checks the log from end to end, until all of it is signed.
    async fn log_holds(&self) {
        for _ in 0..100 {
            let data = self.data.to_str().unwrap();
            let words = ["audit", "verify", "--format", "json", "--data-dir", data];
            let ran = Place::new().run(&words, "");
            assert_eq!(ran.code, 0, "{:?}: {} {}", self.disk, ran.stdout, ran.stderr);
            if serde_json::from_str::<Value>(&ran.stdout).unwrap()["unsigned"] == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{:?}: not all is signed: {}", self.disk, self.stage.process.stderr());
    }

    /// Asks until an answer is logged again.
    async fn recover(&self) {
        for _ in 0..100 {
            let answer = self.ask().await;
            if answer.status == 200 && self.is_logged(&answer) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?} does not recover: {}", self.disk, self.stage.process.stderr());
    }
}

fn id(answer: &Answer) -> String {
    answer.header("x-bartizan-request-id").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_space_no_answer_leaves_unless_policy_says_so() {
    for disk in TightDisk::allowed().await {
        let tight = Tight::start(disk, "deny").await;
        assert_eq!(tight.ask().await.status, 200);
        assert_eq!(tight.readiness().await.0, 200);

        tight.take_space().await;
        let mut answered = Vec::new();
        let refused = loop {
            let answer = tight.ask().await;
            if answer.status != 200 {
                break answer;
            }
            answered.push(answer);
            assert!(answered.len() < PAGE_OF_REQUESTS, "{disk:?}: there is space");
        };
        assert_eq!(refused.status, 503, "{disk:?}: {}", refused.text());
        assert_eq!(refused.json()["error"]["code"], "bartizan::gateway::log-unavailable");
        assert!(!refused.text().contains("fine"), "{disk:?}: {}", refused.text());
        for (path, stream, answer) in tight.ask_all().await {
            let text = answer.text();
            assert!(text.contains("the event log cannot be written"), "{disk:?} {path}: {text}");
            if stream {
                // Its beginning has left, its end has not.
                let ends = ["[DONE]", "message_stop", "response.completed"];
                assert!(!ends.iter().any(|end| text.contains(end)), "{disk:?} {path}: {text}");
            } else {
                assert_eq!(answer.status, 503, "{disk:?} {path}: {text}");
                assert!(!text.contains("fine"), "{disk:?} {path}: {text}");
            }
        }
        let key = tight.make_key().await;
        assert!(key.status.is_server_error(), "{disk:?}: {}", key.text());
        let (status, checks) = tight.readiness().await;
        assert_eq!(status, 503, "{disk:?}: {checks}");
        let stderr = tight.stage.process.stderr();
        assert!(stderr.contains("event log cannot be written"), "{disk:?}: {stderr}");
        assert!(answered.iter().all(|answer| tight.is_logged(answer)), "{disk:?}");

        tight.give_space().await;
        tight.recover().await;
        for (path, _, answer) in tight.ask_all().await {
            assert_eq!(answer.status, 200, "{disk:?} {path}: {}", answer.text());
            assert!(tight.is_logged(&answer), "{disk:?} {path}");
        }
        assert_eq!(tight.make_key().await.status, 201, "{disk:?}");
        assert_eq!(tight.readiness().await.0, 200, "{disk:?}");
        let stderr = tight.stage.process.stderr();
        assert!(stderr.contains("event log takes events again"), "{disk:?}: {stderr}");
        assert!(!tight.is_logged(&refused), "{disk:?}");
        tight.log_holds().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_space_events_wait_in_memory_where_policy_allows_and_none_is_lost() {
    for disk in TightDisk::allowed().await {
        let tight = Tight::start(disk, "buffer").await;
        assert_eq!(tight.ask().await.status, 200);
        tight.take_space().await;
        let mut waiting = Vec::new();
        for _ in 0..PAGE_OF_REQUESTS {
            let answer = tight.ask().await;
            assert_eq!(answer.status, 200, "{disk:?}: {}", answer.text());
            if !tight.is_logged(&answer) {
                waiting.push(answer);
                break;
            }
        }
        assert_eq!(waiting.len(), 1, "{disk:?}: there is space");
        for (path, stream, answer) in tight.ask_all().await {
            assert_eq!(answer.status, 200, "{disk:?} {path}: {}", answer.text());
            assert!(!answer.text().contains("log-unavailable"), "{disk:?} {path} {stream}");
            waiting.push(answer);
        }
        // A load balancer may go on sending: there is room in memory.
        assert_eq!(tight.readiness().await.0, 200, "{disk:?}");
        let stderr = tight.stage.process.stderr();
        assert!(stderr.contains("event log cannot be written"), "{disk:?}: {stderr}");
        tight.give_space().await;
        tight.recover().await;
        assert!(waiting.iter().all(|answer| tight.is_logged(answer)), "{disk:?}");
        for file in log_files(&tight.data) {
            assert!(std::fs::read(&file).unwrap().ends_with(b"\n"), "{disk:?}: {file:?}");
        }
        tight.log_holds().await;
    }
}
