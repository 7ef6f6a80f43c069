//! Words that are written so that people or models read them and filters do not.

use bartizan_testkit::http::Answer;
use bartizan_testkit::upstream::Script;

use super::doors::{self, Door};
use super::{
    HARMLESS, HARMLESS_IN_BASE64, Probe, WORD, WORD_IN_BASE64, assert_told_apart, holds,
    refused_by_guardrail,
};
use crate::support::{Stage, WORD_GUARD};

/// What is said in disguise.
struct Said {
    /// In lower-case ASCII letters.
    word: &'static str,
    /// A sentence that begins with the word, in base64.
    base64: &'static str,
    /// Nine digits.
    number: &'static str,
}

const FORBIDDEN: Said = Said { word: WORD, base64: WORD_IN_BASE64, number: "536904399" };
/// A number of which no group is 00 is one of a person.
const ALLOWED: Said = Said { word: HARMLESS, base64: HARMLESS_IN_BASE64, number: "536004399" };

/// A text with each letter so many characters further on.
fn shifted(text: &str, by: u32) -> String {
    text.chars().map(|c| char::from_u32(by + u32::from(c)).unwrap()).collect()
}

/// A text in every disguise.
fn disguised(said: &Said) -> Vec<(&'static str, String)> {
    let Said { word, base64, number } = said;
    let (area, rest) = number.split_at(3);
    let (group, serial) = rest.split_at(2);
    let each = |write: fn(u8) -> String| -> String { word.bytes().map(write).collect() };
    let apart =
        |separator: &str| word.chars().map(String::from).collect::<Vec<_>>().join(separator);
    let after = |letters: usize, what: &str| {
        let (head, tail) = word.split_at(letters);
        format!("{head}{what}{tail}")
    };
    let wide = |text: &str| shifted(text, 0xFEE0);
    let rot13 = |byte: u8| char::from((byte - b'a' + 13) % 26 + b'a').to_string();
    vec![
        ("plain", (*word).to_owned()),
        ("upper case", word.to_uppercase()),
        ("zero-width", apart("\u{200B}")),
        ("soft hyphen", after(3, "\u{AD}")),
        ("word joiner", after(1, "\u{2060}")),
        ("Cyrillic", word.replace('a', "а")),
        ("full width", wide(word)),
        ("mathematical", shifted(word, 0x1D41A - 0x61)),
        ("combining marks", word.replace('a', "a\u{301}")),
        ("tag characters", format!("hello{}", shifted(word, 0xE0000))),
        ("spaced", apart(" ")),
        ("dotted", apart(".")),
        ("base64", format!("see {base64} please")),
        ("hex", format!("decode {}20697320686572 now", each(|byte| format!("{byte:02x}")))),
        ("url", each(|byte| format!("%{byte:02X}"))),
        ("html", each(|byte| format!("&#{byte};"))),
        ("escapes", each(|byte| format!("\\u{byte:04x}"))),
        ("rot13", each(rot13)),
        ("number with en dashes", format!("ssn {area}\u{2013}{group}\u{2013}{serial}")),
        (
            "number in full-width digits",
            format!("ssn {}-{}-{}", wide(area), wide(group), wide(serial)),
        ),
        ("number that is only named", format!("my ssn is {number}, keep it")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_disguise_of_a_word_gets_through_any_door() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for door in doors::ALL {
        let both = disguised(&FORBIDDEN).into_iter().zip(disguised(&ALLOWED));
        let probes: Vec<Probe> = both
            .map(|((name, forbidden), (_, harmless))| Probe {
                name,
                forbidden: (door.says)(&forbidden),
                harmless: (door.says)(&harmless),
            })
            .collect();
        assert_told_apart(&stage, &door, &probes).await;
    }
}

/// Sends a body in which a word is written in escapes of JSON, which only a parser undoes.
async fn escaped(stage: &Stage, door: &Door, word: &str) -> Answer {
    let spelled: String = word.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let body = (door.says)(word).to_string().replace(word, &spelled);
    assert!(!body.contains(word), "{body}");
    let answer = stage.client.send(http::Method::POST, door.path, body).await.unwrap();
    answer.whole().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn escapes_of_the_body_itself_hide_nothing() {
    let stage = Stage::start(Script::text("fine"), WORD_GUARD, "").await;
    for door in doors::ALL {
        stage.upstream.clear();
        let answer = escaped(&stage, &door, WORD).await;
        let said = answer.text();
        assert!(refused_by_guardrail(&answer), "{}: {said}", door.name);
        assert!(door.dialect.says_refused(&answer), "{}: {said}", door.name);
        assert!(!holds(&answer, WORD), "{}: {said}", door.name);
        assert!(stage.upstream.requests().is_empty(), "{}", door.name);
        let answer = escaped(&stage, &door, HARMLESS).await;
        assert_eq!(answer.status, 200, "{}: {}", door.name, answer.text());
        assert_eq!(stage.upstream.requests().len(), 1, "{}", door.name);
    }
}
