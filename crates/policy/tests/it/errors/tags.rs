//! Tags, and limits over all endpoints.

use expect_test::expect;

use super::check;

#[test]
fn tags_of_an_endpoint_that_are_none() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    tags: { Team: search, project: \"\", land: \"a  b\" }
",
        expect![[r#"
            error: `Team` cannot be the name of a tag
             --> bartizan.yaml:6:13
              |
            6 |     tags: { Team: search, project: "", land: "a  b" }
              |             ^^^^
            help: the name of a tag has 1 to 64 characters of a-z, 0-9 and `-`, and begins with a letter

            error: `` cannot be the value of a tag
             --> bartizan.yaml:6:36
              |
            6 |     tags: { Team: search, project: "", land: "a  b" }
              |                                    ^^
            help: the value of a tag has 1 to 128 bytes of letters, digits, single spaces and ASCII punctuation

            error: `a  b` cannot be the value of a tag
             --> bartizan.yaml:6:46
              |
            6 |     tags: { Team: search, project: "", land: "a  b" }
              |                                              ^^^^^^
            help: the value of a tag has 1 to 128 bytes of letters, digits, single spaces and ASCII punctuation
        "#]],
    );
}

#[test]
fn a_limit_over_a_tag_that_is_none() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
limits: [{ id: l, per: { tag: Te am }, requests: 1/s }]
endpoints: { e: { routes: [{ provider: demo }] } }
",
        expect![[r#"
            error: `Te am` cannot be the name of a tag
             --> bartizan.yaml:3:31
              |
            3 | limits: [{ id: l, per: { tag: Te am }, requests: 1/s }]
              |                               ^^^^^
            help: the name of a tag has 1 to 64 characters of a-z, 0-9 and `-`, and begins with a letter
        "#]],
    );
}

#[test]
fn limits_that_count_elsewhere() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
limits: [{ id: l, per: endpoint, requests: 1/s }]
endpoints:
  e:
    routes: [{ provider: demo }]
    limits: [{ id: m, per: all, requests: 1/s }]
",
        expect![[r#"
            error: a limit over all endpoints does not count one
             --> bartizan.yaml:3:24
              |
            3 | limits: [{ id: l, per: endpoint, requests: 1/s }]
              |                        ^^^^^^^^
            help: write `per: all`, or move the limit to the endpoint

            error: a limit of one endpoint does not count over all
             --> bartizan.yaml:7:28
              |
            7 |     limits: [{ id: m, per: all, requests: 1/s }]
              |                            ^^^
            help: write `per: endpoint`, or move the limit to `limits:` beside `endpoints:`
        "#]],
    );
}

#[test]
fn an_id_of_a_limit_over_all_endpoints_is_taken() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
limits: [{ id: l, per: all, requests: 1/s }]
endpoints:
  e:
    routes: [{ provider: demo }]
    limits: [{ id: l, per: user, requests: 1/s }]
",
        expect![[r#"
            error: two rules of this endpoint have the id `l`
             --> bartizan.yaml:7:20
              |
            7 |     limits: [{ id: l, per: user, requests: 1/s }]
              |                    ^
            help: give each its own; events name the rule that decided
        "#]],
    );
}

#[test]
fn dollars_over_all_endpoints_need_prices_in_each() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
prices: { one: { input: 1, output: 1 } }
limits: [{ id: l, per: { tag: team }, usd: 1/day }]
endpoints:
  e: { routes: [{ provider: demo, model: one }] }
  f: { routes: [{ provider: demo, model: two }] }
",
        expect![[r#"
            error: `prices` has no price for `two`, so `usd` cannot be counted
             --> bartizan.yaml:7:42
              |
            7 |   f: { routes: [{ provider: demo, model: two }] }
              |                                          ^^^
            help: add US dollars per million tokens, such as `prices: { MODEL: { input: 0.25, output: 2 } }`; `"*"` stands for all models without a price
        "#]],
    );
}

#[test]
fn a_claim_that_can_be_no_tag() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints: { e: { routes: [{ provider: demo }] } }
identity:
  issuers:
    - { id: corp, issuer: https://id.example.com, audiences: [a], tags: { Team: department, project: \"\" } }
",
        expect![[r#"
            error: `Team` cannot be the name of a tag
             --> bartizan.yaml:6:75
              |
            6 | ….com, audiences: [a], tags: { Team: department, project: "" } }
              |                                ^^^^
            help: the name of a tag has 1 to 64 characters of a-z, 0-9 and `-`, and begins with a letter

            error: `` can stand in no claim of a token
             --> bartizan.yaml:6:102
              |
            6 | … { Team: department, project: "" } }
              |                                ^^
            help: write 1 to 256 bytes without control characters
        "#]],
    );
}
