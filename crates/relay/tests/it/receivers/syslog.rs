//! Syslog receivers over UDP, TCP and TLS, and how messages are read again.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bartizan_core::settings::{Facility, SinkKind, SyslogSink, Transport};
use bartizan_testkit::tls::Authority;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Mood, Moods, Receiver};

type Messages = Arc<Mutex<Vec<Vec<u8>>>>;

/// A receiver of streams.
pub(crate) struct StreamReceiver {
    moods: Moods,
    messages: Messages,
    transport: Transport,
    port: u16,
    ca: Option<PathBuf>,
}

impl StreamReceiver {
    pub(crate) async fn tcp() -> Self {
        Self::listen(Transport::Tcp, None, None).await
    }

    pub(crate) async fn tls(dir: &Path) -> Self {
        let authority = Authority::new().unwrap();
        let ca = dir.join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        let acceptor = authority.server("localhost").unwrap();
        Self::listen(Transport::Tls, Some(acceptor), Some(ca)).await
    }

    async fn listen(transport: Transport, tls: Option<TlsAcceptor>, ca: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (moods, messages) = (Moods::new(Mood::Well), Messages::default());
        let (mood, kept) = (moods.clone(), Arc::clone(&messages));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (mood, kept, tls) = (mood.get(), Arc::clone(&kept), tls.clone());
                if mood == Mood::Refuses {
                    continue;
                }
                // One after the other, as a receiver that keeps the order does.
                match tls {
                    None => take(stream, mood, &kept).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            take(stream, mood, &kept).await;
                        }
                    }
                }
            }
        });
        Self { moods, messages, transport, port, ca }
    }
}

/// Reads frames until the other side ends.
async fn take(mut stream: impl AsyncRead + Unpin, mood: Mood, kept: &Messages) {
    let mut buffer = Vec::new();
    let mut taken = 0;
    let mut chunk = vec![0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        buffer.extend_from_slice(&chunk[..read]);
        while let Some((message, rest)) = frame(&buffer) {
            kept.lock().unwrap().push(message);
            buffer = rest;
            taken += 1;
        }
        if mood == Mood::Cuts && taken > 20 {
            return;
        }
        if mood == Mood::Slow {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// One message behind its length, and what follows.
fn frame(buffer: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let space = buffer.iter().position(|byte| *byte == b' ')?;
    let len: usize = std::str::from_utf8(&buffer[..space]).unwrap().parse().unwrap();
    let (message, rest) = buffer[space + 1..].split_at_checked(len)?;
    Some((message.to_vec(), rest.to_vec()))
}

/// The entry in a message.
fn text(message: &[u8]) -> Vec<u8> {
    let message = std::str::from_utf8(message).unwrap();
    assert!(message.starts_with('<') && message.contains(">1 "), "{message}");
    let (_, text) = message.split_once("\"] ").unwrap_or_else(|| panic!("{message}"));
    text.trim_start_matches('\u{feff}').as_bytes().to_vec()
}

impl Receiver for StreamReceiver {
    fn kind(&self) -> SinkKind {
        SinkKind::Syslog(SyslogSink {
            transport: self.transport,
            host: "localhost".to_owned(),
            port: self.port,
            ca: self.ca.clone(),
            facility: Facility::Audit,
        })
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()> {
        self.moods.set(mood);
        futures_util::future::ready(()).boxed()
    }

    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        let lines = self.messages.lock().unwrap().iter().map(|message| text(message)).collect();
        futures_util::future::ready(lines).boxed()
    }
}

/// A receiver of datagrams, on a thread of its own: what it does not take in time is lost.
pub(crate) struct DatagramReceiver {
    port: u16,
    messages: Messages,
    listening: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl DatagramReceiver {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        Self { port, messages: Messages::default(), listening: None }
    }

    fn listen(&mut self) {
        if self.listening.is_some() {
            return;
        }
        let socket = UdpSocket::bind(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (kept, ends) = (Arc::clone(&self.messages), Arc::new(AtomicBool::new(false)));
        let asked = Arc::clone(&ends);
        let listening = std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !asked.load(Ordering::SeqCst) {
                if let Ok(read) = socket.recv(&mut buffer) {
                    kept.lock().unwrap().push(buffer[..read].to_vec());
                }
            }
        });
        self.listening = Some((ends, listening));
    }

    fn end(&mut self) {
        if let Some((ends, listening)) = self.listening.take() {
            ends.store(true, Ordering::SeqCst);
            listening.join().unwrap();
        }
    }
}

impl Drop for DatagramReceiver {
    fn drop(&mut self) {
        self.end();
    }
}

impl Receiver for DatagramReceiver {
    fn kind(&self) -> SinkKind {
        SinkKind::Syslog(SyslogSink {
            transport: Transport::Udp,
            host: "127.0.0.1".to_owned(),
            port: self.port,
            ca: None,
            facility: Facility::Local(0),
        })
    }

    fn moods(&self) -> &'static [Mood] {
        // What is lost on the way, nobody can see.
        &[Mood::Refuses, Mood::Well]
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()> {
        if mood == Mood::Well {
            self.listen();
        } else {
            self.end();
        }
        futures_util::future::ready(()).boxed()
    }

    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        let lines = self.messages.lock().unwrap().iter().map(|message| text(message)).collect();
        futures_util::future::ready(lines).boxed()
    }
}
