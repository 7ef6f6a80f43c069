//! What does nothing is said, and nothing else.

use std::path::Path;

use bartizan_core::catalog::Meta;

use super::*;
use crate::{Catalogue, Sources};

const HEAD: &str = "
version: 1
providers: { demo: { demo: {} } }
groups:
  few: [alice@example.com, \"sp:bot\"]
";

/// Detectors are named by patterns and keywords here, so that no catalogue is needed.
fn found(policy: &str) -> Vec<String> {
    let none: &[&'static Meta] = &[];
    let catalogue = Catalogue { detectors: none, ..Catalogue::EMPTY };
    let sources = Sources::of(&|_| None);
    let text = format!("{HEAD}{policy}");
    let settings = crate::load_str(&text, "p", Path::new(""), catalogue, sources)
        .unwrap_or_else(|error| panic!("{}", error.render()));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    lints(&settings, now).into_iter().map(|lint| format!("{} {}", lint.id, lint.at)).collect()
}

/// An endpoint `e` with these members.
fn endpoint(members: &str) -> String {
    format!("endpoints:\n  e: {{ routes: [{{ provider: demo }}], allow: [few], {members} }}\n")
}

#[test]
fn a_policy_in_which_everything_counts_is_quiet() {
    let members = r"
    guardrails:
      - { id: g-word, on: input, detect: keywords, keywords: [one], action: block }
      - { id: g-other, on: input, detect: keywords, keywords: [two], action: block }
      - { id: g-word-out, on: output, detect: keywords, keywords: [one], action: block }
    limits:
      - { id: l-user, per: user, requests: 10/min }
      - { id: l-user-day, per: user, requests: 100/day }
      - { id: l-bot, per: service-principal, requests: 10/min, tokens: 10k/day }
      - { id: l-all, per: endpoint, requests: 15/min }
";
    let policy =
        format!("endpoints:\n  e:\n    routes: [{{ provider: demo }}]\n    allow: [few]{members}");
    assert_eq!(found(&policy), Vec::<String>::new());
}

#[test]
fn what_nothing_uses_is_said() {
    let policy = endpoint("")
        .replace("endpoints:", "prices: { small: { input: 1, output: 1 } }\nendpoints:");
    // A route without a model may be asked for any.
    assert_eq!(found(&policy), Vec::<String>::new());
    let policy = policy.replace("provider: demo }", "provider: demo, model: large }");
    assert_eq!(found(&policy), ["unused-price prices.small"]);
    let policy = endpoint("").replace(", allow: [few]", "");
    assert_eq!(found(&policy), ["unused-group groups.few"]);
    assert_eq!(found(""), ["unused-provider providers.demo", "unused-group groups.few"]);
}

#[test]
fn a_group_that_tokens_fill_is_not_empty() {
    let issuer = "identity: { issuers: [{ id: corp, issuer: https://login.example, audiences: [a], groups: { claim: g, map: { x: few } } }] }\n";
    let limits = "limits: [{ id: l-bob, per: user, only: [bob@example.com], requests: 1/min }]";
    let policy = endpoint(limits);
    let head = HEAD.replace("[alice@example.com, \"sp:bot\"]", "[]");
    let of = |text: String| {
        let sources = Sources::of(&|_| None);
        let settings =
            crate::load_str(&text, "p", Path::new(""), Catalogue::EMPTY, sources).unwrap();
        lints(&settings, "2026-06-01T00:00:00Z".parse().unwrap())
    };
    assert_eq!(of(format!("{head}{issuer}{policy}")), []);
    let ids: Vec<&str> = of(format!("{head}{policy}")).iter().map(|lint| lint.id).collect();
    assert_eq!(ids, ["empty-group", "closed-endpoint", "unreachable-limit"]);
}

#[test]
fn who_is_nobody_reaches_nothing() {
    let head = "endpoints:\n  e: { routes: [{ provider: demo }], allow: [few], limits: [{ id: l-none, per: user, only: [bob@example.com], requests: 1/min }] }\n";
    assert_eq!(found(head), ["unreachable-limit endpoints.e.limits.l-none"]);
    let named = head.replace("bob@", "alice@");
    assert_eq!(found(&named), Vec::<String>::new());
    // Whoever has a key may call, so that bob may be counted.
    let open = head.replace(" allow: [few],", "");
    assert_eq!(found(&open), ["unused-group groups.few"]);
}

#[test]
fn a_brake_that_can_never_act_is_said() {
    let brakes = |first: &str, second: &str| {
        found(&endpoint(&format!("brakes: [{{ id: b-1, {first} }}, {{ id: b-2, {second} }}]")))
    };
    let two = "shadowed-brake endpoints.e.brakes.b-2";
    let one = "shadowed-brake endpoints.e.brakes.b-1";
    for (first, second, expected) in [
        ("tool-rounds: 5, action: block", "tool-rounds: 6, action: block", &[two][..]),
        ("tool-rounds: 6, action: flag", "tool-rounds: 5, action: block", &[one]),
        ("tool-rounds: 5, action: flag", "tool-rounds: 6, action: block", &[]),
        ("tool-rounds: 5, action: block, mode: dry-run", "tool-rounds: 6, action: block", &[]),
        ("tool-rounds: 5, action: block", "same-tool-calls: 6, action: block", &[]),
        ("same-requests: 5/min, action: block", "same-requests: 9/min, action: flag", &[two]),
        ("same-requests: 5/min, action: block", "same-requests: 9/h, action: flag", &[]),
        ("tool-rounds: 5, action: block, only: [few]", "tool-rounds: 6, action: block", &[]),
        ("tool-rounds: 5, action: block", "tool-rounds: 6, action: block, only: [few]", &[two]),
        (
            "tool-rounds: 5, action: block, only: [bob@example.com]",
            "tool-rounds: 6, action: block",
            &["unreachable-brake endpoints.e.brakes.b-1"],
        ),
    ] {
        assert_eq!(brakes(first, second), expected, "{first} / {second}");
    }
}

#[test]
fn limits_over_all_endpoints_are_looked_at_too() {
    let limits = "limits: [{ id: l-1, per: { tag: team }, usd: 5/day }, { id: l-2, per: { tag: team }, usd: 6/day }, { id: l-3, per: { tag: project }, usd: 6/day }]\n";
    let policy =
        format!("prices: {{ \"*\": {{ input: 1, output: 1 }} }}\n{limits}{}", endpoint(""));
    assert_eq!(found(&policy), ["shadowed-limit limits.l-2"]);
    // They speak of groups as well.
    let limits = "limits: [{ id: l-1, per: { group: few }, requests: 5/day }]\n";
    let policy = format!("{limits}{}", endpoint("").replace(", allow: [few]", ""));
    assert_eq!(found(&policy), Vec::<String>::new());
}

#[test]
fn a_limit_that_another_one_reaches_first_is_said_once() {
    let limits = |first: &str, second: &str| {
        found(&endpoint(&format!("limits: [{{ id: l-1, {first} }}, {{ id: l-2, {second} }}]")))
    };
    let two = "shadowed-limit endpoints.e.limits.l-2";
    let one = "shadowed-limit endpoints.e.limits.l-1";
    for (first, second, expected) in [
        ("per: user, requests: 5/min", "per: user, requests: 6/min", &[two][..]),
        ("per: user, requests: 6/min", "per: user, requests: 5/min", &[one]),
        ("per: user, requests: 5/min", "per: user, requests: 5/min", &[two]),
        ("per: user, requests: 5/min", "per: user, requests: 5/h", &[]),
        ("per: user, requests: 5/min", "per: endpoint, requests: 5/min", &[]),
        ("per: user, requests: 5/min", "per: user, requests: 6/min, tokens: 1k/day", &[]),
        ("per: user, requests: 5/min", "per: user, only: [few], requests: 6/min", &[two]),
        ("per: user, only: [few], requests: 5/min", "per: user, requests: 6/min", &[]),
        // Their windows begin at different times.
        ("per: endpoint, requests: 5/min", "per: endpoint, only: [few], requests: 6/min", &[]),
    ] {
        assert_eq!(limits(first, second), expected, "{first} | {second}");
    }
}

#[test]
fn a_guardrail_behind_one_that_does_as_much_is_said() {
    let rails = |first: &str, second: &str| {
        let word = "detect: keywords, keywords: [one]";
        found(&endpoint(&format!(
            "guardrails: [{{ id: g-1, {word}, {first} }}, {{ id: g-2, {word}, {second} }}]"
        )))
    };
    let said = &["shadowed-guardrail endpoints.e.guardrails.g-2"][..];
    for (first, second, expected) in [
        ("on: input, action: block", "on: user, action: block", said),
        ("on: input, action: block", "on: user, action: flag", said),
        ("on: input, action: mask", "on: user, action: mask", said),
        ("on: user, action: block", "on: input, action: block", &[]),
        ("on: input, action: flag", "on: input, action: block", &[]),
        ("on: input, action: block, mode: dry-run", "on: input, action: block", &[]),
        (
            "on: input, action: block, mode: dry-run",
            "on: input, action: block, mode: dry-run",
            said,
        ),
        ("on: input, action: mask", "on: input, action: mask, operator: redact", &[]),
        (
            "on: input, action: block, allow: [{ literal: one, reason: ours }]",
            "on: input, action: block",
            &[],
        ),
    ] {
        assert_eq!(rails(first, second), expected, "{first} | {second}");
    }
}
