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
    "1234-1234",
];

/// Words by which a value says that it is none.
const SAMPLE_WORDS: &[&str] =
    &["example", "sample", "dummy", "placeholder", "changeme", "redacted", "notreal", "fakekey"];

/// FNV-1a hashes of values that look like secrets and that documentation, demonstrations or every
/// copy of a program print: keys of maps for browsers, passwords of manuals. As hashes, since
/// scanners would hold the values against this file.
#[rustfmt::skip]
const PUBLISHED: &[u64] = &[
    0x08B5_4596_2ADC_7D8B,
    0x1211_3C2E_6979_F447,
    0x1A3E_1C90_EE66_98A0,
    0x294C_63F8_344D_5DF1,
    0x29A3_36C7_244F_48DD,
    0x4155_0317_7A5C_10E1,
    0x515C_B771_A423_8032,
    0x6835_E0F2_8883_2A40,
    0x6ACB_D824_BD32_BBD4,
    0x816C_D10F_DB11_EAD0,
    0x8288_18F8_3325_7868,
    0x99B2_7263_46A1_E92A,
    0xADBD_04E3_FE1B_6D49,
    0xAE7C_CF5B_6EFD_EED2,
    0xC73F_1E61_952E_6987,
    0xD8E1_3CDE_D253_33C6,
    0xDB94_22F1_DD33_2DCC,
    0xE754_678E_A2B1_4EF1,
    0xE766_6DBB_286C_6C2E,
];

static STOP_PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(STOP_WORDS));
static SAMPLE_PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(SAMPLE_WORDS));

/// Whether the value is one that everybody knows.
pub(crate) fn is_published(bytes: &[u8]) -> bool {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    PUBLISHED.binary_search(&bytes.iter().fold(0xCBF2_9CE4_8422_2325, step)).is_ok()
}

/// Whether the value says that it is a sample, also with signs between the letters.
pub(crate) fn says_sample(bytes: &[u8]) -> bool {
    let letters: Vec<u8> = bytes.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    SAMPLE_PHRASES.count_in(&letters, 1) == 1
}

/// Whether the value only shows where one goes: but for fillers, hardly a character differs.
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    let mut counts = [0u16; 256];
    for byte in bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        if let Some(count) = counts.get_mut(usize::from(byte.to_ascii_lowercase())) {
            *count = count.saturating_add(1);
        }
    }
    let fillers = counts.get(usize::from(b'x')).is_some_and(|count| *count > 0);
    let different = counts.iter().filter(|count| **count > 0).count();
    different <= MAX_BLANK_LETTERS + usize::from(fillers)
}

/// Most different letters and digits of a value that only shows where one goes.
const MAX_BLANK_LETTERS: usize = 3;

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
    fn tells_samples_from_blanks() {
        assert!(says_sample(b"AIzaE-X-A-M-PL-E9") && !says_sample(b"AIzaE-X-A-M9"));
        for text in ["xxxxxxxxxxxx", "T00000000/B00000000/XXXXXXXX", "0ZZZZZZZZ", ""] {
            assert!(is_blank(text.as_bytes()), "{text}");
        }
        assert!(!is_blank(b"123456789") && !is_blank(b"IOSFODNN7EXAMPLE"));
        assert!(PUBLISHED.is_sorted() && !is_published(b"example"));
    }

    #[test]
    fn counts_kinds_of_characters() {
        let classes = Classes::of(b"ab1-2C");
        assert!(classes.lower && classes.upper && classes.digit);
        assert_eq!(classes.changes, 2);
        assert!(is_uuid(b"3636dd46-ea21-11e9-81b4-2a2ae2dbcce4") && !is_uuid(b"3636dd46"));
    }
}
