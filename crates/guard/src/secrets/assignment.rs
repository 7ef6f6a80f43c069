//! `name = "value"` in the spellings of code, configuration, headers and speech.

use crate::cursor::Cursor;

/// Longest rest of a name behind the word that drew attention, in bytes.
const MAX_NAME_BYTES: usize = 32;

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    /// The quote that opens the value.
    pub(crate) quote: Option<u8>,
    /// Words rather than a sign.
    pub(crate) spoken: bool,
}

/// Takes the rest of an identifier; `None` when it goes on for too long.
pub(crate) fn rest_of_name<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let rest = cursor.run(MAX_NAME_BYTES, is_name_byte);
    (rest.len() < MAX_NAME_BYTES).then_some(rest)
}

/// Bytes of identifiers, keys of configuration files and paths into them.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Takes what stands between a name and the first byte of its value, the opening quote included.
pub(crate) fn operator(cursor: &mut Cursor<'_>) -> Option<Operator> {
    let closed =
        !cursor.run(3, |byte| matches!(byte, b'"' | b'\'' | b'`' | b']' | b'*')).is_empty();
    let gap = blanks(cursor);
    let spoken = gap > 0 && (cursor.eat_word("is ") || cursor.eat_word("is: "));
    // `<add key="Password" value="…"/>`
    let attribute = closed && gap > 0 && cursor.eat_word("value=");
    if !spoken && !attribute && !sign(cursor, closed) {
        return None;
    }
    blanks(cursor);
    // `\"` stands in code inside a string.
    if cursor.peek() == Some(b'\\') {
        let start = cursor.at();
        cursor.run(3, |byte| byte == b'\\');
        if !matches!(cursor.peek(), Some(b'"' | b'\'')) {
            cursor.rewind(start);
        }
    }
    let quote = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    cursor.run(3, |byte| Some(byte) == quote);
    Some(Operator { quote, spoken })
}

/// Takes a sign. A comma counts behind a quoted name: `set("key", "value")`.
fn sign(cursor: &mut Cursor<'_>, closed: bool) -> bool {
    match cursor.peek() {
        Some(b':') => {
            cursor.run(3, |byte| byte == b':');
            if !cursor.eat(b'=') {
                declared_type(cursor);
            }
            true
        }
        Some(b'=') => {
            cursor.run(3, |byte| matches!(byte, b'=' | b'>'));
            true
        }
        // `?=`, `??=`, `+=`, `.=`, `!=`
        Some(b'?' | b'+' | b'.' | b'!') => {
            let start = cursor.at();
            cursor.run(2, |byte| matches!(byte, b'?' | b'+' | b'.' | b'!'));
            let assigns = !cursor.run(2, |byte| byte == b'=').is_empty();
            if !assigns {
                cursor.rewind(start);
            }
            assigns
        }
        Some(b',') if !closed => false,
        Some(b',' | b'>' | b'(') => {
            cursor.next();
            true
        }
        Some(b'|') => {
            cursor.run(2, |byte| byte == b'|');
            cursor.eat(b'=');
            true
        }
        _ => false,
    }
}

/// Takes `: &str =` and the like behind the colon, or nothing.
fn declared_type(cursor: &mut Cursor<'_>) {
    let start = cursor.at();
    blanks(cursor);
    let known = ["&'static str", "&str", "string", "str"];
    if known.iter().any(|name| cursor.eat_word(name)) {
        blanks(cursor);
        if cursor.eat(b'=') {
            return;
        }
    }
    cursor.rewind(start);
}

fn blanks(cursor: &mut Cursor<'_>) -> usize {
    cursor.run(8, |byte| matches!(byte, b' ' | b'\t')).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(text: &str) -> Option<&str> {
        let mut cursor = Cursor::new(text.as_bytes(), 0, 512);
        rest_of_name(&mut cursor)?;
        operator(&mut cursor)?;
        text.get(cursor.at()..)
    }

    #[test]
    fn reaches_the_value_in_many_spellings() {
        for text in [
            "key=v",
            "key = \"v",
            "\"key\": \"v",
            "key: v",
            "key := 'v",
            "key => 'v",
            "KEY: &str = \"v",
            "key: string = `v",
            "key']='v",
            "key is v",
            "key is: v",
            "key\", \"v",
            "key>v",
            "key | v",
            "key ?= v",
            "key ::= v",
            "key += 'v",
            "key .= 'v",
            "key ||= \"v",
            "key\" value=\"v",
            "key = \\\"v",
        ] {
            let text = text.trim_start_matches('"');
            assert_eq!(rest(text), Some("v"), "{text}");
        }
    }

    #[test]
    fn prose_is_no_assignment() {
        for text in ["key of the city", "key. Then", "key", "key and v", "key\nv", "key?! v"] {
            assert_eq!(rest(text), None, "{text}");
        }
    }
}
