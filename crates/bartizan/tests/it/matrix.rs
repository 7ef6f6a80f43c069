//! Who may do what: each route of the gateway with each kind of credential, and each command with each role.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use bartizan_core::Secret;
use bartizan_testkit::http::{Answer, Client};
use http::Method;
use serde_json::{Value, json};

use crate::cli::{Place, Ran};
use crate::grants::{self, Holder};
use crate::support::{Stage, chat, messages, responses};

/// A request that succeeds on each route of the gateway, when its sender may.
fn requests() -> Vec<(Method, &'static str, &'static str, Value)> {
    let text = |key: &str| json!({ "model": "one", key: "hello" });
    let post = |pattern, path, body| (Method::POST, pattern, path, body);
    let get = |pattern, path| (Method::GET, pattern, path, Value::Null);
    let same = |path, body| post(path, path, body);
    vec![
        same("/v1/chat/completions", chat("one", "hello", false)),
        same("/v1/responses", responses("one", "hello", false)),
        same("/v1/completions", text("prompt")),
        same("/v1/embeddings", text("input")),
        same("/v1/moderations", text("input")),
        get("/v1/models", "/v1/models"),
        get("/v1/models/{}", "/v1/models/one"),
        same("/v1/messages", messages("one", "hello", false)),
        same("/v1/messages/count_tokens", {
            json!({ "model": "one", "messages": [{ "role": "user", "content": "hello" }] })
        }),
        same("/oauth/token", Value::Null),
        post(
            "/serving-endpoints/{}/invocations",
            "/serving-endpoints/one/invocations",
            chat("one", "hello", false),
        ),
        same("/serving-endpoints/chat/completions", chat("one", "hello", false)),
        same("/serving-endpoints/completions", text("prompt")),
        same("/serving-endpoints/embeddings", text("input")),
        same("/serving-endpoints/responses", responses("one", "hello", false)),
        get("/serving-endpoints/models", "/serving-endpoints/models"),
    ]
}

/// Whoever may come to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Nobody,
    Malformed,
    Unknown,
    /// A client of another installation.
    Foreign,
    Revoked,
    Expired,
    Viewer,
    Auditor,
    Operator,
    Admin,
    /// A client that may use another endpoint alone.
    Elsewhere,
    Client,
}

fn key_of(words: &[&str], data: &Path) -> String {
    let data = ["--data-dir", data.to_str().unwrap()];
    let ran = Place::new().run(&[&["key", "create"], words, &data].concat(), "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.trim().to_owned()
}

/// A key of each who has one.
async fn keys(stage: &Stage) -> BTreeMap<Who, String> {
    let data = stage.folder.path().join("data");
    let elsewhere = stage.folder.path().join("elsewhere");
    let mut keys = BTreeMap::from([
        (Who::Malformed, "bzc_".to_owned()),
        (Who::Unknown, format!("bzc_{}", "A".repeat(43))),
        (Who::Foreign, key_of(&["local"], &elsewhere)),
        (Who::Expired, key_of(&["sp:late", "--expires-in", "1s"], &data)),
        (Who::Elsewhere, key_of(&["sp:other", "--endpoint", "two"], &data)),
        (Who::Admin, stage.process.ready().admin_key.clone().unwrap()),
        (Who::Client, stage.process.ready().client_key.clone().unwrap()),
    ]);
    for (who, scope) in
        [(Who::Viewer, "viewer"), (Who::Auditor, "auditor"), (Who::Operator, "operator")]
    {
        keys.insert(who, key_of(&[&format!("{scope}@example.com"), "--scope", scope], &data));
    }
    let made = json!({ "name": "sp:gone", "scope": "client" });
    let made = stage.console.post_json("/api/v1/keys", &made).await.unwrap().json();
    keys.insert(Who::Revoked, made["key"].as_str().unwrap().to_owned());
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    assert!(stage.console.send(Method::DELETE, &path, "").await.unwrap().status.is_success());
    // What a command makes is known within a second, and one of them is over by then.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    keys
}

async fn ask(client: &Client, method: &Method, path: &str, body: &Value) -> Answer {
    match *method {
        Method::GET => client.get(path).await.unwrap(),
        _ => client.post_json(path, body).await.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_of_the_gateway_lets_in_whom_it_should_and_nobody_else() {
    let stage = grants::stage().await;
    let keys = keys(&stage).await;
    let requests = requests();
    let known: BTreeSet<(String, &str)> =
        bartizan_gateway::routes().map(|(method, path)| (method.to_string(), path)).collect();
    let covered: BTreeSet<(String, &str)> =
        requests.iter().map(|(method, pattern, ..)| (method.to_string(), *pattern)).collect();
    assert_eq!(covered, known, "every route has its request");
    let stranger = Client::new(stage.process.ready().gateway.clone());
    let whos = [&[Who::Nobody][..], &keys.keys().copied().collect::<Vec<_>>()].concat();
    assert_eq!(whos.len(), 12);
    for (method, pattern, path, body) in &requests {
        for who in &whos {
            let context = format!("{method} {pattern} as {who:?}");
            let key = keys.get(who).map(String::as_str);
            if *pattern == "/oauth/token" {
                let answer = Holder::new(&stage).exchange(key.unwrap_or_default(), "").await;
                let is_fine = matches!(who, Who::Client | Who::Elsewhere);
                assert_eq!(answer.status.is_success(), is_fine, "{context}: {}", answer.text());
                assert_eq!(answer.json()["access_token"].is_string(), is_fine, "{context}");
                continue;
            }
            stage.upstream.clear();
            let client = match key {
                Some(key) => stranger.clone().bearer(key),
                None => stranger.clone(),
            };
            let answer = ask(&client, method, path, body).await;
            let is_list = *pattern == "/v1/models" || *pattern == "/serving-endpoints/models";
            let expected = match who {
                Who::Client => 200,
                Who::Elsewhere if is_list => 200,
                // What one may not use is not there for one.
                Who::Elsewhere if *pattern == "/v1/models/{}" => 404,
                Who::Elsewhere | Who::Viewer | Who::Auditor | Who::Operator | Who::Admin => 403,
                _ => 401,
            };
            assert_eq!(answer.status, expected, "{context}: {}", answer.text());
            if expected != 200 {
                assert_eq!(stage.upstream.requests().len(), 0, "{context}");
                assert_eq!(answer.header("x-bartizan-decision"), Some("block"), "{context}");
            }
            if is_list && *who == Who::Elsewhere {
                assert!(!answer.text().contains("\"one\""), "{context}: {}", answer.text());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_token_of_another_installation_opens_nothing() {
    let (stage, other) = (grants::stage().await, grants::stage().await);
    let holder = Holder::new(&stage);
    let own = holder.token("").await;
    let foreign = {
        // The same key to prove it with: only who signed it is different.
        let elsewhere = holder.at(&other);
        elsewhere.token("").await
    };
    for (method, pattern, path, body) in &requests() {
        if *pattern == "/oauth/token" {
            continue;
        }
        for (token, expected) in [(&own, 200), (&foreign, 401)] {
            let answer =
                ask(&bound(&stage, &holder, token, method, path), method, path, body).await;
            assert_eq!(answer.status, expected, "{method} {pattern}: {}", answer.text());
        }
    }
}

fn bound(
    stage: &Stage,
    holder: &Holder<'_>,
    token: &Secret,
    method: &Method,
    path: &str,
) -> Client {
    Client::new(stage.process.ready().gateway.clone())
        .header("authorization", &format!("DPoP {}", token.expose()))
        .header("dpop", &holder.proof(method.as_str(), path, Some(token)))
}

/// What decides who may run a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Nothing: it reads what it is given.
    None,
    /// The rights on the files that it is pointed to.
    Files,
    /// The console, by the key that goes along.
    Console,
    /// The console at a URL; otherwise the rights on the files.
    Either,
}

/// Every command that does something by itself.
const COMMANDS: &[(&str, Door)] = &[
    ("up", Door::Files),
    ("init", Door::Files),
    ("check", Door::None),
    ("decrypt", Door::None),
    ("eval", Door::None),
    ("train", Door::None),
    ("events", Door::Files),
    ("query", Door::Files),
    ("audit verify", Door::Either),
    ("audit prove", Door::Files),
    ("audit check", Door::None),
    ("audit consistency", Door::Files),
    ("audit erase", Door::Files),
    ("audit export", Door::Files),
    ("audit rotate-key", Door::Files),
    ("audit key", Door::Files),
    ("inference list", Door::Files),
    ("inference show", Door::Files),
    ("inference export", Door::Files),
    ("inference verify", Door::Files),
    ("key create", Door::Files),
    ("key replace", Door::Files),
    ("key report", Door::Files),
    ("key list", Door::Files),
    ("key revoke", Door::Files),
    ("account add", Door::Files),
    ("account list", Door::Files),
    ("account reset", Door::Files),
    ("account remove", Door::Files),
    ("secret set", Door::Files),
    ("secret rotate", Door::Files),
    ("secret rollback", Door::Files),
    ("secret list", Door::Files),
    ("secret age", Door::Files),
    ("secret remove", Door::Files),
    ("secret master-key", Door::Files),
    ("change list", Door::Console),
    ("change show", Door::Console),
    ("change approve", Door::Console),
    ("change reject", Door::Console),
    ("policy check", Door::None),
    ("policy test", Door::None),
    ("policy prove", Door::None),
    ("policy explain", Door::None),
    ("policy diff", Door::Files),
    ("policy history", Door::Files),
    ("policy rollback", Door::Files),
    ("policy cedar", Door::None),
    ("config check", Door::None),
    ("config show", Door::None),
    ("config schema", Door::None),
    ("doctor", Door::Files),
    ("explain", Door::None),
    ("completions", Door::None),
    ("man", Door::None),
];

/// Commands below these words, as the help lists them.
fn below(words: &[&str]) -> Vec<String> {
    let ran = Place::new().run(&[words, &["--help"]].concat(), "");
    assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    let listed = ran.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| line.starts_with("  "));
    let names = names.filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_command_says_what_decides_who_may_run_it() {
    let mut found = BTreeSet::new();
    for first in below(&[]).into_iter().filter(|name| name != "help") {
        let inner = below(&[&first]);
        if inner.is_empty() {
            found.insert(first);
            continue;
        }
        for second in inner.into_iter().filter(|name| name != "help") {
            assert_eq!(below(&[&first, &second]), [""; 0], "{first} {second}");
            found.insert(format!("{first} {second}"));
        }
    }
    let known: BTreeSet<String> = COMMANDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known);
    for (name, door) in COMMANDS {
        let words: Vec<&str> = name.split(' ').chain(["--help"]).collect();
        let help = Place::new().run(&words, "").stdout;
        let takes = |flag: &str| help.contains(flag);
        assert_eq!(
            takes("--admin-key"),
            matches!(door, Door::Console | Door::Either),
            "{name} asks a console with a key"
        );
        if *door == Door::Files && *name != "init" {
            assert!(takes("--data-dir"), "{name} says whose files it means");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_ask_the_console_do_what_the_role_of_the_key_may() {
    const POLICY: &str = "version: 1
listen: { gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }
approvals: { weaker-endpoints: two-people }
providers: { demo: { demo: {} } }
endpoints: { demo: { routes: [{ provider: demo, model: m }] } }
";
    let upstream =
        bartizan_testkit::upstream::Upstream::start(bartizan_testkit::upstream::Script::obedient());
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with_policy(upstream.await.unwrap(), folder, POLICY).await;
    let keys = keys_of_console(&stage).await;
    let address = stage.process.ready().console.clone();
    // Makes an endpoint, and asks for less of it: one change that waits, for each who may decide it.
    let change = async |number: usize| {
        let name = format!("own-{number}");
        let path = format!("/api/v1/endpoints/{name}");
        let rail = json!({ "id": "g-word", "on": ["input"], "detect": "keywords", "keywords": ["x"], "action": "block" });
        let route = json!([{ "provider": "demo", "model": "m" }]);
        let strict = json!({ "routes": route, "guardrails": [rail] }).to_string();
        let lax = json!({ "routes": route }).to_string();
        let put = async |body: String| {
            stage.console.send(Method::PUT, &path, body).await.unwrap().whole().await.unwrap()
        };
        assert!(put(strict).await.status.is_success());
        let asked = put(lax).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        asked.json()["id"].as_str().unwrap().to_owned()
    };
    let mut number = 0;
    for (who, key) in &keys {
        for command in ["list", "show", "approve", "reject"] {
            number += 1;
            let id = change(number).await;
            let words = match command {
                "list" => vec!["change", "list"],
                command => vec!["change", command, &id],
            };
            let ran = run_at(&words, &address, key.as_deref());
            let decides = matches!(command, "approve" | "reject");
            let expected = match who {
                // Whoever asked for it does not approve it, and may take it back.
                Caller::Admin if command == "approve" => 1,
                Caller::Auditor if !decides => 0,
                Caller::Operator | Caller::OtherAdmin | Caller::Admin => 0,
                Caller::Auditor | Caller::Viewer | Caller::Client => 1,
                Caller::Nobody => 2,
                _ => 4,
            };
            let context = format!("change {command} as {who:?}: {}{}", ran.stdout, ran.stderr);
            assert_eq!(ran.code, expected, "{context}");
            let now = stage.console.get(&format!("/api/v1/changes/{id}")).await.unwrap().json();
            let is_decided = now["state"] != "waiting";
            assert_eq!(is_decided, decides && expected == 0, "{context}: {now}");
        }
        log_at_a_console(&stage, *who, key.as_deref()).await;
    }
}

/// Whoever may ask the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Nobody,
    Unknown,
    Foreign,
    Revoked,
    Expired,
    Client,
    Viewer,
    Auditor,
    Operator,
    OtherAdmin,
    Admin,
}

async fn keys_of_console(stage: &Stage) -> Vec<(Caller, Option<String>)> {
    let data = stage.folder.path().join("data");
    let elsewhere = stage.folder.path().join("elsewhere");
    let of = |name: &str, scope: &str, data: &Path| {
        Some(key_of(&[&format!("{name}@example.com"), "--scope", scope], data))
    };
    let late = ["late@example.com", "--scope", "admin", "--expires-in", "1s"];
    let made = json!({ "name": "gone@example.com", "scope": "admin" });
    let made = stage.console.post_json("/api/v1/keys", &made).await.unwrap().json();
    let revoked = made["key"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    assert!(stage.console.send(Method::DELETE, &path, "").await.unwrap().status.is_success());
    let keys = vec![
        (Caller::Nobody, None),
        (Caller::Unknown, Some(format!("bza_{}", "A".repeat(43)))),
        (Caller::Foreign, of("root", "admin", &elsewhere)),
        (Caller::Revoked, Some(revoked)),
        (Caller::Expired, Some(key_of(&late, &data))),
        (Caller::Client, stage.process.ready().client_key.clone()),
        (Caller::Viewer, of("viewer", "viewer", &data)),
        (Caller::Auditor, of("auditor", "auditor", &data)),
        (Caller::Operator, of("operator", "operator", &data)),
        (Caller::OtherAdmin, of("root", "admin", &data)),
        (Caller::Admin, stage.process.ready().admin_key.clone()),
    ];
    let began = Instant::now();
    for (who, key) in &keys {
        let is_known = matches!(who, Caller::Auditor | Caller::Operator | Caller::OtherAdmin);
        let Some(key) = key.as_ref().filter(|_| is_known) else { continue };
        let client = stage.process.console().bearer(key);
        while client.get("/api/v1/changes").await.unwrap().status != 200 {
            assert!(began.elapsed() < Duration::from_secs(20), "{who:?} stays unknown");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    keys
}

fn run_at(words: &[&str], address: &str, key: Option<&str>) -> Ran {
    let words = [words, &["--console", address]].concat();
    match key {
        Some(key) => Place::new().run_with(("BARTIZAN_ADMIN_KEY", key), &words),
        None => Place::new().run(&words, ""),
    }
}

/// Entries are shown to those who may read events; the proofs are everybody's.
async fn log_at_a_console(stage: &Stage, who: Caller, key: Option<&str>) {
    let ran = Place::new().run(
        &["audit", "key", "--data-dir", stage.folder.path().join("data").to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let log = format!("{}/ledger", stage.process.ready().console);
    let words = ["audit", "verify", &log, "--key", ran.stdout.trim(), "--format", "json"];
    let ran = match key {
        Some(key) => Place::new().run_with(
            ("BARTIZAN_ADMIN_KEY", key),
            &[&words[..], &["--admin-key", "env:BARTIZAN_ADMIN_KEY"]].concat(),
        ),
        None => Place::new().run(&words, ""),
    };
    let is_shown =
        matches!(who, Caller::Auditor | Caller::Operator | Caller::OtherAdmin | Caller::Admin);
    let context = format!("audit verify as {who:?}: {}{}", ran.stdout, ran.stderr);
    let console = Client::new(stage.process.ready().console.clone());
    let console = key.map_or_else(|| console.clone(), |key| console.clone().bearer(key));
    let entries = console.get("/ledger/tile/entries/000.p/1").await.unwrap();
    let expected = match who {
        _ if is_shown => 200,
        Caller::Viewer | Caller::Client => 403,
        _ => 401,
    };
    assert_eq!(entries.status, expected, "entries as {who:?}: {}", entries.text());
    // Without a key the hashes are checked. A key that is no good is said to be none.
    let expected = if is_shown || who == Caller::Nobody { 0 } else { 4 };
    assert_eq!(ran.code, expected, "{context}");
}

#[cfg(unix)]
#[test]
fn what_commands_leave_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let data = place.path("data");
    let run = |words: &[&str], input: &str| {
        let ran = place.run(&[words, &["--data-dir", data.to_str().unwrap()]].concat(), input);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    };
    run(&["key", "create", "sp:bot"], "");
    run(&["secret", "master-key"], "");
    run(&["secret", "set", "one"], "a value");
    run(&["key", "list"], "");
    let mut seen = 0;
    let mut folders = vec![data.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let (path, found) =
                (entry.as_ref().unwrap().path(), entry.unwrap().metadata().unwrap());
            seen += 1;
            let others = found.permissions().mode() & 0o077;
            assert_eq!(others, 0, "{} is open to others", path.display());
            if found.is_dir() {
                folders.push(path);
            }
        }
    }
    assert!(seen >= 3, "{seen}");
}
