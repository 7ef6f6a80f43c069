//! What judging a text costs with every detector of the catalogue on: `cargo bench -p bartizan-guard`.
//!
//! The numbers to hold on one core: 500 characters in less than 100 µs, 10,000 in less than 2 ms,
//! 1 KiB of English prose in 30 µs or less.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::fmt::Write as _;
use std::sync::Arc;

use bartizan_core::catalog::Meta;
use bartizan_core::operator::Operators;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Category, Channel, ChannelSet, Mode};
use bartizan_guard::{Guard, Session, detectors};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const ENGLISH: &str = "The harbour office opens at eight and closes at noon on Fridays. Most of the boats that \
    leave before the tide turns carry two people and a dog, and come back with less fish than they had hoped \
    for. Nobody minds: the water is calm, the coffee is warm, and there is always somebody at the pier who \
    knows a better story. In the winter of the great storm, says one of them, the waves went over the wall \
    and took three benches, a phone box and the sign of the bakery with them. ";
const RUSSIAN: &str = "Контора порта открывается в восемь и закрывается в полдень по пятницам. Большинство лодок, \
    которые выходят до отлива, везут двух человек и собаку и возвращаются с меньшим уловом, чем хотелось бы. \
    Никто не возражает: вода спокойна, кофе горячий, а на пирсе всегда найдётся рассказчик получше. ";
const CHINESE: &str = "港口办公室早上八点开门，星期五中午关门。涨潮之前出海的船大多载着两个人和一条狗，回来的时候\
    鱼总比期望的少。没有人在意：水面平静，咖啡温热，码头上总有人知道更好的故事。";
const JSON: &str = r#"{"id":"ord-20417","items":[{"sku":"BT-88-A","count":3,"price":19.95,"tags":["rope","blue"]},
  {"sku":"BT-12-C","count":1,"price":240,"tags":[]}],"ship":{"to":"Pier 4","on":"2026-03-04T09:30:00Z","paid":true}},
"#;
const CODE: &str = "fn tide(at: Time, port: &Port) -> Option<Height> {\n    let (low, high) = port.table.around(at)?;\n    \
    // Between two entries the water follows a half sine.\n    let part = (at - low.time) as f64 / (high.time - \
    low.time) as f64;\n    Some(low.height + (high.height - low.height) * (1.0 - (part * PI).cos()) / 2.0)\n}\n\n";

const NUMBERS: &str = "Invoice 20417 of 2026-03-04, order 4500123456, customer 882134907, item BT-88-A (EAN 4006381333931), \
    3 x 19,95 = 59,85; tracking 1Z999AA10123456784, ref 7731-5520-18, pier 4, berth HH 12, slot AB12-34, build 10.4.2.881, \
    9 of 12, ticket 000123456789, batch 2231 7765 9012, phone box 12, row 77, seat 14C, gate 22B, 48 kg, 12:30:45. ";

fn guard(channel: Channel) -> Arc<Guard> {
    let streamed = matches!(channel, Channel::Output | Channel::ToolCall);
    let ids = detectors::ALL.iter().filter(|detector| !(streamed && detector.needs_whole_text()));
    guard_of(channel, by_default(ids.map(|detector| detector.meta())))
}

/// Ids of detectors, without those that are looked for on request alone.
fn by_default(metas: impl Iterator<Item = &'static Meta>) -> Vec<&'static str> {
    metas.map(|meta| meta.id).filter(|id| !detectors::ON_REQUEST.contains(id)).collect()
}

/// A guard of the detectors of personal data.
fn pii_guard(channel: Channel) -> Arc<Guard> {
    let metas = detectors::ALL.iter().map(|detector| detector.meta());
    guard_of(channel, by_default(metas.filter(|meta| meta.category == Category::Pii)))
}

fn guard_of(channel: Channel, ids: Vec<&'static str>) -> Arc<Guard> {
    let guardrail = Guardrail {
        id: "g-all".parse().unwrap(),
        on: ChannelSet::of(&[channel]),
        detect: Detect::Detectors(ids),
        action: Action::Block,
        mode: Mode::Enforce,
        operators: Operators::default(),
        restore: false,
        on_error: OnError::Block,
        threshold: 0.5,
        thresholds: Vec::new(),
        sensitivity: None,
        refine: None,
        exceptions: Vec::new(),
    };
    Arc::new(Guard::builder().guardrail(&guardrail).unwrap().build().unwrap())
}

/// `len` bytes of the sample, over and over, with a counter so that no two lines are equal.
fn text(sample: &str, len: usize) -> String {
    let mut text = String::with_capacity(len + sample.len() + 8);
    let mut count = 0;
    while text.len() < len {
        text.push_str(sample);
        let _ = write!(text, "{count}. ");
        count += 1;
    }
    text.truncate(text.floor_char_boundary(len));
    text
}

fn inspect(bencher: Bencher<'_, '_>, channel: Channel, text: &str) {
    let guard = guard(channel);
    let session = Session::default();
    let report = guard.inspect(channel, text, &session);
    assert!(report.judged.is_empty(), "{:?}", report.judged);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| guard.inspect(channel, divan::black_box(text), &session));
}

fn inspect_pii(bencher: Bencher<'_, '_>, text: &str) {
    let guard = pii_guard(Channel::User);
    let session = Session::default();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| guard.inspect(Channel::User, divan::black_box(text), &session));
}

#[divan::bench(name = "pii/500B/prose")]
fn pii_prose(bencher: Bencher<'_, '_>) {
    inspect_pii(bencher, &text(ENGLISH, 500));
}

#[divan::bench(name = "pii/500B/numbers")]
fn pii_numbers(bencher: Bencher<'_, '_>) {
    inspect_pii(bencher, &text(NUMBERS, 500));
}

const CHANNELS: [Channel; 2] = [Channel::User, Channel::Output];

#[divan::bench(name = "inspect/500B/no-match", args = CHANNELS)]
fn english_500(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(ENGLISH, 500));
}

#[divan::bench(name = "inspect/1KiB/no-match", args = CHANNELS)]
fn english_1k(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(ENGLISH, 1024));
}

#[divan::bench(name = "inspect/10000B/no-match", args = CHANNELS)]
fn english_10k(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(ENGLISH, 10_000));
}

#[divan::bench(name = "inspect/1KiB-ru/no-match", args = CHANNELS)]
fn russian_1k(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(RUSSIAN, 1024));
}

#[divan::bench(name = "inspect/1KiB-zh/no-match", args = CHANNELS)]
fn chinese_1k(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(CHINESE, 1024));
}

#[divan::bench(name = "inspect/1KiB-json/no-match", args = CHANNELS)]
fn json_1k(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(JSON, 1024));
}

#[divan::bench(name = "inspect/1KiB-code/no-match", args = CHANNELS)]
fn code_1k(bencher: Bencher<'_, '_>, channel: Channel) {
    inspect(bencher, channel, &text(CODE, 1024));
}

#[divan::bench(name = "stream/1000x5B/no-match")]
fn stream(bencher: Bencher<'_, '_>) {
    let guard = guard(Channel::Output);
    let session = Arc::new(Session::default());
    let text = text(ENGLISH, 5_000);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut stream = guard.stream(Channel::Output, Arc::clone(&session));
        let mut out = 0;
        for piece in text.as_bytes().chunks(5) {
            out += stream.push(std::str::from_utf8(piece).unwrap()).text.len();
        }
        out + stream.finish().text.len()
    });
}

#[divan::bench(name = "stream/1000x5B/system-prompt")]
fn stream_with_prompt(bencher: Bencher<'_, '_>) {
    let guard = guard(Channel::Output);
    let session = Arc::new(Session::builder().system_prompt([&*text(CODE, 8 << 10)]).build());
    let text = text(ENGLISH, 5_000);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut stream = guard.stream(Channel::Output, Arc::clone(&session));
        let mut out = 0;
        for piece in text.as_bytes().chunks(5) {
            out += stream.push(std::str::from_utf8(piece).unwrap()).text.len();
        }
        out + stream.finish().text.len()
    });
}

#[divan::bench(name = "prompt-index/8KiB/build")]
fn prompt_index(bencher: Bencher<'_, '_>) {
    let text = text(ENGLISH, 8 << 10);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let session = Session::builder().system_prompt([&*text]).build();
        session.system_prompt().map(|index| index.matcher().feed(b'a'))
    });
}
