//! What brakes see in requests of every protocol, and what does not deceive them.

use std::time::{Duration, Instant};

use bartizan_core::settings::Rate;
use bartizan_core::{Action, Mode, PrincipalKind};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::json::Document;
use crate::protocols;

const MINUTE: Duration = Duration::from_secs(60);

fn brake(kind: BrakeKind) -> Brake {
    let (action, mode) = (Action::Block, Mode::Enforce);
    Brake { id: "b-test".parse().unwrap(), kind, action, mode, only: [].into() }
}

fn caller(name: &str) -> Principal {
    let kind = PrincipalKind::ServicePrincipal;
    Principal { kind, name: name.to_owned(), groups: Vec::new() }
}

fn rate(amount: u64) -> Rate {
    Rate { amount, window: MINUTE }
}

fn with<T>(
    brakes: &[Brake],
    operation: Operation,
    body: &Json,
    see: impl FnOnce(Looked<'_>) -> T,
) -> T {
    let text = body.to_string();
    let document = Document::parse(text.as_bytes()).unwrap();
    let protocol = protocols::of(operation).unwrap();
    see(look(brakes, operation, protocol, document.root(), &caller("bot")))
}

/// Whose counter a request is counted by.
fn key(kind: BrakeKind, operation: Operation, body: &Json) -> String {
    with(&[brake(kind)], operation, body, |looked| looked.counted[0].whose.clone())
}

fn same(operation: Operation, body: &Json) -> String {
    key(BrakeKind::SameRequests(rate(1)), operation, body)
}

/// The most that a brake may let pass to stop the request, less one.
fn most(kind: impl Fn(u64) -> BrakeKind, operation: Operation, body: &Json) -> u64 {
    let stops =
        |most| with(&[brake(kind(most))], operation, body, |looked| looked.stopped.is_some());
    (0..50).find(|most| !stops(*most)).unwrap()
}

fn user(text: &str) -> Json {
    json!({ "role": "user", "content": text })
}

fn chat(messages: &[Json]) -> Json {
    json!({ "model": "m", "messages": messages })
}

const CHAT: Operation = Operation::ChatCompletions;

/// A round of a tool in the words of each protocol: the call, and what it brought.
fn round(operation: Operation, id: usize, arguments: &Json, result: &str) -> Vec<Json> {
    let id = format!("call_{id}");
    match operation {
        Operation::Messages => vec![
            json!({ "role": "assistant", "content": [
                { "type": "text", "text": "let me look" },
                { "type": "tool_use", "id": id, "name": "search", "input": arguments },
            ] }),
            json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": id, "content": result },
                { "type": "text", "text": "go on" },
            ] }),
        ],
        Operation::Responses => vec![
            json!({ "type": "reasoning", "id": format!("r_{id}"), "summary": [] }),
            json!({ "type": "function_call", "call_id": id, "name": "search", "arguments": arguments.to_string() }),
            json!({ "type": "function_call_output", "call_id": id, "output": result }),
        ],
        _ => vec![
            json!({ "role": "assistant", "content": null, "tool_calls": [
                { "id": id, "type": "function", "function": { "name": "search", "arguments": arguments.to_string() } },
            ] }),
            json!({ "role": "tool", "tool_call_id": id, "content": result }),
        ],
    }
}

/// A conversation of the given rounds after a question.
fn loops(operation: Operation, rounds: impl IntoIterator<Item = Json>) -> Json {
    let mut items = vec![user("what is new?")];
    for (id, arguments) in rounds.into_iter().enumerate() {
        items.extend(round(operation, id, &arguments, "nothing"));
    }
    body_of(operation, &items)
}

fn body_of(operation: Operation, items: &[Json]) -> Json {
    let name = if operation == Operation::Responses { "input" } else { "messages" };
    json!({ "model": "m", "max_tokens": 9, name: items })
}

const WITH_TOOLS: [Operation; 3] = [CHAT, Operation::Messages, Operation::Responses];

#[test]
fn rounds_are_counted_since_a_person_spoke_in_every_protocol() {
    for operation in WITH_TOOLS {
        let rounds = |body: &Json| most(BrakeKind::ToolRounds, operation, body);
        let looped = loops(operation, (0..7).map(|n| json!({ "n": n })));
        assert_eq!(rounds(&looped), 7, "{operation:?}");
        let name = if operation == Operation::Responses { "input" } else { "messages" };
        let mut items = looped[name].as_array().unwrap().clone();
        items.push(user("and now?"));
        assert_eq!(rounds(&body_of(operation, &items)), 0, "{operation:?}");
        items.extend(round(operation, 90, &json!({}), "x"));
        assert_eq!(rounds(&body_of(operation, &items)), 1, "{operation:?}");
    }
}

#[test]
fn several_calls_at_once_are_one_round() {
    let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let body = chat(&[
        user("x"),
        json!({ "role": "assistant", "content": null, "tool_calls": [call("a"), call("b"), call("c")] }),
    ]);
    assert_eq!(most(BrakeKind::ToolRounds, CHAT, &body), 1);
    assert_eq!(most(BrakeKind::SameToolCalls, CHAT, &body), 3);
}

#[test]
fn the_same_call_is_seen_however_it_is_written_in_every_protocol() {
    for operation in WITH_TOOLS {
        let most_same = |body: &Json| most(BrakeKind::SameToolCalls, operation, body);
        let same = loops(operation, (0..6).map(|_| json!({ "q": "x", "page": 1 })));
        assert_eq!(most_same(&same), 6, "{operation:?}");
        // A loop over pages is no circle.
        let pages = loops(operation, (0..6).map(|page| json!({ "q": "x", "page": page })));
        assert_eq!(most_same(&pages), 1, "{operation:?}");
    }
    let call = |arguments: &str| json!({ "role": "assistant", "tool_calls": [{ "function": { "name": "f", "arguments": arguments } }] });
    let body = chat(&[user("x"), call(r#"{"a":1,"b":2}"#), call("{ \"b\": 2, \"a\": 1 }")]);
    assert_eq!(most(BrakeKind::SameToolCalls, CHAT, &body), 2);
}

#[test]
fn nearly_the_same_is_counted_together() {
    let said = |text: &str| same(CHAT, &chat(&[user(text)]));
    let first = said("Try the build again, attempt 1 (id 9f86d081884c)");
    for evasion in [
        "Try the build again, attempt 2 (id 60303ae22b99)",
        "try  the BUILD again: attempt 17, id deadbe4f",
        "Try the build again, attempt 3 (id 0191e7a0-0000-7000-8000-00000000abcd)",
        "T\u{200b}ry the build ag\u{ad}ain, attempt 1 (id 5)",
        "Try the bu\u{456}ld \u{430}gain, attempt 1 (id 5)",
        "T r y the build again, attempt 1 (id 5)",
        &format!("Try the build{} again, attempt 1 (id 5)", "\u{200b}".repeat(300)),
    ] {
        assert_eq!(said(evasion), first, "{evasion:?}");
    }
    assert_ne!(said("Try the tests again, attempt 1 (id 5)"), first);
}

#[test]
fn what_is_not_text_does_not_make_a_request_another_one() {
    let plain = same(CHAT, &chat(&[user("hello there")]));
    for other in [
        json!({ "model": "other", "temperature": 0.3, "user": "u-77", "metadata": { "run": "x" }, "messages": [user("hello there")] }),
        chat(&[
            json!({ "role": "user", "name": "nonce", "x_nonce": "zzz", "content": "hello there" }),
        ]),
        chat(&[
            json!({ "role": "user", "content": [{ "type": "text", "text": "hello" }, { "type": "text", "text": " there", "nonce": "q" }] }),
        ]),
        chat(&[user("hello"), user("there")]),
    ] {
        assert_eq!(same(CHAT, &other), plain, "{other}");
    }
    let image = |data: &str| {
        chat(&[json!({ "role": "user", "content": [
            { "type": "text", "text": "hello there" },
            { "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{data}") } },
        ] })])
    };
    assert_ne!(same(CHAT, &image("iVBORa")), same(CHAT, &image("iVBORb")));
}

#[test]
fn leaving_the_history_out_does_not_start_anew() {
    let system = json!({ "role": "system", "content": "Be brief." });
    let answer = json!({ "role": "assistant", "content": "no" });
    let whole = chat(&[system.clone(), user("first"), answer.clone(), user("again")]);
    let short = chat(&[system.clone(), user("again")]);
    let long = chat(&[
        system.clone(),
        user("a"),
        answer.clone(),
        user("b"),
        answer.clone(),
        user("again"),
    ]);
    let key = same(CHAT, &whole);
    assert_eq!(same(CHAT, &short), key);
    assert_eq!(same(CHAT, &long), key);
    // Words for the model to begin with are not what it has said.
    assert_eq!(same(CHAT, &chat(&[system, user("again"), answer])), key);
}

#[test]
fn every_protocol_tells_what_is_new() {
    type Body = fn(&str) -> Json;
    let bodies: [(Operation, Body); 5] = [
        (CHAT, |text| chat(&[user(text)])),
        (
            Operation::Messages,
            |text| json!({ "system": "Be brief.", "messages": [user("a"), { "role": "assistant", "content": "b" }, user(text)] }),
        ),
        (Operation::Responses, |text| json!({ "instructions": "Be brief.", "input": text })),
        (
            Operation::Responses,
            |text| json!({ "input": [{ "type": "function_call_output", "call_id": "c", "output": text }] }),
        ),
        (Operation::Completions, |text| json!({ "prompt": ["one", text] })),
    ];
    for (operation, body) in bodies {
        let key = same(operation, &body("attempt 7"));
        assert_eq!(same(operation, &body("Attempt 8!")), key, "{operation:?}");
        assert_ne!(same(operation, &body("another matter")), key, "{operation:?}");
    }
}

#[test]
fn vectors_are_asked_for_once_more_only_with_the_same_text() {
    let asked = |text: &str| same(Operation::Embeddings, &json!({ "input": [text] }));
    assert_eq!(asked("row 1"), asked("row 1"));
    assert_ne!(asked("row 1"), asked("row 2"));
    let kinds = [
        BrakeKind::ToolRounds(1),
        BrakeKind::SameToolCalls(1),
        BrakeKind::ConversationTokens(rate(1)),
        BrakeKind::SameRequests(rate(1)),
    ];
    let brakes = kinds.map(brake);
    let counted = |operation, body| with(&brakes, operation, &body, |looked| looked.counted.len());
    assert_eq!(counted(Operation::Embeddings, json!({ "input": "x" })), 1);
    assert_eq!(counted(Operation::Moderations, json!({ "input": "x" })), 0);
    assert_eq!(counted(Operation::CountTokens, chat(&[user("x")])), 0);
    assert_eq!(counted(CHAT, chat(&[user("x")])), 2);
}

#[test]
fn a_conversation_is_known_by_how_it_begins() {
    let key = |body: &Json| key(BrakeKind::ConversationTokens(rate(1)), CHAT, body);
    let system = json!({ "role": "system", "content": "It is 08:41." });
    let later = json!({ "role": "system", "content": "It is 09:17." });
    let answer = json!({ "role": "assistant", "content": "b" });
    let begun = key(&chat(&[system.clone(), user("a")]));
    assert_eq!(key(&chat(&[later, user("a"), answer.clone(), user("c")])), begun);
    assert_ne!(key(&chat(&[system, user("c"), answer, user("a")])), begun);
}

#[test]
fn what_goes_on_from_stored_state_is_one_conversation() {
    let key = |body: &Json| key(BrakeKind::ConversationTokens(rate(1)), Operation::Responses, body);
    let one = key(&json!({ "input": "a", "previous_response_id": "resp_1" }));
    assert_eq!(key(&json!({ "input": "b", "previous_response_id": "resp_2" })), one);
    assert_eq!(key(&json!({ "input": "c", "conversation": "conv_1" })), one);
    assert_ne!(key(&json!({ "input": "a", "previous_response_id": null })), one);
}

#[test]
fn callers_and_brakes_count_for_themselves() {
    let body = chat(&[user("hello")]);
    let text = body.to_string();
    let document = Document::parse(text.as_bytes()).unwrap();
    let protocol = protocols::of(CHAT).unwrap();
    let brakes = [brake(BrakeKind::SameRequests(rate(1)))];
    let whose = |name: &str| {
        look(&brakes, CHAT, protocol, document.root(), &caller(name)).counted[0].whose.clone()
    };
    assert_ne!(whose("one"), whose("other"));
    let only = bartizan_core::settings::Member {
        kind: PrincipalKind::ServicePrincipal,
        name: "one".to_owned(),
    };
    let mut meant = brakes[0].clone();
    meant.only = [bartizan_core::settings::Subject::Principal(only)].into();
    let brakes = [meant];
    let counts =
        |name: &str| look(&brakes, CHAT, protocol, document.root(), &caller(name)).counted.len();
    assert_eq!((counts("one"), counts("other")), (1, 0));
}

#[test]
fn what_only_watches_stops_nothing() {
    let body = loops(CHAT, (0..4).map(|_| json!({})));
    let watching = |kind, action, mode| Brake { action, mode, ..brake(kind) };
    for (action, mode) in
        [(Action::Flag, Mode::Enforce), (Action::Block, Mode::DryRun), (Action::Flag, Mode::DryRun)]
    {
        let brakes = [
            watching(BrakeKind::SameToolCalls(3), action, mode),
            watching(BrakeKind::ToolRounds(4), action, mode),
        ];
        with(&brakes, CHAT, &body, |looked| {
            assert!(looked.stopped.is_none());
            assert_eq!(looked.over.len(), 1);
        });
    }
}

#[test]
fn a_caller_has_no_more_counters_than_a_cut_of_a_hash() {
    let mut keys = std::collections::HashSet::new();
    for n in 0..2_000_u32 {
        // Letters alone, since numbers are all the same.
        let word: String =
            n.to_string().bytes().map(|digit| char::from(digit + b'g' - b'0')).collect();
        keys.insert(same(CHAT, &chat(&[user(&word)])));
    }
    assert!(keys.len() > 1_900, "{}", keys.len());
    let cut = |key: &str| key.rsplit('\n').next().unwrap().to_owned();
    assert!(keys.iter().all(|key| cut(key).len() == 4), "16 bits");
}

#[test]
fn a_refusal_says_which_brake_and_what_to_do_and_none_of_the_text() {
    let brakes = [brake(BrakeKind::ToolRounds(2))];
    let body = loops(CHAT, (0..3).map(|_| json!({ "secret": "heliotrope" })));
    let stopped = with(&brakes, CHAT, &body, |looked| looked.stopped.unwrap());
    let said = stopped.to_string();
    assert_eq!(
        said,
        "brake `b-test`: more than 2 rounds of tool calls since a person said something; let a person look at it and answer"
    );
    let windowed = Braked {
        brake: "b".parse().unwrap(),
        kind: BrakeKind::SameRequests(rate(10)),
        retry_after_s: Some(7),
    };
    assert_eq!(
        windowed.to_string(),
        "brake `b`: more than 10 requests/min say nearly the same; ask for something else, or wait 7 s"
    );
}

#[test]
fn long_requests_are_looked_at_in_linear_time() {
    let kinds = [BrakeKind::SameRequests(rate(1)), BrakeKind::ConversationTokens(rate(1))];
    let brakes = kinds.map(brake);
    let took = |bytes: usize| {
        let body = chat(&[user(&"a1b2-".repeat(bytes / 5))]);
        let began = Instant::now();
        with(&brakes, CHAT, &body, |looked| assert_eq!(looked.counted.len(), 2));
        began.elapsed()
    };
    // Quadratic work would take a thousand times as long.
    let short = (0..3).map(|_| took(64 << 10)).min().unwrap();
    assert!(took(2 << 20) < short * 320 + Duration::from_millis(200));
}

proptest! {
    #[test]
    fn no_request_makes_brakes_fail(text in "\\PC{0,40}", depth in 0usize..20) {
        let mut content = json!(text);
        for _ in 0..depth {
            content = json!([{ "type": text, "content": content, "text": [text] }]);
        }
        let kinds = [
            BrakeKind::ToolRounds(1),
            BrakeKind::SameToolCalls(1),
            BrakeKind::ConversationTokens(rate(1)),
            BrakeKind::SameRequests(rate(1)),
        ];
        let brakes = kinds.map(brake);
        for operation in [CHAT, Operation::Messages, Operation::Responses] {
            let item = json!({ "role": "user", "type": "message", "content": content, "tool_calls": content });
            let body = body_of(operation, &[item]);
            with(&brakes, operation, &body, |looked| assert_eq!(looked.counted.len(), 2));
        }
    }
}
