//! Where a URL stands, as what is before it says.

use super::reading::Lead;

/// Bytes that must be left of what stands before a URL for it to say where the URL stands.
const MIN_LEAD_BYTES: usize = 20;
/// Attributes that hold a URL.
const ATTRIBUTES: [&[u8]; 15] = [
    b"href",
    b"src",
    b"srcset",
    b"imagesrcset",
    b"lowsrc",
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
    /// In an attribute without quotes.
    Unquoted,
    /// Between the parentheses of CSS, without quotes.
    Css,
    /// Between the braces of TeX.
    Braced,
}

/// Where a URL stands that has this before it.
pub(super) fn position(lead: Lead<'_>) -> Position {
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
    if ends_in(name, b"url(") {
        return quote.map_or(Position::Css, Position::Quoted);
    }
    if let Some(quote) = quote
        && [&b"@import"[..], b"image-set("].iter().any(|known| ends_in(name, known))
    {
        return Position::Quoted(quote);
    }
    if near.ends_with(b"\\href{") {
        return Position::Braced;
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

pub(super) fn ends_in(text: &[u8], end: &[u8]) -> bool {
    let tail = text.len().checked_sub(end.len()).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}
