//! What is kept of a stream into which values are put back: the same answer, guarded once more with nothing to put
//! back, so that it holds placeholders where the client reads values.

use std::sync::Arc;

use bartizan_core::Outcome;
use bartizan_guard::{Guard, Session};
use bytes::Bytes;

use super::{Flow, Pump};
use crate::protocols::{Protocol, StreamCodec};
use crate::record::Record;
use crate::sse::Splitter;
use crate::translate::StreamTranslation;
use crate::upstream::CallError;

/// What reads an answer once more.
pub(crate) struct KeptApart {
    pub(crate) codec: Box<dyn StreamCodec>,
    pub(crate) translation: Option<Box<dyn StreamTranslation>>,
    /// The session of the request, with nothing to put back.
    pub(crate) session: Arc<Session>,
}

/// The answer as it is kept, on its way.
pub(super) struct Apart {
    pump: Pump,
    splitter: Splitter,
    translation: Option<Box<dyn StreamTranslation>>,
    has_ended: bool,
}

impl Apart {
    pub(super) fn new(
        kept: KeptApart,
        protocol: &'static dyn Protocol,
        guard: &Arc<Guard>,
        record: &Record,
    ) -> Self {
        let KeptApart { codec, translation, session } = kept;
        let pump = Pump::new(protocol, codec, Arc::clone(guard), session, record.aside());
        Self { pump, splitter: Splitter::default(), translation, has_ended: false }
    }

    /// Reads a piece of the provider's answer; `flow` is what became of it on its way to the client.
    pub(super) fn take(&mut self, piece: Option<Result<Bytes, CallError>>, flow: &Flow) {
        if self.has_ended {
            return;
        }
        let own = self.pump.take(piece, &mut self.splitter, self.translation.as_deref_mut());
        self.has_ended = matches!(own, Flow::Done(_));
        let is_refused = matches!(flow, Flow::Done(outcome) if *outcome != Outcome::Answered);
        if is_refused && !self.has_ended {
            // What the client never got is not kept. Where both were refused, both stop at one place.
            self.pump.out.clear();
            self.has_ended = true;
        }
    }

    /// What was read since the last time.
    pub(super) fn out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pump.out)
    }
}

impl Pump {
    /// Keeps what went to the client, or what is kept in its place.
    pub(super) fn keep(&mut self, sent: &[u8], apart: Option<&mut Apart>) {
        let Some(keeping) = &mut self.record.keeping else { return };
        match apart {
            Some(apart) => keeping.answers(&apart.out()),
            None => keeping.answers(sent),
        }
    }
}
