//! One suite for every sink: a receiver that refuses, breaks off and is slow, a follower that is killed
//! and started again, files of the log that come and go. What must hold: every entry arrives, in order.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::{Ledger, Sink};
use bartizan_ledger::EventLogWriter;
use bartizan_relay::Follower;
use bartizan_relay::metrics::{Metrics, SinkMetrics};
use tokio::task::JoinHandle;

use crate::receivers::file::FileReceiver;
use crate::receivers::nats::NatsReceiver;
use crate::receivers::otlp::Collector;
use crate::receivers::s3::Store;
use crate::receivers::syslog::{DatagramReceiver, StreamReceiver};
use crate::receivers::{Mood, Receiver};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn file() {
    let dir = tempfile::tempdir().unwrap();
    holds(FileReceiver::new(dir.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_udp() {
    holds(DatagramReceiver::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tcp() {
    holds(StreamReceiver::tcp().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    holds(StreamReceiver::tls(dir.path()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn otlp() {
    holds(Collector::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats() {
    let dir = tempfile::tempdir().unwrap();
    holds(NatsReceiver::new(dir.path()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_where_others_write_to_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = NatsReceiver::new(dir.path()).await;
    receiver.disturb().await;
    holds(receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3() {
    let store = Store::new().await;
    let objects = std::sync::Arc::clone(&store.objects);
    holds(store).await;
    let objects = objects.lock().unwrap();
    let (_, checkpoint) = objects.iter().find(|(key, _)| key.ends_with("/checkpoint")).unwrap();
    assert!(checkpoint.starts_with(b"bartizan.invalid/log/"), "the checkpoint is shipped");
}

/// A log with a follower.
struct Scene<R> {
    dir: tempfile::TempDir,
    log: Option<EventLogWriter>,
    receiver: R,
    metrics: SinkMetrics,
    following: Option<JoinHandle<()>>,
    /// Number of every line that was ever written.
    numbers: HashMap<Vec<u8>, u64>,
    /// Number of the first entry that was not put into `numbers`.
    seen: u64,
}

async fn holds(receiver: impl Receiver + 'static) {
    let mut scene = Scene::new(receiver);
    let moods = scene.receiver.moods();
    scene.write(300);
    scene.receiver.set(Mood::Refuses).await;
    scene.follow();
    scene.until("a refusal", |metrics| metrics.failures.get() > 0).await;
    assert_eq!(scene.metrics.entries.get(), 0);
    for mood in moods.iter().copied().filter(|mood| matches!(mood, Mood::Cuts | Mood::Slow)) {
        scene.receiver.set(mood).await;
        scene.write(100);
        // Killed in the middle of whatever it does.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        scene.kill().await;
        scene.follow();
        scene.write(100);
    }
    scene.receiver.set(Mood::Well).await;
    scene.write(600);
    scene.until_all().await;
    scene.arrived(&[]).await;

    // Files that are not shipped go, and that is said.
    scene.kill().await;
    let first = scene.seen;
    scene.write(400);
    let left = scene.keep_only(60_000);
    assert!(left > first, "nothing was removed: {left} {first}");
    scene.follow();
    scene.until_all().await;
    assert_eq!(scene.metrics.missed.get(), left - first);
    scene.arrived(&[(first, left - 1)]).await;
    scene.kill().await;
}

impl<R: Receiver> Scene<R> {
    fn new(receiver: R) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = EventLogWriter::open(&folder(&dir), config(1 << 30)).unwrap();
        let metrics = Metrics::default().of(&"s-test".parse().unwrap());
        let (numbers, following) = (HashMap::new(), None);
        Self { dir, log: Some(log), receiver, metrics, following, numbers, seen: 0 }
    }

    /// Records events and signs them.
    fn write(&mut self, events: usize) {
        let log = self.log.as_ref().unwrap();
        for _ in 0..events {
            let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
            event.model = Some("modèle-1".to_owned());
            log.append(&event).unwrap();
        }
        log.sign().unwrap();
        self.look();
    }

    fn look(&mut self) {
        for entry in bartizan_ledger::entries(&folder(&self.dir), self.seen).unwrap() {
            let (number, line) = entry.unwrap();
            self.numbers.insert(line, number);
            self.seen = number + 1;
        }
    }

    /// Opens the log again with less room, and says which entry is the first that is left.
    fn keep_only(&mut self, total_bytes: u64) -> u64 {
        drop(self.log.take());
        let log = EventLogWriter::open(&folder(&self.dir), config(total_bytes)).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let first = || bartizan_ledger::entries(&folder(&self.dir), 0).unwrap().number();
        while first() == 0 && Instant::now() < deadline {
            log.sign().unwrap();
            std::thread::sleep(Duration::from_millis(50));
        }
        // The log's own entries about that.
        log.sign().unwrap();
        let left = first();
        self.log = Some(log);
        self.look();
        left
    }

    fn follow(&mut self) {
        let sink = Sink {
            id: "s-test".parse().unwrap(),
            areas: BTreeSet::new(),
            names: true,
            kind: self.receiver.kind(),
        };
        let cursors = self.dir.path().join("relay");
        let follower =
            Follower::open(&folder(&self.dir), &cursors, &sink, self.metrics.clone()).unwrap();
        self.following = Some(tokio::spawn(follower.run(std::future::pending())));
    }

    async fn kill(&mut self) {
        let following = self.following.take().unwrap();
        following.abort();
        let _ = following.await;
    }

    async fn until(&self, what: &str, holds: impl Fn(&SinkMetrics) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.metrics) {
            assert!(Instant::now() < deadline, "{what} does not come: {:?}", self.metrics);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the cursor stands behind everything.
    async fn until_all(&self) {
        let cursor = self.dir.path().join("relay/s-test.cursor");
        let end = format!("\"next\":{}}}", self.seen);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = bartizan_core::limits::read_text_file(&cursor, 4096).unwrap_or_default();
            if text.trim_end().ends_with(&end) {
                // What arrived last may not be read yet.
                tokio::time::sleep(Duration::from_millis(200)).await;
                return;
            }
            assert!(Instant::now() < deadline, "{text} is not {end}: {:?}", self.metrics);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every entry has arrived except those of the gaps, which are said, and none before one that it
    /// follows.
    async fn arrived(&mut self, gaps: &[(u64, u64)]) {
        let (mut next, mut twice, mut notices) = (0, 0, Vec::new());
        for line in self.receiver.lines().await {
            let Some(number) = self.numbers.get(&line).copied() else {
                let event: Event = serde_json::from_slice(&line).unwrap();
                assert_eq!(
                    (event.area.as_str(), event.operation.as_str()),
                    ("relay", "entries-missing")
                );
                let gap = gaps.iter().find(|(first, _)| *first == next).expect("a gap begins here");
                let said = event.detail.unwrap();
                assert!(said.contains(&format!("{} to {}", gap.0, gap.1)), "{said}");
                notices.push(*gap);
                next = gap.1 + 1;
                continue;
            };
            assert!(number <= next, "entry {number} arrived before entry {next}");
            if number < next {
                twice += 1;
            } else {
                next += 1;
            }
        }
        assert_eq!(next, self.seen, "entries are missing");
        assert_eq!(notices, gaps);
        eprintln!("{next} entries, {twice} of them again: {:?}", self.metrics);
    }
}

fn folder(dir: &tempfile::TempDir) -> PathBuf {
    Path::join(dir.path(), "ledger")
}

fn config(total_bytes: u64) -> Ledger {
    Ledger { segment_bytes: 20_000, total_bytes, ..Ledger::DEFAULT }
}
