//! Speed of reading and editing bodies, beside `serde_json` on the same bytes.
//!
//! `cargo bench -p bartizan-gateway --bench json`

use bartizan_gateway::json::{Document, Edits};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

/// Sizes of bodies, in bytes, near enough.
const SIZES: &[usize] = &[1 << 10, 32 << 10, 1 << 20];

/// A conversation: mostly prose, with the escapes that prose has.
fn chat(size: usize) -> Vec<u8> {
    let sentence =
        "The quick brown fox jumps over the lazy dog, and then \\\"rests\\\" a while.\\n";
    let message = format!(
        r#"{{"role": "user", "content": "{}", "name": null}}"#,
        sentence.repeat(if size > 4096 { 20 } else { 4 })
    );
    let messages = vec![message.as_str(); (size / message.len()).max(2)].join(",");
    format!(r#"{{"model": "m", "temperature": 0.7, "stream": true, "messages": [{messages}]}}"#)
        .into_bytes()
}

/// Short keys, numbers and words: what tool schemas and results look like.
fn structured(size: usize) -> Vec<u8> {
    let row = r#"{"id":4711,"name":"widget","price":12.5,"tags":["a","b"],"ok":true}"#;
    format!("[{}]", vec![row; (size / row.len()).max(2)].join(",")).into_bytes()
}

#[divan::bench(args = SIZES)]
fn parse_chat(bencher: Bencher<'_, '_>, size: usize) {
    let body = chat(size);
    bencher.counter(BytesCount::new(body.len())).bench_local(|| {
        Document::parse(divan::black_box(&body)).map(|document| document.node_count())
    });
}

#[divan::bench(args = SIZES)]
fn parse_chat_serde_json(bencher: Bencher<'_, '_>, size: usize) {
    let body = chat(size);
    bencher.counter(BytesCount::new(body.len())).bench_local(|| {
        serde_json::from_slice::<serde_json::Value>(divan::black_box(&body)).map(drop)
    });
}

#[divan::bench(args = SIZES)]
fn parse_structured(bencher: Bencher<'_, '_>, size: usize) {
    let body = structured(size);
    bencher.counter(BytesCount::new(body.len())).bench_local(|| {
        Document::parse(divan::black_box(&body)).map(|document| document.node_count())
    });
}

#[divan::bench(args = SIZES)]
fn parse_structured_serde_json(bencher: Bencher<'_, '_>, size: usize) {
    let body = structured(size);
    bencher.counter(BytesCount::new(body.len())).bench_local(|| {
        serde_json::from_slice::<serde_json::Value>(divan::black_box(&body)).map(drop)
    });
}

/// Reads, decodes every string, masks a word in each text and writes.
#[divan::bench(args = SIZES)]
fn mask_chat(bencher: Bencher<'_, '_>, size: usize) {
    let body = chat(size);
    bencher.counter(BytesCount::new(body.len())).bench_local(|| {
        let document = Document::parse(divan::black_box(&body)).ok()?;
        let mut edits = Edits::new(&document);
        for string in document.strings() {
            if let Some(at) = string.text.text().find("fox") {
                edits.replace_text(string.id, [(at..at + 3, "<ANIMAL_1>")]).ok()?;
            }
        }
        edits.apply().ok()
    });
}
