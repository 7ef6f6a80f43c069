//! Limits: rates, budgets, who is counted.

use expect_test::expect;

use super::check;

#[test]
fn one_id_twice() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: r, on: input, detect: pii, action: flag }
    limits:
      - { id: r, per: user, requests: 1/s }
",
        expect![[r#"
            error: two rules of this endpoint have the id `r`
              --> bartizan.yaml:10:15
               |
            10 |       - { id: r, per: user, requests: 1/s }
               |               ^
            help: give each its own; events name the rule that decided
        "#]],
    );
}

#[test]
fn a_wrong_rate() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits:
      - { id: l, per: user, requests: 60/minute, tokens: 1G/day, usd: $5/day }
",
        expect![[r#"
            error: `60/minute` is not a rate
             --> bartizan.yaml:8:39
              |
            8 |       - { id: l, per: user, requests: 60/minute, tokens: 1G/day, usd: $5/day }
              |                                       ^^^^^^^^^
            help: write an amount above 0 and a window of `s`, `min`, `h` or `day`, such as `60/min`, `10k/min`, `2M/day`

            error: `1G/day` is not a rate
             --> bartizan.yaml:8:58
              |
            8 |       - { id: l, per: user, requests: 60/minute, tokens: 1G/day, usd: $5/day }
              |                                                          ^^^^^^
            help: write an amount above 0 and a window of `s`, `min`, `h` or `day`, such as `60/min`, `10k/min`, `2M/day`

            error: `$5/day` is not a budget
             --> bartizan.yaml:8:71
              |
            8 |       - { id: l, per: user, requests: 60/minute, tokens: 1G/day, usd: $5/day }
              |                                                                       ^^^^^^
            help: write US dollars above 0 and a window of `s`, `min`, `h` or `day`, such as `5/day` or `0.50/h`

            error: `prices` has no price for any model, so `usd` cannot be counted
             --> bartizan.yaml:8:71
              |
            8 |       - { id: l, per: user, requests: 60/minute, tokens: 1G/day, usd: $5/day }
              |                                                                       ^^^^^^
            help: add US dollars per million tokens, such as `prices: { MODEL: { input: 0.25, output: 2 } }`; `"*"` stands for all models without a price
        "#]],
    );
}

#[test]
fn a_limit_without_limit() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits:
      - { id: l, per: user }
",
        expect![[r#"
            error: the limit `l` limits nothing
             --> bartizan.yaml:8:15
              |
            8 |       - { id: l, per: user }
              |               ^
            help: add `requests`, `tokens` or `usd`, such as `requests: 60/min`
        "#]],
    );
}

#[test]
fn an_unknown_subject_of_a_limit() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits:
      - { id: l, per: person, requests: 1/s }
",
        expect![[r#"
            error: `person` is not known here
             --> bartizan.yaml:8:23
              |
            8 |       - { id: l, per: person, requests: 1/s }
              |                       ^^^^^^
            help: known here: `user`, `service-principal`, `endpoint`, `all`, `group`, `tag`
        "#]],
    );
}

#[test]
fn an_unknown_group_of_a_limit() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits:
      - { id: l, per: { group: analytics }, requests: 1/s }
",
        expect![[r#"
            error: no group is named `analytics`
             --> bartizan.yaml:8:32
              |
            8 |       - { id: l, per: { group: analytics }, requests: 1/s }
              |                                ^^^^^^^^^
            help: did you mean `analysts`?
        "#]],
    );
}

#[test]
fn a_name_that_is_never_counted() {
    check(
        r#"version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits:
      - { id: l, per: user, only: ["sp:bot"], requests: 1/s }
"#,
        expect![[r#"
            error: `sp:bot` is never counted by a limit per user
             --> bartizan.yaml:8:36
              |
            8 |       - { id: l, per: user, only: ["sp:bot"], requests: 1/s }
              |                                    ^^^^^^^^
            help: write `per: service-principal`, or remove the name
        "#]],
    );
}

#[test]
fn a_budget_without_price() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits:
      - { id: l, per: user, usd: 5/day }
",
        expect![[r#"
            error: `prices` has no price for any model, so `usd` cannot be counted
             --> bartizan.yaml:8:34
              |
            8 |       - { id: l, per: user, usd: 5/day }
              |                                  ^^^^^
            help: add US dollars per million tokens, such as `prices: { MODEL: { input: 0.25, output: 2 } }`; `"*"` stands for all models without a price
        "#]],
    );
}

#[test]
fn a_budget_without_price_for_a_model() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
groups: { analysts: [alice@example.com] }
endpoints:
  e:
    routes: [{ provider: demo, model: big }]
    limits:
      - { id: l, per: user, usd: 5/day }
prices: { small: { input: 1, output: 2 } }
",
        expect![[r#"
            error: `prices` has no price for `big`, so `usd` cannot be counted
             --> bartizan.yaml:6:39
              |
            6 |     routes: [{ provider: demo, model: big }]
              |                                       ^^^
            help: add US dollars per million tokens, such as `prices: { MODEL: { input: 0.25, output: 2 } }`; `"*"` stands for all models without a price
        "#]],
    );
}

#[test]
fn a_limit_with_a_name_that_tokens_have() {
    check(
        "version: 1
providers: { d: { demo: {} } }
endpoints: { a: { routes: [{ provider: d }], limits: [{ id: token-proof, per: user, requests: 1/s }] } }
",
        expect![[r#"
            error: `token-proof` names a bound of short tokens
             --> bartizan.yaml:3:61
              |
            3 | …rovider: d }], limits: [{ id: token-proof, per: user, requests: 1/s }] } }
              |                                ^^^^^^^^^^^
            help: choose another id
        "#]],
    );
}
