//! No one weakens a guard alone: endpoints, the policy file, restarts, and two gateways.

use std::time::{Duration, Instant};

use bartizan_testkit::http::{Answer, Client};
use bartizan_testkit::process::Process;
use bartizan_testkit::servers::{POSTGRES_DATABASE, POSTGRES_USER, PostgresServer};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Place, Ran};
use crate::support::{chat, events_in, launch};

/// Longest time until a process follows what others did.
const SOON: Duration = Duration::from_secs(20);

const POLICY: &str = r#"version: 1
listen: { gateway: "127.0.0.1:0", console: "127.0.0.1:0" }
approvals: { weaker-endpoints: two-people, policy-file: two-people }
groups: { team: ["file:team.txt"] }
providers: { demo: { demo: {} } }
endpoints:
  demo:
    routes: [{ provider: demo, model: m }]
    guardrails:
      - { id: g-word, on: [input], detect: keywords, keywords: [zanzibar, mordor], action: block }
"#;

/// A gateway with a console, and people with keys that nobody made for another.
struct Stage {
    folder: TempDir,
    process: Process,
    admin: String,
    client: String,
    bob: String,
    carol: String,
}

impl Stage {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("team.txt"), "alice@example.com\n").unwrap();
        std::fs::write(folder.path().join("bartizan.yaml"), POLICY).unwrap();
        let data = folder.path().join("data");
        let person = |name: &str| {
            let data = data.to_str().unwrap();
            let words = ["key", "create", name, "--scope", "operator", "--data-dir", data];
            let ran = Place::new().run(&words, "");
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            ran.stdout.trim().to_owned()
        };
        let (bob, carol) = (person("bob@example.com"), person("carol@example.com"));
        let process = launch(&folder).start().await.unwrap_or_else(|error| panic!("{error}"));
        let admin = process.ready().admin_key.clone().unwrap();
        let client = process.ready().client_key.clone().unwrap();
        Self { folder, process, admin, client, bob, carol }
    }

    async fn restart(self) -> Self {
        let Self { folder, process, admin, client, bob, carol } = self;
        process.terminate().await.unwrap();
        let process = launch(&folder).start().await.unwrap_or_else(|error| panic!("{error}"));
        Self { folder, process, admin, client, bob, carol }
    }

    fn console(&self, key: &str) -> Client {
        self.process.console().bearer(key)
    }

    async fn put(&self, key: &str, name: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/endpoints/{name}");
        send(&self.console(key), Method::PUT, &path, &body.to_string()).await
    }

    async fn post(&self, key: &str, path: &str) -> Answer {
        send(&self.console(key), Method::POST, path, "").await
    }

    async fn approve(&self, key: &str, id: &str) -> Answer {
        self.post(key, &format!("/api/v1/changes/{id}/approve")).await
    }

    fn write(&self, policy: &str) {
        // At once, as editors do; what is half written could be a policy too.
        let new = self.folder.path().join("new.yaml");
        std::fs::write(&new, policy).unwrap();
        std::fs::rename(new, self.folder.path().join("bartizan.yaml")).unwrap();
    }

    /// Status of a request that says this.
    async fn says(&self, endpoint: &str, text: &str) -> u16 {
        let client = self.process.gateway().bearer(&self.client);
        let answer =
            client.post_json("/v1/chat/completions", &chat(endpoint, text, false)).await.unwrap();
        answer.status.as_u16()
    }

    async fn says_soon(&self, endpoint: &str, text: &str, status: u16) {
        let began = Instant::now();
        while self.says(endpoint, text).await != status {
            assert!(began.elapsed() < SOON, "{endpoint} {text}: {}", self.process.stderr());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The newest change that waits for so many people, as soon as there is one.
    async fn waiting(&self, missing: u64) -> Value {
        let began = Instant::now();
        loop {
            let all = self.console(&self.bob).get("/api/v1/changes").await.unwrap().json();
            let found = all["changes"].as_array().unwrap().iter().find(|change| {
                change["state"] == "waiting" && change["approvals_missing"] == json!(missing)
            });
            if let Some(found) = found {
                return found.clone();
            }
            assert!(began.elapsed() < SOON, "{all} {}", self.process.stderr());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Operations of the log with what is in `detail`.
    fn log(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = events_in(&self.folder.path().join("data")).into_iter();
        all.map(|event| (text(&event["operation"]), text(&event["detail"]))).collect()
    }

    fn command(&self, key: &str, words: &[&str]) -> Ran {
        let console = self.process.ready().console.clone();
        let all = [&["change"], words, &["--console", &console]].concat();
        Place::new().run_with(("BARTIZAN_ADMIN_KEY", key), &all)
    }
}

async fn send(client: &Client, method: Method, path: &str, body: &str) -> Answer {
    client.send(method, path, body.to_owned()).await.unwrap().whole().await.unwrap()
}

fn endpoint(keywords: &[&str]) -> Value {
    json!({
        "routes": [{ "provider": "demo", "model": "m" }],
        "guardrails": [{ "id": "g-own", "on": ["input"], "detect": "keywords", "keywords": keywords, "action": "block" }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_becomes_weaker_when_another_person_says_so_and_not_before() {
    let stage = Stage::start().await;
    let (admin, bob) = (stage.admin.clone(), stage.bob.clone());
    // Another way to models is one past the guards.
    let asked = stage.put(&admin, "own", &endpoint(&["gondor", "rohan"])).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(asked.json()["weaker"][0]["kind"], "endpoint-added");
    assert_eq!(stage.says("own", "hello").await, 404);
    // Not by whoever asked, and not with a key that they made for the purpose.
    let own = stage.approve(&admin, &id).await;
    assert_eq!(
        (own.status.as_u16(), own.json()["error"]["code"].clone()),
        (403, json!("bartizan::store::same-person"))
    );
    let puppet = json!({ "name": "eve@example.com", "scope": "operator" });
    let puppet = stage.console(&admin).post_json("/api/v1/keys", &puppet).await.unwrap().json();
    let puppet = stage.approve(puppet["key"].as_str().unwrap(), &id).await;
    assert_eq!(puppet.json()["error"]["code"], "bartizan::store::same-hand", "{}", puppet.text());
    assert_eq!(stage.approve(&bob, &id).await.status, 200);
    assert_eq!((stage.says("own", "hello").await, stage.says("own", "rohan").await), (200, 400));

    // More is in force at once, less waits.
    let more = endpoint(&["gondor", "rohan", "shire"]);
    assert_eq!(stage.put(&admin, "own", &more).await.status, 200);
    let less = stage.put(&admin, "own", &endpoint(&["gondor", "rohan"])).await;
    assert_eq!(
        (less.status.as_u16(), less.json()["weaker"][0]["kind"].clone()),
        (202, json!("detects-less"))
    );
    assert_eq!(stage.says("own", "shire").await, 400);
    let text = less.json().to_string();
    assert!(!text.contains("shire"), "{text}");
    // What it was compared with has changed meanwhile.
    assert_eq!(
        stage.put(&admin, "own", &endpoint(&["gondor", "rohan", "shire", "bree"])).await.status,
        200
    );
    let void = stage.approve(&bob, less.json()["id"].as_str().unwrap()).await;
    assert_eq!(void.status, 409, "{}", void.text());
    assert_eq!(stage.says("own", "shire").await, 400);

    // To remove it takes its guards along; on the command line.
    let path = "/api/v1/endpoints/own";
    let removal = send(&stage.console(&bob), Method::DELETE, path, "").await;
    assert_eq!(removal.status, 202);
    let id = removal.json()["id"].as_str().unwrap().to_owned();
    let shown = stage.command(&admin, &["show", &id]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(
        shown
            .stdout
            .contains("endpoint-removed  endpoint `own`: is removed, with its 1 guardrails"),
        "{}",
        shown.stdout
    );
    let refused = stage.command(&bob, &["approve", &id]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("another person than the one who asked"), "{}", refused.stderr);
    let waiting = stage.command(&bob, &["list"]);
    assert!(
        waiting
            .stdout
            .lines()
            .next()
            .unwrap()
            .contains("by bob@example.com  needs one more person"),
        "{}",
        waiting.stdout
    );
    assert_eq!(stage.command(&admin, &["approve", &id]).code, 0);
    assert_eq!(stage.says("own", "hello").await, 404);
    assert_eq!(stage.command("bza_wrong", &["list"]).code, 4);
    assert_eq!(stage.command(&admin, &["show", "../keys"]).code, 2);

    let log = stage.log();
    let of = |operation: &str| log.iter().filter(|(known, _)| known == operation).count();
    assert_eq!((of("change-proposed"), of("change-approved"), of("refused")), (3, 2, 3), "{log:?}");
    assert!(
        log.iter().any(|(_, detail)| detail == &format!("change {id}: endpoint-removed")),
        "{log:?}"
    );
    let metrics = stage.process.console().get("/metrics").await.unwrap().text();
    assert!(metrics.contains("bartizan_console_waiting_changes "), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weaker_policy_file_waits_for_two_people_and_a_restart_is_no_way_around() {
    let stage = Stage::start().await;
    let (admin, bob, carol) = (stage.admin.clone(), stage.bob.clone(), stage.carol.clone());
    // What is stricter is in force by itself.
    let strict = POLICY.replace("[zanzibar, mordor]", "[zanzibar, mordor, isengard]");
    stage.write(&strict);
    stage.says_soon("demo", "isengard", 400).await;
    let weak = strict.replace("[zanzibar, mordor, isengard]", "[zanzibar]");
    stage.write(&weak);
    let change = stage.waiting(2).await;
    let id = change["id"].as_str().unwrap().to_owned();
    assert_eq!((&change["kind"], &change["proposer"]), (&json!("policy-file"), &Value::Null));
    assert_eq!(change["weaker"][0]["kind"], "detects-less");
    assert_eq!(stage.says("demo", "mordor").await, 400);
    // One is not enough: nobody knows who wrote the file.
    assert_eq!(stage.approve(&bob, &id).await.status, 202);
    assert_eq!(stage.approve(&bob, &id).await.status, 403);
    assert_eq!(stage.says("demo", "mordor").await, 400);

    let stage = stage.restart().await;
    let stderr = stage.process.stderr();
    assert!(stderr.contains("starting with the version"), "{stderr}");
    assert_eq!(
        (stage.says("demo", "isengard").await, stage.says("demo", "mordor").await),
        (400, 400)
    );
    // The same change goes on to wait, and endpoints may become stricter meanwhile.
    assert_eq!(stage.waiting(1).await["id"], json!(id));
    assert_eq!(stage.approve(&carol, &id).await.status, 200);
    stage.says_soon("demo", "mordor", 200).await;
    assert_eq!(stage.says("demo", "zanzibar").await, 400);
    let stage = stage.restart().await;
    assert_eq!(stage.says("demo", "mordor").await, 200);

    // What was approved once is not approved for ever.
    stage.write(&strict);
    stage.says_soon("demo", "mordor", 400).await;
    stage.write(&weak);
    let again = stage.waiting(2).await["id"].as_str().unwrap().to_owned();
    assert_ne!(again, id);
    assert_eq!(stage.post(&admin, &format!("/api/v1/changes/{again}/reject")).await.status, 200);
    assert_eq!(stage.says("demo", "mordor").await, 400);
    // To ask for nobody's approval is weaker itself.
    stage.write(&strict.replace("policy-file: two-people", "policy-file: none"));
    let off = stage.waiting(2).await;
    assert_eq!(off["weaker"][0]["kind"], "approvals-weaker");
    // Whoever puts the file back needs nobody, and nothing waits any more.
    stage.write(&strict);
    let began = Instant::now();
    loop {
        let path = format!("/api/v1/changes/{}", off["id"].as_str().unwrap());
        let change = stage.console(&bob).get(&path).await.unwrap().json();
        if change["state"] == "void" {
            break;
        }
        assert!(began.elapsed() < SOON, "{change}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = stage.log();
    let of = |operation: &str| log.iter().filter(|(known, _)| known == operation).count();
    assert_eq!(
        (of("change-proposed"), of("change-vouched"), of("change-approved")),
        (3, 1, 1),
        "{log:?}"
    );
    assert_eq!(of("change-rejected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_the_policy_file_is_part_of_it() {
    let stage = Stage::start().await;
    let (admin, bob) = (stage.admin.clone(), stage.bob.clone());
    let team = stage.folder.path().join("team.txt");
    std::fs::write(&team, "alice@example.com\neve@example.com\n").unwrap();
    let change = stage.waiting(2).await;
    assert_eq!(change["weaker"][0]["kind"], "group-changed");
    // By the admin API the new list would come into force along with an endpoint.
    let put = stage.put(&admin, "own", &endpoint(&["gondor"])).await;
    assert_eq!(
        (put.status.as_u16(), put.json()["error"]["code"].clone()),
        (503, json!("bartizan::admin::policy-waits"))
    );
    // A list that nobody kept cannot be started with, and the new one is weaker.
    let Stage { folder, process, .. } = stage;
    process.terminate().await.unwrap();
    let Err(error) = launch(&folder).start().await else { panic!("it started") };
    let error = error.to_string();
    assert!(error.contains("are not what they were (a list of members"), "{error}");
    std::fs::write(&team, "alice@example.com\n").unwrap();
    let process = launch(&folder).start().await.unwrap_or_else(|error| panic!("{error}"));
    let log = process.console().bearer(&bob).get("/api/v1/changes").await.unwrap();
    assert_eq!(log.status, 200);
    process.terminate().await.unwrap();
    // Nor is a start without the file a way around.
    std::fs::remove_file(folder.path().join("bartizan.yaml")).unwrap();
    let data = folder.path().join("data");
    let ran = Place::new().run(&["up", "--data-dir", data.to_str().unwrap()], "");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("there is no policy file"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_gateways_that_approve_at_once_one_does_and_both_follow() {
    let postgres =
        tokio::task::spawn_blocking(|| PostgresServer::start(&[]).unwrap()).await.unwrap();
    let state = format!(
        "state: {{ postgres: {{ url: \"postgres://{POSTGRES_USER}@127.0.0.1:{}/{POSTGRES_DATABASE}\" }} }}\n",
        postgres.port()
    );
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("team.txt"), "alice@example.com\n").unwrap();
        std::fs::write(folder.path().join("bartizan.yaml"), POLICY.to_owned() + &state).unwrap();
        let process = launch(&folder).start().await.unwrap_or_else(|error| panic!("{error}"));
        gateways.push((folder, process));
    }
    let ready = gateways[0].1.ready().clone();
    let (admin, client) = (ready.admin_key.unwrap(), ready.client_key.unwrap());
    let people: Vec<String> = (0..4)
        .map(|number| {
            let config = gateways[0].0.path().join("bartizan.yaml");
            let name = format!("p{number}@example.com");
            let words = [
                "key",
                "create",
                &name,
                "--scope",
                "operator",
                "--config",
                config.to_str().unwrap(),
                "--data-dir",
                gateways[0].0.path().join("data").to_str().unwrap(),
            ]
            .map(str::to_owned);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let ran = Place::new().run(&words, "");
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            ran.stdout.trim().to_owned()
        })
        .collect();
    let consoles: Vec<Client> = people
        .iter()
        .enumerate()
        .map(|(number, key)| gateways[number % 2].1.console().bearer(key))
        .collect();
    for console in &consoles {
        let began = Instant::now();
        while console.get("/api/v1/changes").await.unwrap().status != 200 {
            assert!(began.elapsed() < SOON, "a gateway does not know a new key");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let body = endpoint(&["gondor"]).to_string();
    let asked = gateways[0].1.console().bearer(&admin);
    let asked = send(&asked, Method::PUT, "/api/v1/endpoints/own", &body).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let path = format!("/api/v1/changes/{}/approve", asked.json()["id"].as_str().unwrap());
    let tasks: Vec<_> = consoles
        .into_iter()
        .map(|console| {
            let path = path.clone();
            tokio::spawn(async move { send(&console, Method::POST, &path, "").await })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap().status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    for (_, process) in &gateways {
        let began = Instant::now();
        let client = process.gateway().bearer(&client);
        let says = async |text: &str| {
            let body = chat("own", text, false);
            client.post_json("/v1/chat/completions", &body).await.unwrap().status.as_u16()
        };
        while says("hello").await != 200 {
            assert!(began.elapsed() < SOON, "{}", process.stderr());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(says("gondor").await, 400);
    }
}
