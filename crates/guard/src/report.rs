//! What the engine says about one text.

use std::sync::Arc;

use bartizan_core::{Category, Finding, NotEvaluated, RuleId, Span, Verdict};

use crate::refine::Refined;

/// A finding and what a guardrail made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What was seen; the span is in bytes of the text.
    pub finding: Finding,
    /// Guardrail that judged it.
    pub guardrail: RuleId,
    /// What the guardrail decides.
    pub verdict: Verdict,
    /// True when the guardrail only says what it would have done.
    pub dry_run: bool,
    /// Reason of the exception by which the policy lets it pass; the verdict is then to allow.
    pub exception: Option<Arc<str>>,
}

impl Judged {
    /// The verdict that counts: a dry run never does more than flag.
    pub fn effective(&self) -> Verdict {
        if self.dry_run { self.verdict.min(Verdict::Flag) } else { self.verdict }
    }
}

/// A replacement in the original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Bytes that go.
    pub span: Span,
    /// Text that comes.
    pub text: String,
    /// Whether a value is put back; otherwise one is masked.
    pub restores: bool,
    /// The label of the value, where different values may become the same text. Where they must stay
    /// apart, as the names of members do, placeholders keep them so.
    pub alike: Option<&'static str>,
}

/// Judgement about one text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Every finding of every guardrail, by place.
    pub judged: Vec<Judged>,
    /// Replacements, by place, not overlapping; those of a whole text go on past
    /// [`Report::blocked_at`].
    pub edits: Vec<Edit>,
    /// First byte that must not pass, and the guardrail that says so.
    pub blocked_at: Option<(usize, RuleId)>,
    /// What could not be inspected.
    pub not_evaluated: Vec<NotEvaluated>,
    /// The guardrail that lets nothing pass that could not be inspected, when there is any.
    pub failed: Option<RuleId>,
    /// Scores that a model of the policy gave in place of the built-in one.
    pub refined: Vec<Refined>,
    /// A mask took out what tells where an address ends, so that no value may follow.
    pub spoils: bool,
    /// Highest score per family, thresholds aside; families without any score are absent.
    pub scores: Vec<(Category, f32)>,
}

impl Report {
    /// The strictest verdict.
    pub fn verdict(&self) -> Verdict {
        if self.blocked_at.is_some() {
            return Verdict::Block;
        }
        self.judged.iter().map(Judged::effective).max().unwrap_or(Verdict::Allow)
    }

    /// The guardrail behind the strictest verdict; the first in the text where several are.
    pub fn deciding_rule(&self) -> Option<&RuleId> {
        if let Some((_, rule)) = &self.blocked_at {
            return Some(rule);
        }
        let verdict = self.verdict();
        if verdict == Verdict::Allow {
            return None;
        }
        let mut judged = self.judged.iter();
        judged.find(|judged| judged.effective() == verdict).map(|judged| &judged.guardrail)
    }

    /// The text after masking, up to the first byte that must not pass.
    pub fn rewrite(&self, text: &str) -> String {
        let end = self.blocked_at.as_ref().map_or(text.len(), |(at, _)| *at);
        self.masked(text, end)
    }

    /// The whole text after masking, also where it must not pass.
    pub fn rewrite_all(&self, text: &str) -> String {
        self.masked(text, text.len())
    }

    fn masked(&self, text: &str, end: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for edit in self.edits.iter().take_while(|edit| edit.span.end <= end) {
            out.push_str(text.get(copied..edit.span.start).unwrap_or_default());
            out.push_str(&edit.text);
            copied = edit.span.end;
        }
        out.push_str(text.get(copied..end).unwrap_or_default());
        out
    }

    pub(crate) fn note_score(&mut self, category: Category, score: f32) {
        match self.scores.iter_mut().find(|(known, _)| *known == category) {
            Some((_, best)) => *best = best.max(score),
            None => self.scores.push((category, score)),
        }
    }
}
