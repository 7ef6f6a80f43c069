//! What a policy says outside of its endpoints, before and after.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_core::id::Name;
use bartizan_core::settings::{
    Approvals, Assurance, Durability, Endpoint, Issuer, Ledger, Limit, LimitSubject, LocalModel,
    Member, OnLogFailure, Price, Provider, ProviderKind, Settings, Subject, Tokens,
};

use super::{Found, Weakness, WeaknessKind, alike, limits};

pub(super) fn changed(
    old: &Settings,
    new: &Settings,
    besides: &BTreeMap<Name, Endpoint>,
) -> Vec<Weakness> {
    let Settings {
        version: _,
        fingerprint,
        data_dir,
        listen,
        providers,
        issuers,
        certificates,
        tokens,
        groups,
        endpoints,
        limits,
        models,
        prices,
        ledger,
        sinks,
        witnesses,
        witness_for,
        otlp_endpoint,
        login,
        secrets,
        inference,
        shared,
        approvals,
        // Made of groups, lists of endpoints and Cedar files.
        access: _,
        cedar,
        // They say what the policy decides, and decide nothing.
        tests: _,
        properties: _,
    } = new;
    let mut found = Found::of(None);
    for (name, now) in providers {
        if let Some(before) = old.providers.get(name).filter(|before| !is_the_same(before, now)) {
            let words = format!("provider `{name}` {}", differs(before, now));
            found.say(WeaknessKind::ProviderChanged, words);
        }
    }
    for issuer in issuers {
        let before = old.issuers.iter().find(|known| known.id == issuer.id);
        if !before.is_some_and(|before| takes_no_more(before, issuer)) {
            let words = format!("tokens of the issuer `{}` are taken, or more of them", issuer.id);
            found.say(WeaknessKind::IdentityWider, words);
        }
    }
    // The first that fits counts, so that leaving one out may make somebody else of a caller.
    if !certificates.is_empty() && *certificates != old.certificates {
        let words = "certificates stand for other callers";
        found.say(WeaknessKind::IdentityWider, words);
    }
    if !makes_no_more(old.tokens.as_ref(), tokens.as_ref()) {
        let words = "short tokens are made, or for longer, or for other addresses";
        found.say(WeaknessKind::IdentityWider, words);
    }
    let all = old.endpoints.values().chain(endpoints.values()).chain(besides.values());
    let has_cedar = !cedar.is_empty() || !old.cedar.is_empty();
    groups_of(
        &old.groups,
        groups,
        &counted(all, old.limits.iter().chain(limits)),
        has_cedar,
        &mut found,
    );
    limits::changed(&old.limits, limits, &mut found);
    for (name, now) in models {
        if old.models.get(name).is_some_and(|before| !judges_alike(before, now)) {
            let words = format!("the model `{name}` is another one");
            found.say(WeaknessKind::ModelChanged, words);
        }
    }
    prices_of(&old.prices, prices, &mut found);
    if let Some(words) = keeps_less(&old.ledger, ledger) {
        found.say(WeaknessKind::LedgerWeaker, words);
    }
    if (&old.cedar, &old.fingerprint.cedar) != (cedar, &fingerprint.cedar) {
        let words = "the Cedar files say something else; read them";
        found.say(WeaknessKind::CedarChanged, words);
    }
    approvals_of(&old.approvals, approvals, &mut found);
    for (key, is_same) in [
        ("data-dir", old.data_dir == *data_dir),
        ("listen", old.listen == *listen),
        ("ledger.sinks", alike(&old.sinks, sinks)),
        ("ledger.witnesses", old.witnesses == *witnesses),
        ("ledger.witness-for", old.witness_for == *witness_for),
        ("telemetry.otlp-endpoint", old.otlp_endpoint == *otlp_endpoint),
        ("console.login", login.is_none() || old.login == *login),
        ("inference-log", old.inference == *inference),
        ("secrets", alike(&old.secrets, secrets)),
        ("state", alike(&old.shared, shared)),
    ] {
        if !is_same {
            found.say(WeaknessKind::OutsideChanged, format!("`{key}` says something else"));
        }
    }
    found.found
}

/// Whether text goes to the same place in the same protocol.
fn is_the_same(old: &Provider, new: &Provider) -> bool {
    let Provider { kind } = new;
    alike(&old.kind, kind)
}

fn differs(old: &Provider, new: &Provider) -> String {
    match (place(&old.kind), place(&new.kind)) {
        (Some(before), Some(now)) if before != now => format!("is at `{now}`, before `{before}`"),
        _ => "is another one".to_owned(),
    }
}

fn place(kind: &ProviderKind) -> Option<&str> {
    match kind {
        ProviderKind::OpenAi { base_url, .. }
        | ProviderKind::AzureOpenAi { base_url, .. }
        | ProviderKind::Anthropic { base_url, .. } => Some(base_url),
        ProviderKind::Databricks { host, .. } => Some(host),
        ProviderKind::Demo { .. } => None,
    }
}

/// Whether every token that is taken now was taken before, and means the same.
fn takes_no_more(old: &Issuer, new: &Issuer) -> bool {
    let Issuer {
        id,
        url,
        audiences,
        algorithms,
        keys,
        user_claim,
        groups_claim,
        program,
        groups,
        tags,
        clock_skew,
        max_age,
    } = new;
    (id, url, keys, user_claim) == (&old.id, &old.url, &old.keys, &old.user_claim)
        && (groups_claim, program, tags) == (&old.groups_claim, &old.program, &old.tags)
        && audiences.is_subset(&old.audiences)
        && algorithms.is_subset(&old.algorithms)
        // Who is in fewer groups is counted by fewer limits, and forbidden less.
        && *groups == old.groups
        && *clock_skew <= old.clock_skew
        && *max_age <= old.max_age
}

fn makes_no_more(old: Option<&Tokens>, new: Option<&Tokens>) -> bool {
    let Some(Tokens { lifetime, origins, keys }) = new else { return true };
    old.is_some_and(|old| *lifetime <= old.lifetime && *origins == old.origins && *keys == old.keys)
}

/// Groups whose members a limit counts, or a brake looks at.
fn counted<'e>(
    endpoints: impl Iterator<Item = &'e Endpoint>,
    over_all: impl Iterator<Item = &'e Limit>,
) -> BTreeSet<&'e Name> {
    let endpoints: Vec<&Endpoint> = endpoints.collect();
    let limits = endpoints.iter().flat_map(|endpoint| &endpoint.limits).chain(over_all);
    let brakes = endpoints.iter().flat_map(|endpoint| &endpoint.brakes);
    let looked_at = brakes.flat_map(|brake| &brake.only).filter_map(|subject| match subject {
        Subject::Group(group) => Some(group),
        Subject::Principal(_) => None,
    });
    let groups = limits.flat_map(|limit| {
        let only = limit.only.iter().filter_map(|subject| match subject {
            Subject::Group(group) => Some(group),
            Subject::Principal(_) => None,
        });
        let shared = match &limit.per {
            LimitSubject::Group(group) => Some(group),
            LimitSubject::User
            | LimitSubject::ServicePrincipal
            | LimitSubject::Tag(_)
            | LimitSubject::Endpoint
            | LimitSubject::All => None,
        };
        only.chain(shared)
    });
    groups.chain(looked_at).collect()
}

fn groups_of(
    old: &BTreeMap<Name, BTreeSet<Member>>,
    new: &BTreeMap<Name, BTreeSet<Member>>,
    counted: &BTreeSet<&Name>,
    has_cedar: bool,
    found: &mut Found<'_>,
) {
    let nobody = BTreeSet::new();
    let names: BTreeSet<&Name> = old.keys().chain(new.keys()).collect();
    for name in names {
        let before = old.get(name).unwrap_or(&nobody);
        let now = new.get(name).unwrap_or(&nobody);
        let more = now.difference(before).count();
        let fewer = before.difference(now).count();
        // Nothing spoke of a group that was not there, except where Cedar files may have.
        let is_open = old.contains_key(name) || has_cedar;
        if more > 0 && is_open {
            let words = format!("group `{name}` has {more} more members");
            found.say(WeaknessKind::GroupChanged, words);
        }
        // Who leaves is no longer counted, and no longer forbidden anything.
        if fewer > 0 && (has_cedar || counted.contains(name)) {
            let words =
                format!("group `{name}` has {fewer} fewer members, which a limit or rule counts");
            found.say(WeaknessKind::GroupChanged, words);
        }
    }
}

fn judges_alike(old: &LocalModel, new: &LocalModel) -> bool {
    old == new
}

fn prices_of(old: &BTreeMap<String, Price>, new: &BTreeMap<String, Price>, found: &mut Found<'_>) {
    let of = |prices: &BTreeMap<String, Price>, model: &str| {
        prices.get(model).or_else(|| prices.get(Price::OF_OTHERS)).copied()
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for model in names {
        let Some(before) = of(old, model) else { continue };
        let costs_as_much = of(new, model).is_some_and(|Price { input, output }| {
            input.0 >= before.input.0 && output.0 >= before.output.0
        });
        if !costs_as_much {
            let words = format!("the model `{model}` counts for less");
            found.say(WeaknessKind::PriceLower, words);
        }
    }
}

/// In what way the log keeps less, or waits for less.
fn keeps_less(old: &Ledger, new: &Ledger) -> Option<&'static str> {
    // Where a segment is cut decides nothing.
    let Ledger { segment_bytes: _, total_bytes, keep, gateway, admin, others } = new;
    if *keep < old.keep || *total_bytes < old.total_bytes {
        return Some("the event log keeps entries for less time, or fewer");
    }
    let areas = [(old.gateway, gateway), (old.admin, admin), (old.others, others)];
    let is_laxer = areas.iter().any(|(before, now)| {
        let Assurance { durability, on_failure } = now;
        (before.durability, durability) == (Durability::Strict, &Durability::Batched)
            || (before.on_failure, on_failure) == (OnLogFailure::Deny, &OnLogFailure::Buffer)
    });
    is_laxer.then_some("answers or changes go on before the event log has them")
}

fn approvals_of(old: &Approvals, new: &Approvals, found: &mut Found<'_>) {
    let Approvals { weaker_endpoints, policy_file, expire } = new;
    for (key, before, now) in [
        ("weaker-endpoints", old.weaker_endpoints, weaker_endpoints),
        ("policy-file", old.policy_file, policy_file),
    ] {
        if *now < before {
            let words = format!("`approvals.{key}` no longer asks for two people");
            found.say(WeaknessKind::ApprovalsWeaker, words);
        }
    }
    if *expire > old.expire {
        let words = "`approvals.expire` lets changes wait for longer";
        found.say(WeaknessKind::ApprovalsWeaker, words);
    }
}
