//! Whether a value may be put back at a place of an answer.
//!
//! A value inside an address leaves with the next click, or without one where it is an image. What
//! counts as an address differs from reader to reader, so nothing is parsed here: the word before
//! the placeholder, the link target or tag around it and the text glued behind it must be free of
//! everything that addresses are made of. A blank ends an address only in plain prose: behind a quote
//! or bracket, some reader goes on to its end and drops or encodes the blanks, so an address there
//! forbids values for the rest of the paragraph. The text before is read by an automaton of fixed
//! size, which a stream carries along instead of the text.

mod fence;
mod tags;

use bartizan_core::Channel;

use crate::text::json::{JsonScan, Step, escaped};
use fence::Fence;
use tags::Tags;

/// Longest text glued to a placeholder that is read, in bytes; behind a longer one nothing is
/// restored.
const MAX_GLUED_BYTES: usize = 256;
/// Longest scheme that is told apart, in bytes.
const MAX_SCHEME_BYTES: usize = 24;

/// Schemes after whose colon a word is an address. `http:evil.test` needs no slashes, and some
/// programs act on their own scheme as soon as it is shown.
const SCHEMES: [&str; 42] = [
    "about",
    "blob",
    "callto",
    "cid",
    "data",
    "facetime",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "ftps",
    "geo",
    "git",
    "gopher",
    "http",
    "https",
    "im",
    "intent",
    "irc",
    "javascript",
    "jar",
    "ldap",
    "ldaps",
    "magnet",
    "mailto",
    "market",
    "mms",
    "news",
    "sftp",
    "sip",
    "sips",
    "skype",
    "sms",
    "ssh",
    "tel",
    "vbscript",
    "view-source",
    "webcal",
    "whatsapp",
    "ws",
    "wss",
    "xmpp",
];

/// Schemes that are told even if tabs and line breaks stand in them, and words before.
const BROKEN: [&str; 5] = ["ftp", "http", "https", "javascript", "vbscript"];
/// Schemes that need neither slashes nor anything else behind their colon to be an address.
const WEB: [&str; 5] = ["ftp", "http", "https", "ws", "wss"];

/// What stands before a byte of an answer: whether a value may be put back there.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the place")]
pub struct Place {
    json: JsonScan,
    /// The text belongs to a tool call: a program takes it, or each line of it, for what it begins as.
    is_call: bool,
    /// What may go around an address stands before, in the same paragraph.
    around: Around,
    /// An address stands behind it.
    is_spoilt: bool,
    /// Where the target of a link begins: behind `](` or `]:`.
    target: Target,
    /// The word holds something that addresses are made of.
    address: bool,
    /// Letters just before, in lower case, as far as they may be a scheme.
    scheme: String,
    /// The last of them with tabs and line breaks left out, as browsers do.
    unbroken: String,
    /// A scheme and its colon stand just before.
    behind_scheme: bool,
    /// The last character that is no tab or line break.
    solid: char,
    /// How far an entity such as `#47;` has come.
    entity: Entity,
    fence: Fence,
    /// The first word has a `.` or `/` behind its first character.
    has_dot: bool,
    has_slash: bool,
    /// Open parentheses of a link target; the largest number is never left before a blank line.
    link: u8,
    /// The link target holds nothing so far that readers take differently.
    is_plain_link: bool,
    tags: Tags,
    first_word: FirstWord,
    /// Only blanks stand between the last line break and here.
    blank_line: bool,
    last: char,
}

/// What may go around an address with blanks in it, for some reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Around {
    #[default]
    Nothing,
    /// Brackets as of links.
    Bracket,
    /// A quote, a brace or the colons of a directive.
    Quote,
}

/// An entity without `&`, as diagrams have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Entity {
    #[default]
    No,
    Begun,
    Digits,
}

/// Whether the target of a link begins here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Target {
    #[default]
    No,
    /// Behind `]`.
    Announced,
    /// Behind `](` or `]:`, and blanks.
    Begins,
}

/// What the first word of a JSON string, or of a line for a program, says about it. A program that takes an address
/// takes blanks in it as well, and drops or encodes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum FirstWord {
    /// Only blanks so far.
    #[default]
    Awaited,
    /// Not told yet.
    Open,
    /// A text.
    Text,
    /// An address, up to the end of the string.
    Address,
}

impl Place {
    /// The beginning of a text. In a tool call it may be JSON.
    pub fn start(channel: Channel) -> Self {
        if channel == Channel::ToolCall {
            Self { is_call: true, ..Self::start_of_json() }
        } else {
            Self::default()
        }
    }

    /// The beginning of a text that may be JSON, wherever it comes from.
    pub fn start_of_json() -> Self {
        Self { json: JsonScan::awaited(), ..Self::default() }
    }

    /// A place from which on no value may stand anywhere.
    pub fn nowhere() -> Self {
        Self { tags: Tags::never_left(), ..Self::default() }
    }

    /// Moves over `text`.
    pub fn advance(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
        }
    }

    /// Whether what stands before lets a value stand here.
    pub(super) fn allows(&self) -> bool {
        !self.json.in_escape()
            && !self.address
            && !self.is_spoilt
            && !self.fence.renders()
            && self.target != Target::Begins
            && self.link == 0
            && self.first_word != FirstWord::Address
            && self.tags.allow()
    }

    /// Whether a text that ended here leaves nothing open that text behind it would become part of.
    pub(super) fn is_closed(&self) -> bool {
        self.link == 0 && self.last != ']' && !self.is_spoilt && self.tags.is_out()
    }

    /// The JSON around this place.
    pub(crate) const fn json(&self) -> JsonScan {
        self.json
    }

    fn step(&mut self, c: char) {
        let (stray_backslash, step) = self.json.step(c);
        if stray_backslash {
            self.read('\\');
        }
        match step {
            Step::Open => {}
            Step::Means(c) => self.read(c),
            Step::Opens => {
                // A string is a value of its own: nothing before it runs on into it.
                self.address = false;
                self.scheme.clear();
                self.link = 0;
                self.tags = Tags::default();
                self.read(c);
                self.around = Around::Nothing;
                (self.is_spoilt, self.target) = (false, Target::No);
                self.first_word = FirstWord::Awaited;
            }
            Step::Closes => {
                self.first_word = FirstWord::Text;
                self.read(c);
            }
        }
    }

    /// Moves over one character of what the text means.
    fn read(&mut self, c: char) {
        if is_invisible(c) {
            return;
        }
        if is_blank(c) {
            if c == '\n' && self.blank_line {
                self.link = 0;
                self.tags.read_blank_line();
                // What a program reads has no paragraphs, and formulas go over them.
                if !self.is_call && !self.fence.has_formula() {
                    (self.around, self.is_spoilt) = (Around::Nothing, false);
                }
            }
            if c == '\n' && self.is_lines() {
                self.first_word = FirstWord::Awaited;
            }
            self.tags.read_blank();
            self.fence.read(c);
            self.blank_line |= c == '\n';
            self.address = false;
            self.scheme.clear();
            // Browsers leave tabs and line breaks out of an address before they look at it.
            if c == ' ' {
                if self.first_word == FirstWord::Open {
                    self.first_word = FirstWord::Text;
                }
                self.unbroken.clear();
                self.solid = c;
            }
            self.is_spoilt |= self.link > 0;
        } else {
            self.blank_line = false;
            let names_host = self.names_host(c);
            self.read_word(c, names_host);
            self.read_quoted(c, names_host);
            self.read_link(c);
            self.tags.read(c, self.last);
            self.fence.read(c);
            self.read_scheme(c);
            self.solid = c;
        }
        self.last = c;
    }

    /// Whether a scheme or two slashes end here, in whatever way they are written.
    fn names_host(&mut self, c: char) -> bool {
        let is_slash = |c: char| matches!(c, '/' | '\\');
        self.entity = match (c, self.entity) {
            ('#', _) => Entity::Begun,
            ('0'..='9', Entity::Begun | Entity::Digits) => Entity::Digits,
            (';', Entity::Digits) => return true,
            _ => Entity::No,
        };
        // Other schemes are words too, with a blank behind their colon.
        let behind_scheme = std::mem::take(&mut self.behind_scheme);
        let is_broken = || BROKEN.iter().any(|scheme| self.unbroken.ends_with(scheme));
        self.behind_scheme = c == ':' && SCHEMES.contains(&self.scheme.as_str());
        is_slash(c) && is_slash(self.solid)
            || c == ':' && (WEB.contains(&self.scheme.as_str()) || is_broken())
            || self.last == ':' && behind_scheme
            // Slashes and colons as escapes of JSON, scripts, HTML and URLs.
            || self.last == '\\' && matches!(c, 'u' | 'x')
            || self.last == '&' && matches!(c, '#' | 'b' | 'c' | 's')
            || self.last == '%' && matches!(c, '2' | '3' | '5')
    }

    fn read_word(&mut self, c: char, names_host: bool) {
        self.address |= match c {
            // The slash of a closing tag.
            '/' => !self.tags.is_begun(),
            '\\' | '?' | '&' | '#' | '%' | '@' | '.' => true,
            ':' => SCHEMES.contains(&self.scheme.as_str()),
            _ => false,
        };
        if self.is_lines() && names_host {
            self.first_word = FirstWord::Address;
        } else if self.json.in_string() || self.is_lines() {
            self.read_first_word(c, names_host);
        }
    }

    /// An address has a host before its path, or a path before its query.
    fn read_first_word(&mut self, c: char, names_host: bool) {
        self.first_word = match self.first_word {
            FirstWord::Awaited if c.is_whitespace() => FirstWord::Awaited,
            FirstWord::Awaited => {
                (self.has_dot, self.has_slash) = (false, false);
                if names_host { FirstWord::Address } else { FirstWord::Open }
            }
            FirstWord::Open => {
                let is_address = names_host
                    || matches!(c, '/' | '\\') && self.has_dot
                    || matches!(c, '?' | '#' | '&' | '%') && (self.has_dot || self.has_slash);
                self.has_dot |= c == '.';
                self.has_slash |= matches!(c, '/' | '\\');
                if is_address { FirstWord::Address } else { FirstWord::Open }
            }
            told => told,
        };
    }

    /// Whether each line is a text of its own for some program.
    fn is_lines(&self) -> bool {
        self.is_call && !self.json.is_json()
    }

    fn read_quoted(&mut self, c: char, names_host: bool) {
        let last = self.last;
        let in_plain_link = self.link > 0 && self.is_plain_link;
        if in_plain_link {
            self.is_plain_link = !is_opener(c, last) && !matches!(c, '<' | '\\' | '[');
            self.is_spoilt |= !self.is_plain_link;
        } else {
            self.is_spoilt |= self.around != Around::Nothing && names_host;
        }
        self.is_spoilt |= c == '<' && self.target == Target::Begins;
        self.around = self.around.max(match c {
            '[' => Around::Bracket,
            '(' if !is_blank(last) && last != char::default() => Around::Bracket,
            _ if is_opener(c, last) => Around::Quote,
            _ => Around::Nothing,
        });
        self.target = match (c, self.target) {
            (']', _) => Target::Announced,
            ('(' | ':', Target::Announced) => Target::Begins,
            _ => Target::No,
        };
    }

    fn read_link(&mut self, c: char) {
        match c {
            '(' if self.link > 0 => self.link = self.link.saturating_add(1),
            '(' if self.last == ']' || self.scheme == "url" => {
                self.link = 1;
                // `[text](target)` ends at its `)` for every reader, as long as the target is plain.
                self.is_plain_link =
                    self.last == ']' && !self.is_spoilt && self.around < Around::Quote;
            }
            ')' if self.last != '\\' && self.link < u8::MAX => {
                self.link = self.link.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn read_scheme(&mut self, c: char) {
        if self.unbroken.len() >= MAX_SCHEME_BYTES {
            self.unbroken.remove(0);
        }
        if c.is_ascii() {
            self.unbroken.push(c.to_ascii_lowercase());
        } else {
            self.unbroken.clear();
        }
        let goes_on = c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if !goes_on {
            self.scheme.clear();
        } else if self.scheme.len() <= MAX_SCHEME_BYTES
            && (c.is_ascii_alphabetic() || !self.scheme.is_empty())
        {
            // One byte over the limit stays, so that a longer word is never taken for a scheme.
            self.scheme.push(c.to_ascii_lowercase());
        }
    }
}

/// What the text behind a placeholder says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glued {
    /// A value may stand there.
    Free,
    /// The value would become part of an address.
    Bound,
    /// More text is needed.
    Open,
}

/// Reads the text behind a placeholder. `address` says that the value may be the beginning of an
/// address itself, which other values could then go on with.
pub(super) fn glued(rest: &str, in_json: bool, address: bool, complete: bool) -> Glued {
    let mut at = 0;
    let mut before = ' ';
    while at <= MAX_GLUED_BYTES {
        let here = rest.get(at..).unwrap_or_default();
        let (c, len) = match next_char(here, in_json) {
            Next::Char(c, len) => (c, len),
            Next::End if complete => return Glued::Free,
            Next::Cut if complete => return Glued::Bound,
            Next::End | Next::Cut => return Glued::Open,
        };
        let here_at = at;
        at += len;
        if is_invisible(c) {
            continue;
        }
        // After a full stop or question mark, a host name or query begins at once or not at all.
        let begun = matches!(before, '.' | '?' | '#');
        // Browsers take these for full stops of a host name; readers mostly for those of sentences.
        let wide = matches!(before, '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
        before = c;
        match c {
            '\u{3002}' | '\u{FF0E}' | '\u{FF61}' => {}
            c if wide && c.is_ascii_alphanumeric() => return Glued::Bound,
            _ if wide => return Glued::Free,
            '@' | '/' | '\\' | '%' | '&' => return Glued::Bound,
            '"' => return Glued::Free,
            c if is_blank(c) => return Glued::Free,
            '<' => match super::placeholder_at(here.as_bytes(), in_json, complete) {
                super::Found::Whole(len, _) if !address && !begun => at = here_at + len,
                super::Found::Whole(..) => return Glued::Bound,
                super::Found::Cut => return Glued::Open,
                super::Found::Nothing if address => return Glued::Bound,
                super::Found::Nothing => return Glued::Free,
            },
            '=' if begun => return Glued::Bound,
            '-' | '_' | '.' | '?' | '#' | ':' if !begun => {}
            '.' | '?' | '#' => {}
            c if begun && (c.is_alphanumeric() || matches!(c, '-' | '_')) => return Glued::Bound,
            c if c.is_ascii_alphanumeric() => {}
            // What may stand in the name of a user before a host.
            ',' | ';' | '!' | '$' | '+' | '=' | '~' | '^' if !address => {}
            // Scripts without blanks between words begin there: what follows is no host name.
            c if c.is_alphanumeric() && c < '\u{2E80}' => {}
            _ if address => {}
            _ => return Glued::Free,
        }
    }
    Glued::Bound
}

enum Next {
    Char(char, usize),
    End,
    /// In the middle of an escape.
    Cut,
}

fn next_char(text: &str, in_json: bool) -> Next {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return Next::End };
    if first != '\\' || !in_json {
        return Next::Char(first, first.len_utf8());
    }
    match chars.next() {
        None => Next::Cut,
        Some('u') => {
            let digits = text.as_bytes().get(2..6.min(text.len())).unwrap_or_default();
            let hex = digits.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
            if hex < digits.len() {
                return Next::Char('\\', 1);
            }
            if hex < 4 {
                return Next::Cut;
            }
            let value = digits
                .iter()
                .filter_map(|digit| char::from(*digit).to_digit(16))
                .fold(0, |value, digit| value * 16 + digit);
            Next::Char(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
        }
        Some(c) => escaped(c).map_or(Next::Char('\\', 1), |c| Next::Char(c, 2)),
    }
}

/// Whether an address may stand between this and something later, blanks included.
const fn is_opener(c: char, last: char) -> bool {
    match c {
        '"' | '`' | '{' | '«' | '‹' | '“' | '„' | '‘' | '‚' | '「' | '（' | '【' => {
            true
        }
        // No apostrophe.
        '\'' => !last.is_ascii_alphanumeric(),
        ':' => last == ':',
        _ => false,
    }
}

/// Blanks that end an address for every reader. Wider ones do not.
const fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// Characters without a shape, which some readers drop before they look for an address.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !is_blank(c))
        || matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}')
}
