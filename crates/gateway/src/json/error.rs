//! Why a text is refused as JSON. Each reason has its own variant, so that a client developer
//! learns what to change; none repeats a byte of the text.

use bartizan_core::limits;
use bartizan_core::{Class, Coded};

/// A text is not the JSON that the gateway reads. Offsets are 0-based bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// There is nothing, or only whitespace.
    #[error("the body is empty, and should be one JSON value")]
    Empty,
    /// Offsets would not fit into 32 bits.
    #[error("the JSON is longer than 4 GiB")]
    TooLong,
    /// The text starts with U+FEFF (RFC 8259 section 8.1 forbids to send it).
    #[error("the JSON starts with a byte order mark; send UTF-8 without it")]
    ByteOrderMark,
    /// Not UTF-8.
    #[error("the JSON is not valid UTF-8 at byte {offset}")]
    InvalidUtf8 {
        /// First byte that is wrong.
        offset: usize,
    },
    /// Something follows the value.
    #[error("more text follows the JSON value at byte {offset}")]
    Trailing {
        /// First byte after the value that is not whitespace.
        offset: usize,
    },
    /// The text stops inside the value.
    #[error("the JSON ends too early: expected {expected}")]
    UnexpectedEnd {
        /// What should have come.
        expected: &'static str,
    },
    /// A byte that cannot stand there.
    #[error("expected {expected} at byte {offset}")]
    UnexpectedByte {
        /// What should have come.
        expected: &'static str,
        /// Where.
        offset: usize,
    },
    /// Too many arrays and objects inside each other.
    #[error("the JSON nests deeper than {} levels at byte {offset}", limits::JSON_DEPTH)]
    TooDeep {
        /// The bracket that is one too many.
        offset: usize,
    },
    /// Too many values and keys.
    #[error(
        "the JSON has more than {} values and keys; byte {offset} is one too many",
        limits::JSON_NODES
    )]
    TooManyNodes {
        /// The value or key that is one too many.
        offset: usize,
    },
    /// An object names one member twice, and readers differ in which one they take.
    #[error("an object has the same key twice; the second starts at byte {offset}")]
    DuplicateKey {
        /// Opening quote of the later key.
        offset: usize,
    },
    /// Half of a surrogate pair stands alone.
    #[error("a `\\u` escape at byte {offset} is half of a surrogate pair")]
    LoneSurrogate {
        /// Backslash of the escape.
        offset: usize,
    },
    /// A raw character below U+0020 in a string.
    #[error("a control character stands unescaped in a string at byte {offset}")]
    ControlCharacter {
        /// The character.
        offset: usize,
    },
    /// An escape that JSON does not have.
    #[error("a string has an escape at byte {offset} that JSON does not know")]
    InvalidEscape {
        /// Backslash of the escape.
        offset: usize,
    },
    /// Not a number as JSON writes it.
    #[error(
        "the number at byte {offset} is not JSON: no leading zero or `+`, digits on both sides of the point, no NaN or Infinity"
    )]
    InvalidNumber {
        /// First byte of the number.
        offset: usize,
    },
    /// A number that a 64-bit float cannot hold; readers differ in what they make of it.
    #[error("the number at byte {offset} is out of the range of a 64-bit float")]
    NumberOutOfRange {
        /// First byte of the number.
        offset: usize,
    },
    /// JSON has no comments.
    #[error("JSON has no comments; one starts at byte {offset}")]
    Comment {
        /// The first slash.
        offset: usize,
    },
    /// A comma with nothing after it.
    #[error("a comma before byte {offset} has no value after it")]
    TrailingComma {
        /// The closing bracket.
        offset: usize,
    },
}

impl JsonError {
    /// Where the text goes wrong, where that is one place.
    pub const fn offset(&self) -> Option<usize> {
        match *self {
            Self::Empty | Self::TooLong | Self::UnexpectedEnd { .. } => None,
            Self::ByteOrderMark => Some(0),
            Self::InvalidUtf8 { offset }
            | Self::Trailing { offset }
            | Self::UnexpectedByte { offset, .. }
            | Self::TooDeep { offset }
            | Self::TooManyNodes { offset }
            | Self::DuplicateKey { offset }
            | Self::LoneSurrogate { offset }
            | Self::ControlCharacter { offset }
            | Self::InvalidEscape { offset }
            | Self::InvalidNumber { offset }
            | Self::NumberOutOfRange { offset }
            | Self::Comment { offset }
            | Self::TrailingComma { offset } => Some(offset),
        }
    }
}

impl Coded for JsonError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "bartizan::gateway::json-empty",
            Self::TooLong => "bartizan::gateway::json-too-long",
            Self::ByteOrderMark => "bartizan::gateway::json-byte-order-mark",
            Self::InvalidUtf8 { .. } => "bartizan::gateway::json-invalid-utf8",
            Self::Trailing { .. } => "bartizan::gateway::json-trailing",
            Self::UnexpectedEnd { .. } => "bartizan::gateway::json-unexpected-end",
            Self::UnexpectedByte { .. } => "bartizan::gateway::json-unexpected-byte",
            Self::TooDeep { .. } => "bartizan::gateway::json-too-deep",
            Self::TooManyNodes { .. } => "bartizan::gateway::json-too-many-nodes",
            Self::DuplicateKey { .. } => "bartizan::gateway::json-duplicate-key",
            Self::LoneSurrogate { .. } => "bartizan::gateway::json-lone-surrogate",
            Self::ControlCharacter { .. } => "bartizan::gateway::json-control-character",
            Self::InvalidEscape { .. } => "bartizan::gateway::json-invalid-escape",
            Self::InvalidNumber { .. } => "bartizan::gateway::json-invalid-number",
            Self::NumberOutOfRange { .. } => "bartizan::gateway::json-number-out-of-range",
            Self::Comment { .. } => "bartizan::gateway::json-comment",
            Self::TrailingComma { .. } => "bartizan::gateway::json-trailing-comma",
        }
    }

    /// Always the sender's to mend; the one who reads an upstream's answer wraps it accordingly.
    fn class(&self) -> Class {
        Class::Usage
    }
}
