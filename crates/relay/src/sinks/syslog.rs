//! Syslog (RFC 5424) over UDP, TCP and TLS.
//!
//! Nobody answers in syslog. Over TCP and TLS a batch is therefore taken when the receiver has ended its
//! side of the connection after this side was ended, and nothing is heard of it after that: a receiver that
//! dies before it has read everything breaks the connection, then or a moment later, and the batch is sent
//! again. A batch costs one connection by that. Over UDP nothing can be known beyond what the own machine
//! says; whoever needs every entry takes TCP or TLS.

mod message;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::settings::{self, Transport};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use crate::batch::Batch;
use crate::error::{Interrupted, SinkError};
use crate::sinks::Sink;
use crate::tls;
use message::Sender;

/// Longest wait for a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for writing a batch.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the receiver to end its side of the connection.
const END_TIMEOUT: Duration = Duration::from_secs(30);
/// The same, for a receiver that was seen not to.
const SHORT_END_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a connection may still turn out to be broken after its end was seen, at least. What was on the
/// way when the receiver ended it is refused one round trip later.
const REFUSAL_WAIT: Duration = Duration::from_millis(20);
/// Datagrams that are sent at once. A receiver that is busy keeps some 200 KB, which is twice as many.
const BURST: usize = 32;
/// Pause between two bursts.
const BURST_PAUSE: Duration = Duration::from_millis(5);
/// How long the machine of the receiver gets to say that nobody listens there.
const REFUSAL_DELAY: Duration = Duration::from_millis(50);

/// A receiver.
pub(super) struct SyslogSink {
    settings: settings::SyslogSink,
    sender: Sender,
    /// None without TLS.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Whether the receiver was seen not to end its side of a connection.
    stays_open: bool,
}

impl SyslogSink {
    /// # Errors
    /// [`SinkError`], when the host or a certificate cannot be used.
    pub(super) fn new(settings: &settings::SyslogSink) -> Result<Self, SinkError> {
        let tls = match settings.transport {
            Transport::Udp | Transport::Tcp => None,
            Transport::Tls => {
                let name = ServerName::try_from(settings.host.clone()).map_err(|error| {
                    SinkError::Setting { what: "`to`", said: error.to_string() }
                })?;
                let config = tls::client(settings.ca.as_deref())?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
        };
        let sender = Sender::new(settings.facility);
        Ok(Self { settings: settings.clone(), sender, tls, stays_open: false })
    }

    fn address(&self) -> String {
        let (host, port) = self.target();
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn target(&self) -> (&str, u16) {
        (self.settings.host.as_str(), self.settings.port)
    }

    async fn send(&mut self, batch: &Batch) -> Result<(), Interrupted> {
        if self.settings.transport == Transport::Udp {
            return self.send_datagrams(batch).await;
        }
        let mut frames = Vec::with_capacity(2 * batch.len_bytes());
        for entry in &batch.entries {
            let message = self.sender.message(batch, entry);
            frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
            frames.extend_from_slice(&message);
        }
        let begin = Instant::now();
        let stream = self.connect().await?;
        // A connection takes one round trip to make.
        let wait = REFUSAL_WAIT.max(begin.elapsed() * 2);
        match self.tls.clone() {
            None => self.send_frames(stream, &frames, |tcp| tcp, wait).await?,
            Some((connector, name)) => {
                let shaking =
                    tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(name, stream));
                let stream = shaking.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                let stream = stream.map_err(|source| self.unreachable(source))?;
                self.send_frames(stream, &frames, |tls| tls.get_ref().0, wait).await?;
            }
        }
        Ok(())
    }

    async fn connect(&self) -> Result<TcpStream, SinkError> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(self.target()));
        let stream = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|source| self.unreachable(source))?;
        // What is written is written at once; there is nothing to wait for.
        stream.set_nodelay(true).map_err(|source| self.unreachable(source))?;
        Ok(stream)
    }

    /// Writes everything, ends this side, and waits until the receiver has ended the other in order.
    async fn send_frames<S>(
        &mut self,
        mut stream: S,
        frames: &[u8],
        tcp: fn(&S) -> &TcpStream,
        refusal_wait: Duration,
    ) -> Result<(), SinkError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let address = self.address();
        let broken = |source| SinkError::Broken { address: address.clone(), source };
        let writing = async {
            stream.write_all(frames).await?;
            stream.flush().await?;
            stream.shutdown().await
        };
        match tokio::time::timeout(WRITE_TIMEOUT, writing).await {
            Err(_) => return Err(SinkError::TimedOut { address, wait: WRITE_TIMEOUT }),
            Ok(written) => written.map_err(broken)?,
        }
        let wait = if self.stays_open { SHORT_END_TIMEOUT } else { END_TIMEOUT };
        if let Ok(ended) = tokio::time::timeout(wait, read_to_end(&mut stream)).await {
            ended.map_err(broken)?;
        } else {
            if !self.stays_open {
                tracing::warn!(
                    address,
                    "the receiver does not end its side of a connection; what it loses when it dies \
                     is not noticed"
                );
            }
            self.stays_open = true;
        }
        tokio::time::sleep(refusal_wait).await;
        match tcp(&stream).take_error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(broken(error)),
        }
    }

    async fn send_datagrams(&self, batch: &Batch) -> Result<(), Interrupted> {
        let socket = self.socket().await.map_err(|source| self.unreachable(source))?;
        for (index, entry) in batch.entries.iter().enumerate() {
            if index > 0 && index.is_multiple_of(BURST) {
                tokio::time::sleep(BURST_PAUSE).await;
            }
            let datagram = self.sender.datagram(batch, entry);
            // The error may be about any datagram before this one, so that none counts as taken.
            socket.send(&datagram).await.map_err(|source| self.unreachable(source))?;
        }
        tokio::time::sleep(REFUSAL_DELAY).await;
        match socket.take_error() {
            Ok(None) => Ok(()),
            Ok(Some(source)) | Err(source) => Err(self.unreachable(source).into()),
        }
    }

    async fn socket(&self) -> io::Result<UdpSocket> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(self.target()).await? {
            let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(own).await?;
            match socket.connect(address).await {
                Ok(()) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn unreachable(&self, source: io::Error) -> SinkError {
        SinkError::Connect { address: self.address(), source }
    }
}

impl Sink for SyslogSink {
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>> {
        self.send(batch).boxed()
    }
}

/// Reads until the other side has ended; what a receiver says in syslog means nothing.
async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut nothing = [0; 256];
    loop {
        match stream.read(&mut nothing).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // TLS that ends without saying so; the connection below ended in order.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
