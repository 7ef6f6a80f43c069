//! `bartizan policy`: what a policy decides, before it is in force and after.

use std::path::Path;
use std::time::Duration;

use bartizan_testkit::upstream::{Script, Upstream};
use serde_json::{Value, json};

use crate::cli::{Place, Ran};
use crate::support::{Stage, chat};

/// Credentials are named, and nowhere to be found: a policy is tried without them.
const POLICY: &str = r#"version: 1
groups:
  analysts: [alice@example.com, "sp:report"]
providers:
  far: { anthropic: { api-key: env:NO_SUCH_KEY } }
  near: { openai: { api-key: file:no/such/file } }
endpoints:
  protected:
    routes: [{ provider: far, model: large }, { provider: near, model: small }]
    allow: [analysts]
    guardrails:
      - { id: g-word, on: [input, tool-result, output], detect: keywords, keywords: [zanzibar], action: block }
      - { id: g-pii, on: [input, output], detect: pii, entities: [email], action: mask, restore: true }
    limits:
      - { id: l-user, per: user, requests: 3/min }
  free: { routes: [{ provider: near }] }
tests:
  - { as: alice@example.com, endpoint: protected, prompt: "I am bob@example.com", expect: mask g-pii }
  - { as: alice@example.com, endpoint: protected, prompt: Zanzibar, expect: block g-word }
  - { as: alice@example.com, endpoint: protected, tool-result: "to zanzibar", expect: block }
  - { as: alice@example.com, endpoint: protected, answer: zanzibar, expect: block g-word }
  - { as: alice@example.com, endpoint: protected, times: 3, expect: allow }
  - { as: alice@example.com, endpoint: protected, times: 4, expect: limit l-user }
  - { as: "sp:report", endpoint: protected, times: 4, expect: allow }
  - { as: bob@example.com, endpoint: protected, expect: deny }
  - { as: bob@example.com, endpoint: free, model: tiny, expect: allow }
"#;

fn place(policy: &str) -> Place {
    let place = Place::new();
    place.write("bartizan.yaml", policy);
    place
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
}

#[test]
fn tests_of_a_policy_pass_without_its_credentials_and_leave_nothing_behind() {
    let place = place(POLICY);
    let ran = place.run(&["policy", "test"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.ends_with("9 tests, 0 failed\n"), "{}", ran.stdout);
    assert_eq!(place.names(), ["bartizan.yaml"]);
    // To start with it is another matter.
    let ran = place.run(&["config", "check"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`NO_SUCH_KEY` is not set"), "{}", ran.stderr);
}

#[test]
fn a_test_that_fails_says_what_was_found_instead() {
    let policy = POLICY.replace("detect: keywords", "mode: dry-run, detect: keywords");
    let place = place(&policy);
    let ran = place.run(&["policy", "test"], "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stdout.contains(
            "FAIL  line 19  alice@example.com -> protected: expected block g-word, found flag g-word\n"
        ),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.ends_with("9 tests, 3 failed\n"), "{}", ran.stdout);
    let document = json_of(&place.run(&["policy", "test", "--format", "json"], ""));
    assert_eq!(document["schema"], "bartizan.policy-test/v1");
    assert_eq!((&document["passed"], &document["failed"]), (&json!(6), &json!(3)));
    let failed = &document["tests"][1];
    assert_eq!((&failed["found"], &failed["passed"]), (&json!("flag g-word"), &json!(false)));
}

#[test]
fn a_policy_without_tests_has_not_passed() {
    let (policy, _) = POLICY.split_once("tests:").unwrap();
    let ran = place(policy).run(&["policy", "test"], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("bartizan.yaml has no tests"), "{}", ran.stderr);
}

/// What the policy of these tests promises.
const PROOFS: &str = r"proofs:
  - { id: p-only, endpoint: protected, only: [analysts] }
  - { id: p-never, endpoint: protected, never: [bob@example.com] }
  - { id: p-mail, endpoint: protected, guarded: { on: [input, output], detect: email } }
";

#[test]
fn what_a_policy_promises_is_proved() {
    let place = place(&format!("{POLICY}{PROOFS}"));
    let ran = place.run(&["policy", "prove"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("p-only: holds, by lists\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("p-mail: holds, by guardrails\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("3 proofs, 0 failed, 0 unknown\n"), "{}", ran.stdout);
    assert_eq!(place.names(), ["bartizan.yaml"]);
}

#[test]
fn a_promise_that_does_not_hold_is_shown_by_a_request() {
    let more = "  - { id: p-free, endpoint: free, only: [analysts] }\n  \
                - { id: p-all, endpoint: \"*\", guarded: { on: output, detect: pii, at-least: block } }\n";
    let place = place(&format!("{POLICY}{PROOFS}{more}"));
    let ran = place.run(&["policy", "prove"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let call = "\"somebody@else.example\", in no group, may call free (chat-completions, at ";
    assert!(ran.stdout.contains(call), "{}", ran.stdout);
    assert!(ran.stdout.contains("no guardrail looks for it there\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("5 proofs, 2 failed, 0 unknown\n"), "{}", ran.stdout);
    let document = json_of(&place.run(&["policy", "prove", "--format", "json"], ""));
    assert_eq!(document["schema"], "bartizan.policy-proofs/v1");
    let free = &document["proofs"][3];
    assert_eq!((&free["id"], &free["proof"]), (&json!("p-free"), &json!("fails")));
    assert_eq!(free["counterexample"]["allowed"], true);
    // What stands in front of the door counts: a dry run looks for it and does nothing.
    let dry = POLICY.replace(
        "entities: [email], action: mask",
        "entities: [email], action: mask, mode: dry-run",
    );
    place.write("bartizan.yaml", format!("{dry}{PROOFS}"));
    let ran = place.run(&["policy", "prove"], "");
    assert!(ran.stdout.contains("email: `g-pii` is a dry run\n"), "{}", ran.stdout);
}

#[test]
fn a_guard_that_cannot_judge_is_no_proof() {
    let head = "version: 1\nproviders: { d: { demo: {} } }\nendpoints:\n  chat:\n    routes: [{ provider: d }]\n";
    for (rail, more, claim, why) in [
        // It needs the whole of a text, which a stream never has.
        (
            "on: [output], detect: [secret, token-flood], action: block",
            "",
            "on: output, detect: token-flood",
            "does not judge",
        ),
        // It reads what comes from outside, and an answer is none of that.
        (
            "on: [user, output], detect: [secret, prompt-attack], action: block",
            "",
            "on: output, detect: prompt-attack",
            "does not judge",
        ),
        // It looks at conversations, and never masks.
        (
            "on: [user], detect: [spread-attack], action: block",
            "",
            "on: user, detect: spread-attack",
            "does not judge",
        ),
        (
            "on: [user], detect: email, action: mask",
            "    modalities: [image]\n",
            "on: user, detect: email",
            "`modalities` lets",
        ),
        (
            "on: [user], detect: email, action: mask",
            "    unseen: [stored-state]\n",
            "on: user, detect: email",
            "`unseen` lets",
        ),
        (
            "on: [user], detect: email, action: mask, operator: { partial: { last: 4, with: '*' } }",
            "",
            "on: user, detect: email",
            "leaves a part",
        ),
        (
            "on: [output], detect: prompt-leak, action: block",
            "",
            "on: output, detect: canary-leak",
            "no `canaries`",
        ),
    ] {
        let policy = format!(
            "{head}    guardrails: [{{ id: g-a, {rail} }}]\n{more}proofs: [{{ id: p-a, endpoint: \"*\", guarded: {{ {claim} }} }}]\n"
        );
        let ran = place(&policy).run(&["policy", "prove"], "");
        assert_eq!(ran.code, 1, "{rail} {claim}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(why), "{rail} {claim}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn endpoints_of_the_admin_api_are_named_where_they_were_not_looked_at() {
    let stage =
        running("proofs: [{ id: p-a, endpoint: \"*\", never: [bob@example.com] }]\n", None).await;
    let body = json!({ "routes": [{ "provider": "demo" }] });
    let made = stage.console.send(http::Method::PUT, "/api/v1/endpoints/other", body.to_string());
    assert!(made.await.unwrap().status.is_success());
    let place = Place::new();
    let file = stage.folder.path().join("bartizan.yaml");
    let data = stage.folder.path().join("data");
    let words = [
        "policy",
        "--config",
        file.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
        "prove",
    ];
    let ran = place.run(&words, "");
    assert_ne!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("not looked at: endpoints of the admin API (other)"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn cedar_files_are_proved_by_a_solver_or_are_not_known() {
    let place = place(&format!("{POLICY}cedar: [a.cedar]\n{PROOFS}"));
    let closed =
        "@id(\"p-bob\") forbid (principal == User::\"bob@example.com\", action, resource);\n";
    place.write("a.cedar", closed);
    let ran = place.run(&["policy", "prove"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("p-never: holds, by solver\n"), "{}", ran.stdout);
    let odd = "@id(\"p-odd\") permit (principal, action, resource == Endpoint::\"protected\") \
               when { context.operation like \"embed*\" };\n";
    place.write("a.cedar", format!("{closed}{odd}"));
    let ran = place.run(&["policy", "prove"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("may call protected (embeddings, "), "{}", ran.stdout);
    assert!(ran.stdout.contains(", by `p-odd`\n"), "{}", ran.stdout);
    // Without a solver nothing is claimed.
    place.write("a.cedar", closed);
    let ran = place.run_with(("CVC5", "/no/such/program"), &["policy", "prove"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("help: install cvc5"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("3 proofs, 0 failed, 2 unknown\n"), "{}", ran.stdout);
}

#[test]
fn a_policy_without_proofs_has_proved_nothing() {
    let ran = place(POLICY).run(&["policy", "prove"], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("bartizan.yaml has no proofs"), "{}", ran.stderr);
}

#[test]
fn mistakes_in_tests_are_shown_at_their_place() {
    for (wrong, parts) in [
        (
            "endpoint: protcted, expect: deny",
            ["no endpoint is named `protcted`", "did you mean `protected`?"],
        ),
        (
            "endpoint: protected, expect: refuse",
            ["`refuse` is nothing that a test can expect", "write one of"],
        ),
        (
            "endpoint: protected, expect: mask g-pi",
            ["the endpoint has no guardrail `g-pi`", "did you mean `g-pii`?"],
        ),
        (
            "endpoint: protected, expect: limit l-usr",
            ["the endpoint has no limit `l-usr`", "did you mean `l-user`?"],
        ),
        (
            "endpoint: protected, expect: allow g-pii",
            ["no rule decides that a request is allowed", "write `allow` alone"],
        ),
        (
            "endpoint: protected, model: tiny, expect: allow",
            ["the routes of the endpoint fix the model", "remove `model`"],
        ),
        (
            "endpoint: free, times: 0, expect: allow",
            ["a request cannot be made 0 times", "write 1 to 100000"],
        ),
        ("expect: allow", ["the key `endpoint` is missing", "say which endpoint is asked"]),
        (
            "connect: example.com, expect: allow",
            ["this build cannot enforce `connect` yet", "would only look like"],
        ),
    ] {
        let policy = format!("{POLICY}  - {{ as: alice@example.com, {wrong} }}\n");
        let ran = place(&policy).run(&["policy", "test"], "");
        assert_eq!(ran.code, 2, "{wrong}");
        for part in parts.into_iter().chain(["bartizan.yaml:27:"]) {
            assert!(ran.stderr.contains(part), "{wrong}\n{part}\n{}", ran.stderr);
        }
    }
}

#[test]
fn explaining_a_request_names_every_rule_that_has_a_say() {
    let place = place(POLICY);
    let explain = |words: &[&str]| {
        let all = [&["policy", "explain", "--endpoint", "protected"][..], words].concat();
        place.run(&all, "prompt of standard input, carol@example.com")
    };
    let masked = explain(&["--as", "alice@example.com", "--prompt", "I am bob@example.com"]);
    assert_eq!(masked.code, 0, "{}", masked.stderr);
    for part in [
        "alice@example.com -> protected: mask g-pii\n",
        "access      `allow` of the endpoint names the group analysts\n",
        "limits      l-user: 3 requests/min, of the caller\n",
        "findings    g-pii: mask by email, score 1.00, in user, at /messages/0/content\n",
        "I am <EMAIL_ADDRESS_1>",
    ] {
        assert!(masked.stdout.contains(part), "{part}\n{}", masked.stdout);
    }
    let denied = explain(&["--as", "sp:bob", "--prompt", "-"]);
    assert_eq!(denied.code, 1, "{}", denied.stderr);
    assert!(denied.stdout.starts_with("sp:bob -> protected: deny\n"), "{}", denied.stdout);
    assert!(denied.stdout.contains("limits      none\n"), "{}", denied.stdout);
    // A token can bring a group.
    let brought =
        explain(&["--as", "sp:bob", "--group", "analysts", "--prompt", "-", "--format", "json"]);
    let document = json_of(&brought);
    assert_eq!(document["decision"], "mask g-pii");
    assert!(document["sent"].as_str().unwrap().contains("prompt of standard input, <EMAIL"));

    for (words, part) in [
        (&["--as", "a b"][..], "can be nobody"),
        (&["--as", "a", "--group", "nobodies"], "there is no group `nobodies`"),
        (&["--as", "a", "--endpoint", "x"], "cannot be used multiple times"),
    ] {
        let ran = explain(words);
        assert_eq!(ran.code, 2, "{words:?}");
        assert!(ran.stderr.contains(part), "{words:?} {}", ran.stderr);
    }
    let ran = place.run(&["policy", "explain", "--as", "a"], "");
    assert!(
        ran.stderr.contains("name one with `--endpoint`: `free`, `protected`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_does_nothing_is_found_and_the_exit_code_says_so() {
    let good = place(POLICY).run(&["policy", "check"], "");
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let policy = POLICY.replace("groups:", "groups:\n  unused: [carol@example.com]");
    let ran = place(&policy).run(&["policy", "check"], "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("unused-group  groups.unused: "), "{}", ran.stdout);
    let document = json_of(&place(&policy).run(&["policy", "check", "--format", "json"], ""));
    assert_eq!(document["lints"][0]["id"], "unused-group");
}

#[test]
fn lists_are_printed_as_cedar_and_so_is_what_files_may_speak_of() {
    let place = place(POLICY);
    let ran = place.run(&["policy", "cedar"], "");
    assert!(ran.stdout.contains("principal in Group::\"analysts\""), "{}", ran.stdout);
    let ran = place.run(&["policy", "cedar", "--schema"], "");
    assert!(ran.stdout.contains("action call appliesTo {"), "{}", ran.stdout);
}

const RUNNING: &str = r#"version: 1
listen: { gateway: "127.0.0.1:0", console: "127.0.0.1:0" }
providers: { demo: { demo: {} } }
endpoints:
  open:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-word, on: input, detect: keywords, keywords: [zanzibar], action: block }
      - { id: g-pii, on: [input, output], detect: pii, action: mask, restore: true }
    limits:
      - { id: l-all, per: endpoint, requests: 4k/day }
"#;

async fn running(more: &str, cedar: Option<&str>) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    if let Some(cedar) = cedar {
        std::fs::write(folder.path().join("a.cedar"), cedar).unwrap();
    }
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    Stage::with_policy(upstream, folder, &format!("{RUNNING}{more}")).await
}

async fn ask(stage: &Stage, text: &str) -> u16 {
    stage.post("/v1/chat/completions", &chat("open", text, false)).await.status.as_u16()
}

/// Waits until a request comes to this, as a changed policy takes a moment.
async fn until(stage: &Stage, text: &str, status: u16) {
    for _ in 0..100 {
        if ask(stage, text).await == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text}: never {status}");
}

fn policy(stage: &Stage, words: &[&str]) -> Ran {
    let file = stage.folder.path().join("bartizan.yaml");
    let data = stage.folder.path().join("data");
    let where_ = ["-c", file.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    Place::new().run(&[&["policy"], words, &where_].concat(), "")
}

const NIGHT: &str = r#"@id("p-embed")
forbid (principal, action == Action::"call", resource) when { context.operation == "embeddings" };
"#;

#[tokio::test]
async fn cedar_files_decide_are_named_and_are_read_again_when_they_change() {
    let stage = running("cedar: [\"*.cedar\"]\n", Some(NIGHT)).await;
    let body = json!({ "model": "open", "input": "hello" });
    let refused = stage.post("/v1/embeddings", &body).await;
    assert_eq!(refused.status, 403);
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains("by the rule `p-embed`"), "{message}");
    let event = stage.event(|event| event["operation"] == "embeddings").await;
    assert_eq!((&event["rule"], &event["verdict"]), (&json!("p-embed"), &json!("block")));
    assert_eq!(ask(&stage, "hello").await, 200);

    let chats = NIGHT.replace("embeddings", "chat-completions");
    std::fs::write(stage.folder.path().join("b.cedar"), chats.replace("p-embed", "p-chat"))
        .unwrap();
    until(&stage, "hello", 403).await;
    // A file that is wrong changes nothing.
    std::fs::write(stage.folder.path().join("b.cedar"), "forbid (").unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(ask(&stage, "hello").await, 403);
    std::fs::remove_file(stage.folder.path().join("b.cedar")).unwrap();
    until(&stage, "hello", 200).await;
    assert_eq!(stage.post("/v1/embeddings", &body).await.status, 403);
}

#[tokio::test]
async fn a_policy_replayed_on_its_own_events_decides_as_it_did() {
    let few = |policy: &str| policy.replace("4k/day", "4/day");
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let stage = Stage::with_policy(upstream, folder, &few(RUNNING)).await;
    for (text, status) in [
        ("hello", 200),
        ("I am bob@example.com", 200),
        ("zanzibar", 400),
        ("hi", 200),
        ("more", 429),
    ] {
        assert_eq!(ask(&stage, text).await, status, "{text}");
    }
    let file = stage.folder.path().join("bartizan.yaml");
    let own = file.to_str().unwrap();
    let same = policy(&stage, &["diff", own, own, "--since", "1h"]);
    assert_eq!(same.code, 0, "{}{}", same.stdout, same.stderr);
    assert_eq!(
        same.stdout,
        "5 requests in 1h: 0 newly refused, 0 newly answered, 0 decided otherwise, 5 the same\n"
    );
    let other = RUNNING
        .replace("action: mask, restore: true", "action: block")
        .replace("keywords: [zanzibar], action: block", "keywords: [zanzibar], action: flag")
        .replace("4k/day", "40/day");
    let candidate = stage.folder.path().join("candidate.yaml");
    std::fs::write(&candidate, other).unwrap();
    let ran = policy(&stage, &["diff", own, candidate.to_str().unwrap(), "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let diff = json_of(&ran);
    let counted = ["requests", "same", "newly_refused", "newly_answered"].map(|n| diff[n].clone());
    assert_eq!(counted, [json!(5), json!(2), json!(1), json!(2)], "{diff}");
    let changed: Vec<String> = diff["changed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|changed| format!("{} -> {}", changed["old"], changed["new"]).replace('"', ""))
        .collect();
    assert_eq!(
        changed,
        ["mask g-pii -> block g-pii", "block g-word -> flag g-word", "limit l-all -> allow"]
    );
    let stricter = RUNNING.replace("keywords: [zanzibar]", "keywords: [zanzibar, more]");
    std::fs::write(&candidate, few(&stricter)).unwrap();
    let ran = policy(&stage, &["diff", own, candidate.to_str().unwrap()]);
    assert!(
        ran.stdout.contains("not replayed: what endpoints.open.guardrails.g-word would find"),
        "{}",
        ran.stdout
    );
}

fn version(stage: &Stage) -> String {
    let ran = policy(stage, &["history", "--format", "json"]);
    let versions = json_of(&ran)["versions"].clone();
    let last = versions.as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kept"], true, "{last}");
    last["version"].as_str().unwrap().to_owned()
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn every_version_is_in_the_log_and_can_be_come_back_to() {
    let stage = running("cedar: [a.cedar]\n", Some(NIGHT)).await;
    let file = stage.folder.path().join("bartizan.yaml");
    let first = version(&stage);
    edit(&file, "[zanzibar]", "[zanzibar, kibo]");
    until(&stage, "kibo", 400).await;
    let second = version(&stage);
    assert_ne!(first, second);
    let event = stage.event(|event| event["operation"] == "policy-loaded").await;
    assert_eq!((&event["policy"], &event["area"]), (&json!(first), &json!("admin")));

    // The event of each request names what decided it.
    let kibo = stage.event(|event| event["rule"] == "g-word").await;
    assert_eq!(kibo["policy"], second);
    std::fs::write(stage.folder.path().join("a.cedar"), "// nothing any more\n").unwrap();
    let body = json!({ "model": "open", "input": "hello" });
    let mut status = 403;
    for _ in 0..100 {
        status = stage.post("/v1/embeddings", &body).await.status.as_u16();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, 200);

    let ran = policy(&stage, &["rollback", &first]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.ends_with(&format!("is version {first} again\n")), "{}", ran.stdout);
    for _ in 0..100 {
        if version(&stage) == first {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(version(&stage), first);
    assert_eq!(stage.post("/v1/embeddings", &body).await.status, 403);
    // Without a version, the one before the last.
    let ran = policy(&stage, &["rollback"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = policy(&stage, &["rollback", "0123456789ab"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is not kept"), "{}", ran.stderr);
    // What was added later is not removed behind anybody's back, and is said.
    let file_text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, file_text.replace("[a.cedar]", "[\"*.cedar\"]")).unwrap();
    std::fs::write(stage.folder.path().join("a.cedar"), NIGHT).unwrap();
    let ran = policy(&stage, &["cedar"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut third = String::new();
    for _ in 0..100 {
        third = version(&stage);
        if third != first && third != second {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let permit = NIGHT.replace("forbid", "permit").replace("p-embed", "p-all");
    std::fs::write(stage.folder.path().join("b.cedar"), permit).unwrap();
    let ran = policy(&stage, &["rollback", &third]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("b.cedar was not there; remove it"), "{}", ran.stdout);
    // Old and new can be compared by version.
    let ran = policy(&stage, &["diff", &first, &second]);
    assert!(ran.stdout.contains(" requests in 24h: "), "{}{}", ran.stdout, ran.stderr);
}
