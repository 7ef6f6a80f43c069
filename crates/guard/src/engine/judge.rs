//! Judging: findings become verdicts, edits and the place where a text must stop.

use std::sync::Arc;

use bartizan_core::settings::OnError;
use bartizan_core::{Action, Channel, Mode, NotEvaluated, RuleId, Span, Verdict};

use super::except::reason_for;
use super::mask::{fit_all, mask, overlaps_any};
use super::read::Reading;
use super::{Guard, Plan, Rail, Share, Source};
use crate::detector::Seen;
use crate::report::{Edit, Judged, Report};
use crate::session::Session;
use crate::text::Encoding;
use crate::vault::{Place, Vault};

/// A stretch of a text.
pub(crate) struct Window<'a> {
    pub(crate) channel: Channel,
    /// Which detectors read it.
    pub(crate) share: Share,
    /// Text already passed on, kept for look-behind, then text that is not yet judged.
    pub(crate) text: &'a str,
    /// First byte that is not yet judged.
    pub(crate) from: usize,
    /// Bytes of the whole text before the window.
    pub(crate) base: usize,
    /// Whether the window ends where the text ends.
    pub(crate) complete: bool,
    /// Bytes just before the window that belong to the same encoded run as its first byte.
    pub(crate) run_before: usize,
    /// The texts that the window joins; empty when it is one text.
    pub(crate) texts: &'a [Span],
    /// What stands before each of the texts, or before the window when it is one text. Where it is
    /// left out, nothing does. Those who only note do not ask.
    pub(crate) before: &'a [Place],
    /// A mask before has taken out what tells where addresses end: no value comes back any more.
    pub(crate) is_spoilt: bool,
    /// The turns of a conversation, cut and put together: no place of the request, so nothing of it can
    /// be replaced.
    pub(crate) is_conversation: bool,
}

impl Window<'_> {
    /// Whether texts of the channel may come in pieces.
    pub(super) const fn may_stream(&self) -> bool {
        matches!(self.channel, Channel::Output | Channel::ToolCall)
    }

    pub(super) fn place<'a>(
        &'a self,
        complete: bool,
        encoding: Option<Encoding>,
        session: &'a Session,
    ) -> crate::text::Place<'a> {
        let (channel, base, from, texts) = (self.channel, self.base, self.from, self.texts);
        crate::text::Place { channel, complete, base, from, encoding, texts, session }
    }

    /// Placeholders to be replaced, each text read for itself, and the first byte that is open.
    fn restorations(&self, vault: &Vault) -> (Vec<(Span, String)>, usize) {
        if !vault.has_restorable() || self.is_spoilt {
            return (Vec::new(), self.text.len());
        }
        let start = Place::start(self.channel);
        if self.texts.is_empty() {
            let before = self.before.first().unwrap_or(&start);
            return vault.restorations(self.text, before, self.complete);
        }
        let mut found = Vec::new();
        for (index, span) in self.texts.iter().enumerate() {
            let text = self.text.get(span.range()).unwrap_or_default();
            let before = self.before.get(index).unwrap_or(&start);
            let (known, _) = vault.restorations(text, before, true);
            let shift = |at: Span| Span::new(at.start + span.start, at.end + span.start);
            found.extend(known.into_iter().map(|(at, value)| (shift(at), value)));
        }
        (found, self.text.len())
    }
}

impl Guard {
    /// Judges a window. The second value is the first byte whose judgement is still open; every
    /// finding of the report begins before it, and no edit reaches over it.
    pub(crate) fn judge_window(&self, window: &Window<'_>, session: &Session) -> (Report, usize) {
        let Some(plan) = self.plan(window.channel, window.share) else {
            return (Report::default(), window.text.len());
        };
        let reading = if plan.active.is_empty() {
            Reading::nothing(window.text.len())
        } else {
            self.read(plan, window, session)
        };
        self.judge(plan, window, reading, session)
    }

    pub(super) fn judge(
        &self,
        plan: &Plan,
        window: &Window<'_>,
        reading: Reading,
        session: &Session,
    ) -> (Report, usize) {
        let mut report = Report::default();
        let fresh = |seen: &Seen| seen.finding.span.start >= window.from;
        report.refined = reading.refined;
        let findings: Vec<Seen> = reading.findings.into_iter().filter(fresh).collect();
        // Values come back, and are masked, where text is held for it.
        let changes = window.share != Share::Noting && !window.is_conversation;
        let masks = changes && self.plans(window.channel).is_some_and(|plans| plans.masks);
        let mut components =
            if masks { self.components(window, session, &findings) } else { Vec::new() };
        // What is masked may begin later than what was found. A stream that stops between the two
        // would not know the finding again.
        let found: Vec<Span> = components.iter().map(|part| part.span).collect();
        let unfit = if masks { fit_all(&mut components, window) } else { window.text.len() };
        let answers = matches!(window.channel, Channel::Output | Channel::ToolCall);
        let spoiling = components.iter().find(|part| answers && part.has_structure(window.text));
        let spoilt_from = spoiling.map(|part| part.span.end);
        let (restorations, open) = if answers && changes {
            window.restorations(&session.vault())
        } else {
            (Vec::new(), window.text.len())
        };
        let restorations: Vec<(Span, String)> = restorations
            .into_iter()
            .filter(|(span, _)| span.start >= window.from)
            .filter(|(span, _)| !overlaps_any(&components, *span))
            .filter(|(span, _)| spoilt_from.is_none_or(|from| span.start < from))
            .collect();

        let release = if window.complete {
            window.text.len()
        } else {
            // A block needs no whole finding: it cuts where the finding begins, and findings that
            // begin before the first undecided byte are final.
            let whole = components
                .iter()
                .map(|part| part.span)
                .chain(found)
                .chain(restorations.iter().map(|(span, _)| *span));
            let undecided = reading.undecided.min(open).min(unfit);
            settle(undecided.max(window.from), whole, window.text)
        };

        for seen in &findings {
            report.note_score(seen.finding.category, seen.finding.score);
            if seen.finding.span.start < release || window.complete {
                self.judge_finding(window, session, seen, &mut report);
            }
        }
        self.judge_unjudged(window, &reading.unjudged, &mut report);
        self.judge_failures(plan, window, &reading.failed, &mut report);
        if let Some((at, _)) = &mut report.blocked_at {
            // A stretch that would be masked never leaves in part.
            let straddling =
                components.iter().find(|part| part.span.start < *at && *at < part.span.end);
            *at = straddling.map_or(*at, |part| part.span.start);
        }
        // A whole text keeps its masks beyond a block, for those who show what was refused.
        let end = match &report.blocked_at {
            Some((at, _)) if !window.complete => *at,
            _ => release,
        };
        let mut vault = session.vault();
        let mut edits: Vec<Edit> = restorations
            .into_iter()
            .filter(|(span, value)| span.end <= end && vault.has_room(value.len()))
            .map(|(span, text)| Edit { span, text, restores: true, alike: None })
            .collect();
        drop(vault);
        edits.extend(
            components
                .iter()
                .filter(|part| part.span.end <= end)
                .flat_map(|part| mask(window, part, answers, session)),
        );
        edits.sort_by_key(|edit| edit.span);
        report.spoils = spoilt_from.is_some_and(|from| from <= end);
        report.edits = edits;
        (report, release)
    }

    /// Guardrails that look for a finding, each with the reason of the exception that lets it pass.
    pub(super) fn rails_for<'g: 'a, 'a>(
        &'g self,
        window: &'a Window<'_>,
        session: &'a Session,
        seen: &'a Seen,
    ) -> impl Iterator<Item = (&'g Rail, Option<Arc<str>>)> {
        let text = window.text.get(seen.finding.span.range()).unwrap_or_default();
        let asked = self.rails.iter().filter(|rail| {
            rail.on.contains(window.channel)
                && rail.detectors.contains(&seen.detector)
                && seen.finding.score >= self.threshold(rail, seen.detector)
        });
        asked.map(move |rail| (rail, reason_for(&rail.exempts, seen, text, session)))
    }

    /// Score from which a guardrail acts on what a detector found.
    fn threshold(&self, rail: &Rail, detector: usize) -> f32 {
        if let Some((_, own)) = rail.thresholds.iter().find(|(index, _)| *index == detector) {
            return *own;
        }
        let trained = rail.sensitivity.and_then(|sensitivity| {
            self.detectors.get(detector)?.get().operating_point(sensitivity)
        });
        trained.unwrap_or(rail.threshold)
    }

    fn judge_finding(
        &self,
        window: &Window<'_>,
        session: &Session,
        seen: &Seen,
        report: &mut Report,
    ) {
        for (rail, exception) in self.rails_for(window, session, seen) {
            let verdict = match rail.action {
                Action::Mask if window.is_conversation => Verdict::Flag,
                action => action.verdict(),
            };
            let judged = Judged {
                finding: seen.finding.clone(),
                guardrail: rail.id.clone(),
                verdict: if exception.is_some() { Verdict::Allow } else { verdict },
                dry_run: rail.mode == Mode::DryRun,
                exception,
            };
            if judged.effective() == Verdict::Block {
                stop(report, seen.finding.span.start, &rail.id);
            }
            report.judged.push(judged);
        }
    }

    fn judge_failures(
        &self,
        plan: &Plan,
        window: &Window<'_>,
        failed: &[usize],
        report: &mut Report,
    ) {
        for index in failed {
            let Some(detector) = self.detectors.get(*index).map(Source::get) else { continue };
            debug_assert!(plan.active.contains(index));
            let reason = NotEvaluated::DetectorFailed(detector.meta().id.to_owned());
            if !report.not_evaluated.contains(&reason) {
                report.not_evaluated.push(reason);
            }
            for rail in self.rails.iter().filter(|rail| rail.on.contains(window.channel)) {
                if rail.detectors.contains(index)
                    && rail.on_error == OnError::Block
                    && rail.mode == Mode::Enforce
                {
                    stop(report, window.from, &rail.id);
                    report.failed = Some(rail.id.clone());
                }
            }
        }
    }

    /// What a detector wanted a model to judge, and was not judged. Its findings stand; whether the text
    /// passes without them is for the guardrail to say.
    fn judge_unjudged(
        &self,
        window: &Window<'_>,
        unjudged: &[(usize, NotEvaluated)],
        report: &mut Report,
    ) {
        // What is refused for what was found needs no other reason.
        let is_blocked = report.blocked_at.is_some();
        for (index, reason) in unjudged {
            if !report.not_evaluated.contains(reason) {
                report.not_evaluated.push(reason.clone());
            }
            let rails = self.rails.iter().filter(|rail| rail.on.contains(window.channel));
            let mut strict = rails.filter(|rail| {
                rail.detectors.contains(index)
                    && rail.on_error == OnError::Block
                    && rail.mode == Mode::Enforce
            });
            if let (false, Some(rail)) = (is_blocked, strict.next()) {
                stop(report, window.from, &rail.id);
                report.failed = Some(rail.id.clone());
            }
        }
    }
}

fn stop(report: &mut Report, at: usize, rule: &RuleId) {
    if report.blocked_at.as_ref().is_none_or(|(first, _)| at < *first) {
        report.blocked_at = Some((at, rule.clone()));
    }
}

/// Moves `release` back until no stretch reaches over it, and to a character boundary.
fn settle(release: usize, whole: impl Iterator<Item = Span>, text: &str) -> usize {
    let mut spans: Vec<Span> = whole.collect();
    spans.sort_unstable_by_key(|span| std::cmp::Reverse(span.end));
    let mut release = text.floor_char_boundary(release);
    loop {
        let over = spans.iter().find(|span| span.start < release && release < span.end);
        match over {
            Some(span) => release = span.start,
            None => return release,
        }
    }
}
