//! The embedded default policy, for every environment.

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_core::settings::{Detect, ProviderKind, Rate};
use bartizan_core::verdict::Action;
use bartizan_core::{Channel, ChannelSet};
use bartizan_policy::{Sources, default_settings, default_yaml, load_str};

use crate::catalogue::FULL;

const VARIABLES: [(&str, &str); 6] = [
    ("OPENAI_API_KEY", "sk-test-1"),
    ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/"),
    ("ANTHROPIC_API_KEY", "sk-test-2"),
    ("ANTHROPIC_BASE_URL", "https://anthropic.example.com/v1"),
    ("DATABRICKS_HOST", "workspace.example.com"),
    ("DATABRICKS_TOKEN", "dapi-test-3"),
];

fn every_environment() -> impl Iterator<Item = BTreeMap<&'static str, &'static str>> {
    (0..1_u32 << VARIABLES.len()).map(|bits| {
        let set = |index: &usize| bits & (1 << index) != 0;
        (0..VARIABLES.len()).filter(set).map(|index| VARIABLES[index]).collect()
    })
}

#[test]
fn loads_in_every_environment() {
    for environment in every_environment() {
        let env = |name: &str| environment.get(name).map(|value| (*value).to_owned());
        let sources = Sources::of(&env);
        let settings = default_settings(FULL, sources, Path::new("/var/lib/b"))
            .unwrap_or_else(|error| panic!("{environment:?}\n{}", error.render()));

        let has = |name: &str| environment.contains_key(name);
        let mut expected = vec!["demo"];
        if has("ANTHROPIC_API_KEY") {
            expected.push("anthropic");
        }
        if has("OPENAI_API_KEY") {
            expected.push("openai");
        }
        if has("DATABRICKS_HOST") && has("DATABRICKS_TOKEN") {
            expected.push("databricks");
        }
        expected.sort_unstable();
        let names = |keys: Vec<&bartizan_core::Name>| -> Vec<String> {
            keys.into_iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(settings.endpoints.keys().collect()), expected, "{environment:?}");
        assert_eq!(names(settings.providers.keys().collect()), expected, "{environment:?}");
        assert_eq!(settings.data_dir, Path::new("/var/lib/b"));

        // Whatever the provider, the same guards and limits stand before it.
        let demo = &settings.endpoints["demo"];
        assert_eq!(demo.guardrails.len(), 12);
        for endpoint in settings.endpoints.values() {
            assert_eq!(endpoint.guardrails, demo.guardrails);
            assert_eq!(endpoint.limits, demo.limits);
        }
    }
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let env = |name: &str| (name == "OPENAI_API_KEY").then(String::new);
    let settings = default_settings(FULL, Sources::of(&env), Path::new("d")).unwrap();
    assert_eq!(settings.providers.len(), 1);
}

#[test]
fn base_urls_of_the_environment_are_honoured() {
    let env = |name: &str| {
        VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let settings = default_settings(FULL, Sources::of(&env), Path::new("d")).unwrap();
    let url = |name: &str| match &settings.providers[name].kind {
        ProviderKind::OpenAi { base_url, .. } | ProviderKind::Anthropic { base_url, .. } => {
            base_url.clone()
        }
        ProviderKind::Databricks { host, token } => {
            assert_eq!(token.expose(), "dapi-test-3");
            host.clone()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(url("openai"), "http://127.0.0.1:9/v1");
    assert_eq!(url("anthropic"), "https://anthropic.example.com");
    assert_eq!(url("databricks"), "https://workspace.example.com");
}

#[test]
fn the_default_guards_are_the_documented_ones() {
    let sources = Sources::of(&|_| None);
    let settings = default_settings(FULL, sources, Path::new("d")).unwrap();
    let endpoint = &settings.endpoints["demo"];
    let ids: Vec<&str> = endpoint.guardrails.iter().map(|rail| rail.id.as_str()).collect();
    let expected = [
        "g-injection",
        "g-planted",
        "g-disguise",
        "g-pii",
        "g-secrets",
        "g-exfil",
        "g-leak",
        "g-markup",
        "g-terminal",
        "g-code",
        "g-unsafe",
        "g-flood",
    ];
    assert_eq!(ids, expected);
    let rail = |id: &str| endpoint.guardrails.iter().find(|rail| rail.id.as_str() == id).unwrap();
    assert_eq!(rail("g-injection").action, Action::Block);
    assert_eq!(rail("g-injection").on, ChannelSet::INPUT);
    let attacks = Detect::Detectors(vec!["instruction-override", "prompt-attack", "role-play"]);
    assert_eq!(rail("g-injection").detect, attacks);
    // What is not sure is looked at, and stops nobody.
    for id in ["g-planted", "g-code", "g-unsafe"] {
        assert_eq!(rail(id).action, Action::Flag, "{id}");
    }
    let secrets = rail("g-secrets");
    assert_eq!(secrets.on, ChannelSet::INPUT.with(Channel::Output).with(Channel::ToolCall));
    assert!(secrets.restore && secrets.action == Action::Mask);
    assert_eq!(rail("g-pii").detect, Detect::Detectors(vec!["email", "iban", "credit-card"]));
    let minute = std::time::Duration::from_secs(60);
    assert_eq!(endpoint.limits[0].requests, Some(Rate { amount: 600, window: minute }));
}

#[test]
fn the_written_file_is_the_policy_that_runs() {
    let env = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| "sk-test".to_owned());
    let sources = Sources::of(&env);
    let yaml = default_yaml(sources);
    assert!(!yaml.contains("#?") && !yaml.contains("sk-test"), "{yaml}");
    assert!(yaml.lines().all(|line| line.trim_end() == line), "trailing blanks");
    let written = load_str(&yaml, "bartizan.yaml", Path::new(""), FULL, sources).unwrap();
    let run = default_settings(FULL, sources, Path::new("./bartizan-data")).unwrap();
    assert_eq!(format!("{written:?}"), format!("{run:?}"));
}

#[test]
fn parts_without_a_credential_stay_as_comments_ready_to_use() {
    let all = |name: &str| Some(format!("value-of-{name}"));
    let complete = default_yaml(Sources::of(&all));
    let bare = default_yaml(Sources::of(&|_| None));
    assert_eq!(bare.lines().count(), complete.lines().count());
    let mut comments = 0;
    for (bare, complete) in bare.lines().zip(complete.lines()) {
        if bare != complete {
            // Taking the comment sign away gives the line that runs.
            assert_eq!(bare.replacen("# ", "", 1), complete);
            comments += 1;
        }
    }
    assert_eq!(comments, 24);
}
