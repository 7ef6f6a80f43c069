//! A model provider that answers from a script, over real TCP, in the vendors' own bytes.
//!
//! Here: starting it, recording what it was sent, and routing a request to the API it belongs to.
//! `script` says what to answer, `wire` puts the answer into the bytes of each API, `serve` paces
//! them and commits the faults.

mod script;
mod serve;
mod wire;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::http::{HeaderMap, Method, Version};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::tls::Authority;

pub(crate) use script::pieces;
pub use script::{Fault, Reply, Script, Text, ToolCall, Turn};

/// Name in the certificate of an upstream with TLS.
const LOCAL_HOST: &str = "localhost";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Version of HTTP that it came in.
    pub version: Version,
    /// Method.
    pub method: Method,
    /// Path with query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: HeaderMap,
    /// Body, byte for byte.
    pub body: Bytes,
}

impl Recorded {
    /// Body as JSON, or null where it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    abandoned: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    sent_bytes: AtomicU64,
}

impl Shared {
    fn record(&self, request: Recorded) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        requests.len() - 1
    }

    fn recorded(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn clear(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A running fake provider; stops when dropped.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(script: Script) -> std::io::Result<Self> {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)), script).await
    }

    /// Starts on the given address.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub async fn bind(addr: SocketAddr, script: Script) -> std::io::Result<Self> {
        Self::serve(addr, script, None).await
    }

    /// Starts on a free loopback port with TLS, for clients that trust the authority. HTTP/1.1 or
    /// HTTP/2, as is agreed in the handshake. Resets that a script asks for come as early ends.
    ///
    /// # Errors
    /// When no port can be bound or no certificate made.
    pub async fn start_tls(script: Script, authority: &Authority) -> std::io::Result<Self> {
        let tls = authority.server(LOCAL_HOST).map_err(std::io::Error::other)?;
        Self::serve(SocketAddr::from(([127, 0, 0, 1], 0)), script, Some(tls)).await
    }

    async fn serve(
        addr: SocketAddr,
        script: Script,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task =
            tokio::spawn(serve::accept(listener, tls, Arc::new(script), Arc::clone(&shared)));
        Ok(Self { addr, scheme, shared, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS; OpenAI clients append `/v1`
    /// themselves or take it in the base URL.
    pub fn url(&self) -> String {
        match self.scheme {
            "https" => format!("https://{LOCAL_HOST}:{}", self.addr.port()),
            scheme => format!("{scheme}://{}", self.addr),
        }
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.recorded()
    }

    /// Forgets the requests so far; a script with several replies starts over.
    pub fn clear(&self) {
        self.shared.clear();
    }

    /// Connections accepted so far: tells whether they are reused.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Answers whose reader went away before their end.
    pub fn abandoned(&self) -> usize {
        self.shared.abandoned.load(Ordering::SeqCst)
    }

    /// Most requests at a time that waited for the end of their answer.
    pub fn most_in_flight(&self) -> usize {
        self.shared.most_in_flight.load(Ordering::SeqCst)
    }

    /// Bytes of streamed answers that connections have taken so far; what their buffers hold is
    /// counted as sent.
    pub fn sent_bytes(&self) -> u64 {
        self.shared.sent_bytes.load(Ordering::SeqCst)
    }

    /// Runs until the process ends.
    pub async fn serve_forever(mut self) {
        // The accept loop never returns, so the only outcome is its cancellation.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
