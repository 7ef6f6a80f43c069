//! The splitter of server-sent events.

use crate::sse::{Event, Splitter, SseError, write_event};

/// However a stream is chunked, the same events come out and no byte is lost; an event that is
/// written again reads the same.
///
/// Input: a cap, a chunk pattern of three bytes, then the stream.
///
/// # Panics
/// When events differ or bytes are lost.
pub fn sse_split(input: &[u8]) {
    let Some((&[cap, ref pattern @ ..], stream)) = input.split_first_chunk::<4>() else { return };
    let cap = if cap == 0 { usize::MAX } else { usize::from(cap) };
    let (events, end) = split(cap, &[stream]);

    let single: Vec<_> = stream.chunks(1).collect();
    assert_eq!(split(cap, &single), (events.clone(), end));
    assert_eq!(split(cap, &super::pieces(stream, pattern)), (events.clone(), end));

    let joined: Vec<u8> = events.iter().flat_map(|event| event.raw.to_vec()).collect();
    assert!(stream.starts_with(&joined));
    match end {
        Ok(()) => assert_eq!(joined, stream),
        Err(SseError::Unfinished { bytes }) => assert_eq!(joined.len() + bytes, stream.len()),
        Err(_) => {}
    }

    for event in events.iter().filter(|event| event.has_data) {
        let data = std::str::from_utf8(&event.data).expect("data are UTF-8");
        let mut out = Vec::new();
        write_event(&mut out, event.event.as_deref(), data);
        let (again, end) = split(usize::MAX, &[&out]);
        assert_eq!((again.len(), end), (1, Ok(())));
        let again = again.first().map(|again| (&again.event, &again.data));
        assert_eq!(again, Some((&event.event, &event.data)));
    }
}

fn split(cap: usize, chunks: &[&[u8]]) -> (Vec<Event>, Result<(), SseError>) {
    let mut splitter = Splitter::new(cap);
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(chunk);
        while let Some(event) = splitter.next() {
            match event {
                Ok(event) => events.push(event),
                Err(error) => return (events, Err(error)),
            }
        }
    }
    let end = splitter.finish().map(|last| events.extend(last));
    (events, end)
}
