//! A real NATS server with JetStream, behind a wire that can be cut.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use bartizan_core::redact::Secret;
use bartizan_core::settings::{NatsLogin, NatsSink, SinkKind};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::{Mood, Moods, Receiver};

const STREAM: &str = "BARTIZAN";
const SUBJECT: &str = "bartizan.events";
const TOKEN: &str = "a-token";
const BIN: &str = "nats-server";

pub(crate) struct NatsReceiver {
    moods: Moods,
    /// Of the wire.
    port: u16,
    server: u16,
    stream: Option<stream::Stream>,
    _process: Child,
}

impl NatsReceiver {
    pub(crate) async fn new(dir: &Path) -> Self {
        let server = free_port();
        let process = Command::new(binary())
            .args(["-js", "-a", "127.0.0.1", "-p", &server.to_string(), "--auth", TOKEN])
            .arg("-sd")
            .arg(dir.join("nats"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{BIN}: {error}; `cargo xtask test` installs the Debian package `nats-server`"
                )
            });
        let moods = Moods::new(Mood::Well);
        let port = wire(server, moods.clone()).await;
        let mut receiver = Self { moods, port, server, stream: None, _process: process };
        receiver.stream = Some(receiver.make_stream().await);
        receiver
    }

    /// Somebody else writes to the same stream, from now on.
    pub(crate) async fn disturb(&self) {
        let url = format!("nats://127.0.0.1:{}", self.server);
        let options = async_nats::ConnectOptions::new().token(TOKEN.to_owned());
        let stream = jetstream::new(options.connect(url).await.unwrap());
        tokio::spawn(async move {
            loop {
                // The server may be gone at the end of the test.
                let _ = stream.publish("bartizan.other", "else".into()).await;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        });
    }

    async fn make_stream(&self) -> stream::Stream {
        let options = || async_nats::ConnectOptions::new().token(TOKEN.to_owned());
        for _ in 0..100 {
            let url = format!("nats://127.0.0.1:{}", self.server);
            if let Ok(client) = options().connect(url).await {
                let subjects = vec!["bartizan.>".to_owned()];
                let config =
                    stream::Config { name: STREAM.to_owned(), subjects, ..Default::default() };
                if let Ok(stream) = jetstream::new(client).create_stream(config).await {
                    return stream;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the NATS server does not start")
    }
}

/// Debian installs servers where only the administrator looks for them.
fn binary() -> PathBuf {
    let elsewhere = Path::new("/usr/sbin").join(BIN);
    if elsewhere.is_file() { elsewhere } else { BIN.into() }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Passes bytes on, as long as the mood is good.
async fn wire(server: u16, moods: Moods) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let mood = moods.get();
            if mood == Mood::Refuses {
                continue;
            }
            let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
            tokio::spawn(pass(client, server, mood));
        }
    });
    port
}

async fn pass(client: TcpStream, server: TcpStream, mood: Mood) -> Option<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut chunk = vec![0; 4096];
    let mut passed = 0;
    loop {
        let read = from_client.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        to_server.write_all(&chunk[..read]).await.ok()?;
        passed += read;
        if mood == Mood::Slow {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if mood == Mood::Cuts && passed > 20_000 {
            back.abort();
            return None;
        }
    }
}

impl Receiver for NatsReceiver {
    fn kind(&self) -> SinkKind {
        SinkKind::Nats(NatsSink {
            url: format!("nats://127.0.0.1:{}", self.port),
            stream: STREAM.to_owned(),
            subject: SUBJECT.to_owned(),
            login: Some(NatsLogin::Token(Secret::new(TOKEN))),
            ca: None,
        })
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()> {
        self.moods.set(mood);
        ready(()).boxed()
    }

    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        async move {
            let stream = self.stream.as_mut().unwrap();
            let last = stream.info().await.unwrap().state.last_sequence;
            let mut lines = Vec::new();
            for sequence in 1..=last {
                let message = stream.get_raw_message(sequence).await.unwrap();
                if message.subject.as_str() == SUBJECT {
                    lines.push(message.payload.to_vec());
                }
            }
            lines
        }
        .boxed()
    }
}
