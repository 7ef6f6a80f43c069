//! Whether a place may lie in a tag, or in the text of a script or style sheet.
//!
//! Where a tag begins depends on the reader: one shows the `<` in a code span as it stands, another
//! does not, and the two then disagree about every quote that follows. So no reader is followed.
//! Every `<` may begin a tag and every `=` before a quote a quoted value, and all that may be so is
//! carried along as a set.

/// What may be so at a place. The default is the beginning of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    /// Bits of the states below.
    states: u16,
    /// Name of the tag at hand, in lower case, while it is read; empty for a closing one.
    name: Option<String>,
    /// A tag was begun behind which text is no text for readers: a script, a form. Where it ends
    /// depends on the reader, so it never does.
    is_raw: bool,
}

/// Just behind `<`.
const BEGUN: u16 = 1;
const IN: u16 = 1 << 1;
/// Behind the `=` of an attribute.
const VALUE: u16 = 1 << 2;
const DOUBLE: u16 = 1 << 3;
const SINGLE: u16 = 1 << 4;
/// How far the states of a tag with a blank line in it are from the same states without. Markdown
/// has no such tags, HTML does: only quoted values count in them.
const LOOSE: u32 = 4;
const TAG: u16 = IN | VALUE | DOUBLE | SINGLE;
const HARMLESS: u16 = BEGUN | IN << LOOSE;

/// Tags whose text is run, applied, sent, or not shown as text.
const RAW: [&str; 22] = [
    "base",
    "button",
    "embed",
    "form",
    "frame",
    "iframe",
    "input",
    "link",
    "math",
    "meta",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "xmp",
];

/// Longest name that is told apart, in bytes.
const MAX_NAME_BYTES: usize = 9;

impl Tags {
    /// A script.
    pub(super) fn never_left() -> Self {
        Self { is_raw: true, ..Self::default() }
    }

    /// Whether a value may stand here.
    pub(super) const fn allow(&self) -> bool {
        !self.is_raw && self.states & !HARMLESS == 0
    }

    /// Whether nothing is open, not even a `<`.
    pub(super) const fn is_out(&self) -> bool {
        !self.is_raw && self.states == 0
    }

    /// Whether a `<` stands just before.
    pub(super) const fn is_begun(&self) -> bool {
        self.states & BEGUN != 0
    }

    /// Moves over a character that is not blank, given the one before.
    pub(super) fn read(&mut self, c: char, last: char) {
        self.read_name(c);
        let loose = (self.states >> LOOSE) & TAG;
        let mut next = step(self.states & TAG, c) | (step(loose, c) << LOOSE);
        if c == '>' && last == '\\' {
            // The target of a link goes on behind `\>`.
            next |= self.states & (IN | VALUE | (IN | VALUE) << LOOSE);
        }
        match c {
            '<' => next |= BEGUN,
            // Comparisons and arrows, and `<>`.
            '=' | '-' | '>' | '0'..='9' => {}
            _ if self.is_begun() => next |= IN,
            _ => {}
        }
        self.states = next;
    }

    /// Moves over a blank.
    pub(super) fn read_blank(&mut self) {
        self.end_name();
        self.states &= !BEGUN;
    }

    /// Moves over the end of a blank line.
    pub(super) fn read_blank_line(&mut self) {
        let unquoted = self.states & (IN | VALUE);
        self.states = (self.states & !unquoted) | (unquoted << LOOSE);
    }

    fn read_name(&mut self, c: char) {
        if c == '<' {
            self.end_name();
            self.name = Some(String::new());
            return;
        }
        let Some(name) = &mut self.name else { return };
        let goes_on = c.is_ascii_alphanumeric();
        if goes_on && name.len() < MAX_NAME_BYTES {
            name.push(c.to_ascii_lowercase());
        } else {
            self.end_name();
        }
    }

    fn end_name(&mut self) {
        let name = self.name.take();
        self.is_raw |= name.is_some_and(|name| RAW.contains(&name.as_str()));
    }
}

/// The states of one kind of tag after a character that is not blank.
const fn step(states: u16, c: char) -> u16 {
    let quoted = states & (DOUBLE | SINGLE);
    let unquoted = if states & (IN | VALUE) == 0 { 0 } else { IN };
    match c {
        '>' => quoted,
        '=' => quoted | unquoted | ((states & IN) << 1),
        '"' => close(states, DOUBLE, SINGLE) | unquoted,
        '\'' => close(states, SINGLE, DOUBLE) | unquoted,
        _ => quoted | unquoted,
    }
}

/// The states after a quote that ends values of state `own` and begins one behind an `=`.
const fn close(states: u16, own: u16, other: u16) -> u16 {
    let ended = if states & own == 0 { 0 } else { IN };
    let begun = if states & VALUE == 0 { 0 } else { own };
    (states & other) | ended | begun
}
