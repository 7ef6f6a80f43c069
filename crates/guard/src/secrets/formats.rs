//! Formats of keys, tokens and webhooks that their issuers made recognisable.
//!
//! A [`Format`] is data: a prefix, the parts that follow it, and how random they must be. The
//! tables are in `formats/`, by kind of issuer.

mod ai;
mod cloud;
mod code;
mod services;

use crate::cursor::{Cursor, before};
use crate::secrets::assignment;
use crate::secrets::quality::{Classes, entropy, is_placeholder, is_uuid};

/// A recognisable kind of secret.
#[derive(Debug)]
pub(crate) struct Format {
    /// Name in the placeholder.
    pub(crate) label: &'static str,
    /// What every match contains; the engine looks for it in any case.
    pub(crate) anchor: &'static str,
    /// What follows.
    parts: &'static [Part],
    place: Place,
    check: Check,
    /// Least bits of entropy per byte of the parts.
    min_entropy: f32,
}

/// A stretch of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// Between this many and that many characters of an alphabet.
    Run(Alphabet, u16, u16),
    /// These characters.
    Text(&'static str),
}

/// Characters that a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// `0-9`
    Digits,
    /// `0-9a-f`
    Hex,
    /// `0-9a-fA-F`
    AnyHex,
    /// `A-Z0-9`
    Upper,
    /// `a-z0-9`
    Lower,
    /// `A-Za-z0-9`
    Alnum,
    /// `A-Za-z0-9_-`
    Base64Url,
    /// `A-Za-z0-9+/`
    Base64,
    /// `A-Za-z0-9-`
    Dashed,
    /// `A-Z0-9-`
    UpperDashed,
    /// `A-Za-z0-9_.~-`
    Unreserved,
    /// Base64url, `.`, `=`, `@` and `/`: the path of a webhook, a token in several parts.
    Path,
}

impl Alphabet {
    pub(crate) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            Self::AnyHex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Lower => byte.is_ascii_digit() || byte.is_ascii_lowercase(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::Dashed => byte.is_ascii_alphanumeric() || byte == b'-',
            Self::UpperDashed => byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-',
            Self::Unreserved => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'~' | b'-')
            }
            Self::Path => {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'@' | b'/')
            }
        }
    }
}

/// Where the secret stands, seen from the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The anchor is its first part.
    Prefix,
    /// The anchor is its middle; what stands before it is public or too short to matter.
    Inside,
    /// The anchor is a name right before it, which stays.
    Behind,
    /// As [`Place::Behind`], and the anchor may stand inside a word.
    Glued,
    /// Behind the colon that the anchor begins with; in front of it stands a public number.
    BehindNumber,
    /// The anchor is part of the name that it is assigned to.
    Assigned,
}

/// What else must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    None,
    /// Has a digit and a letter, and is no UUID.
    Mixed,
    /// Has a digit, a small and a capital letter.
    MixedCase,
    /// Six base62 characters at the end are the CRC-32 of the thirty before: surer when right.
    Crc32,
}

/// A UUID.
const UUID: &[Part] = &[
    Part::Run(Alphabet::AnyHex, 8, 8),
    Part::Text("-"),
    Part::Run(Alphabet::AnyHex, 4, 4),
    Part::Text("-"),
    Part::Run(Alphabet::AnyHex, 4, 4),
    Part::Text("-"),
    Part::Run(Alphabet::AnyHex, 4, 4),
    Part::Text("-"),
    Part::Run(Alphabet::AnyHex, 12, 12),
];

/// A format whose matches begin with `anchor`.
const fn key(label: &'static str, anchor: &'static str, parts: &'static [Part]) -> Format {
    Format { label, anchor, parts, place: Place::Prefix, check: Check::None, min_entropy: 2.8 }
}

/// A format without a mark of its own: it counts when assigned to a name that has `anchor` in it.
const fn named(label: &'static str, anchor: &'static str, parts: &'static [Part]) -> Format {
    Format { label, anchor, parts, place: Place::Assigned, check: Check::Mixed, min_entropy: 3.0 }
}

impl Format {
    /// Keeps the anchor, which is a name and no secret.
    const fn behind(self) -> Self {
        Self { place: Place::Behind, ..self }
    }

    /// The anchor stands in the middle.
    const fn inside(self) -> Self {
        Self { place: Place::Inside, ..self }
    }

    /// Keeps the anchor, which may stand inside a word.
    const fn glued(self) -> Self {
        Self { place: Place::Glued, ..self }
    }

    /// A public number and a colon stand before it.
    const fn behind_number(self) -> Self {
        Self { place: Place::BehindNumber, ..self }
    }

    const fn any(self) -> Self {
        Self { check: Check::None, ..self }
    }

    const fn mixed(self) -> Self {
        Self { check: Check::Mixed, ..self }
    }

    const fn mixed_case(self) -> Self {
        Self { check: Check::MixedCase, ..self }
    }

    const fn crc32(self) -> Self {
        Self { check: Check::Crc32, ..self }
    }

    const fn bits(self, min_entropy: f32) -> Self {
        Self { min_entropy, ..self }
    }
}

/// A secret found, or the word that it is still open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Match {
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// Confidence, 0..=1.
    pub(crate) score: f32,
}

impl Format {
    /// Looks for this format around an occurrence of its anchor at `start..end`. The second value
    /// says that more text could change the first.
    pub(crate) fn read(&self, bytes: &[u8], start: usize, end: usize) -> (Option<Match>, bool) {
        let anchor = bytes.get(start..end).unwrap_or_default();
        let mut cursor = Cursor::new(bytes, end, MAX_MATCH_BYTES);
        let from = match self.place {
            Place::Assigned => {
                let named = assignment::rest_of_name(&mut cursor).is_some();
                if !named || assignment::operator(&mut cursor).is_none() {
                    return (None, cursor.starved());
                }
                cursor.at()
            }
            _ if anchor != self.anchor.as_bytes() => return (None, false),
            Place::Inside => start,
            Place::Glued => end,
            Place::BehindNumber => {
                let digits = before(bytes, start, 12);
                let digits = digits.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
                if !(8..=10).contains(&digits) {
                    return (None, false);
                }
                start + 1
            }
            Place::Prefix | Place::Behind => {
                let glued = before(bytes, start, 1).first().is_some_and(u8::is_ascii_alphanumeric);
                if glued {
                    return (None, false);
                }
                if self.place == Place::Prefix { start } else { end }
            }
        };
        let body_start = cursor.at();
        let whole = self.parts.iter().all(|part| match part {
            Part::Run(alphabet, min, max) => {
                let run = cursor.run(usize::from(*max), |byte| alphabet.has(byte));
                run.len() >= usize::from(*min)
            }
            Part::Text(text) => text.bytes().all(|byte| cursor.eat(byte)),
        });
        let body = cursor.since(body_start);
        let (last_alphabet, tail) = self.tail();
        let glued = |byte: u8| byte.is_ascii_alphanumeric() || (tail && last_alphabet.has(byte));
        if !whole || cursor.peek().is_some_and(glued) {
            return (None, cursor.starved());
        }
        let found = self.judge(body).map(|score| Match { start: from, end: cursor.at(), score });
        (found, cursor.starved())
    }

    /// The alphabet of the last run, and whether the format ends with it.
    fn tail(&self) -> (Alphabet, bool) {
        match self.parts.last() {
            Some(Part::Run(alphabet, ..)) => (*alphabet, true),
            _ => (Alphabet::Alnum, false),
        }
    }

    fn judge(&self, body: &[u8]) -> Option<f32> {
        if entropy(body) < self.min_entropy || is_placeholder(body) {
            return None;
        }
        let classes = Classes::of(body);
        match self.check {
            Check::None => Some(0.9),
            Check::Mixed => (classes.digit && classes.letter() && !is_uuid(body)).then_some(0.8),
            Check::MixedCase => (classes.digit && classes.lower && classes.upper).then_some(0.8),
            Check::Crc32 => Some(if has_crc32(body) { 1.0 } else { 0.9 }),
        }
    }
}

/// Most bytes after an anchor that are read.
const MAX_MATCH_BYTES: usize = 2048;

const TABLES: [&[Format]; 4] = [cloud::FORMATS, code::FORMATS, ai::FORMATS, services::FORMATS];

/// All formats.
pub(crate) fn all() -> impl Iterator<Item = &'static Format> {
    TABLES.into_iter().flatten()
}

/// The format at a place in [`all`].
pub(crate) fn get(index: usize) -> Option<&'static Format> {
    let mut left = index;
    for table in TABLES {
        match table.get(left) {
            Some(format) => return Some(format),
            None => left -= table.len(),
        }
    }
    None
}

/// Whether the last six of 36 characters are the base62 CRC-32 of the first thirty.
fn has_crc32(body: &[u8]) -> bool {
    let (Some(random), Some(sum)) = (body.get(..30), body.get(30..36)) else { return false };
    let value = sum.iter().try_fold(0u64, |value, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        Some(value * 62 + u64::from(digit))
    });
    value == Some(u64::from(crc32(random)))
}

/// CRC-32 as in IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

#[cfg(test)]
mod tests;
