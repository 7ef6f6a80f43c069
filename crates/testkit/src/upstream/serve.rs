//! Sends the bytes: accepts connections, records requests, paces bodies, commits faults.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::script::{Fault, Reply, Script};
use super::wire::{self, Api, Payload, Vendor, azure};
use super::{Recorded, Shared};

/// Largest request kept; more is answered with 413.
const REQUEST_LIMIT_BYTES: usize = 64 << 20;

/// Marks where the filler of [`Fault::HugeBody`] goes; plain ASCII, so that no API escapes it.
const FILLER_MARK: &str = "@@filler@@";

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// Serves connections until cancelled.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: Arc<Script>,
    shared: Arc<Shared>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: give open connections time to end.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        // Nagle would merge writes that a script wants apart; a failure to switch it off is seen
        // as merged writes and nothing else.
        let _ = stream.set_nodelay(true);
        let (tls, script, shared) = (tls.clone(), Arc::clone(&script), Arc::clone(&shared));
        tokio::spawn(async move {
            let reset = Arc::new(AtomicBool::new(false));
            match tls {
                None => {
                    let wire = Wire { stream, reset: Arc::clone(&reset) };
                    connection(wire, script, shared, reset).await;
                }
                Some(tls) => {
                    // A client that does not trust the certificate has gone.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    connection(stream, script, shared, reset).await;
                }
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    script: Arc<Script>,
    shared: Arc<Shared>,
    reset: Arc<AtomicBool>,
) {
    let service = service_fn(move |request| {
        respond(request, Arc::clone(&script), Arc::clone(&shared), Arc::clone(&reset))
    });
    // Errors here are clients that went away and faults that were asked for.
    let _ =
        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    request: Request<Incoming>,
    script: Arc<Script>,
    shared: Arc<Shared>,
    reset: Arc<AtomicBool>,
) -> Result<Answer, io::Error> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if path == "/__requests" {
        return Ok(control(&head.method, &shared));
    }
    let Ok(body) = Limited::new(body, REQUEST_LIMIT_BYTES).collect().await else {
        return Ok(json_answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "too large" })));
    };
    let body = body.to_bytes();
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let refused = azure::refuses(&path, &head.headers);
    let index = shared.record(Recorded {
        version: head.version,
        method: head.method,
        path: path.clone(),
        headers: head.headers,
        body,
    });
    if let Some((status, body)) = refused {
        return Ok(json_answer(status, &body));
    }
    let Some(api) = Api::of(&path) else {
        return Ok(json_answer(StatusCode::NOT_FOUND, &wire::not_found(&path)));
    };
    // From here on, a client that goes away before the last byte is counted.
    let unfinished = Unfinished::new(shared);
    let mut reply = script.reply(index);
    tokio::time::sleep(reply.first_delay).await;
    if let Some(Fault::HugeBody { .. } | Fault::Flood { .. }) = reply.fault {
        reply.turns = Reply::text(FILLER_MARK).turns;
        reply.pieces = Vec::new();
    }
    let vendor = api.vendor(&path);
    let payload = match wire::answer(api, &path, &value, &reply) {
        Ok(payload) => payload,
        Err(fault) => {
            reply.fault = Some(fault);
            Payload::Json(Value::Null)
        }
    };
    match reply.fault {
        Some(Fault::NeverAnswers) => {
            std::future::pending::<()>().await;
        }
        Some(Fault::ResetBeforeHeaders) => {
            unfinished.finish();
            reset.store(true, Ordering::SeqCst);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Some(Fault::Status { status, retry_after }) => {
            unfinished.finish();
            return Ok(failure(vendor, status, retry_after));
        }
        Some(Fault::WrongContentType) => {
            unfinished.finish();
            let page = "<html><body><h1>It works!</h1></body></html>";
            return Ok(answer_with("text/html; charset=utf-8", full(Bytes::from(page))));
        }
        _ => {}
    }
    Ok(send(payload, reply, unfinished, reset, vendor))
}

/// Lists or forgets recorded requests, for tests in another process.
fn control(method: &Method, shared: &Shared) -> Answer {
    if method == Method::DELETE {
        shared.clear();
        return json_answer(StatusCode::OK, &json!([]));
    }
    let requests: Vec<Value> = shared
        .recorded()
        .iter()
        .map(|request| {
            let headers: serde_json::Map<String, Value> = request
                .headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes())))
                })
                .collect();
            json!({
                "method": request.method.as_str(),
                "path": request.path,
                "headers": headers,
                "body": String::from_utf8_lossy(&request.body),
            })
        })
        .collect();
    json_answer(StatusCode::OK, &json!(requests))
}

/// Starts the body; its writes happen in a task of their own.
fn send(
    payload: Payload,
    reply: Reply,
    unfinished: Unfinished,
    reset: Arc<AtomicBool>,
    vendor: Vendor,
) -> Answer {
    let streamed = matches!(payload, Payload::Frames(_));
    if let (Payload::Json(value), None, true, true) =
        (&payload, reply.fault, reply.splits.is_empty(), reply.delay.is_zero())
    {
        unfinished.finish();
        let mut answer = json_answer(StatusCode::OK, value);
        vendor_headers(&mut answer, vendor);
        return answer;
    }
    let (sender, receiver) = mpsc::channel(1);
    let shared = Arc::clone(&unfinished.shared);
    let plan = Plan::new(payload, &reply);
    tokio::spawn(write(plan, reply, sender, unfinished, reset));
    let kind = if streamed { "text/event-stream; charset=utf-8" } else { "application/json" };
    let mut answer = answer_with(kind, UnsyncBoxBody::new(Channel { receiver, shared }));
    vendor_headers(&mut answer, vendor);
    answer
}

/// What a body consists of, and how it ends.
struct Plan {
    writes: Vec<Bytes>,
    resets: bool,
    every: Option<Duration>,
    filler_bytes: u64,
    flood: Option<Flood>,
}

/// One write that comes again and again.
struct Flood {
    /// Writes before it.
    after: usize,
    /// Several frames.
    block: Bytes,
    bytes: u64,
}

impl Flood {
    /// Takes the frame with the text out of a stream and makes the flood of it.
    fn cut_from(frames: &mut Vec<String>, bytes: u64) -> Self {
        const WORDS: &str = "all that is said here is harmless, and there is no end to it. ";
        let after = frames.iter().position(|frame| frame.contains(FILLER_MARK)).unwrap_or(0);
        let frame = if after < frames.len() { frames.remove(after) } else { String::new() };
        let block = frame.replace(FILLER_MARK, &WORDS.repeat(16)).repeat(16);
        for frame in frames.iter_mut() {
            *frame = frame.replace(FILLER_MARK, "…");
        }
        Self { after, block: Bytes::from(block), bytes }
    }

    /// Sends it; false when the reader went away.
    async fn send(&self, sender: &mpsc::Sender<io::Result<Bytes>>) -> bool {
        let mut sent = 0;
        while sent < self.bytes && !self.block.is_empty() {
            if sender.send(Ok(self.block.clone())).await.is_err() {
                return false;
            }
            sent += self.block.len() as u64;
        }
        true
    }
}

impl Plan {
    fn new(payload: Payload, reply: &Reply) -> Self {
        let mut frames = match payload {
            Payload::Json(value) => vec![value.to_string()],
            Payload::Frames(frames) => frames,
        };
        let mut plan =
            Self { writes: Vec::new(), resets: false, every: None, filler_bytes: 0, flood: None };
        let mut splits = reply.splits.clone();
        match reply.fault {
            Some(Fault::ResetMidStream { after_frames }) => {
                plan.resets = true;
                truncate(&mut frames, after_frames);
            }
            Some(Fault::EndsEarly { after_frames }) => truncate(&mut frames, after_frames),
            Some(Fault::MalformedJson) => truncate(&mut frames, 1),
            Some(Fault::MalformedSse) => {
                let broken = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"brok\n\n";
                frames.insert(1.min(frames.len()), broken.to_owned());
            }
            Some(Fault::SlowDrip { every }) => {
                plan.every = Some(every);
                splits = vec![1];
            }
            Some(Fault::HugeBody { bytes }) => plan.filler_bytes = bytes,
            Some(Fault::Flood { bytes }) => match frames.as_mut_slice() {
                [_] => plan.filler_bytes = bytes,
                _ => plan.flood = Some(Flood::cut_from(&mut frames, bytes)),
            },
            _ => {}
        }
        plan.writes = if splits.is_empty() {
            frames.into_iter().map(Bytes::from).collect()
        } else {
            split(Bytes::from(frames.concat()), &splits)
        };
        plan
    }
}

/// Keeps that many frames; of a body in one piece, half.
fn truncate(frames: &mut Vec<String>, keep: usize) {
    if let [only] = frames.as_mut_slice() {
        let mut half = only.len() / 2;
        while !only.is_char_boundary(half) {
            half -= 1;
        }
        only.truncate(half);
    } else {
        frames.truncate(keep);
    }
}

/// Cuts bytes into writes of the given sizes, used in a circle.
fn split(mut bytes: Bytes, sizes: &[usize]) -> Vec<Bytes> {
    let mut sizes = sizes.iter().copied().filter(|size| *size > 0).cycle();
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let size = sizes.next().unwrap_or(usize::MAX).min(bytes.len());
        out.push(bytes.split_to(size));
    }
    out
}

async fn write(
    plan: Plan,
    reply: Reply,
    sender: mpsc::Sender<io::Result<Bytes>>,
    unfinished: Unfinished,
    reset: Arc<AtomicBool>,
) {
    let pause = plan.every.unwrap_or(reply.delay);
    for (index, bytes) in plan.writes.into_iter().enumerate() {
        if let Some(flood) = plan.flood.as_ref().filter(|flood| flood.after == index)
            && !flood.send(&sender).await
        {
            return;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let mark = FILLER_MARK.as_bytes();
        let at = (plan.filler_bytes > 0)
            .then(|| bytes.windows(mark.len()).position(|window| window == mark))
            .flatten();
        let sent = match at {
            None => sender.send(Ok(bytes)).await.is_ok(),
            Some(at) => fill(&sender, &bytes, at, plan.filler_bytes).await,
        };
        if !sent {
            return;
        }
    }
    unfinished.finish();
    if plan.resets {
        // What was written has to reach the reader first: a reset discards what is on its way.
        tokio::time::sleep(Duration::from_millis(30)).await;
        reset.store(true, Ordering::SeqCst);
        let _ = sender.send(Err(io::ErrorKind::ConnectionReset.into())).await;
    }
}

/// Sends a frame with filler in place of the mark; false when the reader went away.
async fn fill(
    sender: &mpsc::Sender<io::Result<Bytes>>,
    frame: &Bytes,
    at: usize,
    filler_bytes: u64,
) -> bool {
    const BLOCK: &[u8] = &[b'a'; 64 << 10];
    if sender.send(Ok(frame.slice(..at))).await.is_err() {
        return false;
    }
    let mut left = filler_bytes;
    while left > 0 {
        let size = left.min(BLOCK.len() as u64);
        let block = Bytes::from_static(BLOCK).slice(..size as usize);
        if sender.send(Ok(block)).await.is_err() {
            return false;
        }
        left -= size;
    }
    sender.send(Ok(frame.slice(at + FILLER_MARK.len()..))).await.is_ok()
}

fn failure(vendor: Vendor, status: u16, retry_after: Option<u32>) -> Answer {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = json_answer(code, &wire::error_body(vendor, status));
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    vendor_headers(&mut answer, vendor);
    answer
}

fn vendor_headers(answer: &mut Answer, vendor: Vendor) {
    let (name, value) = match vendor {
        Vendor::OpenAi => ("x-request-id", "req_mock"),
        Vendor::Anthropic => ("request-id", "req_mock"),
        Vendor::Databricks => ("served-model-name", "mock-model"),
        Vendor::Azure => ("apim-request-id", "req_mock"),
    };
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn json_answer(status: StatusCode, value: &Value) -> Answer {
    let mut answer = answer_with("application/json", full(Bytes::from(value.to_string())));
    *answer.status_mut() = status;
    answer
}

fn answer_with(kind: &'static str, body: UnsyncBoxBody<Bytes, io::Error>) -> Answer {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn full(bytes: Bytes) -> UnsyncBoxBody<Bytes, io::Error> {
    UnsyncBoxBody::new(Full::new(bytes).map_err(|never: Infallible| match never {}))
}

/// Counts an answer as in flight, and as abandoned when dropped before its end.
struct Unfinished {
    shared: Arc<Shared>,
    finished: bool,
}

impl Unfinished {
    fn new(shared: Arc<Shared>) -> Self {
        let now = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_in_flight.fetch_max(now, Ordering::SeqCst);
        Self { shared, finished: false }
    }

    fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(1, Ordering::SeqCst);
        if !self.finished {
            self.shared.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A body that is fed by a task.
struct Channel {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    shared: Arc<Shared>,
}

impl Body for Channel {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let item = self.receiver.poll_recv(context);
        if let Poll::Ready(Some(Ok(bytes))) = &item {
            self.shared.sent_bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        }
        item.map(|item| item.map(|item| item.map(Frame::data)))
    }
}

/// A connection that can end in a reset instead of a close.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::SeqCst) {
            // A close that lingers zero seconds is a reset; dropping the stream then sends it.
            return Poll::Ready(self.stream.set_zero_linger());
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            // Best effort: without it the peer sees an early end, which tests accept as well.
            let _ = self.stream.set_zero_linger();
        }
    }
}
