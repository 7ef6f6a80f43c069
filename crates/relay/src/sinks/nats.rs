//! Messages of NATS JetStream, each acknowledged by the stream.
//!
//! Messages of a batch are sent without waiting for one another, and each says which one it follows: the
//! stream refuses a message whose predecessor it lacks, so that a connection that breaks never changes
//! the order. Where others write to the same stream this refuses too much: the rest is sent again from
//! there, and as few at once as the stream took before, so that little is sent in vain.

use std::path::Path;
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{
    ContextBuilder, PublishAckFuture, PublishError, PublishErrorKind,
};
use async_nats::jetstream::message::PublishMessage;
use bartizan_core::settings::{self, NatsLogin};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::batch::{Batch, Entry};
use crate::error::{Causes, Interrupted, SinkError, said};
use crate::sinks::Sink;
use crate::tls;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for one acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// Most messages that are sent without waiting.
const MAX_WINDOW: usize = 1024;

/// A stream.
pub(super) struct NatsSink {
    settings: settings::NatsSink,
    /// None before the first batch and after a failure.
    stream: Option<Context>,
    /// Messages sent without waiting, at least 1.
    window: usize,
}

/// Why publishing stopped.
enum Stopped {
    /// Somebody else wrote to the stream in between.
    Overtaken,
    Failed(SinkError),
}

impl NatsSink {
    pub(super) fn new(settings: &settings::NatsSink) -> Self {
        Self { settings: settings.clone(), stream: None, window: MAX_WINDOW }
    }

    async fn connect(&self) -> Result<Context, SinkError> {
        let settings = &self.settings;
        let login = |error: std::io::Error| SinkError::Setting {
            what: "`credentials`",
            said: error.to_string(),
        };
        let options = ConnectOptions::new();
        let options = match &settings.login {
            None => options,
            Some(NatsLogin::Token(token)) => options.token(token.expose().to_owned()),
            Some(NatsLogin::Credentials(content)) => {
                options.credentials(content.expose()).map_err(login)?
            }
        };
        let options = options
            .name("bartizan")
            .require_tls(settings.url.starts_with("tls://"))
            .tls_client_config(tls::client(settings.ca.as_deref().map(Path::new))?)
            .connection_timeout(CONNECT_TIMEOUT)
            // A client that was given up must not look for its server for ever.
            .max_reconnects(5)
            .event_callback(|event| async move { tracing::debug!(%event, "connection to NATS") });
        let client = options.connect(settings.url.as_str()).await.map_err(|error| {
            let (address, source) = (settings.url.clone(), std::io::Error::other(error));
            SinkError::Connect { address, source }
        })?;
        Ok(ContextBuilder::new().timeout(ACK_TIMEOUT).ack_timeout(ACK_TIMEOUT).build(client))
    }

    /// Publishes entries until one is not taken, and says how many were.
    async fn publish(
        &self,
        stream: &Context,
        batch: &Batch,
        entries: &[Entry],
    ) -> (usize, Result<(), Stopped>) {
        let mut sent: Vec<PublishAckFuture> = Vec::with_capacity(entries.len());
        let mut before: Option<String> = None;
        let mut failed = None;
        for entry in entries {
            let id = batch.id_of(entry);
            let message = PublishMessage::build()
                .message_id(&id)
                .expected_stream(&self.settings.stream)
                .payload(entry.line.clone());
            let message = match &before {
                Some(before) => message.expected_last_message_id(before),
                None => message,
            };
            match stream.send_publish(self.settings.subject.clone(), message).await {
                Ok(acknowledged) => sent.push(acknowledged),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
            before = Some(id);
        }
        let mut taken = 0;
        for acknowledged in sent {
            if let Err(error) = acknowledged.await {
                return (taken, Err(self.stopped(&error)));
            }
            taken += 1;
        }
        (taken, failed.map_or(Ok(()), |error| Err(self.stopped(&error))))
    }

    fn stopped(&self, error: &PublishError) -> Stopped {
        let address = format!("{} at {}", self.settings.stream, self.settings.url);
        let text = Causes(error).to_string();
        Stopped::Failed(match error.kind() {
            PublishErrorKind::WrongLastMessageId => return Stopped::Overtaken,
            PublishErrorKind::TimedOut => SinkError::TimedOut { address, wait: ACK_TIMEOUT },
            PublishErrorKind::BrokenPipe => {
                SinkError::Broken { address, source: std::io::Error::other(text) }
            }
            PublishErrorKind::StreamNotFound => {
                let said = format!("no stream takes the subject `{}`", self.settings.subject);
                SinkError::Refused { address, said }
            }
            _ => SinkError::Refused { address, said: said(&text) },
        })
    }

    async fn send(&mut self, batch: &Batch) -> Result<(), Interrupted> {
        // Put back only when all is well: what a broken connection holds back is not to be waited for.
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let mut taken = 0;
        while let Some(rest) = batch.entries.get(taken..).filter(|rest| !rest.is_empty()) {
            let some = rest.get(..self.window).unwrap_or(rest);
            let (more, result) = self.publish(&stream, batch, some).await;
            taken += more;
            match result {
                Ok(()) => self.window = (self.window * 2).min(MAX_WINDOW),
                // The first of the rest follows nobody, so that each turn gets ahead.
                Err(Stopped::Overtaken) if more > 0 => self.window = more,
                Err(Stopped::Overtaken) => {
                    let address = self.settings.stream.clone();
                    let said = "it refuses a message that follows no other".to_owned();
                    return Err(Interrupted { taken, error: SinkError::Refused { address, said } });
                }
                Err(Stopped::Failed(error)) => return Err(Interrupted { taken, error }),
            }
        }
        self.stream = Some(stream);
        Ok(())
    }
}

impl Sink for NatsSink {
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>> {
        self.send(batch).boxed()
    }
}
