//! Where a place lies in a text that may be a JSON object or list, read one character at a time.
//!
//! Arguments of tool calls come as such texts, in streams cut anywhere. The automaton has a fixed
//! size, so a stream carries it along instead of the text. It does not check that brackets match:
//! what is not JSON at all is told by the characters outside of strings.

/// State between two characters. The default is a text that is not JSON.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct JsonScan {
    json: Json,
    escape: Escape,
    /// Last character outside of strings that is not blank.
    structure: char,
    /// For each open bracket, the innermost in the lowest bit, whether it is of a list. Of more than 64, those
    /// outside are taken for objects.
    lists: u64,
    /// Whether the string at hand, or the last one, is the name of a member.
    is_name: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Json {
    #[default]
    Absent,
    /// Only blanks so far.
    Awaited,
    Outside,
    InString,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Unicode {
        digits: u8,
        value: u32,
    },
}

/// What a character does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is part of an escape that is not complete.
    Open,
    /// It stands for itself, or completes the escape of this character.
    Means(char),
    /// It is the quote before a string.
    Opens,
    /// It is the quote behind a string.
    Closes,
}

impl JsonScan {
    /// The beginning of a text that may be JSON.
    pub(crate) const fn awaited() -> Self {
        Self {
            json: Json::Awaited,
            escape: Escape::None,
            structure: '\0',
            lists: 0,
            is_name: false,
        }
    }

    /// The inside of a string of JSON.
    pub(crate) const fn inside() -> Self {
        Self {
            json: Json::InString,
            escape: Escape::None,
            structure: '"',
            lists: 0,
            is_name: false,
        }
    }

    /// Whether the text is JSON, as far as it has been read, or may become so.
    pub(crate) fn may_be_json(self) -> bool {
        self.json != Json::Absent
    }

    /// Whether the text is JSON, as far as it has been read.
    pub(crate) fn is_json(self) -> bool {
        matches!(self.json, Json::Outside | Json::InString)
    }

    /// Whether the next character belongs to a string.
    pub(crate) fn in_string(self) -> bool {
        self.json == Json::InString
    }

    /// Whether the next character belongs to the name of a member.
    pub(crate) fn in_name(self) -> bool {
        self.in_string() && self.is_name
    }

    /// Whether an escape has begun and is not complete.
    pub(crate) fn in_escape(self) -> bool {
        self.escape != Escape::None
    }

    /// Moves over a character. The first value says that a backslash before it escapes nothing and
    /// stands for itself.
    pub(crate) fn step(&mut self, c: char) -> (bool, Step) {
        match self.json {
            Json::Absent => (false, Step::Means(c)),
            Json::Awaited => {
                if matches!(c, '{' | '[') {
                    self.json = Json::Outside;
                    self.structure = c;
                    self.brackets(c);
                } else if !c.is_ascii_whitespace() {
                    self.json = Json::Absent;
                }
                (false, Step::Means(c))
            }
            Json::Outside => (false, self.step_outside(c)),
            Json::InString => self.step_in_string(c),
        }
    }

    fn step_outside(&mut self, c: char) -> Step {
        if c == '"' && matches!(self.structure, '{' | '[' | ',' | ':') {
            self.json = Json::InString;
            self.is_name = self.structure == '{' || self.structure == ',' && self.lists & 1 == 0;
            return Step::Opens;
        }
        if !c.is_ascii_whitespace() {
            if !is_scalar(c) && !matches!(c, '{' | '}' | '[' | ']' | ',' | ':') {
                self.json = Json::Absent;
            }
            self.structure = c;
            self.brackets(c);
        }
        Step::Means(c)
    }

    const fn brackets(&mut self, c: char) {
        match c {
            '{' | '[' => self.lists = self.lists << 1 | (c == '[') as u64,
            '}' | ']' => self.lists >>= 1,
            _ => {}
        }
    }

    fn step_in_string(&mut self, c: char) -> (bool, Step) {
        match self.escape {
            Escape::None => match c {
                '\\' => {
                    self.escape = Escape::Begun;
                    (false, Step::Open)
                }
                '"' => {
                    self.json = Json::Outside;
                    self.structure = c;
                    (false, Step::Closes)
                }
                c => (false, Step::Means(c)),
            },
            Escape::Begun => {
                self.escape = Escape::None;
                match (c, escaped(c)) {
                    ('u', _) => {
                        self.escape = Escape::Unicode { digits: 0, value: 0 };
                        (false, Step::Open)
                    }
                    (_, Some(c)) => (false, Step::Means(c)),
                    (c, None) => (true, Step::Means(c)),
                }
            }
            Escape::Unicode { digits, value } => {
                let Some(digit) = c.to_digit(16) else {
                    self.escape = Escape::None;
                    let (_, step) = self.step_in_string(c);
                    return (true, step);
                };
                let value = value * 16 + digit;
                if digits < 3 {
                    self.escape = Escape::Unicode { digits: digits + 1, value };
                    return (false, Step::Open);
                }
                self.escape = Escape::None;
                let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                (false, Step::Means(c))
            }
        }
    }
}

/// Whether a character may be part of a number, `true`, `false` or `null`.
pub(crate) const fn is_scalar(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

/// What an escape of one letter stands for.
pub(crate) const fn escaped(c: char) -> Option<char> {
    Some(match c {
        '"' | '\\' | '/' => c,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{C}',
        _ => return None,
    })
}
