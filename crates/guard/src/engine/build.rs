//! From guardrails to plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bartizan_core::settings::{Detect, Guardrail, Refine};
use bartizan_core::{Action, Channel, Name, RuleId};

use super::clean::CleanTexts;
use super::except::exempts;
use super::literals::{Literal, LiteralSet};
use super::read::{rot13, wants};
use super::shapes::ShapeSet;
use super::{Exempt, Guard, Member, Plan, Plans, Rail, RailOperators, Source};
use crate::detector::{Detector, Reads};
use crate::detectors::{self, RefinedAttack};
use crate::loading::{Shared, on_all_cores};
use crate::operators::{KeyError, Ready};
use crate::refine::Refiner;
use crate::text::{ViewKind, fold_to_string};

/// The detector whose scores a model may judge anew.
const REFINED: &str = "prompt-attack";

/// Channels whose texts may arrive in pieces.
pub(super) const STREAMED: [Channel; 2] = [Channel::Output, Channel::ToolCall];

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Texts, each by itself or with its neighbours.
    Text,
    /// What a user says over the turns of a conversation.
    Conversation,
}

/// A guardrail that cannot be enforced.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// No such detector in this build.
    #[error("guardrail `{guardrail}` asks for `{detector}`, which this build does not have")]
    UnknownDetector {
        /// The guardrail.
        guardrail: RuleId,
        /// What it asks for.
        detector: String,
    },
    /// The model that it asks is not there.
    #[error("guardrail `{guardrail}` asks the model `{model}`, which is not loaded")]
    UnknownModel {
        /// The guardrail.
        guardrail: RuleId,
        /// The model.
        model: Name,
    },
    /// The detector judges whole texts and cannot guard a stream.
    #[error(
        "guardrail `{guardrail}` puts `{detector}` on `{channel}`, which may be streamed; it reads whole texts only"
    )]
    WholeTextOnly {
        /// The guardrail.
        guardrail: RuleId,
        /// The detector.
        detector: &'static str,
        /// The channel.
        channel: Channel,
    },
    /// A pattern given by policy is not usable.
    #[error("guardrail `{guardrail}` has an unusable pattern: {reason}")]
    Pattern {
        /// The guardrail.
        guardrail: RuleId,
        /// What is wrong with it.
        reason: String,
    },
    /// The keys of an operator cannot be derived.
    #[error("guardrail `{guardrail}` cannot mask as asked")]
    Operator {
        /// The guardrail.
        guardrail: RuleId,
        /// What is wrong.
        #[source]
        source: KeyError,
    },
    /// The words of all detectors do not fit one automaton.
    #[error("the words of the guardrails cannot be compiled")]
    Literals(#[source] aho_corasick::BuildError),
}

/// Collects guardrails.
#[derive(Default)]
pub struct GuardBuilder {
    detectors: Vec<Source>,
    catalogue: BTreeMap<&'static str, usize>,
    refiners: BTreeMap<Name, Arc<dyn Refiner>>,
    /// Detectors that ask a model, by what the policy says about it.
    refined: Vec<(Refine, usize)>,
    rails: Vec<Rail>,
    whole_texts: bool,
    /// Whether a detector was made elsewhere.
    has_foreign: bool,
}

impl GuardBuilder {
    /// Promises that no text will be streamed, so that detectors which need whole texts may read
    /// answers too.
    #[must_use]
    pub fn for_whole_texts(mut self) -> Self {
        self.whole_texts = true;
        self
    }

    /// Adds a model that guardrails may ask, by the name of the policy.
    #[must_use]
    pub fn refiner(mut self, name: Name, refiner: Arc<dyn Refiner>) -> Self {
        self.refiners.insert(name, refiner);
        self
    }

    /// Adds a guardrail.
    ///
    /// # Errors
    /// [`GuardError`] when this build cannot enforce it.
    pub fn guardrail(mut self, guardrail: &Guardrail) -> Result<Self, GuardError> {
        let indexes = match &guardrail.detect {
            Detect::Detectors(ids) => ids
                .iter()
                .map(|id| match &guardrail.refine {
                    Some(refine) if *id == REFINED => self.refining(&guardrail.id, refine),
                    _ => self.catalogued(&guardrail.id, id),
                })
                .collect::<Result<Vec<_>, _>>()?,
            custom => {
                let detector = detectors::from_policy(custom).map_err(|reason| {
                    GuardError::Pattern { guardrail: guardrail.id.clone(), reason }
                })?;
                self.detectors.push(Source::Policy(detector));
                vec![self.detectors.len() - 1]
            }
        };
        for channel in STREAMED.into_iter().filter(|channel| guardrail.on.contains(*channel)) {
            // A family may have members that read whole texts only; one that can read the stream
            // must be among them, or the guardrail would promise what nobody does.
            if indexes.iter().any(|index| self.can_read(*index, channel)) {
                continue;
            }
            let detector = indexes.first().and_then(|index| self.detectors.get(*index));
            let detector = detector.map_or("", |source| source.get().meta().id);
            let guardrail = guardrail.id.clone();
            return Err(GuardError::WholeTextOnly { guardrail, detector, channel });
        }
        let exempts = exempts(guardrail)?;
        let operators = self
            .operators(guardrail, &indexes)
            .map_err(|source| GuardError::Operator { guardrail: guardrail.id.clone(), source })?;
        self.push(guardrail, indexes, operators, exempts);
        Ok(self)
    }

    /// Makes the operators of a guardrail ready, whose detectors are known.
    fn operators(
        &self,
        guardrail: &Guardrail,
        detectors: &[usize],
    ) -> Result<RailOperators, KeyError> {
        let called = |index: &usize, id: &str| {
            self.detectors.get(*index).is_some_and(|source| source.get().meta().id == id)
        };
        let by_detector = guardrail.operators.by_detector.iter().filter_map(|(id, operator)| {
            let index = *detectors.iter().find(|index| called(index, id))?;
            Some(Ready::new(operator).map(|ready| (index, ready)))
        });
        let by_detector = by_detector.collect::<Result<_, _>>()?;
        Ok(RailOperators { usual: Ready::new(&guardrail.operators.usual)?, by_detector })
    }

    /// Adds a guardrail that asks a detector made elsewhere, whatever its `detect` says; it masks with
    /// placeholders.
    #[doc(hidden)]
    #[must_use]
    pub fn detector(mut self, guardrail: &Guardrail, detector: Box<dyn Detector>) -> Self {
        self.has_foreign = true;
        self.detectors.push(Source::Policy(detector));
        let index = self.detectors.len() - 1;
        let operators = RailOperators { usual: Ready::placeholder(), by_detector: Vec::new() };
        self.push(guardrail, vec![index], operators, Vec::new());
        self
    }

    fn push(
        &mut self,
        guardrail: &Guardrail,
        detectors: Vec<usize>,
        operators: RailOperators,
        exempts: Vec<Exempt>,
    ) {
        let thresholds = detectors.iter().filter_map(|index| {
            let id = self.detectors.get(*index)?.get().meta().id;
            let own = guardrail.thresholds.iter().find(|(named, _)| *named == id)?;
            Some((*index, own.1))
        });
        let thresholds = thresholds.collect();
        self.rails.push(Rail {
            id: guardrail.id.clone(),
            on: guardrail.on,
            detectors,
            action: guardrail.action,
            mode: guardrail.mode,
            operators,
            restore: guardrail.restore,
            on_error: guardrail.on_error,
            threshold: guardrail.threshold,
            thresholds,
            sensitivity: guardrail.sensitivity,
            exempts,
        });
    }

    /// Whether a detector can judge texts of a channel.
    fn can_read(&self, index: usize, channel: Channel) -> bool {
        let whole_only =
            self.detectors.get(index).is_some_and(|source| source.get().needs_whole_text());
        self.whole_texts || !whole_only || !STREAMED.contains(&channel)
    }

    fn catalogued(&mut self, guardrail: &RuleId, id: &str) -> Result<usize, GuardError> {
        if let Some(index) = self.catalogue.get(id) {
            return Ok(*index);
        }
        let detector = detectors::find(id).ok_or_else(|| GuardError::UnknownDetector {
            guardrail: guardrail.clone(),
            detector: id.to_owned(),
        })?;
        self.detectors.push(Source::Catalogue(detector));
        let index = self.detectors.len() - 1;
        self.catalogue.insert(detector.meta().id, index);
        Ok(index)
    }

    /// The detector that asks a model; one for all guardrails that ask it alike, so that a text is judged
    /// once.
    fn refining(&mut self, guardrail: &RuleId, refine: &Refine) -> Result<usize, GuardError> {
        if let Some((_, index)) = self.refined.iter().find(|(known, _)| known == refine) {
            return Ok(*index);
        }
        let refiner = self.refiners.get(&refine.model).ok_or_else(|| GuardError::UnknownModel {
            guardrail: guardrail.clone(),
            model: refine.model.clone(),
        })?;
        let detector = RefinedAttack::new(refine, Arc::clone(refiner));
        self.detectors.push(Source::Policy(Box::new(detector)));
        let index = self.detectors.len() - 1;
        self.refined.push((refine.clone(), index));
        Ok(index)
    }

    /// Compiles the plans.
    ///
    /// # Errors
    /// [`GuardError::Literals`] when the words of all detectors do not fit one automaton.
    pub fn build(self) -> Result<Guard, GuardError> {
        self.load();
        let parts: Vec<[Vec<usize>; 3]> =
            Channel::ALL.into_iter().map(|channel| self.parts(channel)).collect();
        let talk = self.active(Channel::User, Kind::Conversation);
        // Many channels have the same detectors.
        let sets: BTreeSet<&Vec<usize>> = parts.iter().flatten().chain([&talk]).collect();
        let sets: Vec<&Vec<usize>> = sets.into_iter().collect();
        let compiled = on_all_cores(&sets, |active| self.plan((*active).clone()).map(Arc::new));
        let mut known = BTreeMap::new();
        for (active, plan) in sets.iter().zip(compiled) {
            known.insert(*active, plan?);
        }
        let plan_of = |active: &Vec<usize>| match known.get(active) {
            Some(plan) => Ok(Arc::clone(plan)),
            None => self.plan(active.clone()).map(Arc::new),
        };
        let mut plans = Vec::with_capacity(Channel::ALL.len());
        for (channel, [acting, noting, all]) in Channel::ALL.into_iter().zip(&parts) {
            let masks = |rail: &Rail| rail.acts() && rail.action == Action::Mask;
            plans.push(Plans {
                acting: plan_of(acting)?,
                noting: plan_of(noting)?,
                all: plan_of(all)?,
                masks: self.rails.iter().any(|rail| rail.on.contains(channel) && masks(rail)),
            });
        }
        let conversation = plan_of(&talk)?;
        let clean = (!self.has_foreign).then(CleanTexts::default);
        Ok(Guard { detectors: self.detectors, rails: self.rails, plans, conversation, clean })
    }

    /// Loads what the detectors need: what several have in common first, so that none waits for another.
    fn load(&self) {
        let asked: BTreeSet<usize> =
            self.rails.iter().flat_map(|rail| rail.detectors.iter().copied()).collect();
        let asked: Vec<&dyn Detector> =
            asked.iter().filter_map(|index| self.detectors.get(*index).map(Source::get)).collect();
        let shared: BTreeSet<Shared> =
            asked.iter().flat_map(|detector| detector.shared().iter().copied()).collect();
        on_all_cores(&Vec::from_iter(shared), |shared| shared.load());
        on_all_cores(&asked, |detector| detector.prepare());
    }

    /// Detectors of a channel: those that act, those that only note, and all.
    fn parts(&self, channel: Channel) -> [Vec<usize>; 3] {
        let active = self.active(channel, Kind::Text);
        // Where every text is whole, nothing waits for anybody.
        let streams = STREAMED.contains(&channel);
        let (acting, noting) =
            active.iter().copied().partition(|index| !streams || self.acts(*index, channel));
        [acting, noting, active]
    }

    /// Detectors that read texts of the channel, by index.
    fn active(&self, channel: Channel, kind: Kind) -> Vec<usize> {
        let reads = |index: &usize| {
            let Some(detector) = self.detectors.get(*index).map(Source::get) else { return false };
            detector.reads_conversations() == (kind == Kind::Conversation)
        };
        let mut active: Vec<usize> = self
            .rails
            .iter()
            .filter(|rail| rail.on.contains(channel))
            .flat_map(|rail| rail.detectors.iter().copied())
            .filter(|index| self.can_read(*index, channel) && reads(index))
            .collect();
        active.sort_unstable();
        active.dedup();
        active
    }

    /// Whether a guardrail may change or end a text of the channel for what a detector finds there.
    fn acts(&self, index: usize, channel: Channel) -> bool {
        let mut rails = self.rails.iter().filter(|rail| rail.on.contains(channel));
        rails.any(|rail| rail.acts() && rail.detectors.contains(&index))
    }

    fn plan(&self, active: Vec<usize>) -> Result<Plan, GuardError> {
        let mut literals = Vec::new();
        let mut rotated = Vec::new();
        let mut look_behind = 0;
        let mut always = Vec::new();
        let mut on_hit = Vec::new();
        let mut on_shape = Vec::new();
        let mut shapes = ShapeSet::default();
        for (slot, index) in active.iter().enumerate() {
            let Some(detector) = self.detectors.get(*index).map(Source::get) else { continue };
            look_behind = look_behind.max(detector.look_behind());
            let member = Member { slot, index: *index, reads: detector.reads() };
            shapes.add(slot, detector.shapes());
            let own = detector.literals();
            match (own.is_empty(), detector.shapes().is_empty()) {
                (false, _) => on_hit.push(member),
                (true, false) => on_shape.push(member),
                (true, true) => always.push(member),
            }
            for (index, text) in own.into_iter().enumerate() {
                let text = fold_to_string(&text);
                let begins_word = detector.begins_word(index);
                if detector.reads() == Reads::TextAndRot13 && text.is_ascii() {
                    let slot = Some(slot);
                    rotated.push(Literal { slot, index, text: text.clone(), begins_word });
                    // Seen in a view, it says that the rotated view holds the literal.
                    let text = rot13(&text);
                    literals.push(Literal { slot: None, index, text, begins_word });
                }
                literals.push(Literal { slot: Some(slot), index, text, begins_word });
            }
        }
        let members = [&always, &on_hit, &on_shape].into_iter().flatten();
        let respells = members.into_iter().any(|it| wants(it.reads, ViewKind::Respelled));
        Ok(Plan {
            active,
            look_behind,
            literals: LiteralSet::new(&literals)?,
            rot13: LiteralSet::new(&rotated)?,
            shapes,
            always,
            on_hit,
            on_shape,
            respells,
        })
    }
}
