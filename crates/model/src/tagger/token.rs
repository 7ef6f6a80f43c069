//! Tokens: what the tagger judges one by one, and how a text is cut into them.
//!
//! INVARIANT: every cut is decided by a few bytes on either side, so that a window on a text gives the
//! tokens of the whole. What is longer than any name ends a segment, and nothing is read across the end
//! of one: this bounds in bytes what a judgement depends on.

use super::fold::{fold, is_mark, script};
use super::hash::{mix, step};

/// Longest token that is judged, in bytes. Longer ones end a segment.
const TOKEN_BYTES: usize = 48;
/// Longest blank inside a segment, in bytes.
const GAP_BYTES: usize = 16;

/// Bytes of a path before a backslash that are looked at.
const PATH_BYTES: usize = 128;

/// Low lines in a row that may join two words, and one more character.
const LOW_LINES: usize = 4;

/// What stands before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing: the token before touches it.
    None,
    /// Blanks within a line.
    Space,
    /// The end of a line, or of a cell.
    Line,
}

/// How a token looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `word`
    Lower,
    /// `Word`
    Capital,
    /// `WORD`
    Upper,
    /// `W`
    Initial,
    /// `w`
    Letter,
    /// `McWord`, `iWord`, `camelCase`
    Mixed,
    /// `7`, `42`
    ShortNumber,
    /// `123`
    ThreeDigits,
    /// `1234`
    FourDigits,
    /// `12345`
    FiveDigits,
    /// Six digits or more.
    LongNumber,
    /// `14b`
    DigitsLetters,
    /// `BS1`
    LettersDigits,
    /// `snake_case`
    Identifier,
    /// One Han character.
    Han,
    /// One Hiragana character.
    Hiragana,
    /// A run of Katakana.
    Katakana,
    /// One Hangul syllable.
    Hangul,
    /// A word of Arabic or Hebrew letters.
    Semitic,
    /// A word of another script without capitals.
    Caseless,
    /// Anything else.
    Mark,
    /// Not there: before the first or behind the last token of a segment.
    Edge,
}

impl Shape {
    /// Whether a token is written as a name may be where case exists.
    pub const fn is_capital(self) -> bool {
        matches!(self, Self::Capital | Self::Upper | Self::Initial | Self::Mixed)
    }

    /// Whether the script of the token has no capitals.
    pub const fn is_caseless(self) -> bool {
        matches!(
            self,
            Self::Han
                | Self::Hiragana
                | Self::Katakana
                | Self::Hangul
                | Self::Semitic
                | Self::Caseless
        )
    }

    /// Whether it begins with or is a number.
    pub const fn is_number(self) -> bool {
        matches!(
            self,
            Self::ShortNumber
                | Self::ThreeDigits
                | Self::FourDigits
                | Self::FiveDigits
                | Self::LongNumber
                | Self::DigitsLetters
                | Self::LettersDigits
        )
    }
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What stands before it.
    pub gap: Gap,
    /// How it looks.
    pub shape: Shape,
    /// Hash of its letters, without case and marks.
    pub word: u32,
    /// Hashes of what stands before the first and behind the last hyphen; `word` when there is none.
    pub halves: [u32; 2],
    /// What the lists say about it, as bits; filled in by the gazetteer.
    pub lists: u32,
}

impl Token {
    /// What is seen beyond the ends of a segment.
    pub const EDGE: Self = Self {
        start: 0,
        end: 0,
        gap: Gap::Line,
        shape: Shape::Edge,
        word: 1,
        halves: [1; 2],
        lists: 0,
    };
}

/// The tokens of a text, and where segments end.
#[derive(Debug, Default)]
pub struct Tokens {
    /// In order, not overlapping.
    pub tokens: Vec<Token>,
    /// Numbers of tokens before which a segment ends, ascending; the last is the number of all tokens.
    pub ends: Vec<usize>,
    /// Whether more text could add to the last segment.
    pub is_open: bool,
}

/// Cuts a text. `complete` says that no more of it follows.
pub fn tokens(text: &str, complete: bool) -> Tokens {
    // English has a token every five bytes or so.
    let room = Vec::with_capacity(text.len() / 4);
    let mut cutter = Cutter { text, at: 0, out: Tokens { tokens: room, ..Tokens::default() } };
    cutter.run();
    let mut out = cutter.out;
    // A blank or a token at the end that has grown too long ends the segment for good.
    let closed = out.ends.last() == Some(&out.tokens.len()) && !out.tokens.is_empty();
    if !closed {
        out.ends.push(out.tokens.len());
    }
    out.is_open = !complete && !closed;
    out
}

struct Cutter<'t> {
    text: &'t str,
    at: usize,
    out: Tokens,
}

impl Cutter<'_> {
    fn run(&mut self) {
        loop {
            let (gap, bytes) = self.blanks();
            if bytes > GAP_BYTES {
                self.end_segment();
            }
            let start = self.at;
            let Some(first) = self.peek() else { return };
            let token = if is_alone(first) {
                self.at += first.len_utf8();
                self.alone(start, first)
            } else if is_word(first) {
                self.word(start)
            } else {
                self.mark(start, first)
            };
            if self.at - start > TOKEN_BYTES {
                self.end_segment();
            } else {
                self.out.tokens.push(Token { gap, ..token });
            }
        }
    }

    fn end_segment(&mut self) {
        let end = self.out.tokens.len();
        if self.out.ends.last() != Some(&end) {
            self.out.ends.push(end);
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    /// Reads blanks, and the escapes that stand for line ends in strings of code.
    fn blanks(&mut self) -> (Gap, usize) {
        let start = self.at;
        let mut gap = Gap::None;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ') => gap = gap.max(Gap::Space),
                Some(b'\n' | b'\r' | b'\t' | 0x0B | 0x0C) => gap = Gap::Line,
                Some(b'\\') if self.is_escape() => {
                    gap = Gap::Line;
                    self.at += 1;
                }
                Some(byte) if !byte.is_ascii() => {
                    let Some(c) = self.peek().filter(|c| c.is_whitespace()) else { break };
                    gap = gap.max(Gap::Space);
                    self.at += c.len_utf8() - 1;
                }
                _ => break,
            }
            self.at += 1;
        }
        (gap, self.at - start)
    }

    /// Whether a backslash here begins an escape that stands for the end of a line or cell, and no name
    /// in a path of Windows, as in `C:\\Users\\thomas`.
    fn is_escape(&self) -> bool {
        let bytes = self.text.as_bytes();
        let letter = bytes.get(self.at + 1);
        if !matches!(letter, Some(b'n' | b't' | b'r')) {
            return false;
        }
        // What follows the letter would be the rest of a name in lower case.
        if !bytes.get(self.at + 2).is_some_and(u8::is_ascii_lowercase) {
            return true;
        }
        let from = self.at.saturating_sub(PATH_BYTES);
        let before = bytes.get(from..self.at).unwrap_or_default();
        let ends =
            |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(');
        let run = before.iter().rposition(ends).map_or(0, |at| at + 1);
        let path = before.get(run..).unwrap_or_default();
        let is_share = path.starts_with(b"\\\\") && path.len() > 2;
        let is_drive = |at: usize| {
            let before = at.checked_sub(1).and_then(|at| path.get(at));
            path.get(at).is_some_and(u8::is_ascii_alphabetic)
                && path.get(at + 1) == Some(&b':')
                && before.is_none_or(|before| !before.is_ascii_alphanumeric())
        };
        let drive = (0..path.len()).find(|at| is_drive(*at));
        let has_drive = drive.is_some_and(|at| match path.get(at + 2) {
            // `Q:` and `A:` before an escape begin a question and an answer.
            None => !matches!(path.get(at), Some(b'A' | b'Q' | b'a' | b'q')),
            Some(byte) => *byte == b'\\',
        });
        !(is_share || has_drive)
    }

    fn alone(&self, start: usize, c: char) -> Token {
        let shape = match script(c) {
            script::HIRAGANA => Shape::Hiragana,
            script::HANGUL => Shape::Hangul,
            _ => Shape::Han,
        };
        self.token(start, shape, [step(0, c as u32); 3])
    }

    /// Reads letters and digits.
    fn word(&mut self, start: usize) -> Token {
        let mut seen = Seen::default();
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(byte @ b'a'..=b'z') => seen.lower(u32::from(*byte)),
                Some(byte @ b'A'..=b'Z') => seen.upper(u32::from(*byte | 0x20)),
                Some(byte @ b'0'..=b'9') => seen.digit(u32::from(*byte)),
                Some(b'_') if self.goes_on() => seen.joined(),
                Some(b'\'') if self.joins(start) => seen.joint(),
                Some(b'-') if self.is_hyphen() => seen.hyphen(),
                Some(byte) if !byte.is_ascii() => match self.peek() {
                    Some('\u{2019}') if self.joins(start) => {
                        seen.joint();
                        self.at += 2;
                    }
                    Some(c) if is_word(c) && !is_alone(c) => {
                        if seen.count > 0 && seen.is_katakana != (script(c) == script::KATAKANA) {
                            break;
                        }
                        seen.other(c);
                        self.at += c.len_utf8() - 1;
                    }
                    _ => break,
                },
                _ => break,
            }
            self.at += 1;
        }
        let (shape, word) = (seen.shape(), seen.hash);
        self.token(start, shape, [word, seen.first.unwrap_or(word), seen.last()])
    }

    const fn token(&self, start: usize, shape: Shape, hashes: [u32; 3]) -> Token {
        let [word, first, last] = hashes;
        Token { start, end: self.at, gap: Gap::None, shape, word, halves: [first, last], lists: 0 }
    }

    /// Whether a word goes on behind a low line, which stands for emphasis at its end.
    fn goes_on(&self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut near = rest.chars().take(LOW_LINES).skip_while(|c| *c == '_');
        near.next().is_some_and(|c| is_word(c) && !is_alone(c))
    }

    /// Whether a hyphen here joins two words, as in `Smith-Jones`.
    fn is_hyphen(&self) -> bool {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic() && !is_alone(c));
        let before = self.text.get(..self.at).unwrap_or_default().chars().next_back();
        letter(before) && letter(self.text.get(self.at + 1..).and_then(|rest| rest.chars().next()))
    }

    /// Whether an apostrophe here is part of a name, as in `O'Neill` and `D'Angelo`, and no ending or
    /// article.
    fn joins(&self, start: usize) -> bool {
        let before = self.text.get(start..self.at).unwrap_or_default();
        let after = self.text.get(self.at..).unwrap_or_default().chars().nth(1);
        match before {
            "O" | "o" => after.is_some_and(char::is_alphabetic),
            _ => {
                before.len() <= 4
                    && before.chars().next().is_some_and(char::is_uppercase)
                    && after.is_some_and(char::is_uppercase)
            }
        }
    }

    /// Reads one mark, or a run of the same.
    fn mark(&mut self, start: usize, first: char) -> Token {
        let mut taken = 1;
        self.at += first.len_utf8();
        // Brackets and quotes come singly.
        if matches!(first, '-' | '*' | '=' | '.' | '_' | '#' | '~') {
            while self.peek() == Some(first) {
                taken += 1;
                self.at += 1;
            }
        }
        let word = mix(step(0, first as u32), taken.min(3) as u32);
        self.token(start, Shape::Mark, [word; 3])
    }
}

/// Whether the character is a token by itself: scripts that put no blanks between words.
fn is_alone(c: char) -> bool {
    matches!(c, '\u{3012}')
        || c as u32 >= 0x3000
            && matches!(script(c), script::HAN | script::HIRAGANA | script::HANGUL)
}

/// Whether the character is part of a word.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() && is_mark(c)
}

/// What was seen of a word so far.
#[expect(clippy::struct_excessive_bools, reason = "each says another thing about the same word")]
#[derive(Default)]
struct Seen {
    hash: u32,
    /// Hash of what stands before the first hyphen.
    first: Option<u32>,
    /// Hash of what stands behind the last hyphen.
    part: u32,
    hyphens: usize,
    begins_part: bool,
    /// Parts that begin with a capital.
    upper_parts: usize,
    count: usize,
    lowers: usize,
    uppers: usize,
    digits: usize,
    others: usize,
    begins_upper: bool,
    begins_digit: bool,
    is_joined: bool,
    is_katakana: bool,
    is_semitic: bool,
    has_joint: bool,
}

impl Seen {
    fn lower(&mut self, c: u32) {
        self.lowers += 1;
        self.take(c);
    }

    fn upper(&mut self, c: u32) {
        self.begins_upper |= self.count == 0;
        self.uppers += 1;
        self.upper_parts += usize::from(self.count == 0 || self.begins_part);
        self.take(c);
    }

    fn digit(&mut self, c: u32) {
        self.begins_digit |= self.count == 0;
        self.digits += 1;
        self.take(c);
    }

    fn joined(&mut self) {
        self.is_joined = true;
        self.take(u32::from(b'_'));
    }

    fn hyphen(&mut self) {
        self.first.get_or_insert(self.hash);
        self.take(u32::from(b'-'));
        self.part = 0;
        self.hyphens += 1;
        self.begins_part = true;
    }

    fn last(&self) -> u32 {
        if self.first.is_some() { self.part } else { self.hash }
    }

    fn joint(&mut self) {
        self.has_joint = true;
        self.take(u32::from(b'\''));
    }

    fn other(&mut self, c: char) {
        let folded = fold(c);
        if c.is_uppercase() {
            self.upper(folded);
        } else if c.is_lowercase() {
            self.lower(folded);
        } else if c.is_numeric() {
            self.digit(folded);
        } else {
            if self.count == 0 {
                self.is_katakana = script(c) == script::KATAKANA;
                self.is_semitic = script(c) == script::SEMITIC;
            }
            self.others += 1;
            // A mark above or below the letter before it.
            if folded != 0 {
                self.take(folded);
            }
        }
    }

    fn take(&mut self, c: u32) {
        self.count += 1;
        self.begins_part = false;
        self.hash = step(self.hash, c);
        self.part = step(self.part, c);
    }

    fn shape(&self) -> Shape {
        if self.is_joined {
            return Shape::Identifier;
        }
        let letters = self.lowers + self.uppers;
        match (letters + self.others, self.digits) {
            (0, 0..=2) => return Shape::ShortNumber,
            (0, 3) => return Shape::ThreeDigits,
            (0, 4) => return Shape::FourDigits,
            (0, 5) => return Shape::FiveDigits,
            (0, _) => return Shape::LongNumber,
            (_, 0) => {}
            _ if self.begins_digit => return Shape::DigitsLetters,
            _ => return Shape::LettersDigits,
        }
        if letters == 0 {
            return match () {
                () if self.is_katakana => Shape::Katakana,
                () if self.is_semitic => Shape::Semitic,
                () => Shape::Caseless,
            };
        }
        match (self.uppers, self.lowers) {
            (0, 1) => Shape::Letter,
            (0, _) => Shape::Lower,
            (1, 0) => Shape::Initial,
            (_, 0) => Shape::Upper,
            (uppers, _) if self.begins_upper && uppers == self.upper_parts => Shape::Capital,
            (2, _) if self.begins_upper && self.has_joint => Shape::Capital,
            _ => Shape::Mixed,
        }
    }
}
