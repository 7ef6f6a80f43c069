//! The trained detector of attacks with a model of the policy behind it.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::catalog::Meta;
use bartizan_core::settings::{Refine, Sensitivity};
use bartizan_core::{NotEvaluated, Span};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::detectors::prompt_attack::{self, LEAST, Suspect, suspect, suspect_within};
use crate::loading::Shared;
use crate::refine::{Refined, Refiner, Unjudged};
use crate::text::View;

/// Most bytes of a text that are handed on, around what looks most like an attack. Longer ones would take
/// longer than anybody waits.
const TEXT_BYTES: usize = 8 << 10;
/// Bytes at the edge of what was handed on that are looked at again, where a longer text goes on.
const OVERLAP_BYTES: usize = 1 << 10;
/// Most stretches of a view that somebody else is asked about. Each takes another look at the rest.
const MAX_ASKED: usize = 4;

/// As [`prompt_attack`], and asks somebody else about scores that lie in a zone.
pub(crate) struct RefinedAttack {
    model: Arc<str>,
    from: f32,
    to: f32,
    refiner: Arc<dyn Refiner>,
}

impl RefinedAttack {
    pub(crate) fn new(refine: &Refine, refiner: Arc<dyn Refiner>) -> Self {
        Self { model: refine.model.as_str().into(), from: refine.from, to: refine.to, refiner }
    }

    /// The score of the model in place of the built-in one, which stands when nobody could judge.
    fn refined(&self, view: &View<'_>, worst: Suspect, findings: &mut Findings<'_>) -> f32 {
        let session = view.session();
        let budget = self.refiner.budget();
        let time = budget.text.min(budget.request.saturating_sub(session.refining()));
        let score = if time == Duration::ZERO {
            Err(Unjudged::OutOfTime)
        } else {
            let excerpt = view.text().get(excerpt(view, worst).range()).unwrap_or_default();
            let opinion = self.refiner.judge(excerpt, time);
            session.refined_for(opinion.took);
            if let Ok(after) = opinion.score {
                let (before, after) = (worst.score, after.clamp(0.0, 1.0));
                let (model, took) = (Arc::clone(&self.model), opinion.took);
                findings.refined(Refined { model, before, after, took });
            }
            opinion.score
        };
        score.unwrap_or_else(|why| {
            self.unjudged(why, findings);
            worst.score
        })
    }

    fn unjudged(&self, why: Unjudged, findings: &mut Findings<'_>) {
        let model = self.model.to_string();
        findings.unjudged(match why {
            Unjudged::OutOfTime => NotEvaluated::ModelBudget(model),
            Unjudged::Failed => NotEvaluated::ModelFailed(model),
        });
    }
}

/// The text around a suspect: the message or document that it stands in, cut on both sides where that is
/// long.
fn excerpt(view: &View<'_>, worst: Suspect) -> Span {
    let (start, end) = message(view, worst);
    let text = view.text();
    if end - start <= TEXT_BYTES {
        return Span::new(start, end);
    }
    let margin = TEXT_BYTES.saturating_sub(worst.end - worst.start) / 2;
    let from = text.floor_char_boundary(worst.start.saturating_sub(margin).max(start));
    let to = text.floor_char_boundary((from + TEXT_BYTES).min(end));
    Span::new(from, to)
}

/// The messages or documents that a suspect stands in.
fn message(view: &View<'_>, worst: Suspect) -> (usize, usize) {
    let touched = |from: usize, to: usize| from < worst.end && worst.start < to;
    let mut around = view.texts().filter(|text| touched(text.start, text.end));
    around.next().map_or((worst.start, worst.end), |first| {
        let end = around.last().map_or(first.end, |last| last.end);
        (first.start.min(worst.start), end.max(worst.end))
    })
}

/// What is left of a part when the text around its suspect was judged.
fn rest(view: &View<'_>, part: Span, worst: Suspect) -> [Span; 2] {
    let text = view.text();
    let (start, end) = message(view, worst);
    let judged = excerpt(view, worst);
    // What was cut in two is whole in one of both; the suspect itself is not looked at again.
    let before = if judged.start > start {
        (judged.start + OVERLAP_BYTES).min(worst.start).max(judged.start)
    } else {
        judged.start
    };
    let behind = if judged.end < end && worst.end <= judged.end {
        judged.end.saturating_sub(OVERLAP_BYTES).max(worst.end)
    } else {
        judged.end
    };
    [
        Span::new(part.start, text.floor_char_boundary(before).min(part.end)),
        Span::new(text.ceil_char_boundary(behind).max(part.start), part.end),
    ]
}

impl Detector for RefinedAttack {
    fn meta(&self) -> &'static Meta {
        prompt_attack::DETECTOR.meta()
    }

    fn reads(&self) -> Reads {
        prompt_attack::DETECTOR.reads()
    }

    fn needs_whole_text(&self) -> bool {
        prompt_attack::DETECTOR.needs_whole_text()
    }

    fn shared(&self) -> &'static [Shared] {
        prompt_attack::DETECTOR.shared()
    }

    fn operating_point(&self, sensitivity: Sensitivity) -> Option<f32> {
        prompt_attack::DETECTOR.operating_point(sensitivity)
    }

    fn inspect(&self, view: &View<'_>, _hits: &[Hit], findings: &mut Findings<'_>) {
        let Some(worst) = suspect(view) else { return };
        let mut parts = vec![(Span::new(0, view.text().len()), worst)];
        for asked in 0.. {
            let highest = (0..parts.len()).max_by(|a, b| {
                let score = |index: usize| parts.get(index).map_or(0.0, |(_, worst)| worst.score);
                score(*a).total_cmp(&score(*b))
            });
            let Some(highest) = highest else { return };
            let (part, worst) = parts.swap_remove(highest);
            let is_open = (self.from..self.to).contains(&worst.score);
            let score = if is_open && asked < MAX_ASKED {
                self.refined(view, worst, findings)
            } else {
                if is_open {
                    self.unjudged(Unjudged::OutOfTime, findings);
                }
                worst.score
            };
            if score >= LEAST {
                findings.push(worst.start, worst.end, score);
            }
            // INVARIANT: a word about one stretch says nothing of the others, so that a decoy clears itself
            // alone.
            if !is_open || score >= self.from {
                return;
            }
            let left = rest(view, part, worst).into_iter().filter(|left| !left.is_empty());
            parts.extend(left.filter_map(|left| Some((left, suspect_within(view, left)?))));
        }
    }
}
