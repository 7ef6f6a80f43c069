//! What a full policy becomes.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bartizan_core::PrincipalKind;
use bartizan_core::settings::{
    Detect, LimitSubject, Modality, OnError, ProviderKind, Rate, Unseen,
};
use bartizan_policy::{Sources, json_schema, load_file, load_str, show};
use expect_test::expect;

use crate::catalogue::FULL;
use crate::{load, variable};

pub(crate) const EVERYTHING: &str = r#"
version: 1
data-dir: /var/lib/bartizan
listen: { gateway: "0.0.0.0:0", console: "[::1]:8081", console-names: [bartizan.internal, "*.Corp.example"] }

providers:
  openai: { openai: { api-key: env:OPENAI_API_KEY } }
  local: { openai-compatible: { base-url: "http://127.0.0.1:11434/v1/" } }
  azure: { azure-openai: { base-url: https://a.openai.azure.com, api-version: 2024-10-21, api-key: env:OPENAI_API_KEY } }
  claude: { anthropic: { api-key: env:OPENAI_API_KEY } }
  dbx: { databricks: { host: env:HOST, token: env:OPENAI_API_KEY } }
  far: { openai-compatible: { base-url: "http://10.0.0.7/v1", danger-allow-plain-http: true } }
  demo: { demo: {} }

groups:
  analysts: [alice@example.com]
  agents: ["sp:support-bot"]

limits:
  - { id: l-tag, per: { tag: team }, only: [analysts], usd: 50/day, soft: 80% }
  - { id: l-whole, per: all, tokens: 2M/day }

endpoints:
  protected-llm:
    routes: [{ provider: openai, model: gpt-5-mini }, { provider: dbx, model: claude-sonnet }]
    guardrails: &shared
      - { id: g-pii, on: [input, output], detect: pii, entities: [iban, email], action: mask, restore: true, on-error: allow }
      - { id: g-mix, on: tool-call, detect: [secret, email], action: block, mode: dry-run, threshold: 0.9, allow: [{ literal: a@example.com, reason: of the manual, expires: 2030-01-31 }, { pattern: '[a-z]{1,9}@example[.]org', reason: ours }], except: [{ group: analysts, rule: email, reason: they review }, { principal: "sp:support-bot", rule: email, reason: it writes mail }] }
      - { id: g-leak, on: [output, tool-call], detect: prompt-leak, action: block }
      - { id: g-words, on: [output], detect: keywords, keywords: [project falcon, "12"], action: block }
      - { id: g-ticket, on: [output], detect: patterns, patterns: ['\bPROJ-\d{1,6}\b'], action: flag }
      - { id: g-topic, on: [user], detect: topics, topics: { billing: [invoice, refund] }, action: block }
      - { id: g-size, on: [input], detect: size, max-bytes: 65536, action: block }
    limits:
      - { id: l-user, per: user, requests: 60/min, tokens: 10k/min }
      - { id: l-bot, per: service-principal, only: [agents], tokens: 2M/day, usd: 5/day }
      - { id: l-team, per: { group: analysts }, usd: "0.50/h" }
      - { id: l-all, per: endpoint, requests: 10k/s }
      - { id: l-project, per: { tag: project }, requests: 1/s }
    brakes:
      - { id: b-loop, same-requests: 10/min, action: block }
      - { id: b-tool, same-tool-calls: 5, action: flag }
      - { id: b-depth, tool-rounds: 30, action: block, only: [agents] }
      - { id: b-growth, conversation-tokens: 200k/h, action: block, mode: dry-run }
    tags: { cost-center: "4711", team: "Search & Ads" }
    modalities: [image, file]
    unseen: [stored-state]
    allow: [analysts, "sp:support-bot", bob@example.com]
    canaries: [bz-7f3a-harbour, "0192 4410"]
    timeouts: { total: 30s }
    inference-log: { keep: 7d, share: 10%, on-failure: answer }
  open:
    routes: [{ provider: demo }]
    guardrails: *shared
    inference-log: {}

prices:
  gpt-5-mini: { input: 0.25, output: "2" }
  claude-sonnet: { input: 3, output: 15 }

ledger: { segment: 1MiB, total: 2GiB, keep: 30d, on-failure: buffer, areas: { admin: { durability: strict } } }
inference-log: { segment: 16MiB, total: 1GiB }
telemetry: { otlp-endpoint: "http://collector:4318/" }
"#;

#[test]
fn every_key_arrives() {
    let settings = load(EVERYTHING).unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!(settings.version.len(), 12);
    assert_eq!(settings.listen.gateway, "0.0.0.0:0".parse::<SocketAddr>().unwrap());
    let names: Vec<_> = settings.listen.console_names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["bartizan.internal", "*.corp.example"]);
    let endpoint = &settings.endpoints["protected-llm"];
    assert_eq!(endpoint.total_timeout, Duration::from_secs(30));
    assert_eq!(endpoint.attempt_timeout, Duration::from_secs(30), "a default gives way to total");
    assert_eq!(endpoint.canaries, ["bz-7f3a-harbour", "0192 4410"]);
    assert!(endpoint.modalities.contains(&Modality::Image));
    assert_eq!(endpoint.unseen, [Unseen::StoredState].into());
    assert!(settings.endpoints["open"].unseen.is_empty());
    assert_eq!(endpoint.guardrails[0].detect, Detect::Detectors(vec!["email", "iban"]));
    assert_eq!(endpoint.guardrails[0].on_error, OnError::Allow);
    assert_eq!(endpoint.limits[2].per, LimitSubject::Group("analysts".parse().unwrap()));
    let hour = Duration::from_secs(3_600);
    let half_a_dollar = Rate { amount: 500_000_000, window: hour };
    assert_eq!(endpoint.limits[2].nano_usd, Some(half_a_dollar));
    assert_eq!(settings.endpoints["open"].guardrails, endpoint.guardrails);
    let groups = settings.access.groups_of(PrincipalKind::ServicePrincipal, "support-bot");
    assert_eq!(groups.iter().map(bartizan_core::Name::as_str).collect::<Vec<_>>(), ["agents"]);
    let ProviderKind::OpenAi { api_key: Some(key), .. } = &settings.providers["openai"].kind else {
        panic!("{:?}", settings.providers)
    };
    assert_eq!(key.expose(), "sk-test-0");
}

#[test]
fn the_smallest_policy_has_defaults() {
    let settings = load("version: 1").unwrap();
    expect![[r#"
        # policy version 1a6ddd3533d9
        version: 1
        data-dir: ./bartizan-data
        listen:
          gateway: 127.0.0.1:8080
          console: 127.0.0.1:8081
        providers: {}
        identity: {}
        groups: {}
        endpoints: {}
        prices: {}
        ledger:
          segment: 64MiB
          total: 8GiB
          keep: 90d
          durability: batched
          on-failure: deny
          areas: {}
        telemetry: {}
    "#]]
    .assert_eq(&show(&settings));
}

#[test]
fn shows_whom_certificates_stand_for() {
    let policy = r#"version: 1
listen: { tls: { certificate: file:cert.pem, key: file:key.pem, client-ca: file:ca.pem } }
identity:
  certificates:
    - { id: c-mesh, uri: "spiffe://example.org/agent/*", endpoints: [demo], tags: { team: search, cost: "7" } }
providers: { demo: { demo: {} } }
endpoints: { demo: { routes: [{ provider: demo, model: m }] } }
"#;
    let shown = show(&load(policy).unwrap());
    let part = shown.split("  certificates:\n").nth(1).unwrap();
    let part: Vec<_> = part.lines().map_while(|line| line.strip_prefix("    ")).collect();
    expect![[r#"
            - id: c-mesh
              uri: "spiffe://example.org/agent/*"
              endpoints: [demo]
              tags: { cost: "7", team: search }"#]]
    .assert_eq(&part.join("\n"));
}

#[test]
fn shows_everything_but_credentials() {
    let shown = show(&load(EVERYTHING).unwrap());
    assert!(!shown.contains("sk-test") && !shown.contains("bz-7f3a"), "{shown}");
    expect![[r##"
        # policy version 5604bc1048ed
        version: 1
        data-dir: /var/lib/bartizan
        listen:
          gateway: 0.0.0.0:0
          console: "[::1]:8081"
          console-names: [bartizan.internal, "*.corp.example"]
        providers:
          azure:
            azure-openai:
              base-url: https://a.openai.azure.com
              api-version: 2024-10-21
              api-key: ‹set›
          claude:
            anthropic:
              base-url: https://api.anthropic.com
              api-key: ‹set›
          dbx:
            databricks:
              host: https://workspace.example.com
              token: ‹set›
          demo:
            demo: { chunk: 5 }
          far:
            openai:
              base-url: http://10.0.0.7/v1
              api-key: ‹none›
          local:
            openai:
              base-url: http://127.0.0.1:11434/v1
              api-key: ‹none›
          openai:
            openai:
              base-url: https://api.openai.com/v1
              api-key: ‹set›
        identity: {}
        groups:
          agents: ["sp:support-bot"]
          analysts: [alice@example.com]
        limits:
          - id: l-tag
            per: { tag: team }
            soft: 80%
            only: [analysts]
            usd: 50/day
          - id: l-whole
            per: all
            tokens: 2000000/day
        endpoints:
          open:
            routes:
              - { provider: demo }
            guardrails:
              - id: g-pii
                on: [user, system, document, tool-result, tool-schema, output]
                detect: [email, iban]
                action: mask
                mode: enforce
                operator: placeholder
                restore: true
                on-error: allow
                threshold: 0.5
              - id: g-mix
                on: [tool-call]
                detect: [email, api-key]
                action: block
                mode: dry-run
                restore: false
                on-error: block
                threshold: 0.9
                allow:
                  - { literal: "a@example.com", reason: "of the manual", expires: 2030-01-31 }
                  - { pattern: "[a-z]{1,9}@example[.]org", reason: ours }
                except:
                  - { group: analysts, rule: email, reason: "they review" }
                  - { principal: "sp:support-bot", rule: email, reason: "it writes mail" }
              - id: g-leak
                on: [tool-call, output]
                detect: [system-prompt, canary-leak]
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-words
                on: [output]
                detect: keywords
                keywords: ["project falcon", "12"]
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-ticket
                on: [output]
                detect: patterns
                patterns: ["\\bPROJ-\\d{1,6}\\b"]
                action: flag
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-topic
                on: [user]
                detect: topics
                topics:
                  billing: [invoice, refund]
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-size
                on: [user, system, document, tool-result, tool-schema]
                detect: size
                max-bytes: 65536
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
            limits: []
            modalities: []
            unseen: []
            # everyone with a key may call
            canaries: []
            timeouts: { attempt: 60s, idle: 60s, total: 600s }
            inference-log: { keep: 30d, share: 100%, on-failure: withhold }
          protected-llm:
            routes:
              - { provider: openai, model: gpt-5-mini }
              - { provider: dbx, model: claude-sonnet }
            guardrails:
              - id: g-pii
                on: [user, system, document, tool-result, tool-schema, output]
                detect: [email, iban]
                action: mask
                mode: enforce
                operator: placeholder
                restore: true
                on-error: allow
                threshold: 0.5
              - id: g-mix
                on: [tool-call]
                detect: [email, api-key]
                action: block
                mode: dry-run
                restore: false
                on-error: block
                threshold: 0.9
                allow:
                  - { literal: "a@example.com", reason: "of the manual", expires: 2030-01-31 }
                  - { pattern: "[a-z]{1,9}@example[.]org", reason: ours }
                except:
                  - { group: analysts, rule: email, reason: "they review" }
                  - { principal: "sp:support-bot", rule: email, reason: "it writes mail" }
              - id: g-leak
                on: [tool-call, output]
                detect: [system-prompt, canary-leak]
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-words
                on: [output]
                detect: keywords
                keywords: ["project falcon", "12"]
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-ticket
                on: [output]
                detect: patterns
                patterns: ["\\bPROJ-\\d{1,6}\\b"]
                action: flag
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-topic
                on: [user]
                detect: topics
                topics:
                  billing: [invoice, refund]
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
              - id: g-size
                on: [user, system, document, tool-result, tool-schema]
                detect: size
                max-bytes: 65536
                action: block
                mode: enforce
                restore: false
                on-error: block
                threshold: 0.5
            limits:
              - id: l-user
                per: user
                requests: 60/min
                tokens: 10000/min
              - id: l-bot
                per: service-principal
                only: [agents]
                tokens: 2000000/day
                usd: 5/day
              - id: l-team
                per: { group: analysts }
                usd: 0.5/h
              - id: l-all
                per: endpoint
                requests: 10000/s
              - id: l-project
                per: { tag: project }
                requests: 1/s
            brakes:
              - id: b-loop
                same-requests: 10/min
                action: block
                mode: enforce
              - id: b-tool
                same-tool-calls: 5
                action: flag
                mode: enforce
              - id: b-depth
                tool-rounds: 30
                action: block
                mode: enforce
                only: [agents]
              - id: b-growth
                conversation-tokens: 200000/h
                action: block
                mode: dry-run
            tags: { cost-center: "4711", team: "Search & Ads" }
            modalities: [image, file]
            unseen: [stored-state]
            allow: [bob@example.com, "sp:support-bot", analysts]
            canaries: [‹set›, ‹set›]
            timeouts: { attempt: 30s, idle: 30s, total: 30s }
            inference-log: { keep: 7d, share: 10%, on-failure: answer }
        prices:
          claude-sonnet: { input: 3, output: 15 }
          gpt-5-mini: { input: 0.25, output: 2 }
        ledger:
          segment: 1MiB
          total: 2GiB
          keep: 30d
          durability: batched
          on-failure: buffer
          areas:
            admin: { durability: strict, on-failure: buffer }
        inference-log:
          segment: 16MiB
          total: 1GiB
        telemetry:
          otlp-endpoint: http://collector:4318
    "##]]
    .assert_eq(&shown);
}

#[test]
fn what_is_shown_reads_back_as_the_same_settings() {
    let first = load(EVERYTHING).unwrap();
    let shown = show(&first)
        .replace("      api-key: ‹none›\n", "")
        .replace("[‹set›, ‹set›]", "[bz-7f3a-harbour, \"0192 4410\"]")
        .replace("‹set›", "env:OPENAI_API_KEY")
        // The risk was accepted in the file, which settings do not repeat.
        .replace(
            "      base-url: http://10.0.0.7/v1\n",
            "      base-url: http://10.0.0.7/v1\n      danger-allow-plain-http: true\n",
        )
        // A provider without a key is written with another word.
        .replace("  far:\n    openai:", "  far:\n    openai-compatible:")
        .replace("  local:\n    openai:", "  local:\n    openai-compatible:");
    let mut second = load(&shown).unwrap_or_else(|error| panic!("{}\n{shown}", error.render()));
    second.version.clone_from(&first.version);
    second.fingerprint.clone_from(&first.fingerprint);
    assert_eq!(format!("{second:?}"), format!("{first:?}"));
}

#[test]
fn versions_follow_the_text() {
    let one = load("version: 1").unwrap().version;
    let other = load("version: 1 # changed").unwrap().version;
    assert_ne!(one, other);
    assert_eq!(one, load("version: 1").unwrap().version);
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bartizan.yaml");
    std::fs::write(folder.path().join("key"), "sk-from-file\r\n").unwrap();
    std::fs::write(&path, "version: 1\nproviders: { o: { openai: { api-key: file:key } } }\n")
        .unwrap();
    let settings = load_file(&path, FULL, Sources::of(&variable)).unwrap();
    assert_eq!(settings.data_dir, folder.path().join("./bartizan-data"));
    let ProviderKind::OpenAi { api_key: Some(key), base_url } =
        &settings.providers.values().next().unwrap().kind
    else {
        panic!("{:?}", settings.providers)
    };
    assert_eq!(key.expose(), "sk-from-file");
    assert_eq!(base_url, "https://api.openai.com/v1");

    let here = load_str("version: 1", "x", Path::new("."), FULL, Sources::of(&variable));
    assert_eq!(here.unwrap().data_dir, Path::new("./bartizan-data"));
}

#[test]
fn many_endpoints_may_share_one_list() {
    use std::fmt::Write as _;
    let mut text = String::from(
        "version: 1\nproviders: { demo: { demo: {} } }\nendpoints:\n  first:\n    routes: &r [{ \
         provider: demo }]\n    guardrails: &g [{ id: a, on: input, detect: pii, action: flag }]\n",
    );
    for number in 0..300 {
        write!(text, "  e{number}:\n    routes: *r\n    guardrails: *g\n").unwrap();
    }
    assert_eq!(load(&text).unwrap().endpoints.len(), 301);
}

#[test]
fn the_schema_names_every_key_and_no_other() {
    let schema = json_schema();
    let properties = schema["properties"].as_object().unwrap();
    let keys: Vec<&str> = properties.keys().map(String::as_str).collect();
    expect![[r#"
        [
            "version",
            "data-dir",
            "mask-key",
            "listen",
            "providers",
            "groups",
            "identity",
            "endpoints",
            "limits",
            "models",
            "prices",
            "ledger",
            "inference-log",
            "secrets",
            "console",
            "state",
            "approvals",
            "telemetry",
            "cedar",
            "tests",
            "proofs",
        ]
    "#]]
    .assert_debug_eq(&keys);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["version"]));
    assert_eq!(properties["version"]["maximum"], 1);
    let guardrail = &schema["$defs"]["GuardrailFile"];
    assert_eq!(
        guardrail["properties"]["action"]["enum"],
        serde_json::json!(["flag", "mask", "block"])
    );
    assert!(guardrail["properties"].get("categories").is_some());
}
