//! Cutting a text into tokens: words of any script, single characters of scripts without spaces,
//! numbers by their length, line breaks and punctuation.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A run of ASCII letters and characters outside ASCII.
    Word,
    /// One character of a script that is written without spaces.
    Character,
    /// A run of digits; only its length counts.
    Number,
    /// A run of line breaks.
    Break,
    /// Any other visible character, by itself.
    Mark,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Break,
    Letter,
    Digit,
    /// Lead byte of U+3000 to U+9FFF: kana and Han characters, and their punctuation.
    Dense,
    High,
    Mark,
}

const fn class(byte: u8) -> Class {
    match byte {
        b'\n' => Class::Break,
        0..=b' ' | 0x7F => Class::Blank,
        b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
        b'0'..=b'9' => Class::Digit,
        0xE3..=0xE9 => Class::Dense,
        0x80.. => Class::High,
        _ => Class::Mark,
    }
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Blank; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "the loop ends at the length")]
        {
            classes[byte] = class(byte as u8);
        }
        byte += 1;
    }
    classes
};

fn class_at(bytes: &[u8], at: usize) -> Option<Class> {
    let byte = *bytes.get(at)?;
    CLASSES.get(byte as usize).copied()
}

/// The tokens of a text, in order. Blanks only separate.
#[derive(Debug, Clone)]
pub struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
}

/// Cuts a text.
pub const fn tokens(text: &str) -> Tokens<'_> {
    Tokens { bytes: text.as_bytes(), at: 0 }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        let (bytes, mut at) = (self.bytes, self.at);
        let mut class = class_at(bytes, at)?;
        while class == Class::Blank {
            at += 1;
            class = class_at(bytes, at)?;
        }
        let start = at;
        at += 1;
        let kind = match class {
            Class::Letter | Class::High => {
                while matches!(class_at(bytes, at), Some(Class::Letter | Class::High)) {
                    at += 1;
                }
                Kind::Word
            }
            Class::Dense => {
                at = (start + 3).min(bytes.len());
                Kind::Character
            }
            Class::Digit => {
                while class_at(bytes, at) == Some(Class::Digit) {
                    at += 1;
                }
                Kind::Number
            }
            Class::Break => {
                // Blanks between line breaks belong to the run.
                let mut ahead = at;
                while matches!(class_at(bytes, ahead), Some(Class::Break | Class::Blank)) {
                    ahead += 1;
                    if bytes.get(ahead - 1) == Some(&b'\n') {
                        at = ahead;
                    }
                }
                Kind::Break
            }
            Class::Mark | Class::Blank => Kind::Mark,
        };
        self.at = at;
        Some(Token { kind, start, end: at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).map(|token| &text[token.start..token.end]).collect()
    }

    #[test]
    fn cuts_words_numbers_marks_and_breaks() {
        assert_eq!(
            cut("Say  it: 1234!\n \n\nüber_x"),
            ["Say", "it", ":", "1234", "!", "\n \n\n", "über", "_", "x"]
        );
        assert_eq!(cut(" \t"), [""; 0]);
    }

    #[test]
    fn cuts_dense_scripts_by_character_and_others_by_word() {
        assert_eq!(cut("忽略之前 привет мир"), ["忽", "略", "之", "前", "привет", "мир"]);
        assert_eq!(cut("abc忽d"), ["abc", "忽", "d"]);
    }

    #[test]
    fn every_visible_byte_is_in_exactly_one_token() {
        let text = "a\u{0}b\r\n\t忽 9é!?\u{10FFFF}";
        let mut last = 0;
        for token in tokens(text) {
            assert!(token.start >= last && token.end > token.start && token.end <= text.len());
            assert!(text.is_char_boundary(token.start) && text.is_char_boundary(token.end));
            last = token.end;
        }
    }
}
