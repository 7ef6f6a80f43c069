//! One way of reading a text, with the way back to its bytes.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use bartizan_core::{Channel, Disguise, Span};
use bartizan_model::tagger::Tagged;

use super::encoded::Encoding;
use super::offsets::Offsets;
use super::runs::{Digit, runs};
use crate::content::Content;
use crate::identifier::{Names, names};
use crate::model::AttackReading;
use crate::session::Session;

/// Which disguise a view removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// None: the bytes as they came.
    Raw,
    /// Look-alike and invisible characters.
    Folded,
    /// Look-alike characters; invisible ones are spaces.
    Apart,
    /// Visible text: only tag characters and variation selectors are left, as letters.
    Hidden,
    /// URL, HTML and string escapes, after folding.
    Unescaped,
    /// Letters with separators between them, after folding.
    Squeezed,
    /// Each Latin letter moved by thirteen, after folding.
    Rot13,
    /// Telling words with their letters in disorder, in pieces or glued together, after folding.
    Respelled,
}

/// A text as one detector reads it.
#[derive(Debug)]
pub struct View<'a> {
    kind: ViewKind,
    text: &'a str,
    offsets: &'a Offsets,
    /// To the text that was squeezed.
    squeezed: Option<&'a Offsets>,
    /// The text that was folded, where a view of it was shown.
    unfolded: Option<&'a str>,
    channel: Channel,
    complete: bool,
    base: usize,
    from: usize,
    encoding: Option<Encoding>,
    texts: &'a [Span],
    session: &'a Session,
    digit_runs: OnceCell<Vec<Span>>,
    /// Persons, organisations, places and addresses.
    tagged: OnceCell<Tagged>,
    /// Sentences that are judged, with how much each is of what many do not want.
    content: OnceCell<Content>,
    /// The text as the model of attacks reads it.
    reading: OnceCell<AttackReading>,
    /// What the words before a place name, by place.
    names: RefCell<BTreeMap<usize, Names>>,
}

/// Where the bytes of a view stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) channel: Channel,
    pub(crate) complete: bool,
    pub(crate) base: usize,
    /// First byte of the window that is not yet judged.
    pub(crate) from: usize,
    /// How the run was encoded in which the text stood; the outermost, where several are nested.
    pub(crate) encoding: Option<Encoding>,
    /// The texts that were joined, in bytes of the original; empty when it is one text.
    pub(crate) texts: &'a [Span],
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
            squeezed: None,
            unfolded: None,
            channel: place.channel,
            complete: place.complete,
            base: place.base,
            from: place.from,
            encoding: place.encoding,
            texts: place.texts,
            session: place.session,
            digit_runs: OnceCell::new(),
            tagged: OnceCell::new(),
            content: OnceCell::new(),
            reading: OnceCell::new(),
            names: RefCell::new(BTreeMap::new()),
        }
    }

    /// Says where the bytes of a squeezed view stood before.
    pub(crate) const fn squeezed_by(mut self, squeezed: &'a Offsets) -> Self {
        self.squeezed = Some(squeezed);
        self
    }

    /// Says what was folded.
    pub(crate) const fn folded_from(mut self, text: &'a str) -> Self {
        self.unfolded = Some(text);
        self
    }

    /// The text that was folded, where a view of it was shown.
    pub(crate) const fn unfolded(&self) -> Option<&'a str> {
        self.unfolded
    }

    /// Which disguise was removed last.
    pub const fn kind(&self) -> ViewKind {
        self.kind
    }

    /// Whether the view shows the original bytes as they are.
    pub(crate) const fn is_original(&self) -> bool {
        matches!(self.offsets, Offsets::Shifted(_))
    }

    /// How the run was encoded in which the text of the view stood, if it did.
    pub const fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// The outermost disguise that was removed, beyond folding.
    pub(crate) const fn disguise(&self) -> Option<Disguise> {
        match (self.encoding, self.kind) {
            (Some(Encoding::Base64), _) => Some(Disguise::Base64),
            (Some(Encoding::Hex), _) => Some(Disguise::Hex),
            (None, ViewKind::Raw | ViewKind::Folded | ViewKind::Apart) => None,
            (None, ViewKind::Hidden) => Some(Disguise::Hidden),
            (None, ViewKind::Unescaped) => Some(Disguise::Escaped),
            (None, ViewKind::Squeezed) => Some(Disguise::Spaced),
            (None, ViewKind::Rot13) => Some(Disguise::Rot13),
            (None, ViewKind::Respelled) => Some(Disguise::Respelled),
        }
    }

    /// The texts that stand in the view one after the other, for detectors that judge each by
    /// itself. Only a raw view tells them apart; any other is one text.
    pub fn texts(&self) -> impl Iterator<Item = Span> {
        let apart = if matches!(self.kind, ViewKind::Raw) { self.texts } else { &[] };
        let whole = apart.is_empty().then(|| Span::new(0, self.text.len()));
        whole.into_iter().chain(apart.iter().copied())
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

    /// Whether a finding that begins at `start` can still count: what stands before was judged, and has
    /// left.
    pub(crate) fn is_fresh(&self, start: usize) -> bool {
        self.start_in_source(start) >= self.from
    }

    /// What is known about the request that the text belongs to.
    pub const fn session(&self) -> &'a Session {
        self.session
    }

    /// Maximal runs of ASCII digits; found once per view.
    pub fn digit_runs(&self) -> &[Span] {
        self.digit_runs.get_or_init(|| runs::<Digit>(self.bytes()).collect())
    }

    /// Names that the trained tagger finds; looked for once per view.
    pub(crate) fn names(&self) -> &Tagged {
        self.tagged.get_or_init(|| crate::named_entity::tag(self))
    }

    /// How much its sentences are of what many do not want; judged once per view.
    pub(crate) fn content(&self) -> &Content {
        self.content.get_or_init(|| Content::of(self))
    }

    /// The text as the model of attacks reads it; read once per view.
    pub(crate) fn reading(&self) -> &AttackReading {
        self.reading.get_or_init(|| AttackReading::of(self.text))
    }

    /// What the words before `at` name; read once per place.
    pub(crate) fn names_before(&self, at: usize) -> Names {
        if let Some(known) = self.names.borrow().get(&at) {
            return *known;
        }
        let names = names::before(self, at);
        self.names.borrow_mut().insert(at, names);
        names
    }

    pub(crate) fn to_source(&self, start: usize, end: usize) -> Span {
        self.offsets.to_source(start, end)
    }

    pub(crate) fn start_in_source(&self, start: usize) -> usize {
        self.offsets.start_of(start)
    }

    /// Where a stretch stood before squeezing; the stretch itself where nothing was squeezed.
    ///
    /// What a squeezed view shows of a place without spaced letters must not depend on whether there
    /// are some elsewhere. So a detector that wants to know what squeezing did asks here, and not the
    /// original, where other disguises have left gaps too.
    pub fn unsqueezed(&self, start: usize, end: usize) -> Span {
        self.squeezed.map_or(Span::new(start, end), |squeezed| squeezed.to_source(start, end))
    }

    /// Whether squeezing took nothing out at `at`.
    pub fn is_glued(&self, at: usize) -> bool {
        at.checked_sub(1)
            .is_none_or(|last| self.unsqueezed(last, at).end >= self.unsqueezed(at, at).start)
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
