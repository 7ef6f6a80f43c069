//! One pass over the bytes: checks RFC 8259 to the letter and lays the nodes out in document order.
//!
//! There is no recursion, so nesting costs heap and is capped, never the call stack.

use std::borrow::Cow;
use std::collections::HashSet;

use bartizan_core::limits;

use super::text::{BadEscape, plain_run, read_escape};
use super::{JsonError, Node, Tag, text};

/// Objects with at most this many keys compare them in pairs; a hash set costs more there.
const PAIRWISE_KEYS: u32 = 8;
/// Number tokens with this many digits may carry what the guard looks for.
const LONG_NUMBER_DIGITS: usize = 9;

/// Checks the bytes and returns them as text, with the nodes of the value in document order.
pub(super) fn parse(bytes: &[u8]) -> Result<(&str, Vec<Node>), JsonError> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(JsonError::TooLong);
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(JsonError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError::InvalidUtf8 { offset: error.valid_up_to() })?;
    let expected_nodes = (bytes.len() / 16 + 8).min(1 << 16);
    let mut parser = Parser {
        text,
        bytes,
        at: 0,
        nodes: Vec::with_capacity(expected_nodes),
        open: Vec::with_capacity(16),
    };
    parser.document()?;
    Ok((text, parser.nodes))
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
}

/// A container whose end has not come yet.
struct Open {
    node: u32,
    is_object: bool,
    /// Finished items or members.
    count: u32,
    /// One bit per key, chosen by a cheap hash: a bit that is free proves the key new.
    seen: u64,
    /// Two keys may be the same: compare them when the object ends.
    is_suspect: bool,
}

/// What comes next.
enum Step {
    Value,
    AfterValue,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<(), JsonError> {
        self.skip_whitespace();
        if self.at == self.bytes.len() {
            return Err(JsonError::Empty);
        }
        let mut step = self.value()?;
        loop {
            step = match step {
                Step::Value => self.value()?,
                Step::AfterValue if self.open.is_empty() => break,
                Step::AfterValue => self.after_value()?,
            };
        }
        self.skip_whitespace();
        match self.peek() {
            None => Ok(()),
            Some(_) if self.at_comment() => Err(JsonError::Comment { offset: self.at }),
            Some(_) => Err(JsonError::Trailing { offset: self.at }),
        }
    }

    /// Reads a scalar, or opens a container and reads up to its first value.
    fn value(&mut self) -> Result<Step, JsonError> {
        self.skip_whitespace();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let is_escaped = self.string()?;
                self.push(Tag::String, is_escaped, start)?;
            }
            Some(b'{') => return self.open_object(),
            Some(b'[') => return self.open_array(),
            Some(b'-' | b'0'..=b'9') => {
                let is_long = self.number()?;
                self.push(Tag::Number, is_long, start)?;
            }
            Some(b't') => self.literal(b"true", Tag::True)?,
            Some(b'f') => self.literal(b"false", Tag::False)?,
            Some(b'n') => self.literal(b"null", Tag::Null)?,
            Some(b'+' | b'.' | b'N' | b'I') => {
                return Err(JsonError::InvalidNumber { offset: start });
            }
            Some(b']' | b'}') if !self.open.is_empty() && self.follows_comma() => {
                return Err(JsonError::TrailingComma { offset: start });
            }
            _ => return Err(self.unexpected("a value")),
        }
        Ok(Step::AfterValue)
    }

    /// Reads the comma or the bracket after a value inside a container.
    fn after_value(&mut self) -> Result<Step, JsonError> {
        self.skip_whitespace();
        let Some(open) = self.open.last_mut() else { return Ok(Step::AfterValue) };
        open.count += 1;
        let is_object = open.is_object;
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                if is_object {
                    self.skip_whitespace();
                    if self.peek() == Some(b'}') {
                        return Err(JsonError::TrailingComma { offset: self.at });
                    }
                    self.key()?;
                }
                Ok(Step::Value)
            }
            Some(b'}') if is_object => self.close(),
            Some(b']') if !is_object => self.close(),
            _ if is_object => Err(self.unexpected("`,` or `}`")),
            _ => Err(self.unexpected("`,` or `]`")),
        }
    }

    fn open_object(&mut self) -> Result<Step, JsonError> {
        self.open_container(Tag::Object)?;
        self.skip_whitespace();
        if self.peek() == Some(b'}') {
            return self.close();
        }
        self.key()?;
        Ok(Step::Value)
    }

    fn open_array(&mut self) -> Result<Step, JsonError> {
        self.open_container(Tag::Array)?;
        self.skip_whitespace();
        if self.peek() == Some(b']') { self.close() } else { Ok(Step::Value) }
    }

    fn open_container(&mut self, tag: Tag) -> Result<(), JsonError> {
        if self.open.len() >= limits::JSON_DEPTH {
            return Err(JsonError::TooDeep { offset: self.at });
        }
        let start = self.at;
        self.at += 1;
        let node = self.push(tag, false, start)?;
        let is_object = tag == Tag::Object;
        self.open.push(Open { node, is_object, count: 0, seen: 0, is_suspect: false });
        Ok(())
    }

    /// Ends the innermost container; the closing bracket is next.
    fn close(&mut self) -> Result<Step, JsonError> {
        self.at += 1;
        if let Some(open) = self.open.pop() {
            if open.is_suspect {
                self.check_keys(&open)?;
            }
            let next = self.nodes.len() as u32;
            if let Some(node) = self.nodes.get_mut(open.node as usize) {
                node.end = self.at as u32;
                node.set_next(next);
            }
        }
        Ok(Step::AfterValue)
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        let is_escaped = self.string()?;
        let raw = self.bytes.get(start + 1..self.at - 1).unwrap_or_default();
        if let Some(open) = self.open.last_mut() {
            let bit = key_bit(raw);
            open.is_suspect |= is_escaped || open.seen & bit != 0;
            open.seen |= bit;
        }
        self.push(Tag::Key, is_escaped, start)?;
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Refuses an object, all of whose members are read, when two keys say the same.
    fn check_keys(&self, open: &Open) -> Result<(), JsonError> {
        let mut keys = Vec::with_capacity(open.count as usize);
        let mut at = open.node + 1;
        while let Some(key) = self.nodes.get(at as usize) {
            keys.push((
                key.start as usize,
                text::Str::new(
                    self.text.get(key.start as usize + 1..key.end as usize - 1).unwrap_or_default(),
                    key.start as usize + 1,
                    key.flag(),
                ),
            ));
            // INVARIANT: a key's value follows it at once, and the next key follows that.
            at = self.nodes.get(at as usize + 1).map_or(u32::MAX, Node::next);
        }
        let duplicate = if open.count <= PAIRWISE_KEYS {
            keys.iter().enumerate().find_map(|(index, (offset, key))| {
                keys.iter().take(index).any(|(_, earlier)| earlier == key).then_some(*offset)
            })
        } else {
            let mut seen: HashSet<Cow<'a, str>> = HashSet::with_capacity(keys.len());
            keys.iter().find_map(|(offset, key)| (!seen.insert(key.text())).then_some(*offset))
        };
        duplicate.map_or(Ok(()), |offset| Err(JsonError::DuplicateKey { offset }))
    }

    /// Reads a string token; returns whether it has escapes.
    fn string(&mut self) -> Result<bool, JsonError> {
        let mut is_escaped = false;
        self.at += 1;
        loop {
            self.at += plain_run(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(is_escaped);
                }
                Some(b'\\') => {
                    is_escaped = true;
                    let escape = read_escape(self.bytes, self.at);
                    self.at = escape.map_err(|wrong| self.bad_escape(wrong))?.source.end;
                }
                Some(_) => return Err(JsonError::ControlCharacter { offset: self.at }),
                None => return Err(JsonError::UnexpectedEnd { expected: "the end of a string" }),
            }
        }
    }

    fn bad_escape(&self, wrong: BadEscape) -> JsonError {
        match wrong {
            BadEscape::Cut => JsonError::UnexpectedEnd { expected: "the rest of an escape" },
            BadEscape::Unknown => JsonError::InvalidEscape { offset: self.at },
            BadEscape::Surrogate => JsonError::LoneSurrogate { offset: self.at },
        }
    }

    /// Reads a number token (RFC 8259 section 6); returns whether it has many digits.
    fn number(&mut self) -> Result<bool, JsonError> {
        let start = self.at;
        let wrong = JsonError::InvalidNumber { offset: start };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leads_with_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leads_with_zero && whole > 1) {
            return Err(wrong);
        }
        let mut digits = whole;
        if self.peek() == Some(b'.') {
            self.at += 1;
            let fraction = self.digits();
            if fraction == 0 {
                return Err(wrong);
            }
            digits += fraction;
        }
        let mut may_overflow = whole > 300;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            let exponent = self.digits();
            if exponent == 0 {
                return Err(wrong);
            }
            digits += exponent;
            may_overflow = true;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte)) {
            return Err(wrong);
        }
        if may_overflow {
            let value = self.text.get(start..self.at).and_then(|token| token.parse::<f64>().ok());
            if !value.is_some_and(f64::is_finite) {
                return Err(JsonError::NumberOutOfRange { offset: start });
            }
        }
        Ok(digits >= LONG_NUMBER_DIGITS)
    }

    /// Skips digits and counts them.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn literal(&mut self, word: &[u8], tag: Tag) -> Result<(), JsonError> {
        let start = self.at;
        if !self.bytes.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.unexpected("`true`, `false` or `null`"));
        }
        self.at += word.len();
        self.push(tag, false, start).map(|_| ())
    }

    fn push(&mut self, tag: Tag, flag: bool, start: usize) -> Result<u32, JsonError> {
        if self.nodes.len() >= limits::JSON_NODES {
            return Err(JsonError::TooManyNodes { offset: start });
        }
        let id = self.nodes.len() as u32;
        let (parent, index) = self.open.last().map_or((Node::NONE, 0), |o| (o.node, o.count));
        self.nodes.push(Node::new(tag, flag, id, start as u32..self.at as u32, parent, index));
        Ok(id)
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Whether the last byte before `at` that is not whitespace is a comma.
    fn follows_comma(&self) -> bool {
        self.bytes.get(..self.at).unwrap_or_default().trim_ascii_end().ends_with(b",")
    }

    fn at_comment(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.starts_with(b"//") || rest.starts_with(b"/*")
    }

    fn unexpected(&self, expected: &'static str) -> JsonError {
        if self.at >= self.bytes.len() {
            JsonError::UnexpectedEnd { expected }
        } else if self.at_comment() {
            JsonError::Comment { offset: self.at }
        } else {
            JsonError::UnexpectedByte { expected, offset: self.at }
        }
    }
}

/// Chooses one of 64 bits by length, ends and middle of a key.
fn key_bit(raw: &[u8]) -> u64 {
    let byte = |at: usize| u64::from(raw.get(at).copied().unwrap_or_default());
    let mixed = (raw.len() as u64)
        | byte(0) << 16
        | byte(raw.len() / 2) << 24
        | byte(raw.len().saturating_sub(1)) << 32;
    1 << (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
}
