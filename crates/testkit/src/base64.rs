//! base64 (RFC 4648), since what is served to programs under test must not be made by what they read it with.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// With padding, section 4.
pub(crate) fn padded(bytes: &[u8]) -> String {
    let mut out = encoded(bytes, STANDARD);
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

/// Without padding, section 5.
pub(crate) fn for_urls(bytes: &[u8]) -> String {
    encoded(bytes, FOR_URLS)
}

fn encoded(bytes: &[u8], letters: &[u8; 64]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = bits >> (18 - 6 * place) & 63;
            out.push(char::from(letters.get(index as usize).copied().unwrap_or(b'A')));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_standard() {
        // Section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(padded(plain.as_bytes()), coded);
            assert_eq!(for_urls(plain.as_bytes()), coded.trim_end_matches('='));
        }
        assert_eq!((padded(&[0xfb, 0xff]), for_urls(&[0xfb, 0xff])), ("+/8=".into(), "-_8".into()));
    }
}
