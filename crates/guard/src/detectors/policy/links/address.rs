//! Where URLs begin, and how far they go.

use super::host::{Host, host};
use super::reading::{Lead, Reading};
use crate::markup::url::MAX_URL_BYTES;

/// Most slashes behind a scheme that are waited for. Browsers take any number.
const MAX_SLASHES: usize = 256;
/// Bytes that must be left of what stands before a URL for it to say where the URL stands.
const MIN_LEAD_BYTES: usize = 20;
/// Most bytes of a name behind a quote or bracket that an `@` ends.
const MAX_USER_BYTES: usize = 64;

/// Schemes whose URLs have a host.
const SCHEMES: [&[u8]; 5] = [b"https", b"http", b"wss", b"ws", b"ftp"];
/// Letters of the longest of them.
const MAX_SCHEME_BYTES: usize = 5;

/// Attributes that hold a URL.
const ATTRIBUTES: [&[u8]; 13] = [
    b"href",
    b"src",
    b"srcset",
    b"action",
    b"formaction",
    b"poster",
    b"data",
    b"background",
    b"cite",
    b"ping",
    b"url",
    b"longdesc",
    b"manifest",
];

/// The beginning of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// One whose host begins at `host`; where it must have a dot, it is one of a text.
    Whole { start: usize, host: usize, position: Position, needs_dot: bool },
    /// One with more slashes than anybody writes, up to `end`.
    Endless { start: usize, end: usize },
    /// What the end of the text may have begun.
    Cut { start: usize },
}

/// Where a URL stands, which says where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// In a text.
    Bare,
    /// Between the parentheses of Markdown, or behind the name of a definition.
    Target,
    /// Between angle brackets behind one of these.
    Angled,
    /// Between angle brackets, as a link of its own.
    Autolink,
    /// In an attribute, between these quotes.
    Quoted(u8),
    /// In an attribute without quotes, or in CSS.
    Unquoted,
}

/// Finds the URLs of a reading.
pub(super) struct Finder<'r, 'a> {
    reading: &'r Reading<'a>,
    bytes: &'r [u8],
    /// For each position and part of a URL, the place from which its end was looked for, and the end.
    ends: [(usize, usize); 14],
}

/// What of a URL ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What stands before the path.
    Authority,
    Whole,
}

/// A URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// One past its last byte.
    pub(super) end: usize,
    pub(super) host: Host,
    /// Whether more text could change it.
    pub(super) is_open: bool,
}

const fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// What browsers take out of a URL before they read it.
const fn is_skipped(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r')
}

const fn in_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn is_scheme(word: &[u8]) -> bool {
    SCHEMES.iter().any(|known| word.eq_ignore_ascii_case(known))
}

impl<'r, 'a> Finder<'r, 'a> {
    pub(super) fn new(reading: &'r Reading<'a>) -> Self {
        Self { reading, bytes: reading.bytes(), ends: [(usize::MAX, 0); 14] }
    }

    /// The beginnings of URLs, by kind, then by place.
    pub(super) fn anchors(&self) -> Vec<Anchor> {
        let bytes = self.bytes;
        let colons = memchr::memchr_iter(b':', bytes).filter_map(|at| self.behind_scheme(at));
        let slashes = memchr::memchr2_iter(b'/', b'\\', bytes).filter_map(|at| self.at_slashes(at));
        let names = memchr::memmem::find_iter(bytes, b"www.").filter_map(|at| self.at_name(at));
        colons.chain(slashes).chain(names).chain(self.cut_word()).collect()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn behind_scheme(&self, colon: usize) -> Option<Anchor> {
        let lead = self.reading.lead(colon).bytes;
        let len = lead.iter().rev().take(6).take_while(|byte| in_scheme(**byte)).count();
        let word = lead.get(lead.len() - len..)?;
        let (start, is_torn) =
            if is_scheme(word) { (colon - len, false) } else { (colon - torn_scheme(lead)?, true) };
        if self.is_within_another(start) {
            return None;
        }
        let position = position(self.reading.lead(start));
        if is_torn && position == Position::Bare {
            return None;
        }
        // Without two slashes it is a word with a colon, save where nothing but a URL can stand.
        let fewest = if position == Position::Bare { 2 } else { 0 };
        self.anchor(start, colon + 1, position, fewest)
    }

    fn at_slashes(&self, at: usize) -> Option<Anchor> {
        let lead = self.reading.lead(at);
        let last = lead.bytes.iter().rev().find(|byte| !is_skipped(**byte));
        if last.is_some_and(|byte| is_slash(*byte) || *byte == b':') && !lead.bytes.ends_with(b"]:")
        {
            return None;
        }
        let position = position(lead);
        // Behind the first slash only what begins a host may follow.
        let next =
            self.bytes.get(at + 1..)?.iter().take(MAX_SLASHES).find(|byte| !is_skipped(**byte));
        if position == Position::Bare || next.is_some_and(|byte| !is_slash(*byte)) {
            return None;
        }
        self.anchor(at, at, position, 2)
    }

    /// What begins at `start`, with slashes from `slashes` on.
    fn anchor(
        &self,
        start: usize,
        slashes: usize,
        position: Position,
        fewest: usize,
    ) -> Option<Anchor> {
        let limit = self.reading.limit(start, MAX_URL_BYTES).min(slashes + MAX_SLASHES);
        let skips = position != Position::Bare;
        let run = self.bytes.get(slashes..)?.iter().take(limit.saturating_sub(slashes));
        let len = run.take_while(|byte| is_slash(**byte) || skips && is_skipped(**byte)).count();
        let host = slashes + len;
        let count = self.bytes.get(slashes..host)?.iter().filter(|byte| is_slash(**byte)).count();
        if host >= limit {
            return Some(Anchor::Endless { start, end: host });
        }
        if host == self.bytes.len() {
            return Some(Anchor::Cut { start });
        }
        let needs_dot = position == Position::Autolink && count < 2;
        (count >= fewest).then_some(Anchor::Whole { start, host, position, needs_dot })
    }

    fn at_name(&self, at: usize) -> Option<Anchor> {
        let lead = self.reading.lead(at);
        let glued = |byte: &u8| byte.is_ascii_alphanumeric() || b"/\\.@-_:%=&".contains(byte);
        if lead.bytes.last().is_some_and(glued) || self.is_within_another(at) {
            return None;
        }
        let position = position(lead);
        // In an attribute or behind a bracket it is the name of a file beside the page.
        (position == Position::Bare).then_some(Anchor::Whole {
            start: at,
            host: at,
            position,
            needs_dot: true,
        })
    }

    /// A word at the end of the text that may become a scheme or `www.`.
    fn cut_word(&self) -> Option<Anchor> {
        let lead = self.reading.lead(self.bytes.len()).bytes;
        let len = lead.iter().rev().take(6).take_while(|byte| in_scheme(**byte)).count();
        let word = lead.get(lead.len() - len..)?;
        let begins = |known: &[u8]| {
            known.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        let is_word =
            !word.is_empty() && (SCHEMES.iter().any(|scheme| begins(scheme)) || begins(b"www."));
        if is_word {
            return Some(Anchor::Cut { start: self.bytes.len() - len });
        }
        // Where browsers skip line breaks, a scheme may stand on several lines.
        let torn = (1..=MAX_SCHEME_BYTES).filter_map(|letters| torn_word(lead, letters));
        let start = torn
            .filter(|(word, _)| SCHEMES.iter().any(|known| known.starts_with(word)))
            .map(|(_, len)| self.bytes.len() - len)
            .filter(|start| position(self.reading.lead(*start)) != Position::Bare)
            .min()?;
        Some(Anchor::Cut { start })
    }

    /// Whether what begins at `start` stands in the path, query or fragment of a URL.
    fn is_within_another(&self, start: usize) -> bool {
        let lead = self.reading.lead(start).bytes;
        let Some(last) = memchr::memmem::rfind(lead, b"://") else { return false };
        let ends = |byte: &u8| *byte <= b' ' || b"\"'`<>()[]{}|".contains(byte);
        let from = lead.iter().rposition(ends).map_or(0, |at| at + 1);
        if last < from {
            return false;
        }
        let token = lead.get(from..).unwrap_or_default();
        let token = token.get(behind_foreign_sign(token)..).unwrap_or_default();
        let Some(colon) = memchr::memmem::find(token, b"://") else { return false };
        let scheme = token.get(..colon).unwrap_or_default();
        let len = scheme.iter().rev().take(6).take_while(|byte| in_scheme(**byte)).count();
        let known = is_scheme(scheme.get(colon - len..).unwrap_or_default());
        let rest = token.get(colon + 3..).unwrap_or_default();
        let in_host = |byte: &&u8| !matches!(byte, b'/' | b'\\' | b'?' | b'#');
        let host = rest.iter().take_while(in_host).count();
        // With other signs it may be no link, so that another begins behind it.
        let is_plain = |byte: &u8| !byte.is_ascii() || in_scheme(*byte) || b"_:@".contains(byte);
        let plain = rest.get(..host).is_some_and(|host| host.iter().all(is_plain));
        known && plain && host > 0 && host < rest.len()
    }

    /// The URL that an anchor begins.
    pub(super) fn read(&mut self, start: usize, from: usize, position: Position) -> Found {
        let limit = self.reading.limit(start, MAX_URL_BYTES);
        let end = self.end(position, Part::Whole, from);
        let stop = self.end(position, Part::Authority, from).min(limit);
        let mut is_open = end == self.bytes.len() && end < limit;
        let mut end = end.min(limit);
        let mut authority = self.bytes.get(from..stop).unwrap_or_default();
        if stop == end && position == Position::Bare {
            let (more, is_cut) = self.goes_on_as_name(stop);
            is_open |= is_cut;
            if let Some(at) = more {
                // Readers of Markdown end a link at a blank only, and what stands before the `@` is a name.
                let behind = self.end(position, Part::Whole, at + 1);
                is_open |= behind == self.bytes.len() && behind < limit;
                end = behind.min(limit).max(at + 1);
                let stop = self.end(position, Part::Authority, at + 1).min(end);
                authority = self.bytes.get(at + 1..stop).unwrap_or_default();
            }
        }
        Found { end, host: host(authority, position == Position::Bare), is_open }
    }

    /// The `@` behind a bracket or quote and a name, and whether it may still come.
    fn goes_on_as_name(&self, at: usize) -> (Option<usize>, bool) {
        if !self.byte(at).is_some_and(|byte| b"\"'`)]}|".contains(&byte)) {
            return (None, false);
        }
        let rest = self.bytes.get(at + 1..).unwrap_or_default();
        let len = rest
            .iter()
            .take(MAX_USER_BYTES)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(byte))
            .count();
        match rest.get(len) {
            Some(b'@') => (Some(at + 1 + len), false),
            Some(_) => (None, false),
            None => (None, len < MAX_USER_BYTES),
        }
    }

    /// The first place from `from` on where a part of a URL ends; the end of the text where there is none.
    fn end(&mut self, position: Position, part: Part, from: usize) -> usize {
        let Some(known) = self.ends.get_mut(index(position, part)) else { return from };
        if known.0 <= from && from <= known.1 {
            return known.1;
        }
        let rest = self.bytes.get(from..).unwrap_or_default();
        let is_end = |byte: &u8| {
            ends(*byte, position)
                || part == Part::Authority && matches!(byte, b'/' | b'\\' | b'?' | b'#')
        };
        let end = rest.iter().position(is_end).map_or(self.bytes.len(), |at| from + at);
        *known = (from, end);
        end
    }
}

/// Bytes of a scheme at the end that browsers put together from several lines, with what is between them.
fn torn_scheme(lead: &[u8]) -> Option<usize> {
    let torn = (2..=MAX_SCHEME_BYTES).rev().filter_map(|letters| torn_word(lead, letters));
    torn.into_iter().find(|(word, _)| is_scheme(word)).map(|(_, len)| len)
}

/// The last letters, in lower case, with tabs and line breaks among them, and how many bytes they take.
fn torn_word(lead: &[u8], letters: usize) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::with_capacity(letters);
    let mut skipped = false;
    for (len, byte) in lead.iter().rev().enumerate() {
        if is_skipped(*byte) {
            skipped = true;
        } else if byte.is_ascii_alphabetic() {
            word.push(byte.to_ascii_lowercase());
        } else {
            return None;
        }
        if word.len() == letters {
            word.reverse();
            return skipped.then_some((word, len + 1));
        }
    }
    None
}

/// Where what stands behind the last blank or sign of another script begins, as readers of links that know
/// them take it.
fn behind_foreign_sign(token: &[u8]) -> usize {
    let signs = token.windows(3).enumerate().rev().find(|(_, window)| match window {
        // General punctuation; blanks and signs of Chinese and Japanese.
        [0xE2, 0x80 | 0x81, _] | [0xE3, 0x80, 0x80..=0xBF] | [0xE1, 0x9A, 0x80] => true,
        [0xEF, 0xBC, last] => matches!(last, 0x81..=0x8F | 0x9A..=0xA0 | 0xBB..=0xBF),
        [0xEF, 0xBD, last] => matches!(last, 0x80 | 0x9B..=0xA5),
        _ => false,
    });
    let blanks = memchr::memmem::rfind(token, b"\xC2\xA0").map_or(0, |at| at + 2);
    signs.map_or(0, |(at, _)| at + 3).max(blanks)
}

/// Where a URL stands that has this before it.
fn position(lead: Lead<'_>) -> Position {
    let is_lost = |rest: &[u8]| lead.is_cut && rest.len() < MIN_LEAD_BYTES;
    // Browsers skip blanks and control characters before a URL, and some readers of Markdown all blanks.
    let near = trim(lead.bytes);
    if is_lost(near) {
        return Position::Unquoted;
    }
    if let Some(rest) = near.strip_suffix(b"<") {
        let before = trim(rest);
        return if before.ends_with(b"](") || before.ends_with(b"]:") {
            Position::Angled
        } else if near.len() == lead.bytes.len() {
            Position::Autolink
        } else {
            Position::Bare
        };
    }
    if near.ends_with(b"](") || near.ends_with(b"]:") {
        return Position::Target;
    }
    let (name, quote) = match near.split_last() {
        Some((quote @ (b'"' | b'\''), rest)) => {
            (trim(rest.strip_suffix(b"\\").unwrap_or(rest)), Some(*quote))
        }
        _ => (near, None),
    };
    if ends_in(name, b"url(") || (quote.is_some() && ends_in(name, b"@import")) {
        return quote.map_or(Position::Unquoted, Position::Quoted);
    }
    let Some(name) = name.strip_suffix(b"=") else { return Position::Bare };
    let name = trim(name);
    let is_attribute = is_lost(name)
        || ATTRIBUTES.iter().any(|known| {
            let glued = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let head = name.len().checked_sub(known.len() + 1).and_then(|at| name.get(at));
            ends_in(name, known) && !head.is_some_and(glued)
        });
    match (is_attribute, quote) {
        (false, _) => Position::Bare,
        (true, Some(quote)) => Position::Quoted(quote),
        (true, None) => Position::Unquoted,
    }
}

/// Without blanks, also of other scripts, and control characters at the end.
fn trim(mut lead: &[u8]) -> &[u8] {
    loop {
        let blank = match lead {
            [.., last] if *last <= b' ' => 1,
            [.., 0xC2, 0x85 | 0xA0] => 2,
            [.., 0xE1, 0x9A, 0x80]
            | [.., 0xE2, 0x80, 0x80..=0x8F | 0xA8 | 0xA9 | 0xAF]
            | [.., 0xE2, 0x81, 0x9F | 0xA0]
            | [.., 0xE3, 0x80, 0x80]
            | [.., 0xEF, 0xBB, 0xBF] => 3,
            _ => return lead,
        };
        lead = lead.get(..lead.len() - blank).unwrap_or_default();
    }
}

fn ends_in(text: &[u8], end: &[u8]) -> bool {
    let tail = text.len().checked_sub(end.len()).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

const fn index(position: Position, part: Part) -> usize {
    let index = match position {
        Position::Bare => 0,
        Position::Target => 1,
        Position::Angled => 2,
        Position::Autolink => 3,
        Position::Quoted(b'"') => 4,
        Position::Quoted(_) => 5,
        Position::Unquoted => 6,
    };
    index * 2 + if matches!(part, Part::Authority) { 0 } else { 1 }
}

fn ends(byte: u8, position: Position) -> bool {
    match position {
        Position::Bare => byte <= b' ' || b"<>\"'`)]}|".contains(&byte),
        Position::Target => byte <= b' ' || byte == b')',
        Position::Angled => byte == b'>',
        Position::Autolink => byte <= b' ' || matches!(byte, b'<' | b'>'),
        Position::Quoted(quote) => byte == quote,
        Position::Unquoted => byte <= b' ' || b">\"')".contains(&byte),
    }
}
