//! What is read, what is refused, and that another reader sees the same.

use bartizan_core::limits;
use proptest::prelude::*;

use super::super::text::plain_run;
use super::super::{Document, JsonError, Kind, escape_into};
use super::{any_text, any_value, parse, same, strings_of, write};

fn refusal(text: &[u8]) -> JsonError {
    match Document::parse(text) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(text)),
        Err(error) => error,
    }
}

#[test]
fn refuses_what_is_not_json_and_says_where() {
    use JsonError::*;
    let end = |expected| UnexpectedEnd { expected };
    let byte = |expected, offset| UnexpectedByte { expected, offset };
    let cases: &[(&[u8], JsonError)] = &[
        (b"", Empty),
        (b" \r\n\t", Empty),
        (b"\xEF\xBB\xBF{}", ByteOrderMark),
        (b"{\"a\":\"\xFF\"}", InvalidUtf8 { offset: 6 }),
        (b"\"\xED\xA0\x80\"", InvalidUtf8 { offset: 1 }),
        (b"{} {}", Trailing { offset: 3 }),
        (b"1 x", Trailing { offset: 2 }),
        (b"\"a\"\0", Trailing { offset: 3 }),
        (b"{", end("a key in double quotes")),
        (b"[1", end("`,` or `]`")),
        (b"{\"a\"", end("`:`")),
        (b"{\"a\":", end("a value")),
        (b"\"abc", end("the end of a string")),
        (b"\"abc\\", end("the rest of an escape")),
        (b"\"\\u12", end("the rest of an escape")),
        (b"{a:1}", byte("a key in double quotes", 1)),
        (b"{'a':1}", byte("a key in double quotes", 1)),
        (b"{,}", byte("a key in double quotes", 1)),
        (b"[,1]", byte("a value", 1)),
        (b"[1 2]", byte("`,` or `]`", 3)),
        (b"[1}", byte("`,` or `]`", 2)),
        (b"{\"a\":1]", byte("`,` or `}`", 6)),
        (b"{\"a\" 1}", byte("`:`", 5)),
        (b"]", byte("a value", 0)),
        (b"tru", byte("`true`, `false` or `null`", 0)),
        (b"\xC2\xA01", byte("a value", 0)),
        (b"{\"a\":1,\"b\":2,\"a\":3}", DuplicateKey { offset: 13 }),
        (b"{\"a\":1,\"\\u0061\":2}", DuplicateKey { offset: 7 }),
        (b"{\"\\u0061\":1,\"a\":2}", DuplicateKey { offset: 12 }),
        (b"{\"\":1,\"\":2}", DuplicateKey { offset: 6 }),
        (b"[{\"x\":{\"\xC3\xA9\":1,\"\\u00E9\":1}}]", DuplicateKey { offset: 14 }),
        (b"\"\\ud800\"", LoneSurrogate { offset: 1 }),
        (b"\"a\\udc00\"", LoneSurrogate { offset: 2 }),
        (b"\"\\ud800\\u0041\"", LoneSurrogate { offset: 1 }),
        (b"\"\\ud800\\ud800\"", LoneSurrogate { offset: 1 }),
        (b"\"a\nb\"", ControlCharacter { offset: 2 }),
        (b"\"abcdefgh\0\"", ControlCharacter { offset: 9 }),
        (b"{\"\x1F\":1}", ControlCharacter { offset: 2 }),
        (b"\"\\x41\"", InvalidEscape { offset: 1 }),
        (b"\"\\u00g0\"", InvalidEscape { offset: 1 }),
        (b"\"\\u+041\"", InvalidEscape { offset: 1 }),
        (b"\"\\U0041\"", InvalidEscape { offset: 1 }),
        (b"[1e400]", NumberOutOfRange { offset: 1 }),
        (b"// x\n1", Comment { offset: 0 }),
        (b"[1,/* x */2]", Comment { offset: 3 }),
        (b"1 // x", Comment { offset: 2 }),
        (b"{\"a\":1 // x\n}", Comment { offset: 7 }),
        (b"[1,]", TrailingComma { offset: 3 }),
        (b"{\"a\":1 , }", TrailingComma { offset: 9 }),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), *expected, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn refuses_numbers_that_json_does_not_have() {
    for number in [
        "01",
        "-01",
        "00",
        "+1",
        ".5",
        "1.",
        "1.e5",
        "-",
        "-.5",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "-Infinity",
        "1.2.3",
        "1e5.5",
        "--1",
        "1-",
    ] {
        let text = format!("[{number}]");
        assert_eq!(refusal(text.as_bytes()), JsonError::InvalidNumber { offset: 1 }, "{number}");
    }
    let long = "9".repeat(400);
    assert_eq!(refusal(long.as_bytes()), JsonError::NumberOutOfRange { offset: 0 });
}

#[test]
fn errors_never_repeat_the_text() {
    for text in ["{\"secret\":1,\"secret\":2}", "\"secret\\q\"", "secret", "{\"a\":secret}"] {
        let error = refusal(text.as_bytes());
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}

#[test]
fn refuses_one_level_too_deep() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    parse(&nested(limits::JSON_DEPTH));
    let error = refusal(nested(limits::JSON_DEPTH + 1).as_bytes());
    assert_eq!(error, JsonError::TooDeep { offset: limits::JSON_DEPTH });
    let million = "{\"a\":".repeat(1_000_000);
    assert!(matches!(refusal(million.as_bytes()), JsonError::TooDeep { .. }));
}

#[test]
fn refuses_one_node_too_many() {
    let array = |items: usize| format!("[0{}]", ",0".repeat(items - 1));
    assert_eq!(parse(&array(limits::JSON_NODES - 1)).node_count(), limits::JSON_NODES);
    let error = refusal(array(limits::JSON_NODES).as_bytes());
    assert!(matches!(error, JsonError::TooManyNodes { .. }), "{error}");
}

#[test]
fn finds_a_duplicate_among_many_keys() {
    let many = (0..100_000).map(|n| format!("\"k{n}\":0,")).collect::<Vec<_>>().concat();
    let accepted = format!("{{{many}\"other\":1}}");
    assert_eq!(parse(&accepted).root().members().count(), 100_001);
    let refused = format!("{{{many}\"\\u006b77\":1}}");
    assert_eq!(refusal(refused.as_bytes()), JsonError::DuplicateKey { offset: many.len() + 1 });
}

#[test]
fn finds_each_byte_that_cannot_stand_in_a_string() {
    for at in 0..20 {
        for byte in 0..=u8::MAX {
            let mut text = [b'x'; 20];
            text[at] = byte;
            let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
            assert_eq!(plain_run(&text), if is_special { at } else { 20 }, "{byte:#x} at {at}");
        }
    }
}

#[test]
fn takes_the_same_key_in_different_objects() {
    let document = parse(r#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#);
    assert_eq!(document.root().get("a").and_then(|a| a.get("a")?.as_u64()), Some(1));
    let items: Vec<_> = document.root().get("b").unwrap().items().collect();
    assert_eq!(items[1].get("a").unwrap().as_u64(), Some(3));
}

#[test]
fn moves_through_a_document() {
    let text = r#" {"m\u006fdel":"x" , "n":[1, -2.5e1, true, null, {}, []], "end":false} "#;
    let document = parse(text);
    let root = document.root();
    assert_eq!(root.kind(), Kind::Object);
    assert_eq!(root.raw(), text.trim().as_bytes());
    assert!(root.parent().is_none() && root.key().is_none());
    assert!(*root.get("model").unwrap().as_str().unwrap().text() == *"x");
    let items: Vec<_> = root.get("n").unwrap().items().collect();
    assert_eq!(
        items.iter().map(super::Value::kind).collect::<Vec<_>>(),
        [Kind::Number, Kind::Number, Kind::Bool, Kind::Null, Kind::Object, Kind::Array]
    );
    assert_eq!((items[0].as_u64(), items[1].as_u64()), (Some(1), None));
    assert_eq!(items[1].as_f64(), Some(-25.0));
    assert_eq!((items[2].as_bool(), items[3].as_bool()), (Some(true), None));
    assert_eq!(items[4].members().count() + items[5].items().count(), 0);
    assert_eq!(items[0].items().count() + root.items().count(), 0);
    assert_eq!(items[5].parent().unwrap().id(), root.get("n").unwrap().id());
    assert!(items[5].key().is_none());
    assert_eq!(&text[root.get("end").unwrap().span()], "false");
    assert!(root.get("n").unwrap().key().unwrap() == *"n");
    assert!(root.get("n").unwrap().ids().contains(&items[4].id()));
    assert!(!root.get("n").unwrap().ids().contains(&root.get("end").unwrap().id()));
    assert!(root.get("missing").is_none());
}

#[test]
fn lists_keys_and_values_with_their_pointers() {
    let document = parse(r#"{"a/b":["x",{"~":"y","":"z"}],"n":12345}"#);
    let listed: Vec<_> = document
        .strings()
        .map(|string| (string.is_key, string.text.text().into_owned(), document.pointer(string.id)))
        .collect();
    let expected = [
        (true, "a/b", "/a~1b"),
        (false, "x", "/a~1b/0"),
        (true, "~", "/a~1b/1/~0"),
        (false, "y", "/a~1b/1/~0"),
        (true, "", "/a~1b/1/"),
        (false, "z", "/a~1b/1/"),
        (true, "n", "/n"),
    ];
    assert_eq!(listed.len(), expected.len());
    for ((is_key, text, pointer), expected) in listed.iter().zip(expected) {
        assert_eq!((*is_key, text.as_str(), pointer.as_str()), expected);
    }
    assert_eq!(document.pointer(document.root().id()), "");
}

#[test]
fn lists_numbers_with_many_digits() {
    let text =
        r#"[4111111111111111, 12345678, 123456789, 1234.56789, -0.000000001, 1e3, "123456789"]"#;
    let document = parse(text);
    let found: Vec<_> = document.long_numbers().map(|number| number.raw).collect();
    assert_eq!(found, ["4111111111111111", "123456789", "1234.56789", "-0.000000001"]);
    assert!(document.long_numbers().all(|number| &text[number.span.clone()] == number.raw));
}

#[test]
fn grows_ranges_to_whole_characters_and_escapes() {
    let text = r#""a\u00e9b\ud83d\ude00c€d""#;
    let document = parse(text);
    let string = document.root().as_str().unwrap();
    assert_eq!(string.text(), "aéb😀c€d");
    let source = |range| &text[string.source_range(range)];
    assert_eq!(source(0..1), "a");
    assert_eq!(source(1..3), r"\u00e9");
    assert_eq!(source(2..3), r"\u00e9");
    assert_eq!(source(2..4), r"\u00e9b");
    assert_eq!(source(5..6), r"\ud83d\ude00");
    assert_eq!(source(4..9), r"\ud83d\ude00c");
    assert_eq!(source(10..11), "€");
    assert_eq!(source(8..8), "");
    assert_eq!(source(0..99), &text[1..text.len() - 1]);
    assert_eq!(&text[string.span()], string.raw());
}

/// Ours may be stricter than `serde_json`, for the listed reasons only, and never laxer.
fn check_agreement(bytes: &[u8]) {
    match (Document::parse(bytes), serde_json::from_slice::<serde_json::Value>(bytes)) {
        (Ok(ours), Ok(theirs)) => {
            assert!(same(ours.root(), &theirs));
            let mut seen = Vec::new();
            strings_of(&theirs, &mut seen);
            let mut listed: Vec<_> =
                ours.strings().map(|string| string.text.text().into_owned()).collect();
            listed.sort_unstable();
            seen.sort_unstable();
            assert_eq!(listed, seen);
        }
        (Ok(_), Err(error)) => panic!("accepted what serde_json refuses: {error}"),
        (Err(JsonError::DuplicateKey { .. }), Ok(_)) | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("refused what serde_json accepts: {error}"),
    }
}

proptest! {
    #[test]
    fn reads_what_another_reader_reads(value in any_value(), style: Vec<u8>) {
        let text = write(&value, &style);
        let document = parse(&text);
        prop_assert!(same(document.root(), &value), "{}", text);
        check_agreement(text.as_bytes());
        let mut expected = Vec::new();
        strings_of(&value, &mut expected);
        let listed: Vec<_> = document.strings().map(|string| string.text.text()).collect();
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn agrees_on_damaged_documents(
        value in any_value(),
        style: Vec<u8>,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, prop_oneof![
            prop::sample::select(b"{}[]:,\"\\/ue+-.0123456789dD8 \n\0tfn\xC3\xA9\xFF".to_vec()),
            any::<u8>(),
        ]), 1..4),
    ) {
        let mut bytes = write(&value, &style).into_bytes();
        for (at, how, byte) in damage {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => { bytes.remove(at); }
                _ => {}
            }
        }
        check_agreement(&bytes);
    }

    #[test]
    fn agrees_on_token_soup(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ":", ",", "\"a\"", "\"b\"", "\"\\u0061\"", "\"", "\\ud83d", "\\ude00",
        "1", "-", "0", ".", "e9", "true", "null", " ", "//", "\u{FEFF}",
    ]), 0..24)) {
        check_agreement(tokens.concat().as_bytes());
    }

    #[test]
    fn every_range_of_a_text_maps_to_the_bytes_that_say_it(text in any_text(), style: Vec<u8>) {
        let source = write(&text.clone().into(), &style);
        let document = parse(&source);
        let string = document.root().as_str().unwrap();
        let map = string.source_map();
        prop_assert_eq!(map.text_len(), text.len());
        let bounds: Vec<_> =
            (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
        for &start in &bounds {
            for &end in bounds.iter().filter(|&&end| end >= start) {
                let quoted = format!("\"{}\"", &source[map.source_range(start..end)]);
                let part: String = serde_json::from_str(&quoted).unwrap();
                prop_assert_eq!(&part, &text[start..end]);
            }
        }
        for start in 0..=text.len() {
            for end in start..=text.len() {
                // Off a boundary the range grows, and stays one that can be cut out.
                let quoted = format!("\"{}\"", &source[map.source_range(start..end)]);
                let part: String = serde_json::from_str(&quoted).unwrap();
                prop_assert!(part.len() >= end - start && text.contains(&part));
            }
        }
    }

    #[test]
    fn escaped_text_reads_back(text in any_text()) {
        let mut out = vec![b'"'];
        escape_into(&mut out, &text);
        out.push(b'"');
        let read: String = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&read, &text);
        let document = Document::parse(&out).unwrap();
        prop_assert_eq!(document.root().as_str().unwrap().text(), text);
    }
}
