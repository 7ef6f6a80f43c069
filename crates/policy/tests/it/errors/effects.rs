//! Settings of guardrails that nothing would come of.

use expect_test::expect;

use super::check;

#[test]
fn a_detector_on_channels_that_it_never_reads() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: [user, system], detect: planted-request, action: flag }
",
        expect![[r#"
            error: `planted-request` reads none of the channels in `on`
             --> bartizan.yaml:7:50
              |
            7 |       - { id: g-one, on: [user, system], detect: planted-request, action: flag }
              |                                                  ^^^^^^^^^^^^^^^
            help: it reads `document`, `tool-result`
        "#]],
    );
}

#[test]
fn an_entity_on_channels_that_it_never_reads() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: prompt-leak, entities: [canary-leak], action: flag }
",
        expect![[r#"
            error: `canary-leak` reads none of the channels in `on`
             --> bartizan.yaml:7:65
              |
            7 |       - { id: g-one, on: input, detect: prompt-leak, entities: [canary-leak], action: flag }
              |                                                                 ^^^^^^^^^^^
            help: it reads `tool-call`, `output`
        "#]],
    );
}

#[test]
fn a_category_on_channels_that_it_never_reads() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: [system, output], detect: jailbreak, action: flag }
",
        expect![[r#"
            error: nothing that `detect` names reads these channels
             --> bartizan.yaml:7:26
              |
            7 |       - { id: g-one, on: [system, output], detect: jailbreak, action: flag }
              |                          ^
            help: it reads `user`
        "#]],
    );
}

#[test]
fn a_threshold_that_no_link_reaches() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: output, detect: links, hosts: [example.org], threshold: 0.9, action: flag }
",
        expect![[r#"
            error: `threshold` is 0.9, and `links` is never surer than 0.8
             --> bartizan.yaml:7:82
              |
            7 |       - { id: g-one, on: output, detect: links, hosts: [example.org], threshold: 0.9, action: flag }
              |                                                                                  ^^^
            help: write at most 0.8, or remove `threshold`
        "#]],
    );
}

#[test]
fn a_threshold_that_no_package_reaches() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: output, detect: packages, packages: { pypi: [requests] }, threshold: 0.81, action: flag }
",
        expect![[r#"
            error: `threshold` is 0.81, and `packages` is never surer than 0.8
             --> bartizan.yaml:7:95
              |
            7 | …ypi: [requests] }, threshold: 0.81, action: flag }
              |                                ^^^^
            help: write at most 0.8, or remove `threshold`
        "#]],
    );
}

#[test]
fn a_threshold_that_no_topic_reaches() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: user, detect: topics, topics: { a: [b] }, threshold: 0.75, action: flag }
",
        expect![[r#"
            error: `threshold` is 0.75, and `topics` is never surer than 0.7
             --> bartizan.yaml:7:79
              |
            7 |       - { id: g-one, on: user, detect: topics, topics: { a: [b] }, threshold: 0.75, action: flag }
              |                                                                               ^^^^
            help: write at most 0.7, or remove `threshold`
        "#]],
    );
}

#[test]
fn sensitivity_without_a_trained_detector() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, sensitivity: high, action: flag }
",
        expect![[r#"
            error: `sensitivity` is for trained detectors, and this guardrail asks none
             --> bartizan.yaml:7:59
              |
            7 |       - { id: g-one, on: input, detect: pii, sensitivity: high, action: flag }
              |                                                           ^^^^
            help: write `threshold`, or remove `sensitivity`
        "#]],
    );
}

#[test]
fn sensitivity_of_links() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: output, detect: links, hosts: [example.org], sensitivity: low, action: flag }
",
        expect![[r#"
            error: `sensitivity` is for trained detectors, and this guardrail asks none
             --> bartizan.yaml:7:84
              |
            7 | …: [example.org], sensitivity: low, action: flag }
              |                                ^^^
            help: write `threshold`, or remove `sensitivity`
        "#]],
    );
}

#[test]
fn thresholds_of_nothing() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, thresholds: {}, action: flag }
",
        expect![[r#"
            error: `thresholds` says nothing
             --> bartizan.yaml:7:58
              |
            7 |       - { id: g-one, on: input, detect: pii, thresholds: {}, action: flag }
              |                                                          ^
            help: write `thresholds: { email: 0.8 }`, or remove `thresholds`
        "#]],
    );
}

#[test]
fn thresholds_of_a_form() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: keywords, keywords: [a], thresholds: { keywords: 0.5 }, action: flag }
",
        expect![[r#"
            error: `thresholds` is for guardrails that ask several detectors
             --> bartizan.yaml:7:78
              |
            7 | …s, keywords: [a], thresholds: { keywords: 0.5 }, action: flag }
              |                                ^
            help: write `threshold`
        "#]],
    );
}

#[test]
fn operators_of_nothing() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, operators: {}, action: mask }
",
        expect![[r#"
            error: `operators` says nothing
             --> bartizan.yaml:7:57
              |
            7 |       - { id: g-one, on: input, detect: pii, operators: {}, action: mask }
              |                                                         ^
            help: write `operators: { pii: hash }`, or remove `operators`
        "#]],
    );
}

#[test]
fn packages_of_nothing() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: output, detect: packages, packages: {}, action: flag }
",
        expect![[r#"
            error: `packages` lists no registry
             --> bartizan.yaml:7:62
              |
            7 |       - { id: g-one, on: output, detect: packages, packages: {}, action: flag }
              |                                                              ^
            help: write `packages: { pypi: file:PATH }`
        "#]],
    );
}

#[test]
fn packages_of_a_registry_without_names() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: output, detect: packages, packages: { pypi: [] }, action: flag }
",
        expect![[r#"
            error: the list of `pypi` is empty
             --> bartizan.yaml:7:64
              |
            7 |       - { id: g-one, on: output, detect: packages, packages: { pypi: [] }, action: flag }
              |                                                                ^^^^
            help: add names, or remove the registry
        "#]],
    );
}
