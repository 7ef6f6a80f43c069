//! `latency TEXTS SECONDS ROUNDS [FAMILY…]`: what judging texts costs, by family of detectors, as one line of
//! JSON.
//!
//! TEXTS is a JSON array of `{"name", "text"}`. Texts take turns, each judged with a fresh state, for so many
//! seconds per family and at least so many rounds; all families, unless some are named. `cargo xtask bench guard` runs it on one core, beside programs
//! of others that print the same fields.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "stops at the first surprise"
)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::catalog::Meta;
use bartizan_core::limits::read_text_file;
use bartizan_core::operator::Operators;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Category, Channel, ChannelSet, Mode};
use bartizan_guard::{Guard, Session, detectors};
use serde_json::{Value, json};

/// Most bytes of the file with texts.
const TEXTS_BYTES: u64 = 64 << 20;
/// Detectors that ask the models of attacks.
const ATTACK: [&str; 3] = ["prompt-attack", "planted-request", "adversarial-suffix"];

/// What is measured by itself: a name, where the text comes from, and which detectors read it.
struct Family {
    name: &'static str,
    channel: Channel,
    has: fn(&Meta) -> bool,
}

const FAMILIES: [Family; 7] = [
    Family { name: "everything", channel: Channel::User, has: |_| true },
    Family { name: "everything-document", channel: Channel::Document, has: |_| true },
    Family { name: "rules", channel: Channel::User, has: is_rule },
    Family { name: "pii", channel: Channel::User, has: |meta| meta.category == Category::Pii },
    Family {
        name: "secret",
        channel: Channel::User,
        has: |meta| meta.category == Category::Secret,
    },
    Family { name: "attack", channel: Channel::User, has: is_attack },
    Family { name: "content", channel: Channel::User, has: is_content },
];

fn is_attack(meta: &Meta) -> bool {
    ATTACK.contains(&meta.id)
}

fn is_content(meta: &Meta) -> bool {
    meta.category == Category::UnsafeContent
}

fn is_rule(meta: &Meta) -> bool {
    !is_attack(meta) && !is_content(meta)
}

struct Sample {
    name: String,
    text: String,
    nanos: Vec<u64>,
    findings: usize,
}

fn main() {
    let mut words = std::env::args().skip(1);
    // `cargo test --examples` and the like start it with nothing to do.
    let (Some(texts), Some(seconds), Some(rounds)) = (words.next(), words.next(), words.next())
    else {
        return;
    };
    let file = read_text_file(Path::new(&texts), TEXTS_BYTES).unwrap();
    let texts: Vec<Value> = serde_json::from_str(&file).unwrap();
    let enough = Duration::from_secs_f64(seconds.parse().unwrap());
    let rounds: usize = rounds.parse().unwrap();
    let named: Vec<String> = words.collect();
    let is_asked = |family: &&Family| named.is_empty() || named.iter().any(|it| it == family.name);
    let asked = FAMILIES.iter().filter(is_asked);
    let subjects: Vec<Value> =
        asked.map(|family| measured(family, &texts, enough, rounds)).collect();
    println!("{}", json!({ "subjects": subjects, "peak_kib": peak_kib() }));
}

fn measured(family: &Family, texts: &[Value], enough: Duration, rounds: usize) -> Value {
    let begun = Instant::now();
    let ids: Vec<&'static str> = detectors::ALL
        .iter()
        .map(|detector| detector.meta())
        .filter(|meta| (family.has)(meta) && !detectors::ON_REQUEST.contains(&meta.id))
        .map(|meta| meta.id)
        .collect();
    let count = ids.len();
    let guard = guard(family.channel, ids);
    let ready = begun.elapsed();
    let mut texts: Vec<Sample> = texts
        .iter()
        .map(|text| Sample {
            name: text["name"].as_str().unwrap().to_owned(),
            text: text["text"].as_str().unwrap().to_owned(),
            nanos: Vec::new(),
            findings: 0,
        })
        .collect();
    for text in &mut texts {
        text.findings = inspect(&guard, family.channel, &text.text);
    }
    let begun = Instant::now();
    let mut done = 0;
    while done < rounds || begun.elapsed() < enough {
        for text in &mut texts {
            let begun = Instant::now();
            black_box(inspect(&guard, family.channel, black_box(&text.text)));
            text.nanos.push(u64::try_from(begun.elapsed().as_nanos()).unwrap());
        }
        done += 1;
    }
    json!({
        "name": family.name,
        "detectors": count,
        "ready_ms": ready.as_secs_f64() * 1e3,
        "texts": texts.into_iter().map(said).collect::<Vec<_>>(),
    })
}

fn guard(channel: Channel, ids: Vec<&'static str>) -> Arc<Guard> {
    let guardrail = Guardrail {
        id: "g-measured".parse().unwrap(),
        on: ChannelSet::of(&[channel]),
        detect: Detect::Detectors(ids),
        // Nothing ends the reading early.
        action: Action::Flag,
        mode: Mode::Enforce,
        operators: Operators::default(),
        restore: false,
        on_error: OnError::Block,
        threshold: 0.5,
        thresholds: Vec::new(),
        sensitivity: None,
        exceptions: Vec::new(),
        refine: None,
    };
    let guard = Guard::builder().for_whole_texts().guardrail(&guardrail).unwrap().build();
    Arc::new(guard.unwrap())
}

/// Number of findings; a fresh state each time, so that nothing learned from one text helps the next.
fn inspect(guard: &Guard, channel: Channel, text: &str) -> usize {
    let report = guard.inspect(channel, text, &Session::default());
    assert!(report.not_evaluated.is_empty(), "{:?}", report.not_evaluated);
    report.judged.len()
}

fn said(mut text: Sample) -> Value {
    text.nanos.sort_unstable();
    let count = text.nanos.len();
    let micros = |nanos: u64| nanos as f64 / 1e3;
    // Nearest rank: the smallest value that so many percent do not exceed.
    let percentile = |percent: usize| text.nanos[(count * percent).div_ceil(100).max(1) - 1];
    json!({
        "name": text.name,
        "bytes": text.text.len(),
        "rounds": count,
        "findings": text.findings,
        "p50_us": micros(percentile(50)),
        "p99_us": micros(percentile(99)),
        "total_us": micros(text.nanos.iter().sum()),
    })
}

/// Most memory that was ever resident, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = read_text_file(Path::new("/proc/self/status"), 1 << 20).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
