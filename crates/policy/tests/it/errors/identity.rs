//! Identity providers, TLS and groups in files.

use expect_test::expect;

use super::check;

#[test]
fn an_issuer_that_could_be_anybody() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: http://login.example, audiences: [] }
",
        expect![[r#"
            error: `http://login.example` could be anybody: nobody proves who they are over plain http
             --> bartizan.yaml:4:27
              |
            4 |     - { id: corp, issuer: http://login.example, audiences: [] }
              |                           ^^^^^^^^^^^^^^^^^^^^
            help: write `https://`

            error: `audiences` lets no token pass
             --> bartizan.yaml:4:60
              |
            4 |     - { id: corp, issuer: http://login.example, audiences: [] }
              |                                                            ^
            help: name what tokens for this gateway have as `aud`; without it, tokens for other services would be taken
        "#]],
    );
}

#[test]
fn an_algorithm_that_shares_a_secret() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a], algorithms: [HS256] }
",
        expect![[r#"
            error: `HS256` is not an algorithm that tokens may be signed with
             --> bartizan.yaml:4:79
              |
            4 |     - { id: corp, issuer: https://login.example, audiences: [a], algorithms: [HS256] }
              |                                                                               ^^^^^
            help: did you mean `RS256`?
        "#]],
    );
}

#[test]
fn no_algorithm_at_all() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a], algorithms: [] }
",
        expect![[r#"
            error: `algorithms` lets no token pass
             --> bartizan.yaml:4:78
              |
            4 |     - { id: corp, issuer: https://login.example, audiences: [a], algorithms: [] }
              |                                                                              ^
            help: name one, such as `RS256`, or remove the key
        "#]],
    );
}

#[test]
fn two_issuers_that_are_one() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a] }
    - { id: corp, issuer: https://other.example, audiences: [a] }
    - { id: third, issuer: https://login.example, audiences: [a] }
",
        expect![[r#"
            error: two issuers have the same `id`, `corp`
             --> bartizan.yaml:5:13
              |
            5 |     - { id: corp, issuer: https://other.example, audiences: [a] }
              |             ^^^^
            help: keep one of the two

            error: two issuers have the same `issuer`, `https://login.example`
             --> bartizan.yaml:6:28
              |
            6 |     - { id: third, issuer: https://login.example, audiences: [a] }
              |                            ^^^^^^^^^^^^^^^^^^^^^
            help: keep one of the two
        "#]],
    );
}

#[test]
fn a_claimed_group_that_is_none_here() {
    check(
        "version: 1
groups: { analysts: [] }
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a], groups: { claim: groups, map: { X: analists } } }
",
        expect![[r#"
            error: no group is named `analists`
             --> bartizan.yaml:5:101
              |
            5 | …s: { claim: groups, map: { X: analists } } }
              |                                ^^^^^^^^
            help: did you mean `analysts`?
        "#]],
    );
}

#[test]
fn times_that_are_too_long() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a], clock-skew: 10m, max-age: 24h }
",
        expect![[r#"
            error: `clock-skew` is longer than 300 s
             --> bartizan.yaml:4:78
              |
            4 |     - { id: corp, issuer: https://login.example, audiences: [a], clock-skew: 10m, max-age: 24h }
              |                                                                              ^^^
            help: make it shorter
        "#]],
    );
}

#[test]
fn a_claim_without_a_name() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a], user: \"\" }
",
        expect![[r#"
            error: `` can stand in no claim of a token
             --> bartizan.yaml:4:72
              |
            4 |     - { id: corp, issuer: https://login.example, audiences: [a], user: "" }
              |                                                                        ^^
            help: write 1 to 256 bytes without control characters
        "#]],
    );
}

#[test]
fn keys_over_plain_http() {
    check(
        "version: 1
identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [a], keys: http://login.example/keys }
",
        expect![[r#"
            error: `http://login.example/keys` could be anybody: nobody proves who they are over plain http
             --> bartizan.yaml:4:72
              |
            4 |     - { id: corp, issuer: https://login.example, audiences: [a], keys: http://login.example/keys }
              |                                                                        ^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `https://`
        "#]],
    );
}

#[test]
fn a_private_key_in_the_policy() {
    check(
        "version: 1
listen: { tls: { certificate: file:cert.pem, key: env:TLS_KEY } }
",
        expect![[r#"
            error: `key` names no file
             --> bartizan.yaml:2:51
              |
            2 | listen: { tls: { certificate: file:cert.pem, key: ••••••••••• } }
              |                                                   ^^^^^^^^^^^
            help: write `key: file:PATH`
        "#]],
    );
}

#[test]
fn a_share_that_is_the_whole() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    limits: [{ id: l-a, per: user, requests: 1/s, soft: 100% }]
",
        expect![[r#"
            error: `100%` is no share of a limit
             --> bartizan.yaml:6:57
              |
            6 |     limits: [{ id: l-a, per: user, requests: 1/s, soft: 100% }]
              |                                                         ^^^^
            help: write `1%` to `99%`, such as `80%`
        "#]],
    );
}
