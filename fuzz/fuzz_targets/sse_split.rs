//! However a stream is chunked, the same events come out and no byte is lost.
//!
//! Input: a cap, a chunk pattern of three bytes, then the stream.

#![no_main]

use bartizan_gateway::sse::{Event, Splitter, SseError, write_event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[cap, pattern @ ..], stream)) = input.split_first_chunk::<4>() else { return };
    let cap = if cap == 0 { usize::MAX } else { usize::from(cap) };
    let (events, end) = split(cap, &[stream]);

    let single: Vec<_> = stream.chunks(1).collect();
    assert_eq!(split(cap, &single), (events.clone(), end));

    let mut rest = stream;
    let mut chunks = Vec::new();
    for size in pattern.iter().cycle().map(|&size| usize::from(size) + 1) {
        let (chunk, tail) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(split(cap, &chunks), (events.clone(), end));

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
        assert_eq!((&again[0].event, &again[0].data), (&event.event, &event.data));
    }
});

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
