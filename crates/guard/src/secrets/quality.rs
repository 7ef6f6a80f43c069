//! Whether a string looks like a secret: random enough, and nobody's placeholder.

use std::sync::LazyLock;

use crate::phrases::Phrases;

/// Shannon entropy of the bytes, in bits per byte: 0 for one repeated byte, 8 at most.
pub(crate) fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0u16; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = bytes.len().max(1) as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f32::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Words that people write where a secret would stand.
const STOP_WORDS: &[&str] = &[
    "example",
    "sample",
    "placeholder",
    "redacted",
    "removed",
    "changeme",
    "change_me",
    "change-me",
    "replace",
    "insert",
    "dummy",
    "notreal",
    "not-real",
    "not_real",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "yourpass",
    "mypass",
    "mysecret",
    "mytoken",
    "_here",
    "-here",
    "keyhere",
    "tokenhere",
    "foobar",
    "lorem",
    "xxxx",
    "....",
    "****",
    "____",
];

static STOP_PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(STOP_WORDS));

/// Most bytes of equal or counting neighbours in a row that a short random key may have.
const MAX_STREAK: usize = 7;

/// Whether the string is a placeholder: a stop word, or mostly repetition or counting.
pub(crate) fn is_placeholder(bytes: &[u8]) -> bool {
    let streak = longest_streak(bytes);
    (streak > MAX_STREAK && streak * 3 >= bytes.len()) || STOP_PHRASES.count_in(bytes, 1) == 1
}

/// Longest stretch in which each byte equals, follows or precedes its neighbour in the alphabet.
fn longest_streak(bytes: &[u8]) -> usize {
    let mut longest = 1;
    let mut streak = 1;
    let mut last = None;
    for pair in bytes.windows(2) {
        let [left, right] = pair else { continue };
        let step = i16::from(right.to_ascii_lowercase()) - i16::from(left.to_ascii_lowercase());
        streak = match step {
            -1..=1 if last == Some(step) => streak + 1,
            -1..=1 => 2,
            _ => 1,
        };
        last = Some(step);
        longest = longest.max(streak);
    }
    longest
}

/// Kinds of characters in a string.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Classes {
    pub(crate) lower: bool,
    pub(crate) upper: bool,
    pub(crate) digit: bool,
    /// How often the kind changes between neighbours, symbols aside.
    pub(crate) changes: usize,
}

impl Classes {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut classes = Self::default();
        let mut last = 0u8;
        for byte in bytes {
            let kind = match byte {
                b'a'..=b'z' => 1,
                b'A'..=b'Z' => 2,
                b'0'..=b'9' => 3,
                _ => 4,
            };
            classes.lower |= kind == 1;
            classes.upper |= kind == 2;
            classes.digit |= kind == 3;
            if kind != 4 {
                classes.changes += usize::from(last != 0 && last != kind);
                last = kind;
            }
        }
        classes
    }

    /// Whether there is any letter.
    pub(crate) const fn letter(self) -> bool {
        self.lower || self.upper
    }
}

/// Whether the string has the form of a UUID, which names things and hides nothing.
pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_grows_with_variety() {
        assert!(entropy(b"aaaaaaaa") < 0.01);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 0.01);
        assert!(entropy(b"") < 0.01);
    }

    #[test]
    fn knows_placeholders() {
        for text in [
            "xxxxxxxxxxxx",
            "YOUR_API_KEY",
            "abcdefghij",
            "AKIAIOSFODNN7EXAMPLE",
            "98765432",
            "aaaaaaaaab",
            "REDACTED",
            "<insert>",
            "paste-key-here",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx", "743b294acd0311ec9d640242ac120002"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn counts_kinds_of_characters() {
        let classes = Classes::of(b"ab1-2C");
        assert!(classes.lower && classes.upper && classes.digit);
        assert_eq!(classes.changes, 2);
        assert!(is_uuid(b"3636dd46-ea21-11e9-81b4-2a2ae2dbcce4") && !is_uuid(b"3636dd46"));
    }
}
