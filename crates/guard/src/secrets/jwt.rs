//! JSON Web Tokens: base64url segments of which the first is a JSON header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cursor::{Cursor, before, contains_any_case};
use crate::secrets::formats::{Alphabet, Match};

/// `{"` in base64url: how a header begins.
pub(crate) const ANCHOR: &str = "eyJ";

/// Longest header, in base64url characters.
const MAX_HEADER_BYTES: usize = 512;
/// Longest other segment. A stream holds base64 runs of this length anyway, to decode them.
const MAX_SEGMENT_BYTES: usize = 4096;

/// Looks for a token that begins at `start`. The second value says that more text could change
/// the first.
pub(crate) fn read(bytes: &[u8], start: usize) -> (Option<Match>, bool) {
    let glued = before(bytes, start, 1).first().is_some_and(|byte| Alphabet::Base64Url.has(*byte));
    let exact = bytes.get(start..start + ANCHOR.len()) == Some(ANCHOR.as_bytes());
    if glued || !exact {
        return (None, false);
    }
    let mut cursor = Cursor::new(bytes, start, MAX_HEADER_BYTES + 2 * MAX_SEGMENT_BYTES + 8);
    let header = segment(&mut cursor, MAX_HEADER_BYTES);
    if !cursor.eat(b'.') || !is_header(header) {
        return (None, cursor.starved());
    }
    let payload = segment(&mut cursor, MAX_SEGMENT_BYTES);
    let encrypted = decode(header).is_some_and(|header| contains_any_case(&header, "\"enc\""));
    if payload.is_empty() && encrypted {
        // A key wrapped by agreement leaves the second segment empty.
    } else if !encrypted && !payload.starts_with(b"ey") && !payload.starts_with(b"ew") {
        return (None, cursor.starved());
    }
    if !cursor.eat(b'.') {
        // Without its signature a token still tells what it claims.
        let found = Match { start, end: cursor.at(), score: 0.7 };
        return ((!encrypted).then_some(found), cursor.starved());
    }
    segment(&mut cursor, MAX_SEGMENT_BYTES);
    while encrypted && cursor.eat(b'.') {
        segment(&mut cursor, MAX_SEGMENT_BYTES);
    }
    (Some(Match { start, end: cursor.at(), score: 0.9 }), cursor.starved())
}

fn segment<'a>(cursor: &mut Cursor<'a>, max: usize) -> &'a [u8] {
    cursor.run(max, |byte| Alphabet::Base64Url.has(byte))
}

fn is_header(segment: &[u8]) -> bool {
    decode(segment).is_some_and(|json| {
        json.starts_with(b"{") && json.ends_with(b"}") && contains_any_case(&json, "\"alg\"")
    })
}

fn decode(segment: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(segment).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, rest: &str) -> String {
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn finds_tokens_whose_header_names_an_algorithm() {
        let text = token(r#"{"alg":"HS256","typ":"JWT"}"#, "eyJzdWIiOiIxIn0.c2ln");
        let (found, open) = read(text.as_bytes(), 0);
        assert_eq!(found.map(|found| (found.start, found.end)), Some((0, text.len())));
        assert!(open);
        let text = token(r#"{"alg":"dir","enc":"A256GCM"}"#, "..aXY.Y2lwaGVy.dGFn ");
        assert_eq!(read(text.as_bytes(), 0).0.map(|found| found.end), Some(text.len() - 1));
    }

    #[test]
    fn other_dotted_base64_is_none() {
        for text in [
            token(r#"{"typ":"JWT"}"#, "eyJzdWIiOiIxIn0.c2ln"),
            token(r#"{"alg":"HS256"}"#, "bm90IGpzb24.c2ln"),
            "eyJBB.eyJCC.eyJDDDD".to_owned(),
            URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#),
        ] {
            assert_eq!(read(text.as_bytes(), 0).0, None, "{text}");
        }
    }
}
