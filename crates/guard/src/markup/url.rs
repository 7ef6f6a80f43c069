//! Whether a URL carries data away: a blob, a sentence, a template slot or a placeholder in it.
//!
//! Identifiers and hashes are long and random too, and ordinary links are full of them. What tells
//! data apart is that it reads as text once decoded, or that there is far more of it than naming
//! needs.

use crate::secrets::quality::Classes;

/// How a URL is used; what loads by itself is judged more strictly than what must be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Loaded as soon as the text is shown.
    Loaded,
    /// Followed by a click.
    Link,
}

/// Most bytes of a URL that are read.
pub(crate) const MAX_URL_BYTES: usize = 900;

/// Shortest blob that is decoded, in characters.
const MIN_BLOB_BYTES: usize = 16;

/// Whether the URL names a host by itself: `https://…`, `http://…` or `//…`, with slashes of either kind.
pub(crate) fn is_absolute(url: &[u8]) -> bool {
    rest_after_scheme(url).is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_alphanumeric))
}

fn rest_after_scheme(url: &[u8]) -> Option<&[u8]> {
    let schemes = ["https:", "http:", ""];
    let scheme = schemes.iter().find(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    })?;
    let rest = url.get(scheme.len()..)?;
    let slashes = rest.iter().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    // In Markdown two backslashes are one.
    (slashes >= 2).then(|| rest.get(slashes..)).flatten()
}

/// Whether an absolute URL carries data.
pub(crate) fn carries_data(url: &[u8], how: Use) -> bool {
    let Some(rest) = rest_after_scheme(url) else { return false };
    let ends_host = |byte: &u8| matches!(byte, b'/' | b'\\' | b'?' | b'#');
    let host_len = rest.iter().position(ends_host).unwrap_or(rest.len());
    let (host, tail) = rest.split_at_checked(host_len).unwrap_or_default();
    if host.is_empty() {
        return false;
    }
    // A fragment stays in the browser.
    let tail = tail.split(|byte| *byte == b'#').next().unwrap_or_default();
    let path_len = tail.iter().position(|byte| *byte == b'?').unwrap_or(tail.len());
    let (path, query) = tail.split_at_checked(path_len).unwrap_or_default();
    let slots = match how {
        Use::Loaded => has_slot(host, &SLOTS) || has_slot(tail, &SLOTS) || has_placeholder(tail),
        Use::Link => has_slot(query, &LINK_SLOTS) || has_placeholder(tail),
    };
    slots || host_carries(host) || path_carries(path, how) || query_carries(query, how)
}

/// How template slots open and close.
type Slots<'a> = &'a [(&'a [u8], &'a [u8])];

/// `{name}`, `<NAME>`, `$(…)`, also escaped, and `[DATA]`.
const SLOTS: [(&[u8], &[u8]); 6] =
    [(b"{", b"}"), (b"<", b">"), (b"$(", b")"), (b"%7b", b"%7d"), (b"%3c", b"%3e"), (b"[", b"]")];

/// Brackets are common in links, as in the titles of new issues.
const LINK_SLOTS: [(&[u8], &[u8]); 5] =
    [(b"{", b"}"), (b"<", b">"), (b"$(", b")"), (b"%7b", b"%7d"), (b"%3c", b"%3e")];

/// Whether a template slot stands in the part.
fn has_slot(part: &[u8], slots: Slots<'_>) -> bool {
    slots.iter().any(|(open, close)| {
        starts(part, open).any(|at| {
            let inside = part.get(at..).unwrap_or_default();
            let inside = inside.get(..48.min(inside.len())).unwrap_or_default();
            let len = starts(inside, close).next().map(|behind| behind - close.len());
            let name = len.and_then(|len| inside.get(..len)).unwrap_or_default();
            let name = trim(name, b"{$% ");
            let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte);
            name.len() >= 3
                && name.iter().all(word)
                && name.iter().any(u8::is_ascii_alphabetic)
                && (*open != b"[" || name.iter().all(|byte| !byte.is_ascii_lowercase()))
        })
    })
}

/// Whether a placeholder such as `<EMAIL_ADDRESS_1>` stands in the part; an attribute without quotes
/// ends before the `>`.
fn has_placeholder(part: &[u8]) -> bool {
    starts(part, b"<").any(|at| {
        let name: Vec<u8> =
            part.iter().skip(at).take(48).copied().take_while(|byte| *byte != b'>').collect();
        name.len() >= 4
            && name
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
    })
}

/// Places right behind each occurrence of `mark`, which is lower case.
fn starts<'a>(part: &'a [u8], mark: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    part.windows(mark.len())
        .enumerate()
        .filter(move |(_, window)| window.eq_ignore_ascii_case(mark))
        .map(move |(at, _)| at + mark.len())
}

fn trim<'a>(bytes: &'a [u8], set: &[u8]) -> &'a [u8] {
    let start = bytes.iter().take_while(|byte| set.contains(byte)).count();
    let bytes = bytes.get(start..).unwrap_or_default();
    let end = bytes.iter().rev().take_while(|byte| set.contains(byte)).count();
    bytes.get(..bytes.len() - end).unwrap_or_default()
}

/// Labels that are no names: too long and too mixed, or text once decoded.
fn host_carries(host: &[u8]) -> bool {
    let host = host.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let labels: Vec<&[u8]> = host.split(|byte| *byte == b'.').collect();
    let inner = labels.len().saturating_sub(2);
    labels.iter().take(inner).any(|label| {
        let mixed = Classes::of(label).changes >= 6;
        (label.len() >= 40 && mixed) || decodes_to_text(label)
    })
}

fn path_carries(path: &[u8], how: Use) -> bool {
    path.split(|byte| *byte == b'/').any(|segment| {
        let value = segment.rsplit(|byte| *byte == b'=').next().unwrap_or_default();
        let stem = value.rsplitn(2, |byte| *byte == b'.').last().unwrap_or_default();
        let assigned = value.len() < segment.len();
        decodes_to_text(stem)
            || (how == Use::Loaded && assigned && is_sentence(value, 3))
            || (how == Use::Loaded && spaces(value) >= 8 && is_sentence(value, 8))
    })
}

fn query_carries(query: &[u8], how: Use) -> bool {
    let (max_value, max_query, words) = match how {
        Use::Loaded => (96, 320, 4),
        Use::Link => (200, 600, 10),
    };
    query.len() > max_query
        || query.split(|byte| matches!(byte, b'?' | b'&' | b';')).any(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').map_or(0, |at| at + 1);
            let value = pair.get(at..).unwrap_or_default();
            value.len() > max_value
                || decodes_to_text(value)
                || (is_sentence(value, words) && !pair.starts_with(b"utm_"))
                || (how == Use::Loaded && has_address(value))
        })
}

/// Whether the value has an e-mail address in it.
fn has_address(value: &[u8]) -> bool {
    starts(value, b"%40").chain(starts(value, b"@")).any(|at| {
        at > 1 && value.get(at..).unwrap_or_default().iter().take(64).any(|byte| *byte == b'.')
    })
}

/// Number of places where words meet in a URL.
fn spaces(value: &[u8]) -> usize {
    memchr::memchr2_iter(b'+', b' ', value).count() + starts(value, b"%20").count()
}

/// Whether the value has at least this many words; twice as many where `_` joins them, as in names.
fn is_sentence(value: &[u8], words: usize) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let joined = memchr::memchr_iter(b'_', value).count();
    (spaces(value) + 1 >= words || joined + 1 >= 2 * words) && letters >= words * 3
}

/// Whether the value is base64, base64url, base32 or hexadecimal for readable text.
fn decodes_to_text(value: &[u8]) -> bool {
    let value = trim(value, b"=");
    let value =
        value.strip_suffix(b"%3D").map_or(value, |rest| rest.strip_suffix(b"%3D").unwrap_or(rest));
    if value.len() < MIN_BLOB_BYTES {
        return false;
    }
    let classes = Classes::of(value);
    // Words decode to something now and then; blobs mix cases and digits.
    let hex =
        value.len().is_multiple_of(2) && value.iter().all(u8::is_ascii_hexdigit) && classes.digit;
    let base64 = classes.lower
        && classes.upper
        && classes.changes >= 4
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte));
    let base32 = value.len() >= 24
        && value.iter().all(|byte| matches!(byte.to_ascii_uppercase(), b'A'..=b'Z' | b'2'..=b'7'))
        && classes.digit
        && !(classes.lower && classes.upper);
    (hex && is_text(decode(value, 4, hex_value)))
        || (base64 && is_text(decode(value, 6, base64_value)))
        || (base32 && is_text(decode(value, 5, base32_value)))
}

/// Whether all bytes but a few are printable ASCII, and most of them letters, digits or spaces.
fn is_text(bytes: impl Iterator<Item = u8>) -> bool {
    let (mut total, mut strange, mut plain) = (0usize, 0usize, 0usize);
    for byte in bytes {
        total += 1;
        strange +=
            usize::from(!(byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\r' | b'\t')));
        plain += usize::from(byte.is_ascii_alphanumeric() || byte == b' ');
    }
    total >= 8 && strange * 20 <= total && plain * 3 >= total * 2
}

/// Bytes made of `bits` per character; a rest of fewer than eight bits is dropped.
fn decode(value: &[u8], bits: u32, digit: fn(u8) -> u8) -> impl Iterator<Item = u8> + '_ {
    let mut held = 0u32;
    let mut count = 0;
    value.iter().filter_map(move |byte| {
        held = (held << bits | u32::from(digit(*byte))) & 0xffff;
        count += bits;
        if count < 8 {
            return None;
        }
        count -= 8;
        Some((held >> count) as u8)
    })
}

fn hex_value(byte: u8) -> u8 {
    (byte as char).to_digit(16).map_or(0, |digit| digit as u8)
}

const fn base64_value(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    }
}

const fn base32_value(byte: u8) -> u8 {
    match byte.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => letter - b'A',
        b'2'..=b'7' => byte - b'2' + 26,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_told_from_names() {
        for url in [
            "https://e.example/p.png?q=c3VwZXIgc2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI",
            "https://e.example/p.png?q=737570657220736563726574206973206f75742e",
            "https://e.example/aWdub3JlIGFsbCBydWxlcyBub3cu/p.png",
            "https://e.example/p.png?q=the+user+lives+in+Springfield",
            "https://e.example/p.png?q={conversation}",
            "https://e.example/azure=[DATA]",
            "//e.example/p.png?u=%7Busername%7D",
            "https://e.example/p?m=<EMAIL_ADDRESS_1>",
            "https://e.example/p.png?m=alice%40example.com",
            "https://ON2XAZLSEBZWKY3SMV2CA4DBONZXO33SMQ.e.example/p.png",
        ] {
            assert!(carries_data(url.as_bytes(), Use::Loaded), "{url}");
        }
    }

    #[test]
    fn identifiers_hashes_and_short_parameters_are_no_data() {
        for url in [
            "https://e.example/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png",
            "https://img.shields.io/static/v1?label=build+status&message=passing&color=green",
            "https://e.example/avatar/5c94767cedb5d6987c902ac850ded2c6?s=80&d=identicon",
            "https://e.example/badge.svg?token=AB12CD34EF",
            "https://www.example.com/watch?v=dQw4w9WgXcQ&t=43s",
            "https://docs.example.com/guide/getting-started-with-the-new-dashboard-in-2024#install",
            "https://e.example/d/1W7KCxOxP-1Fy5EyF2lbJGE2WuKmu5v0suYqoHas1jRM",
            "relative/path.png?q={conversation}",
        ] {
            assert!(!carries_data(url.as_bytes(), Use::Loaded), "{url}");
        }
        let search = b"https://www.example.com/search?q=how+to+write+rust+macros";
        assert!(!carries_data(search, Use::Link) && carries_data(search, Use::Loaded));
    }

    #[test]
    fn absolute_urls_name_a_host() {
        assert!(is_absolute(b"HTTPS://e.example") && is_absolute(b"//e.example/x"));
        assert!(!is_absolute(b"/x") && !is_absolute(b"https://") && !is_absolute(b"data:,x"));
    }
}
