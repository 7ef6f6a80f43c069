//! Receivers on this machine that can be told to misbehave.

pub(crate) mod file;
pub(crate) mod http;
pub(crate) mod nats;
pub(crate) mod otlp;
pub(crate) mod s3;
pub(crate) mod syslog;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bartizan_core::settings::SinkKind;
use futures_util::future::BoxFuture;

/// How a receiver treats whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes nothing.
    Refuses,
    /// Takes a part and breaks off.
    Cuts,
    /// Takes everything, late.
    Slow,
    /// Takes everything.
    Well,
}

/// A mood that can be changed from outside.
#[derive(Debug, Clone)]
pub(crate) struct Moods(Arc<AtomicU8>);

impl Moods {
    pub(crate) fn new(mood: Mood) -> Self {
        Self(Arc::new(AtomicU8::new(mood as u8)))
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.0.store(mood as u8, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> Mood {
        [Mood::Refuses, Mood::Cuts, Mood::Slow, Mood::Well]
            [usize::from(self.0.load(Ordering::SeqCst))]
    }
}

/// Something that entries are shipped to.
pub(crate) trait Receiver: Send {
    /// How it is reached.
    fn kind(&self) -> SinkKind;

    /// Moods that it can have.
    fn moods(&self) -> &'static [Mood] {
        &[Mood::Refuses, Mood::Cuts, Mood::Slow, Mood::Well]
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()>;

    /// Lines of the entries that arrived, in the order in which whoever reads there sees them.
    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>>;
}
