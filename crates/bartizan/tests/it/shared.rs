//! Several gateways that share keys in PostgreSQL and counters in Redis.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bartizan_core::{Secret, time};
use bartizan_grants::ProofKey;
use bartizan_testkit::http::Client;
use bartizan_testkit::process::{Launch, Process};
use bartizan_testkit::servers::{
    Keeps, POSTGRES_DATABASE, POSTGRES_USER, PostgresServer, RedisServer,
};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{chat, events_in};

/// Longest time until what was changed at one gateway counts at the other: it is a second on a machine that has nothing
/// else to do, and tests run beside others.
const SOON: Duration = Duration::from_secs(4);

/// The servers that gateways share.
struct Servers {
    redis: RedisServer,
    postgres: PostgresServer,
    /// More lines under `redis:`.
    redis_more: &'static str,
    limits: &'static str,
    /// Keys that sign short tokens.
    tokens: TempDir,
}

struct Gateway {
    process: Process,
    folder: TempDir,
}

impl Servers {
    async fn start(limits: &'static str, redis_more: &'static str) -> Self {
        let start = || {
            let redis = RedisServer::start(Keeps::Nothing, &[]).unwrap();
            (redis, PostgresServer::start(&[]).unwrap())
        };
        let (redis, postgres) = tokio::task::spawn_blocking(start).await.unwrap();
        Self { redis, postgres, redis_more, limits, tokens: tempfile::tempdir().unwrap() }
    }

    async fn gateway(&self) -> Gateway {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!(
            r#"version: 1
listen: {{ gateway: "127.0.0.1:0", console: "127.0.0.1:0" }}
state:
  postgres: {{ url: "postgres://{POSTGRES_USER}@127.0.0.1:{}/{POSTGRES_DATABASE}", trust-for: 60s }}
  redis: {{ url: "redis://127.0.0.1:{}"{} }}
identity: {{ tokens: {{ origins: ["https://gateway.example"], keys: "file:{}" }} }}
providers: {{ demo: {{ demo: {{}} }} }}
endpoints:
  demo:
    routes: [{{ provider: demo, model: m }}]
{}
"#,
            self.postgres.port(),
            self.redis.port(),
            self.redis_more,
            self.tokens.path().join("keys.json").display(),
            self.limits,
        );
        let config = folder.path().join("bartizan.yaml");
        std::fs::write(&config, policy).unwrap();
        let launch =
            Launch::new(env!("CARGO_BIN_EXE_bartizan"), config, folder.path().join("data"));
        let process = launch.patience(Duration::from_secs(60)).start().await;
        Gateway { process: process.unwrap_or_else(|error| panic!("{error}")), folder }
    }

    /// Two, and clients of them with the first key.
    async fn two(&self) -> ([Gateway; 2], [Client; 2]) {
        let one = self.gateway().await;
        let other = self.gateway().await;
        let key = one.process.ready().client_key.clone().unwrap();
        assert_eq!(other.process.ready().client_key, None, "keys are shared");
        let clients = [&one, &other].map(|gateway| gateway.process.gateway().bearer(&key));
        ([one, other], clients)
    }
}

async fn post(client: &Client) -> Option<(u16, String)> {
    let answer = client.post_json("/v1/chat/completions", &chat("demo", "hello", false)).await;
    let answer = answer.ok()?;
    Some((
        answer.status.as_u16(),
        answer.header("x-bartizan-request-id").unwrap_or_default().to_owned(),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_of_two_gateways_stay_within_one_limit() {
    let limits = "    limits: [{ id: l-all, per: endpoint, requests: 321/h }]";
    let servers = Servers::start(limits, "").await;
    let (gateways, clients) = servers.two().await;
    let mut tasks = Vec::new();
    for number in 0..1_000 {
        let client = clients[number % 2].clone();
        tasks.push(tokio::spawn(async move { post(&client).await.map(|(status, _)| status) }));
    }
    let mut answered = 0;
    for task in tasks {
        match task.await.unwrap() {
            Some(200) => answered += 1,
            Some(429) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answered, 321);
    for Gateway { process, .. } in gateways {
        let metrics = process.console().get("/metrics").await.unwrap().text();
        assert!(metrics.contains("bartizan_counters_up 1\n"), "{metrics}");
        process.terminate().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_throw_counters_away_is_warned_of() {
    for (policy, is_warned) in [("allkeys-lru", true), ("noeviction", false)] {
        let start = move || {
            let memory = ["--maxmemory", "64mb", "--maxmemory-policy", policy];
            RedisServer::start(Keeps::Nothing, &memory).unwrap()
        };
        let redis = tokio::task::spawn_blocking(start).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             state: {{ redis: {{ url: \"redis://127.0.0.1:{}\" }} }}\n\
             providers: {{ demo: {{ demo: {{}} }} }}\n\
             endpoints: {{ demo: {{ routes: [{{ provider: demo, model: m }}] }} }}\n",
            redis.port()
        );
        let config = folder.path().join("bartizan.yaml");
        std::fs::write(&config, text).unwrap();
        let launch =
            Launch::new(env!("CARGO_BIN_EXE_bartizan"), config, folder.path().join("data"));
        let process = launch.start().await.unwrap_or_else(|error| panic!("{error}"));
        let is_said = || process.stderr().contains("maxmemory-policy allkeys-lru");
        let began = Instant::now();
        while is_warned && !is_said() && began.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(is_said(), is_warned, "{}", process.stderr());
        process.terminate().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_over_two_gateways_is_one_loop() {
    let brakes = "    brakes: [{ id: b-loop, same-requests: 13/h, action: block }]";
    let servers = Servers::start(brakes, "").await;
    let (gateways, clients) = servers.two().await;
    let mut tasks = Vec::new();
    for number in 0..100 {
        let client = clients[number % 2].clone();
        let body = chat("demo", &format!("Try again, attempt {number}"), false);
        tasks.push(tokio::spawn(async move {
            client.post_json("/v1/chat/completions", &body).await.unwrap().status.as_u16()
        }));
    }
    let mut answered = 0;
    for task in tasks {
        match task.await.unwrap() {
            200 => answered += 1,
            429 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(answered, 13);
    for Gateway { process, .. } in gateways {
        process.terminate().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_watches_holds_nobody_up_where_nobody_counts() {
    let brakes = "    brakes: [{ id: b-loop, same-requests: 1/h, action: flag }]";
    let mut servers = Servers::start(brakes, "").await;
    let (gateways, clients) = servers.two().await;
    for _ in 0..2 {
        assert_eq!(post(&clients[0]).await.unwrap().0, 200);
    }
    servers.redis.kill().unwrap();
    let (status, id) = post(&clients[0]).await.unwrap();
    assert_eq!(status, 200);
    let events = events_in(&gateways[0].folder.path().join("data"));
    let of = events.iter().find(|event| event["request_id"] == id.as_str()).unwrap();
    assert_eq!(of["not_evaluated"], json!(["shared-limits"]));
    let over = events.iter().filter(|event| event["brakes"] == json!(["b-loop"]));
    assert_eq!(over.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_endpoints_made_at_one_count_at_the_other_within_a_second() {
    let servers = Servers::start("", "").await;
    let one = servers.gateway().await;
    let other = servers.gateway().await;
    let admin = one.process.ready().admin_key.clone().unwrap();
    let console = one.process.console().bearer(&admin);
    let new = json!({ "name": "sp:bot", "scope": "client" });
    let made = console.post_json("/api/v1/keys", &new).await.unwrap().json();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let client = other.process.gateway().bearer(key);
    let status_within = async |wanted: u16, endpoint: &str| {
        let began = Instant::now();
        loop {
            let answer =
                client.post_json("/v1/chat/completions", &chat(endpoint, "hi", false)).await;
            let status = answer.unwrap().status.as_u16();
            if status == wanted {
                return;
            }
            assert!(began.elapsed() < SOON, "{status} and not {wanted} for {endpoint}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    status_within(200, "demo").await;
    let body = json!({ "routes": [{ "provider": "demo", "model": "m" }] });
    let put = console.send(Method::PUT, "/api/v1/endpoints/more", body.to_string()).await.unwrap();
    assert!(put.status.is_success(), "{}", put.status);
    status_within(200, "more").await;
    let gone = console.send(Method::DELETE, "/api/v1/endpoints/more", "").await.unwrap();
    assert!(gone.status.is_success(), "{}", gone.status);
    status_within(404, "more").await;
    let revoked = console.send(Method::DELETE, &format!("/api/v1/keys/{id}"), "").await.unwrap();
    assert!(revoked.status.is_success(), "{}", revoked.status);
    status_within(401, "demo").await;
    // Whoever changed an endpoint does not read its own change as one of another.
    let loaded = |gateway: &Gateway| {
        let events = events_in(&gateway.folder.path().join("data"));
        events.iter().filter(|event| event["operation"] == "policy-loaded").count()
    };
    assert_eq!((loaded(&one), loaded(&other)), (3, 3));
    // The command line changes the same keys, and asks the same database.
    let listed = std::process::Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["key", "list", "--format", "json", "--config"])
        .arg(other.folder.path().join("bartizan.yaml"))
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 3, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_dies_under_load_has_an_event_for_each_answer() {
    let limits = "    limits: [{ id: l-all, per: endpoint, requests: 100k/h, tokens: 100M/h }]";
    let servers = Servers::start(limits, "").await;
    let ([one, other], clients) = servers.two().await;
    let ends = Arc::new(AtomicBool::new(false));
    let answered = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let mut tasks = Vec::new();
    for number in 0..64 {
        let (client, ends) = (clients[number % 2].clone(), Arc::clone(&ends));
        let answered = Arc::clone(&answered[number % 2]);
        tasks.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                match post(&client).await {
                    Some((200, id)) => {
                        answered.fetch_add(1, Ordering::Relaxed);
                        ids.push(id);
                    }
                    Some((status, _)) => panic!("{status}"),
                    // The one that was killed.
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
            (number % 2, ids)
        }));
    }
    let at_least = async |count: usize| {
        let began = Instant::now();
        while answered.iter().any(|answered| answered.load(Ordering::Relaxed) < count) {
            assert!(began.elapsed() < Duration::from_secs(60), "{answered:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    at_least(100).await;
    one.process.kill().await.unwrap();
    let before = answered[1].load(Ordering::Relaxed);
    while answered[1].load(Ordering::Relaxed) < before + 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ends.store(true, Ordering::Relaxed);
    let mut ids = [Vec::new(), Vec::new()];
    for task in tasks {
        let (number, more) = task.await.unwrap();
        ids[number].extend(more);
    }
    other.process.terminate().await.unwrap();
    for (folder, ids) in [&one.folder, &other.folder].into_iter().zip(ids) {
        let events = events_in(&folder.path().join("data"));
        let known: BTreeSet<&str> =
            events.iter().filter_map(|event| event["request_id"].as_str()).collect();
        let missing: Vec<&String> = ids.iter().filter(|id| !known.contains(id.as_str())).collect();
        assert!(missing.is_empty(), "{} of {} have no event", missing.len(), ids.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_stopped_and_started_under_load_cost_no_more_than_a_refusal() {
    let limits = "    limits: [{ id: l-all, per: endpoint, requests: 100k/h }]";
    let mut servers = Servers::start(limits, "").await;
    let (gateways, clients) = servers.two().await;
    let ends = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for number in 0..16 {
        let (client, ends) = (clients[number % 2].clone(), Arc::clone(&ends));
        tasks.push(tokio::spawn(async move {
            let (mut answered, mut refused) = (0, 0);
            while !ends.load(Ordering::Relaxed) {
                match post(&client).await.unwrap().0 {
                    200 => answered += 1,
                    503 => {
                        refused += 1;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    status => panic!("{status}"),
                }
            }
            (answered, refused)
        }));
    }
    let pause = async || tokio::time::sleep(Duration::from_millis(500)).await;
    pause().await;
    servers.postgres.stop().unwrap();
    // Keys go on to work as they were known.
    pause().await;
    assert_eq!(post(&clients[0]).await.unwrap().0, 200);
    servers.redis.kill().unwrap();
    pause().await;
    assert_eq!(post(&clients[0]).await.unwrap().0, 503);
    let ready = gateways[0].process.console().get("/readyz").await.unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("counters"), "{}", ready.text());
    servers.redis.start_again().unwrap();
    servers.postgres.start_again().unwrap();
    for client in &clients {
        let began = Instant::now();
        while post(client).await.unwrap().0 != 200 {
            assert!(began.elapsed() < Duration::from_secs(10), "not back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    pause().await;
    ends.store(true, Ordering::Relaxed);
    let (mut answered, mut refused) = (0, 0);
    for task in tasks {
        let (more, denied) = task.await.unwrap();
        answered += more;
        refused += denied;
    }
    assert!(answered > 50 && refused > 0, "{answered} answered, {refused} refused");
    let events: usize = gateways
        .iter()
        .map(|gateway| events_in(&gateway.folder.path().join("data")))
        .map(|events| events.iter().filter(|event| event["status"] == 200).count())
        .sum();
    assert!(events >= answered, "{answered} answers and {events} events");
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_a_gateway_says_that_it_counts_alone() {
    let limits = "    limits: [{ id: l-all, per: endpoint, requests: 10/h }]";
    let mut servers = Servers::start(limits, ", when-away: count-alone, gateways: 2").await;
    let (gateways, clients) = servers.two().await;
    servers.redis.kill().unwrap();
    let mut answered = [0, 0];
    for (client, answered) in clients.iter().zip(&mut answered) {
        for _ in 0..20 {
            let answer = client.post_json("/v1/chat/completions", &chat("demo", "hi", false)).await;
            let answer = answer.unwrap();
            if answer.status == 200 {
                *answered += 1;
                let decision = answer.header("x-bartizan-decision").unwrap();
                assert!(decision.contains("not-evaluated=shared-limits"), "{decision}");
            } else {
                assert_eq!(answer.status, 429);
            }
        }
    }
    assert_eq!(answered, [5, 5]);
    let ready = gateways[0].process.console().get("/readyz").await.unwrap();
    assert_eq!(ready.status, 200, "{}", ready.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_gateway_is_good_at_the_other_and_each_proof_at_one_of_them() {
    let servers = Servers::start("", "").await;
    let (gateways, _) = servers.two().await;
    let ready = gateways[0].process.ready().clone();
    let (key, admin) = (ready.client_key.unwrap(), ready.admin_key.unwrap());
    // Proofs of the second of the start may have been used before it.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let holder = ProofKey::generate().unwrap();
    let url = |path: &str| format!("https://gateway.example{path}");
    let proof = holder.prove_for_new("POST", &url("/oauth/token"), time::now()).unwrap();
    let form = serde_urlencoded::to_string([
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &key),
    ]);
    let asking = gateways[0].process.gateway().header("dpop", &proof);
    let made = asking.send(Method::POST, "/oauth/token", form.unwrap()).await.unwrap();
    let made = made.whole().await.unwrap().json();
    let token = Secret::new(made["access_token"].as_str().unwrap());
    let prove = || holder.prove("POST", &url("/v1/chat/completions"), &token, time::now()).unwrap();
    let ask = async |gateway: usize, proof: &str| {
        let client = gateways[gateway].process.gateway();
        let client = client.header("authorization", &format!("DPoP {}", token.expose()));
        let client = client.header("dpop", proof);
        client.post_json("/v1/chat/completions", &chat("demo", "hi", false)).await.unwrap()
    };
    for gateway in [0, 1] {
        let answer = ask(gateway, &prove()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let proof = prove();
    assert_eq!(ask(0, &proof).await.status, 200);
    let answer = ask(1, &proof).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert!(answer.text().contains("proof-replayed"), "{}", answer.text());
    let console = gateways[0].process.console().bearer(&admin);
    let path = format!("/api/v1/keys/session:{}", made["session"].as_str().unwrap());
    assert!(console.send(Method::DELETE, &path, "").await.unwrap().status.is_success());
    let began = Instant::now();
    while ask(1, &prove()).await.status != 401 {
        assert!(began.elapsed() < SOON, "still good at the other");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
