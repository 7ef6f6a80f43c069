//! What stands in place of a masked value, at the provider and at the client, and how it is read again.

use bartizan_testkit::upstream::{Reply, Script, Text, Turn, Upstream};
use serde_json::json;

use crate::cli::Place;
use crate::support::{Stage, chat, messages, said};

const KEY: &str = "heron-quartz-lantern-0123456789-test";
const TEXT: &str = "I am bob.smith@shop.test, card 4111 1111 1111 1111.";

/// A gateway whose guardrails mask addresses and cards, in front of a model that repeats what it got.
async fn stage(rest: &str) -> Stage {
    let echo = || Turn { text: Some(Text::EchoLastUser), ..Default::default() };
    let replies = (0..16).map(|_| Reply::turn(echo()).pieces([4, 1, 9]));
    let upstream = Upstream::start(Script::sequence(replies)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mask.key"), KEY).unwrap();
    let policy = policy(&upstream.url(), rest);
    Stage::with_policy(upstream, folder, &policy).await
}

fn policy(url: &str, rest: &str) -> String {
    format!(
        "version: 1\nmask-key: file:mask.key\n\
         listen: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
         providers:\n  open: {{ openai-compatible: {{ base-url: \"{url}/v1\" }} }}\n\
         endpoints:\n  open:\n    routes: [{{ provider: open, model: mock }}]\n    guardrails:\n      \
         - {{ id: g-pii, on: [input, output, tool-call], detect: [email, credit-card], action: mask, {rest} }}\n"
    )
}

/// What the provider read and what the client got, which are the same for all ways of asking.
async fn round(stage: &Stage) -> (String, String) {
    let mut seen = Vec::new();
    for stream in [false, true] {
        for (path, body) in [
            ("/v1/chat/completions", chat("open", TEXT, stream)),
            ("/v1/messages", messages("open", TEXT, stream)),
        ] {
            stage.upstream.clear();
            let answer = stage.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let sent = stage.upstream.requests()[0].json();
            let sent = sent["messages"][0]["content"].as_str().unwrap().to_owned();
            assert!(!sent.contains("bob.smith") && !sent.contains("4111 1111"), "{path}: {sent}");
            let said = said(&answer);
            let told = said.find("I am ").map(|start| said[start..].to_owned()).unwrap();
            seen.push((sent, told));
        }
    }
    for other in &seen[1..] {
        assert_eq!(other.0, seen[0].0);
        assert!(other.1.starts_with(&seen[0].1) || seen[0].1.starts_with(&other.1), "{seen:?}");
    }
    seen.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fixed_texts_hide_everything() {
    for (operator, expected) in [
        ("label", "I am <EMAIL_ADDRESS>, card <CREDIT_CARD>."),
        ("redact", "I am , card ."),
        ("{ replace: '[hidden]' }", "I am [hidden], card [hidden]."),
    ] {
        let stage = stage(&format!("operator: {operator}")).await;
        let (sent, told) = round(&stage).await;
        assert_eq!(sent, expected);
        assert!(told.starts_with(expected), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_masks_show_the_end_of_a_card() {
    let stage =
        stage("operator: label, operators: { credit-card: { partial: { last: 4 } } }").await;
    let (sent, told) = round(&stage).await;
    assert_eq!(sent, "I am <EMAIL_ADDRESS>, card ***************1111.");
    assert!(told.starts_with(&sent), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashes_are_the_same_from_request_to_request() {
    let stage = stage("operator: hash").await;
    let (sent, told) = round(&stage).await;
    assert!(sent.starts_with("I am <EMAIL_ADDRESS_H") && sent.contains("<CREDIT_CARD_H"), "{sent}");
    assert!(told.starts_with(&sent), "{told}");
    assert_eq!(round(&stage).await.0, sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_values_come_back_by_restore_or_by_command() {
    let restoring = stage("operator: encrypt, restore: true").await;
    let (sent, told) = round(&restoring).await;
    assert!(sent.contains("<EMAIL_ADDRESS_E") && sent.contains("<CREDIT_CARD_E"), "{sent}");
    assert!(told.starts_with(TEXT), "{told}");

    let later = stage("operator: encrypt").await;
    let (sent_again, told) = round(&later).await;
    assert_eq!(sent_again, sent, "equal values have equal tokens");
    assert!(told.starts_with(&sent), "{told}");
    let place = Place::new();
    place.write("mask.key", KEY);
    place.write("bartizan.yaml", policy("http://127.0.0.1:1", "operator: encrypt"));
    place.write("answer.txt", &told);
    let ran = place.run(&["decrypt", "answer.txt"], "");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(ran.stdout.starts_with(TEXT), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enciphered_values_keep_their_form_and_stay_the_same_in_a_conversation() {
    let stage = stage("operator: format-preserving").await;
    let (sent, told) = round(&stage).await;
    let class = |c: char| match c {
        '0'..='9' => '0',
        'a'..='z' => 'a',
        c => c,
    };
    assert_eq!(
        sent.chars().map(class).collect::<String>(),
        TEXT.chars().map(class).collect::<String>()
    );
    assert!(told.starts_with(&sent), "{told}");
    stage.upstream.clear();
    let turns = json!({ "model": "open", "messages": [
        { "role": "user", "content": TEXT },
        { "role": "assistant", "content": sent },
        { "role": "user", "content": "and now?" },
    ] });
    stage.post("/v1/chat/completions", &turns).await;
    let again = stage.upstream.requests()[0].json();
    assert_eq!(again["messages"][0]["content"], sent);
    assert_eq!(again["messages"][1]["content"], sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stand_ins_belong_to_nobody_and_pass_through_unchanged() {
    let stage = stage("operator: synthetic").await;
    let (sent, told) = round(&stage).await;
    assert!(sent.contains("@example.org, card 9999 "), "{sent}");
    assert!(told.starts_with(&sent), "{told}");
    stage.upstream.clear();
    stage.post("/v1/chat/completions", &chat("open", &sent, false)).await;
    let again = stage.upstream.requests()[0].json();
    assert_eq!(again["messages"][0]["content"], sent);
}

#[test]
fn a_token_that_cannot_be_opened_is_named_with_its_place() {
    let place = Place::new();
    place.write("mask.key", KEY);
    place.write("other.key", "another-key-of-tests-9876543210-abc");
    place.write("bartizan.yaml", policy("http://127.0.0.1:1", "operator: encrypt"));
    let checked = ["check", "--config", "bartizan.yaml", "--format", "jsonl"];
    let masked = place.run(&checked, "{\"id\":1,\"text\":\"to bob@shop.test\"}\n").stdout;
    let masked: serde_json::Value = serde_json::from_str(&masked).unwrap();
    let token = masked["text"].as_str().unwrap().strip_prefix("to ").unwrap().to_owned();

    let text = format!("one\ntwo {token}");
    let other = place.run(&["decrypt", "--key", "file:other.key"], &text);
    assert_eq!((other.code, &other.stdout), (3, &text));
    assert!(
        other.stderr.contains("line 2, column 5: the token was made with another key"),
        "{}",
        other.stderr
    );
    assert!(!other.stderr.contains(&token), "{}", other.stderr);
    let both = ["decrypt", "--key", "file:other.key", "--key", "file:mask.key"];
    assert_eq!(place.run(&both, &text).stdout, "one\ntwo bob@shop.test");

    let changed = token.replace("EMAIL_ADDRESS", "PHONE_NUMBER");
    let changed = place.run(&["decrypt"], format!("{token} {changed}"));
    assert_eq!(changed.code, 3);
    assert!(changed.stdout.starts_with("bob@shop.test <PHONE_NUMBER_E"), "{}", changed.stdout);
    assert!(changed.stderr.contains("is not as it was made"), "{}", changed.stderr);

    let json = serde_json::json!({ "to": token }).to_string();
    let opened = place.run(&["decrypt", "--json"], &json);
    assert_eq!(opened.stdout, "{\"to\":\"bob@shop.test\"}");
    assert_eq!(
        place.run(&["decrypt"], "nothing here").stderr,
        "note: no token stands in this text\n"
    );
}

#[test]
fn decrypting_without_a_key_says_where_to_get_it() {
    let ran = Place::new().run(&["decrypt"], "x");
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("help: name it with `--key env:BARTIZAN_MASK_KEY`"),
        "{}",
        ran.stderr
    );
    let ran = Place::new().run(&["decrypt", "--key", "env:NOT_THERE"], "x");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`NOT_THERE` is not set"), "{}", ran.stderr);
}

#[test]
fn config_check_names_what_has_no_stand_in() {
    let place = Place::new();
    place.write("mask.key", KEY);
    let rest = "operators: { email: synthetic, credit-card: label }";
    place.write("bartizan.yaml", policy("http://127.0.0.1:1", rest));
    let ran = place.run(&["config", "check"], "");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let with_phone = policy("http://127.0.0.1:1", "operator: synthetic")
        .replace("[email, credit-card]", "[email, uk-nhs, uk-nino]");
    place.write("bartizan.yaml", with_phone);
    let ran = place.run(&["config", "check"], "");
    assert!(ran.stderr.contains("`synthetic` has no stand-ins for `"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`uk-nhs`") && !ran.stderr.contains("`email`"), "{}", ran.stderr);
    let shown = place.run(&["config", "show"], "").stdout;
    assert!(shown.contains("mask-key: ‹set›") && !shown.contains("heron"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_would_become_one_stay_apart() {
    let stage = stage("operator: redact").await;
    let body = json!({ "model": "open", "metadata": { "bob@shop.test": "1", "eve@shop.test": "2" },
        "messages": [{ "role": "user", "content": "hi" }] });
    let answer = stage.post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = stage.upstream.requests()[0].json();
    assert_eq!(sent["metadata"], json!({ "<EMAIL_ADDRESS_1>": "1", "<EMAIL_ADDRESS_2>": "2" }));
}
