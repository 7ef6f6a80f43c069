//! One judgement in the shape that JSON and JSON Lines share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bartizan_core::event::FindingRecord;
use bartizan_core::{Category, Channel, Disguise, Verdict};
use bartizan_gateway::chat::ChatReport;
use bartizan_guard::{Judged, Report};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Judge;

#[derive(Debug, Serialize)]
pub(super) struct Outcome<'a> {
    id: &'a Value,
    verdict: Verdict,
    findings: Vec<Found<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<BTreeMap<&'static str, f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_evaluated: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    rule: &'static str,
    category: &'static str,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    disguise: Option<Disguise>,
    start: usize,
    end: usize,
    guardrail: &'a str,
    verdict: Verdict,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// Reason of the exception by which the policy lets it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<&'a str>,
}

/// What is said about a conversation. A finding has the place of its message, since it may be about
/// several.
#[derive(Debug, Serialize)]
pub(super) struct ChatOutcome<'a> {
    id: &'a Value,
    verdict: Verdict,
    findings: Vec<FoundIn>,
    messages: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<BTreeMap<&'static str, f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_evaluated: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FoundIn {
    rule: String,
    category: String,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    disguise: Option<Disguise>,
    channel: Channel,
    place: String,
    /// Turns of the user that were judged as one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<u32>,
    guardrail: String,
    verdict: Verdict,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<String>,
}

/// Stands in for a text that was not judged.
#[derive(Debug, Serialize)]
pub(super) struct Failure<'a> {
    pub(super) id: &'a Value,
    pub(super) error: &'a str,
}

/// How much of a text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// All of it, after masking.
    Text,
    /// Places only.
    Findings,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(
        id: &'a Value,
        text: &'a str,
        report: &'a Report,
        judge: &Judge,
        shown: Shown,
    ) -> Self {
        Self {
            id,
            verdict: report.verdict(),
            findings: report.judged.iter().map(Found::new).collect(),
            text: (shown == Shown::Text).then(|| masked(text, report)),
            scores: scores(judge, &report.scores),
            not_evaluated: report.not_evaluated.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> ChatOutcome<'a> {
    pub(super) fn new(
        id: &'a Value,
        report: ChatReport<'_>,
        judge: &Judge,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            id,
            verdict: report.verdict(),
            findings: report.findings().iter().map(FoundIn::new).collect(),
            scores: scores(judge, report.scores()),
            not_evaluated: report.not_evaluated().iter().map(ToString::to_string).collect(),
            messages: RawValue::from_string(report.masked()?)?,
        })
    }
}

impl FoundIn {
    fn new(found: &FindingRecord) -> Self {
        Self {
            rule: found.rule.clone(),
            category: found.category.clone(),
            score: rounded(found.score),
            disguise: found.disguise,
            channel: found.channel,
            place: found.pointer.clone(),
            turns: found.turns,
            guardrail: found.guardrail.clone(),
            verdict: found.effective(),
            dry_run: found.dry_run,
            exception: found.exception.clone(),
        }
    }
}

/// The highest score of every category that is looked for, when that is asked for.
fn scores(judge: &Judge, scores: &[(Category, f32)]) -> Option<BTreeMap<&'static str, f64>> {
    let found = |category: &Category| {
        let score = scores.iter().find(|(known, _)| known == category);
        score.map_or(0.0, |(_, score)| rounded(*score))
    };
    let wanted = judge.scored.as_ref()?;
    Some(wanted.iter().map(|category| (category.name(), found(category))).collect())
}

impl<'a> Found<'a> {
    fn new(judged: &'a Judged) -> Self {
        let finding = &judged.finding;
        Self {
            rule: finding.rule,
            category: finding.category.name(),
            score: rounded(finding.score),
            disguise: finding.disguise,
            start: finding.span.start,
            end: finding.span.end,
            guardrail: judged.guardrail.as_str(),
            verdict: judged.effective(),
            dry_run: judged.dry_run,
            exception: judged.exception.as_deref(),
        }
    }
}

/// The text after masking, blocked or not.
pub(super) fn masked<'t>(text: &'t str, report: &Report) -> Cow<'t, str> {
    if report.edits.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(report.rewrite_all(text)) }
}

/// Four decimals, so that output does not hang on the last bit of a float.
pub(in crate::commands) fn rounded(score: f32) -> f64 {
    (f64::from(score) * 10_000.0).round() / 10_000.0
}
