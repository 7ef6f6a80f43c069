//! What of an answer goes to the inference log: as it goes out, or without the values that are put back.

use std::sync::Arc;

use bartizan_guard::{Guard, Session};
use bytes::Bytes;

use super::Exchange;
use crate::answer::{Guarded, KeptApart, guard_whole};
use crate::heavy;
use crate::protocols::Protocol;
use crate::record::Record;
use crate::translate::Translation;

/// What reads a streamed answer once more, where it is kept and values may be put back.
pub(super) fn apart(
    record: &Record,
    protocol: &dyn Protocol,
    translation: Option<&'static dyn Translation>,
    session: &Session,
) -> Option<KeptApart> {
    if record.keeping.is_none() || !session.vault().has_restorable() {
        return None;
    }
    Some(KeptApart {
        codec: protocol.stream()?,
        translation: translation.map(Translation::stream),
        session: Arc::new(session.without_values()),
    })
}

impl Exchange {
    /// Keeps an answer that goes out; without the values that were put back, where `again` is what the provider said.
    pub(super) fn keep_answer(
        &mut self,
        body: &Bytes,
        again: Option<Bytes>,
        protocol: &dyn Protocol,
        guard: &Guard,
        session: &Session,
    ) {
        let mut aside = again.is_some().then(|| self.record.aside());
        let Some(keeping) = &mut self.record.keeping else { return };
        let (Some(again), Some(aside)) = (again, &mut aside) else { return keeping.answers(body) };
        let session = session.without_values();
        let guarded = || guard_whole(again, protocol, guard, &session, aside);
        // What cannot be told apart from values is not kept.
        if let Ok(Guarded::Passed(body)) = heavy::run(body.len(), guarded) {
            keeping.answers(&body);
        }
    }
}
