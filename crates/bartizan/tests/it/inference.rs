//! What was asked and answered, kept for whoever has to look later.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bartizan_testkit::http::Answer;
use bartizan_testkit::upstream::{Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::cli::{Place, Ran};
use crate::support::{
    MASK_GUARD, Stage, WORD_GUARD, chat, events_in, launch, messages, responses, said,
};

/// Nobody but the caller may ever see it.
const CANARY: &str = "canary.bird@example.com";

fn data(stage: &Stage) -> PathBuf {
    stage.folder.path().join("data")
}

fn run_on(data: &Path, words: &[&str]) -> Ran {
    Place::new().run(&[words, &["--data-dir", data.to_str().unwrap()]].concat(), "")
}

fn run(stage: &Stage, words: &[&str]) -> Ran {
    run_on(&data(stage), words)
}

/// Three endpoints that keep exchanges in this way.
fn policy(url: &str, guardrails: &str, log: &str) -> String {
    let endpoint = |name: &str, provider: &str| {
        format!(
            "  {name}:\n    routes: [{{ provider: {provider}, model: mock }}]\n    inference-log: {log}\n    guardrails:{guardrails}\n"
        )
    };
    format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n  open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n  \
         ant: {{ anthropic: {{ base-url: \"{url}\", api-key: env:TEST_PROVIDER_KEY }} }}\n  \
         dbx: {{ databricks: {{ host: \"{url}\", token: env:TEST_PROVIDER_KEY }} }}\n\
         endpoints:\n{}{}{}",
        endpoint("open", "open"),
        endpoint("claude", "ant"),
        endpoint("bricks", "dbx"),
    )
}

async fn stage(script: Script, guardrails: &str, log: &str) -> Stage {
    let upstream = Upstream::start(script).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = run_on(&folder.path().join("data"), &["secret", "master-key"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let policy = policy(&upstream.url(), guardrails, log);
    Stage::with_policy(upstream, folder, &policy).await
}

fn id(answer: &Answer) -> String {
    answer.header("x-bartizan-request-id").unwrap().to_owned()
}

/// What is kept of a request.
fn shown(data: &Path, id: &str) -> Value {
    let ran = run_on(data, &["inference", "show", id, "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn verified(data: &Path) -> (i32, Value) {
    let ran = run_on(data, &["inference", "verify", "--format", "json"]);
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr)))
}

fn echo() -> Reply {
    Reply::turn(bartizan_testkit::upstream::Turn {
        text: Some(bartizan_testkit::upstream::Text::EchoLastUser),
        ..Default::default()
    })
}

/// One request of each protocol.
fn all_protocols(text: &str, stream: bool) -> [(&'static str, Value); 5] {
    [
        ("/v1/chat/completions", chat("open", text, stream)),
        ("/v1/messages", messages("claude", text, stream)),
        ("/v1/messages", messages("open", text, stream)),
        ("/v1/responses", responses("open", text, stream)),
        ("/serving-endpoints/bricks/invocations", chat("bricks", text, stream)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_bytes_are_kept_that_went_out_on_either_side() {
    let stage = stage(echo().pieces([4, 1, 9]).into(), WORD_GUARD, "{}").await;
    for stream in [false, true] {
        for (path, body) in all_protocols("all is well, ünd so on", stream) {
            stage.upstream.clear();
            let answer = stage.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let event = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
            let kept = shown(&data(&stage), &id(&answer));
            let sent = stage.upstream.requests()[0].body.clone();
            assert_eq!(kept["request"]["text"].as_str().unwrap().as_bytes(), &*sent, "{path}");
            assert_eq!(kept["answer"]["text"], answer.text(), "{path} stream={stream}");
            assert_eq!(kept["answer"]["bytes"], answer.body.len(), "{path}");
            assert_eq!(kept["answer"]["cut"], false);
            assert_eq!(
                (&kept["principal"], &kept["payload"]),
                (&event["principal"], &event["payload"])
            );
            assert_eq!(kept["event"]["tokens_in"], event["tokens_in"]);
        }
    }
    let (code, found) = verified(&data(&stage));
    assert_eq!((code, &found["same"]), (0, &json!(10)), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_provider_was_sent_is_kept_when_the_next_cannot_be_reached() {
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = run_on(&folder.path().join("data"), &["secret", "master-key"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let policy = format!(
        "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\nproviders:\n  \
         one: {{ openai-compatible: {{ base-url: \"{}/v1\" }} }}\n  \
         two: {{ openai-compatible: {{ base-url: \"http://127.0.0.1:1/v1\" }} }}\n\
         endpoints:\n  open:\n    inference-log: {{}}\n    \
         routes: [{{ provider: one, model: m }}, {{ provider: two, model: n }}]\n",
        upstream.url()
    );
    let stage = Stage::with_policy(upstream, folder, &policy).await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "fail with 503", false)).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let event = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
    assert_eq!((&event["provider"], &event["model"]), (&json!("one"), &json!("m")), "{event}");
    assert!(event["tokens_in"].as_u64().is_some_and(|tokens| tokens > 0), "{event}");
    let kept = shown(&data(&stage), &id(&answer));
    let sent = stage.upstream.requests()[0].body.clone();
    assert_eq!(kept["request"]["text"].as_str().unwrap().as_bytes(), &*sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_that_was_masked_is_kept_although_the_client_gets_it_back() {
    let stage = stage(echo().pieces([4, 1, 9]).into(), MASK_GUARD, "{}").await;
    let text = format!("write to {CANARY} and to eve@example.com, card 4111 1111 1111 1111");
    for stream in [false, true] {
        for (path, body) in all_protocols(&text, stream) {
            let answer = stage.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert!(said(&answer).contains(&text), "{path}: {}", answer.text());
            let kept = shown(&data(&stage), &id(&answer));
            let all = kept.to_string();
            for value in ["canary", "eve@", "4111"] {
                assert!(!all.contains(value), "{path} stream={stream}: {all}");
            }
            // What the client would have got if nothing was put back.
            let body = kept["answer"]["text"].as_str().unwrap().to_owned();
            let kept = Answer { body: body.into(), ..answer.clone() };
            let masked =
                "write to <EMAIL_ADDRESS_1> and to <EMAIL_ADDRESS_2>, card <CREDIT_CARD_1>";
            assert!(said(&kept).contains(masked), "{path} stream={stream}: {}", kept.text());
        }
    }
    // Nor does it lie anywhere beside, however it is read.
    for entry in std::fs::read_dir(data(&stage).join("inference")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
    }
    let exported = run(&stage, &["inference", "export", "--since", "1h"]);
    assert_eq!((exported.code, exported.stdout.lines().count()), (0, 10), "{}", exported.stderr);
    assert!(!exported.stdout.contains("canary") && exported.stdout.contains("<EMAIL_ADDRESS_1>"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_the_model_spells_out_is_kept_as_its_placeholder() {
    // A model that knows what it was not told.
    let reply = Reply::text(format!("you mean {CANARY}, I know")).pieces([3]);
    let stage = stage(reply.into(), MASK_GUARD, "{}").await;
    for stream in [false, true] {
        let ask = chat("open", &format!("I am {CANARY}"), stream);
        let answer = stage.post("/v1/chat/completions", &ask).await;
        assert!(said(&answer).contains(CANARY), "{}", answer.text());
        let kept = shown(&data(&stage), &id(&answer));
        assert!(!kept.to_string().contains("canary"), "{kept}");
        let body = kept["answer"]["text"].as_str().unwrap().to_owned();
        let text = said(&Answer { body: body.into(), ..answer });
        assert!(text.contains("you mean <EMAIL_ADDRESS_1>, I know"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_blocked_text_is_kept_and_the_record_says_that_it_was() {
    let reply = Reply::text("fine so far, and then zanzibar and more").pieces([4]);
    let stage = stage(reply.into(), WORD_GUARD, "{}").await;
    for stream in [false, true] {
        let answer = stage.post("/v1/chat/completions", &chat("open", "to Zanzibar", stream)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let kept = shown(&data(&stage), &id(&answer));
        assert_eq!((&kept["request"], &kept["answer"]), (&Value::Null, &Value::Null), "{kept}");
        let event = &kept["event"];
        assert_eq!((&event["verdict"], &event["rule"]), (&json!("block"), &json!("g-word")));
        assert_eq!(event["outcome"], "refused");
        assert!(!kept.to_string().to_lowercase().contains("zanzibar"), "{kept}");

        let answer = stage.post("/v1/chat/completions", &chat("open", "hello there", stream)).await;
        let kept = shown(&data(&stage), &id(&answer));
        assert_eq!(kept["event"]["outcome"], "answer-refused");
        assert!(kept["request"]["text"].as_str().unwrap().contains("hello there"), "{kept}");
        assert!(!kept.to_string().to_lowercase().contains("zanzibar"), "{kept}");
        if stream {
            // What went out before is kept, and so is how it ended.
            assert_eq!(kept["answer"]["text"], answer.text());
            assert!(answer.text().contains("fine"), "{}", answer.text());
        } else {
            assert_eq!(kept["answer"], Value::Null);
        }
    }
    assert_eq!(verified(&data(&stage)).0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_has_what_was_sent_until_then_kept() {
    let reply = Reply::text("word ".repeat(2000)).pieces([5]).delay(Duration::from_millis(20));
    let stage = stage(reply.into(), WORD_GUARD, "{}").await;
    let path = "/v1/chat/completions";
    let mut stream = stage.client.stream(path, &chat("open", "tell me", true)).await.unwrap();
    let mut got = String::new();
    for _ in 0..5 {
        let piece = stream.next().await.unwrap().unwrap();
        got += std::str::from_utf8(&piece).unwrap();
    }
    drop(stream);
    let event = stage.event(|event| event["outcome"] == "disconnected").await;
    let kept = shown(&data(&stage), event["request_id"].as_str().unwrap());
    let text = kept["answer"]["text"].as_str().unwrap();
    assert!(text.starts_with(&got) && text.len() < 20_000, "{text}");
    assert!(kept["request"]["text"].as_str().unwrap().contains("tell me"));
    // Nobody is there who could be told, and nothing has come yet.
    let slow = Reply::text("late").first_delay(Duration::from_secs(30));
    let slow = self::stage(slow.into(), WORD_GUARD, "{}").await;
    let asking = tokio::spawn({
        let client = slow.client.clone();
        async move { client.post_json(path, &chat("open", "hello", false)).await }
    });
    for _ in 0..200 {
        if !slow.upstream.requests().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    asking.abort();
    let event = slow.event(|event| event["outcome"] == "disconnected").await;
    let kept = shown(&data(&slow), event["request_id"].as_str().unwrap());
    assert!(kept["request"]["text"].as_str().unwrap().contains("hello"), "{kept}");
    assert_eq!(kept["answer"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_is_cut_and_says_so() {
    let stage = stage(echo().into(), "\n      - { id: g-word, on: [input], detect: keywords, keywords: [zanzibar], action: block }", "{}").await;
    let long = "lorem ipsum ".repeat(88_000);
    for stream in [false, true] {
        let answer = stage.post("/v1/chat/completions", &chat("open", &long, stream)).await;
        assert_eq!(answer.status, 200);
        let kept = shown(&data(&stage), &id(&answer));
        for (side, whole) in [("request", None), ("answer", Some(answer.text()))] {
            let kept = &kept[side];
            assert_eq!(kept["cut"], true, "{side} stream={stream}");
            assert!(kept["bytes"].as_u64().unwrap() > 1_056_000);
            let text = kept["text"].as_str().unwrap();
            assert!(text.len() <= 1 << 20 && text.len() > (1 << 20) - 4, "{}", text.len());
            assert!(whole.is_none_or(|whole| whole.starts_with(text)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_erases_a_person_beside_a_running_gateway() {
    const ALICE: &str = "alice.liddell@example.com";
    let stage = stage(echo().into(), WORD_GUARD, "{}").await;
    let made = json!({ "name": ALICE, "scope": "client" });
    let made = stage.console.post_json("/api/v1/keys", &made).await.unwrap();
    let alice = stage.process.gateway().bearer(made.json()["key"].as_str().unwrap());
    let ask = chat("open", "down the rabbit hole", false);
    let hers = alice.post_json("/v1/chat/completions", &ask).await.unwrap();
    let other = stage.post("/v1/chat/completions", &chat("open", "of the queen", false)).await;
    assert_eq!(shown(&data(&stage), &id(&hers))["principal"], ALICE);

    let erased = run(&stage, &["audit", "erase", ALICE]);
    assert_eq!(erased.code, 0, "{}", erased.stderr);
    assert!(erased.stdout.contains("nobody can open it any more"), "{}", erased.stdout);
    let ran = run(&stage, &["inference", "show", &id(&hers)]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("was erased at"), "{}", ran.stderr);
    let answer = stage.console.get(&format!("/api/v1/inference/{}", id(&hers))).await.unwrap();
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "bartizan::admin::payload-erased");
    // Others are as they were, and all of it is still proven.
    let more = stage.post("/v1/chat/completions", &chat("open", "of hearts", false)).await;
    for (id, text) in [(id(&other), "of the queen"), (id(&more), "of hearts")] {
        let kept = shown(&data(&stage), &id);
        assert!(kept["request"]["text"].as_str().unwrap().contains(text));
    }
    let (code, found) = verified(&data(&stage));
    assert_eq!((code, &found["same"]), (0, &json!(3)), "{found}");
    let list = run(&stage, &["inference", "list"]);
    assert_eq!((list.code, list.stdout.lines().count()), (0, 2), "{}", list.stdout);
    for folder in ["inference", "ledger"] {
        for entry in std::fs::read_dir(data(&stage).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            assert!(!bytes.windows(13).any(|window| window == b"alice.liddell"), "{path:?}");
        }
    }
    let again = run(&stage, &["audit", "erase", ALICE]);
    assert_eq!(again.code, 2, "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_event_log_proves_what_is_kept() {
    let stage = stage(echo().into(), WORD_GUARD, "{}").await;
    for number in 0..3 {
        let ask = chat("open", &format!("number {number}"), number == 1);
        assert_eq!(stage.post("/v1/chat/completions", &ask).await.status, 200);
    }
    let folder = stage.folder;
    stage.process.terminate().await.unwrap();
    let data = folder.path().join("data");
    assert_eq!(verified(&data).0, 0);
    // Needs no master key.
    std::fs::rename(data.join("master.key"), folder.path().join("away")).unwrap();
    let (code, found) = verified(&data);
    assert_eq!((code, &found["same"]), (0, &json!(3)), "{found}");
    let ran = run_on(&data, &["inference", "list"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);

    let segment = std::fs::read_dir(data.join("inference")).unwrap();
    let segment = segment.map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|it| it == "bin"));
    let segment = segment.unwrap();
    let whole = std::fs::read(&segment).unwrap();
    let says = |bytes: &[u8], what: &str| {
        std::fs::write(&segment, bytes).unwrap();
        let (code, found) = verified(&data);
        assert_eq!((code, &found["holds"]), (1, &json!(false)), "{found}");
        assert!(found[what]["count"].as_u64().unwrap() > 0, "{what}: {found}");
        let human = run_on(&data, &["inference", "verify"]);
        assert!(human.stdout.contains(&format!("{what}:")), "{}", human.stdout);
    };
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    says(&changed, "changed");
    says(&whole[..whole.len() - 40], "missing");
    // What was written twice is a record of no event.
    let record = &whole[24..];
    let longer = [&whole[..], record].concat();
    says(&longer, "surplus");
    std::fs::remove_file(&segment).unwrap();
    let (code, found) = verified(&data);
    assert_eq!((code, &found["missing"]["count"]), (1, &json!(3)), "{found}");
    // Events that are taken away leave records that nobody speaks of; those that are older than all are only counted.
    std::fs::write(&segment, &whole).unwrap();
    let ledger = std::fs::read_dir(data.join("ledger")).unwrap();
    let ledger = ledger.map(|entry| entry.unwrap().path());
    let ledger = ledger
        .into_iter()
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("events-"));
    let ledger = ledger.unwrap();
    let text = std::fs::read_to_string(&ledger).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| {
        !line.contains("/24/sha256:") && line.contains("sha256:") || line.contains("policy-loaded")
    });
    std::fs::write(&ledger, lines.join("\n") + "\n").unwrap();
    let (code, found) = verified(&data);
    assert_eq!((code, &found["surplus"]["count"]), (1, &json!(1)), "{found}");
    // Of what is older than the log, nobody can say anything: neither that it holds nor that it does not.
    let last = text.lines().rfind(|line| line.contains("sha256:")).unwrap();
    std::fs::write(&ledger, format!("{last}\n")).unwrap();
    let (code, found) = verified(&data);
    assert_eq!(
        (code, &found["holds"], &found["complete"], &found["before_the_log"]),
        (3, &json!(true), &json!(false), &json!(2)),
        "{found}"
    );
    let human = run_on(&data, &["inference", "verify"]);
    assert!(human.stdout.starts_with("incomplete: 1 records"), "{}", human.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_kept_is_withheld_or_goes_out_as_policy_says() {
    for (log, status) in [("{}", 503), ("{ on-failure: answer }", 200)] {
        let upstream = Upstream::start(Script::text("fine")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert_eq!(run_on(&data, &["secret", "master-key"]).code, 0);
        // Keys of new callers cannot be kept.
        let lock = data.join("inference/keys.jsonl.lock");
        std::fs::create_dir_all(&lock).unwrap();
        let policy = policy(&upstream.url(), WORD_GUARD, log);
        let stage = Stage::with_policy(upstream, folder, &policy).await;
        let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let event = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
        assert_eq!(event["payload"], "not-kept:disk", "{event}");
        let streamed = stage.post("/v1/chat/completions", &chat("open", "hi", true)).await;
        if status == 503 {
            assert_eq!(
                answer.json()["error"]["code"],
                "bartizan::gateway::inference-log-unavailable"
            );
            assert!(!answer.text().contains("fine"), "{}", answer.text());
            assert_eq!((&event["outcome"], &event["status"]), (&json!("failed"), &json!(503)));
            // A moment after that nobody is asked at all.
            assert_eq!(streamed.status, 503, "{}", streamed.text());
            assert_eq!(stage.upstream.requests().len(), 1);
        } else {
            assert_eq!(event["outcome"], "answered");
            assert!(said(&streamed).contains("fine"), "{}", streamed.text());
        }
        let metrics = stage.process.console().get("/metrics").await.unwrap().text();
        let counted =
            metrics.lines().find(|line| line.contains("result=\"not-kept:disk\"")).unwrap();
        assert!(!counted.ends_with(" 0"), "{counted}");
        std::fs::remove_dir(&lock).unwrap();
        let mut kept = None;
        for _ in 0..100 {
            let answer = stage.post("/v1/chat/completions", &chat("open", "again", false)).await;
            if answer.status == 200 {
                let event = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
                if event["payload"].as_str().unwrap().contains("sha256:") {
                    kept = Some(id(&answer));
                    break;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(shown(&data, &kept.unwrap())["answer"]["text"].as_str().unwrap().contains("fine"));
    }
}

#[test]
fn a_policy_that_keeps_exchanges_needs_a_master_key() {
    let place = Place::new();
    place.write("bartizan.yaml", policy("http://127.0.0.1:9", WORD_GUARD, "{}"));
    let check = || place.run_with(("TEST_PROVIDER_KEY", "k"), &["config", "check"]);
    let ran = check();
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("has an `inference-log`, and there is no master key"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("help: `bartizan secret master-key` makes one"), "{}", ran.stderr);
    let up = place.run_with(("TEST_PROVIDER_KEY", "k"), &["up"]);
    assert_eq!(up.code, 2, "{}", up.stderr);
    assert!(up.stderr.contains("there is no master key"), "{}", up.stderr);
    let made = place.run(&["secret", "master-key"], "");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(check().code, 0);
    // Where the key is gone, another one would open nothing of what is there.
    std::fs::create_dir_all(place.path("bartizan-data/inference")).unwrap();
    place.write("bartizan-data/inference/keys.jsonl", "");
    std::fs::remove_file(place.path("bartizan-data/master.key")).unwrap();
    assert_ne!(place.run(&["secret", "master-key"], "").code, 0);
    assert!(!place.path("bartizan-data/master.key").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_begins_to_keep_exchanges_does_so_when_it_is_reloaded() {
    let upstream = Upstream::start(Script::text("fine")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keeps = policy(&upstream.url(), WORD_GUARD, "{}");
    let none = keeps.replace("    inference-log: {}\n", "");
    let stage = Stage::with_policy(upstream, folder, &none).await;
    let ask = chat("open", "hi", false);
    let answer = stage.post("/v1/chat/completions", &ask).await;
    let event = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
    assert!(event.get("payload").is_none() && !data(&stage).join("inference").exists());
    // Without a master key the last good policy stays.
    let file = stage.folder.path().join("bartizan.yaml");
    std::fs::write(&file, &keeps).unwrap();
    for _ in 0..200 {
        if stage.process.stderr().contains("there is no master key") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(stage.process.stderr().contains("policy not reloaded"), "{}", stage.process.stderr());
    assert_eq!(stage.post("/v1/chat/completions", &ask).await.status, 200);
    assert_eq!(run(&stage, &["secret", "master-key"]).code, 0);
    std::fs::write(&file, format!("{keeps}# once more\n")).unwrap();
    let mut kept = false;
    for _ in 0..200 {
        let answer = stage.post("/v1/chat/completions", &ask).await;
        let event = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
        kept = event.get("payload").is_some();
        if kept {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(kept, "{}", stage.process.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admins_alone_see_exchanges_and_each_read_is_an_event() {
    let stage = stage(echo().into(), WORD_GUARD, "{}").await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "of cabbages", false)).await;
    let path = format!("/api/v1/inference/{}", id(&answer));
    for scope in ["auditor", "operator", "viewer"] {
        let made = json!({ "name": format!("sp:{scope}"), "scope": scope });
        let made = stage.console.post_json("/api/v1/keys", &made).await.unwrap();
        let other = stage.process.console().bearer(made.json()["key"].as_str().unwrap());
        assert_eq!(other.get(&path).await.unwrap().status, 403, "{scope}");
    }
    let shown = stage.console.get(&path).await.unwrap();
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert!(shown.json()["request"]["text"].as_str().unwrap().contains("of cabbages"));
    let event = stage.event(|event| event["operation"] == "payload-read").await;
    assert_eq!((&event["area"], &event["principal"]), (&json!("admin"), &json!("admin")));
    assert_eq!(event["detail"], format!("request {}", id(&answer)));
    let whose = stage.event(|event| event["request_id"] == id(&answer).as_str()).await;
    assert_eq!(event["subject"], whose["principal"]);
    let none = "/api/v1/inference/01a1fc2e-84b7-710d-b445-12d6e7cfbb3d";
    let none = stage.console.get(none).await.unwrap();
    assert_eq!(none.json()["error"]["code"], "bartizan::admin::payload-not-found");
    // On the command line, what a running process keeps cannot be written.
    let ran = run(&stage, &["inference", "show", &id(&answer)]);
    assert!(ran.stderr.contains("no event of this read"), "{}", ran.stderr);
    assert!(ran.stdout.contains("of cabbages"), "{}", ran.stdout);
    let (folder, id) = (stage.folder, id(&answer));
    stage.process.terminate().await.unwrap();
    let data = folder.path().join("data");
    let ran = run_on(&data, &["inference", "show", &id]);
    assert!(ran.code == 0 && !ran.stderr.contains("no event"), "{}", ran.stderr);
    let last = events_in(&data).into_iter().rfind(|event| event["operation"] == "payload-read");
    let last = last.unwrap();
    assert_eq!(last["detail"], format!("request {id}, on the command line"));
    assert_eq!(last["subject"], whose["principal"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_master_key_opens_what_was_kept_before() {
    let stage = stage(echo().into(), WORD_GUARD, "{}").await;
    let data = data(&stage);
    let ids = || {
        let ran = run_on(&data, &["secret", "master-key", "--list"]);
        let first = |line: &str| line.split(' ').next().unwrap().to_owned();
        ran.stdout.lines().map(first).collect::<Vec<_>>()
    };
    let old = ids().remove(0);
    let before = stage.post("/v1/chat/completions", &chat("open", "the old one", false)).await;
    assert_eq!(run(&stage, &["secret", "master-key"]).code, 0);
    assert_eq!(shown(&data, &id(&before))["event"]["outcome"], "answered");
    // Somebody who never called before gets a key under the new one, and the old one is not needed any more.
    let made = json!({ "name": "sp:new", "scope": "client" });
    let made = stage.console.post_json("/api/v1/keys", &made).await.unwrap();
    let new = stage.process.gateway().bearer(made.json()["key"].as_str().unwrap());
    let ask = chat("open", "the new one", false);
    let after = new.post_json("/v1/chat/completions", &ask).await.unwrap();
    assert_eq!(after.status, 200, "{}", after.text());
    let retired = run(&stage, &["secret", "master-key", "--retire", &old]);
    assert_eq!(retired.code, 0, "{}", retired.stderr);
    assert_eq!(ids().len(), 1);
    for (id, text) in [(id(&before), "the old one"), (id(&after), "the new one")] {
        assert!(shown(&data, &id)["request"]["text"].as_str().unwrap().contains(text));
    }
    let again = stage.post("/v1/chat/completions", &chat("open", "and on", false)).await;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(verified(&data).0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_every_event_has_its_record() {
    let stage = stage(Script::text("fine"), WORD_GUARD, "{}").await;
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let client = stage.client.clone();
        tasks.push(tokio::spawn(async move {
            let mut answered = 0;
            for turn in 0..10_000 {
                let body = chat("open", "hi", turn % 2 == 0);
                let answer = client.post_json("/v1/chat/completions", &body).await;
                if !answer.is_ok_and(|answer| answer.status == 200 && !answer.text().is_empty()) {
                    break;
                }
                answered += 1;
            }
            answered
        }));
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let folder = stage.folder;
    stage.process.kill().await.unwrap();
    let mut answered = 0;
    for task in tasks {
        answered += task.await.unwrap();
    }
    let data = folder.path().join("data");
    let (_, found) = verified(&data);
    assert_eq!(
        (&found["missing"]["count"], &found["changed"]["count"]),
        (&json!(0), &json!(0)),
        "{found}"
    );
    assert!(found["same"].as_u64().unwrap() >= answered && answered > 20, "{answered}: {found}");
    // The next start goes on behind it.
    let again = launch(&folder).start().await.unwrap();
    again.terminate().await.unwrap();
    let (_, found) = verified(&data);
    assert_eq!(
        (&found["missing"]["count"], &found["changed"]["count"]),
        (&json!(0), &json!(0)),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_narrow_and_no_form_of_them_has_text() {
    let stage = stage(echo().into(), WORD_GUARD, "{}").await;
    for model in ["open", "claude", "open"] {
        let ask = messages(model, "of sealing wax", false);
        assert_eq!(stage.post("/v1/messages", &ask).await.status, 200);
    }
    let list = |more: &[&str]| {
        let ran = run(&stage, &[&["inference", "list"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stdout.contains("sealing"), "{}", ran.stdout);
        ran.stdout
    };
    assert_eq!(list(&[]).lines().count(), 3);
    assert_eq!(list(&["--endpoint", "open", "--format", "jsonl"]).lines().count(), 2);
    assert_eq!(list(&["--principal", "sp:nobody"]), "");
    let all: Value = serde_json::from_str(&list(&["--format", "json"])).unwrap();
    assert_eq!(all["schema"], "bartizan.inference-list/v1");
    let first = &all["exchanges"][0];
    assert!(first["request_bytes"].as_u64().unwrap() > 0 && first["until"].is_string(), "{first}");
    let ran = run(&stage, &["inference", "export", "--endpoint", "claude"]);
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.contains("of sealing wax"));
    let none = Place::new().run(&["inference", "list"], "");
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("there is no inference log"), "{}", none.stderr);
}
