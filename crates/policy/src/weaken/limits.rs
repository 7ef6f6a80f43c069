//! Limits, before and after.

use bartizan_core::settings::{Limit, Rate};

use super::endpoint::called;
use super::{Found, WeaknessKind};

pub(super) fn changed(old: &[Limit], new: &[Limit], found: &mut Found<'_>) {
    for before in old {
        if let Some(limit) = new.iter().find(|limit| limit.id == before.id) {
            one(before, limit, found);
        } else {
            let words = format!("limit `{}` is removed", before.id);
            found.say_of(WeaknessKind::LimitRemoved, &before.id, words);
        }
    }
}

fn one(old: &Limit, new: &Limit, found: &mut Found<'_>) {
    let Limit {
        id,
        per,
        only,
        requests,
        tokens,
        nano_usd,
        // From when on it is said that a limit is near bounds nothing.
        soft_percent: _,
    } = new;
    let mut say = |kind, words: String| {
        found.say_of(kind, id, format!("limit `{id}` {words}"));
    };
    if *per != old.per {
        say(WeaknessKind::LimitRaised, "is shared by others than before".to_owned());
    }
    for (what, before, now) in [
        ("requests", old.requests, *requests),
        ("tokens", old.tokens, *tokens),
        ("US dollars", old.nano_usd, *nano_usd),
    ] {
        if let Some(words) = raised(before, now) {
            say(WeaknessKind::LimitRaised, format!("{words} of {what}"));
        }
    }
    // None means everyone.
    if !only.is_empty() {
        if old.only.is_empty() {
            say(WeaknessKind::LimitNarrower, "counts only some callers".to_owned());
        }
        for subject in old.only.difference(only) {
            say(WeaknessKind::LimitNarrower, format!("no longer counts {}", called(subject)));
        }
    }
}

/// How an amount leaves more room. With another window counting begins anew, and which of two is the stricter
/// depends on how a caller spreads what it does.
fn raised(old: Option<Rate>, new: Option<Rate>) -> Option<&'static str> {
    let old = old?;
    match new {
        None => Some("leaves out the amount"),
        Some(Rate { amount, .. }) if amount > old.amount => Some("raises the amount"),
        Some(Rate { window, .. }) if window != old.window => Some("has another window"),
        Some(_) => None,
    }
}
