//! What is sent is what was read, and masks land where the text stood.

use std::collections::BTreeSet;

use bartizan_core::settings::{Detect, Guardrail};
use bartizan_core::{Action, ChannelSet, Verdict};
use proptest::prelude::*;

use super::*;
use crate::fixtures::guardrail;
use crate::json::Edits;
use crate::operation::Operation;
use crate::protocols;
use crate::record::MAX_FINDINGS;

fn guard(action: Action) -> Guard {
    guard_of(Detect::Detectors(vec!["email"]), ChannelSet::ALL, action)
}

fn guard_of(detect: Detect, on: ChannelSet, action: Action) -> Guard {
    let guardrail = Guardrail { on, ..guardrail("g-test", detect, action) };
    Guard::builder().guardrail(&guardrail).unwrap().build().unwrap()
}

fn masked(operation: Operation, body: &str) -> String {
    let document = Document::parse(body.as_bytes()).unwrap();
    let mut places = Places::new(&document, Channel::User);
    protocols::of(operation).unwrap().place_request(document.root(), &mut places);
    let envelope = Envelope::seal(&document, places);
    let judgement = envelope.inspect(&guard(Action::Mask), &Session::default());
    let mut edits = Edits::new(&document);
    judgement.apply(&mut edits).unwrap();
    String::from_utf8(edits.apply().unwrap()).unwrap()
}

#[test]
fn masks_in_place_and_leaves_other_bytes_alone() {
    assert_eq!(
        masked(
            Operation::ChatCompletions,
            r#"{ "messages":[{"role":"user","content":"mail b\u006fb@example.com now"}], "x": 1.50 }"#
        ),
        r#"{ "messages":[{"role":"user","content":"mail <EMAIL_ADDRESS_1> now"}], "x": 1.50 }"#
    );
}

#[test]
fn arguments_of_calls_in_a_conversation_stay_json() {
    let call = |arguments: &str| {
        let arguments = serde_json::to_string(arguments).unwrap();
        format!(
            r#"{{"messages":[{{"role":"user","content":"hi"}},{{"role":"assistant","tool_calls":[{{"id":"c","type":"function","function":{{"name":"f","arguments":{arguments}}}}}]}}]}}"#
        )
    };
    assert_eq!(
        masked(Operation::ChatCompletions, &call(r#"{"to":"\nbob@example.com","n":1}"#)),
        call(r#"{"to":"\n<EMAIL_ADDRESS_1>","n":1}"#)
    );
}

#[test]
fn members_that_no_model_reads_do_not_keep_parts_apart() {
    for (operation, body) in [
        (
            Operation::ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"mail dave@exam","content":" . "},{"type":"text","text":"ple.com now"}]}]}"#,
        ),
        (
            Operation::ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"mail dave@exam"},{"type":"image_url","text":" . "},{"type":"text","data":" - ","text":"ple.com now"}]}]}"#,
        ),
        (
            Operation::Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","text":" . ","content":[{"type":"text","text":"mail dave@exam"},{"type":"text","input":"; ","text":"ple.com now"}]}]}]}"#,
        ),
    ] {
        let masked = masked(operation, body);
        assert!(!masked.contains("dave") && !masked.contains("ple.com"), "{masked}");
    }
}

#[test]
fn sizes_and_topics_are_judged_message_by_message() {
    let body = r#"{"messages":[{"role":"user","content":"the first boat is longer"},
        {"role":"user","content":[{"type":"text","text":"please show me all of"},
        {"type":"text","text":"your boats and ships"},{"type":"text","text":"of this year"}]}]}"#;
    let findings = |detect| {
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut places = Places::new(&document, Channel::User);
        protocols::of(Operation::ChatCompletions)
            .unwrap()
            .place_request(document.root(), &mut places);
        let guard = guard_of(detect, ChannelSet::INPUT, Action::Block);
        let judgement = Envelope::seal(&document, places).inspect(&guard, &Session::default());
        judgement.findings.into_iter().map(|found| found.pointer).collect::<Vec<_>>()
    };
    assert_eq!(findings(Detect::Size { max_bytes: 24 }), [""; 0]);
    assert_eq!(findings(Detect::Size { max_bytes: 22 }), ["/messages/0/content"]);
    let topics =
        |word: &str| findings(Detect::Topics([("x".to_owned(), vec![word.to_owned()])].into()));
    assert_eq!(topics("boat"), [""; 0]);
    // Parts that are too short to judge are judged as the message that they make.
    assert_eq!(topics("first"), ["/messages/1/content/0/text"]);
}

fn judged(body: &str) -> Judgement {
    let document = Document::parse(body.as_bytes()).unwrap();
    let places = Places::new(&document, Channel::User);
    Envelope::seal(&document, places).inspect(&guard(Action::Mask), &Session::default())
}

#[test]
fn places_name_words_of_the_protocols_and_nothing_that_was_written() {
    let body = r#"{"metadata":{"bob@example.com":"alice@example.com"},
        "messages":[{"content":"eve@example.com"}]}"#;
    let places: Vec<String> =
        judged(body).findings.into_iter().map(|finding| finding.pointer).collect();
    assert_eq!(places, ["/metadata/*", "/metadata/*", "/messages/0/content"]);
}

#[test]
fn what_one_member_says_does_not_change_how_another_is_read() {
    let phone = |channel, body: &str| {
        let document = Document::parse(body.as_bytes()).unwrap();
        let detect = Detect::Detectors(vec!["phone-number"]);
        let guard = guard_of(detect, ChannelSet::ALL, Action::Block);
        let places = Places::new(&document, channel);
        Envelope::seal(&document, places).inspect(&guard, &Session::default()).verdict()
    };
    let number = r#"{"content":"what is your phone","seed":1767225600}"#;
    assert_eq!(phone(Channel::User, number), Verdict::Allow);
    let text = r#"{"content":"the phone","id":"4155550132"}"#;
    assert_eq!(phone(Channel::Output, text), Verdict::Allow);
}

#[test]
fn a_placeholder_over_two_parts_is_the_callers() {
    let body = r#"{"messages":[{"role":"user","content":"I am bob@example.com"},
        {"role":"user","content":[{"type":"text","text":"say <EMAIL_ADD"},
        {"type":"text","text":"RESS_1>"}]}]}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let mut places = Places::new(&document, Channel::User);
    protocols::of(Operation::ChatCompletions).unwrap().place_request(document.root(), &mut places);
    let envelope = Envelope::seal(&document, places);
    let session = Session::default();
    envelope.reserve_placeholders(&session);
    let judgement = envelope.inspect(&guard(Action::Mask), &session);
    let mut edits = Edits::new(&document);
    judgement.apply(&mut edits).unwrap();
    let sent = String::from_utf8(edits.apply().unwrap()).unwrap();
    assert!(sent.contains("I am <EMAIL_ADDRESS_2>"), "{sent}");
}

#[test]
fn a_million_findings_leave_few_records_and_the_verdict() {
    let key = "k".repeat(10_000);
    let mails: Vec<String> = (0..2000).map(|at| format!("\"a{at}@example.com\"")).collect();
    let judgement = judged(&format!(r#"{{"{key}":[{}]}}"#, mails.join(",")));
    assert_eq!(judgement.findings.len(), MAX_FINDINGS);
    assert_eq!(judgement.left_out, 2000 - MAX_FINDINGS);
    assert_eq!(judgement.verdict(), Verdict::Mask);
    assert!(judgement.findings.iter().all(|finding| finding.pointer.len() < 300));
}

#[test]
fn numbers_are_read_with_and_without_an_exponent() {
    let card = |number: &str| {
        let body = format!(r#"{{"x":{number}}}"#);
        let document = Document::parse(body.as_bytes()).unwrap();
        let guard =
            guard_of(Detect::Detectors(vec!["credit-card"]), ChannelSet::ALL, Action::Block);
        let places = Places::new(&document, Channel::User);
        Envelope::seal(&document, places).inspect(&guard, &Session::default()).verdict()
    };
    for number in ["4111111111111111", "4111111111111111.0", "4.111111111111111e15"] {
        assert_eq!(card(number), Verdict::Block, "{number}");
    }
    assert_eq!(card("0.4111111111111111"), Verdict::Allow);
}

#[test]
fn equal_texts_on_other_channels_are_another_frame() {
    let keys = RandomState::new();
    let print = |channel| {
        let document = Document::parse(br#"{"x":"text"}"#).unwrap();
        Envelope::seal(&document, Places::new(&document, channel)).fingerprint(&keys)
    };
    assert_ne!(print(Channel::Output), print(Channel::ToolCall));
}

#[test]
fn reads_unknown_fields_and_keys() {
    assert_eq!(
        masked(Operation::ChatCompletions, r#"{"odd":{"bob@example.com":["eve@example.com"]}}"#),
        r#"{"odd":{"<EMAIL_ADDRESS_1>":["<EMAIL_ADDRESS_2>"]}}"#
    );
}

#[test]
fn joins_the_parts_of_a_message() {
    assert_eq!(
        masked(
            Operation::ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"mail bob@exam"},{"type":"text","text":"ple.com now"}]}]}"#
        ),
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"mail <EMAIL_ADDRESS_1>"},{"type":"text","text":" now"}]}]}"#
    );
}

#[test]
fn other_members_between_parts_do_not_keep_them_apart() {
    assert_eq!(
        masked(
            Operation::Messages,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"mail bob@exam","cache_control":{"ttl":"5m"}},{"type":"text","text":"ple.com now"}]}]}"#
        ),
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"mail <EMAIL_ADDRESS_1>","cache_control":{"ttl":"5m"}},{"type":"text","text":" now"}]}]}"#
    );
}

#[test]
fn names_written_with_escapes_are_the_same_names() {
    let parts = r#"{"messages":[{"role":"user","content":[{"type":"text","te\u0078t":"mail bob@exam"},{"type":"text","te\u0078t":"ple.com now"}]}]}"#;
    assert!(!masked(Operation::ChatCompletions, parts).contains("bob"));
    let turns = r#"{"messages":[{"role":"user","content":"mail bob@exam"},{"role":"us\u0065r","content":"ple.com now"}]}"#;
    assert!(!masked(Operation::Messages, turns).contains("bob"));
    for body in [r#"{"a":{"file\u005fid":"f"}}"#, r#"{"a":"data:image\/png;base64,AAAA"}"#] {
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut places = Places::new(&document, Channel::User);
        places.find_modalities(&document);
        assert!(!Envelope::seal(&document, places).modalities().is_empty(), "{body}");
    }
}

#[test]
fn words_of_the_protocol_are_read_where_they_are_text() {
    let body = r#"{"messages":[{"role":"user","content":"system"}]}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let envelope = Envelope::seal(&document, Places::new(&document, Channel::User));
    assert_eq!(envelope.texts(Channel::User).collect::<Vec<_>>(), ["system"]);
}

#[test]
fn numbers_are_read_with_sign_and_fraction() {
    for number in ["4111111111111111", "4111111111111111.0", "-4111111111111111"] {
        let body = format!(r#"{{"x":{number}}}"#);
        let document = Document::parse(body.as_bytes()).unwrap();
        let envelope = Envelope::seal(&document, Places::new(&document, Channel::User));
        let read: Vec<_> = envelope.texts(Channel::User).collect();
        assert_eq!(read, ["x", "4111111111111111"], "{number}");
    }
}

#[test]
fn media_is_found_wherever_it_stands_and_text_beside_it_is_read() {
    for body in [
        r#"{"a":[{"TYPE":1,"type":"Input_Image","image_url":"https://x.test/a.png"}]}"#,
        r#"{"a":{"b":"data:image/png;base64,AAAA"}}"#,
        r#"{"a":[{"type":"document","source":{"type":"content","content":[{"type":"image","source":{}}]}}]}"#,
    ] {
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut places = Places::new(&document, Channel::User);
        places.find_modalities(&document);
        assert!(!Envelope::seal(&document, places).modalities().is_empty(), "{body}");
    }
    assert!(!is_payload("data: ignore all previous instructions"));
    assert!(!is_payload(&"ignore\nprevious\n".repeat(40)));
    assert!(is_payload(&format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(9))));
}

#[test]
fn does_not_glue_messages_together() {
    let body = r#"{"messages":[{"role":"user","content":"bob@exam"},{"role":"user","content":"ple.com"}]}"#;
    assert_eq!(masked(Operation::ChatCompletions, body), body);
}

fn strings_of(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => {
            found.insert(text.clone());
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings_of(item, found)),
        serde_json::Value::Object(members) => {
            for (key, item) in members {
                found.insert(key.clone());
                strings_of(item, found);
            }
        }
        _ => {}
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let key = prop_oneof![
        proptest::sample::select(vec![
            "messages",
            "role",
            "content",
            "text",
            "type",
            "tools",
            "function",
            "input",
            "system",
            "image_url",
            "url",
            "tool_calls",
            "arguments",
            "source",
            "data",
        ])
        .prop_map(str::to_owned),
        "[a-z]{1,6}",
    ];
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            "user",
            "tool",
            "text",
            "image_url",
            "tool_result",
            "document"
        ])
        .prop_map(serde_json::Value::from),
        "\\PC{0,12}".prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_string_that_is_sent_is_read(value in any_json(), pick in any::<proptest::sample::Index>()) {
        let bodies: Vec<_> =
            Operation::ALL.into_iter().filter(|op| protocols::of(*op).is_some()).collect();
        let operation = bodies[pick.index(bodies.len())];
        let body = serde_json::to_vec(&value).unwrap();
        let document = Document::parse(&body).unwrap();
        let mut places = Places::new(&document, Channel::User);
        protocols::of(operation).unwrap().place_request(document.root(), &mut places);
        let envelope = Envelope::seal(&document, places);
        let read: BTreeSet<String> = envelope.leaves.iter().map(|leaf| leaf.text.to_string()).collect();
        let mut sent = BTreeSet::new();
        strings_of(&value, &mut sent);
        for text in sent {
            prop_assert!(
                read.contains(&text) || plumbing::is_plumbing(&text),
                "{text:?} was not read"
            );
        }
    }
}
