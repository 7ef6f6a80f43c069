//! Brakes: one kind each, and what it counts.

use expect_test::expect;

use super::check;

/// A policy whose endpoint has these brakes.
fn with(brakes: &str) -> String {
    format!(
        "version: 1
providers: {{ demo: {{ demo: {{}} }} }}
endpoints:
  e:
    routes: [{{ provider: demo }}]
    brakes:
{brakes}"
    )
}

#[test]
fn a_brake_looks_at_one_thing() {
    check(
        &with(
            "      - { id: b-none, action: block }
      - { id: b-two, same-requests: 10/min, tool-rounds: 3, action: block }
",
        ),
        expect![[r#"
            error: the brake `b-none` looks at nothing
             --> bartizan.yaml:7:15
              |
            7 |       - { id: b-none, action: block }
              |               ^^^^^^
            help: add one of `same-requests`, `same-tool-calls`, `tool-rounds` and `conversation-tokens`, such as `same-requests: 10/min`

            error: a brake looks at one thing, and here are `same-requests` and `tool-rounds`
             --> bartizan.yaml:8:58
              |
            8 |       - { id: b-two, same-requests: 10/min, tool-rounds: 3, action: block }
              |                                                          ^
            help: write a brake for each; events name the one that decided
        "#]],
    );
}

#[test]
fn ids_are_unique_over_limits_guardrails_and_brakes() {
    check(
        &with(
            "      - { id: b, tool-rounds: 3, action: block }
      - { id: b, tool-rounds: 4, action: flag }
      - { id: token-budget, tool-rounds: 4, action: flag }
    limits: [{ id: b, per: user, requests: 1/s }]
",
        ),
        expect![[r#"
            error: two rules of this endpoint have the id `b`
             --> bartizan.yaml:7:15
              |
            7 |       - { id: b, tool-rounds: 3, action: block }
              |               ^
            help: give each its own; events name the rule that decided

            error: two rules of this endpoint have the id `b`
             --> bartizan.yaml:8:15
              |
            8 |       - { id: b, tool-rounds: 4, action: flag }
              |               ^
            help: give each its own; events name the rule that decided

            error: `token-budget` names a bound of short tokens
             --> bartizan.yaml:9:15
              |
            9 |       - { id: token-budget, tool-rounds: 4, action: flag }
              |               ^^^^^^^^^^^^
            help: choose another id
        "#]],
    );
}

#[test]
fn numbers_and_windows_that_cannot_be_counted() {
    check(
        &with(
            "      - { id: b-1, same-requests: 10/day, action: block }
      - { id: b-2, same-requests: 10, action: block }
      - { id: b-3, same-tool-calls: 0, action: block }
      - { id: b-4, tool-rounds: 1000001, action: block }
      - { id: b-5, conversation-tokens: 0/h, action: block }
",
        ),
        expect![[r#"
            error: requests are compared for an hour at most, not `10/day`
             --> bartizan.yaml:7:35
              |
            7 |       - { id: b-1, same-requests: 10/day, action: block }
              |                                   ^^^^^^
            help: write a window of `s`, `min` or `h`, such as `10/min`

            error: `10` is not a rate
             --> bartizan.yaml:8:35
              |
            8 |       - { id: b-2, same-requests: 10, action: block }
              |                                   ^^
            help: write an amount above 0 and a window of `s`, `min`, `h` or `day`, such as `60/min`, `10k/min`, `2M/day`

            error: `0` is no number of calls to let pass
             --> bartizan.yaml:9:37
              |
            9 |       - { id: b-3, same-tool-calls: 0, action: block }
              |                                     ^
            help: write 1 to 1000000

            error: `1000001` is no number of calls to let pass
              --> bartizan.yaml:10:33
               |
            10 |       - { id: b-4, tool-rounds: 1000001, action: block }
               |                                 ^^^^^^^
            help: write 1 to 1000000

            error: `0/h` is not a rate
              --> bartizan.yaml:11:41
               |
            11 |       - { id: b-5, conversation-tokens: 0/h, action: block }
               |                                         ^^^
            help: write an amount above 0 and a window of `s`, `min`, `h` or `day`, such as `60/min`, `10k/min`, `2M/day`
        "#]],
    );
}

#[test]
fn what_a_brake_does_and_about_whom() {
    check(
        &with(
            "      - { id: b-1, tool-rounds: 3, action: mask }
      - { id: b-2, tool-rounds: 3, action: block, mode: dryrun }
      - { id: b-3, tool-rounds: 3, action: block, only: [] }
      - { id: b-4, tool-rounds: 3, action: block, only: [nobody] }
",
        ),
        expect![[r#"
            error: `mask` is not an action of a brake
             --> bartizan.yaml:7:44
              |
            7 |       - { id: b-1, tool-rounds: 3, action: mask }
              |                                            ^^^^
            help: known here: `flag`, `block`

            error: `dryrun` is not a mode
             --> bartizan.yaml:8:57
              |
            8 |       - { id: b-2, tool-rounds: 3, action: block, mode: dryrun }
              |                                                         ^^^^^^
            help: did you mean `dry-run`?

            error: `only` names nobody
             --> bartizan.yaml:9:57
              |
            9 |       - { id: b-3, tool-rounds: 3, action: block, only: [] }
              |                                                         ^
            help: name groups or principals, or remove the key

            error: no group is named `nobody`
              --> bartizan.yaml:10:58
               |
            10 |       - { id: b-4, tool-rounds: 3, action: block, only: [nobody] }
               |                                                          ^^^^^^
            help: add it to `groups:`; a person is written with `@`, a program as `sp:NAME`
        "#]],
    );
}

#[test]
fn a_brake_without_an_action() {
    check(
        &with("      - { id: b-1, tool-rounds: 3 }\n"),
        expect![[r#"
        error: the key `action` is missing
         --> bartizan.yaml:7:20
          |
        7 |       - { id: b-1, tool-rounds: 3 }
          |                    ^^^^^^^^^^^
        help: add `action:` to this entry
    "#]],
    );
}

#[test]
fn a_test_that_expects_an_unknown_brake() {
    check(
        &(with("      - { id: b-depth, tool-rounds: 3, action: block }\n")
            + "tests: [{ as: alice@example.com, endpoint: e, expect: limit b-dept }]\n"),
        expect![[r#"
            error: the endpoint has no limit `b-dept`
             --> bartizan.yaml:8:55
              |
            8 | tests: [{ as: alice@example.com, endpoint: e, expect: limit b-dept }]
              |                                                       ^^^^^^^^^^^^
            help: did you mean `b-depth`?
        "#]],
    );
}
