//! What a change weakens: each kind of change and its inverse, and what guards then make of texts.

mod behaviour;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bartizan_core::settings::{LocalModel, Refine, Settings, Subject};
use bartizan_policy::weaken::{self, WeaknessKind};

use crate::load;

const BASE: &str = r#"version: 1
groups:
  analysts: [alice@example.com, bob@example.com]
  spare: [carol@example.com]
providers:
  near: { openai: { base-url: "https://near.example/v1", api-key: env:OPENAI_API_KEY } }
  far: { openai: { base-url: "https://far.example/v1", api-key: env:OPENAI_API_KEY } }
identity:
  issuers:
    - { id: idp, issuer: "https://idp.example", audiences: [gateway], max-age: 2h }
endpoints:
  main:
    routes: [{ provider: near, model: small }, { provider: near, model: large }]
    guardrails:
      - { id: g-pii, on: [user, output], detect: [email, iban], action: mask, operator: label, threshold: 0.5 }
      - { id: g-words, on: [user], detect: keywords, keywords: [falcon, zanzibar], action: block }
      - { id: g-ticket, on: [user], detect: patterns, patterns: ['PROJ-\d{1,6}'], action: flag, allow: [{ literal: PROJ-1, reason: public, expires: 2030-01-31 }] }
      - { id: g-topic, on: [user], detect: topics, topics: { billing: [invoice, refund] }, action: flag }
      - { id: g-size, on: [user], detect: size, max-bytes: 1000, action: block }
      - { id: g-links, on: [output], detect: links, hosts: ["*.corp.example", docs.example], action: flag }
      - { id: g-packages, on: [output], detect: packages, packages: { pypi: [requests, flask] }, action: flag }
      - { id: g-leak, on: [output, tool-call], detect: prompt-leak, action: block }
    limits:
      - { id: l-user, per: user, only: [analysts, dave@example.com], requests: 60/min, tokens: 10k/min }
    allow: [analysts, dave@example.com]
    canaries: [heron-quartz-lantern]
    timeouts: { total: 30s }
  braked:
    routes: [{ provider: near, model: small }]
    brakes: [{ id: b-depth, tool-rounds: 9, action: block }]
  free: { routes: [{ provider: near }] }
prices:
  small: { input: 1, output: 2 }
ledger: { keep: 30d, areas: { admin: { durability: strict } } }
approvals: { weaker-endpoints: two-people, policy-file: two-people, expire: 2h }
"#;

fn settings(text: &str) -> Settings {
    load(text).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn kinds(old: &str, new: &str) -> BTreeSet<&'static str> {
    let weaker = weaken::policy(&settings(old), &settings(new), &BTreeMap::new());
    for weakness in &weaker {
        assert!(!weakness.words.is_empty());
        // Whoever reads what becomes weaker does not learn what is protected.
        for hidden in ["zanzibar", "heron", "PROJ-", "sk-test"] {
            assert!(!weakness.to_string().contains(hidden), "{weakness}");
        }
    }
    weaker.into_iter().map(|weakness| weakness.kind.name()).collect()
}

/// What stands there, what takes its place, what is weaker then, and what is weaker on the way back.
type Edit = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const EDITS: &[Edit] = &[
    // Guardrails.
    ("      - { id: g-words, on: [user], detect: keywords, keywords: [falcon, zanzibar], action: block }\n", "", &["guardrail-removed"], &[]),
    ("on: [user, output], detect: [email", "on: [user], detect: [email", &["channels-fewer"], &[]),
    ("detect: [email, iban]", "detect: [email]", &["detects-less"], &[]),
    ("detect: [email, iban]", "detect: [iban, email]", &[], &[]),
    ("detect: [email, iban]", "detect: [email, credit-card]", &["detects-less"], &["detects-less"]),
    ("keywords: [falcon, zanzibar], action: block", "keywords: [falcon], action: block", &["detects-less"], &[]),
    ("keywords: [falcon, zanzibar], action: block", "keywords: [falcon, zanzibar], action: mask", &["action-milder"], &[]),
    ("keywords: [falcon, zanzibar], action: block", "keywords: [falcon, zanzibar], action: block, mode: dry-run", &["dry-run"], &[]),
    ("keywords: [falcon, zanzibar], action: block", "keywords: [falcon, zanzibar], action: block, on-error: allow", &["on-error-allow"], &[]),
    ("detect: keywords, keywords: [falcon, zanzibar]", "detect: [email]", &["detects-less"], &["detects-less"]),
    ("patterns: ['PROJ-\\d{1,6}']", "patterns: ['PROJ-\\d{1,6}', 'ABC-\\d{1,6}']", &[], &["detects-less"]),
    ("topics: { billing: [invoice, refund] }", "topics: { billing: [invoice] }", &[], &["detects-less"]),
    ("topics: { billing: [invoice, refund] }", "topics: { billing: [invoice, refund], other: [weather] }", &["detects-less"], &[]),
    ("max-bytes: 1000", "max-bytes: 999", &[], &["detects-less"]),
    ("\"*.corp.example\", docs.example", "\"*.a.corp.example\", docs.example", &[], &["detects-less"]),
    ("\"*.corp.example\", docs.example", "\"*.corp.example\"", &[], &["detects-less"]),
    ("pypi: [requests, flask]", "pypi: [requests]", &[], &["detects-less"]),
    ("pypi: [requests, flask]", "pypi: [requests, flask], npm: [left-pad]", &[], &["detects-less"]),
    ("threshold: 0.5", "threshold: 0.6", &["threshold-higher"], &[]),
    ("threshold: 0.5", "threshold: 0.5, thresholds: { iban: 0.9 }", &["threshold-higher"], &[]),
    ("threshold: 0.5", "threshold: 0.5, thresholds: { iban: 0.2 }", &[], &["threshold-higher"]),
    ("operator: label", "operator: { partial: { last: 4, with: '*' } }", &["operator-weaker"], &[]),
    ("operator: label", "operator: redact", &[], &["operator-weaker"]),
    ("operator: label", "operator: { replace: gone }", &[], &["operator-weaker"]),
    ("operator: label", "operator: placeholder, restore: true", &["operator-weaker", "restores-more"], &[]),
    ("expires: 2030-01-31", "expires: 2030-02-28", &["exception-wider"], &[]),
    (", expires: 2030-01-31", "", &["exception-wider"], &[]),
    ("reason: public, ", "reason: known, ", &[], &[]),
    ("detect: [email, iban], action", "detect: [email, iban], except: [{ principal: alice@example.com, rule: email, reason: hers }], action", &["exception-wider"], &[]),
    // Limits over all, brakes, and what is kept.
    ("endpoints:\n", "limits: [{ id: l-all, per: all, requests: 9/min }]\nendpoints:\n", &[], &["limit-removed"]),
    ("    canaries", "    brakes: [{ id: b-loop, same-requests: 3/min, action: block }]\n    canaries", &[], &["brake-removed"]),
    ("    canaries", "    tags: { team: search }\n    canaries", &["limit-raised"], &["limit-raised"]),
    ("    brakes: [{ id: b-depth, tool-rounds: 9, action: block }]", "    brakes: [{ id: b-depth, tool-rounds: 10, action: block }]", &["brake-weaker"], &[]),
    ("tool-rounds: 9, action: block", "tool-rounds: 9, action: flag", &["brake-weaker"], &[]),
    ("tool-rounds: 9, action: block", "tool-rounds: 9, action: block, mode: dry-run", &["brake-weaker"], &[]),
    ("tool-rounds: 9, action: block", "tool-rounds: 9, action: block, only: [analysts]", &["brake-weaker"], &[]),
    ("tool-rounds: 9", "same-tool-calls: 9", &["brake-weaker"], &["brake-weaker"]),
    // The rest of an endpoint.
    ("    routes: [{ provider: near, model: small }, { provider: near, model: large }]", "    routes: [{ provider: near, model: large }]", &["route-added"], &["route-added"]),
    ("{ provider: near, model: small }, { provider: near, model: large }", "{ provider: near, model: large }, { provider: near, model: small }", &[], &[]),
    ("{ provider: near, model: small }, { provider: near", "{ provider: far, model: small }, { provider: near", &["route-added"], &["route-added"]),
    ("free: { routes: [{ provider: near }] }", "free: { routes: [{ provider: near, model: small }] }", &["route-added"], &["route-added"]),
    ("  free: { routes: [{ provider: near }] }\n", "", &["endpoint-removed"], &["endpoint-added"]),
    ("      - { id: l-user, per: user, only: [analysts, dave@example.com], requests: 60/min, tokens: 10k/min }\n", "      - { id: l-other, per: user, requests: 1/min }\n", &["limit-removed"], &["limit-removed"]),
    ("requests: 60/min", "requests: 59/min", &[], &["limit-raised"]),
    ("requests: 60/min", "requests: 60/h", &["limit-raised"], &["limit-raised"]),
    (", tokens: 10k/min", "", &["limit-raised"], &[]),
    ("requests: 60/min", "soft: 80%, requests: 60/min", &[], &[]),
    ("only: [analysts, dave@example.com], ", "", &[], &["limit-narrower"]),
    ("only: [analysts, dave@example.com], ", "only: [analysts], ", &["limit-narrower"], &[]),
    ("per: user, only", "per: endpoint, only", &["limit-raised"], &["limit-raised"]),
    ("    allow: [analysts, dave@example.com]\n", "", &["allow-wider"], &[]),
    ("    allow: [analysts, dave@example.com]\n", "    allow: [dave@example.com]\n", &[], &["allow-wider"]),
    ("    canaries: [heron-quartz-lantern]\n", "", &["canary-removed"], &[]),
    ("    canaries", "    modalities: [image]\n    canaries", &["modality-added"], &[]),
    ("    canaries", "    unseen: [stored-state]\n    canaries", &["unseen-added"], &[]),
    ("total: 30s", "total: 90s", &[], &[]),
    // Outside of endpoints.
    ("[alice@example.com, bob@example.com]", "[alice@example.com, bob@example.com, eve@example.com]", &["group-changed"], &["group-changed"]),
    ("spare: [carol@example.com]", "spare: []", &[], &["group-changed"]),
    ("  spare: [carol@example.com]", "  spare: [carol@example.com]\n  other: [eve@example.com]", &[], &[]),
    ("https://far.example", "https://elsewhere.example", &["provider-changed"], &["provider-changed"]),
    ("audiences: [gateway]", "audiences: [gateway, other]", &["identity-wider"], &[]),
    ("max-age: 2h", "max-age: 3h", &["identity-wider"], &[]),
    ("    - { id: idp", "    - { id: more, issuer: \"https://more.example\", audiences: [x] }\n    - { id: idp", &["identity-wider"], &[]),
    ("  issuers:", "  tokens: {}\n  issuers:", &["identity-wider"], &[]),
    ("small: { input: 1, output: 2 }", "small: { input: 1, output: 1 }", &["price-lower"], &[]),
    ("  small: { input: 1, output: 2 }", "  small: { input: 1, output: 2 }\n  \"*\": { input: 9, output: 9 }", &[], &["price-lower"]),
    ("keep: 30d", "keep: 29d", &["ledger-weaker"], &[]),
    ("durability: strict", "durability: batched", &["ledger-weaker"], &[]),
    ("durability: strict }", "durability: strict, on-failure: buffer }", &["ledger-weaker"], &[]),
    ("policy-file: two-people", "policy-file: none", &["approvals-weaker"], &[]),
    ("weaker-endpoints: two-people, ", "", &["approvals-weaker"], &[]),
    ("expire: 2h", "expire: 3h", &["approvals-weaker"], &[]),
    ("version: 1\n", "version: 1\ndata-dir: elsewhere\n", &["outside-changed"], &["outside-changed"]),
    ("version: 1\n", "version: 1\nlisten: { console-names: [console.example] }\n", &["outside-changed"], &["outside-changed"]),
    ("version: 1\n", "version: 1\ntelemetry: { otlp-endpoint: \"http://127.0.0.1:4318\" }\n", &["outside-changed"], &["outside-changed"]),
    ("version: 1\n", "version: 1\nsecrets: { key: file:other.key }\n", &["outside-changed"], &["outside-changed"]),
    ("version: 1\n", "version: 1\nstate: { postgres: { url: \"postgres://me@127.0.0.1/db\" } }\n", &["outside-changed"], &["outside-changed"]),
    ("ledger: {", "ledger: { sinks: [{ id: s, file: { path: events.jsonl } }], ", &["outside-changed"], &["outside-changed"]),
    ("approvals:", "tests: [{ as: alice@example.com, endpoint: main, expect: allow }]\napprovals:", &[], &[]),
];

#[test]
fn each_change_is_named_and_so_is_its_inverse() {
    assert_eq!(kinds(BASE, BASE), BTreeSet::new());
    let mut named = BTreeSet::new();
    for (from, to, weaker, weaker_back) in EDITS {
        assert!(BASE.contains(from), "{from}");
        let changed = BASE.replacen(from, to, 1);
        let context = format!("{from} -> {to}");
        let (there, back) = (kinds(BASE, &changed), kinds(&changed, BASE));
        assert_eq!(there, weaker.iter().copied().collect(), "{context}");
        assert_eq!(back, weaker_back.iter().copied().collect(), "back from {context}");
        named.extend(there);
        named.extend(back);
    }
    // Other tests lead to these: they take files.
    named.extend(["refine-changed", "model-changed", "cedar-changed", "inference-log-changed"]);
    let all: BTreeSet<_> = WeaknessKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(named, all, "each kind has a change that leads to it");
}

#[test]
fn a_credential_that_is_changed_weakens_nothing() {
    let changed = BASE.replacen("api-key: env:OPENAI_API_KEY", "api-key: env:MASK_KEY", 1);
    assert_eq!(kinds(BASE, &changed), BTreeSet::new());
}

#[test]
fn what_cedar_files_say_is_not_judged_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.cedar");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let sources = bartizan_policy::Sources::of(&crate::variable);
        let policy = format!("{BASE}cedar: [a.cedar]\n");
        let full = crate::catalogue::FULL;
        bartizan_policy::load_str(&policy, "f", folder.path(), full, sources).unwrap()
    };
    let forbid = "@id(\"c-none\")\nforbid (principal, action, resource);";
    let (strict, open) = (load(forbid), load("// nothing\n"));
    let judge = |old: &Settings, new: &Settings| {
        let weaker = weaken::policy(old, new, &BTreeMap::new());
        weaker.into_iter().map(|weakness| weakness.kind).collect::<Vec<_>>()
    };
    assert_eq!(judge(&strict, &load(forbid)), []);
    assert_eq!(judge(&strict, &open), [WeaknessKind::CedarChanged]);
    assert_ne!(strict.fingerprint.whole, open.fingerprint.whole);
    assert!(strict.fingerprint.whole.starts_with(&strict.version));
    // Where files may speak of any group, every member of one counts.
    let mut grown = open.clone();
    let eve = bartizan_core::settings::Member {
        kind: bartizan_core::principal::PrincipalKind::User,
        name: "eve@example.com".to_owned(),
    };
    grown.groups.insert("new".parse().unwrap(), BTreeSet::from([eve]));
    assert_eq!(judge(&open, &grown), [WeaknessKind::GroupChanged]);
}

#[test]
fn another_model_or_another_question_to_it_counts() {
    let old = settings(BASE);
    let kinds = |old: &Settings, new: &Settings| {
        let weaker = weaken::policy(old, new, &BTreeMap::new());
        weaker.into_iter().map(|weakness| weakness.kind).collect::<Vec<_>>()
    };
    let mut asks = old.clone();
    let rail = &mut asks.endpoints.get_mut("main").unwrap().guardrails[0];
    rail.refine = Some(Refine { model: "mine".parse().unwrap(), from: 0.2, to: 0.9 });
    assert_eq!(kinds(&old, &asks), [WeaknessKind::RefineChanged]);
    assert_eq!(kinds(&asks, &old), [WeaknessKind::RefineChanged]);
    let with = |threshold| {
        let mut settings = old.clone();
        let model = LocalModel {
            path: "model".into(),
            labels: vec!["attack".to_owned()],
            threshold,
            max_tokens: None,
            budget: Duration::ZERO,
            request_budget: Duration::ZERO,
        };
        settings.models.insert("mine".parse().unwrap(), model);
        settings
    };
    assert_eq!(kinds(&with(0.5), &with(0.9)), [WeaknessKind::ModelChanged]);
    assert_eq!(kinds(&with(0.5), &with(0.5)), []);
    assert_eq!(kinds(&old, &with(0.5)), [], "nothing asks it");
}

#[test]
fn who_is_in_a_group_counts_for_endpoints_that_are_not_in_the_file() {
    let old = settings(BASE);
    let mut new = old.clone();
    new.groups.get_mut("spare").unwrap().clear();
    let mut limited = old.endpoints["main"].clone();
    limited.limits[0].only = [Subject::Group("spare".parse().unwrap())].into();
    let kinds = |besides: &BTreeMap<_, _>| {
        let weaker = weaken::policy(&old, &new, besides);
        weaker.into_iter().map(|weakness| weakness.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&BTreeMap::new()), []);
    let besides = BTreeMap::from([("own".parse().unwrap(), limited)]);
    assert_eq!(kinds(&besides), [WeaknessKind::GroupChanged]);
}
