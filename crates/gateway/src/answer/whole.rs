//! Answers that come in one piece.

use std::time::{Duration, Instant};

use bartizan_core::Channel;
use bartizan_guard::{Guard, Session};
use bytes::{Bytes, BytesMut};

use super::seam;
use crate::envelope::{Envelope, Places};
use crate::error::{GatewayError, Stage};
use crate::json::{Document, Edits, Value};
use crate::protocols::Protocol;
use crate::record::Record;
use crate::upstream::{AnswerBody, CallError};

/// A guarded answer.
#[derive(Debug)]
pub(crate) enum Guarded {
    /// It may go out, perhaps rewritten.
    Passed(Bytes),
    /// A guardrail refused it.
    Refused {
        error: GatewayError,
        /// The refusal in the protocol's own words, where it has them.
        filtered: Option<Vec<u8>>,
    },
}

/// Reads a body to its end, at most `cap` bytes and until `deadline`.
pub(crate) async fn collect(
    mut body: AnswerBody,
    cap: usize,
    idle: Duration,
    deadline: Instant,
) -> Result<Bytes, GatewayError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(GatewayError::ProviderTimeout);
        }
        match body.next(idle.min(left)).await {
            None => break,
            Some(Err(CallError::TimedOut)) => return Err(GatewayError::ProviderTimeout),
            Some(Err(_)) => return Err(GatewayError::ProviderBrokeOff),
            Some(Ok(piece)) => {
                if first.len() + rest.len() + piece.len() > cap {
                    return Err(GatewayError::AnswerTooLarge { limit_bytes: cap });
                }
                if first.is_empty() && rest.is_empty() {
                    first = piece;
                } else {
                    rest.extend_from_slice(&std::mem::take(&mut first));
                    rest.extend_from_slice(&piece);
                }
            }
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Judges an answer and splices masks and restored values into it.
pub(crate) fn guard_whole(
    body: Bytes,
    protocol: &dyn Protocol,
    guard: &Guard,
    session: &Session,
    record: &mut Record,
) -> Result<Guarded, GatewayError> {
    let document = Document::parse(&body).map_err(|error| {
        tracing::warn!(%error, "answer is not usable JSON");
        GatewayError::ProviderUnreadable
    })?;
    let root = document.root();
    record.usage.update(protocol.usage(root));
    let mut places = Places::new(&document, Channel::Output);
    protocol.place_answer(root, &mut places);
    let envelope = Envelope::seal(&document, places);
    record.answer_bytes += envelope.text_bytes() as u64;
    let mut judgement = envelope.inspect(guard, session);
    judgement.not_evaluated.append(&mut envelope.unread());
    judgement.note(record);
    if let Some(error) = judgement.refusal(Stage::Output) {
        return Ok(refused(error, protocol, root, record));
    }
    let joined = protocol.joined(root).into_iter().filter_map(|text| text.as_str());
    if let Err(stop) = seam::read_whole(joined.map(|text| text.text()), guard, session) {
        let error = stop.into_error(record);
        if matches!(error, GatewayError::ProviderUnreadable) {
            return Err(error);
        }
        return Ok(refused(error, protocol, root, record));
    }
    if !judgement.changes() {
        return Ok(Guarded::Passed(body));
    }
    let mut edits = Edits::new(&document);
    judgement.apply(&mut edits)?;
    Ok(Guarded::Passed(edits.apply()?.into()))
}

/// An answer that a guardrail refused, or could not read.
fn refused(
    error: GatewayError,
    protocol: &dyn Protocol,
    root: Value<'_>,
    record: &mut Record,
) -> Guarded {
    // What a filter stopped and what no filter could read are told apart where a status still can.
    let mut filtered = None;
    if let GatewayError::Blocked { rule, .. } = &error {
        record.decided_by(rule.as_str());
        filtered = protocol.filtered_answer(root);
    }
    Guarded::Refused { error, filtered }
}
