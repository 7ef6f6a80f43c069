//! The listening side: connections, HTTP/1.1 and h2, and a drain that lets answers end.

mod connections;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::auth::Peer;
use crate::gateway::Gateway;

pub use connections::{Connections, TlsSource};

/// Longest wait for the head of a request, from the start of the connection or the end of the answer
/// before. HTTP/2 has no end of a head to wait for: after its first request, a connection stays as
/// long as it answers pings.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest head of a request that is read, in bytes. Half of it is served; what is larger than that
/// and still read is refused in the words of the client's protocol.
const HEAD_BYTES: usize = 64 << 10;

/// Longest wait for a client to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most connections at a time; more wait until one ends.
const MAX_CONNECTIONS: usize = 20_000;

/// Most connections that wait to be accepted; the system may allow fewer (`net.core.somaxconn`).
/// What comes beyond them in a burst is tried again by the client's system after a second, or
/// believed to be open and then reset. The usual 128 are used up by one burst of a connection pool.
const BACKLOG: u32 = 4096;

/// Why the gateway does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds, on a runtime with I/O. Port 0 lets the system choose.
    ///
    /// # Errors
    /// [`ServerError::Bind`].
    pub fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let error = |source| ServerError::Bind { address, source };
        let listener = listen(address).map_err(error)?;
        let address = listener.local_addr().map_err(error)?;
        Ok(Self { listener, address })
    }

    /// The address that was bound.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves, then accepts no more and waits up to `drain` for answers that
    /// are under way. Speaks TLS where it is said how.
    pub async fn serve(
        self,
        gateway: Arc<Gateway>,
        tls: Option<TlsSource>,
        stop: impl Future<Output = ()>,
        drain: Duration,
    ) {
        if !self.address.ip().is_loopback() && tls.is_none() {
            let address = self.address;
            tracing::warn!(%address, "gateway is open to other machines, over plain HTTP");
        }
        let mut server = auto::Builder::new(TokioExecutor::new());
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .keep_alive(true);
        server
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD_BYTES as u32)
            .max_concurrent_streams(256)
            .keep_alive_interval(Duration::from_secs(30));
        let server = Arc::new(server);
        let mut connections = Connections::new(tls);
        let mut stop = std::pin::pin!(stop);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let next = async {
                let permit = Arc::clone(&places).acquire_owned().await;
                (permit, self.listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                never = connections.renew() => match never {},
                () = &mut stop => break,
            };
            // The semaphore is never closed.
            let Ok(permit) = permit else { break };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file handles, most likely: waiting lets connections end.
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
            let gateway = Arc::clone(&gateway);
            let server = Arc::clone(&server);
            let (watcher, tls) = (connections.watcher(), connections.tls());
            tokio::spawn(async move {
                let _permit = permit;
                let Some(tls) = tls else {
                    return converse(&server, gateway, watcher, stream, Peer::default()).await;
                };
                let handshake = TlsAcceptor::from(tls).accept(stream);
                match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
                    Ok(Ok(stream)) => {
                        let shown = stream.get_ref().1.peer_certificates();
                        let certificate = shown.and_then(|shown| Some(shown.first()?.as_ref()));
                        let certificate = certificate.map(Arc::from);
                        let peer = Peer { is_encrypted: true, certificate };
                        converse(&server, gateway, watcher, stream, peer).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "no agreement on TLS"),
                    Err(_) => tracing::debug!("no agreement on TLS in time"),
                }
            });
        }
        drop(self.listener);
        if !connections.drain(drain).await {
            tracing::warn!(seconds = drain.as_secs(), "answers cut off after draining");
        }
    }
}

/// Answers requests on a connection until it ends.
async fn converse<S>(
    server: &auto::Builder<TokioExecutor>,
    gateway: Arc<Gateway>,
    watcher: Watcher,
    stream: S,
    peer: Peer,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let began = AtomicBool::new(false);
    let service = service_fn(|mut request: Request<Incoming>| {
        began.store(true, Ordering::Relaxed);
        let gateway = Arc::clone(&gateway);
        request.extensions_mut().insert(peer.clone());
        async move { Ok::<_, Infallible>(gateway.serve(request).await) }
    });
    let connection = server.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(watcher.watch(connection));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = tokio::time::sleep(HEAD_TIMEOUT) => {
            // A connection that has not sent one request by now is holding a place.
            if !began.load(Ordering::Relaxed) {
                return;
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "connection ended");
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the process before. Elsewhere than on Unix the
    // option would let a second process take the same port.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
