//! The form of the file: YAML, keys, kinds of values.

use expect_test::expect;

use super::check;

#[test]
fn an_empty_file() {
    check(
        "",
        expect![[r#"
            error: the file is empty
             --> bartizan.yaml:1:1
            help: `bartizan init` writes a commented file that runs
        "#]],
    );
}

#[test]
fn only_comments() {
    check(
        "# nothing here
",
        expect![[r#"
            error: the file is empty
             --> bartizan.yaml:2:1
            help: `bartizan init` writes a commented file that runs
        "#]],
    );
}

#[test]
fn broken_yaml() {
    check(
        "version: 1
listen: { gateway: 127.0.0.1:8080
",
        expect![[r#"
            error: not valid YAML: unclosed bracket '{'
             --> bartizan.yaml:2:9
              |
            2 | listen: { gateway: 127.0.0.1:8080
              |         ^
        "#]],
    );
}

#[test]
fn a_tab_as_indent() {
    check(
        "version: 1
listen:
\tgateway: 127.0.0.1:8080
",
        expect![[r#"
            error: not valid YAML: tabs disallowed within this context (block indentation)
             --> bartizan.yaml:3:2
              |
            3 |  gateway: 127.0.0.1:8080
              |  ^
            help: indent with spaces
        "#]],
    );
}

#[test]
fn two_documents() {
    check(
        "version: 1
---
version: 1
",
        expect![[r#"
            error: the file holds more than one YAML document
             --> bartizan.yaml:3:1
              |
            3 | version: 1
              | ^
            help: remove what follows `---`
        "#]],
    );
}

#[test]
fn a_list_at_the_top() {
    check(
        "- version: 1
",
        expect![[r#"
            error: expected a map of keys
             --> bartizan.yaml:1:1
              |
            1 | - version: 1
              | ^
        "#]],
    );
}

#[test]
fn a_missing_version() {
    check(
        "data-dir: ./x
",
        expect![[r#"
            error: the key `version` is missing
             --> bartizan.yaml:1:1
              |
            1 | data-dir: ./x
              | ^^^^^^^^
            help: start the file with `version: 1`
        "#]],
    );
}

#[test]
fn an_unknown_version() {
    check(
        "version: 2
",
        expect![[r#"
            error: version 2 of the format is not known
             --> bartizan.yaml:1:10
              |
            1 | version: 2
              |          ^
            help: write `version: 1`
        "#]],
    );
}

#[test]
fn a_version_that_is_no_number() {
    check(
        "version: one
",
        expect![[r#"
            error: expected a whole number
             --> bartizan.yaml:1:10
              |
            1 | version: one
              |          ^^^
        "#]],
    );
}

#[test]
fn a_misspelt_key() {
    check(
        "version: 1
endpoitns: {}
",
        expect![[r#"
            error: unknown key `endpoitns`
             --> bartizan.yaml:2:1
              |
            2 | endpoitns: {}
              | ^^^^^^^^^
            help: did you mean `endpoints`?
        "#]],
    );
}

#[test]
fn a_key_in_another_style() {
    check(
        "version: 1
data_dir: ./x
",
        expect![[r#"
            error: unknown key `data_dir`
             --> bartizan.yaml:2:1
              |
            2 | data_dir: ./x
              | ^^^^^^^^
            help: did you mean `data-dir`?
        "#]],
    );
}

#[test]
fn a_key_that_nothing_resembles() {
    check(
        "version: 1
weather: sunny
",
        expect![[r#"
            error: unknown key `weather`
             --> bartizan.yaml:2:1
              |
            2 | weather: sunny
              | ^^^^^^^
            help: known here: `version`, `data-dir`, `mask-key`, `listen`, `providers`, `groups`, `identity`, `endpoints`, `limits`, `models`, `prices`, `ledger`, `inference-log`, `secrets`, `console`, `state`, `approvals`, `telemetry`, `cedar`, `tests`, `proofs`
        "#]],
    );
}

#[test]
fn a_key_given_twice() {
    check(
        "version: 1
ledger: {}
ledger: {}
",
        expect![[r#"
            error: `ledger` is given twice
             --> bartizan.yaml:3:1
              |
            3 | ledger: {}
              | ^^^^^^
            help: keep one of the two
        "#]],
    );
}

#[test]
fn an_endpoint_given_twice() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e: { routes: [{ provider: demo }] }
  e: { routes: [{ provider: demo }] }
",
        expect![[r#"
            error: `e` is given twice
             --> bartizan.yaml:5:3
              |
            5 |   e: { routes: [{ provider: demo }] }
              |   ^
            help: keep one of the two
        "#]],
    );
}

#[test]
fn keys_of_later_builds() {
    check(
        "version: 1
listen: { egress: 127.0.0.1:8082 }
egress:
  mode: enforce
data: []
tools:
tests:
  - { as: alice@example.com, connect: api.example.com:443, expect: allow }
",
        expect![[r#"
            error: this build cannot enforce `egress` yet; remove it
             --> bartizan.yaml:2:11
              |
            2 | listen: { egress: 127.0.0.1:8082 }
              |           ^^^^^^
            help: a policy that is not enforced would only look like protection

            error: this build cannot enforce `egress` yet; remove it
             --> bartizan.yaml:3:1
              |
            3 | egress:
              | ^^^^^^
            help: a policy that is not enforced would only look like protection

            error: this build cannot enforce `data` yet; remove it
             --> bartizan.yaml:5:1
              |
            5 | data: []
              | ^^^^
            help: a policy that is not enforced would only look like protection

            error: this build cannot enforce `tools` yet; remove it
             --> bartizan.yaml:6:1
              |
            6 | tools:
              | ^^^^^
            help: a policy that is not enforced would only look like protection

            error: this build cannot enforce `connect` yet; remove it
             --> bartizan.yaml:8:30
              |
            8 |   - { as: alice@example.com, connect: api.example.com:443, expect: allow }
              |                              ^^^^^^^
            help: a policy that is not enforced would only look like protection
        "#]],
    );
}

#[test]
fn a_merge_key() {
    check(
        "version: 1
providers: &p { demo: { demo: {} } }
groups: { <<: *p }
",
        expect![[r#"
            error: merge keys (`<<`) are not read
             --> bartizan.yaml:3:11
              |
            3 | groups: { <<: *p }
              |           ^^
            help: share a whole value: `guardrails: &shared […]`, then `guardrails: *shared`
        "#]],
    );
}

#[test]
fn an_alias_without_anchor() {
    check(
        "version: 1
groups: *missing
",
        expect![[r#"
            error: no anchor of this name stands above
             --> bartizan.yaml:2:9
              |
            2 | groups: *missing
              |         ^
            help: define it with `&name` before it is used
        "#]],
    );
}

#[test]
fn a_tag() {
    check(
        "version: !custom 1
",
        expect![[r#"
            error: the YAML tag `!custom` is not read
             --> bartizan.yaml:1:18
              |
            1 | version: !custom 1
              |                  ^
            help: remove the tag
        "#]],
    );
}

#[test]
fn a_map_where_text_is_due() {
    check(
        "version: 1
data-dir: { a: b }
",
        expect![[r#"
            error: expected text
             --> bartizan.yaml:2:11
              |
            2 | data-dir: { a: b }
              |           ^
        "#]],
    );
}

#[test]
fn text_where_a_map_is_due() {
    check(
        "version: 1
listen: here
",
        expect![[r#"
            error: expected a map of keys
             --> bartizan.yaml:2:9
              |
            2 | listen: here
              |         ^^^^
        "#]],
    );
}

#[test]
fn text_where_a_list_is_due() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    modalities: image
",
        expect![[r#"
            error: expected a list
             --> bartizan.yaml:7:17
              |
            7 |     modalities: image
              |                 ^^^^^
        "#]],
    );
}

#[test]
fn a_key_without_value() {
    check(
        "version: 1
data-dir:
",
        expect![[r#"
            error: a value is missing
             --> bartizan.yaml:2:9
              |
            2 | data-dir:
              |         ^
            help: give the key a value, or remove it
        "#]],
    );
}

#[test]
fn a_list_with_every_entry_commented_out() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      # - { id: g, on: input, detect: pii, action: block }
    allow: [sp:bot]
",
        expect![[r#"
            error: a value is missing
             --> bartizan.yaml:6:15
              |
            6 |     guardrails:
              |               ^
            help: give the key a value, or remove it
        "#]],
    );
}

#[test]
fn an_allow_without_value() {
    check(
        "version: 1
endpoints:
  e:
    allow:
    routes: [{ provider: demo }]
",
        expect![[r#"
            error: a value is missing
             --> bartizan.yaml:4:10
              |
            4 |     allow:
              |          ^
            help: give the key a value, or remove it
        "#]],
    );
}

#[test]
fn an_empty_section() {
    check(
        "version: 1
ledger: ~
endpoints: {}
",
        expect![[r#"
            error: a value is missing
             --> bartizan.yaml:2:9
              |
            2 | ledger: ~
              |         ^
            help: give the key a value, or remove it
        "#]],
    );
}

#[test]
fn a_file_nested_too_deep() {
    check(
        "version: 1
egress: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
",
        expect![[r#"
            error: not valid YAML: recursion limit exceeded
             --> bartizan.yaml:2:41
              |
            2 | egress: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
              |                                         ^
        "#]],
    );
}
