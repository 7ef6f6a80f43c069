//! The engine: guardrails compiled into one plan per channel, and the judgement of a text.

mod build;
mod clean;
mod conversation;
mod except;
mod fit;
mod judge;
mod left_out;
mod literals;
mod mask;
mod read;
mod shapes;

use std::collections::BTreeSet;
use std::sync::Arc;

use bartizan_core::settings::{OnError, Sensitivity};
use bartizan_core::{Action, Category, Channel, ChannelSet, Mode, RuleId, Span};

pub use build::{GuardBuilder, GuardError};
pub use conversation::{CONVERSATION_TURNS, Conversation};
pub(crate) use judge::Window;
pub use left_out::{LeftOut, left_out};

use crate::detector::{Detector, Reads};
use crate::operators::Ready;
use crate::report::Report;
use crate::session::Session;
use crate::stream::StreamGuard;
use crate::vault::Place;
use clean::CleanTexts;
use except::Exempt;
use literals::LiteralSet;
use shapes::ShapeSet;

/// The guardrails of one endpoint, ready to judge texts. Cheap to share, never changes.
pub struct Guard {
    detectors: Vec<Source>,
    rails: Vec<Rail>,
    /// By channel, in the order of [`Channel::ALL`].
    plans: Vec<Plans>,
    /// What is done with the turns of a conversation.
    conversation: Arc<Plan>,
    /// None where a detector made elsewhere may judge the same text in two ways.
    clean: Option<CleanTexts>,
}

/// A detector of the catalogue, or one made from what policy says.
enum Source {
    Catalogue(&'static dyn Detector),
    Policy(Box<dyn Detector>),
}

impl Source {
    fn get(&self) -> &dyn Detector {
        match self {
            Self::Catalogue(detector) => *detector,
            Self::Policy(detector) => detector.as_ref(),
        }
    }
}

/// A guardrail, with its detectors by index.
struct Rail {
    id: RuleId,
    on: ChannelSet,
    detectors: Vec<usize>,
    action: Action,
    mode: Mode,
    operators: RailOperators,
    restore: bool,
    on_error: OnError,
    threshold: f32,
    /// Those of single detectors, by index.
    thresholds: Vec<(usize, f32)>,
    sensitivity: Option<Sensitivity>,
    exempts: Vec<Exempt>,
}

impl Rail {
    /// Whether it may change or end a text for what is found there; otherwise it only records.
    fn acts(&self) -> bool {
        match self.action {
            Action::Mask | Action::Block => self.mode == Mode::Enforce,
            Action::Flag => false,
        }
    }
}

/// The operators of a guardrail.
struct RailOperators {
    usual: Ready,
    /// Those of single detectors, by index.
    by_detector: Vec<(usize, Ready)>,
}

impl RailOperators {
    fn of(&self, detector: usize) -> &Ready {
        let own = self.by_detector.iter().find(|(index, _)| *index == detector);
        own.map_or(&self.usual, |(_, ready)| ready)
    }
}

/// Which of the detectors of a channel read a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// All of them: the text is whole.
    All,
    /// Those of which a guardrail may change or end the text. What they do not know yet is held back.
    Acting,
    /// The others. Nothing waits for them.
    Noting,
}

/// What is done with texts of one channel. Those with the same detectors share a plan.
#[derive(Default)]
struct Plans {
    all: Arc<Plan>,
    acting: Arc<Plan>,
    noting: Arc<Plan>,
    /// Whether a guardrail masks anything.
    masks: bool,
}

/// What is done with a text by some detectors.
#[derive(Default)]
struct Plan {
    /// Detectors to run, by index.
    active: Vec<usize>,
    /// Most bytes that any of them looks back.
    look_behind: usize,
    literals: LiteralSet,
    rot13: LiteralSet,
    shapes: ShapeSet,
    /// Detectors without literals and shapes: they read every view of their kind.
    always: Vec<Member>,
    /// Those with literals, by their slot there.
    on_hit: Vec<Member>,
    /// Those with shapes, by their slot there.
    on_shape: Vec<Member>,
    /// Whether any of them reads words as they are meant.
    respells: bool,
}

/// A detector of a plan.
#[derive(Clone, Copy)]
struct Member {
    /// Its slot in the literals.
    slot: usize,
    /// Its index in the guard.
    index: usize,
    reads: Reads,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.rails.iter().map(|rail| &rail.id)).finish()
    }
}

impl Guard {
    /// Starts a guard.
    pub fn builder() -> GuardBuilder {
        GuardBuilder::default()
    }

    /// Judges a whole text.
    pub fn inspect(&self, channel: Channel, text: &str, session: &Session) -> Report {
        self.inspect_joined(channel, text, &[], &[], session)
    }

    /// Judges several texts that stand in `joined` one after the other, so that what is split
    /// across them is found. Detectors of size and topic judge each of `texts` by itself; without
    /// any, `joined` is one text. Values are put back in each of `texts` by itself, too, going by what
    /// stands `before` each; where that is left out, nothing does.
    pub fn inspect_joined(
        &self,
        channel: Channel,
        joined: &str,
        texts: &[Span],
        before: &[Place],
        session: &Session,
    ) -> Report {
        let clean = self.clean.as_ref().filter(|_| texts.len() < 2);
        let mark = clean.and_then(|clean| clean.mark(channel, joined, session));
        if clean.zip(mark).is_some_and(|(clean, mark)| clean.contains(mark)) {
            return Report::default();
        }
        let window = Window {
            channel,
            share: Share::All,
            text: joined,
            from: 0,
            base: 0,
            complete: true,
            run_before: 0,
            texts,
            before,
            is_spoilt: false,
            is_conversation: false,
        };
        let (report, _) = self.judge_window(&window, session);
        if let (Some((clean, mark)), true) = (clean.zip(mark), report == Report::default()) {
            clean.insert(mark);
        }
        report
    }

    /// Judges a text that arrives in pieces.
    pub fn stream(self: &Arc<Self>, channel: Channel, session: Arc<Session>) -> StreamGuard {
        self.stream_after(Place::start(channel), channel, session)
    }

    /// Judges a text that arrives in pieces and is shown right behind what led to `place`.
    pub fn stream_after(
        self: &Arc<Self>,
        place: Place,
        channel: Channel,
        session: Arc<Session>,
    ) -> StreamGuard {
        StreamGuard::new(Arc::clone(self), channel, session, place)
    }

    /// Whether any guardrail reads texts of this channel.
    pub fn reads(&self, channel: Channel) -> bool {
        self.has(channel, Share::All)
    }

    /// Whether guardrails may change or end texts of this channel.
    pub(crate) fn acts(&self, channel: Channel) -> bool {
        self.has(channel, Share::Acting)
    }

    /// Whether detectors read texts of this channel of which no guardrail may change or end a text.
    pub(crate) fn notes(&self, channel: Channel) -> bool {
        self.has(channel, Share::Noting)
    }

    fn has(&self, channel: Channel, share: Share) -> bool {
        self.plan(channel, share).is_some_and(|plan| !plan.active.is_empty())
    }

    /// Families that the guardrails look for in texts of this channel.
    pub fn categories(&self, channel: Channel) -> BTreeSet<Category> {
        let active = self.plan(channel, Share::All).into_iter().flat_map(|plan| &plan.active);
        active
            .filter_map(|index| self.detectors.get(*index))
            .map(|source| source.get().meta().category)
            .collect()
    }

    /// Detectors of a family that the guardrails ask about texts of this channel, by id.
    pub fn detectors_of(&self, channel: Channel, category: Category) -> Vec<&'static str> {
        let active = self.plan(channel, Share::All).into_iter().flat_map(|plan| &plan.active);
        active
            .filter_map(|index| self.detectors.get(*index))
            .map(|source| source.get().meta())
            .filter(|meta| meta.category == category)
            .map(|meta| meta.id)
            .collect()
    }

    /// Most bytes of a view before a finding that decide about it.
    pub(crate) fn look_behind(&self, channel: Channel, share: Share) -> usize {
        self.plan(channel, share).map_or(0, |plan| plan.look_behind)
    }

    fn plan(&self, channel: Channel, share: Share) -> Option<&Plan> {
        let plans = self.plans(channel)?;
        Some(match share {
            Share::All => &plans.all,
            Share::Acting => &plans.acting,
            Share::Noting => &plans.noting,
        })
    }

    fn plans(&self, channel: Channel) -> Option<&Plans> {
        self.plans.get(channel as usize)
    }
}

#[cfg(test)]
mod tests;
