//! One judgement in the shape that JSON and JSON Lines share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bartizan_core::{Category, Disguise, Verdict};
use bartizan_guard::{Judged, Report};
use serde::Serialize;
use serde_json::Value;

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
            scores: judge.scored.as_ref().map(|wanted| {
                let found = |category: &Category| {
                    let score = report.scores.iter().find(|(known, _)| known == category);
                    score.map_or(0.0, |(_, score)| rounded(*score))
                };
                wanted.iter().map(|category| (category.name(), found(category))).collect()
            }),
            not_evaluated: report.not_evaluated.iter().map(ToString::to_string).collect(),
        }
    }
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
