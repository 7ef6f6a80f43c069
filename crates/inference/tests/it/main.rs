//! The inference log through its public surface.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking and read only what they wrote"
)]

mod kills;
mod load;

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::event::{Event, EventSink, RecordError, Recorded};
use bartizan_core::id::RequestId;
use bartizan_core::payload::{Payload, Side};
use bartizan_inference::{KeySource, PURPOSE};
use bartizan_secrets::Keyring;

/// Takes every event and forgets it.
struct NoEvents;

impl EventSink for NoEvents {
    fn record(&self, _: &Event) -> Result<Recorded, RecordError> {
        Ok(Recorded::Settled)
    }
}

/// A master key of tests.
fn keys() -> KeySource {
    const KEY: &str = "bzk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    Arc::new(|| Ok(Keyring::parse(&bartizan_core::Secret::new(KEY))?.derive(PURPOSE)?))
}

fn payload(name: &str, bytes: usize) -> Payload {
    let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
    event.principal = Some(name.to_owned());
    event.endpoint = Some("protected-llm".to_owned());
    let side = || Some(Side::new(vec![b'x'; bytes], bytes as u64));
    Payload { event, keep: Duration::from_hours(24), request: side(), answer: side() }
}
