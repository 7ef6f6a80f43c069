//! The trained detector of attacks with a model of the policy behind it.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::NotEvaluated;
use bartizan_core::catalog::Meta;
use bartizan_core::settings::{Refine, Sensitivity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::detectors::prompt_attack::{self, LEAST, Suspect, suspect};
use crate::refine::{Refined, Refiner, Unjudged};
use crate::text::View;

/// Most bytes of a text that are handed on, around what looks most like an attack. Longer ones would take
/// longer than anybody waits.
const TEXT_BYTES: usize = 8 << 10;

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
            let opinion = self.refiner.judge(excerpt(view, worst), time);
            session.refined_for(opinion.took);
            if let Ok(after) = opinion.score {
                let (before, after) = (worst.score, after.clamp(0.0, 1.0));
                let (model, took) = (Arc::clone(&self.model), opinion.took);
                findings.refined(Refined { model, before, after, took });
            }
            opinion.score
        };
        score.unwrap_or_else(|why| {
            let model = self.model.to_string();
            findings.unjudged(match why {
                Unjudged::OutOfTime => NotEvaluated::ModelBudget(model),
                Unjudged::Failed => NotEvaluated::ModelFailed(model),
            });
            worst.score
        })
    }
}

/// The text around a suspect: the message or document that it stands in, cut on both sides where that is
/// long.
fn excerpt<'a>(view: &View<'a>, worst: Suspect) -> &'a str {
    let touched = |from: usize, to: usize| from < worst.end && worst.start < to;
    let mut around = view.texts().filter(|text| touched(text.start, text.end));
    let (start, end) = around.next().map_or((worst.start, worst.end), |first| {
        let end = around.last().map_or(first.end, |last| last.end);
        (first.start.min(worst.start), end.max(worst.end))
    });
    let text = view.text();
    if end - start <= TEXT_BYTES {
        return text.get(start..end).unwrap_or_default();
    }
    let margin = TEXT_BYTES.saturating_sub(worst.end - worst.start) / 2;
    let from = text.floor_char_boundary(worst.start.saturating_sub(margin).max(start));
    let to = text.floor_char_boundary((from + TEXT_BYTES).min(end));
    text.get(from..to).unwrap_or_default()
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

    fn prepare(&self) {
        prompt_attack::DETECTOR.prepare();
    }

    fn operating_point(&self, sensitivity: Sensitivity) -> Option<f32> {
        prompt_attack::DETECTOR.operating_point(sensitivity)
    }

    fn inspect(&self, view: &View<'_>, _hits: &[Hit], findings: &mut Findings<'_>) {
        let Some(worst) = suspect(view) else { return };
        let is_open = (self.from..self.to).contains(&worst.score);
        let score = if is_open { self.refined(view, worst, findings) } else { worst.score };
        if score >= LEAST {
            findings.push(worst.start, worst.end, score);
        }
    }
}
