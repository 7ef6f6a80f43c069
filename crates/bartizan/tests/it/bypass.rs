//! The bypass matrix: every place and disguise in which other gateways let a forbidden word through,
//! on every protocol. Nothing may reach the provider, and nothing may reach the client; and what is
//! the same but for the word passes, so that each refusal is one of the word.

mod answers;
mod disguises;
mod doors;
mod places;
mod unreadable;

use bartizan_testkit::http::Answer;
use serde_json::{Value, json};

use crate::support::Stage;
use doors::Door;

/// The word that the guardrails refuse.
const WORD: &str = "zanzibar";
/// A word that they let pass.
const HARMLESS: &str = "harbour";
/// Sentences that begin with them, in base64.
const WORD_IN_BASE64: &str = "emFuemliYXIgaXMgbmljZQ==";
const HARMLESS_IN_BASE64: &str = "aGFyYm91ciBpcyBuaWNl";

/// One body twice: with what must not pass, and with something else in its place.
struct Probe {
    name: &'static str,
    forbidden: Value,
    harmless: Value,
}

/// The same bodies with the word and without.
fn probes(bodies: impl Fn(&str) -> Vec<(&'static str, Value)>) -> Vec<Probe> {
    let both = bodies(WORD).into_iter().zip(bodies(HARMLESS));
    both.map(|((name, forbidden), (_, harmless))| Probe { name, forbidden, harmless }).collect()
}

/// Sends every body, whole and, where the protocol has streams, streamed. The forbidden one must be
/// refused by a guardrail, in the words of the door, before the provider sees it; the harmless one
/// must be answered by the provider.
async fn assert_told_apart(stage: &Stage, door: &Door, probes: &[Probe]) {
    assert!(!probes.is_empty(), "nothing was tried");
    let mut wrong = Vec::new();
    for Probe { name, forbidden, harmless } in probes {
        for &stream in door.streams() {
            let (answer, reached) = ask(stage, door, forbidden, stream).await;
            let mut note = |what: &str| {
                let (door, status, said) = (door.name, answer.status, answer.text());
                wrong.push(format!("{door}, {name}, stream={stream}: {what}: {status} {said}"));
            };
            if reached > 0 {
                note("reached the provider");
            }
            if !refused_by_guardrail(&answer) || !door.dialect.says_refused(&answer) {
                note("not refused in the words of the dialect");
            }
            if holds(&answer, WORD) {
                note("echoed");
            }
            let (answer, reached) = ask(stage, door, harmless, stream).await;
            if !answer.status.is_success() || reached != 1 {
                let (door, status, said) = (door.name, answer.status, answer.text());
                wrong.push(format!(
                    "{door}, {name}, stream={stream}: harmless, sent {reached} times: {status} {said}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The answer, and how often the provider was asked.
async fn ask(stage: &Stage, door: &Door, body: &Value, stream: bool) -> (Answer, usize) {
    let mut body = body.clone();
    if stream {
        body["stream"] = json!(true);
    }
    stage.upstream.clear();
    let answer = stage.post(door.path, &body).await;
    (answer, stage.upstream.requests().len())
}

/// Whether the decision is that of one of the guardrails, and not a complaint about the body.
fn refused_by_guardrail(answer: &Answer) -> bool {
    let decision = answer.header("x-bartizan-decision");
    decision.is_some_and(|decision| decision.starts_with("block; rule=g-"))
}

/// Whether the bytes of an answer hold the word, in any case and with invisible characters in it.
fn holds(answer: &Answer, word: &str) -> bool {
    bare(&answer.text()).contains(word)
}

/// A text in lower case and without invisible characters, spelled or not.
fn bare(text: &str) -> String {
    text.to_lowercase().replace("\\u200b", "").replace('\u{200B}', "")
}
