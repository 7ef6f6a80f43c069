//! Any chunking of a stream gives the same events, and no byte is lost.

use proptest::prelude::*;

use super::{Event, Splitter, SseError, write_event};

/// Pushes the chunks; gives the events and how the stream ended.
fn split<'c>(
    cap: usize,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<Event>, Result<(), SseError>) {
    let mut splitter = Splitter::new(cap);
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(chunk);
        while let Some(event) = splitter.next() {
            match event {
                Ok(event) => events.push(event),
                Err(error) => {
                    assert!(splitter.next().is_none());
                    assert_eq!(splitter.finish(), Err(error));
                    return (events, Err(error));
                }
            }
        }
    }
    let end = splitter.finish().map(|last| events.extend(last));
    (events, end)
}

fn events(stream: &str) -> Vec<Event> {
    let (events, end) = split(1 << 20, [stream.as_bytes()]);
    assert_eq!(end, Ok(()), "{stream:?}");
    events
}

fn one(stream: &str) -> Event {
    let mut events = events(stream);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn reads_fields_as_the_specification_says() {
    for (stream, data) in [
        ("data: a\n\n", "a"),
        ("data:a\n\n", "a"),
        ("data:  a \n\n", " a "),
        ("data: a\r\n\r\n", "a"),
        ("data: a\r\r", "a"),
        ("data: a\ndata:b\r\ndata: c\r\n\n", "a\nb\nc"),
        ("data\n\n", ""),
        ("data\ndata\n\n", "\n"),
        ("data:\ndata: x\n\n", "\nx"),
        ("data: a: b\n\n", "a: b"),
        ("\u{FEFF}data: a\n\n", "a"),
        ("data: \u{FEFF}\u{2028}é😀\n\n", "\u{FEFF}\u{2028}é😀"),
    ] {
        let event = one(stream);
        assert_eq!((&*event.data, event.has_data), (data.as_bytes(), true), "{stream:?}");
        assert_eq!(event.raw, stream.as_bytes());
        assert!(!event.only_comment && !event.has_unread_text, "{stream:?}");
    }
    let event = one("event: ping\nid: 7\nretry: 250\n\n");
    assert_eq!(event.event.as_deref(), Some("ping"));
    assert_eq!((event.id.as_deref(), event.retry_millis), (Some("7"), Some(250)));
    assert!(!event.has_data && !event.only_comment && !event.has_unread_text);
    assert_eq!(one("event:\ndata: x\n\n").event, None);
}

#[test]
fn a_byte_order_mark_counts_only_at_the_start() {
    let both = events("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n");
    assert!(both[0].has_data && !both[0].has_unread_text);
    assert!(!both[1].has_data && both[1].has_unread_text);
    assert!(one("\u{FEFF}\n").only_comment);
}

#[test]
fn tells_comments_from_events() {
    for (stream, has_unread_text) in
        [(":\n\n", false), (": \n\n", false), ("\n", false), (": hi\n\n", true)]
    {
        let event = one(stream);
        assert!(event.only_comment && !event.has_data, "{stream:?}");
        assert_eq!(event.has_unread_text, has_unread_text, "{stream:?}");
    }
    assert_eq!(events("data: a\n\n\n\n").len(), 3);
}

#[test]
fn says_when_raw_holds_text_that_no_field_shows() {
    for stream in [
        ": secret\ndata: a\n\n",
        "secret: x\ndata: a\n\n",
        "secret\ndata: a\n\n",
        " data: a\n\n",
        "Data: a\n\n",
        "event: secret\nevent: b\ndata: a\n\n",
        "event: secret\nevent:\ndata: a\n\n",
        "id: secret\nid: b\n\n",
        "id: sec\0ret\n\n",
        "retry: secret\n\n",
        "retry: 99999999999999999999999\n\n",
        "retry: 1\nretry: 2\n\n",
    ] {
        assert!(one(stream).has_unread_text, "{stream:?}");
    }
    assert_eq!(one("event: a\nevent: b\n\n").event.as_deref(), Some("b"));
}

#[test]
fn reports_a_stream_that_ends_inside_an_event() {
    for stream in ["data: secret", "data: secret\n", "data: a\n\ndata: secret\r\n", ":", "\u{FEFF}"]
    {
        let (_, end) = split(100, [stream.as_bytes()]);
        assert!(matches!(end, Err(SseError::Unfinished { .. })), "{stream:?}");
    }
    assert_eq!(split(100, [&b""[..]]), (Vec::new(), Ok(())));
    let (events, end) = split(100, [&b"data: a\n\r"[..]]);
    assert_eq!((events.len(), end), (1, Ok(())));
}

#[test]
fn gives_an_event_as_soon_as_its_blank_line_is_there() {
    for end in ["\n\n", "\r\n\r\n"] {
        let mut splitter = Splitter::default();
        splitter.push(format!("data: a{end}").as_bytes());
        assert!(splitter.next().is_some(), "{end:?}");
    }
}

#[test]
fn refuses_an_event_beyond_the_cap() {
    let (events, end) = split(10, [&b"data: a\n\ndata: abc\n\n"[..]]);
    assert_eq!((events.len(), end), (1, Err(SseError::TooLong { cap: 10 })));
    let mut splitter = Splitter::new(10);
    splitter.push(b"data: never");
    assert_eq!(splitter.next(), Some(Err(SseError::TooLong { cap: 10 })));
    assert_eq!(split(10, [&b"data: ab\n\n"[..]]).1, Ok(()));
}

#[test]
fn refuses_an_event_that_is_not_utf8() {
    let (events, end) = split(100, [&b"data: a\n\ndata: \xFF\n\n"[..]]);
    assert_eq!((events.len(), end), (1, Err(SseError::InvalidUtf8 { offset: 6 })));
}

#[test]
fn takes_a_long_event_byte_by_byte() {
    // Quadratic work would be 10^12 steps here.
    let stream = format!("data: {}\r\n\r\n", "x\r\ndata: ".repeat(1 << 17));
    let (events, end) = split(4 << 20, stream.as_bytes().chunks(1));
    assert_eq!((events.len(), end), (1, Ok(())));
    assert_eq!(events[0].raw, stream.as_bytes());
}

#[test]
fn a_type_cannot_smuggle_lines() {
    let mut out = Vec::new();
    write_event(&mut out, Some("a\n\ndata: b\r"), "c");
    let event = one(std::str::from_utf8(&out).unwrap());
    assert_eq!((event.event.as_deref(), &*event.data), (Some("adata: b"), &b"c"[..]));
}

fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(
        [
            "\n",
            "\n",
            "\r",
            "\r\n",
            "\n\n",
            "data",
            "data: ",
            "event: ",
            "id: ",
            "retry: 1",
            ":",
            " ",
            "x",
            "é",
            "😀",
            "\u{FEFF}",
            "{\"a\":1}",
            "\0",
        ]
        .map(str::as_bytes)
        .to_vec(),
    );
    let piece = prop_oneof![40 => piece, 1 => Just(&b"\xFF"[..])];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_chunking_gives_the_same_events(
        stream in any_stream(),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        cap in prop_oneof![Just(1 << 20), 0..64_usize],
    ) {
        let whole = split(cap, [&stream[..]]);
        prop_assert_eq!(&split(cap, stream.chunks(1)), &whole);

        cuts.sort_unstable_by_key(|cut| cut.index(stream.len() + 1));
        let mut rest = &stream[..];
        let mut chunks = Vec::new();
        for cut in cuts {
            let at = cut.index(stream.len() + 1) - (stream.len() - rest.len());
            let (chunk, tail) = rest.split_at(at);
            chunks.push(chunk);
            rest = tail;
        }
        chunks.push(rest);
        prop_assert_eq!(&split(cap, chunks), &whole);

        let (events, end) = whole;
        let joined: Vec<u8> = events.iter().flat_map(|event| event.raw.to_vec()).collect();
        prop_assert!(stream.starts_with(&joined));
        match end {
            Ok(()) => prop_assert_eq!(joined, stream),
            Err(SseError::Unfinished { bytes }) => prop_assert_eq!(joined.len() + bytes, stream.len()),
            Err(_) => {}
        }
    }

    #[test]
    fn what_is_written_reads_back(
        name in prop::option::of("[a-z:. ]{0,8}[a-z]"),
        data in "[ -~\n\u{e9}\u{1F600}]{0,40}",
    ) {
        let mut out = Vec::new();
        write_event(&mut out, name.as_deref(), &data);
        let event = one(std::str::from_utf8(&out).unwrap());
        prop_assert_eq!(event.event, name);
        prop_assert_eq!(&*event.data, data.as_bytes());
        prop_assert!(event.has_data && !event.has_unread_text);
    }
}
