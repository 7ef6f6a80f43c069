//! One endpoint, before and after.

use std::collections::BTreeSet;

use bartizan_core::settings::{Endpoint, Route, Subject};

use super::{Found, Weakness, WeaknessKind, all_in, brakes, guardrail, limits, restored};

/// What goes with an endpoint. One that guards nothing takes nothing along.
///
/// Nobody can call what is not there; but the next who makes an endpoint of the name would be compared with none,
/// and nobody would see what it once held.
pub(super) fn removed(old: &Endpoint) -> Vec<Weakness> {
    let mut found = Found::of(Some(&old.name));
    let guards = [
        ("guardrails", old.guardrails.len()),
        ("limits", old.limits.len()),
        ("brakes", old.brakes.len()),
        ("canaries", old.canaries.len()),
        ("callers by name", old.allow.len()),
    ];
    let guards = guards.iter().filter(|(_, count)| *count > 0);
    let guards: Vec<String> = guards.map(|(what, count)| format!("{count} {what}")).collect();
    if !guards.is_empty() {
        let words = format!("is removed, with its {}", guards.join(", "));
        found.say(WeaknessKind::EndpointRemoved, words);
    } else if old.routes.iter().any(leaves_choice) {
        // A model that no endpoint names goes to the only endpoint that leaves the choice to the caller.
        let words = "is removed, and models that callers name may go to another endpoint";
        found.say(WeaknessKind::EndpointRemoved, words);
    }
    found.found
}

pub(super) fn changed(old: &Endpoint, new: &Endpoint) -> Vec<Weakness> {
    let Endpoint {
        name,
        routes,
        guardrails,
        limits,
        brakes,
        tags,
        modalities,
        unseen,
        allow,
        canaries,
        inference_log,
        // To wait longer or shorter for a provider guards nothing.
        attempt_timeout: _,
        total_timeout: _,
        idle_timeout: _,
    } = new;
    let mut found = Found::of(Some(name));
    if *name != old.name {
        found.say(WeaknessKind::EndpointAdded, format!("has another name than `{}`", old.name));
    }
    routes_of(&old.routes, routes, &mut found);
    for before in &old.guardrails {
        if let Some(rail) = guardrails.iter().find(|rail| rail.id == before.id) {
            guardrail::changed(before, rail, &mut found);
        } else {
            let words = format!("guardrail `{}` is removed", before.id);
            found.say_of(WeaknessKind::GuardrailRemoved, &before.id, words);
        }
    }
    restored::changed(&old.guardrails, guardrails, &mut found);
    limits::changed(&old.limits, limits, &mut found);
    brakes::changed(&old.brakes, brakes, &mut found);
    if *tags != old.tags {
        found.say(WeaknessKind::LimitRaised, "has other tags, by which limits count");
    }
    for modality in modalities.difference(&old.modalities) {
        let words = format!("content of the kind `{}` passes unread", modality.name());
        found.say(WeaknessKind::ModalityAdded, words);
    }
    for more in unseen.difference(&old.unseen) {
        let words = format!("the provider may use `{}`, which no guard sees", more.name());
        found.say(WeaknessKind::UnseenAdded, words);
    }
    if *inference_log != old.inference_log {
        // More of it is kept, or less of it can be looked into.
        let words = "keeps other shares of what is asked and answered, or for another time";
        found.say(WeaknessKind::InferenceLogChanged, words);
    }
    allowed(&old.allow, allow, &mut found);
    if !all_in(&old.canaries, canaries) {
        // A canary is a text of the system prompt, which is shown to nobody.
        let words = "canaries are removed or changed";
        found.say(WeaknessKind::CanaryRemoved, words);
    }
    found.found
}

const fn leaves_choice(route: &Route) -> bool {
    route.model.is_none()
}

fn routes_of(old: &[Route], new: &[Route], found: &mut Found<'_>) {
    for route in new {
        let is_known = old.iter().any(|known| {
            known.provider == route.provider
                && (known.model == route.model || known.model.is_none())
        });
        if !is_known {
            let Route { provider, model } = route;
            let model = model.as_deref().unwrap_or("any that callers name");
            let words = format!("text may go to the provider `{provider}`, model `{model}`");
            found.say(WeaknessKind::RouteAdded, words);
        }
    }
    // A model that no endpoint names goes to the only endpoint that leaves the choice to the caller.
    let is_named = |model: &Option<String>| new.iter().any(|route| route.model == *model);
    let is_gone = |route: &Route| route.model.is_some() && !is_named(&route.model);
    let is_choice_gone = old.iter().any(leaves_choice) && !new.iter().any(leaves_choice);
    if is_choice_gone || old.iter().any(is_gone) {
        let words = "models that callers name may go to another endpoint";
        found.say(WeaknessKind::RouteAdded, words);
    }
}

fn allowed(old: &BTreeSet<Subject>, new: &BTreeSet<Subject>, found: &mut Found<'_>) {
    // None means everyone.
    if old.is_empty() {
        return;
    }
    if new.is_empty() {
        found.say(WeaknessKind::AllowWider, "everyone with a key may call");
        return;
    }
    for subject in new.difference(old) {
        let words = format!("{} may call", called(subject));
        found.say(WeaknessKind::AllowWider, words);
    }
}

/// A subject, for people.
pub(super) fn called(subject: &Subject) -> String {
    match subject {
        Subject::Principal(member) => format!("{} `{}`", member.kind.name(), member.name),
        Subject::Group(group) => format!("group `{group}`"),
    }
}
