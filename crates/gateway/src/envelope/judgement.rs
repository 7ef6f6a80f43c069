//! What the guard said about a body: the findings, and the changes that follow from them.

use std::ops::Range;

use bartizan_core::event::{FindingRecord, RefinedRecord};
use bartizan_core::{Category, Channel, NotEvaluated, RuleId, Verdict};
use bartizan_guard::refine::Refined;
use bartizan_guard::{Judged, Report};

use super::Form;
use crate::error::GatewayError;
use crate::json::{EditError, Edits, NodeId};
use crate::record::{MAX_FINDINGS, MAX_REFINED, Record};

/// What the guard says about a body.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// The first ones.
    pub(super) findings: Vec<FindingRecord>,
    /// Whether all of them are kept, and scores.
    is_close: bool,
    scores: Vec<(Category, f32)>,
    /// How many more there were.
    pub(super) left_out: usize,
    pub(super) strictest: Verdict,
    pub(crate) blocked: Option<(RuleId, Category)>,
    pub(crate) failed: Option<RuleId>,
    pub(crate) not_evaluated: Vec<NotEvaluated>,
    pub(super) refined: Vec<RefinedRecord>,
    pub(super) edits: Vec<TextEdit>,
    pub(super) removed: Vec<NodeId>,
}

/// A change of one text.
#[derive(Debug)]
pub(super) struct TextEdit {
    pub(super) id: NodeId,
    pub(super) form: Form,
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Judgement {
    /// One that keeps all that is found: nobody waits for it, and somebody counts.
    pub(super) fn close() -> Self {
        Self { is_close: true, ..Self::default() }
    }

    pub(crate) fn findings(&self) -> &[FindingRecord] {
        &self.findings
    }

    /// Highest score per family; nothing unless all is kept.
    pub(crate) fn scores(&self) -> &[(Category, f32)] {
        &self.scores
    }

    /// The strictest verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.blocked.is_some() || self.failed.is_some() {
            return Verdict::Block;
        }
        self.strictest
    }

    /// Writes verdict and findings into the record of the exchange.
    pub(crate) fn note(&self, record: &mut Record) {
        record.note(self.verdict(), self.findings.iter().cloned(), &self.not_evaluated);
        record.note_refined(self.refined.iter().cloned());
        record.leave_out(self.left_out);
    }

    /// Takes over a finding; its record is made where it is kept.
    pub(super) fn note_finding(&mut self, judged: &Judged, record: impl FnOnce() -> FindingRecord) {
        let effective = judged.effective();
        if self.blocked.is_none() && effective == Verdict::Block {
            self.blocked = Some((judged.guardrail.clone(), judged.finding.category));
        }
        let is_strictest = effective > self.strictest;
        self.strictest = self.strictest.max(effective);
        // Nobody reads more, and a body can hold a million. The first of the strictest stays,
        // since it decides.
        if self.findings.len() >= MAX_FINDINGS && !is_strictest && !self.is_close {
            self.left_out += 1;
            return;
        }
        self.findings.push(record());
    }

    /// Takes over what was not read, and what a model said in place of the built-in one.
    pub(super) fn note_limits(&mut self, report: &Report, channel: Channel) {
        for reason in &report.not_evaluated {
            if !self.not_evaluated.contains(reason) {
                self.not_evaluated.push(reason.clone());
            }
        }
        if self.failed.is_none() {
            self.failed.clone_from(&report.failed);
        }
        if self.is_close {
            for (category, score) in &report.scores {
                match self.scores.iter_mut().find(|(known, _)| known == category) {
                    Some((_, best)) => *best = best.max(*score),
                    None => self.scores.push((*category, *score)),
                }
            }
        }
        let room = MAX_REFINED.saturating_sub(self.refined.len());
        let records = report.refined.iter().map(|refined| refined_record(refined, channel));
        self.refined.extend(records.take(room));
    }

    /// Whether nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_empty()
            && self.refined.is_empty()
            && self.not_evaluated.is_empty()
            && !self.changes()
    }

    /// Whether the body changes.
    pub(crate) fn changes(&self) -> bool {
        !self.edits.is_empty() || !self.removed.is_empty()
    }

    /// Splices masks into the edits of a body.
    pub(crate) fn apply(mut self, edits: &mut Edits<'_>) -> Result<(), EditError> {
        for id in self.removed {
            edits.replace_value(id, b"null")?;
        }
        self.edits.sort_by(|a, b| {
            (a.id, a.range.start, b.range.end).cmp(&(b.id, b.range.start, a.range.end))
        });
        for leaf in self.edits.chunk_by(|a, b| a.id == b.id) {
            let Some(first) = leaf.first() else { continue };
            if first.form == Form::Number {
                edits.replace_with_string(first.id, &first.text)?;
                continue;
            }
            let mut merged: Vec<(Range<usize>, &str)> = Vec::new();
            for edit in leaf {
                match merged.last_mut() {
                    Some((range, _)) if edit.range.start < range.end => {
                        range.end = range.end.max(edit.range.end);
                    }
                    _ => merged.push((edit.range.clone(), &edit.text)),
                }
            }
            if first.form == Form::Written {
                edits.replace_source(first.id, merged)?;
            } else {
                edits.replace_text(first.id, merged)?;
            }
        }
        Ok(())
    }

    /// The error that ends the exchange, if the judgement asks for one.
    pub(crate) fn refusal(&self, stage: crate::error::Stage) -> Option<GatewayError> {
        if let Some(rule) = &self.failed {
            return Some(GatewayError::GuardFailed { rule: rule.clone() });
        }
        let (rule, category) = self.blocked.clone()?;
        Some(GatewayError::Blocked { rule, category, stage })
    }
}

/// A score of a model as the event log keeps it.
pub(crate) fn refined_record(refined: &Refined, channel: Channel) -> RefinedRecord {
    RefinedRecord {
        model: refined.model.to_string(),
        channel,
        before: refined.before,
        after: refined.after,
        duration_us: u64::try_from(refined.took.as_micros()).unwrap_or(u64::MAX),
    }
}

/// A finding as the event log keeps it.
pub(crate) fn finding_record(judged: &Judged, channel: Channel, pointer: String) -> FindingRecord {
    FindingRecord {
        guardrail: judged.guardrail.to_string(),
        rule: judged.finding.rule.to_owned(),
        category: judged.finding.category.name().to_owned(),
        channel,
        pointer,
        turns: None,
        score: judged.finding.score,
        disguise: judged.finding.disguise,
        verdict: judged.verdict,
        dry_run: judged.dry_run,
        exception: judged.exception.as_deref().map(str::to_owned),
    }
}
