//! Answers: what the client gets is what the guard makes of the whole, however it comes.

mod script;

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_core::settings::Detect;
use bartizan_core::{Action, Channel, Verdict};
use bartizan_guard::{Guard, Session, detectors};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::json::strings_of;
use super::rig::{Plan, Rig, Script, guardrail};
use super::{pieces, said};
use crate::operation::Operation;

/// Masked in every answer.
const ADDRESS: &str = "jane.doe@example.com";
/// Ends every answer of the guard that blocks.
const WORD: &str = "zanzibar";
/// Of the user's own, and so put back where an answer has its placeholder.
const PROMPT: &str = "write to bob@example.com";
/// What of it is put back.
const OWN: &str = "bob@example.com";

/// The protocol of the client, and whether the provider speaks another.
const WAYS: [(Operation, bool); 6] = [
    (Operation::ChatCompletions, false),
    (Operation::Messages, false),
    (Operation::Responses, false),
    (Operation::Completions, false),
    (Operation::ChatCompletions, true),
    (Operation::Messages, true),
];

/// A guard, and gateways that have it, without and with translation.
struct Setup {
    guard: Arc<Guard>,
    rigs: [Rig; 2],
    /// What no answer may hold.
    secrets: &'static [&'static str],
}

impl Setup {
    fn new(guard: Guard, secrets: &'static [&'static str]) -> Self {
        let guard = Arc::new(guard);
        Self { rigs: rigs(&guard), guard, secrets }
    }

    /// What the guard knows when the answer begins.
    fn session(&self) -> Session {
        let session = Session::default();
        self.guard.inspect(Channel::User, PROMPT, &session);
        session
    }
}

fn rigs(guard: &Arc<Guard>) -> [Rig; 2] {
    [false, true].map(|translates| {
        let guard = Arc::clone(guard);
        Rig::new(Plan { guard, translates, names_model: true, takes_media: true })
    })
}

thread_local! {
    /// Everything masks.
    static MASKS: LazyCell<Setup> = LazyCell::new(|| {
        let all = detectors::ALL.iter().map(|detector| detector.meta().id).collect();
        let guard = Guard::builder().guardrail(&guardrail(Detect::Detectors(all), Action::Mask));
        // The word is a place, which only some neighbours show: it is no secret here.
        Setup::new(guard.and_then(bartizan_guard::GuardBuilder::build).expect("a guard"), &[ADDRESS])
    });
    /// A word blocks, and addresses are masked.
    static BLOCKS: LazyCell<Setup> = LazyCell::new(|| {
        let word = guardrail(Detect::Keywords(vec![WORD.to_owned()]), Action::Block);
        let address = guardrail(Detect::Detectors(vec!["email"]), Action::Mask);
        let guard = Guard::builder().guardrail(&word).and_then(|it| it.guardrail(&address));
        let guard = guard.and_then(bartizan_guard::GuardBuilder::build).expect("a guard");
        Setup::new(guard, &[ADDRESS, WORD])
    });
}

fn with_setup(blocks: bool, test: impl FnOnce(&Setup)) {
    if blocks { BLOCKS.with(|setup| test(setup)) } else { MASKS.with(|setup| test(setup)) }
}

/// A well-formed stream whose texts hold secrets in any pieces: each text that the client puts
/// together is what the guard makes of the whole, and ends before what the guard refuses.
///
/// Input: a byte that chooses among [`WAYS`] and, by its bit 3, the guard; a chunk pattern of two
/// bytes; a byte for the end of the stream; then what is said (see [`script`]).
///
/// # Panics
/// When a text differs.
pub fn answer_stream(input: &[u8]) {
    let Some((&[way, ref pattern @ .., end], said)) = input.split_first_chunk::<4>() else {
        return;
    };
    let Some(&(asked, translated)) = WAYS.get(usize::from(way % 8)) else { return };
    let stream = script::write(spoken(asked, translated), translated, said, end);
    let blocks = way & 8 != 0;
    with_setup(blocks, |setup| {
        check_stream(setup, asked, translated, stream.as_bytes(), pattern);
    });
}

fn check_stream(setup: &Setup, asked: Operation, translated: bool, stream: &[u8], pattern: &[u8]) {
    let got = streamed(setup, asked, translated, &pieces(stream, pattern));
    let place = |place: &String| {
        if translated { said::kind(place).to_owned() } else { place.clone() }
    };
    let by_place = |texts: BTreeMap<String, String>| {
        texts.into_iter().map(|(at, text)| (place(&at), text)).collect::<BTreeMap<_, _>>()
    };
    let whole = said::texts(spoken(asked, translated), &said::events(stream));
    let calls = whole.keys().filter(|at| said::is_call(at)).map(place).collect::<Vec<_>>();
    // What blocks say together may end the answer, too; which does is for the tests of `seam`.
    let has_blocks = matches!(asked, Operation::Messages | Operation::Responses);
    let joins = has_blocks && whole.keys().filter(|at| said::is_joined(at)).count() > 1;
    let whole = by_place(whole);
    let mut heard = by_place(said::texts(asked, &said::events(got.as_bytes())));
    // Where one protocol lets a call go without arguments, the other asks for an empty object.
    let is_added = |at: &str, text: &str| translated && at == "call" && "{}".starts_with(text);
    heard.retain(|at, text| whole.contains_key(at) || !is_added(at, text));
    let mut expected = BTreeMap::new();
    let mut blocked = joins && is_refused(&got);
    for (at, text) in &whole {
        let channel = if calls.contains(at) { Channel::ToolCall } else { Channel::Output };
        let report = setup.guard.inspect(channel, text, &setup.session());
        blocked |= report.blocked_at.is_some();
        let text = told(&report.rewrite(text), joins);
        if !text.is_empty() {
            expected.insert(at.clone(), text);
        }
    }
    let heard: BTreeMap<_, _> =
        heard.into_iter().map(|(at, text)| (at, told(&text, joins))).collect();
    if blocked {
        for (at, text) in &heard {
            let whole = expected.get(at).map_or("", String::as_str);
            assert!(whole.starts_with(text), "{at}: {text:?} of {whole:?}\n{got}");
        }
        assert!(is_refused(&got), "the client does not hear of the refusal\n{got}");
    } else {
        assert_eq!(heard, expected, "{got}");
    }
}

/// Any answer: chunks do not matter, no planted secret gets through, the reply does not grow out of
/// proportion.
///
/// Input: a byte that chooses among [`WAYS`] and, by its bits 3 and 4, the guard and a whole answer
/// in place of a stream; a chunk pattern of two bytes; then what the provider answers. With 6 and 7
/// for the way it answers with an error.
///
/// # Panics
/// When any of this does not hold.
pub fn answer_bytes(input: &[u8]) {
    let Some((&[way, ref pattern @ ..], answer)) = input.split_first_chunk::<3>() else { return };
    let choice = usize::from(way % 8);
    let Some(&(asked, translated)) = WAYS.get(choice).or_else(|| WAYS.get(choice - 2)) else {
        return;
    };
    with_setup(way & 8 != 0, |setup| {
        let check = |got: &str| {
            let most = 4096 + 64 * answer.len();
            assert!(got.len() <= most, "{} bytes for {}", got.len(), answer.len());
            let mut events = said::events(got.as_bytes());
            events.extend(serde_json::from_str::<Value>(got));
            let mut texts: Vec<String> = said::texts(asked, &events).into_values().collect();
            for event in &events {
                strings_of(event, &mut texts);
            }
            for text in texts {
                assert!(!leaks(setup, &text), "{text:?} got through\n{got}");
            }
        };
        let script = |chunks: &[&[u8]], content_type, status| {
            let pieces = chunks.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
            let rig = setup.rigs.get(usize::from(translated)).expect("two rigs");
            let (path, body) = request(asked);
            rig.ask(path, body.as_bytes(), Script { status, content_type, pieces })
        };
        let status = if choice < WAYS.len() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        if way & 16 != 0 || status != StatusCode::OK {
            let asked = script(&pieces(answer, pattern), "application/json", status);
            check(&asked.got);
            return;
        }
        let at_once = streamed(setup, asked, translated, &[answer]);
        check(&at_once);
        assert_eq!(streamed(setup, asked, translated, &pieces(answer, pattern)), at_once);
    });
}

/// The protocol of the provider.
fn spoken(asked: Operation, translated: bool) -> Operation {
    match asked {
        Operation::ChatCompletions if translated => Operation::Messages,
        Operation::Messages if translated => Operation::ChatCompletions,
        asked => asked,
    }
}

/// What the client gets of a stream.
fn streamed(setup: &Setup, asked: Operation, translated: bool, chunks: &[&[u8]]) -> String {
    let script = Script {
        status: StatusCode::OK,
        content_type: "text/event-stream",
        pieces: chunks.iter().map(|piece| Bytes::copy_from_slice(piece)).collect(),
    };
    let rig = setup.rigs.get(usize::from(translated)).expect("two rigs");
    let (path, body) = request(asked);
    let asked = rig.ask(path, body.as_bytes(), script);
    assert!(asked.sent.is_some(), "{}", asked.got);
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.got);
    asked.got
}

fn request(asked: Operation) -> (&'static str, String) {
    let (path, prompt) = match asked {
        Operation::Messages => ("/v1/messages", r#""max_tokens":9,"messages""#),
        Operation::Responses => ("/v1/responses", r#""input""#),
        Operation::Completions => ("/v1/completions", r#""prompt""#),
        _ => ("/v1/chat/completions", r#""messages""#),
    };
    let text = if prompt.ends_with(r#""messages""#) {
        format!(r#"[{{"role":"user","content":"{PROMPT}"}}]"#)
    } else {
        format!("\"{PROMPT}\"")
    };
    (path, format!(r#"{{"model":"m","stream":true,{prompt}:{text}}}"#))
}

/// Whether a text shows what was planted, as the guard itself finds it.
fn leaks(setup: &Setup, text: &str) -> bool {
    let report = setup.guard.inspect(Channel::Output, text, &setup.session());
    report.judged.iter().filter(|judged| judged.effective() >= Verdict::Mask).any(|judged| {
        let seen = text.get(judged.finding.span.range()).unwrap_or_default().to_ascii_lowercase();
        setup.secrets.iter().any(|secret| seen.contains(secret))
    })
}

/// Whether a stream says that it was stopped.
fn is_refused(got: &str) -> bool {
    got.contains("content_filter") || got.contains(r#""type":"error""#)
}

/// A text as it is compared. Whether a value comes back depends on the block before, where clients
/// show blocks as one text; that is for the tests of `seam` as well.
fn told(text: &str, joins: bool) -> String {
    let text = unnumbered(text);
    if joins { text.replace(OWN, "<EMAIL_ADDRESS_N>") } else { text }
}

/// Placeholders without numbers, which depend on the order in which texts end.
fn unnumbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive('>') {
        let number =
            part.strip_suffix('>').map(|it| it.trim_end_matches(|c: char| c.is_ascii_digit()));
        match number {
            Some(label) if label.ends_with('_') => {
                out.push_str(label);
                out.push_str("N>");
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gets_through_is_noticed() {
        let blind = Arc::new(Guard::builder().build().unwrap());
        with_setup(false, |good| {
            let guard = Arc::clone(&good.guard);
            let bad = Setup { guard, rigs: rigs(&blind), secrets: good.secrets };
            for (asked, translated) in WAYS {
                let spoken = spoken(asked, translated);
                let stream = script::write(spoken, translated, b"|0to jane.doe@exam|0ple.com", 0);
                check_stream(good, asked, translated, stream.as_bytes(), &[7, 40]);
                let noticed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    check_stream(&bad, asked, translated, stream.as_bytes(), &[7, 40]);
                }));
                assert!(noticed.is_err(), "{asked:?} {translated}");
            }
            assert!(leaks(good, "to Jane.Doe@example.com!"));
            assert!(!leaks(good, "to jane.roe@example.com!"));
        });
        with_setup(true, |good| assert!(leaks(good, "in Zanzibar")));
    }
}
