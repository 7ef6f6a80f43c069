//! Names, groups, routes, access, timeouts.

use expect_test::expect;

use super::check;

#[test]
fn a_wrong_name() {
    check(
        "version: 1
providers: { 'my provider': { demo: {} } }
",
        expect![[r#"
            error: `my provider` cannot name a provider: ` ` is not allowed here; use letters, digits, `-`, `_` and `.`
             --> bartizan.yaml:2:14
              |
            2 | providers: { 'my provider': { demo: {} } }
              |              ^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_wrong_member() {
    check(
        "version: 1
groups:
  g: [alice@example.com, 'sp:', 'a b']
",
        expect![[r#"
            error: `sp:` is neither a person nor a program: the name of a principal is empty
             --> bartizan.yaml:3:26
              |
            3 |   g: [alice@example.com, 'sp:', 'a b']
              |                          ^^^^^
            help: write `alice@example.com` for a person, `sp:support-bot` for a program

            error: `a b` is neither a person nor a program: the name of a principal takes letters, digits and `.`, `-`, `_`, `@`, `+`
             --> bartizan.yaml:3:33
              |
            3 |   g: [alice@example.com, 'sp:', 'a b']
              |                                 ^^^^^
            help: write `alice@example.com` for a person, `sp:support-bot` for a program
        "#]],
    );
}

#[test]
fn a_canary_that_cannot_be_one_is_not_shown() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    canaries: [harbour, '---------']
",
        expect![[r#"
            error: nothing looks for the canaries of `e`
             --> bartizan.yaml:6:16
              |
            6 |     canaries: ••••••••• •••••••••••]
              |                ^^^^^^^
            help: add a guardrail, such as `{ id: g-leak, on: [output, tool-call], detect: prompt-leak, action: block }`

            error: 7 bytes cannot be a canary
             --> bartizan.yaml:6:16
              |
            6 |     canaries: ••••••••• •••••••••••]
              |                ^^^^^^^
            help: write 8 to 256 bytes with letters or digits that occur nowhere else

            error: 9 bytes cannot be a canary
             --> bartizan.yaml:6:25
              |
            6 |     canaries: ••••••••• •••••••••••]
              |                         ^^^^^^^^^^^
            help: write 8 to 256 bytes with letters or digits that occur nowhere else
        "#]],
    );
}

#[test]
fn an_endpoint_without_routes() {
    check(
        "version: 1
endpoints:
  e: { routes: [] }
",
        expect![[r#"
            error: the endpoint `e` has no route
             --> bartizan.yaml:3:3
              |
            3 |   e: { routes: [] }
              |   ^
            help: add one, such as `routes: [{ provider: demo }]`
        "#]],
    );
}

#[test]
fn an_unknown_provider() {
    check(
        "version: 1
providers: { openai: { openai: { api-key: env:OPENAI_API_KEY } } }
endpoints:
  e: { routes: [{ provider: opena, model: m }] }
",
        expect![[r#"
            error: no provider is named `opena`
             --> bartizan.yaml:4:29
              |
            4 |   e: { routes: [{ provider: opena, model: m }] }
              |                             ^^^^^
            help: did you mean `openai`?
        "#]],
    );
}

#[test]
fn an_unknown_provider_unlike_any() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: mainframe }]
    allow: [analysts]
",
        expect![[r#"
            error: no provider is named `mainframe`
             --> bartizan.yaml:6:26
              |
            6 |     routes: [{ provider: mainframe }]
              |                          ^^^^^^^^^
            help: providers of this file: `demo`
        "#]],
    );
}

#[test]
fn a_misspelt_group() {
    check(
        r#"version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    allow: [analyst, "sp:bot"]
"#,
        expect![[r#"
            error: no group is named `analyst`
             --> bartizan.yaml:7:13
              |
            7 |     allow: [analyst, "sp:bot"]
              |             ^^^^^^^
            help: did you mean `analysts`?
        "#]],
    );
}

#[test]
fn an_unknown_group() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    allow: [everybody]
",
        expect![[r#"
            error: no group is named `everybody`
             --> bartizan.yaml:7:13
              |
            7 |     allow: [everybody]
              |             ^^^^^^^^^
            help: add it to `groups:`; a person is written with `@`, a program as `sp:NAME`
        "#]],
    );
}

#[test]
fn an_empty_allow() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    allow: []
",
        expect![[r#"
            error: `allow` lets nobody in
             --> bartizan.yaml:7:12
              |
            7 |     allow: []
              |            ^
            help: name groups or principals, or remove the key
        "#]],
    );
}

#[test]
fn an_unknown_modality() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    modalities: [images, smell]
",
        expect![[r#"
            error: `images` is not a modality
             --> bartizan.yaml:7:18
              |
            7 |     modalities: [images, smell]
              |                  ^^^^^^
            help: did you mean `image`?

            error: `smell` is not a modality
             --> bartizan.yaml:7:26
              |
            7 |     modalities: [images, smell]
              |                          ^^^^^
            help: known here: `image`, `audio`, `file`
        "#]],
    );
}

#[test]
fn an_unknown_word_for_what_no_guard_sees() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    unseen: [hosted-tool, anything]
",
        expect![[r#"
            error: `hosted-tool` is not something that no guard sees
             --> bartizan.yaml:6:14
              |
            6 |     unseen: [hosted-tool, anything]
              |              ^^^^^^^^^^^
            help: did you mean `hosted-tools`?

            error: `anything` is not something that no guard sees
             --> bartizan.yaml:6:27
              |
            6 |     unseen: [hosted-tool, anything]
              |                           ^^^^^^^^
            help: known here: `stored-state`, `hosted-tools`
        "#]],
    );
}

#[test]
fn a_wrong_timeout() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    timeouts: { total: 10 }
",
        expect![[r#"
            error: `10` is not a time to wait
             --> bartizan.yaml:7:24
              |
            7 |     timeouts: { total: 10 }
              |                        ^^
            help: write a number with `ms`, `s`, `m` or `h`, from `1ms` to `24h`
        "#]],
    );
}

#[test]
fn a_timeout_too_long() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    timeouts: { attempt: 90s, total: 60s }
",
        expect![[r#"
            error: `attempt` waits longer than `total`, which ends it first
             --> bartizan.yaml:7:26
              |
            7 |     timeouts: { attempt: 90s, total: 60s }
              |                          ^^^
            help: make `attempt` shorter or `total` longer
        "#]],
    );
}
