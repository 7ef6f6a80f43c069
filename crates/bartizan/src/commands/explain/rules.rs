//! Guardrails and limits of a policy, told in words.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use bartizan_core::money::NanoUsd;
use bartizan_core::operator::Operator;
use bartizan_core::packages::Ecosystem;
use bartizan_core::settings::{
    Brake, BrakeKind, Detect, Endpoint, Guardrail, Limit, LimitSubject, OnError, PackageList, Rate,
    Sensitivity, Subject,
};
use bartizan_core::{Action, Channel, Mode, PrincipalKind};
use bartizan_guard::operators::has_stand_in;
use bartizan_guard::{Detector, detectors, left_out};
use serde_json::{Value, json};

use crate::terminal::{Paint, printable};
use crate::wire::policy::Loaded;

/// One rule of one endpoint.
pub(super) struct Rule {
    id: String,
    kind: &'static str,
    /// Absent where it is for all.
    endpoint: Option<String>,
    origin: String,
    facts: Vec<(&'static str, String)>,
}

/// Ids of all rules.
pub(super) fn ids(policy: &Loaded) -> Vec<String> {
    let over_all = policy.settings.limits.iter().map(|limit| limit.id.to_string());
    let endpoints = policy.settings.endpoints.values();
    let of_endpoints = endpoints.flat_map(|endpoint| {
        let guardrails = endpoint.guardrails.iter().map(|rail| rail.id.to_string());
        let limits = endpoint.limits.iter().map(|limit| limit.id.to_string());
        guardrails.chain(limits).chain(endpoint.brakes.iter().map(|brake| brake.id.to_string()))
    });
    over_all.chain(of_endpoints).collect()
}

/// The rules with this id; each endpoint may have its own.
pub(super) fn called(id: &str, policy: &Loaded) -> Vec<Rule> {
    let over_all = policy.settings.limits.iter().filter(|limit| limit.id.as_str() == id);
    let over_all = over_all.map(|found| Rule {
        id: id.to_owned(),
        kind: "limit",
        endpoint: None,
        origin: policy.origin.clone(),
        facts: limit(found),
    });
    let mut rules: Vec<Rule> = over_all.collect();
    for endpoint in policy.settings.endpoints.values() {
        let rule = |kind, facts| Rule {
            id: id.to_owned(),
            kind,
            endpoint: Some(endpoint.name.to_string()),
            origin: policy.origin.clone(),
            facts,
        };
        let guardrails = endpoint.guardrails.iter().filter(|rail| rail.id.as_str() == id);
        rules.extend(guardrails.map(|rail| rule("guardrail", guardrail(rail, endpoint))));
        let limits = endpoint.limits.iter().filter(|limit| limit.id.as_str() == id);
        rules.extend(limits.map(|found| rule("limit", limit(found))));
        let brakes = endpoint.brakes.iter().filter(|brake| brake.id.as_str() == id);
        rules.extend(brakes.map(|found| rule("brake", brake(found))));
    }
    rules
}

impl Rule {
    pub(super) fn write(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let Self { kind, endpoint, origin, .. } = self;
        let of = endpoint.as_ref().map_or_else(
            || "over all endpoints".to_owned(),
            |endpoint| format!("of endpoint `{endpoint}`"),
        );
        writeln!(out, "{}: {kind} {of} in {origin}", paint.strong(&self.id))?;
        for (title, said) in &self.facts {
            writeln!(out, "  {title:11} {}", printable(said))?;
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        let facts: BTreeMap<String, &str> = self
            .facts
            .iter()
            .map(|(title, said)| (title.replace(' ', "_"), said.as_str()))
            .collect();
        json!({
            "id": self.id,
            "kind": self.kind,
            "endpoint": self.endpoint,
            "policy": self.origin,
            "facts": facts,
        })
    }
}

fn guardrail(rail: &Guardrail, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("reads", list(rail.on.iter().map(Channel::name))),
        ("looks for", wanted(&rail.detect)),
    ];
    if looks_for_canaries(&rail.detect) {
        facts.push(("canaries", format!("{} of the endpoint", endpoint.canaries.len())));
    }
    let left_out = unread(rail);
    if !left_out.is_empty() {
        facts.push(("leaves out", left_out.join("; ")));
    }
    let mut does = rail.action.verdict().name().to_owned();
    if rail.action == Action::Mask {
        let own = rail.operators.by_detector.iter();
        let own =
            own.map(|(detector, operator)| format!(", {detector} with `{}`", operator.name()));
        does = format!("{does} with `{}`{}", rail.operators.usual.name(), own.collect::<String>());
    }
    if rail.restore {
        does.push_str(", and puts values back into the answer");
    }
    facts.push(("does", does));
    facts.push(("mode", mode(rail.mode).to_owned()));
    let on_error = match rail.on_error {
        OnError::Block => "block what it could not read",
        OnError::Allow => "let pass what it could not read",
    };
    facts.push(("on error", on_error.to_owned()));
    facts.push(("threshold", format!("scores of {} and more", rail.threshold)));
    if let Some(sensitivity) = rail.sensitivity {
        let says = match sensitivity {
            Sensitivity::Low => "low: wrong about one harmless text in a thousand",
            Sensitivity::Balanced => "balanced: wrong about one harmless text in a hundred",
            Sensitivity::High => "high: wrong about one harmless text in fifty",
        };
        facts.push(("trained detectors", says.to_owned()));
    }
    if let Some(refine) = &rail.refine {
        facts.push((
            "asks",
            format!(
                "the model `{}` about scores of `prompt-attack` from {} to {}; its word counts, and \
                 what it cannot judge in time is not evaluated",
                refine.model, refine.from, refine.to
            ),
        ));
    }
    facts
}

fn looks_for_canaries(detect: &Detect) -> bool {
    matches!(detect, Detect::Detectors(ids) if ids.contains(&"canary-leak"))
}

fn wanted(detect: &Detect) -> String {
    match detect {
        Detect::Detectors(ids) => {
            let mut by_category: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for meta in ids.iter().filter_map(|id| detectors::find(id)).map(Detector::meta) {
                by_category.entry(meta.category.name()).or_default().push(meta.id);
            }
            let group =
                |(category, ids): (&&str, &Vec<&str>)| format!("{category} ({})", ids.join(", "));
            by_category.iter().map(group).collect::<Vec<_>>().join("; ")
        }
        Detect::Keywords(words) => format!("keywords: {}", words.join(", ")),
        Detect::Patterns(patterns) => format!("patterns: {}", patterns.join(", ")),
        Detect::Topics(topics) => {
            format!(
                "texts about none of: {}",
                topics.keys().cloned().collect::<Vec<_>>().join(", ")
            )
        }
        Detect::Size { max_bytes } => format!("texts of more than {max_bytes} bytes"),
        Detect::Links(hosts) => {
            let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            format!("links to hosts other than: {}", hosts.join(", "))
        }
        Detect::Packages(lists) => {
            let counted = |(ecosystem, list): (&Ecosystem, &PackageList)| {
                format!("{ecosystem} ({} names)", list.names.len())
            };
            let lists: Vec<String> = lists.iter().map(counted).collect();
            format!("packages that are in none of the lists: {}", lists.join(", "))
        }
    }
}

/// What the gateway does not do of a guardrail, one sentence each.
pub(crate) fn notes(rail: &Guardrail) -> Vec<String> {
    let mut notes = unread(rail);
    notes.extend(without_stand_in(rail));
    notes
}

/// Detectors whose findings have no stand-in, where the policy asks for stand-ins.
fn without_stand_in(rail: &Guardrail) -> Option<String> {
    const SHOWN: usize = 5;
    let asked = |operator: &Operator| matches!(operator, Operator::Synthetic(_));
    let without: Vec<&str> = match &rail.detect {
        _ if rail.action != Action::Mask => Vec::new(),
        Detect::Detectors(ids) => ids
            .iter()
            .filter(|id| asked(rail.operators.of(id)))
            .filter_map(|id| detectors::find(id))
            .map(Detector::meta)
            .filter(|meta| !has_stand_in(meta.label))
            .map(|meta| meta.id)
            .collect(),
        _ if asked(&rail.operators.usual) => vec!["what the policy names"],
        _ => Vec::new(),
    };
    let shown: Vec<String> = without.iter().take(SHOWN).map(|id| format!("`{id}`")).collect();
    let more = without.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!without.is_empty()).then(|| {
        format!(
            "`synthetic` has no stand-ins for {}{more}: placeholders stand there",
            shown.join(", ")
        )
    })
}

/// Detectors that do not read a channel, one sentence each.
fn unread(rail: &Guardrail) -> Vec<String> {
    let mut by_detector: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for found in left_out(rail) {
        by_detector.entry(found.detector).or_default().push(found.channel.name());
    }
    by_detector
        .into_iter()
        .map(|(detector, channels)| {
            format!(
                "`{detector}` does not read {}: it needs whole texts, and those may be streamed",
                channels.join(" and ")
            )
        })
        .collect()
}

fn limit(limit: &Limit) -> Vec<(&'static str, String)> {
    let per = match &limit.per {
        LimitSubject::User => "each person".to_owned(),
        LimitSubject::ServicePrincipal => "each program".to_owned(),
        LimitSubject::Group(name) => format!("all members of the group `{name}` together"),
        LimitSubject::Tag(name) => {
            format!("all with the same value of the tag `{name}` together, and all without it")
        }
        LimitSubject::Endpoint | LimitSubject::All => "everyone together".to_owned(),
    };
    let mut facts = vec![("counts", per)];
    if !limit.only.is_empty() {
        let names: Vec<String> = limit.only.iter().map(subject).collect();
        facts.push(("only", names.join(", ")));
    }
    let count =
        |noun: &str, rate: &Rate| format!("{} {noun} per {}", rate.amount, window(rate.window));
    let mut amounts = Vec::new();
    amounts.extend(limit.requests.as_ref().map(|rate| count("requests", rate)));
    amounts.extend(limit.tokens.as_ref().map(|rate| count("tokens", rate)));
    amounts.extend(limit.nano_usd.as_ref().map(|rate| {
        let exact = NanoUsd(rate.amount).to_string();
        let dollars = exact.trim_end_matches('0').trim_end_matches('.');
        format!("{dollars} US dollars per {}", window(rate.window))
    }));
    facts.push(("at most", amounts.join(", ")));
    facts.push(("does", "refuses with 429 and `retry-after` when there is no room".to_owned()));
    facts
}

fn brake(brake: &Brake) -> Vec<(&'static str, String)> {
    let most = brake.kind.most();
    let over = match brake.kind {
        BrakeKind::SameRequests(rate) => {
            format!(
                "more than {most} requests of one caller per {} that say nearly the same",
                window(rate.window)
            )
        }
        BrakeKind::SameToolCalls(_) => {
            format!(
                "more than {most} calls of one tool with the same arguments in one conversation"
            )
        }
        BrakeKind::ToolRounds(_) => {
            format!("more than {most} rounds of tool calls since a person said something")
        }
        BrakeKind::ConversationTokens(rate) => {
            format!("more than {most} tokens per {} of one conversation", window(rate.window))
        }
    };
    let mut facts = vec![("looks for", over)];
    if !brake.only.is_empty() {
        let names: Vec<String> = brake.only.iter().map(subject).collect();
        facts.push(("only", names.join(", ")));
    }
    let does = match brake.action {
        Action::Block => "refuses the request with 429",
        Action::Flag | Action::Mask => "notes it in the event",
    };
    facts.push(("does", does.to_owned()));
    facts.push(("mode", mode(brake.mode).to_owned()));
    facts
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::DryRun => "dry-run: says what it would have done",
    }
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Principal(member) => match member.kind {
            PrincipalKind::User => member.name.clone(),
            PrincipalKind::ServicePrincipal => format!("sp:{}", member.name),
        },
        Subject::Group(name) => name.to_string(),
    }
}

fn window(window: Duration) -> String {
    match window.as_secs() {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
