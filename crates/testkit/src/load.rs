//! A closed-loop HTTP/1.1 load generator that costs far less than what it measures.
//!
//! Each connection sends the same prepared bytes, reads the answer to its end and sends again.
//! Parsing is in `wire`; printing is the binary's.

pub(crate) mod wire;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use wire::{Framing, Step};

/// Largest answer head; more is an error.
const HEAD_LIMIT_BYTES: usize = 64 << 10;

/// Longest wait for one answer; a longer one is an error.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// Why a run could not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Only `http://HOST:PORT/PATH` is understood.
    #[error("`{0}` is not of the form `http://HOST:PORT/PATH`")]
    Url(String),
    /// Latencies beyond what can be counted.
    #[error("latencies cannot be counted")]
    Count,
    /// No connection could be opened.
    #[error("no connection to `{addr}`")]
    Connect {
        /// Host and port.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What to send, and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// `http://HOST:PORT/PATH`.
    pub url: String,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// When to stop.
    pub until: Until,
    /// Time at the start that is not counted.
    pub warmup: Duration,
    /// Body of every request; empty sends GET.
    pub body: Vec<u8>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After this time.
    Elapsed(Duration),
    /// After so many requests over all connections.
    Requests(u64),
}

/// What a run measured; times in microseconds.
#[derive(Debug, Clone)]
pub struct Report {
    /// Answers with status 2xx, read to their end.
    pub requests: u64,
    /// Other answers, and connections that failed.
    pub errors: u64,
    /// Words about the first error.
    pub first_error: Option<String>,
    /// Measured time.
    pub elapsed: Duration,
    latency: Histogram<u64>,
    first_content: Histogram<u64>,
}

impl Report {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Time to the end of the answer at a quantile, 0..=1.
    pub fn latency_us(&self, quantile: f64) -> u64 {
        self.latency.value_at_quantile(quantile)
    }

    /// Time to the first body byte with content at a quantile, 0..=1; none when there was none.
    pub fn first_content_us(&self, quantile: f64) -> Option<u64> {
        (!self.first_content.is_empty()).then(|| self.first_content.value_at_quantile(quantile))
    }

    /// One JSON object, as the binary prints it.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "bartizan.load/v1",
            "requests": self.requests,
            "errors": self.errors,
            "first_error": self.first_error,
            "seconds": self.elapsed.as_secs_f64(),
            "rps": self.rate(),
            "p50_us": self.latency_us(0.5),
            "p90_us": self.latency_us(0.9),
            "p99_us": self.latency_us(0.99),
            "max_us": self.latency.max(),
            "first_content_p50_us": self.first_content_us(0.5),
            "first_content_p99_us": self.first_content_us(0.99),
        })
    }
}

struct Plan {
    addr: String,
    request: Vec<u8>,
    until: Until,
    started: Instant,
    warmup: Duration,
    sent: AtomicU64,
}

/// Runs to the end and reports.
///
/// # Errors
/// [`LoadError`] when nothing could be measured; failed requests are counted in the report.
pub async fn run(load: Load) -> Result<Report, LoadError> {
    let (addr, request) = prepare(&load)?;
    // Fails early and clearly where the server is not there.
    TcpStream::connect(&addr)
        .await
        .map_err(|source| LoadError::Connect { addr: addr.clone(), source })?;
    let plan = Arc::new(Plan {
        addr,
        request,
        until: load.until,
        started: Instant::now(),
        warmup: load.warmup,
        sent: AtomicU64::new(0),
    });
    let tasks: Vec<_> =
        (0..load.connections.max(1)).map(|_| tokio::spawn(connection(Arc::clone(&plan)))).collect();
    let mut report = Tally::new()?;
    for task in tasks {
        match task.await {
            Ok(Ok(tally)) => report.merge(tally)?,
            Ok(Err(error)) => return Err(error),
            Err(_) => report.fail("a connection task ended early"),
        }
    }
    let elapsed = plan.started.elapsed().saturating_sub(plan.warmup);
    Ok(Report {
        requests: report.requests,
        errors: report.errors,
        first_error: report.first_error,
        elapsed,
        latency: report.latency,
        first_content: report.first_content,
    })
}

/// Address and request bytes.
fn prepare(load: &Load) -> Result<(String, Vec<u8>), LoadError> {
    let rest = load.url.strip_prefix("http://").ok_or_else(|| LoadError::Url(load.url.clone()))?;
    let (addr, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !addr.contains(':') {
        return Err(LoadError::Url(load.url.clone()));
    }
    let mut lines = Vec::new();
    if load.body.is_empty() {
        lines.push(format!("GET /{path} HTTP/1.1"));
    } else {
        lines.push(format!("POST /{path} HTTP/1.1"));
        lines.push("content-type: application/json".to_owned());
        lines.push(format!("content-length: {}", load.body.len()));
    }
    lines.push(format!("host: {addr}"));
    lines.extend(load.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let head = format!("{}\r\n\r\n", lines.join("\r\n"));
    let mut request = head.into_bytes();
    request.extend_from_slice(&load.body);
    Ok((addr.to_owned(), request))
}

struct Tally {
    requests: u64,
    errors: u64,
    first_error: Option<String>,
    latency: Histogram<u64>,
    first_content: Histogram<u64>,
}

impl Tally {
    fn new() -> Result<Self, LoadError> {
        let histogram = || Histogram::new_with_max(600_000_000, 3).map_err(|_| LoadError::Count);
        Ok(Self {
            requests: 0,
            errors: 0,
            first_error: None,
            latency: histogram()?,
            first_content: histogram()?,
        })
    }

    fn fail(&mut self, what: &str) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| what.to_owned());
    }

    fn merge(&mut self, other: Self) -> Result<(), LoadError> {
        self.requests += other.requests;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latency.add(other.latency).map_err(|_| LoadError::Count)?;
        self.first_content.add(other.first_content).map_err(|_| LoadError::Count)
    }
}

async fn connection(plan: Arc<Plan>) -> Result<Tally, LoadError> {
    let mut tally = Tally::new()?;
    let mut open: Option<Connection> = None;
    loop {
        let over = match plan.until {
            Until::Elapsed(time) => plan.started.elapsed() >= plan.warmup + time,
            Until::Requests(count) => plan.sent.fetch_add(1, Ordering::Relaxed) >= count,
        };
        if over {
            return Ok(tally);
        }
        let counted = plan.started.elapsed() >= plan.warmup;
        let mut connection = match open.take() {
            Some(connection) => connection,
            None => match Connection::open(&plan.addr).await {
                Ok(connection) => connection,
                Err(error) => {
                    tally.fail(&format!("connect: {error}"));
                    // A server that refuses is not asked in a tight loop.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            },
        };
        let exchange = tokio::time::timeout(ANSWER_LIMIT, connection.exchange(&plan.request));
        match exchange.await {
            Ok(Ok(answer)) => {
                if !(200..300).contains(&answer.status) {
                    tally.fail(&format!("status {}", answer.status));
                } else if counted {
                    tally.requests += 1;
                    tally.latency.saturating_record(micros(answer.total));
                    if let Some(time) = answer.first_content {
                        tally.first_content.saturating_record(micros(time));
                    }
                }
                if !answer.closes {
                    open = Some(connection);
                }
            }
            Ok(Err(error)) => tally.fail(&format!("exchange: {error}")),
            Err(_) => tally.fail("no answer in time"),
        }
    }
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Body up to its first content.
    opening: Vec<u8>,
}

struct Exchange {
    status: u16,
    closes: bool,
    total: Duration,
    first_content: Option<Duration>,
}

impl Connection {
    async fn open(addr: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(32 << 10), opening: Vec::new() })
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Exchange> {
        let started = Instant::now();
        self.stream.write_all(request).await?;
        let head = loop {
            if let Some(end) = wire::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.buffer.len() > HEAD_LIMIT_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.read().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let bytes = self.buffer.get(..head).unwrap_or_default();
        let status = wire::status(bytes).ok_or(io::ErrorKind::InvalidData)?;
        let mut framing = Framing::of(bytes);
        let mut closes = wire::closes(bytes);
        self.buffer.drain(..head);
        self.opening.clear();
        let mut first_content = None;
        loop {
            let opening = &mut self.opening;
            let step = framing.advance(&mut self.buffer, |bytes| {
                if first_content.is_none() {
                    opening.extend_from_slice(bytes);
                    if wire::has_content(opening) {
                        first_content = Some(started.elapsed());
                    }
                }
            });
            match step {
                Step::Done => break,
                Step::Broken => return Err(io::ErrorKind::InvalidData.into()),
                Step::More => {}
            }
            if self.read().await? == 0 {
                if !matches!(framing, Framing::Close) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                closes = true;
                break;
            }
        }
        Ok(Exchange { status, closes, total: started.elapsed(), first_content })
    }

    async fn read(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.buffer).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::fast;
    use crate::upstream::{Fault, Script, Upstream};

    fn load(url: String, body: &str, until: Until) -> Load {
        Load {
            url,
            connections: 4,
            until,
            warmup: Duration::ZERO,
            body: body.as_bytes().to_vec(),
            headers: vec![("authorization".to_owned(), "Bearer x".to_owned())],
        }
    }

    #[tokio::test]
    async fn counts_every_answer_of_a_fast_upstream() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
        let server = tokio::spawn(fast::serve(listener, fast::Answers::default()));
        let whole = run(load(url.clone(), "{}", Until::Requests(100))).await.unwrap();
        assert_eq!((whole.requests, whole.errors), (100, 0));
        assert!(whole.latency_us(0.5) <= whole.latency_us(0.99));
        let stream = run(load(url, "{\"stream\":true}", Until::Requests(20))).await.unwrap();
        assert_eq!((stream.requests, stream.errors), (20, 0));
        assert!(stream.first_content_us(0.5).is_some());
        server.abort();
    }

    #[tokio::test]
    async fn reads_what_hyper_sends_and_sends_what_hyper_reads() {
        let upstream = Upstream::start(Script::text("hello")).await.unwrap();
        let url = format!("{}/v1/chat/completions", upstream.url());
        let report = run(load(url, "{\"stream\":true}", Until::Requests(8))).await.unwrap();
        assert_eq!((report.requests, report.errors), (8, 0));
        let requests = upstream.requests();
        assert_eq!(requests.len(), 8);
        assert_eq!(requests[0].header("authorization"), Some("Bearer x"));
        assert_eq!(&requests[0].body[..], b"{\"stream\":true}");
    }

    #[tokio::test]
    async fn counts_failures_and_says_the_first() {
        let fault = Fault::Status { status: 500, retry_after: None };
        let upstream = Upstream::start(Script::fault(fault)).await.unwrap();
        let url = format!("{}/v1/chat/completions", upstream.url());
        let report = run(load(url, "{}", Until::Requests(5))).await.unwrap();
        assert_eq!((report.requests, report.errors), (0, 5));
        assert_eq!(report.first_error.as_deref(), Some("status 500"));
    }

    #[tokio::test]
    async fn names_an_address_it_cannot_use() {
        let until = Until::Requests(1);
        assert!(matches!(
            run(load("https://x/".to_owned(), "{}", until)).await,
            Err(LoadError::Url(_))
        ));
        assert!(matches!(
            run(load("http://127.0.0.1:1/".to_owned(), "{}", until)).await,
            Err(LoadError::Connect { .. })
        ));
    }
}
