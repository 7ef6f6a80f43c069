//! Cutting a text into sentences, in a way that more text at either end does not change.
//!
//! A sentence ends behind `.`, `!` or `?` before a blank, behind their like in other scripts, and with its line. One
//! that does not end is cut where the text that it was made from passes a multiple of
//! [`LONG_BYTES`]. So whether a sentence ends at a place depends on at most [`REACH_BYTES`] before it
//! and [`AHEAD_BYTES`] behind it.

use crate::bytes::position;

/// Distance of the places where a long sentence is cut, in bytes of the source.
pub const LONG_BYTES: usize = 256;
/// Bytes without an end after which a sentence is long.
const LONG_FROM: usize = 200;
/// Bytes behind such a place in which a blank is looked for.
pub const AHEAD_BYTES: usize = 32;
/// Bytes before a place that decide whether a sentence ends there.
pub const REACH_BYTES: usize = LONG_FROM + AHEAD_BYTES;

/// The sentences of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    /// First byte of each, and one past its last.
    pub closed: Vec<(usize, usize)>,
    /// First byte of the one that more text could go on with.
    pub open: Option<usize>,
}

/// Cuts a text. `complete` says that nothing follows it; `source` gives the place in the source from which
/// a byte came, and never falls.
pub fn sentences(text: &str, complete: bool, source: impl Fn(usize) -> usize) -> Sentences {
    let mut closed = Vec::new();
    let mut start = 0;
    // Where the last sentence ended by itself, and where a long one will be cut.
    let mut natural = 0;
    let mut cut = None;
    let mut before = None;
    let mut at = 0;
    while at < text.len() {
        if at - natural < LONG_FROM {
            // Here nothing but an end matters, and few bytes begin one.
            let limit = text.len().min(natural + LONG_FROM);
            let ahead = text.as_bytes().get(at..limit).unwrap_or_default();
            let Some(next) = position(ahead, may_end) else {
                at = text.ceil_char_boundary(limit);
                continue;
            };
            at += next;
        }
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        if cut == Some(at) {
            closed.push((start, at));
            start = at;
            cut = None;
        }
        if at - natural >= LONG_FROM && cut.is_none() {
            let piece = source(at) / LONG_BYTES;
            if before.is_some_and(|before| before != piece) {
                match blank(text, at, complete) {
                    Some(place) if place > at => cut = Some(place),
                    Some(_) => {
                        closed.push((start, at));
                        start = at;
                    }
                    // More text will tell where.
                    None => break,
                }
            }
            before = Some(piece);
        } else if at - natural >= LONG_FROM {
            before = Some(source(at) / LONG_BYTES);
        }
        let end = at + c.len_utf8();
        if ends(c, text.get(end..).unwrap_or_default(), complete) {
            closed.push((start, end));
            (start, natural, cut, before) = (end, end, None, None);
        }
        at = end;
    }
    if complete && start < text.len() {
        closed.push((start, text.len()));
        start = text.len();
    }
    Sentences { closed, open: (!complete && start < text.len()).then_some(start) }
}

/// Whether a sentence may end with a character that begins with this byte.
const fn may_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'.' | b'!' | b'?' | 0xD8 | 0xE0 | 0xE3 | 0xEF)
}

/// Whether a sentence ends with `c`, before `rest`.
fn ends(c: char, rest: &str, complete: bool) -> bool {
    match c {
        '\n' | '。' | '！' | '？' | '।' | '؟' => true,
        '.' | '!' | '?' => rest.chars().next().map_or(complete, char::is_whitespace),
        _ => false,
    }
}

/// The first blank within reach, or the place itself where there is none; `None` while only more text
/// can tell.
fn blank(text: &str, from: usize, complete: bool) -> Option<usize> {
    let reach = text.floor_char_boundary(from + AHEAD_BYTES);
    let ahead = text.get(from..reach).unwrap_or_default();
    let found = ahead.find(char::is_whitespace).map(|at| from + at);
    match found {
        Some(found) => Some(found),
        None if complete || from + AHEAD_BYTES <= text.len() => Some(from),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let all = sentences(text, true, |at| at);
        assert_eq!(all.open, None);
        all.closed.into_iter().map(|(start, end)| &text[start..end]).collect()
    }

    #[test]
    fn a_sentence_ends_with_its_mark_or_its_line() {
        assert_eq!(
            cut("One. Two 2.5 three! four\nfive?Six 七。八"),
            ["One.", " Two 2.5 three!", " four\n", "five?Six 七。", "八"]
        );
        assert_eq!(cut(""), [""; 0]);
    }

    #[test]
    fn a_sentence_without_end_is_cut_at_blanks() {
        let text = "word ".repeat(300);
        let cuts = cut(&text);
        assert!(cuts.len() > 4);
        assert!(cuts.iter().all(|part| part.len() < 2 * LONG_BYTES + LONG_FROM));
        assert!(cuts.iter().skip(1).all(|part| part.starts_with(' ')));
        assert_eq!(cuts.concat(), text);
        assert!(cut(&"x".repeat(2000)).len() > 5);
    }

    #[test]
    fn what_was_closed_stays_closed_when_more_comes() {
        let text = "Short. A line\nand then words without any end that go on and on ".to_owned()
            + &"and on ".repeat(120)
            + "until. They stop! "
            + &"x".repeat(700)
            + "。да? нет";
        let all = sentences(&text, true, |at| at).closed;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let part = sentences(&text[..end], false, |at| at);
            assert_eq!(part.closed.as_slice(), &all[..part.closed.len()], "cut at {end}");
            let last = part.closed.last().map_or(0, |(_, end)| *end);
            assert_eq!(part.open, (last < end).then_some(last));
        }
    }

    #[test]
    fn what_stands_far_before_changes_nothing() {
        let text = "no end here ".repeat(200) + "until here. And then " + &"more of it ".repeat(90);
        let all = sentences(&text, true, |at| at).closed;
        for from in (0..1500).step_by(7) {
            let part = sentences(&text[from..], true, |at| at + from).closed;
            let settled = |(start, end): &(usize, usize)| {
                (*start > REACH_BYTES + LONG_BYTES).then_some((start + from, end + from))
            };
            let part: Vec<_> = part.iter().filter_map(settled).collect();
            assert!(all.ends_with(&part), "from {from}");
            assert!(!part.is_empty());
        }
    }
}
