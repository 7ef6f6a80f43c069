//! What is valid in a policy and does nothing: rules that can never apply, names that nothing uses.
//!
//! Each lint is certain: it says so only where no request can show the opposite. What Cedar files permit is
//! not known here, so that with them nothing is said about who may call.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::{
    Brake, BrakeKind, Detect, Endpoint, Excepted, Guardrail, Limit, LimitSubject, Member, Price,
    Rate, Settings, Subject,
};
use bartizan_core::time::Timestamp;
use bartizan_core::verdict::{Action, Mode};

/// Something that is valid and does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Kind: `unused-group`, `shadowed-limit`, ….
    pub id: &'static str,
    /// Where: `endpoints.protected-llm.limits.l-user`.
    pub at: String,
    /// What is the matter.
    pub message: String,
}

/// Looks for what does nothing at the given time.
pub fn lints(settings: &Settings, now: Timestamp) -> Vec<Lint> {
    let mut found = Lints::default();
    found.unused(settings);
    for (number, limit) in settings.limits.iter().enumerate() {
        let others = settings.limits.iter().enumerate();
        let others = others.filter(|(other, _)| *other != number).map(|(n, l)| (n < number, l));
        found.limit(settings, None, others, limit, &format!("limits.{}", limit.id));
    }
    for endpoint in settings.endpoints.values() {
        let at = format!("endpoints.{}", endpoint.name);
        if settings.cedar.is_empty() {
            found.closed(settings, endpoint, &at);
        }
        for (number, rail) in endpoint.guardrails.iter().enumerate() {
            let before = endpoint.guardrails.get(..number).unwrap_or_default();
            found.guardrail(before, rail, &format!("{at}.guardrails.{}", rail.id), now);
        }
        for (number, limit) in endpoint.limits.iter().enumerate() {
            let others = endpoint.limits.iter().enumerate();
            let others = others.filter(|(other, _)| *other != number).map(|(n, l)| (n < number, l));
            let at = format!("{at}.limits.{}", limit.id);
            found.limit(settings, Some(endpoint), others, limit, &at);
        }
        for (number, brake) in endpoint.brakes.iter().enumerate() {
            let before = endpoint.brakes.get(..number).unwrap_or_default();
            found.brake(settings, endpoint, before, brake, &format!("{at}.brakes.{}", brake.id));
        }
    }
    found.found
}

#[derive(Default)]
struct Lints {
    found: Vec<Lint>,
}

impl Lints {
    fn say(&mut self, id: &'static str, at: &str, message: impl Into<String>) {
        self.found.push(Lint { id, at: at.to_owned(), message: message.into() });
    }

    fn unused(&mut self, settings: &Settings) {
        let routes = || settings.endpoints.values().flat_map(|endpoint| &endpoint.routes);
        for name in settings.providers.keys() {
            if !routes().any(|route| route.provider == *name) {
                self.say(
                    "unused-provider",
                    &format!("providers.{name}"),
                    "no route of this file leads to it",
                );
            }
        }
        let groups = used_groups(settings);
        for name in settings.groups.keys() {
            let at = format!("groups.{name}");
            if is_empty(settings, name) {
                self.say("empty-group", &at, "it has no members");
            }
            // Cedar files may speak of any group.
            if settings.cedar.is_empty() && !groups.contains(name) {
                self.say("unused-group", &at, "no rule of this file speaks of it");
            }
        }
        let any_model = routes().any(|route| route.model.is_none());
        let named = settings.prices.keys().filter(|model| *model != Price::OF_OTHERS);
        for model in named {
            let is_named = routes().any(|route| route.model.as_ref() == Some(model));
            if !is_named && !any_model {
                self.say(
                    "unused-price",
                    &format!("prices.{model}"),
                    "no route of this file names this model",
                );
            }
        }
        for name in settings.models.keys() {
            let rails = settings.endpoints.values().flat_map(|endpoint| &endpoint.guardrails);
            let mut asked = rails.filter_map(|rail| rail.refine.as_ref());
            if !asked.any(|refine| refine.model == *name) {
                self.say(
                    "unused-model",
                    &format!("models.{name}"),
                    "no guardrail of this file asks it",
                );
            }
        }
    }

    /// An endpoint that nobody may call.
    fn closed(&mut self, settings: &Settings, endpoint: &Endpoint, at: &str) {
        let names_nobody = |subject: &Subject| match subject {
            Subject::Principal(_) => false,
            Subject::Group(group) => is_empty(settings, group),
        };
        if !endpoint.allow.is_empty() && endpoint.allow.iter().all(names_nobody) {
            self.say("closed-endpoint", at, "`allow` names only groups without members");
        }
    }

    fn guardrail(&mut self, before: &[Guardrail], rail: &Guardrail, at: &str, now: Timestamp) {
        let shadow = before.iter().find(|first| shadows(first, rail));
        if let Some(first) = shadow {
            let message = format!("`{}` finds the same before it, and does as much", first.id);
            self.say("shadowed-guardrail", at, message);
        }
        for exception in &rail.exceptions {
            if exception.is_over(Some(now)) {
                let message = format!("an exception is over: {}", exception.reason);
                self.say("ended-exception", at, message);
            }
        }
    }

    fn limit<'a>(
        &mut self,
        settings: &Settings,
        endpoint: Option<&Endpoint>,
        others: impl Iterator<Item = (bool, &'a Limit)>,
        limit: &Limit,
        at: &str,
    ) {
        if let LimitSubject::Group(group) = &limit.per
            && is_empty(settings, group)
        {
            self.say("unreachable-limit", at, format!("the group `{group}` has no members"));
            return;
        }
        let kind = match limit.per {
            LimitSubject::User => Some(PrincipalKind::User),
            LimitSubject::ServicePrincipal => Some(PrincipalKind::ServicePrincipal),
            LimitSubject::Group(_)
            | LimitSubject::Tag(_)
            | LimitSubject::Endpoint
            | LimitSubject::All => None,
        };
        if let Some(allow) = endpoint.and_then(|endpoint| known_callers(settings, endpoint))
            && !callers(settings, allow).any(|member| {
                let fits = kind.is_none_or(|kind| member.kind == kind);
                fits && is_meant(settings, limit, member)
            })
        {
            self.say("unreachable-limit", at, "nobody whom `allow` lets in is counted by it");
            return;
        }
        for (is_before, other) in others {
            let tighter = tighter(other, limit);
            // Of two that are the same, the first counts.
            if tighter && (is_before || !self::tighter(limit, other)) {
                let message = format!("`{}` is at least as tight for everyone", other.id);
                self.say("shadowed-limit", at, message);
                return;
            }
        }
    }

    fn brake(
        &mut self,
        settings: &Settings,
        endpoint: &Endpoint,
        before: &[Brake],
        brake: &Brake,
        at: &str,
    ) {
        let by_only = |member: &Member| names(settings, &brake.only, member);
        let names_nobody = |subject: &Subject| match subject {
            Subject::Principal(_) => false,
            Subject::Group(group) => is_empty(settings, group),
        };
        if !brake.only.is_empty() && brake.only.iter().all(names_nobody) {
            self.say("unreachable-brake", at, "`only` names only groups without members");
            return;
        }
        if let Some(allow) = known_callers(settings, endpoint)
            && !callers(settings, allow).any(by_only)
        {
            self.say("unreachable-brake", at, "nobody whom `allow` lets in is looked at by it");
            return;
        }
        let others = endpoint.brakes.iter().filter(|other| other.id != brake.id);
        for other in others {
            let is_before = before.iter().any(|known| known.id == other.id);
            // Of two that are the same, the first counts.
            if brakes_sooner(other, brake) && (is_before || !brakes_sooner(brake, other)) {
                let message = format!("`{}` stops the same sooner", other.id);
                self.say("shadowed-brake", at, message);
                return;
            }
        }
    }
}

/// Whether nobody is in a group: nobody is listed, and no token or certificate puts anybody there.
fn is_empty(settings: &Settings, group: &Name) -> bool {
    let by_token = settings.issuers.iter().flat_map(|issuer| issuer.groups.values());
    let by_certificate = settings.certificates.iter().flat_map(|rule| &rule.groups);
    settings.groups.get(group).is_none_or(BTreeSet::is_empty)
        && !by_token.chain(by_certificate).any(|name| name == group)
}

fn used_groups(settings: &Settings) -> BTreeSet<Name> {
    let mut used = BTreeSet::new();
    let mut note = |subject: &Subject| {
        if let Subject::Group(group) = subject {
            used.insert(group.clone());
        }
    };
    let limits = settings.endpoints.values().flat_map(|endpoint| &endpoint.limits);
    for limit in limits.chain(&settings.limits) {
        limit.only.iter().for_each(&mut note);
        if let LimitSubject::Group(group) = &limit.per {
            note(&Subject::Group(group.clone()));
        }
    }
    for endpoint in settings.endpoints.values() {
        endpoint.allow.iter().for_each(&mut note);
        endpoint.brakes.iter().flat_map(|brake| &brake.only).for_each(&mut note);
        for exception in endpoint.guardrails.iter().flat_map(|rail| &rail.exceptions) {
            if let Excepted::Caller { subject, .. } = &exception.what {
                note(subject);
            }
        }
    }
    used
}

/// Who may call, where that is known: only lists say so, and each names its members.
fn known_callers<'a>(settings: &Settings, endpoint: &'a Endpoint) -> Option<&'a BTreeSet<Subject>> {
    let is_known = settings.cedar.is_empty()
        && settings.issuers.is_empty()
        && settings.certificates.is_empty();
    Some(&endpoint.allow).filter(|allow| is_known && !allow.is_empty())
}

/// Everybody whom a list names, by itself or in a group.
fn callers<'a>(
    settings: &'a Settings,
    allow: &'a BTreeSet<Subject>,
) -> impl Iterator<Item = &'a Member> {
    allow.iter().flat_map(|subject| {
        let (member, group) = match subject {
            Subject::Principal(member) => (Some(member), None),
            Subject::Group(group) => (None, settings.groups.get(group)),
        };
        member.into_iter().chain(group.into_iter().flatten())
    })
}

fn is_meant(settings: &Settings, limit: &Limit, member: &Member) -> bool {
    names(settings, &limit.only, member)
        && match &limit.per {
            LimitSubject::Group(group) => in_group(settings, group, member),
            LimitSubject::User
            | LimitSubject::ServicePrincipal
            | LimitSubject::Tag(_)
            | LimitSubject::Endpoint
            | LimitSubject::All => true,
        }
}

fn in_group(settings: &Settings, group: &Name, member: &Member) -> bool {
    settings.groups.get(group).is_some_and(|all| all.contains(member))
}

/// Whether `only` means somebody; all are meant where it is empty.
fn names(settings: &Settings, only: &BTreeSet<Subject>, member: &Member) -> bool {
    only.is_empty()
        || only.iter().any(|subject| match subject {
            Subject::Principal(named) => named == member,
            Subject::Group(group) => in_group(settings, group, member),
        })
}

/// Whether the first brake has refused whatever the second would act on.
fn brakes_sooner(first: &Brake, second: &Brake) -> bool {
    let is_same = match (first.kind, second.kind) {
        // What is counted of one is counted of the other, in windows that begin together.
        (BrakeKind::SameRequests(first), BrakeKind::SameRequests(second))
        | (BrakeKind::ConversationTokens(first), BrakeKind::ConversationTokens(second)) => {
            first.window == second.window && first.amount <= second.amount
        }
        (BrakeKind::SameToolCalls(first), BrakeKind::SameToolCalls(second))
        | (BrakeKind::ToolRounds(first), BrakeKind::ToolRounds(second)) => first <= second,
        _ => false,
    };
    let covers =
        first.only.is_empty() || (!second.only.is_empty() && second.only.is_subset(&first.only));
    first.stops() && is_same && covers
}

/// Whether whatever the second finds, the first has found in the same texts, and does at least as much about.
/// Both act; masks are compared only where they write the same.
fn shadows(first: &Guardrail, second: &Guardrail) -> bool {
    let finds = match (&first.detect, &second.detect) {
        (Detect::Detectors(first), Detect::Detectors(second)) => {
            second.iter().all(|id| first.contains(id))
        }
        (first, second) => first == second,
    };
    let acts = match (first.action, second.action) {
        (Action::Block, _) | (Action::Mask | Action::Flag, Action::Flag) => true,
        (Action::Mask, Action::Mask) => {
            first.operators == second.operators && first.restore == second.restore
        }
        (Action::Mask | Action::Flag, _) => false,
    };
    let reads = second.on.iter().all(|channel| first.on.contains(channel));
    let hears = first.thresholds == second.thresholds
        && first.sensitivity == second.sensitivity
        && first.refine == second.refine
        && first.threshold <= second.threshold;
    finds
        && acts
        && reads
        && hears
        && (first.mode == Mode::Enforce || second.mode == Mode::DryRun)
        && first.exceptions.is_empty()
        && (first.on_error == second.on_error
            || first.on_error == bartizan_core::settings::OnError::Block)
}

/// Whether the first limit is reached whenever the second is, by the same counter.
fn tighter(first: &Limit, second: &Limit) -> bool {
    // A counter that several share begins with the first of them: with other members, at another time.
    let each_has_one = matches!(first.per, LimitSubject::User | LimitSubject::ServicePrincipal);
    let covers = first.per == second.per
        && (first.only == second.only
            || each_has_one
                && (first.only.is_empty()
                    || (!second.only.is_empty() && second.only.is_subset(&first.only))));
    let fits = |first: Option<Rate>, second: Option<Rate>| match (first, second) {
        (_, None) => true,
        (Some(first), Some(second)) => {
            first.window == second.window && first.amount <= second.amount
        }
        (None, Some(_)) => false,
    };
    covers
        && fits(first.requests, second.requests)
        && fits(first.tokens, second.tokens)
        && fits(first.nano_usd, second.nano_usd)
}
