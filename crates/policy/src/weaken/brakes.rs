//! Brakes, before and after.

use bartizan_core::settings::{Brake, BrakeKind};
use bartizan_core::verdict::Mode;

use super::endpoint::called;
use super::{Found, WeaknessKind};

pub(super) fn changed(old: &[Brake], new: &[Brake], found: &mut Found<'_>) {
    for before in old {
        if let Some(brake) = new.iter().find(|brake| brake.id == before.id) {
            one(before, brake, found);
        } else {
            let words = format!("brake `{}` is removed", before.id);
            found.say_of(WeaknessKind::BrakeRemoved, &before.id, words);
        }
    }
}

fn one(old: &Brake, new: &Brake, found: &mut Found<'_>) {
    let Brake { id, kind, action, mode, only } = new;
    let mut say = |words: String| {
        found.say_of(WeaknessKind::BrakeWeaker, id, format!("brake `{id}` {words}"));
    };
    if action.verdict() < old.action.verdict() {
        let (now, before) = (action.verdict(), old.action.verdict());
        say(format!("does no more than {now}, before {before}"));
    }
    if (*mode, old.mode) == (Mode::DryRun, Mode::Enforce) {
        say("is a dry run".to_owned());
    }
    match (old.kind, *kind) {
        (BrakeKind::SameRequests(before), BrakeKind::SameRequests(now))
        | (BrakeKind::ConversationTokens(before), BrakeKind::ConversationTokens(now)) => {
            if now.amount > before.amount {
                say("lets more pass".to_owned());
            }
            if now.window != before.window {
                say("has another window".to_owned());
            }
        }
        (BrakeKind::SameToolCalls(before), BrakeKind::SameToolCalls(now))
        | (BrakeKind::ToolRounds(before), BrakeKind::ToolRounds(now)) => {
            if now > before {
                say("lets more pass".to_owned());
            }
        }
        (before, _) => say(format!("looks at something else than `{}`", before.name())),
    }
    // None means everyone.
    if !only.is_empty() {
        if old.only.is_empty() {
            say("looks at some callers alone".to_owned());
        }
        for subject in old.only.difference(only) {
            say(format!("no longer looks at {}", called(subject)));
        }
    }
}
