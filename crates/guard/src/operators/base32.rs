//! Bytes as letters and digits that survive a change of case: base32 of RFC 4648, section 6, without
//! padding. Models rewrite the case of what they copy.

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Whether a byte is a digit, in either case.
pub(crate) const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'2'..=b'7')
}

/// Appends the digits of `bytes`.
pub(super) fn encode(bytes: &[u8], out: &mut String) {
    let mut bits = 0_u32;
    let mut count = 0;
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count, out);
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        push(bits << (5 - count), out);
    }
}

fn push(value: u32, out: &mut String) {
    let digit = DIGITS.get((value & 31) as usize).copied().unwrap_or(b'A');
    out.push(char::from(digit));
}

/// The bytes behind digits; none when these are not what [`encode`] writes, case aside.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let mut bits = 0_u32;
    let mut count = 0;
    for byte in text.bytes() {
        let value = match byte.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over is less than a digit and nothing, so that bytes have one spelling.
    (count < 5 && bits == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = String::new();
        encode(bytes, &mut out);
        out
    }

    #[test]
    fn agrees_with_the_standard() {
        // RFC 4648, section 10, without the padding.
        for (bytes, text) in
            [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(encoded(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn takes_one_spelling_only() {
        assert_eq!(decode("mzxw6"), Some(b"foo".to_vec()));
        for text in ["MZ", "MZXW7", "MZX", "M", "1", "é", "MY======"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(&encoded(&bytes)), Some(bytes));
        }
    }
}
