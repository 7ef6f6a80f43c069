//! One way of reading a text, with the way back to its bytes.

use std::cell::OnceCell;

use bartizan_core::{Channel, Span};

use super::encoded::Encoding;
use super::offsets::Offsets;
use super::runs::{Digit, runs};
use crate::session::Session;

/// Which disguise a view removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// None: the bytes as they came.
    Raw,
    /// Look-alike and invisible characters.
    Folded,
    /// Visible text: only tag characters and variation selectors are left, as letters.
    Hidden,
    /// URL, HTML and string escapes, after folding.
    Unescaped,
    /// Letters with separators between them, after folding.
    Squeezed,
    /// Each Latin letter moved by thirteen, after folding.
    Rot13,
    /// An encoded run, decoded.
    Decoded(Encoding),
}

/// A text as one detector reads it.
#[derive(Debug)]
pub struct View<'a> {
    kind: ViewKind,
    text: &'a str,
    offsets: &'a Offsets,
    channel: Channel,
    complete: bool,
    base: usize,
    session: &'a Session,
    digit_runs: OnceCell<Vec<Span>>,
}

/// Where the bytes of a view stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) channel: Channel,
    pub(crate) complete: bool,
    pub(crate) base: usize,
    pub(crate) session: &'a Session,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        kind: ViewKind,
        text: &'a str,
        offsets: &'a Offsets,
        place: Place<'a>,
    ) -> Self {
        Self {
            kind,
            text,
            offsets,
            channel: place.channel,
            complete: place.complete,
            base: place.base,
            session: place.session,
            digit_runs: OnceCell::new(),
        }
    }

    /// Which disguise was removed.
    pub const fn kind(&self) -> ViewKind {
        self.kind
    }

    /// The text of the view. Spans that a detector reports are byte ranges of this text.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The text of the view as bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Origin of the text.
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// Whether the end of the view is the end of the text. When false, more may follow, and a
    /// detector must call [`crate::Findings::undecided`] for whatever that could change.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bytes of original text before the first byte of this window.
    pub const fn base(&self) -> usize {
        self.base
    }

    /// What is known about the request that the text belongs to.
    pub const fn session(&self) -> &'a Session {
        self.session
    }

    /// Maximal runs of ASCII digits; found once per view.
    pub fn digit_runs(&self) -> &[Span] {
        self.digit_runs.get_or_init(|| runs::<Digit>(self.bytes()).collect())
    }

    pub(crate) fn to_source(&self, start: usize, end: usize) -> Span {
        self.offsets.to_source(start, end)
    }

    pub(crate) fn start_in_source(&self, start: usize) -> usize {
        self.offsets.start_of(start)
    }

    /// The character before `at`, if any.
    pub fn char_before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }

    /// The character at `at`, if any.
    pub fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// Whether `start..end` is not glued to a letter, digit or `_` on either side. At the open end
    /// of an incomplete view the answer may change: report it as undecided first.
    pub fn is_word(&self, start: usize, end: usize) -> bool {
        let glued = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !glued(self.char_before(start)) && !glued(self.char_at(end))
    }
}
