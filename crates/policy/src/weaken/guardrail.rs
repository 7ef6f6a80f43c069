//! One guardrail, before and after.

use std::collections::BTreeSet;

use bartizan_core::channel::ChannelSet;
use bartizan_core::operator::{Operator, Operators};
use bartizan_core::settings::{Detect, Excepted, Exception, Guardrail, OnError, Sensitivity};
use bartizan_core::verdict::{Action, Mode};

use super::endpoint::called;
use super::{Found, WeaknessKind, all_in};

pub(super) fn changed(old: &Guardrail, new: &Guardrail, found: &mut Found<'_>) {
    let Guardrail {
        id,
        on,
        detect,
        action,
        mode,
        operators,
        // Judged for all guardrails of an endpoint together.
        restore: _,
        on_error,
        threshold: _,
        thresholds: _,
        sensitivity: _,
        refine,
        exceptions,
    } = new;
    let mut say = |kind, words: String| {
        found.say_of(kind, id, format!("guardrail `{id}` {words}"));
    };
    if let Some(fewer) = fewer_channels(old.on, *on) {
        say(WeaknessKind::ChannelsFewer, format!("no longer reads {fewer}"));
    }
    if !detects_as_much(&old.detect, detect) {
        say(WeaknessKind::DetectsLess, what_less(&old.detect, detect));
    }
    if action.verdict() < old.action.verdict() {
        let words = format!("{} instead of {}", does(*action), doing(old.action));
        say(WeaknessKind::ActionMilder, words);
    }
    if (old.mode, *mode) == (Mode::Enforce, Mode::DryRun) {
        say(WeaknessKind::DryRun, "only says what it would do".to_owned());
    }
    if (old.on_error, *on_error) == (OnError::Block, OnError::Allow) {
        say(WeaknessKind::OnErrorAllow, "lets pass what it could not read".to_owned());
    }
    if !is_as_alert(old, new) {
        say(WeaknessKind::ThresholdHigher, "has to be surer before it acts".to_owned());
    }
    if old.action == Action::Mask
        && *action == Action::Mask
        && !shows_no_more(&old.operators, operators, &old.detect)
    {
        say(WeaknessKind::OperatorWeaker, "masks in a way that may show more".to_owned());
    }
    if *refine != old.refine {
        let words = "has another model asked, or about other texts".to_owned();
        say(WeaknessKind::RefineChanged, words);
    }
    for exception in exceptions {
        if !old.exceptions.iter().any(|known| reaches_as_far(known, exception)) {
            say(WeaknessKind::ExceptionWider, excepts(exception));
        }
    }
}

fn fewer_channels(old: ChannelSet, new: ChannelSet) -> Option<String> {
    let fewer = old.iter().filter(|channel| !new.contains(*channel));
    let fewer: Vec<String> = fewer.map(|channel| format!("`{channel}`")).collect();
    (!fewer.is_empty()).then(|| fewer.join(", "))
}

/// Whether everything that was looked for still is.
pub(super) fn detects_as_much(old: &Detect, new: &Detect) -> bool {
    match (old, new) {
        (Detect::Detectors(old), Detect::Detectors(new)) => all_in(old, new),
        (Detect::Keywords(old), Detect::Keywords(new))
        | (Detect::Patterns(old), Detect::Patterns(new)) => all_in(old, new),
        // Topics are what may be talked about: a text about none of them is found.
        (Detect::Topics(old), Detect::Topics(new)) => {
            new.iter().all(|(name, words)| old.get(name).is_some_and(|known| all_in(words, known)))
        }
        (Detect::Size { max_bytes: old }, Detect::Size { max_bytes: new }) => new <= old,
        // Hosts and packages are what may be named.
        (Detect::Links(old), Detect::Links(new)) => {
            new.iter().all(|host| old.iter().any(|known| known.covers(host)))
        }
        (Detect::Packages(old), Detect::Packages(new)) => old.iter().all(|(registry, known)| {
            new.get(registry).is_some_and(|list| list.names.is_within(&known.names))
        }),
        (
            Detect::Detectors(_)
            | Detect::Keywords(_)
            | Detect::Patterns(_)
            | Detect::Topics(_)
            | Detect::Size { .. }
            | Detect::Links(_)
            | Detect::Packages(_),
            _,
        ) => false,
    }
}

/// What is no longer looked for; only names of the policy, never a word or pattern that it protects.
fn what_less(old: &Detect, new: &Detect) -> String {
    match (old, new) {
        (Detect::Detectors(old), Detect::Detectors(new)) => {
            let fewer = old.iter().filter(|id| !new.contains(id));
            let fewer: Vec<String> = fewer.map(|id| format!("`{id}`")).collect();
            format!("no longer looks for {}", fewer.join(", "))
        }
        (Detect::Keywords(_), Detect::Keywords(_)) => "looks for fewer keywords".to_owned(),
        (Detect::Patterns(_), Detect::Patterns(_)) => "looks for fewer patterns".to_owned(),
        (Detect::Topics(_), Detect::Topics(_)) => "allows more topics or words".to_owned(),
        (Detect::Size { max_bytes: old }, Detect::Size { max_bytes: new }) => {
            format!("lets texts of {new} bytes pass, before {old}")
        }
        (Detect::Links(_), Detect::Links(_)) => "lets links to more hosts pass".to_owned(),
        (Detect::Packages(_), Detect::Packages(_)) => {
            "lets more packages pass, or reads fewer registries".to_owned()
        }
        _ => "looks for something else".to_owned(),
    }
}

const fn does(action: Action) -> &'static str {
    match action {
        Action::Flag => "flags",
        Action::Mask => "masks",
        Action::Block => "blocks",
    }
}

const fn doing(action: Action) -> &'static str {
    match action {
        Action::Flag => "flagging",
        Action::Mask => "masking",
        Action::Block => "blocking",
    }
}

/// Whether it acts at every score at which it acted before.
fn is_as_alert(old: &Guardrail, new: &Guardrail) -> bool {
    let is_as_sensitive = match (old.sensitivity, new.sensitivity) {
        (None, None) => true,
        (Some(old), Some(new)) => rank(new) >= rank(old),
        // One is a share of harmless texts, the other a score: which speaks up sooner is not known here.
        _ => false,
    };
    let usual = is_as_sensitive && new.threshold <= old.threshold;
    let Detect::Detectors(ids) = &old.detect else { return usual };
    ids.iter().all(|id| match (own(old, id), own(new, id)) {
        (None, None) => usual,
        (Some(before), Some(now)) => now <= before,
        // A trained detector would go by the sensitivity, another by the threshold.
        (Some(before), None) => new.sensitivity.is_none() && new.threshold <= before,
        (None, Some(now)) => old.sensitivity.is_none() && now <= old.threshold,
    })
}

fn own(rail: &Guardrail, id: &str) -> Option<f32> {
    rail.thresholds.iter().find(|(known, _)| *known == id).map(|(_, own)| *own)
}

const fn rank(sensitivity: Sensitivity) -> u8 {
    match sensitivity {
        Sensitivity::Low => 0,
        Sensitivity::Balanced => 1,
        Sensitivity::High => 2,
    }
}

/// Whether no operator shows more of a value than the one before it.
fn shows_no_more(old: &Operators, new: &Operators, detect: &Detect) -> bool {
    let Operators { usual, by_detector } = new;
    let detected: &[&'static str] = match detect {
        Detect::Detectors(ids) => ids,
        _ => &[],
    };
    let named: BTreeSet<&str> =
        detected.iter().chain(by_detector.keys()).chain(old.by_detector.keys()).copied().collect();
    hides_as_much(&old.usual, usual)
        && named.into_iter().all(|id| hides_as_much(old.of(id), new.of(id)))
}

fn hides_as_much(old: &Operator, new: &Operator) -> bool {
    match (old, new) {
        (Operator::Replace(old), Operator::Replace(new)) => old == new,
        (
            Operator::Partial { first: old_first, last: old_last, with: old_with },
            Operator::Partial { first, last, with },
        ) => {
            // What there is no room for at the beginning makes room at the end.
            first <= old_first && last == old_last && with == old_with
        }
        // Which key it is made with is not judged: keys are changed as credentials are.
        _ => new.reveals() <= old.reveals(),
    }
}

/// Whether an exception lets pass what another does, for at least as long. Why is for people.
fn reaches_as_far(old: &Exception, new: &Exception) -> bool {
    let Exception { what, reason: _, until } = new;
    let lasts = match (old.until, until) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => *new <= old,
    };
    lasts && *what == old.what
}

fn excepts(exception: &Exception) -> String {
    let what = match &exception.what {
        // What passes can be the very value that the guardrail protects.
        Excepted::Literal(_) => "lets one more text pass, or for longer".to_owned(),
        Excepted::Pattern(_) => "lets one more pattern pass, or for longer".to_owned(),
        Excepted::Caller { subject, rule } => {
            format!("lets `{rule}` pass for {}, or for longer", called(subject))
        }
    };
    format!("{what} (`{}`)", exception.reason)
}
