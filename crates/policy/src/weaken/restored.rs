//! Which values come back in answers, before and after.
//!
//! A value comes back where a guardrail with `restore` masked it in the request, whatever other guardrails say about
//! answers. So to restore more can show what another guardrail would have masked or blocked in an answer.

use bartizan_core::channel::Channel;
use bartizan_core::settings::Guardrail;
use bartizan_core::verdict::{Action, Mode};

use super::{Found, WeaknessKind};

pub(super) fn changed(old: &[Guardrail], new: &[Guardrail], found: &mut Found<'_>) {
    for rail in new.iter().filter(|rail| restores(rail)) {
        let before = old.iter().find(|known| known.id == rail.id);
        let hid = before.is_some_and(|before| masks(before) && !before.restore);
        let brought_the_same =
            before.is_some_and(|before| restores(before) && finds_the_same(before, rail));
        if hid || (!brought_the_same && has_guard_of_answers(old, rail)) {
            let words = format!("guardrail `{}` has more values come back in answers", rail.id);
            found.say_of(WeaknessKind::RestoresMore, &rail.id, words);
        }
    }
}

fn restores(rail: &Guardrail) -> bool {
    rail.restore && masks(rail)
}

fn masks(rail: &Guardrail) -> bool {
    rail.action == Action::Mask && rail.mode == Mode::Enforce
}

/// Whether another guardrail has a say about what stands in an answer.
fn has_guard_of_answers(old: &[Guardrail], rail: &Guardrail) -> bool {
    old.iter().any(|other| {
        other.id != rail.id
            && [Channel::Output, Channel::ToolCall]
                .iter()
                .any(|channel| other.on.contains(*channel))
    })
}

/// Whether a guardrail masks the same values in requests, so that the same come back.
fn finds_the_same(old: &Guardrail, new: &Guardrail) -> bool {
    old.detect == new.detect
        && old.on == new.on
        && (old.threshold, &old.thresholds) == (new.threshold, &new.thresholds)
        && old.sensitivity == new.sensitivity
        && old.refine == new.refine
        && old.exceptions == new.exceptions
        && old.operators == new.operators
}
