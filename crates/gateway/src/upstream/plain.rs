//! Calls over plain HTTP/1.1, as to an inference server on the same machine or network.
//!
//! A general client gives each connection a task of its own, and request and answer cross from task
//! to task. Here the task that asks also drives the connection, which leaves out two wake-ups per
//! call; on a machine whose cores are busy these cost more than what the guards do. Connections over
//! TLS stay with the general client: there HTTP/2 shares one among many calls.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri};
use http_body::{Body as _, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tower::Service as _;

/// How long a connection is kept without a call.
const IDLE: Duration = Duration::from_mins(1);
/// Most connections to one server that are kept without a call.
const MAX_IDLE: usize = 512;
/// How often connections that were kept too long are closed.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlainError {
    /// The server never saw the request.
    #[error("not connected")]
    NotConnected(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke; the server may have seen the request.
    #[error("the connection broke")]
    BrokeOff(#[source] hyper::Error),
}

/// Makes connections and keeps them for the next call.
#[derive(Clone)]
pub(super) struct PlainClient {
    connector: HttpConnector,
    pool: Arc<Pool>,
}

#[derive(Default)]
struct Pool {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_server: HashMap<Authority, Vec<Idle>>,
    has_sweeper: bool,
}

struct Idle {
    link: Box<Link>,
    since: Instant,
}

/// A connection and the way to ask over it.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<TcpStream>, Full<Bytes>>,
    /// The connection has ended and must not be polled again.
    has_ended: bool,
}

/// The body of an answer. Reading it to its end gives the connection back.
pub(crate) struct PlainBody {
    body: Option<Incoming>,
    link: Option<Box<Link>>,
    /// Whether the answer says clearly where it ends.
    is_clear: bool,
    server: Authority,
    pool: Arc<Pool>,
}

impl fmt::Debug for PlainClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainClient").finish_non_exhaustive()
    }
}

impl fmt::Debug for PlainBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainBody").field("server", &self.server).finish_non_exhaustive()
    }
}

impl PlainClient {
    pub(super) fn new(connector: HttpConnector) -> Self {
        Self { connector, pool: Arc::default() }
    }

    /// Sends a request and waits for the head of the answer. A kept connection that turns out to be
    /// closed before it took the request is replaced.
    pub(super) async fn request(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<PlainBody>, PlainError> {
        let uri = std::mem::take(request.uri_mut());
        let parts = uri.into_parts();
        let Some(server) = parts.authority else {
            return Err(PlainError::NotConnected("the URL names no host".into()));
        };
        if let Ok(host) = HeaderValue::from_str(server.as_str()) {
            request.headers_mut().entry(HOST).or_insert(host);
        }
        let path = parts.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
        while let Some(mut link) = self.pool.take(&server) {
            match link.ask(request).await {
                Ok(response) => return Ok(self.pool.lend(link, server, response)),
                Err(Unasked::Back(back, _)) => request = *back,
                Err(Unasked::Lost(error)) => return Err(PlainError::BrokeOff(error)),
            }
        }
        let mut link = self.connect(&server).await?;
        match link.ask(request).await {
            Ok(response) => Ok(self.pool.lend(link, server, response)),
            Err(Unasked::Back(_, error)) => Err(PlainError::NotConnected(Box::new(error))),
            Err(Unasked::Lost(error)) => Err(PlainError::BrokeOff(error)),
        }
    }

    async fn connect(&self, server: &Authority) -> Result<Box<Link>, PlainError> {
        let not_connected = |error| PlainError::NotConnected(error);
        let uri = Uri::builder().scheme("http").authority(server.clone()).path_and_query("/");
        let uri = uri.build().map_err(|error| not_connected(error.into()))?;
        let mut connector = self.connector.clone();
        let stream = connector.call(uri).await.map_err(|error| not_connected(error.into()))?;
        let made = http1::handshake(stream).await.map_err(|error| not_connected(error.into()))?;
        let (sender, connection) = made;
        Ok(Box::new(Link { sender, connection, has_ended: false }))
    }
}

/// A request that brought no answer.
enum Unasked {
    /// It was not sent.
    Back(Box<Request<Full<Bytes>>>, hyper::Error),
    /// It may have been.
    Lost(hyper::Error),
}

impl Link {
    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unasked> {
        // A connection that has just been made takes a request once it was polled.
        poll_fn(|context| {
            self.drive(context);
            match self.sender.poll_ready(context) {
                Poll::Pending if !self.has_ended => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        poll_fn(|context| {
            // What the connection reads may be the answer, and tells so by waking this very task.
            for _ in 0..2 {
                if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                    return Poll::Ready(answer.map_err(|mut error| match error.take_message() {
                        Some(back) => Unasked::Back(Box::new(back), error.into_error()),
                        None => Unasked::Lost(error.into_error()),
                    }));
                }
                self.drive(context);
            }
            Poll::Pending
        })
        .await
    }

    /// Lets the connection read and write what it can.
    fn drive(&mut self, context: &mut Context<'_>) {
        if !self.has_ended {
            self.has_ended = Pin::new(&mut self.connection).poll(context).is_ready();
        }
    }

    /// Whether another request can be sent.
    fn is_free(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.has_ended && self.sender.is_ready()
    }
}

impl Pool {
    /// The connection that was used last, if one is open.
    fn take(&self, server: &Authority) -> Option<Box<Link>> {
        loop {
            // Closing a connection must not keep others waiting.
            let idle = self.kept.lock().by_server.get_mut(server)?.pop()?;
            let mut link = idle.link;
            if idle.since.elapsed() < IDLE && link.is_free() {
                return Some(link);
            }
        }
    }

    fn lend(
        self: &Arc<Self>,
        link: Box<Link>,
        server: Authority,
        response: Response<Incoming>,
    ) -> Response<PlainBody> {
        // Where servers disagree about the end of an answer, more of it may come.
        let has = |name| response.headers().contains_key(name);
        let has_none = matches!(response.status().as_u16(), 100..=199 | 204 | 304);
        let is_clear = !(has_none || has(CONTENT_LENGTH) && has(TRANSFER_ENCODING));
        response.map(|body| PlainBody {
            body: Some(body),
            link: Some(link),
            is_clear,
            server,
            pool: Arc::clone(self),
        })
    }

    fn keep(self: &Arc<Self>, server: &Authority, link: Box<Link>) {
        let mut kept = self.kept.lock();
        if !kept.has_sweeper {
            kept.has_sweeper = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
        let idle = Idle { link, since: Instant::now() };
        match kept.by_server.get_mut(server) {
            Some(links) if links.len() >= MAX_IDLE => {}
            Some(links) => links.push(idle),
            None => {
                kept.by_server.insert(server.clone(), vec![idle]);
            }
        }
    }
}

/// Closes connections that nobody has used for long, as long as there is a pool.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut old = Vec::new();
        pool.kept.lock().by_server.retain(|_, links| {
            let fresh = links.partition_point(|idle| idle.since.elapsed() >= IDLE);
            old.extend(links.drain(..fresh));
            !links.is_empty()
        });
        drop(old);
    }
}

impl PlainBody {
    /// The next frame; `None` at the end.
    pub(super) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        let frame = poll_fn(|context| {
            for _ in 0..2 {
                let Some(body) = &mut self.body else { return Poll::Ready(None) };
                if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
                    return Poll::Ready(frame);
                }
                if let Some(link) = &mut self.link {
                    link.drive(context);
                }
            }
            Poll::Pending
        })
        .await;
        let is_over = self.body.as_ref().is_none_or(hyper::body::Body::is_end_stream);
        if is_over || !matches!(frame, Some(Ok(_))) {
            self.give_back();
        }
        frame
    }

    /// Keeps the connection if the answer was read to its end, or what is left of it is there
    /// already; closes it otherwise, which tells the server to stop.
    fn give_back(&mut self) {
        self.body = None;
        if let Some(mut link) = self.link.take()
            && self.is_clear
            && link.is_free()
        {
            self.pool.keep(&self.server, link);
        }
    }
}

impl Drop for PlainBody {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests;
