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

#[test]
fn a_certificate_that_stands_for_nobody() {
    check(
        r#"version: 1
listen: { tls: { certificate: file:cert.pem, key: file:key.pem, client-ca: file:ca.pem } }
identity:
  certificates:
    - { id: c-none }
    - { id: c-both, email: "*@example.com", dns: "*.example.com" }
    - { id: c-mail, email: "*@*" }
    - { id: c-word, email: "alice" }
    - { id: c-half, uri: "spiffe://example.org/agent-*" }
    - { id: c-open, uri: "spiffe://*" }
    - { id: c-name, uri: "spiffe://example.org/agent" }
    - { id: c-host, dns: "*" }
    - { id: c-wide, dns: "*.example" }
    - { id: c-hash, sha256: "12:34", as: "sp:bot" }
    - { id: c-anon, sha256: "00" }
    - { id: c-star, dns: "*.*.example" }
"#,
        expect![[r#"
            error: a certificate is known by one of `email`, `uri`, `dns` and `sha256`
             --> bartizan.yaml:5:7
              |
            5 |     - { id: c-none }
              |       ^
            help: keep one of them, and add an entry for each other

            error: a certificate is known by one of `email`, `uri`, `dns` and `sha256`
             --> bartizan.yaml:6:7
              |
            6 |     - { id: c-both, email: "*@example.com", dns: "*.example.com" }
              |       ^
            help: keep one of them, and add an entry for each other

            error: `*@*` is no name of a certificate
             --> bartizan.yaml:7:28
              |
            7 |     - { id: c-mail, email: "*@*" }
              |                            ^^^^^
            help: write `alice@example.com`, or `*@example.com` for all of a domain

            error: `alice` is no address of a certificate
             --> bartizan.yaml:8:28
              |
            8 |     - { id: c-word, email: "alice" }
              |                            ^^^^^^^
            help: write `alice@example.com`, or `*@example.com` for all of a domain

            error: `spiffe://example.org/agent-*` is no URI of a certificate
             --> bartizan.yaml:9:26
              |
            9 |     - { id: c-half, uri: "spiffe://example.org/agent-*" }
              |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write it like `spiffe://example.org/agent/*`; `*` stands for one whole segment of the path

            error: `spiffe://*` is no URI of a certificate
              --> bartizan.yaml:10:26
               |
            10 |     - { id: c-open, uri: "spiffe://*" }
               |                          ^^^^^^^^^^^^
            help: write it like `spiffe://example.org/agent/*`; `*` stands for one whole segment of the path

            error: a URI alone does not say what the caller is called
              --> bartizan.yaml:11:26
               |
            11 |     - { id: c-name, uri: "spiffe://example.org/agent" }
               |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: add `as: sp:NAME`, or put `*` in the place of its name

            error: `*` is no host of a certificate
              --> bartizan.yaml:12:26
               |
            12 |     - { id: c-host, dns: "*" }
               |                          ^^^
            help: write `bot.agents.example`, or `*.agents.example` for all below

            error: `*.example` is no host of a certificate
              --> bartizan.yaml:13:26
               |
            13 |     - { id: c-wide, dns: "*.example" }
               |                          ^^^^^^^^^^^
            help: write `bot.agents.example`, or `*.agents.example` for all below

            error: `12:34` is no SHA-256
              --> bartizan.yaml:14:29
               |
            14 |     - { id: c-hash, sha256: "12:34", as: "sp:bot" }
               |                             ^^^^^^^
            help: write the 64 hex digits that `openssl x509 -fingerprint -sha256` prints

            error: a hash does not say who calls
              --> bartizan.yaml:15:29
               |
            15 |     - { id: c-anon, sha256: "00" }
               |                             ^^^^
            help: add `as: alice@example.com` or `as: sp:NAME`

            error: `*.*.example` is no name of a certificate
              --> bartizan.yaml:16:26
               |
            16 |     - { id: c-star, dns: "*.*.example" }
               |                          ^^^^^^^^^^^^^
            help: write `bot.agents.example`, or `*.agents.example` for all below
        "#]],
    );
}

#[test]
fn a_certificate_with_names_that_lead_nowhere() {
    check(
        r#"version: 1
listen: { tls: { certificate: file:cert.pem, key: file:key.pem, client-ca: file:ca.pem } }
providers: { d: { demo: {} } }
groups: { staff: [] }
endpoints: { chat: { routes: [{ provider: d }] } }
identity:
  certificates:
    - { id: c-a, email: "*@example.com", groups: [staf], endpoints: [chatt] }
    - { id: c-a, email: "*@example.net", endpoints: [] }
    - { id: c-a, email: "*@example.org" }
    - { id: c-b, dns: "a.example", as: "sp: bot" }
    - { id: c-a, email: "*@example.org" }
"#,
        expect![[r#"
            error: no group is named `staf`
             --> bartizan.yaml:8:51
              |
            8 |     - { id: c-a, email: "*@example.com", groups: [staf], endpoints: [chatt] }
              |                                                   ^^^^
            help: did you mean `staff`?

            error: no endpoint is named `chatt`
             --> bartizan.yaml:8:70
              |
            8 |     - { id: c-a, email: "*@example.com", groups: [staf], endpoints: [chatt] }
              |                                                                      ^^^^^
            help: did you mean `chat`?

            error: `endpoints` opens nothing
             --> bartizan.yaml:9:53
              |
            9 |     - { id: c-a, email: "*@example.net", endpoints: [] }
              |                                                     ^
            help: name one, or remove the key

            error: `sp: bot` is neither a person nor a program: the name of a principal takes letters, digits and `.`, `-`, `_`, `@`, `+`
              --> bartizan.yaml:11:40
               |
            11 |     - { id: c-b, dns: "a.example", as: "sp: bot" }
               |                                        ^^^^^^^^^
            help: write `alice@example.com` for a person, `sp:support-bot` for a program

            error: two entries of `certificates` have the id `c-a`
              --> bartizan.yaml:12:13
               |
            12 |     - { id: c-a, email: "*@example.org" }
               |             ^^^
            help: give each its own
        "#]],
    );
}

#[test]
fn certificates_that_no_client_shows() {
    check(
        r#"version: 1
listen: { tls: { certificate: file:cert.pem, key: file:key.pem, client-crl: file:crl.pem, client-certificates: optional } }
identity: { certificates: [{ id: c-a, email: "*@example.com" }] }
"#,
        expect![[r#"
            error: `client-crl` does nothing without `client-ca`
             --> bartizan.yaml:2:77
              |
            2 | …ey: file:key.pem, client-crl: file:crl.pem, client-certificates: optional } }
              |                                ^^^^^^^^^^^^
            help: add `client-ca: file:PATH` of the authorities that sign clients

            error: `client-certificates` does nothing without `client-ca`
             --> bartizan.yaml:2:112
              |
            2 | …crl.pem, client-certificates: optional } }
              |                                ^^^^^^^^
            help: add `client-ca: file:PATH` of the authorities that sign clients

            error: clients show no certificates
             --> bartizan.yaml:3:28
              |
            3 | identity: { certificates: [{ id: c-a, email: "*@example.com" }] }
              |                            ^
            help: add `listen.tls.client-ca: file:PATH` of the authorities that sign them
        "#]],
    );
}

#[test]
fn a_certificate_that_may_or_may_not_be_shown() {
    check(
        r#"version: 1
listen: { tls: { certificate: file:cert.pem, key: file:key.pem, client-ca: file:ca.pem, client-certificates: maybe } }
"#,
        expect![[r#"
            error: `maybe` is not a way to ask for certificates
             --> bartizan.yaml:2:110
              |
            2 | …:ca.pem, client-certificates: maybe } }
              |                                ^^^^^
            help: known here: `required`, `optional`
        "#]],
    );
}
