//! How fast the log takes events: `cargo bench -p bartizan-ledger`.
//!
//! The number to hold is 20,000 durable events per second from two threads, while the disk syncs.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use bartizan_core::channel::Channel;
use bartizan_core::event::{Event, EventSink as _, FindingRecord};
use bartizan_core::id::RequestId;
use bartizan_core::settings::{EventLog, OnError};
use bartizan_core::verdict::Verdict;
use bartizan_ledger::EventLogWriter;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Events per call, so that the cost of one write stands out from the clock's.
const BATCH: usize = 1_000;

#[divan::bench(name = "record/2-findings", threads = [1, 2, 8])]
fn record(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().unwrap();
    let config =
        EventLog { segment_bytes: 64 << 20, total_bytes: 256 << 20, on_failure: OnError::Block };
    let log = EventLogWriter::open(dir.path(), config).unwrap();
    let event = event();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| {
        for _ in 0..BATCH {
            log.record(&event).unwrap();
        }
    });
}

fn event() -> Event {
    let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
    event.principal = Some("sp:support-bot".to_owned());
    event.endpoint = Some("protected-llm".to_owned());
    event.tokens_in = Some(312);
    event.tokens_out = Some(87);
    event.duration_us = Some(51_000);
    for rule in ["email", "iban"] {
        event.findings.push(FindingRecord {
            guardrail: "g-pii".to_owned(),
            rule: rule.to_owned(),
            category: "pii".to_owned(),
            channel: Channel::User,
            pointer: "/messages/0/content".to_owned(),
            turns: None,
            score: 1.0,
            disguise: None,
            verdict: Verdict::Mask,
            dry_run: false,
            exception: None,
        });
    }
    event
}
