//! How many entries a second each sink takes on this machine; run by hand, in release.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::{FileSink, Ledger, Sink, SinkKind};
use bartizan_ledger::EventLogWriter;
use bartizan_relay::Follower;
use bartizan_relay::metrics::Metrics;

use crate::receivers::Receiver;
use crate::receivers::nats::NatsReceiver;
use crate::receivers::otlp::Collector;
use crate::receivers::s3::Store;
use crate::receivers::syslog::{DatagramReceiver, StreamReceiver};

const ENTRIES: u64 = 20_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn entries_per_second() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("ledger");
    let config = Ledger { segment_bytes: 64 << 20, total_bytes: 1 << 30, ..Ledger::DEFAULT };
    let writer = EventLogWriter::open(&log, config).unwrap();
    for _ in 0..ENTRIES {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.model = Some("gpt-5-mini".to_owned());
        event.principal = Some("alice@example.com".to_owned());
        writer.append(&event).unwrap();
    }
    writer.sign().unwrap();
    let path = dir.path().join("export/events.jsonl");
    let file = SinkKind::File(FileSink { path, rotate_bytes: 64 << 20, keep: 8 });
    measure("file", dir.path(), &log, file).await;
    let mut udp = DatagramReceiver::new();
    udp.set(crate::receivers::Mood::Well).await;
    measure("udp", dir.path(), &log, udp.kind()).await;
    let tcp = StreamReceiver::tcp().await;
    measure("tcp", dir.path(), &log, tcp.kind()).await;
    let tls = StreamReceiver::tls(dir.path()).await;
    measure("tls", dir.path(), &log, tls.kind()).await;
    let otlp = Collector::new().await;
    measure("otlp", dir.path(), &log, otlp.kind()).await;
    let s3 = Store::new().await;
    measure("s3", dir.path(), &log, s3.kind()).await;
    let nats = NatsReceiver::new(dir.path()).await;
    measure("nats", dir.path(), &log, nats.kind()).await;
}

async fn measure(name: &str, dir: &Path, log: &Path, kind: SinkKind) {
    let sink = Sink {
        id: format!("s-{name}").parse().unwrap(),
        areas: BTreeSet::new(),
        names: true,
        kind,
    };
    let metrics = Metrics::default().of(&sink.id);
    let follower = Follower::open(log, &dir.join("relay"), &sink, metrics.clone()).unwrap();
    let begin = Instant::now();
    let following = tokio::spawn(follower.run(std::future::pending()));
    while metrics.entries.get() < ENTRIES {
        assert_eq!(metrics.failures.get(), 0, "{name}");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let seconds = begin.elapsed().as_secs_f64();
    following.abort();
    eprintln!("{name}: {:.0} entries/s", ENTRIES as f64 / seconds);
}
