//! The turns of a conversation that is written down in one text, however they are labelled.
//!
//! A label is a short name before a colon or in brackets: any at the beginning of a line, names of
//! usual speakers wherever a word begins. Nothing is looked at more than a bounded number of times.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::{ANSWERERS, ASKERS, BEFORE_NAMES, HOLDERS};

/// Most turns that are kept; a text that has more shows its pattern in these.
const MAX_TURNS: usize = 1024;
/// Longest label, in bytes.
const LABEL_BYTES: usize = 32;
/// Most words of a label.
const LABEL_WORDS: usize = 3;
/// Most bytes of markup between the beginning of a line and a label.
const MARKUP_BYTES: usize = 12;

/// Markup that ends what is said, where it stands before the next label.
const ENDS: [&str; 4] = ["<|", "</", "\"}", "\",\""];

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaker {
    /// By a name of those who ask.
    Asker,
    /// By a name of those who answer.
    Answerer,
    /// By any other name, in lower case and without its number.
    Other(String),
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn<'t> {
    /// First byte of the label.
    pub(super) start: usize,
    pub(super) speaker: Speaker,
    /// What is said, up to the next label.
    pub(super) said: &'t str,
}

/// A label and where what is said begins.
struct Label {
    start: usize,
    end: usize,
    speaker: Speaker,
}

/// The turns of a text, in order.
pub(super) fn turns(text: &str) -> Vec<Turn<'_>> {
    let labels = labels(text);
    let ends = labels.iter().skip(1).map(|label| label.start).chain([text.len()]);
    let turn = |(label, end): (&Label, usize)| Turn {
        start: label.start,
        speaker: label.speaker.clone(),
        said: said(text.get(label.end..end).unwrap_or_default()),
    };
    labels.iter().zip(ends).map(turn).collect()
}

/// What is said without the markup before it.
fn said(text: &str) -> &str {
    let mut rest = bare(text);
    for _ in 0..2 {
        let holder = HOLDERS.iter().find_map(|holder| rest.strip_prefix(holder));
        // The holder is a member of JSON: its name is followed by a quote and a colon.
        let Some(inner) = holder.filter(|inner| inner.starts_with(['"', '\''])) else { break };
        rest = bare(inner);
    }
    let end = ENDS.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    rest.get(..end)
        .unwrap_or_default()
        .trim_end_matches(|c: char| c.is_whitespace() || "*#>-<|[]({}\"'_`,".contains(c))
}

fn bare(text: &str) -> &str {
    text.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '¡' && c != '¿')
}

fn labels(text: &str) -> Vec<Label> {
    let bytes = text.as_bytes();
    let mut labels: Vec<Label> = Vec::new();
    let (mut at, mut from, mut line) = (0, 0, 0);
    // Whether a letter, a digit or what joins them stands just before.
    let mut is_inside = false;
    while let Some(byte) = bytes.get(at) {
        let (is_letter, len) = match byte {
            0..=0x7F => (byte.is_ascii_alphanumeric(), 1),
            _ => match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) => (c.is_alphanumeric(), c.len_utf8()),
                None => break,
            },
        };
        if *byte == b'\n' {
            line = at + 1;
        }
        if is_letter && !is_inside && at >= from {
            let before = text.get(line..at).unwrap_or_default();
            let begins_line = before.len() <= MARKUP_BYTES && before.chars().all(is_markup);
            if !begins_line && let Some(word) = plain_word(bytes.get(at..).unwrap_or_default()) {
                at += word;
                continue;
            }
            if let Some(label) = label(text, at, begins_line) {
                from = label.end;
                labels.push(label);
                if labels.len() == MAX_TURNS {
                    break;
                }
            }
        }
        is_inside = is_letter || matches!(byte, b'_' | b'\'');
        at += len;
    }
    labels
}

/// The length of a word of ASCII that the next word follows, or a mark as after words of sentences and
/// names in code: in the middle of a line no label does. Most words of most texts are told apart by it.
fn plain_word(text: &[u8]) -> Option<usize> {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let is_plain = match text.get(letters..)? {
        [b' ', next, ..] => next.is_ascii_alphabetic(),
        [next, ..] => matches!(next, b',' | b'.' | b';' | b'!' | b'?' | b'(' | b'\n'),
        [] => false,
    };
    (letters > 0 && is_plain).then_some(letters)
}

fn is_markup(c: char) -> bool {
    c.is_whitespace() || c.is_ascii_digit() || "*#>-<|[]({}\"'_`.,/•–—¿".contains(c)
}

/// The label at a place where a word begins.
fn label(text: &str, at: usize, begins_line: bool) -> Option<Label> {
    let window = text.get(at..text.floor_char_boundary(at + 2 * LABEL_BYTES))?;
    let name = name(window);
    let lower = name.to_lowercase();
    if BEFORE_NAMES.contains(&lower.as_str()) {
        let rest = window.get(name.len()..)?;
        let gap = rest.find(char::is_alphanumeric)?;
        if gap == 0 || gap > 8 {
            return None;
        }
        let inner = self::name(rest.get(gap..)?);
        let known = known(&inner.to_lowercase());
        let end = at + name.len() + gap + inner.len();
        return known.map(|speaker| Label { start: at, end, speaker });
    }
    let rest = window.get(name.len()..)?;
    let known = known(numberless(&lower));
    let closes = rest.trim_start_matches(|c: char| {
        matches!(c, '*' | '"' | '\'' | '_' | '`' | '|' | ']' | '>' | ')' | ' ')
    });
    let marks = rest.get(..rest.len() - closes.len()).unwrap_or_default();
    if marks.len() > 6 {
        return None;
    }
    let has_colon = closes.starts_with([':', '：']) && !closes.starts_with("://");
    let is_marked = marks.contains(['>', ']', '|']);
    let ends_line = closes.is_empty() || closes.starts_with(['\n', '\r']);
    let opened = text.get(..at).is_some_and(|text| text.ends_with(['<', '[', '|', '#']));
    // `Q. …`, and `User - …`: a name that is known, at the beginning of a line and with a blank behind.
    let stop = closes.chars().next().filter(|mark| {
        let is_stop = *mark == '.' && marks.is_empty() && name.chars().count() == 1;
        let is_dash = matches!(mark, '-' | '–' | '—') && marks.ends_with(' ');
        let behind = closes.get(mark.len_utf8()..).and_then(|rest| rest.chars().next());
        (is_stop || is_dash) && behind.is_none_or(char::is_whitespace)
    });
    let fits = match &known {
        // In the middle of a line only what is written like a name: `User:`, `"user":`, `<user>`.
        Some(_) if has_colon => begins_line || is_written_as_name(text, at, name),
        Some(_) if is_marked => begins_line || opened,
        Some(_) if stop.is_some() => begins_line,
        Some(_) => begins_line && ends_line,
        None => begins_line && has_colon,
    };
    if !fits {
        return None;
    }
    let mark = closes.chars().next().filter(|_| has_colon).or(stop.filter(|_| known.is_some()));
    let end = at + name.len() + marks.len() + mark.map_or(0, char::len_utf8);
    let speaker = known.unwrap_or_else(|| Speaker::Other(numberless(&lower).to_owned()));
    Some(Label { start: at, end, speaker })
}

/// Whether a known name in the middle of a line is a label: it begins with a capital or stands in
/// quotes, or its script has no capitals.
fn is_written_as_name(text: &str, at: usize, name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| !c.is_lowercase());
    first || text.get(..at).is_some_and(|before| before.ends_with(['"', '\'', '<', '[', '|']))
}

/// Up to three words on one line.
fn name(text: &str) -> &str {
    let mut end = 0;
    let mut words = 0;
    let mut is_inside = false;
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() || c == '_' {
            if !is_inside {
                words += 1;
            }
            is_inside = true;
            if words > LABEL_WORDS || at >= LABEL_BYTES {
                break;
            }
            end = at + c.len_utf8();
        } else if c == ' ' || (c == '-' && is_inside) {
            is_inside = false;
        } else if is_mark_of_script(c) {
            end = at + c.len_utf8();
        } else {
            break;
        }
    }
    text.get(..end).unwrap_or_default()
}

/// Vowel signs and the like, which are no letters and stand within words.
fn is_mark_of_script(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{900}'..='\u{94F}' | '\u{E31}'..='\u{E4E}')
}

fn numberless(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '_' | '-'))
}

/// Whether those of a name ask; the others answer.
static ASKS: LazyLock<HashMap<&str, bool>> = LazyLock::new(|| {
    let answerers = ANSWERERS.iter().map(|name| (*name, false));
    answerers.chain(ASKERS.iter().map(|name| (*name, true))).collect()
});

fn known(name: &str) -> Option<Speaker> {
    ASKS.get(name).map(|asks| if *asks { Speaker::Asker } else { Speaker::Answerer })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, &str)> {
        let name = |speaker| match speaker {
            Speaker::Asker => "?".to_owned(),
            Speaker::Answerer => "!".to_owned(),
            Speaker::Other(name) => name,
        };
        turns(text).into_iter().map(|turn| (name(turn.speaker), turn.said)).collect()
    }

    fn pair<'t>(asked: &'t str, answered: &'t str) -> Vec<(String, &'t str)> {
        vec![("?".to_owned(), asked), ("!".to_owned(), answered)]
    }

    #[test]
    fn labels_are_read_in_every_dress() {
        for text in [
            "User: a b\nAssistant: c d",
            "Human: a b Assistant: c d",
            "**User:** a b\n**Assistant:** c d",
            "**User**: a b\n\n**AI**: c d",
            "Q1: a b\nA1: c d",
            "1. Q: a b\n   A: c d",
            "### Instruction:\na b\n\n### Response:\nc d",
            "<user>a b\n<assistant>c d",
            "<|user|>\na b\n<|assistant|>\nc d",
            "<|im_start|>user\na b\n<|im_start|>assistant\nc d",
            "[USER] a b\n[ASSISTANT] c d",
            "USER\na b\nASSISTANT\nc d",
            "用户：a b\n助手：c d",
            "Пользователь: a b\nАссистент: c d",
            "> User: a b\n> Bot: c d",
            "Q. a b\nA. c d",
            "User - a b\nAssistant – c d",
        ] {
            assert_eq!(read(text), pair("a b", "c d"), "{text}");
        }
    }

    #[test]
    fn json_is_read_as_what_it_holds() {
        let text = r#"[{"role": "user", "content": "a b"}, {"role":"assistant","content":"c d"}]"#;
        assert_eq!(read(text), pair("a b", "c d"));
        assert_eq!(read(r#"{"prompt":"a b","completion":"c d"}"#), pair("a b", "c d"));
    }

    #[test]
    fn other_names_count_at_the_beginning_of_a_line() {
        assert_eq!(
            read("Ann: hi\nBob: see https://x.example: no"),
            [("ann".to_owned(), "hi"), ("bob".to_owned(), "see https://x.example: no"),]
        );
        assert_eq!(read("this is an answer: yes, and a question: no"), []);
    }
}
