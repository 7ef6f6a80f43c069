//! Formats of keys, tokens and webhooks that their issuers made recognisable.
//!
//! A [`Format`] is data: a prefix, the parts that follow it, and how random they must be. The
//! tables are in `formats/`, by kind of issuer.

mod ai;
mod assigned;
mod cloud;
mod code;
mod sample;
mod services;

use crate::cursor::{Cursor, before, contains_any_case};
use crate::secrets::assignment;
use crate::secrets::quality::{Classes, entropy, is_placeholder, is_published, is_uuid};

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
    /// Highest score.
    sureness: f32,
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
    /// `A-Za-z0-9_=-`
    Token,
    /// `A-Za-z0-9+/`
    Base64,
    /// `A-Za-z0-9-`
    Dashed,
    /// `A-Za-z0-9_.~-`
    Unreserved,
    /// Base64url, `.`, `=`, `@` and `/`: the path of a webhook, a token in several parts.
    Path,
    /// `A-Za-z0-9+/=_-`
    AnyBase64,
    /// Everything that can be seen, quotation marks aside.
    Graphic,
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
            Self::Token => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::AnyBase64 => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-')
            }
            Self::Graphic => byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`'),
            Self::Dashed => byte.is_ascii_alphanumeric() || byte == b'-',
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
    /// As [`Place::Prefix`], and no `_` stands before it either.
    Word,
    /// The anchor is its middle; what stands before it is public or too short to matter.
    Inside,
    /// The anchor is a name right before it, which stays.
    Behind,
    /// As [`Place::Behind`], and the anchor stands behind a letter or digit.
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
    /// Has small and capital letters that take turns as in no name.
    Scrambled,
    /// Has this word with twenty letters or digits on both sides.
    Around(&'static str),
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

/// Length up to which an anchor counts at the beginning of a word only.
const SHORT_ANCHOR_BYTES: usize = 3;
/// Score of what names an account rather than opening it: below the usual threshold.
const NAME_ONLY: f32 = 0.4;
/// Shortest value that counts without a word such as `key` or `token` in its name, in bytes.
const LONG_VALUE_BYTES: usize = 24;

/// A format whose matches begin with `anchor`.
const fn key(label: &'static str, anchor: &'static str, parts: &'static [Part]) -> Format {
    let place = if anchor.len() <= SHORT_ANCHOR_BYTES { Place::Word } else { Place::Prefix };
    Format { label, anchor, parts, place, check: Check::None, min_entropy: 2.8, sureness: 1.0 }
}

/// A format without a mark of its own: it counts when assigned to a name that has `anchor` in it.
const fn named(label: &'static str, anchor: &'static str, parts: &'static [Part]) -> Format {
    let place = Place::Assigned;
    Format { label, anchor, parts, place, check: Check::Mixed, min_entropy: 3.0, sureness: 1.0 }
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

    /// Keeps the anchor, which stands behind a letter or digit.
    const fn glued(self) -> Self {
        Self { place: Place::Glued, ..self }
    }

    /// A public number and a colon stand before it.
    const fn behind_number(self) -> Self {
        Self { place: Place::BehindNumber, ..self }
    }

    const fn word(self) -> Self {
        Self { place: Place::Word, ..self }
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

    const fn scrambled(self) -> Self {
        Self { check: Check::Scrambled, ..self }
    }

    const fn around(self, word: &'static str) -> Self {
        Self { check: Check::Around(word), ..self }
    }

    const fn crc32(self) -> Self {
        Self { check: Check::Crc32, ..self }
    }

    const fn bits(self, min_entropy: f32) -> Self {
        Self { min_entropy, ..self }
    }

    /// Names an account or is meant to be seen: worth knowing, no secret by itself.
    const fn public(self) -> Self {
        Self { sureness: NAME_ONLY, ..self }
    }

    /// Whether the anchor counts only at the beginning of a word.
    pub(crate) fn begins_word(&self) -> bool {
        self.place == Place::Word
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

/// What stands where a format says, before it is judged.
struct Shape<'a> {
    /// The secret.
    span: (usize, usize),
    /// The parts behind the anchor.
    body: &'a [u8],
    /// Whether the name that it is assigned to has a word such as `key` in it.
    told: bool,
}

/// Which characters fill the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// Those of the alphabet.
    Alphabet,
    /// Also those that people write where a secret would stand.
    Placeholder,
}

impl Format {
    /// Looks for this format around an occurrence of its anchor at `start..end`. The second value
    /// says that more text could change the first.
    pub(crate) fn read(&self, bytes: &[u8], start: usize, end: usize) -> (Option<Match>, bool) {
        let mut cursor = Cursor::new(bytes, end, MAX_MATCH_BYTES);
        let shape = self.shape(bytes, start, &mut cursor, Fill::Alphabet);
        let found = shape.filter(|_| self.ends(&mut cursor)).and_then(|shape| {
            let (start, end) = shape.span;
            let score = self.judge(shape.body)?;
            let whole = bytes.get(start..end).unwrap_or_default();
            let score = if shape.told { score } else { score.min(NAME_ONLY) };
            (!is_published(whole)).then_some(Match { start, end, score })
        });
        (found, cursor.starved())
    }

    /// Reads the parts; the cursor stands behind the anchor and then behind the parts.
    fn shape<'a>(
        &self,
        bytes: &'a [u8],
        start: usize,
        cursor: &mut Cursor<'a>,
        fill: Fill,
    ) -> Option<Shape<'a>> {
        let end = cursor.at();
        let anchor = bytes.get(start..end).unwrap_or_default();
        let mut told = true;
        let from = match self.place {
            Place::Assigned => {
                if !is_name(anchor) {
                    return None;
                }
                let name = assigned_name(cursor)?;
                told = tells_secret(anchor) || tells_secret(name);
                cursor.at()
            }
            _ if anchor != self.anchor.as_bytes() => return None,
            Place::Inside => start,
            Place::Glued => {
                if !before(bytes, start, 1).first().is_some_and(u8::is_ascii_alphanumeric) {
                    return None;
                }
                end
            }
            Place::BehindNumber => {
                let digits = before(bytes, start, 12);
                let digits = digits.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
                if !(8..=10).contains(&digits) {
                    return None;
                }
                start + 1
            }
            Place::Prefix | Place::Word | Place::Behind => {
                let glued = |byte: &u8| {
                    byte.is_ascii_alphanumeric()
                        || (self.place == Place::Word && *byte == b'_')
                        // What is random in three kinds of characters also stands inside base64.
                        || (self.check == Check::MixedCase && matches!(byte, b'+' | b'/'))
                };
                if before(bytes, start, 1).first().is_some_and(glued) {
                    return None;
                }
                if self.place == Place::Behind { end } else { start }
            }
        };
        let body_start = cursor.at();
        let whole = self.parts.iter().all(|part| match part {
            Part::Run(alphabet, min, max) => {
                let filler = |byte: u8| fill == Fill::Placeholder && is_filler(byte);
                let run = cursor.run(usize::from(*max), |byte| alphabet.has(byte) || filler(byte));
                let blank = fill == Fill::Placeholder && run.iter().all(|byte| is_filler(*byte));
                run.len() >= usize::from(*min) || (blank && run.len() >= MIN_BLANK_BYTES)
            }
            Part::Text(text) => text.bytes().all(|byte| cursor.eat(byte)),
        });
        let body = cursor.since(body_start);
        told |= body.len() >= LONG_VALUE_BYTES;
        whole.then(|| Shape { span: (from, cursor.at()), body, told })
    }

    /// Whether nothing that would make the secret longer stands at the cursor.
    fn ends(&self, cursor: &mut Cursor<'_>) -> bool {
        let tail = match self.parts.last() {
            Some(Part::Run(alphabet, ..)) => Some(*alphabet),
            _ => None,
        };
        let glued = |byte: u8| {
            byte.is_ascii_alphanumeric() || tail.is_some_and(|alphabet| alphabet.has(byte))
        };
        !cursor.peek().is_some_and(glued)
    }

    fn judge(&self, body: &[u8]) -> Option<f32> {
        if entropy(body) < self.min_entropy || is_placeholder(body) {
            return None;
        }
        let classes = Classes::of(body);
        let score = match self.check {
            Check::None => Some(0.9),
            Check::Mixed => (classes.digit && classes.letter() && !is_uuid(body)).then_some(0.8),
            Check::MixedCase => (classes.digit && classes.lower && classes.upper).then_some(0.8),
            Check::Scrambled => {
                let turns = classes.changes * 3 >= body.len();
                (classes.lower && classes.upper && turns).then_some(0.8)
            }
            Check::Around(word) => stands_around(body, word).then_some(0.9),
            Check::Crc32 => Some(if has_crc32(body) { 1.0 } else { 0.9 }),
        };
        score.map(|score: f32| score.min(self.sureness))
    }
}

/// Takes the rest of a name, words and blanks, and what stands between it and its value.
fn assigned_name<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = cursor.at();
    if let Some(rest) = assignment::rest_of_name(cursor)
        && assignment::operator(cursor).is_some()
    {
        return Some(rest);
    }
    // `datadog api token = …`
    cursor.rewind(start);
    let rest = cursor.run(MAX_WORDS_BYTES, |byte| {
        assignment::is_name_byte(byte) || matches!(byte, b' ' | b'\t')
    });
    assignment::operator(cursor).map(|_| rest)
}

/// Whether a word stands for a service: a short one is not two halves of others, as in `rookTable`
/// and `SetSysctl`.
fn is_name(anchor: &[u8]) -> bool {
    let rest = anchor.get(1..).unwrap_or_default();
    anchor.len() > MAX_SHORT_NAME_BYTES
        || !rest.iter().any(u8::is_ascii_uppercase)
        || !anchor.iter().any(u8::is_ascii_lowercase)
}

/// Longest name whose letters have to be of one case.
const MAX_SHORT_NAME_BYTES: usize = 5;

/// Words in names of what opens something.
const SECRET_WORDS: [&str; 8] = ["key", "token", "secret", "pass", "pwd", "auth", "cred", "access"];

fn tells_secret(name: &[u8]) -> bool {
    SECRET_WORDS.iter().any(|word| contains_any_case(name, word))
}

/// Whether twenty letters or digits stand before and behind the word.
fn stands_around(body: &[u8], word: &str) -> bool {
    let Some(at) = memchr::memmem::find(body, word.as_bytes()) else { return false };
    let solid =
        |part: Option<&[u8]>| part.is_some_and(|part| part.iter().all(u8::is_ascii_alphanumeric));
    let lead = at.checked_sub(20).and_then(|from| body.get(from..at));
    let behind = at + word.len();
    solid(lead) && solid(body.get(behind..behind + 20))
}

/// What people write where a secret would stand.
const fn is_filler(byte: u8) -> bool {
    matches!(byte, b'x' | b'X' | b'*')
}

/// Fewest of them that stand for a secret of any length.
const MIN_BLANK_BYTES: usize = 6;
/// Most bytes of words between the name of a service and the sign of an assignment.
const MAX_WORDS_BYTES: usize = 24;

/// Most bytes before a secret that decide about it: an anchor, the rest of a name, and the sign of
/// an assignment.
pub(crate) const LOOK_BEHIND_BYTES: usize = 128;
/// Most bytes after an anchor that are read.
const MAX_MATCH_BYTES: usize = 2048;

const TABLES: [&[Format]; 5] =
    [cloud::FORMATS, code::FORMATS, ai::FORMATS, services::FORMATS, assigned::FORMATS];

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
