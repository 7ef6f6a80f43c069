//! Guarding a text in pieces gives what guarding it whole gives, with every detector masking.
//!
//! Input: a chunk pattern of three bytes, then the text.

#![no_main]

use std::sync::{Arc, LazyLock};

use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Channel, ChannelSet, Mode};
use bartizan_guard::{Guard, Session, detectors};
use libfuzzer_sys::fuzz_target;

static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let ids = detectors::ALL.iter().map(|detector| detector.meta().id).collect();
    let guardrail = Guardrail {
        id: "g-fuzz".parse().expect("a rule id"),
        on: ChannelSet::ALL,
        detect: Detect::Detectors(ids),
        action: Action::Mask,
        mode: Mode::Enforce,
        restore: false,
        on_error: OnError::Block,
        threshold: 0.5,
    };
    let builder = Guard::builder().guardrail(&guardrail).expect("a guardrail");
    Arc::new(builder.build().expect("a guard"))
});

fuzz_target!(|input: &[u8]| {
    let Some((pattern, text)) = input.split_first_chunk::<3>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let report = GUARD.inspect(Channel::Output, text, &Session::default());
    for judged in &report.judged {
        assert!(text.get(judged.finding.span.range()).is_some(), "{judged:?}");
    }
    let whole = report.rewrite(text);

    let mut stream = GUARD.stream(Channel::Output, Arc::new(Session::default()));
    let mut streamed = String::new();
    let mut rest = text;
    for size in pattern.iter().cycle().map(|size| usize::from(*size) + 1) {
        let (piece, tail) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        streamed.push_str(&stream.push(piece).text);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    streamed.push_str(&stream.finish().text);
    assert_eq!(streamed, whole);
});
