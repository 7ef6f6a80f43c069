//! What a detector is: text in, findings out, and an honest word about what more text could change.

use bartizan_core::catalog::Meta;
use bartizan_core::settings::Sensitivity;
use bartizan_core::{Channel, ChannelSet, Finding, NotEvaluated, Severity};

use crate::loading::Shared;
use crate::refine::Refined;
use crate::text::View;

/// Looks for one kind of thing.
///
/// # Streaming contract
/// A detector sees a window of a text that may still grow at its end. For every finding that more
/// text could create, extend, shift or cancel, it calls [`Findings::undecided`] with the first byte
/// that such a finding could cover. What starts before every undecided byte is final. A detector
/// looks back at most [`Detector::look_behind`] bytes from the start of a finding, and holds back a
/// bounded number of bytes. One property test holds every detector to this: any chunking of a text
/// must give the findings of the whole.
pub trait Detector: Send + Sync {
    /// What the detector says about itself.
    fn meta(&self) -> &'static Meta;

    /// Channels on which it can find something.
    fn channels(&self) -> ChannelSet {
        ChannelSet::ALL
    }

    /// Which views it wants.
    fn reads(&self) -> Reads {
        Reads::Text
    }

    /// Words that every match contains, in any case. When there are any, the detector is called
    /// only for views in which at least one occurs, with the places in `hits`; the engine itself
    /// holds back a word that is cut at the end of a window.
    fn literals(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a literal counts only where no ASCII letter, digit or `_` stands right before it. The
    /// engine may leave out other places, and most places of a text are such.
    fn begins_word(&self, literal: usize) -> bool {
        let _ = literal;
        false
    }

    /// Shapes of which every match is one, as the identifiers of the catalogue write them. When there
    /// are any, the detector is called only for views in which something fits one, with the places in
    /// `hits` and the index of the shape as the literal; the engine itself holds back what more text
    /// could make fit.
    fn shapes(&self) -> &'static [&'static str] {
        &[]
    }

    /// Words that name what the detector looks for, when they stand before it.
    fn words(&self) -> &'static [&'static str] {
        &[]
    }

    /// Most bytes of the view before the start of a finding that decide about it.
    fn look_behind(&self) -> usize {
        64
    }

    /// Whether a judgement needs the whole text, so that the detector cannot guard a stream.
    fn needs_whole_text(&self) -> bool {
        false
    }

    /// Whether it judges what a user says over the turns of a conversation, given as one text, and
    /// nothing else. Such a detector reads the bytes as they came, and what it finds is never masked.
    fn reads_conversations(&self) -> bool {
        false
    }

    /// What it has in common with others, which is loaded before the first text.
    fn shared(&self) -> &'static [Shared] {
        &[]
    }

    /// Loads what else the first text would have to wait for.
    fn prepare(&self) {}

    /// Score from which a trained detector speaks at a sensitivity, 0..=1; `None` for one whose
    /// scores are not measured.
    fn operating_point(&self, sensitivity: Sensitivity) -> Option<f32> {
        let _ = sensitivity;
        None
    }

    /// Reads one view. `hits` are the places of [`Detector::literals`], by start.
    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>);
}

/// What others say: every channel but that of the operator.
pub(crate) const SAID_BY_OTHERS: ChannelSet = ChannelSet::of(&[
    Channel::User,
    Channel::Document,
    Channel::ToolResult,
    Channel::ToolSchema,
    Channel::ToolCall,
    Channel::Output,
]);

/// What a model says.
pub(crate) const SAID_BY_MODELS: ChannelSet = ChannelSet::of(&[Channel::Output, Channel::ToolCall]);

/// Which views a detector wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The bytes as they came.
    Raw,
    /// Every view but the raw one: folded, unescaped, squeezed and decoded text.
    Text,
    /// The bytes as they came, and every other view in which they read differently.
    Everything,
    /// As [`Reads::Text`], and the text moved by thirteen letters. Needs literals.
    TextAndRot13,
    /// As [`Reads::Text`], and the text with words that are misspelt on purpose as they are meant.
    TextAndRespelled,
    /// As [`Reads::Everything`], and the same.
    EverythingAndRespelled,
    /// The folded view only.
    Folded,
}

/// A place where a literal of the detector occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index into [`Detector::literals`].
    pub literal: usize,
    /// First byte in the view.
    pub start: usize,
    /// One past the last byte in the view.
    pub end: usize,
}

/// Takes what a detector sees in one view.
#[derive(Debug)]
pub struct Findings<'v> {
    view: &'v View<'v>,
    meta: &'static Meta,
    detector: usize,
    found: &'v mut Vec<Seen>,
    undecided: usize,
    notes: Notes,
}

/// What a detector says beside its findings.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Scores that a model of the policy gave in place of the detector's own.
    pub(crate) refined: Vec<Refined>,
    /// What was to be judged and was not; the findings stand all the same.
    pub(crate) unjudged: Vec<NotEvaluated>,
}

/// A finding and the detector it came from, by index in the guard.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) detector: usize,
    pub(crate) finding: Finding,
}

impl<'v> Findings<'v> {
    pub(crate) fn new(
        view: &'v View<'v>,
        meta: &'static Meta,
        detector: usize,
        found: &'v mut Vec<Seen>,
    ) -> Self {
        Self { view, meta, detector, found, undecided: usize::MAX, notes: Notes::default() }
    }

    /// Reports a match of `start..end` of the view with a score of 0..=1.
    pub fn push(&mut self, start: usize, end: usize, score: f32) {
        self.push_labelled(start, end, score, self.meta.label);
    }

    /// As [`Findings::push`], with a name for the placeholder other than the detector's own.
    pub fn push_labelled(&mut self, start: usize, end: usize, score: f32, label: &'static str) {
        self.push_rated(start, end, score, label, self.meta.severity);
    }

    /// As [`Findings::push_labelled`], with a severity other than the detector's own. The same label
    /// always goes with the same severity.
    pub fn push_rated(
        &mut self,
        start: usize,
        end: usize,
        score: f32,
        label: &'static str,
        severity: Severity,
    ) {
        let finding = Finding {
            rule: self.meta.id,
            category: self.meta.category,
            severity,
            score: score.clamp(0.0, 1.0),
            span: self.view.to_source(start, end),
            label,
            disguise: self.view.disguise(),
        };
        self.found.push(Seen { detector: self.detector, finding });
    }

    /// Says that more text could create or change a finding that begins at `start` of the view.
    /// Without effect when the view is complete.
    pub fn undecided(&mut self, start: usize) {
        if !self.view.is_complete() {
            self.undecided = self.undecided.min(start);
        }
    }

    /// Says whose score stands in place of the detector's own.
    pub(crate) fn refined(&mut self, refined: Refined) {
        self.notes.refined.push(refined);
    }

    /// Says what was to be judged and was not.
    pub(crate) fn unjudged(&mut self, reason: NotEvaluated) {
        self.notes.unjudged.push(reason);
    }

    /// What was said beside the findings.
    pub(crate) fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes)
    }

    /// First undecided byte of the original text, when there is one.
    pub(crate) fn undecided_source(&self) -> Option<usize> {
        (self.undecided != usize::MAX).then(|| self.view.start_in_source(self.undecided))
    }
}
