//! Clients that connect and say nothing, and clients that do not read what they asked for.

use std::time::{Duration, Instant};

use bartizan_testkit::process::allow_open_files;
use bartizan_testkit::raw::Raw;
use bartizan_testkit::upstream::{Fault, Reply, Script};

use crate::support::{Stage, WORD_GUARD, chat};

/// Connections that wait.
const IDLE: usize = 10_000;
/// Files that test and gateway have open besides.
const OTHER_FILES: u64 = 500;
/// Longest time to open them all; more would be tried again and again.
const OPENING: Duration = Duration::from_secs(10);
/// Memory of one connection that has sent nothing or half a head.
const IDLE_BYTES: u64 = 24 << 10;
/// When the gateway gives up on a connection that has no request under way, and how late that may be
/// noticed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const LATE: Duration = Duration::from_secs(10);
/// Longest wait for an answer while others are idle or slow.
const PROMPT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_hold_nobody_up_and_are_closed() {
    // The test holds one end of each connection and the gateway the other.
    allow_open_files(IDLE as u64 + OTHER_FILES).await.unwrap_or_else(|error| panic!("{error}"));
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    let before = stage.process.memory().unwrap().resident_bytes;
    let base = stage.process.ready().gateway.clone();

    let started = Instant::now();
    let mut idle = Vec::with_capacity(IDLE);
    while idle.len() < IDLE {
        let first = idle.len();
        let opening: Vec<_> = (first..IDLE.min(first + 200))
            .map(|number| tokio::spawn(open(base.clone(), number)))
            .collect();
        for task in opening {
            idle.push(task.await.unwrap());
        }
    }
    let opened = started.elapsed();
    // A connection that finds no place to wait is tried again after a second, or is one that only
    // the client believes in.
    assert!(opened < OPENING, "opening took {opened:?}");

    // Connections are accepted in order: whoever is answered on a new one stands behind them all.
    for _ in 0..10 {
        let asked = Instant::now();
        let client = stage.process.gateway();
        let answer =
            client.post_json("/v1/chat/completions", &chat("open", "hi", false)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(asked.elapsed() < PROMPT, "{:?}", asked.elapsed());
    }
    assert!(open_files(&stage) >= IDLE, "{} files are open", open_files(&stage));
    let grown = stage.process.memory().unwrap().resident_bytes.saturating_sub(before);
    assert!(grown < IDLE as u64 * IDLE_BYTES, "{} bytes each", grown / IDLE as u64);

    let closing: Vec<_> = idle
        .into_iter()
        .map(|mut raw| {
            tokio::spawn(async move {
                let patience = (HEAD_TIMEOUT + LATE).saturating_sub(started.elapsed());
                raw.closed(patience).await.map(|_| started.elapsed())
            })
        })
        .collect();
    for task in closing {
        let closed = task.await.unwrap().expect("the connection was closed in time");
        assert!(closed + LATE > HEAD_TIMEOUT, "closed after {closed:?}");
    }
    let left = open_files(&stage);
    assert!(left < OTHER_FILES as usize, "{left} files are still open");
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Most connections say nothing; some begin HTTP/1.1 or HTTP/2 and stop, some stay after an answer.
async fn open(base: String, number: usize) -> Raw {
    let mut raw = Raw::connect(&base).await.unwrap();
    match number % 10 {
        0 => raw.send("POST /v1/chat/completions HTTP/1.1\r\nhost: gate").await.unwrap(),
        // The preface of a client and its empty settings (RFC 9113, 3.4).
        1 => raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap(),
        2 => raw.send("GET /v1/models HTTP/1.1\r\nhost: gateway\r\n\r\n").await.unwrap(),
        _ => {}
    }
    raw
}

fn open_files(stage: &Stage) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", stage.process.id().unwrap())).unwrap().count()
}

/// Far more than all sockets between provider and client hold.
const STREAM_BYTES: u64 = 500 << 20;
/// What sockets and the gateway may hold of a stream that nobody reads.
const WAITING_BYTES: u64 = 32 << 20;
/// Growth of the gateway for one stream that waits for its reader.
const STREAM_MEMORY_BYTES: u64 = 32 << 20;
/// Receive buffer of a slow client: small, so that what it does not read is noticed.
const NARROW_BYTES: u32 = 4096;

/// Asks for a stream and reads nothing of it.
async fn ask_narrow(stage: &Stage) -> Raw {
    let ready = stage.process.ready();
    let key = ready.client_key.clone().unwrap();
    let body = chat("open", "hi", true).to_string();
    let mut raw = Raw::connect_narrow(&ready.gateway, NARROW_BYTES).await.unwrap();
    raw.send(format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await
    .unwrap();
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_a_byte_a_second_holds_back_its_provider_and_nobody_else() {
    let script = Script::fault(Fault::Flood { bytes: STREAM_BYTES });
    let stage = Stage::start(script, WORD_GUARD, "").await;
    let before = stage.process.memory().unwrap().peak_bytes;
    let mut raw = ask_narrow(&stage).await;
    let mut sent = Vec::new();
    // Buffers of the system on the way grow for a while; then nothing may go on.
    let stands = |sent: &[u64]| matches!(sent, [.., a, b, c] if a == b && b == c);
    while sent.len() < 5 || sent.len() < 30 && !stands(&sent) {
        assert_eq!(raw.read(1).await.unwrap().len(), 1);
        let asked = Instant::now();
        let answer = stage.post("/v1/chat/completions", &chat("demo", "hi", false)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(asked.elapsed() < PROMPT, "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_secs(1)).await;
        sent.push(stage.upstream.sent_bytes());
    }
    assert!(sent.last().is_some_and(|sent| *sent < WAITING_BYTES), "the provider sent {sent:?}");
    assert!(stands(&sent), "the provider goes on: {sent:?}");
    let grown = stage.process.memory().unwrap().peak_bytes - before;
    assert!(grown < STREAM_MEMORY_BYTES, "{grown} bytes more");

    drop(raw);
    let event = stage.event(|event| event["outcome"] == "disconnected").await;
    assert!(event["tokens_out"].as_u64().unwrap() > 1000, "{event}");
    assert_eq!(event["status"], 499, "{event}");
    stage.abandoned(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_counts_as_gone_after_the_idle_time() {
    let times =
        "    timeouts: { idle: 1s }\n    limits: [{ id: l-all, per: endpoint, tokens: 1M/h }]\n";
    let script = Script::sequence([
        Reply::text("x").fault(Fault::Flood { bytes: STREAM_BYTES }),
        Reply::text("fine"),
    ]);
    let stage = Stage::start(script, WORD_GUARD, times).await;
    let _raw = ask_narrow(&stage).await;
    let event = stage.event(|event| event["outcome"] == "disconnected").await;
    let charged = event["tokens_in"].as_u64().unwrap() + event["tokens_out"].as_u64().unwrap();
    assert!(charged > 1000, "{event}");
    stage.abandoned(1).await;
    let answer = stage.post("/v1/chat/completions", &chat("open", "hi", false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let left: u64 = answer.header("x-ratelimit-remaining-tokens").unwrap().parse().unwrap();
    assert!(left < 1_000_000 - charged, "{left} left after {charged} were charged");
}
