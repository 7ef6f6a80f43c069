//! What is sealed in a record: the event, as far as it was known, and both sides of the exchange.
//!
//! The event comes first, as JSON behind its length of 4 bytes; then each side: one byte that says whether there is one,
//! 8 with the bytes that there were, 4 with those that follow, and these.

use bartizan_core::event::Event;
use bartizan_core::payload::{Payload, Side};
use zeroize::Zeroizing;

/// Longest event, in bytes; a longer one is shortened.
pub(crate) const EVENT_BYTES: usize = 64 << 10;

/// An exchange as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// What was decided about it, as far as that was known before it was kept.
    pub event: Event,
    /// What went to the provider; absent where nothing did.
    pub request: Option<Side>,
    /// What went to the caller of the provider's answer; absent where nothing did.
    pub answer: Option<Side>,
}

/// The bytes of an exchange.
pub(crate) fn write(payload: &Payload) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let mut event = serde_json::to_vec(&payload.event)?;
    if event.len() > EVENT_BYTES {
        event = serde_json::to_vec(&payload.event.shortened())?;
    }
    let sides = [&payload.request, &payload.answer];
    let bytes = |side: &Option<Side>| side.as_ref().map_or(0, |side| side.bytes().len());
    let length: usize = sides.iter().map(|side| bytes(side) + 13).sum();
    // INVARIANT: as long as it gets, so that no text is left where it lay before.
    let mut out = Zeroizing::new(Vec::with_capacity(4 + event.len() + length));
    out.extend_from_slice(&(event.len() as u32).to_be_bytes());
    out.extend_from_slice(&event);
    for side in sides {
        match side {
            None => out.push(0),
            Some(side) => {
                out.push(1);
                out.extend_from_slice(&side.length().to_be_bytes());
                out.extend_from_slice(&(side.bytes().len() as u32).to_be_bytes());
                out.extend_from_slice(side.bytes());
            }
        }
    }
    Ok(out)
}

/// The exchange of these bytes; none where they are none.
pub(crate) fn read(bytes: &[u8]) -> Option<Content> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (event, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let event = serde_json::from_slice(event).ok()?;
    let (request, rest) = side(rest)?;
    let (answer, rest) = side(rest)?;
    rest.is_empty().then_some(Content { event, request, answer })
}

fn side(bytes: &[u8]) -> Option<(Option<Side>, &[u8])> {
    let (there, rest) = bytes.split_first()?;
    match there {
        0 => Some((None, rest)),
        1 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            let (kept, rest) = rest.split_first_chunk::<4>()?;
            let (kept, rest) = rest.split_at_checked(u32::from_be_bytes(*kept) as usize)?;
            let length = u64::from_be_bytes(*length);
            (length >= kept.len() as u64).then(|| (Some(Side::new(kept.to_vec(), length)), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bartizan_core::RequestId;
    use proptest::prelude::*;

    use super::*;

    fn payload(request: Option<Side>, answer: Option<Side>) -> Payload {
        let event = Event::new(RequestId::new(), "gateway", "chat-completions");
        Payload { event, keep: Duration::from_secs(1), request, answer }
    }

    #[test]
    fn an_event_that_is_too_long_is_shortened() {
        let mut payload = payload(None, None);
        payload.event.model = Some("x".repeat(1 << 20));
        let bytes = write(&payload).unwrap();
        assert!(bytes.len() < EVENT_BYTES);
        assert_eq!(read(&bytes).unwrap().event, payload.event.shortened());
    }

    fn any_side() -> impl Strategy<Value = Option<Side>> {
        prop::option::of((prop::collection::vec(any::<u8>(), 0..200), 0..9_u64).prop_map(
            |(bytes, more)| {
                let length = bytes.len() as u64 + more;
                Side::new(bytes, length)
            },
        ))
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back(request in any_side(), answer in any_side()) {
            let payload = payload(request, answer);
            let bytes = write(&payload).unwrap();
            let content = read(&bytes).unwrap();
            prop_assert_eq!(&content.event, &payload.event);
            prop_assert_eq!(&content.request, &payload.request);
            prop_assert_eq!(&content.answer, &payload.answer);
            for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
                prop_assert_eq!(read(&bytes[..cut]), None);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
