//! Arithmetic and tables by which a number proves that it is what it looks like.
//!
//! Pure functions over bytes: no scanning, no scores. What a detector reads around its anchors
//! stays with the detector.

pub(crate) mod base58;
pub(crate) mod bech32;
pub(crate) mod card;
pub(crate) mod context;
pub(crate) mod date;
pub(crate) mod iban;
pub(crate) mod iso7064;
pub(crate) mod keccak;
pub(crate) mod luhn;
pub(crate) mod phone;
pub(crate) mod ssn;
pub(crate) mod verhoeff;
pub(crate) mod weighted;
pub(crate) mod written_date;

/// Values of ASCII digits; other bytes are skipped.
pub(crate) fn digits(bytes: &[u8]) -> impl DoubleEndedIterator<Item = u8> {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0')
}

/// The number that ASCII digits spell; other bytes are skipped. Saturates.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    digits(bytes).fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(digit.into()))
}

/// Whether the byte continues a word: a letter, a digit or `_`. Letters beyond ASCII do not, since
/// scripts without spaces put numbers right beside them.
pub(crate) const fn is_glue(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The byte `back` places before `at`; 1 is the byte just before.
pub(crate) fn byte_before(bytes: &[u8], at: usize, back: usize) -> Option<u8> {
    bytes.get(at.checked_sub(back)?).copied()
}

/// Whether a word goes on into `at` from the left.
pub(crate) fn glued_before(bytes: &[u8], at: usize) -> bool {
    byte_before(bytes, at, 1).is_some_and(is_glue)
}
