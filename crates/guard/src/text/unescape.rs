//! Unescaping: URL (`%41`), HTML (`&#65;`, `&lt;`), JavaScript and JSON (`\x41`, `\u0041`, `\u{41}`),
//! and punctuation behind a backslash, as Markdown and shells have it (`\@`).
//!
//! An escape is at most [`MAX_ESCAPE_BYTES`] long, so deciding needs no more than that ahead.

use super::offsets::Offsets;

/// How often a text is unescaped: `%2541` is `%41`, and that is `A`.
pub(crate) const ESCAPE_ROUNDS: usize = 2;

/// Longest escape that is recognised, in bytes (`&#x0010FFFF;` and some leading zeros).
pub(crate) const MAX_ESCAPE_BYTES: usize = 16;

/// An unescaped text.
#[derive(Debug)]
pub struct Unescaped {
    /// The text with escapes replaced.
    pub text: String,
    /// Where each byte came from.
    pub offsets: Offsets,
}

/// What an escape at the beginning of some bytes stands for.
pub(crate) enum Parsed {
    /// The escape is this long and stands for this byte.
    Byte(usize, u8),
    /// The escape is this long and stands for this character.
    Char(usize, char),
    /// More text could complete it.
    Open,
    /// There is none.
    None,
}

/// Replaces escapes; `None` when there is none. A run of percent-encoded bytes is read as UTF-8.
///
/// The second value is the first byte whose reading more text could change. Unless the text is
/// `complete`, what is unescaped ends there.
pub fn unescape(text: &str, complete: bool) -> (Option<Unescaped>, usize) {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let mut table: Vec<(u32, u32)> = Vec::new();
    let mut copied = 0;
    let mut undecided = text.len();
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b'%', b'&', b'\\', bytes.get(at..).unwrap_or_default())
    {
        let start = at + found;
        let rest = bytes.get(start..).unwrap_or_default();
        let (len, encoded) = match parse(rest) {
            Parsed::Byte(len, byte) => (len, vec![byte]),
            Parsed::Char(len, c) => (len, c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()),
            Parsed::Open => {
                undecided = undecided.min(run_start(bytes, start));
                at = start + 1;
                continue;
            }
            Parsed::None => {
                at = start + 1;
                continue;
            }
        };
        copy(text, copied, start, &mut out, &mut table);
        for byte in encoded {
            out.push(byte);
            table.push((start as u32, (start + len) as u32));
        }
        at = start + len;
        copied = at;
        if at == bytes.len() {
            // A multi-byte character may go on in the next escape.
            undecided = undecided.min(run_start(bytes, start));
        }
    }
    let end = if complete { text.len() } else { undecided };
    if copied == 0 && end == text.len() {
        return (None, undecided);
    }
    copy(text, copied, end.max(copied), &mut out, &mut table);
    let kept = table.partition_point(|(start, _)| (*start as usize) < end);
    out.truncate(kept);
    table.truncate(kept);
    match into_text(out, table) {
        Some((text, table)) => {
            (Some(Unescaped { text, offsets: Offsets::Table(table) }), undecided)
        }
        None => (None, undecided),
    }
}

/// First byte of the last few percent escapes that end at `start`: one character is at most four.
fn run_start(bytes: &[u8], start: usize) -> usize {
    let mut first = start;
    for _ in 0..3 {
        match first.checked_sub(3) {
            Some(before) if bytes.get(before) == Some(&b'%') && bytes.get(start) == Some(&b'%') => {
                first = before;
            }
            _ => break,
        }
    }
    first
}

fn copy(text: &str, from: usize, to: usize, out: &mut Vec<u8>, table: &mut Vec<(u32, u32)>) {
    let part = text.get(from..to).unwrap_or_default();
    out.extend_from_slice(part.as_bytes());
    for (at, c) in part.char_indices() {
        let source = ((from + at) as u32, (from + at + c.len_utf8()) as u32);
        table.resize(table.len() + c.len_utf8(), source);
    }
}

/// Drops bytes that are not UTF-8 together with their table entries.
fn into_text(bytes: Vec<u8>, table: Vec<(u32, u32)>) -> Option<(String, Vec<(u32, u32)>)> {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Some((text, table)),
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut kept = Vec::with_capacity(table.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        text.push_str(valid);
        kept.extend_from_slice(table.get(at..at + valid.len())?);
        at += valid.len() + chunk.invalid().len();
    }
    Some((text, kept))
}

/// Reads the escape that the bytes begin with; it is at most [`MAX_ESCAPE_BYTES`] long.
pub(crate) fn parse(rest: &[u8]) -> Parsed {
    match rest.first() {
        Some(b'%') => match (hex(rest.get(1)), hex(rest.get(2))) {
            (Hex::Digit(high), Hex::Digit(low)) => Parsed::Byte(3, high << 4 | low),
            (Hex::End, _) | (Hex::Digit(_), Hex::End) => Parsed::Open,
            _ => Parsed::None,
        },
        Some(b'\\') => parse_backslash(rest),
        Some(b'&') => parse_entity(rest),
        _ => Parsed::None,
    }
}

enum Hex {
    Digit(u8),
    Other,
    End,
}

fn hex(byte: Option<&u8>) -> Hex {
    match byte {
        None => Hex::End,
        Some(byte) => {
            (*byte as char).to_digit(16).map_or(Hex::Other, |digit| Hex::Digit(digit as u8))
        }
    }
}

fn parse_backslash(rest: &[u8]) -> Parsed {
    match rest.get(1) {
        None => Parsed::Open,
        Some(b'n') => Parsed::Char(2, '\n'),
        Some(b't') => Parsed::Char(2, '\t'),
        Some(b'x') => match code_at(rest, 2, 2) {
            Code::Whole(code) => char::from_u32(code).map_or(Parsed::None, |c| Parsed::Char(4, c)),
            Code::Open => Parsed::Open,
            Code::None => Parsed::None,
        },
        Some(b'u') if rest.get(2) == Some(&b'{') => parse_braced(rest),
        Some(b'u') => parse_unicode(rest),
        Some(byte) if byte.is_ascii_punctuation() && *byte != b'\\' => {
            Parsed::Char(2, char::from(*byte))
        }
        Some(_) => Parsed::None,
    }
}

enum Code {
    Whole(u32),
    /// More text could complete it.
    Open,
    None,
}

/// So many hexadecimal digits from a place on.
fn code_at(rest: &[u8], at: usize, digits: usize) -> Code {
    let mut code = 0;
    for index in at..at + digits {
        match hex(rest.get(index)) {
            Hex::Digit(digit) => code = code << 4 | u32::from(digit),
            Hex::End => return Code::Open,
            Hex::Other => return Code::None,
        }
    }
    Code::Whole(code)
}

/// `\u0041`, or two of them for a character beyond the first 65,536. Halves of such pairs stand for
/// nothing by themselves.
fn parse_unicode(rest: &[u8]) -> Parsed {
    let high = match code_at(rest, 2, 4) {
        Code::Whole(code) => code,
        Code::Open => return Parsed::Open,
        Code::None => return Parsed::None,
    };
    if !(0xD800..0xDC00).contains(&high) {
        return char::from_u32(high).map_or(Parsed::None, |c| Parsed::Char(6, c));
    }
    match (rest.get(6), rest.get(7)) {
        (Some(b'\\'), Some(b'u')) => {}
        (None, _) | (Some(b'\\'), None) => return Parsed::Open,
        _ => return Parsed::None,
    }
    match code_at(rest, 8, 4) {
        Code::Whole(low) if (0xDC00..0xE000).contains(&low) => {
            let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            char::from_u32(code).map_or(Parsed::None, |c| Parsed::Char(12, c))
        }
        Code::Open => Parsed::Open,
        _ => Parsed::None,
    }
}

/// `\u{1F600}`, with up to six digits.
fn parse_braced(rest: &[u8]) -> Parsed {
    let digits = rest.iter().skip(3).take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
    match rest.get(3 + digits) {
        None if digits <= 6 => Parsed::Open,
        Some(b'}') if (1..=6).contains(&digits) => match code_at(rest, 3, digits) {
            Code::Whole(code) => {
                char::from_u32(code).map_or(Parsed::None, |c| Parsed::Char(4 + digits, c))
            }
            Code::Open | Code::None => Parsed::None,
        },
        _ => Parsed::None,
    }
}

/// Named entities that matter for markup and text; others stay as they are.
const ENTITIES: [(&str, char); 17] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("colon", ':'),
    ("sol", '/'),
    ("bsol", '\\'),
    ("commat", '@'),
    ("period", '.'),
    ("lpar", '('),
    ("rpar", ')'),
    ("equals", '='),
    ("excl", '!'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
];

fn parse_entity(rest: &[u8]) -> Parsed {
    let window = rest.get(..MAX_ESCAPE_BYTES.min(rest.len())).unwrap_or_default();
    if window.get(1) == Some(&b'#') {
        return parse_number(window, rest.len());
    }
    let body_len = window.iter().skip(1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let body = window.get(1..=body_len).unwrap_or_default();
    let len = match window.get(1 + body_len) {
        Some(b';') => body_len + 2,
        None if rest.len() < MAX_ESCAPE_BYTES => return Parsed::Open,
        // Browsers do without the semicolon behind some old names.
        Some(_) if matches!(body, b"lt" | b"gt" | b"quot" | b"amp") => body_len + 1,
        _ => return Parsed::None,
    };
    let named = ENTITIES.iter().find(|(name, _)| name.as_bytes() == body);
    named.map_or(Parsed::None, |(_, c)| Parsed::Char(len, *c))
}

/// `&#65;` or `&#x41;`; browsers do without the semicolon.
fn parse_number(window: &[u8], available: usize) -> Parsed {
    let is_hex = matches!(window.get(2), Some(b'x' | b'X'));
    let (first, radix) = if is_hex { (3, 16) } else { (2, 10) };
    let digits = window.get(first..).unwrap_or_default();
    let count = digits.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let len = match digits.get(count) {
        None if available < MAX_ESCAPE_BYTES => return Parsed::Open,
        Some(b';') => first + count + 1,
        _ if count >= 2 => first + count,
        _ => return Parsed::None,
    };
    let digits = std::str::from_utf8(digits.get(..count).unwrap_or_default()).unwrap_or_default();
    let code = u32::from_str_radix(digits, radix).ok();
    code.and_then(char::from_u32).map_or(Parsed::None, |c| Parsed::Char(len, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> Option<String> {
        unescape(text, true).0.map(|unescaped| unescaped.text)
    }

    #[test]
    fn reads_the_usual_escapes() {
        assert_eq!(unescaped("%69gnore").as_deref(), Some("ignore"));
        assert_eq!(unescaped("&#105;gn&#x6f;re &lt;b&gt;").as_deref(), Some("ignore <b>"));
        assert_eq!(unescaped(r"\x69gn\u006fre").as_deref(), Some("ignore"));
        assert_eq!(unescaped("%C3%A9t%C3%A9").as_deref(), Some("été"));
    }

    #[test]
    fn reads_escapes_that_others_write() {
        assert_eq!(unescaped("&#105&#103nore &lt b").as_deref(), Some("ignore < b"));
        assert_eq!(unescaped(r"\u{69}g\u{6e}ore \u{1F600}").as_deref(), Some("ignore 😀"));
        assert_eq!(unescaped(r"\ud835\udc22gnore").as_deref(), Some("𝐢gnore"));
        assert_eq!(
            unescaped(r"bob\_smith\@example\.com").as_deref(),
            Some("bob_smith@example.com")
        );
    }

    #[test]
    fn half_a_pair_and_empty_braces_are_no_escapes() {
        for text in
            [r"\ud835 x", r"\ud835\u0041", r"\udc22 x", r"\u{} x", r"\u{1234567} x", r"\u{zz}"]
        {
            let left = unescaped(text);
            assert!(left.is_none_or(|left| left.contains(r"\u")), "{text}");
        }
    }

    #[test]
    fn leaves_what_is_no_escape() {
        assert_eq!(unescaped("100% sure & C:\\dir"), None);
        assert_eq!(unescaped("%zz &unknown; \\q"), None);
    }

    #[test]
    fn an_escape_cut_at_the_end_is_undecided() {
        assert_eq!(unescape("ab%6", false).1, 2);
        assert_eq!(unescape("ab&#1", false).1, 2);
        assert_eq!(unescape(r"ab\u00", false).1, 2);
        assert_eq!(unescape("ab%C3", false).1, 2);
        assert_eq!(unescape("ab%zz", false).1, 5);
        assert_eq!(unescape(r"ab\u{6", false).1, 2);
        assert_eq!(unescape(r"ab\ud835", false).1, 2);
        assert_eq!(unescape(r"ab\ud835\udc", false).1, 2);
    }

    #[test]
    fn an_open_text_ends_where_it_is_undecided() {
        let text = |text| unescape(text, false).0.map(|unescaped| unescaped.text);
        assert_eq!(text("ab%6").as_deref(), Some("ab"));
        assert_eq!(text("%61b%C3").as_deref(), Some("ab"));
        assert_eq!(text("ab"), None);
    }

    #[test]
    fn maps_an_escape_whole() {
        let (unescaped, _) = unescape("a%69b", true);
        assert_eq!(unescaped.unwrap().offsets.to_source(1, 2), bartizan_core::Span::new(1, 4));
    }
}
