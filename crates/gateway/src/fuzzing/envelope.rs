//! Requests: the provider gets no string that the guard did not read.

use std::cell::LazyCell;
use std::sync::{Arc, Mutex, PoisonError};

use bartizan_core::catalog::{Docs, Meta};
use bartizan_core::settings::Detect;
use bartizan_core::{Action, Category, Severity};
use bartizan_guard::text::View;
use bartizan_guard::{Detector, Findings, Guard, Hit, Reads};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::json::is_narrower;
use super::rig::{MODEL, Plan, Rig, Script, guardrail};
use crate::envelope::plumbing;
use crate::json::Document;

/// Stands in texts to be masked; two characters, so that it can lie across parts of a message.
const MARK: &str = "§§";
const HALF: &str = "§";
const MASKED: &str = "<MARK_";

/// Ways of a request: a path, and an index into the rigs.
const WAYS: [(&str, usize); 16] = [
    ("/v1/chat/completions", 0),
    ("/v1/messages", 0),
    ("/v1/responses", 0),
    ("/v1/completions", 0),
    ("/v1/embeddings", 0),
    ("/v1/messages/count_tokens", 0),
    ("/serving-endpoints/m/invocations", 0),
    ("/v1/chat/completions", 1),
    ("/v1/messages", 1),
    ("/v1/responses", 1),
    ("/v1/completions", 1),
    ("/v1/embeddings", 1),
    ("/v1/messages/count_tokens", 1),
    ("/serving-endpoints/m/invocations", 1),
    ("/v1/chat/completions", 2),
    ("/v1/messages", 2),
];

struct Rigs {
    recorder: Recorder,
    all: [Rig; 3],
}

thread_local! {
    static RIGS: LazyCell<Rigs> = LazyCell::new(|| {
        let recorder = Recorder::default();
        let plan = |translates, names_model, takes_media| {
            let guardrail = guardrail(Detect::Detectors(Vec::new()), Action::Mask);
            let guard = Guard::builder().detector(&guardrail, Box::new(recorder.clone())).build();
            let guard = Arc::new(guard.expect("a guard"));
            Rig::new(Plan { guard, translates, names_model, takes_media })
        };
        let all = [plan(false, false, false), plan(false, true, true), plan(true, false, true)];
        Rigs { recorder, all }
    });
}

/// The provider gets no string, key or long number that the guard did not read, except words of the
/// protocols and encoded media that the endpoint lets through; what was masked does not get there.
///
/// Input: a byte that chooses among [`WAYS`] by its last four bits, then the body.
///
/// # Panics
/// When the provider gets anything else.
pub fn protocol_envelope(input: &[u8]) {
    RIGS.with(|rigs| {
        rigs.recorder.forget();
        if let Some(sent) = sent(rigs, input) {
            check(&sent, &rigs.recorder.read());
        }
    });
}

/// What the provider gets for an input.
fn sent(rigs: &Rigs, input: &[u8]) -> Option<Bytes> {
    let (choice, body) = input.split_first()?;
    let (path, rig) = WAYS.get(usize::from(choice % 16))?;
    let script = Script {
        status: StatusCode::OK,
        content_type: "application/json",
        pieces: vec![Bytes::from_static(b"{}")],
    };
    rigs.all.get(*rig)?.ask(path, body, script).sent
}

fn check(sent: &[u8], read: &str) {
    Document::parse(sent).expect("what is sent can be read");
    let value: Value = match serde_json::from_slice(sent) {
        Ok(value) => value,
        Err(error) if is_narrower(&error) => return,
        Err(error) => panic!("another reader refuses what is sent: {error}"),
    };
    let mut leaves = Vec::new();
    leaves_of(&value, None, &mut leaves);
    for Leaf { text, key, is_key } in leaves {
        assert!(!text.contains(MARK), "the mask is missing in {text:?}");
        let is_fixed = is_key || key.is_some_and(plumbing::takes_words);
        let is_word = is_fixed && plumbing::is_plumbing(text);
        // The route's own model is the policy's word.
        let is_model = key == Some("model") && text == MODEL;
        if is_word || is_model || key.is_some_and(plumbing::carries_data) && is_encoded(text) {
            continue;
        }
        // Placeholders are the guard's own; what stands around them was read.
        let mut parts = text.split(MASKED);
        let first = parts.next().into_iter();
        let after = parts.map(|part| part.split_once('>').map_or(part, |(_, rest)| rest));
        let parts: Vec<&str> = first.chain(after).collect();
        let was_read = match parts.as_slice() {
            [""] => true,
            // Half a mark at the front went into the placeholder of the part before.
            [whole] => ["\n\n", HALF].iter().any(|it| read.contains(&format!("{it}{whole}\n\n"))),
            parts => parts.iter().all(|part| read.contains(part)),
        };
        assert!(was_read, "{text:?} was not read");
    }
    for number in long_numbers(sent) {
        assert!(read.contains(&format!("\n\n{number}\n\n")), "{number} was not read");
    }
}

struct Leaf<'v> {
    text: &'v str,
    /// Name of the member whose value it is.
    key: Option<&'v str>,
    is_key: bool,
}

fn leaves_of<'v>(value: &'v Value, key: Option<&'v str>, leaves: &mut Vec<Leaf<'v>>) {
    match value {
        Value::String(text) => leaves.push(Leaf { text, key, is_key: false }),
        Value::Array(items) => items.iter().for_each(|item| leaves_of(item, None, leaves)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            leaves.push(Leaf { text: name, key: None, is_key: true });
            leaves_of(member, Some(name), leaves);
        }),
        _ => {}
    }
}

/// Whole parts of numbers that are long enough for an account, outside strings.
fn long_numbers(json: &[u8]) -> Vec<String> {
    let json = String::from_utf8_lossy(json);
    let mut outside = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            in_string = c == '"';
            outside.push(c);
        }
    }
    let tokens = outside.split(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    let numbers =
        tokens.filter(|token| token.starts_with(|c: char| c == '-' || c.is_ascii_digit()));
    let wholes = numbers.filter_map(|token| {
        token.trim_start_matches('-').split(['.', 'e', 'E']).next().filter(|it| it.len() >= 9)
    });
    wholes.map(str::to_owned).collect()
}

/// Whether a string is an image, sound or file: a data URL, or a lot of base64.
fn is_encoded(text: &str) -> bool {
    let data = match text.split_once(";base64,") {
        Some((head, data)) if head.starts_with("data:") => data,
        _ if text.len() > 256 => text,
        _ => return false,
    };
    data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-=".contains(&byte))
}

static META: Meta = Meta {
    id: "recorder",
    summary: "Keeps what it reads, and finds marks",
    severity: Severity::Low,
    category: Category::Keyword,
    label: "MARK",
    docs: Docs { finds: "", matters: "", example: "", fix: "", limits: "" },
    references: &[],
    flags: &[],
    passes: &[],
};

/// Keeps what the guard reads.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

impl Recorder {
    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// All texts, each between empty lines.
    fn read(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Detector for Recorder {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        for (start, mark) in view.text().match_indices(MARK) {
            findings.push(start, start + mark.len(), 1.0);
        }
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.push_str("\n\n");
        read.push_str(view.text());
        read.push_str("\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_leads_to_the_provider() {
        let body = r#"{"model":"m","max_tokens":9,"input":"a","prompt":"a","messages":[{"role":"user","content":"§§"}]}"#;
        let plain = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"§§"}]}"#;
        RIGS.with(|rigs| {
            for way in 0..WAYS.len() {
                let body = if way < 14 { body } else { plain };
                let input = [&[way as u8], body.as_bytes()].concat();
                let sent = sent(rigs, &input).unwrap();
                let sent = std::str::from_utf8(&sent).unwrap();
                assert!(sent.contains(MASKED) && !sent.contains(MARK), "{way}: {sent}");
                assert!(rigs.recorder.read().contains("\n\n§§"), "{way}");
            }
        });
    }

    #[test]
    fn what_was_not_read_is_noticed() {
        let body = r#"{"type":"text","a":["b"],"c":-123456789.5}"#;
        let read = "\n\na\n\nb\n\nc\n\n123456789\n\n";
        check(body.as_bytes(), read);
        for word in ["a", "b", "c", "123456789"] {
            let less = read.replace(word, "?");
            let noticed = std::panic::catch_unwind(|| check(body.as_bytes(), &less));
            assert!(noticed.is_err(), "{word}");
        }
        let masked = std::panic::catch_unwind(|| check("\"§§\"".as_bytes(), "\n\n§§\n\n"));
        assert!(masked.is_err());
    }
}
