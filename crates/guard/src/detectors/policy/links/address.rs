//! Where URLs begin, and how far they go.

use super::host::{Host, host};
use super::position::{Position, ends_in, position};
use super::reading::{Lead, Reading};
use crate::markup::url::MAX_URL_BYTES;

/// Most slashes behind a scheme that are waited for. Browsers take any number.
const MAX_SLASHES: usize = 256;

/// Schemes whose URLs have a host.
const SCHEMES: [&[u8]; 6] = [b"https", b"http", b"wss", b"ws", b"ftp", b"intent"];
/// Letters of the longest of them.
const MAX_SCHEME_BYTES: usize = 6;
/// Those that readers of Markdown make a link of right behind a letter.
const GLUED_SCHEMES: [&[u8]; 3] = [b"https", b"http", b"ftp"];

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

/// Where a part of a URL ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Where the URL itself does.
    At(Position),
    /// Where the readers of Markdown that take most end a URL of a text.
    Longest,
    /// Where an attribute without quotes ends.
    Attribute,
}

/// What stands behind the quote or bracket that ends a host.
enum Beyond {
    /// Nothing that belongs to it.
    Nothing,
    /// More of a name and password, up to this `@`.
    Name(usize),
    /// More of a name of a host, up to here.
    Host(usize),
}

/// Finds the URLs of a reading.
pub(super) struct Finder<'r, 'a> {
    reading: &'r Reading<'a>,
    bytes: &'r [u8],
    /// For each position and part of a URL, the place from which its end was looked for, and the end.
    ends: [(usize, usize); KINDS_OF_ENDS],
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

/// Signs that end a URL in a text, though some readers of Markdown take them for a part of it.
const CLOSERS: &[u8] = b">\"'`)]}|";

const fn in_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn is_scheme(word: &[u8]) -> bool {
    SCHEMES.iter().any(|known| word.eq_ignore_ascii_case(known))
}

impl<'r, 'a> Finder<'r, 'a> {
    pub(super) fn new(reading: &'r Reading<'a>) -> Self {
        Self { reading, bytes: reading.bytes(), ends: [(usize::MAX, 0); KINDS_OF_ENDS] }
    }

    /// The beginnings of URLs, by kind, then by place.
    pub(super) fn anchors(&self) -> Vec<Anchor> {
        let bytes = self.bytes;
        let colons = memchr::memchr_iter(b':', bytes).filter_map(|at| self.behind_scheme(at));
        let slashes = memchr::memchr2_iter(b'/', b'\\', bytes).filter_map(|at| self.at_slashes(at));
        let names = memchr::memchr2_iter(b'w', b'W', bytes)
            .filter(|at| begins_name(bytes.get(*at..).unwrap_or_default()))
            .filter_map(|at| self.at_name(at));
        colons.chain(slashes).chain(names).chain(self.cut_word()).collect()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn behind_scheme(&self, colon: usize) -> Option<Anchor> {
        let lead = self.reading.lead(colon).bytes;
        let (start, is_torn) = match scheme_at_end(lead) {
            Some(len) => (colon - len, false),
            None => (colon - torn_scheme(lead)?, true),
        };
        if self.is_within_another(start) && self.goes_on_before(start) {
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
        let kept = lead.bytes.iter().rposition(|byte| !is_skipped(*byte)).map_or(0, |at| at + 1);
        let kept = lead.bytes.get(..kept).unwrap_or_default();
        // What follows a scheme is found by its colon; the one of a definition ends a name.
        if kept.last().is_some_and(|byte| is_slash(*byte) || *byte == b':')
            && !kept.ends_with(b"]:")
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
        let glued = |byte: &u8| byte.is_ascii_alphanumeric() || b"\\=&".contains(byte);
        if lead.bytes.last().is_some_and(glued) || self.is_within_another(at) {
            return None;
        }
        // In an attribute or behind a bracket it is the name of a file beside the page, and behind the
        // slashes of a URL its host.
        let from = match lead.bytes.last() {
            Some(last) if b"_.-/:%@".contains(last) => token_start(lead.bytes)?,
            _ => lead.bytes.len(),
        };
        let (before, token) = lead.bytes.split_at_checked(from)?;
        let token = token.get(behind_foreign_sign(token)..).unwrap_or_default();
        if memchr::memmem::find(token, b"://").is_some() {
            return None;
        }
        let leads = [Some(lead.bytes), Some(before).filter(|before| !before.is_empty())];
        let is_alone = leads
            .into_iter()
            .flatten()
            .all(|bytes| position(Lead { bytes, is_cut: lead.is_cut }) == Position::Bare);
        is_alone.then_some(Anchor::Whole {
            start: at,
            host: at,
            position: Position::Bare,
            needs_dot: true,
        })
    }

    /// A word at the end of the text whose last letters may become a scheme or `www.`.
    fn cut_word(&self) -> Option<Anchor> {
        let lead = self.reading.lead(self.bytes.len()).bytes;
        let begins = |word: &[u8]| {
            let of = |known: &[u8]| {
                known.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            };
            SCHEMES.iter().any(|known| of(known)) || of(b"www.")
        };
        let len = (1..=MAX_SCHEME_BYTES).rev().find(|len| {
            let word = lead.len().checked_sub(*len).and_then(|from| lead.get(from..));
            word.is_some_and(begins)
        });
        let word = len.map(|len| self.bytes.len() - len);
        // Where browsers skip line breaks, a scheme may stand on several lines.
        let torn = (1..=MAX_SCHEME_BYTES).filter_map(|letters| torn_word(lead, letters));
        let torn = torn
            .filter(|(word, _)| SCHEMES.iter().any(|known| known.starts_with(word)))
            .map(|(_, len)| self.bytes.len() - len)
            .filter(|start| position(self.reading.lead(*start)) != Position::Bare)
            .min();
        let start = word.into_iter().chain(torn).min()?;
        Some(Anchor::Cut { start })
    }

    /// Whether what begins at `start` stands in the path, query or fragment of a URL.
    fn is_within_another(&self, start: usize) -> bool {
        let lead = self.reading.lead(start).bytes;
        let Some(last) = memchr::memmem::rfind(lead, b"://") else { return false };
        let from = lead.iter().rposition(|byte| ends_word(*byte)).map_or(0, |at| at + 1);
        if last < from {
            return false;
        }
        let token = lead.get(from..).unwrap_or_default();
        let token = token.get(behind_foreign_sign(token)..).unwrap_or_default();
        let Some(colon) = memchr::memmem::find(token, b"://") else { return false };
        let scheme = token.get(..colon).unwrap_or_default();
        let known = scheme_at_end(scheme).is_some();
        let rest = token.get(colon + 3..).unwrap_or_default();
        let in_host = |byte: &&u8| !matches!(byte, b'/' | b'\\' | b'?' | b'#');
        let host = rest.iter().take_while(in_host).count();
        // With other signs it may be no link, so that another begins behind it.
        let is_plain = |byte: &u8| !byte.is_ascii() || in_scheme(*byte) || b"_:@".contains(byte);
        let plain = rest.get(..host).is_some_and(|host| host.iter().all(is_plain));
        known && plain && host > 0 && host < rest.len()
    }

    /// Whether a scheme at `start` belongs to the path or query before it for all readers: behind other
    /// signs some begin another link.
    fn goes_on_before(&self, start: usize) -> bool {
        match self.reading.lead(start).bytes {
            [.., before, last] if b"?&=%:".contains(last) => before != last,
            [.., last] => last.is_ascii_alphanumeric() || b"/?&=%:".contains(last),
            [] => false,
        }
    }

    /// The URL that an anchor begins.
    pub(super) fn read(&mut self, start: usize, from: usize, position: Position) -> Found {
        let limit = self.reading.limit(start, MAX_URL_BYTES);
        let at = Ends::At(position);
        let end = self.end(at, Part::Whole, from);
        let stop = self.end(at, Part::Authority, from).min(limit);
        let mut is_open = end == self.bytes.len() && end < limit;
        let mut end = end.min(limit);
        let mut authority = self.bytes.get(from..stop).unwrap_or_default();
        let beyond = match position {
            Position::Bare => Some(Ends::Longest),
            Position::Unquoted => Some(Ends::Attribute),
            _ => None,
        };
        if let Some(beyond) = beyond.filter(|_| stop == end && stop < limit) {
            let farthest = self.end(beyond, Part::Authority, stop);
            is_open |= farthest == self.bytes.len() && farthest <= limit;
            match self.beyond(start, stop, farthest.min(limit)) {
                Beyond::Nothing => {}
                Beyond::Host(to) => return Found { end: to, host: Host::Odd, is_open },
                Beyond::Name(at_sign) => {
                    let behind = self.end(at, Part::Whole, at_sign + 1);
                    is_open |= behind == self.bytes.len() && behind < limit;
                    end = behind.min(limit).max(at_sign + 1);
                    let stop = self.end(at, Part::Authority, at_sign + 1).min(end);
                    authority = self.bytes.get(at_sign + 1..stop).unwrap_or_default();
                }
            }
        }
        Found { end, host: host(authority, position == Position::Bare), is_open }
    }

    /// What stands from the end of a host on, up to where the readers that take most end it.
    fn beyond(&self, start: usize, from: usize, to: usize) -> Beyond {
        let rest = self.bytes.get(from..to).unwrap_or_default();
        let signs = rest.iter().take_while(|byte| CLOSERS.contains(byte)).count();
        let behind = rest.get(signs..).unwrap_or_default();
        let lead = self.reading.lead(start).bytes;
        // The text of a link, whose target follows.
        let brackets = |byte: &u8| b"[]\n".contains(byte);
        let before = lead.iter().rev().find(|byte| brackets(byte));
        let is_text = rest.starts_with(b"](") && before == Some(&b'[');
        // A slot of a template, which is judged as one.
        let host = self.bytes.get(start..from).unwrap_or_default();
        let is_slot = rest.starts_with(b"}") && memchr::memchr(b'{', host).is_some();
        if signs == 0 || is_text || is_slot {
            return Beyond::Nothing;
        }
        if let Some(at) = memchr::memrchr(b'@', rest) {
            // A list, such as one of JSON, goes on with an address of mail. Nothing can be asked of its host.
            let is_quoted = matches!(
                (lead.last(), rest.first()),
                (Some(b'"'), Some(b'"'))
                    | (Some(b'\''), Some(b'\''))
                    | (Some(b'`'), Some(b'`'))
                    | (Some(b'('), Some(b')'))
                    | (Some(b'['), Some(b']'))
                    | (Some(b'{'), Some(b'}'))
                    | (Some(b'<'), Some(b'>'))
            );
            let is_list = behind.first().is_some_and(|byte| b",;:".contains(byte));
            let has_path = self.byte(to).is_some_and(|byte| b"/\\?#".contains(&byte));
            return if is_quoted && is_list && !has_path {
                Beyond::Nothing
            } else {
                Beyond::Name(from + at)
            };
        }
        // `).evil.example`, and not `').then(` of a program.
        let label = |text: &[u8]| {
            let in_label =
                |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..);
            text.iter().take_while(in_label).count()
        };
        let Some(first) = behind.strip_prefix(b".") else { return Beyond::Nothing };
        let len = label(first);
        let Some(next) = first.get(len..).and_then(|rest| rest.strip_prefix(b".")) else {
            return Beyond::Nothing;
        };
        let more = label(next);
        if len == 0 || more == 0 {
            return Beyond::Nothing;
        }
        Beyond::Host(from + signs + len + more + 2)
    }

    /// The first place from `from` on where a part of a URL ends; the end of the text where there is none.
    fn end(&mut self, at: Ends, part: Part, from: usize) -> usize {
        let Some(known) = self.ends.get_mut(index(at, part)) else { return from };
        if known.0 <= from && from <= known.1 {
            return known.1;
        }
        let rest = self.bytes.get(from..).unwrap_or_default();
        let is_end = |byte: &u8| {
            ends(*byte, at) || part == Part::Authority && matches!(byte, b'/' | b'\\' | b'?' | b'#')
        };
        let end = rest.iter().position(is_end).map_or(self.bytes.len(), |at| from + at);
        *known = (from, end);
        end
    }
}

/// Whether a text begins with `www.`, in any case.
fn begins_name(text: &[u8]) -> bool {
    text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"www."))
}

/// Whether no URL of a text goes on at a byte.
const fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        0..=b' '
            | 0x7F
            | b'"'
            | b'\''
            | b'`'
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'|'
    )
}

/// Where the word begins that a text ends with; none where a name that begins with `www.` stands in it.
fn token_start(lead: &[u8]) -> Option<usize> {
    for (at, byte) in lead.iter().enumerate().rev() {
        if ends_word(*byte) {
            return Some(at + 1);
        }
        let rest = lead.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| lead.get(at));
        let is_name = begins_name(rest) && !before.is_some_and(u8::is_ascii_alphanumeric);
        if is_name && behind_foreign_sign(rest) == 0 {
            return None;
        }
    }
    Some(0)
}

/// Letters of the scheme that a text ends with. Readers of Markdown do not mind what stands before one.
fn scheme_at_end(text: &[u8]) -> Option<usize> {
    let ends = |known: &&[u8]| ends_in(text, known);
    let found = SCHEMES.iter().copied().filter(ends).map(<[u8]>::len).max()?;
    let before = text.len().checked_sub(found + 1).and_then(|at| text.get(at));
    let is_glued = before.is_some_and(u8::is_ascii_alphanumeric);
    if !is_glued {
        return Some(found);
    }
    GLUED_SCHEMES.iter().copied().filter(ends).map(<[u8]>::len).max()
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
    if token.is_ascii() {
        return 0;
    }
    let signs = token.windows(3).enumerate().rev().find(|(_, window)| match window {
        // General punctuation; blanks and signs of Chinese and Japanese; the mark of the order of bytes, which
        // is a blank for programs.
        [0xE2, 0x80 | 0x81, _]
        | [0xE3, 0x80, 0x80..=0xBF]
        | [0xE1, 0x9A, 0x80]
        | [0xEF, 0xBB, 0xBF] => true,
        [0xEF, 0xBC, last] => matches!(last, 0x81..=0x8F | 0x9A..=0xA0 | 0xBB..=0xBF),
        [0xEF, 0xBD, last] => matches!(last, 0x80 | 0x9B..=0xA5),
        _ => false,
    });
    let blanks = token.windows(2).enumerate().rev().find(|(_, window)| {
        // Blanks and control characters.
        matches!(window, [0xC2, 0x80..=0xA0])
    });
    let blanks = blanks.map_or(0, |(at, _)| at + 2);
    signs.map_or(0, |(at, _)| at + 3).max(blanks)
}

/// Kinds of places where a part of a URL ends.
const KINDS_OF_ENDS: usize = 22;

const fn index(at: Ends, part: Part) -> usize {
    let index = match at {
        Ends::At(Position::Bare) => 0,
        Ends::At(Position::Target) => 1,
        Ends::At(Position::Angled) => 2,
        Ends::At(Position::Autolink) => 3,
        Ends::At(Position::Quoted(b'"')) => 4,
        Ends::At(Position::Quoted(_)) => 5,
        Ends::At(Position::Unquoted) => 6,
        Ends::At(Position::Css) => 7,
        Ends::At(Position::Braced) => 8,
        Ends::Longest => 9,
        Ends::Attribute => 10,
    };
    index * 2 + if matches!(part, Part::Authority) { 0 } else { 1 }
}

fn ends(byte: u8, at: Ends) -> bool {
    match at {
        Ends::At(Position::Bare) => byte <= b' ' || byte == b'<' || CLOSERS.contains(&byte),
        Ends::At(Position::Target) => byte <= b' ' || byte == b')',
        Ends::At(Position::Angled) => byte == b'>',
        Ends::At(Position::Autolink) => byte <= b' ' || matches!(byte, b'<' | b'>'),
        Ends::At(Position::Quoted(quote)) => byte == quote,
        Ends::At(Position::Unquoted | Position::Css) => byte <= b' ' || b">\"')".contains(&byte),
        Ends::At(Position::Braced) => byte <= b' ' || byte == b'}',
        Ends::Longest => byte <= b' ' || byte == b'<',
        Ends::Attribute => byte <= b' ' || byte == b'>',
    }
}
