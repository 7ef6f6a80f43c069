//! Every part of an answer in which a text can stand, whole and streamed.

use std::collections::BTreeMap;

use bartizan_testkit::http::Answer;
use bartizan_testkit::upstream::{Reply, Script, Text, ToolCall, Turn};
use serde_json::{Value, json};

use super::doors::{self, Door};
use super::{
    HARMLESS, HARMLESS_IN_BASE64, WORD, WORD_IN_BASE64, bare, holds, refused_by_guardrail,
};
use crate::support::{Stage, WORD_GUARD, said};

/// What the model says or does.
struct Output {
    name: &'static str,
    turn: Turn,
    /// Whether it is plain text, which is all that completions have.
    is_text: bool,
}

/// What the model may say or do with a word in it; `base64` is a sentence that begins with it.
fn outputs(word: &str, base64: &str) -> Vec<Output> {
    let capital = word[..1].to_uppercase() + &word[1..];
    let text = |name, text: String| {
        let turn = Turn { text: Some(Text::Fixed(text)), ..Turn::default() };
        Output { name, turn, is_text: true }
    };
    let calls = |name, tool: &str, arguments: String| {
        let call = ToolCall { name: tool.to_owned(), arguments };
        let turn = Turn { tool_calls: vec![call], ..Turn::default() };
        Output { name, turn, is_text: false }
    };
    vec![
        text("text", format!("I like {capital} a lot")),
        text("at the end", format!("so: {word}")),
        text("base64", format!("see {base64}")),
        text("zero-width", format!("{}\u{200B}{} ok", &word[..3], &word[3..])),
        calls("tool arguments", "f", format!("{{\"a\":\"{word}\"}}")),
        calls("tool name", word, "{}".to_owned()),
        Output {
            name: "reasoning",
            turn: Turn {
                reasoning: Some(format!("think {word}")),
                text: Some(Text::Fixed("fine".to_owned())),
                ..Turn::default()
            },
            is_text: false,
        },
        Output {
            name: "refusal",
            turn: Turn { refusal: Some(format!("no {word} for you")), ..Turn::default() },
            is_text: false,
        },
    ]
}

/// Doors whose answers hold texts, each with whether it is completions.
const DOORS: [(Door, bool); 6] = [
    (doors::CHAT, false),
    (doors::MESSAGES, false),
    (doors::RESPONSES, false),
    (doors::COMPLETIONS, true),
    (doors::INVOCATIONS, false),
    (doors::INVOKED_COMPLETIONS, true),
];

/// One answer that is to be read.
struct Case {
    name: String,
    path: &'static str,
    body: Value,
    reply: Reply,
}

/// Every output at every door, whole and streamed in pieces of these sizes.
fn cases(word: &str, base64: &str, sizes: &[&[usize]]) -> Vec<Case> {
    let mut cases = Vec::new();
    for Output { name, turn, is_text } in outputs(word, base64) {
        for (door, is_completions) in &DOORS {
            if *is_completions && !is_text {
                continue;
            }
            for &stream in door.streams() {
                // A whole answer has no pieces.
                let sizes = if stream { sizes } else { &sizes[..1] };
                for pieces in sizes {
                    let mut body = (door.says)("hi");
                    body["stream"] = json!(stream);
                    cases.push(Case {
                        name: format!("{name}, {}, stream={stream}, {pieces:?}", door.name),
                        path: door.path,
                        body,
                        reply: Reply::turn(turn.clone()).pieces(pieces.to_vec()).splits([5, 11]),
                    });
                }
            }
        }
    }
    cases
}

/// The answers to all cases, and the events that tell about them, by request.
async fn answered(cases: &[Case]) -> (Vec<Answer>, BTreeMap<String, Value>) {
    let script = Script::sequence(cases.iter().map(|case| case.reply.clone()));
    let stage = Stage::start(script, WORD_GUARD, "").await;
    let mut answers = Vec::new();
    for case in cases {
        answers.push(stage.post(case.path, &case.body).await);
    }
    assert_eq!(stage.upstream.requests().len(), cases.len());
    let by_request = |event: Value| (event["request_id"].as_str().unwrap().to_owned(), event);
    (answers, stage.events().into_iter().map(by_request).collect())
}

fn is_stream(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// Whether a client can read the word in an answer, in one piece or put together from many.
fn tells(answer: &Answer, word: &str, base64: &str) -> bool {
    let base64 = base64[..11].to_lowercase();
    let joined = bare(&said(answer));
    holds(answer, word)
        || holds(answer, &base64)
        || joined.contains(word)
        || joined.contains(&base64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_an_answer_is_left_unread() {
    let sizes: [&[usize]; 4] = [&[1], &[3], &[7, 2], &[400]];
    let cases = cases(WORD, WORD_IN_BASE64, &sizes);
    let (answers, events) = answered(&cases).await;
    let mut wrong = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let event = &events[answer.header("x-bartizan-request-id").unwrap()];
        let mut note = |what: &str| {
            wrong.push(format!("{}: {what}: {} {event}", case.name, answer.text()));
        };
        if tells(answer, WORD, WORD_IN_BASE64) {
            note("leaked");
        }
        if event["verdict"] != "block" || event["rule"] != "g-word" {
            note("not refused by the guardrail");
        }
        if is_stream(answer) {
            if event["outcome"] != "answer-refused" {
                note("the stream was not stopped");
            }
        } else if !refused_by_guardrail(answer) {
            note("the decision does not say so");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What passes shows that the provider says the word in each of these places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_harmless_reaches_the_client_in_every_part_of_an_answer() {
    let cases = cases(HARMLESS, HARMLESS_IN_BASE64, &[&[3]]);
    let (answers, events) = answered(&cases).await;
    for (case, answer) in cases.iter().zip(&answers) {
        let text = answer.text();
        assert_eq!(answer.status, 200, "{}: {text}", case.name);
        assert_eq!(is_stream(answer), case.body["stream"] == true, "{}: {text}", case.name);
        assert!(tells(answer, HARMLESS, HARMLESS_IN_BASE64), "{}: {text}", case.name);
        let event = &events[answer.header("x-bartizan-request-id").unwrap()];
        assert_eq!(event["verdict"], "allow", "{}: {event}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_choice_is_read() {
    let says = |text: &str| Turn { text: Some(Text::Fixed(text.to_owned())), ..Turn::default() };
    let (fine, bad) = (says("fine"), says("a zanzibar b"));
    for turns in [[fine.clone(), bad.clone()], [bad, fine]] {
        let stage = Stage::start(Reply::turns(turns).into(), WORD_GUARD, "").await;
        for (door, _) in DOORS {
            // Messages and responses have one answer.
            if matches!(door.path, "/v1/messages" | "/v1/responses") {
                continue;
            }
            for &stream in door.streams() {
                let mut body = (door.says)("hi");
                body["stream"] = json!(stream);
                body["n"] = json!(2);
                let answer = stage.post(door.path, &body).await;
                let text = answer.text();
                assert!(!tells(&answer, WORD, WORD_IN_BASE64), "{}: {text}", door.name);
                let is_error = door.path.ends_with("/invocations") && !stream;
                let words = if is_error { "output_guardrail_triggered" } else { "content_filter" };
                assert!(text.contains(words), "{} stream={stream}: {text}", door.name);
                assert!(is_stream(&answer) || refused_by_guardrail(&answer), "{}", door.name);
            }
        }
    }
}
