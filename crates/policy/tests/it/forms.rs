//! Values that have several right spellings, and near misses that must not pass.

use bartizan_core::packages::Ecosystem;
use bartizan_core::settings::{Detect, Settings};
use bartizan_core::{Channel, ChannelSet};

use crate::load;

fn with_guardrail(guardrail: &str) -> Result<Settings, String> {
    let text = format!(
        "version: 1\nproviders: {{ demo: {{ demo: {{}} }} }}\nendpoints:\n  e:\n    routes: [{{ \
         provider: demo }}]\n    guardrails:\n      - {{ id: g, {guardrail} }}\n"
    );
    load(&text).map_err(|error| error.render())
}

#[test]
fn channels_are_one_word_or_a_list() {
    for (on, expected) in [
        ("output", ChannelSet::of(&[Channel::Output])),
        ("input", ChannelSet::INPUT),
        ("[user, tool-call]", ChannelSet::of(&[Channel::User, Channel::ToolCall])),
        ("[input, output, tool-call]", ChannelSet::ALL),
    ] {
        let settings = with_guardrail(&format!("on: {on}, detect: pii, action: flag")).unwrap();
        assert_eq!(settings.endpoints["e"].guardrails[0].on, expected, "{on}");
    }
}

#[test]
fn a_category_leaves_out_what_is_looked_for_on_request() {
    for (detect, expected) in [
        ("detect: pii", &["email", "iban", "credit-card"][..]),
        ("detect: pii, entities: [date-time, iban]", &["iban", "date-time"]),
        ("detect: [pii, date-time]", &["email", "iban", "credit-card", "date-time"]),
        ("detect: date-time", &["date-time"]),
    ] {
        let settings = with_guardrail(&format!("on: input, {detect}, action: flag")).unwrap();
        let found = &settings.endpoints["e"].guardrails[0].detect;
        assert_eq!(*found, Detect::Detectors(expected.to_vec()), "{detect}");
    }
}

#[test]
fn near_misses_are_refused() {
    for wrong in [
        "on: [], detect: pii, action: flag",
        "on: [Input], detect: pii, action: flag",
        "on: input, detect: [], action: flag",
        "on: input, detect: pii, action: allow",
        "on: input, detect: pii, action: flag, restore: yes",
        "on: input, detect: pii, action: flag, restore: true",
        "on: input, detect: pii, action: flag, threshold: .nan",
        "on: input, detect: pii, action: flag, threshold: -0.1",
        "on: input, detect: pii, action: flag, entities: []",
        "on: input, detect: pii, action: flag, entities: [api-key]",
        "on: input, detect: keywords, keywords: [''], action: flag",
        "on: input, detect: [keywords, pii], keywords: [a], action: flag",
        "on: input, detect: patterns, patterns: ['a*'], action: flag",
        "on: input, detect: topics, topics: {}, action: flag",
        "on: output, detect: links, action: flag",
        "on: output, detect: links, hosts: [], action: flag",
        "on: output, detect: links, hosts: ['example.org/a'], action: flag",
        "on: output, detect: exfiltration, hosts: [example.org], action: flag",
        "on: output, detect: packages, packages: {}, action: flag",
        "on: output, detect: packages, packages: { pypi: [] }, action: flag",
        "on: output, detect: packages, packages: { pypi: ['requests==2'] }, action: flag",
        "on: output, detect: packages, packages: { maven: [a] }, action: flag",
        "on: output, detect: packages, packages: { pypi: 'file:nowhere.txt' }, action: flag",
        "on: output, detect: supply-chain, action: flag",
        "on: input, detect: topics, topics: { a: [] }, action: flag",
        "on: input, detect: size, action: flag",
        "on: input, detect: size, max-bytes: 0, action: flag",
        "on: input, detect: size, max-bytes: -1, action: flag",
        "on: input, detect: keyword, action: flag",
        "on: input, detect: unsafe-content, categories: [], action: flag",
        "on: input, detect: unsafe-content, categories: [email], action: flag",
        "on: input, detect: unsafe-content, categories: [hate], entities: [hate], action: flag",
        "on: input, detect: unsafe-content, thresholds: { email: 0.5 }, action: flag",
        "on: input, detect: unsafe-content, thresholds: { hate: 1.5 }, action: flag",
        "on: input, detect: keywords, keywords: [a], thresholds: { hate: 0.5 }, action: flag",
        "detect: pii, action: flag",
    ] {
        assert!(with_guardrail(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn addresses_take_hosts_with_or_without_scheme() {
    for host in ["w.example.com", "https://w.example.com", "https://w.example.com/"] {
        let text = format!(
            "version: 1\nproviders: {{ d: {{ databricks: {{ host: '{host}', token: \
             env:OPENAI_API_KEY }} }} }}"
        );
        let shown = bartizan_policy::show(&load(&text).unwrap());
        assert!(shown.contains("host: https://w.example.com\n"), "{shown}");
    }
}

#[test]
fn categories_narrow_unsafe_content_and_nothing_else() {
    let settings = with_guardrail(
        "on: input, detect: [unsafe-content, pii], categories: [hate], action: flag",
    );
    let rail = &settings.unwrap().endpoints["e"].guardrails[0];
    let Detect::Detectors(ids) = &rail.detect else { panic!("{:?}", rail.detect) };
    assert!(ids.contains(&"email") && ids.contains(&"hate") && !ids.contains(&"violence"));
}

#[test]
fn a_key_without_value_is_never_a_default() {
    let complete = crate::settings::EVERYTHING;
    for (from, to) in [
        ("allow: [analysts, \"sp:support-bot\", bob@example.com]", "allow:"),
        ("timeouts: { total: 30s }", "timeouts:"),
        ("timeouts: { total: 30s }", "timeouts: { total: ~ }"),
        ("modalities: [image, file]", "modalities: null"),
        ("unseen: [stored-state]", "unseen:"),
        ("guardrails: *shared", "guardrails:"),
        ("only: [agents]", "only: ~"),
        ("mode: dry-run", "mode: ~"),
        ("on-error: allow", "on-error:"),
        ("restore: true", "restore: ~"),
        ("threshold: 0.9", "threshold: null"),
        ("entities: [iban, email]", "entities: ~"),
        ("danger-allow-plain-http: true", "danger-allow-plain-http: ~"),
        ("on-failure: buffer", "on-failure: ~"),
        ("telemetry: { otlp-endpoint: \"http://collector:4318/\" }", "telemetry:"),
    ] {
        let text = complete.replacen(from, to, 1);
        assert_ne!(text, complete, "{from}");
        assert!(load(&text).is_err(), "{to}");
    }
}

#[test]
fn hosts_and_packages_are_compared_in_one_form() {
    let detect = |rest: &str| {
        let settings = with_guardrail(&format!("on: output, {rest}, action: flag")).unwrap();
        settings.endpoints["e"].guardrails[0].detect.clone()
    };
    let Detect::Links(hosts) = detect("detect: links, hosts: [Example.ORG., '*.corp.example']")
    else {
        panic!("these are links");
    };
    assert_eq!(
        hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["example.org", "*.corp.example"]
    );
    let Detect::Packages(lists) =
        detect("detect: packages, packages: { pypi: [Zope.Interface], npm: left-pad }")
    else {
        panic!("these are packages");
    };
    assert!(lists[&Ecosystem::Pypi].names.contains("zope_interface"));
    assert!(lists[&Ecosystem::Npm].names.contains("left-pad"));
    assert_eq!(lists.len(), 2);
}
