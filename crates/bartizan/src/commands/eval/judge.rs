//! What is measured: the guard that judges, the part of it that counts, and which labels mean what.

use std::collections::BTreeSet;
use std::time::Instant;

use bartizan_core::settings::{Detect, Guardrail};
use bartizan_core::{Category, Channel, Verdict};
use bartizan_gateway::chat::Chat;
use bartizan_guard::{Detector, Guard, Judged, Session, detectors};

use super::EvalArgs;
use crate::commands::check;
use crate::format::usage;

/// Label of rows that must pass.
const BENIGN: &str = "benign";
/// What is measured when nothing else is asked for.
const DEFAULT_FAMILIES: [Category; 2] = [Category::PromptInjection, Category::Jailbreak];
/// What must be found when those are measured.
const DEFAULT_POSITIVE: [&str; 2] = ["injection", "jailbreak"];

/// What a label says about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// Must pass.
    Benign,
    /// Must be found.
    Positive,
}

/// Judges rows.
pub(super) struct Judge {
    guard: Guard,
    /// Families whose findings count.
    families: BTreeSet<Category>,
    /// Ids of the detectors behind them, in alphabetical order.
    pub(super) detectors: BTreeSet<&'static str>,
    /// Labels of rows that must be found.
    pub(super) positive: BTreeSet<String>,
    /// Where every text comes from, whatever its row says.
    pub(super) channel: Option<Channel>,
    /// Channels that no detector which counts reads.
    unread: Vec<Channel>,
    /// Whether a detector that counts reads conversations.
    reads_conversations: bool,
}

/// What came of one row.
#[derive(Debug)]
pub(super) struct Judgement {
    /// Highest score of what counts, thresholds aside, 0..=1.
    pub(super) score: f32,
    /// Detectors whose findings the guardrails acted on; with any, the verdict is above `allow`.
    pub(super) rules: BTreeSet<&'static str>,
    /// Time in the guard.
    pub(super) nanos: u64,
    /// Whether all of the text was judged.
    pub(super) evaluated: bool,
    /// Whether anything that counts reads this channel.
    pub(super) read: bool,
}

impl Judge {
    pub(super) fn build(args: &EvalArgs) -> anyhow::Result<Self> {
        let check::Rules { guardrails: all, models } =
            check::rules(args.config.as_deref(), args.endpoint.as_deref())?;
        let default = DEFAULT_FAMILIES.map(|family| family.name().to_owned());
        let wanted: &[String] = if args.detector.is_empty() { &default } else { &args.detector };
        for name in &args.detector {
            must_find(std::slice::from_ref(name), &all)?;
        }
        // A policy may well have only one of the default families.
        let chosen = must_find(wanted, &all)?;
        let families = chosen.iter().flat_map(check::categories).collect();
        let detectors = chosen.iter().flat_map(ids).collect();
        let positive = positive(args, &families)?;
        let only_chosen = check::guard(&chosen, &models)?;
        let unread = Channel::ALL.into_iter().filter(|on| !only_chosen.reads(*on)).collect();
        let reads_conversations = only_chosen.reads_conversations();
        // Without a choice the whole guard runs, and its times are those that traffic would see.
        let guard =
            if args.detector.is_empty() { check::guard(&all, &models)? } else { only_chosen };
        let channel = args.channel.as_deref().and_then(Channel::from_name);
        Ok(Self { guard, families, detectors, positive, channel, unread, reads_conversations })
    }

    /// What a label means; `None` for one that is left out.
    pub(super) fn truth(&self, label: &str) -> Option<Truth> {
        if label == BENIGN {
            Some(Truth::Benign)
        } else {
            self.positive.contains(label).then_some(Truth::Positive)
        }
    }

    /// The families that are measured.
    pub(super) fn families(&self) -> impl Iterator<Item = &'static str> {
        self.families.iter().map(|family| family.name())
    }

    pub(super) fn inspect(&self, channel: Channel, text: &str) -> Judgement {
        let begun = Instant::now();
        let report = self.guard.inspect(channel, text, &Session::default());
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let counts = |judged: &&Judged| {
            self.families.contains(&judged.finding.category) && judged.effective() > Verdict::Allow
        };
        let scores = report.scores.iter().filter(|(family, _)| self.families.contains(family));
        Judgement {
            score: scores.map(|(_, score)| *score).fold(0.0, f32::max),
            rules: report.judged.iter().filter(counts).map(|judged| judged.finding.rule).collect(),
            nanos,
            evaluated: report.not_evaluated.is_empty(),
            read: !self.unread.contains(&channel),
        }
    }

    /// Judges a conversation as the gateway does: it is found when any of its turns is, or what the user
    /// says over several of them.
    pub(super) fn inspect_chat(&self, chat: &Chat<'_>) -> Judgement {
        let begun = Instant::now();
        let report = chat.inspect(&self.guard, &Session::default());
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let rules = report.findings().iter().filter(|found| {
            let family = Category::from_name(&found.category);
            family.is_some_and(|family| self.families.contains(&family))
                && found.effective() > Verdict::Allow
        });
        // INVARIANT: whatever counts comes from a detector that was chosen.
        let rules = rules.filter_map(|found| self.detectors.get(found.rule.as_str()).copied());
        let scores = report.scores().iter().filter(|(family, _)| self.families.contains(family));
        let is_read = |channel: &Channel| !self.unread.contains(channel);
        Judgement {
            score: scores.map(|(_, score)| *score).fold(0.0, f32::max),
            rules: rules.collect(),
            nanos,
            evaluated: report.not_evaluated().is_empty(),
            read: chat.channels().iter().any(is_read)
                || (self.reads_conversations && chat.turns() > 1),
        }
    }
}

/// The guardrail with only those of its detectors that are wanted, by id or family.
fn narrowed(guardrail: &Guardrail, wanted: &[String]) -> Option<Guardrail> {
    let is_wanted =
        |id: &str, family: Category| wanted.iter().any(|name| name == id || name == family.name());
    let detect = match &guardrail.detect {
        Detect::Detectors(ids) => {
            let meta = |id: &str| detectors::find(id).map(Detector::meta);
            let ids: Vec<&'static str> = ids
                .iter()
                .copied()
                .filter(|id| meta(id).is_some_and(|meta| is_wanted(id, meta.category)))
                .collect();
            (!ids.is_empty()).then_some(Detect::Detectors(ids))
        }
        made => {
            let (id, family) = (made_id(made)?, made.custom_category()?);
            is_wanted(id, family).then(|| made.clone())
        }
    };
    detect.map(|detect| Guardrail { detect, ..guardrail.clone() })
}

fn ids(guardrail: &Guardrail) -> Vec<&'static str> {
    match &guardrail.detect {
        Detect::Detectors(ids) => ids.clone(),
        made => made_id(made).into_iter().collect(),
    }
}

/// Id of a detector that the policy makes.
fn made_id(detect: &Detect) -> Option<&'static str> {
    let [keywords, patterns, topics, size, links, packages] = detectors::POLICY_MADE;
    match detect {
        Detect::Detectors(_) => None,
        Detect::Keywords(_) => Some(keywords.id),
        Detect::Patterns(_) => Some(patterns.id),
        Detect::Topics(_) => Some(topics.id),
        Detect::Size { .. } => Some(size.id),
        Detect::Links(_) => Some(links.id),
        Detect::Packages(_) => Some(packages.id),
    }
}

/// What of the guardrails is wanted; an error when that is nothing.
fn must_find(wanted: &[String], all: &[Guardrail]) -> anyhow::Result<Vec<Guardrail>> {
    let chosen: Vec<Guardrail> = all.iter().filter_map(|rail| narrowed(rail, wanted)).collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let families: BTreeSet<Category> = all.iter().flat_map(check::categories).collect();
    let families: Vec<&str> = families.into_iter().map(Category::name).collect();
    let names: Vec<String> = wanted.iter().map(|name| format!("`{name}`")).collect();
    Err(usage(
        format!("no guardrail looks for {}", names.join(" or ")),
        format!(
            "use one of {}, or a detector of theirs; `bartizan explain` lists them",
            families.join(", ")
        ),
    ))
}

fn positive(args: &EvalArgs, families: &BTreeSet<Category>) -> anyhow::Result<BTreeSet<String>> {
    if args.positive.iter().any(|label| label == BENIGN) {
        return Err(usage(
            format!("`--positive {BENIGN}` asks for rows to be found that must pass"),
            "name the labels of attacks, or of whatever the detector looks for",
        ));
    }
    if !args.positive.is_empty() {
        return Ok(args.positive.iter().cloned().collect());
    }
    if families.iter().all(|family| DEFAULT_FAMILIES.contains(family)) {
        return Ok(DEFAULT_POSITIVE.map(str::to_owned).into());
    }
    Err(usage(
        "what must be found is not known for these detectors",
        "name the labels with `--positive LABEL…`",
    ))
}
