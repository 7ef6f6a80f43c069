//! The console's listener: connections bounded in number and in how long they may stay silent.
//!
//! What is served is the console room's; `axum::serve` would serve it too, but waits for ever for
//! the first byte of a connection and takes as many as there are file handles.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bartizan_console::from_peer;
use bartizan_gateway::{Connections, TlsSource};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 64 << 10;
/// Wait after a connection that could not be accepted: out of file handles, most likely, and
/// connections end meanwhile.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Longest wait for the head of a request, from the start of the connection or the end of the
    /// answer before.
    pub(super) head_timeout: Duration,
    /// Most connections at once; more wait in the queue of the system.
    pub(super) connections: usize,
    /// Longest wait for answers under way when stopping.
    pub(super) drain: Duration,
}

impl Bounds {
    /// Room for people, scripts and scrapers, with this time to end answers.
    pub(super) const fn draining(drain: Duration) -> Self {
        Self { head_timeout: Duration::from_secs(30), connections: 1024, drain }
    }
}

/// Serves until `stop` resolves, then accepts no more and lets answers end.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsSource>,
    stop: impl Future<Output = ()>,
    bounds: Bounds,
) {
    // Telling HTTP/1 from HTTP/2 by the first bytes would wait for them without a timeout.
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_timeout)
        .max_buf_size(HEAD_BYTES);
    let server = Arc::new(server);
    let room = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = Connections::new(tls);
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            never = connections.renew() => match never {},
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "console connection not accepted");
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        };
        let server = Arc::clone(&server);
        let service = TowerToHyperService::new(from_peer(&router, peer.ip()));
        let (watcher, tls) = (connections.watcher(), connections.tls());
        tokio::spawn(async move {
            let ended = match tls {
                None => {
                    let connection = server.serve_connection(TokioIo::new(stream), service);
                    watcher.watch(connection.into_owned()).await
                }
                Some(tls) => {
                    let handshake = TlsAcceptor::from(tls).accept(stream);
                    let Ok(Ok(stream)) = timeout(bounds.head_timeout, handshake).await else {
                        tracing::debug!("no agreement on TLS");
                        return;
                    };
                    let connection = server.serve_connection(TokioIo::new(stream), service);
                    watcher.watch(connection.into_owned()).await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error, "console connection ended");
            }
            drop(permit);
        });
    }
    drop(listener);
    if !connections.drain(bounds.drain).await {
        tracing::warn!(seconds = bounds.drain.as_secs(), "console answers cut off after draining");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A console with room for one connection, and its address.
    async fn start() -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let bounds = Bounds {
            head_timeout: Duration::from_millis(200),
            connections: 1,
            drain: Duration::ZERO,
        };
        tokio::spawn(serve(listener, router, None, std::future::pending(), bounds));
        address
    }

    #[tokio::test]
    async fn closes_connections_that_say_nothing_and_serves_those_behind_them() {
        let address = start().await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HT").await.unwrap();
        let mut asking = TcpStream::connect(address).await.unwrap();
        asking.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        for stream in [&mut silent, &mut slow] {
            let mut said = Vec::new();
            timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap().unwrap();
            assert!(!said.starts_with(b"HTTP/1.1 2"), "{said:?}");
        }
        let mut said = Vec::new();
        timeout(PATIENCE, asking.read_to_end(&mut said)).await.unwrap().unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("HTTP/1.1 200 OK") && said.ends_with("here"), "{said}");
    }
}
