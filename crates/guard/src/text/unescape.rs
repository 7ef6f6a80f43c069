//! Unescaping: URL (`%41`), HTML (`&#65;`, `&lt;`), JavaScript and JSON (`\x41`, `\u0041`).
//!
//! An escape is at most [`MAX_ESCAPE_BYTES`] long, so deciding needs no more than that ahead.

use super::offsets::Offsets;

/// How often a text is unescaped: `%2541` is `%41`, and that is `A`.
pub(crate) const ESCAPE_ROUNDS: usize = 2;

/// Longest escape that is recognised, in bytes (`&#x0010FFFF;` and some leading zeros).
const MAX_ESCAPE_BYTES: usize = 16;

/// An unescaped text.
#[derive(Debug)]
pub struct Unescaped {
    /// The text with escapes replaced.
    pub text: String,
    /// Where each byte came from.
    pub offsets: Offsets,
}

enum Parsed {
    /// The escape is this long and stands for these bytes or characters.
    Byte(usize, u8),
    Char(usize, char),
    /// More text could complete it.
    Open,
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

fn parse(rest: &[u8]) -> Parsed {
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
    let (digits, make): (usize, fn(u32) -> Option<char>) = match rest.get(1) {
        None => return Parsed::Open,
        Some(b'x') => (2, char::from_u32),
        Some(b'u') => (4, char::from_u32),
        Some(b'n') => return Parsed::Char(2, '\n'),
        Some(b't') => return Parsed::Char(2, '\t'),
        Some(b'"') => return Parsed::Char(2, '"'),
        Some(b'/') => return Parsed::Char(2, '/'),
        Some(_) => return Parsed::None,
    };
    let mut code = 0;
    for index in 2..2 + digits {
        match hex(rest.get(index)) {
            Hex::Digit(digit) => code = code << 4 | u32::from(digit),
            Hex::End => return Parsed::Open,
            Hex::Other => return Parsed::None,
        }
    }
    // Halves of surrogate pairs stand for nothing by themselves.
    make(code).map_or(Parsed::None, |c| Parsed::Char(2 + digits, c))
}

/// Named entities that matter for markup and text; others stay as they are.
const ENTITIES: [(&str, char); 16] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("colon", ':'),
    ("sol", '/'),
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
    let body_len = window
        .iter()
        .skip(1)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#')
        .count();
    let body = window.get(1..=body_len).unwrap_or_default();
    match window.get(1 + body_len) {
        Some(b';') => {}
        None if rest.len() < MAX_ESCAPE_BYTES => return Parsed::Open,
        _ => return Parsed::None,
    }
    let len = body_len + 2;
    let Ok(body) = std::str::from_utf8(body) else { return Parsed::None };
    let code = match body.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        },
        None => ENTITIES.iter().find(|(name, _)| *name == body).map(|(_, c)| *c as u32),
    };
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
