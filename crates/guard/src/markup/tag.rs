//! One HTML tag, read leniently, as browsers do.

use crate::cursor::Cursor;

/// Most bytes of a tag that are read.
pub(crate) const MAX_TAG_BYTES: usize = 900;
/// Most attributes that are kept.
const MAX_ATTRIBUTES: usize = 24;

/// An opening tag.
#[derive(Debug)]
pub(crate) struct Tag<'a> {
    /// Name as written.
    pub(crate) name: &'a [u8],
    /// Attributes as written, in order.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// One past the last byte.
    pub(crate) end: usize,
    /// Whether `>` ends it.
    pub(crate) closed: bool,
}

/// An attribute; the value is empty where there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Reads a tag at its `<`. The cursor knows afterwards whether more text could change it.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        if !cursor.eat(b'<') {
            return None;
        }
        let name = cursor.run(24, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let first = name.first()?;
        if !first.is_ascii_alphabetic() {
            return None;
        }
        let mut tag = Self { name, attributes: Vec::new(), end: cursor.at(), closed: false };
        loop {
            cursor.run(MAX_TAG_BYTES, |byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'')
            });
            match cursor.peek() {
                None | Some(b'<') => return Some(tag),
                Some(b'>') => {
                    cursor.next();
                    tag.closed = true;
                    tag.end = cursor.at();
                    return Some(tag);
                }
                Some(_) => {}
            }
            let attribute = attribute(cursor);
            tag.end = cursor.at();
            if tag.attributes.len() < MAX_ATTRIBUTES {
                tag.attributes.push(attribute);
            }
        }
    }

    /// Whether the tag has this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value of the first attribute of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|found| found.value)
    }
}

fn attribute<'a>(cursor: &mut Cursor<'a>) -> Attribute<'a> {
    let start = cursor.at();
    cursor.next();
    cursor.run(MAX_TAG_BYTES, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'/' | b'<')
    });
    let name = cursor.since(start);
    let behind = cursor.at();
    cursor.spaces(16);
    if !cursor.eat(b'=') {
        cursor.rewind(behind);
        return Attribute { name, value: b"" };
    }
    cursor.spaces(16);
    let quote = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\''));
    let value = if let Some(quote) = quote {
        cursor.next();
        let value = cursor.run(MAX_TAG_BYTES, |byte| byte != quote);
        cursor.next();
        value
    } else {
        cursor.run(MAX_TAG_BYTES, |byte| !byte.is_ascii_whitespace() && byte != b'>')
    };
    Attribute { name, value }
}

/// The value without white space and control characters, in lower case, as a scheme is recognised.
pub(crate) fn squeezed(value: &[u8], max: usize) -> Vec<u8> {
    value.iter().filter(|byte| **byte > b' ').take(max).map(u8::to_ascii_lowercase).collect()
}

/// Whether a URL runs code: `javascript:`, `vbscript:`, `data:text/html` and the like.
pub(crate) fn is_script_url(value: &[u8]) -> bool {
    let start = squeezed(value, 32);
    let schemes = [
        "javascript:",
        "vbscript:",
        "livescript:",
        "data:text/html",
        "data:image/svg+xml",
        "data:application/xhtml",
    ];
    schemes.iter().any(|scheme| start.starts_with(scheme.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Tag<'_> {
        Tag::read(&mut Cursor::new(text.as_bytes(), 0, MAX_TAG_BYTES)).unwrap()
    }

    #[test]
    fn reads_attributes_in_all_quotes() {
        let tag = read("<IMG src = 'a b' alt=\"x>y\" width=3 hidden/>tail");
        assert!(tag.is("img") && tag.closed);
        assert_eq!(tag.get("SRC"), Some(&b"a b"[..]));
        assert_eq!(tag.get("alt"), Some(&b"x>y"[..]));
        assert_eq!(tag.get("width"), Some(&b"3"[..]));
        assert_eq!(tag.get("hidden"), Some(&b""[..]));
        assert_eq!(tag.end, 43);
    }

    #[test]
    fn reads_what_browsers_mend() {
        assert_eq!(read("<svg/onload=alert(1)>").get("onload"), Some(&b"alert(1)"[..]));
        let open = read("<img src=x onerror=");
        assert!(!open.closed && open.get("onerror").is_some());
        assert!(Tag::read(&mut Cursor::new(b"< b", 0, 9)).is_none());
    }

    #[test]
    fn script_schemes_are_seen_through_white_space() {
        assert!(is_script_url(b" java\tscript:alert(1)") && is_script_url(b"DATA:text/html,x"));
        assert!(!is_script_url(b"https://example.com/javascript:") && !is_script_url(b""));
    }
}
