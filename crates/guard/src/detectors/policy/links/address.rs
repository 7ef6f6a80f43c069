//! Where URLs begin, and which host a browser takes out of them (WHATWG URL, section 4.4).

use bartizan_core::host::canonical_host;

use crate::cursor::{Cursor, before};

/// Bytes before a URL that say where it stands.
const POSITION_BYTES: usize = 48;
/// Bytes before a URL in which another is looked for that it belongs to.
const OUTER_BYTES: usize = 256;
/// Most bytes before a URL that decide about it.
pub(super) const LOOK_BEHIND: usize = OUTER_BYTES + POSITION_BYTES;
/// Most slashes behind a scheme.
const MAX_SLASHES: usize = 8;
/// Most bytes of what stands before the path.
const MAX_AUTHORITY_BYTES: usize = 512;

/// Schemes whose URLs have a host.
const SCHEMES: [&[u8]; 5] = [b"https", b"http", b"wss", b"ws", b"ftp"];

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
    /// One whose host begins at `host`.
    Whole { start: usize, host: usize, position: Position },
    /// What the end of the text may have begun.
    Cut { start: usize },
}

impl Anchor {
    pub(super) const fn start(self) -> usize {
        match self {
            Self::Whole { start, .. } | Self::Cut { start } => start,
        }
    }
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
    /// In an attribute, between these quotes.
    Quoted(u8),
    /// In an attribute without quotes, or in CSS.
    Unquoted,
}

/// The beginnings of URLs, by kind, then by place.
pub(super) fn anchors(bytes: &[u8]) -> impl Iterator<Item = Anchor> {
    let colons = memchr::memchr_iter(b':', bytes).filter_map(|at| behind_scheme(bytes, at));
    let slashes = memchr::memchr2_iter(b'/', b'\\', bytes).filter_map(|at| at_slashes(bytes, at));
    let names = memchr::memmem::find_iter(bytes, b"www.").filter_map(|at| at_name(bytes, at));
    colons.chain(slashes).chain(names).chain(cut_word(bytes))
}

const fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

const fn in_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn behind_scheme(bytes: &[u8], colon: usize) -> Option<Anchor> {
    let lead = before(bytes, colon, 6);
    let len = lead.iter().rev().take_while(|byte| in_scheme(**byte)).count();
    let scheme = bytes.get(colon - len..colon)?;
    SCHEMES.iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let start = colon - len;
    if is_within_another(bytes, start) {
        return None;
    }
    let rest = bytes.get(colon + 1..)?;
    let slashes = rest.iter().take(MAX_SLASHES).take_while(|byte| is_slash(**byte)).count();
    let host = colon + 1 + slashes;
    if slashes < MAX_SLASHES && host == bytes.len() {
        return Some(Anchor::Cut { start });
    }
    let position = position(bytes, start);
    // Without two slashes it is a word with a colon, save where nothing but a URL can stand.
    (slashes >= 2 || position != Position::Bare).then_some(Anchor::Whole { start, host, position })
}

fn at_slashes(bytes: &[u8], at: usize) -> Option<Anchor> {
    if at
        .checked_sub(1)
        .and_then(|last| bytes.get(last))
        .is_some_and(|byte| is_slash(*byte) || *byte == b':')
    {
        return None;
    }
    let rest = bytes.get(at..)?;
    let slashes = rest.iter().take(MAX_SLASHES).take_while(|byte| is_slash(**byte)).count();
    let host = at + slashes;
    let is_cut = slashes < MAX_SLASHES && host == bytes.len();
    if slashes < 2 && !is_cut {
        return None;
    }
    let position = position(bytes, at);
    if position == Position::Bare {
        return None;
    }
    Some(if is_cut {
        Anchor::Cut { start: at }
    } else {
        Anchor::Whole { start: at, host, position }
    })
}

fn at_name(bytes: &[u8], at: usize) -> Option<Anchor> {
    let glued = |byte: &u8| byte.is_ascii_alphanumeric() || b"/\\.@-_:%=&".contains(byte);
    if before(bytes, at, 1).iter().any(glued) || is_within_another(bytes, at) {
        return None;
    }
    let position = position(bytes, at);
    // In an attribute or behind a bracket it is the name of a file beside the page.
    (position == Position::Bare).then_some(Anchor::Whole { start: at, host: at, position })
}

/// A word at the end of the text that may become a scheme or `www.`.
fn cut_word(bytes: &[u8]) -> Option<Anchor> {
    let lead = before(bytes, bytes.len(), 6);
    let len = lead.iter().rev().take_while(|byte| in_scheme(**byte)).count();
    let word = lead.get(lead.len() - len..)?;
    let begins =
        |known: &[u8]| known.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let may_grow =
        !word.is_empty() && (SCHEMES.iter().any(|scheme| begins(scheme)) || begins(b"www."));
    may_grow.then_some(Anchor::Cut { start: bytes.len() - len })
}

/// Whether what begins at `start` stands in the path, query or fragment of a URL.
fn is_within_another(bytes: &[u8], start: usize) -> bool {
    let lead = before(bytes, start, OUTER_BYTES);
    let ends = |byte: &u8| *byte <= b' ' || b"\"'`<>()[]{}|".contains(byte);
    let from = lead.iter().rposition(ends).map_or(0, |at| at + 1);
    let token = lead.get(from..).unwrap_or_default();
    let Some(colon) = token.windows(3).position(|window| window == b"://") else { return false };
    let scheme = before(token, colon, 6);
    let len = scheme.iter().rev().take_while(|byte| in_scheme(**byte)).count();
    let scheme = scheme.get(scheme.len() - len..).unwrap_or_default();
    let known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let rest = token.get(colon + 3..).unwrap_or_default();
    let host = rest.iter().take_while(|byte| !matches!(byte, b'/' | b'\\' | b'?' | b'#')).count();
    known && host > 0 && host < rest.len()
}

/// Where a URL that begins at `start` stands.
fn position(bytes: &[u8], start: usize) -> Position {
    let lead = before(bytes, start, POSITION_BYTES);
    // Browsers skip blanks and control characters before a URL.
    let lead = trim(lead);
    if let Some(rest) = lead.strip_suffix(b"<") {
        let rest = trim(rest);
        let is_target = rest.ends_with(b"](") || rest.ends_with(b"]:");
        return if is_target { Position::Angled } else { Position::Bare };
    }
    if lead.ends_with(b"](") || lead.ends_with(b"]:") {
        return Position::Target;
    }
    let (name, quote) = match lead.split_last() {
        Some((quote @ (b'"' | b'\''), rest)) => {
            (trim(rest.strip_suffix(b"\\").unwrap_or(rest)), Some(*quote))
        }
        _ => (lead, None),
    };
    if ends_in(name, b"url(") || (quote.is_some() && ends_in(name, b"@import")) {
        return quote.map_or(Position::Unquoted, Position::Quoted);
    }
    let Some(name) = name.strip_suffix(b"=") else { return Position::Bare };
    let name = trim(name);
    let is_attribute = ATTRIBUTES.iter().any(|known| {
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

fn trim(lead: &[u8]) -> &[u8] {
    let blanks = lead.iter().rev().take(8).take_while(|byte| **byte <= b' ').count();
    lead.get(..lead.len() - blanks).unwrap_or_default()
}

fn ends_in(text: &[u8], end: &[u8]) -> bool {
    let tail = text.len().checked_sub(end.len()).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// What stands before the path of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: Host,
}

/// The host that a browser would ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// This one, in canonical form.
    Named(String),
    /// None that could be told: it is spelled with escapes, or so that readers differ.
    Odd,
    /// None at all.
    None,
}

/// Takes a URL from its host on, as far as its position lets it go.
pub(super) fn read(cursor: &mut Cursor<'_>, position: Position) -> Address {
    let start = cursor.at();
    let mut odd = false;
    while let Some(byte) = cursor.peek() {
        if ends(byte, position) || matches!(byte, b'/' | b'?' | b'#') {
            break;
        }
        if byte == b'\\' {
            let mut ahead = cursor.clone();
            ahead.next();
            let next = ahead.peek();
            if ahead.starved() {
                // Asks for the byte behind the backslash.
                *cursor = ahead;
                return Address { host: Host::None };
            }
            // Markdown takes the backslash away: what looks like a path is more of the host.
            odd |=
                next.is_some_and(|next| next.is_ascii_punctuation() && !b"/\\\"'".contains(&next));
            break;
        }
        // An entity may stand for any letter.
        odd |= byte == b'&';
        if cursor.at() - start >= MAX_AUTHORITY_BYTES {
            odd = true;
            break;
        }
        cursor.next();
    }
    let authority = cursor.since(start);
    while cursor.peek().is_some_and(|byte| !ends(byte, position)) {
        cursor.next();
    }
    let host = if odd { Host::Odd } else { host(authority, position) };
    Address { host }
}

fn ends(byte: u8, position: Position) -> bool {
    match position {
        Position::Bare => byte <= b' ' || b"<>\"'`)]}|".contains(&byte),
        Position::Target => byte <= b' ' || byte == b')',
        Position::Angled => matches!(byte, b'>' | b'\n'),
        Position::Quoted(quote) => byte == quote,
        Position::Unquoted => byte <= b' ' || b">\"')".contains(&byte),
    }
}

fn host(authority: &[u8], position: Position) -> Host {
    let is_free = matches!(position, Position::Angled | Position::Quoted(_));
    let kept: Vec<u8> = authority
        .iter()
        .copied()
        .filter(|byte| !(is_free && matches!(byte, b'\t' | b'\n' | b'\r')))
        .collect();
    // Everything before the last `@` is a name and a password.
    let at = kept.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let host = kept.get(at..).unwrap_or_default();
    let Ok(host) = std::str::from_utf8(host) else { return Host::Odd };
    if host.contains('%') {
        return Host::Odd;
    }
    let host = host.trim();
    if host.starts_with('[') {
        let end = host.find(']').map_or(host.len(), |at| at + 1);
        let address = canonical_host(host.get(..end).unwrap_or_default());
        return address.map_or(Host::Odd, Host::Named);
    }
    let host = if position == Position::Bare { spoken(host) } else { host };
    let host = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    if host.is_empty() {
        return Host::None;
    }
    if let Some(host) = canonical_host(host) {
        return Host::Named(host);
    }
    // Slots of a template, and letters that names seldom have: what is behind them decides.
    let stood_in: String = host
        .chars()
        .map(|c| if c == '.' || !c.is_ascii() || in_scheme(c as u8) { c } else { 'x' })
        .collect();
    match canonical_host(&stood_in) {
        Some(host) if host.contains('.') => Host::Named(host),
        _ => Host::None,
    }
}

/// The host of a URL in a sentence, without what the sentence goes on with.
fn spoken(host: &str) -> &str {
    let punctuation = ['.', ',', ';', ':', '!', '?', '*', '_', '~'];
    let host = host.trim_end_matches(punctuation);
    let Some(first) = host.find(|c: char| !c.is_ascii()) else { return host };
    // In scripts without spaces the sentence goes on right behind; a name goes on to a dot and a name.
    let rest = host.get(first..).unwrap_or_default();
    let dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
    let mut pieces = rest.split(dot).skip(1);
    let goes_on = pieces.any(|piece| piece.starts_with(|c: char| c.is_ascii_alphanumeric()));
    if goes_on || first == 0 {
        return host;
    }
    host.get(..first).unwrap_or_default().trim_end_matches(punctuation)
}
