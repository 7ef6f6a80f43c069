//! Short texts that were found clean, remembered.
//!
//! The frame of every answer, and of every event of a stream, is made of the same few words: names of
//! models, types, reasons. Reading them anew takes as long as reading what is said.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use bartizan_core::Channel;

use crate::session::Session;

/// Longest text that is remembered, in bytes. What is known about a request (its system prompt)
/// changes no judgement of a text this short; where more is known, nothing is remembered.
const MAX_BYTES: usize = 23;
/// Texts that are remembered; a power of two.
const SLOTS: usize = 512;

/// A set of clean texts, by a hash whose keys nobody knows, so that nobody can make another text look
/// like one of them. A text that takes the place of another one in the set costs a second reading.
pub(super) struct CleanTexts {
    keys: RandomState,
    slots: Box<[AtomicU64]>,
}

/// Stands for a text in the set.
#[derive(Clone, Copy)]
pub(super) struct Mark(u64);

impl Default for CleanTexts {
    fn default() -> Self {
        Self { keys: RandomState::new(), slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl CleanTexts {
    /// The mark of a text that can be remembered. Placeholders depend on the request.
    pub(super) fn mark(&self, channel: Channel, text: &str, session: &Session) -> Option<Mark> {
        let fits = text.len() <= MAX_BYTES
            && !text.bytes().any(|byte| matches!(byte, b'<' | b'\\'))
            && session.canaries().is_empty()
            && session.context().is_none();
        // Zero stands for an empty slot.
        fits.then(|| Mark(self.keys.hash_one((channel as usize, text)).max(1)))
    }

    /// Whether the text was found clean.
    pub(super) fn contains(&self, mark: Mark) -> bool {
        self.slot(mark).is_some_and(|slot| slot.load(Ordering::Relaxed) == mark.0)
    }

    /// Remembers a text in which nothing was found.
    pub(super) fn insert(&self, mark: Mark) {
        if let Some(slot) = self.slot(mark) {
            slot.store(mark.0, Ordering::Relaxed);
        }
    }

    fn slot(&self, mark: Mark) -> Option<&AtomicU64> {
        self.slots.get(mark.0 as usize % SLOTS)
    }
}
