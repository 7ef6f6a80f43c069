//! String tokens: what they say, and which source bytes say it.
//!
//! The parser has proven every escape before a [`Str`] exists, so reading one cannot fail.

use std::borrow::Cow;
use std::ops::Range;

/// A string token of a document, key or value.
#[derive(Debug, Clone, Copy)]
pub struct Str<'d> {
    raw: &'d str,
    start: usize,
    is_escaped: bool,
}

impl<'d> Str<'d> {
    pub(super) fn new(raw: &'d str, start: usize, is_escaped: bool) -> Self {
        Self { raw, start, is_escaped }
    }

    /// The text after unescaping; borrowed where the source has no escapes.
    pub fn text(&self) -> Cow<'d, str> {
        if !self.is_escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        let mut done = 0;
        for escape in Escapes::of(self.raw) {
            text.push_str(self.raw.get(done..escape.source.start).unwrap_or_default());
            text.push(escape.char);
            done = escape.source.end;
        }
        text.push_str(self.raw.get(done..).unwrap_or_default());
        Cow::Owned(text)
    }

    /// The content as the source writes it, escapes and all, without quotes.
    pub fn raw(&self) -> &'d str {
        self.raw
    }

    /// Where the content lies in the source, without quotes.
    pub fn span(&self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The source bytes that produce a byte range of [`text`](Self::text).
    ///
    /// Grows outwards to whole characters, escapes and surrogate pairs; ends beyond the text are
    /// cut. Reads the whole token: for many ranges build one [`source_map`](Self::source_map).
    pub fn source_range(&self, decoded: Range<usize>) -> Range<usize> {
        self.source_map().source_range(decoded)
    }

    /// The way from decoded to source offsets, for many look-ups at `O(log escapes)` each.
    pub fn source_map(&self) -> SourceMap<'d> {
        let mut escapes = Vec::new();
        // Bytes that escapes have saved so far: source offset minus decoded offset.
        let mut saved = 0;
        if self.is_escaped {
            for escape in Escapes::of(self.raw) {
                let decoded_start = escape.source.start - saved;
                let decoded = decoded_start..decoded_start + escape.char.len_utf8();
                saved = escape.source.end - decoded.end;
                escapes.push(Mapped { decoded, source: escape.source });
            }
        }
        SourceMap { raw: self.raw, start: self.start, text_len: self.raw.len() - saved, escapes }
    }
}

/// Compares the decoded text.
impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        if self.is_escaped { self.text() == other } else { self.raw == other }
    }
}

/// Compares the decoded texts, wherever they lie.
impl PartialEq for Str<'_> {
    fn eq(&self, other: &Self) -> bool {
        if other.is_escaped { *self == *other.text() } else { *self == *other.raw }
    }
}

/// Maps byte ranges of a decoded text to the source; made by [`Str::source_map`].
#[derive(Debug, Clone)]
pub struct SourceMap<'d> {
    raw: &'d str,
    start: usize,
    text_len: usize,
    escapes: Vec<Mapped>,
}

#[derive(Debug, Clone)]
struct Mapped {
    decoded: Range<usize>,
    source: Range<usize>,
}

impl SourceMap<'_> {
    /// Bytes of the decoded text.
    pub fn text_len(&self) -> usize {
        self.text_len
    }

    /// See [`Str::source_range`].
    pub fn source_range(&self, decoded: Range<usize>) -> Range<usize> {
        let start = decoded.start.min(self.text_len);
        let end = decoded.end.clamp(start, self.text_len);
        self.start + self.floor(start)..self.start + self.ceil(end)
    }

    /// Source offset of the character that the decoded byte at `at` belongs to.
    fn floor(&self, at: usize) -> usize {
        let before = self.escapes.partition_point(|escape| escape.decoded.start <= at);
        let mut source = match before.checked_sub(1).and_then(|last| self.escapes.get(last)) {
            None => at,
            Some(escape) if at < escape.decoded.end => return escape.source.start,
            Some(escape) => escape.source.end + (at - escape.decoded.end),
        };
        while !self.raw.is_char_boundary(source) {
            source -= 1;
        }
        source
    }

    /// Source offset just after the character that the decoded byte before `at` belongs to.
    fn ceil(&self, at: usize) -> usize {
        let before = self.escapes.partition_point(|escape| escape.decoded.start < at);
        let mut source = match before.checked_sub(1).and_then(|last| self.escapes.get(last)) {
            None => at,
            Some(escape) if at <= escape.decoded.end => return escape.source.end,
            Some(escape) => escape.source.end + (at - escape.decoded.end),
        };
        while source < self.raw.len() && !self.raw.is_char_boundary(source) {
            source += 1;
        }
        source
    }
}

/// Appends `text` as the content of a JSON string, without quotes.
///
/// Escapes what JSON demands and nothing else; the rest stays UTF-8.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at_checked(plain_run(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = special.split_first() else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.extend([control >> 4, control & 0xF].map(|digit| match digit {
                    0..=9 => b'0' + digit,
                    _ => b'a' + (digit - 10),
                }));
            }
        }
        rest = tail;
    }
}

/// How many leading bytes stand for themselves in a JSON string: no quote, no backslash, nothing
/// below U+0020. Eight bytes per step.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let hits = special_bytes(u64::from_le_bytes(*word));
        if hits != 0 {
            return index * 8 + (hits.trailing_zeros() / 8) as usize;
        }
    }
    let in_tail = tail.iter().position(|&byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
    words.len() * 8 + in_tail.unwrap_or(tail.len())
}

/// Sets the high bit of each special byte of a word.
///
/// A borrow can set bits above a true hit, never below, so the lowest one is always right.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    ((word.wrapping_sub(ONES * 0x20) & !word)
        | (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash))
        & HIGH
}

/// One escape of a string's content.
#[derive(Debug)]
pub(super) struct Escape {
    /// Bytes of the content it takes, both halves of a surrogate pair included.
    pub(super) source: Range<usize>,
    /// What it stands for.
    pub(super) char: char,
}

/// Reads the escape whose backslash lies at `at`; `Err` says what is wrong with it.
pub(super) fn read_escape(bytes: &[u8], at: usize) -> Result<Escape, BadEscape> {
    let char = match bytes.get(at + 1).ok_or(BadEscape::Cut)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return read_unicode_escape(bytes, at),
        _ => return Err(BadEscape::Unknown),
    };
    Ok(Escape { source: at..at + 2, char })
}

/// What is wrong with an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadEscape {
    /// The text ends inside it.
    Cut,
    /// JSON does not have it.
    Unknown,
    /// Half of a surrogate pair.
    Surrogate,
}

fn read_unicode_escape(bytes: &[u8], at: usize) -> Result<Escape, BadEscape> {
    let high = read_hex(bytes, at + 2)?;
    if !matches!(high, 0xD800..=0xDBFF) {
        // A low half with nothing before it is no character, so it fails here.
        let char = char::from_u32(high).ok_or(BadEscape::Surrogate)?;
        return Ok(Escape { source: at..at + 6, char });
    }
    if bytes.get(at + 6..at + 8) != Some(b"\\u") {
        return Err(BadEscape::Surrogate);
    }
    let low = read_hex(bytes, at + 8)?;
    let (0xDC00..=0xDFFF) = low else { return Err(BadEscape::Surrogate) };
    let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    let char = char::from_u32(code).ok_or(BadEscape::Surrogate)?;
    Ok(Escape { source: at..at + 12, char })
}

fn read_hex(bytes: &[u8], at: usize) -> Result<u32, BadEscape> {
    let digits = bytes.get(at..at + 4).ok_or(BadEscape::Cut)?;
    digits.iter().try_fold(0, |value, &digit| {
        let digit = char::from(digit).to_digit(16).ok_or(BadEscape::Unknown)?;
        Ok(value << 4 | digit)
    })
}

/// The escapes of a content that the parser has accepted, in order.
struct Escapes<'d> {
    raw: &'d [u8],
    at: usize,
}

impl<'d> Escapes<'d> {
    fn of(raw: &'d str) -> Self {
        Self { raw: raw.as_bytes(), at: 0 }
    }
}

impl Iterator for Escapes<'_> {
    type Item = Escape;

    fn next(&mut self) -> Option<Escape> {
        let skipped = memchr::memchr(b'\\', self.raw.get(self.at..)?)?;
        let escape = read_escape(self.raw, self.at + skipped).ok()?;
        self.at = escape.source.end;
        Some(escape)
    }
}
