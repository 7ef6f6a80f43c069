//! What stands in place of a value that a guardrail masks.
//!
//! These are the words of the policy, checked; the guard does what they say.

use std::collections::BTreeMap;

use crate::redact::Secret;

/// Fewest bytes of a [`MaskKey`].
pub const MASK_KEY_BYTES_MIN: usize = 32;
/// Longest text of [`Operator::Replace`], in bytes.
pub const REPLACE_BYTES_MAX: usize = 200;
/// Most characters that [`Operator::Partial`] keeps at either end.
pub const PARTIAL_CHARS_MAX: usize = 64;

/// The one key from which those of all operators are derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskKey(Secret);

impl MaskKey {
    /// Takes a key of at least [`MASK_KEY_BYTES_MIN`] bytes that is not the same few characters over
    /// and over; none otherwise.
    pub fn new(secret: Secret) -> Option<Self> {
        let bytes = secret.expose().as_bytes();
        let distinct = bytes.iter().collect::<std::collections::BTreeSet<_>>().len();
        (bytes.len() >= MASK_KEY_BYTES_MIN && distinct >= 8).then_some(Self(secret))
    }

    /// The key itself, for the one place that derives others from it.
    pub const fn secret(&self) -> &Secret {
        &self.0
    }
}

/// What stands in place of a masked value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Operator {
    /// `<EMAIL_ADDRESS_1>`, numbered by first appearance in the request.
    #[default]
    Placeholder,
    /// `<EMAIL_ADDRESS>`, the same for every value.
    Label,
    /// Nothing.
    Redact,
    /// This text; without control characters, at most [`REPLACE_BYTES_MAX`] bytes.
    Replace(String),
    /// A few letters and digits of the value, never more than half of them; the others are `with`.
    Partial {
        /// Letters and digits kept at the beginning, at most [`PARTIAL_CHARS_MAX`].
        first: usize,
        /// Letters and digits kept at the end, at most [`PARTIAL_CHARS_MAX`]; they come before `first` where
        /// there is not room for both.
        last: usize,
        /// Stands for each of the others; neither letter, digit, blank nor control character, and to be seen.
        with: char,
    },
    /// `<EMAIL_ADDRESS_H…>` with a keyed hash: equal values have equal hashes.
    Hash(MaskKey),
    /// `<EMAIL_ADDRESS_E…>` with the value encrypted: equal values have equal tokens.
    Encrypt(MaskKey),
    /// Other letters for letters and other digits for digits; all else stays where it is.
    FormatPreserving(MaskKey),
    /// A made-up value of the same kind that belongs to nobody.
    Synthetic(MaskKey),
}

impl Operator {
    /// Name used in policy.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placeholder => "placeholder",
            Self::Label => "label",
            Self::Redact => "redact",
            Self::Replace(_) => "replace",
            Self::Partial { .. } => "partial",
            Self::Hash(_) => "hash",
            Self::Encrypt(_) => "encrypt",
            Self::FormatPreserving(_) => "format-preserving",
            Self::Synthetic(_) => "synthetic",
        }
    }

    /// Whether what it writes leads back to the value, so that an answer can have it again.
    pub const fn can_restore(&self) -> bool {
        matches!(self, Self::Placeholder | Self::Encrypt(_))
    }

    /// How much of a value it lets through, by order alone: 0 is nothing. Where several operators
    /// speak of the same stretch, the lowest wins.
    pub const fn reveals(&self) -> u8 {
        match self {
            Self::Redact => 0,
            Self::Replace(_) => 1,
            Self::Label => 2,
            Self::Placeholder => 3,
            Self::Hash(_) => 4,
            Self::Encrypt(_) => 5,
            Self::Synthetic(_) => 6,
            Self::FormatPreserving(_) => 7,
            Self::Partial { .. } => 8,
        }
    }

    /// The key it works with, if it needs one.
    pub const fn key(&self) -> Option<&MaskKey> {
        match self {
            Self::Hash(key)
            | Self::Encrypt(key)
            | Self::FormatPreserving(key)
            | Self::Synthetic(key) => Some(key),
            _ => None,
        }
    }
}

/// The operators of one guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Operators {
    /// For what no other entry speaks of.
    pub usual: Operator,
    /// For findings of single detectors, by id.
    pub by_detector: BTreeMap<&'static str, Operator>,
}

impl Operators {
    /// Every operator, the usual one first.
    pub fn all(&self) -> impl Iterator<Item = &Operator> {
        std::iter::once(&self.usual).chain(self.by_detector.values())
    }

    /// The operator for findings of a detector.
    pub fn of(&self, detector: &str) -> &Operator {
        self.by_detector.get(detector).unwrap_or(&self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_long_and_not_monotonous() {
        let key = |text: &str| MaskKey::new(Secret::new(text));
        assert!(key("0123456789abcdef0123456789abcdef").is_some());
        assert!(key("0123456789abcdef0123456789abcde").is_none());
        assert!(key(&"ab".repeat(40)).is_none());
    }

    #[test]
    fn no_key_is_printed() {
        let key = MaskKey::new(Secret::new("0123456789abcdef0123456789abcdef")).unwrap();
        let operators = Operators { usual: Operator::Encrypt(key), ..Operators::default() };
        let shown = format!("{operators:?}");
        assert!(!shown.contains("abcdef") && shown.contains("Secret(…)"), "{shown}");
    }
}
