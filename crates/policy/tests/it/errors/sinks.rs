//! Sinks of the event log: kinds, addresses, credentials.

use expect_test::expect;

use super::check;

#[test]
fn an_unknown_kind_of_sink() {
    check(
        "version: 1
ledger: { sinks: [{ id: s-a, sylog: { to: 'tls://siem.example' } }] }
",
        expect![[r#"
            error: unknown key `sylog`
             --> bartizan.yaml:2:30
              |
            2 | ledger: { sinks: [{ id: s-a, sylog: { to: 'tls://siem.example' } }] }
              |                              ^^^^^
            help: did you mean `syslog`?
        "#]],
    );
}

#[test]
fn a_sink_without_a_kind() {
    check(
        "version: 1
ledger: { sinks: [{ id: s-a }] }
",
        expect![[r#"
            error: a sink without a kind
             --> bartizan.yaml:2:25
              |
            2 | ledger: { sinks: [{ id: s-a }] }
              |                         ^^^
            help: give it one of `file`, `syslog`, `otlp`, `nats` or `s3`
        "#]],
    );
}

#[test]
fn a_sink_of_two_kinds() {
    check(
        "version: 1
ledger:
  sinks:
    - { id: s-a, file: { path: a }, syslog: { to: 'udp://127.0.0.1' } }
",
        expect![[r#"
            error: a sink of more than one kind
             --> bartizan.yaml:4:13
              |
            4 |     - { id: s-a, file: { path: a }, syslog: { to: 'udp://127.0.0.1' } }
              |             ^^^
            help: give it one of `file`, `syslog`, `otlp`, `nats` or `s3`
        "#]],
    );
}

#[test]
fn one_id_twice() {
    check(
        "version: 1
ledger: { sinks: [{ id: s-a, file: { path: a } }, { id: s-a, file: { path: b } }] }
",
        expect![[r#"
            error: two sinks have the id `s-a`
             --> bartizan.yaml:2:57
              |
            2 | ledger: { sinks: [{ id: s-a, file: { path: a } }, { id: s-a, file: { path: b } }] }
              |                                                         ^^^
            help: give each its own; it names the file that says how far a sink got
        "#]],
    );
}

#[test]
fn an_unknown_area() {
    check(
        "version: 1
ledger: { sinks: [{ id: s-a, areas: [gatway], file: { path: a } }] }
",
        expect![[r#"
            error: `gatway` is not an area of events
             --> bartizan.yaml:2:38
              |
            2 | ledger: { sinks: [{ id: s-a, areas: [gatway], file: { path: a } }] }
              |                                      ^^^^^^
            help: did you mean `gateway`?
        "#]],
    );
}

#[test]
fn files_out_of_range() {
    check(
        "version: 1
ledger:
  sinks:
    - { id: s-a, file: { path: '', keep: 1 } }
    - { id: s-b, file: { path: a, rotate: 1KiB } }
    - { id: s-c, file: { path: a, keep: 1001 } }
",
        expect![[r#"
            error: `path` is empty
             --> bartizan.yaml:4:32
              |
            4 |     - { id: s-a, file: { path: '', keep: 1 } }
              |                                ^^
            help: name a file

            error: a file of a sink is smaller than 64KiB
             --> bartizan.yaml:5:43
              |
            5 |     - { id: s-b, file: { path: a, rotate: 1KiB } }
              |                                           ^^^^
            help: write `rotate: 64MiB`

            error: `keep` is 1001, more than 1000
             --> bartizan.yaml:6:41
              |
            6 |     - { id: s-c, file: { path: a, keep: 1001 } }
              |                                         ^^^^
            help: write `keep: 8`
        "#]],
    );
}

#[test]
fn addresses_that_are_none() {
    check(
        "version: 1
ledger:
  sinks:
    - { id: s-a, syslog: { to: siem.example } }
    - { id: s-b, syslog: { to: 'tcp://siem.example' } }
    - { id: s-c, otlp: { endpoint: collector.example } }
    - { id: s-d, nats: { url: 'http://nats.example', stream: A, subject: a } }
    - { id: s-e, nats: { url: 'nats://me:pw@nats.example', stream: A, subject: a } }
    - { id: s-f, syslog: { to: 'udp://127.0.0.1', ca: Cargo.toml } }
    - { id: s-g, syslog: { to: 'tls://siem.example', ca: no/such.pem } }
",
        expect![[r#"
            error: `siem.example` is not the address of a syslog receiver
             --> bartizan.yaml:4:32
              |
            4 |     - { id: s-a, syslog: { to: siem.example } }
              |                                ^^^^^^^^^^^^
            help: write `tls://siem.example:6514`, `tcp://siem.example:601` or `udp://siem.example:514`

            error: `tcp://siem.example` is not the address of a syslog receiver
             --> bartizan.yaml:5:32
              |
            5 |     - { id: s-b, syslog: { to: 'tcp://siem.example' } }
              |                                ^^^^^^^^^^^^^^^^^^^^
            help: write `tls://siem.example:6514`, `tcp://siem.example:601` or `udp://siem.example:514`

            error: `collector.example` is not an http address
             --> bartizan.yaml:6:36
              |
            6 |     - { id: s-c, otlp: { endpoint: collector.example } }
              |                                    ^^^^^^^^^^^^^^^^^
            help: write an address such as `https://api.example.com/v1`

            error: `http://nats.example` is not the address of a NATS server
             --> bartizan.yaml:7:31
              |
            7 |     - { id: s-d, nats: { url: 'http://nats.example', stream: A, subject: a } }
              |                               ^^^^^^^^^^^^^^^^^^^^^
            help: write `tls://nats.example:4222` or `nats://127.0.0.1:4222`

            error: the address holds a user or password
             --> bartizan.yaml:8:31
              |
            8 |     - { id: s-e, nats: { url: •••••••••••••••••••••••••••, stream: A, subject: a } }
              |                               ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: remove what stands before `@`; a token goes into `token` as a reference

            error: `ca` is for TLS, and this sink uses none
             --> bartizan.yaml:9:55
              |
            9 |     - { id: s-f, syslog: { to: 'udp://127.0.0.1', ca: Cargo.toml } }
              |                                                       ^^^^^^^^^^
            help: remove `ca`, or write `to: tls://…`

            error: no such file: `no/such.pem`
              --> bartizan.yaml:10:58
               |
            10 |     - { id: s-g, syslog: { to: 'tls://siem.example', ca: no/such.pem } }
               |                                                          ^^^^^^^^^^^
            help: name a file of certificates in PEM; a relative path starts at the folder of the policy file
        "#]],
    );
}

#[test]
fn a_url_that_is_missing() {
    check(
        "version: 1
ledger: { sinks: [{ id: s-a, nats: { stream: A, subject: a } }] }
",
        expect![[r#"
            error: the key `url` is missing
             --> bartizan.yaml:2:49
              |
            2 | ledger: { sinks: [{ id: s-a, nats: { stream: A, subject: a } }] }
              |                                                 ^^^^^^^
            help: add `url:` to this entry
        "#]],
    );
}

#[test]
fn credentials_that_are_written_out() {
    check(
        "version: 1
ledger:
  sinks:
    - { id: s-a, otlp: { endpoint: 'https://c.example', headers: { authorization: Bearer-abc } } }
    - { id: s-b, nats: { url: 'tls://n.example', stream: A, subject: a, token: abcdef } }
    - id: s-c
      s3:
        endpoint: https://s3.example
        bucket: logs
        access-key: ABCDEF
        secret-key: ghijkl
",
        expect![[r#"
            error: `authorization` holds a credential itself
             --> bartizan.yaml:4:83
              |
            4 |     - { id: s-a, otlp: { endpoint: 'https://c.example', headers: { authorization: •••••••••• } } }
              |                                                                                   ^^^^^^^^^^
            help: keep it out of the policy: write `authorization: env:NAME`, `authorization: file:PATH` or `authorization: secret:NAME`

            error: `token` holds a credential itself
             --> bartizan.yaml:5:80
              |
            5 |     - { id: s-b, nats: { url: 'tls://n.example', stream: A, subject: a, token: •••••• } }
              |                                                                                ^^^^^^
            help: keep it out of the policy: write `token: env:NAME`, `token: file:PATH` or `token: secret:NAME`

            error: `access-key` holds a credential itself
              --> bartizan.yaml:10:21
               |
            10 |         access-key: ••••••
               |                     ^^^^^^
            help: keep it out of the policy: write `access-key: env:NAME`, `access-key: file:PATH` or `access-key: secret:NAME`

            error: `secret-key` holds a credential itself
              --> bartizan.yaml:11:21
               |
            11 |         secret-key: ••••••
               |                     ^^^^^^
            help: keep it out of the policy: write `secret-key: env:NAME`, `secret-key: file:PATH` or `secret-key: secret:NAME`
        "#]],
    );
}

#[test]
fn two_ways_to_sign_in() {
    check(
        "version: 1
ledger:
  sinks:
    - id: s-a
      nats: { url: 'tls://n', stream: A, subject: a, token: env:HOST, credentials: env:BROKEN }
",
        expect![[r#"
            error: a sink signs in with `token` or with `credentials`, not with both
             --> bartizan.yaml:5:84
              |
            5 |       nats: { url: 'tls://n', stream: A, subject: a, token: env:HOST, credentials: env:BROKEN }
              |                                                                                    ^^^^^^^^^^
            help: remove one of the two
        "#]],
    );
}

#[test]
fn credentials_that_would_travel_unencrypted() {
    check(
        "version: 1
ledger:
  sinks:
    - { id: s-a, otlp: { endpoint: 'http://10.0.0.7:4318', headers: { x-key: env:OPENAI_API_KEY } } }
    - { id: s-b, nats: { url: 'nats://10.0.0.7', stream: A, subject: a, token: env:OPENAI_API_KEY } }
",
        expect![[r#"
            error: the headers for `http://10.0.0.7:4318` would travel unencrypted
             --> bartizan.yaml:4:36
              |
            4 | … { id: s-a, otlp: { endpoint: 'http://10.0.0.7:4318', headers: { x-key: env:OPENAI_API_KEY } } }
              |                                ^^^^^^^^^^^^^^^^^^^^^^
            help: write `https://`, or remove `headers`

            error: the credential for `nats://10.0.0.7` may travel unencrypted
             --> bartizan.yaml:5:31
              |
            5 |     - { id: s-b, nats: { url: 'nats://10.0.0.7', stream: A, subject: a, token: env:OPENAI_API_KEY } …
              |                               ^^^^^^^^^^^^^^^^^
            help: write `tls://`
        "#]],
    );
}

#[test]
fn names_that_are_none() {
    check(
        "version: 1
ledger:
  sinks:
    - { id: s-a, nats: { url: 'nats://127.0.0.1', stream: a.b, subject: 'a.*' } }
    - id: s-b
      s3: { endpoint: 'https://s3.example', bucket: a/b, access-key: env:HOST, secret-key: env:HOST }
    - id: s-c
      s3:
        endpoint: https://s3.example
        bucket: logs
        prefix: a/../b
        access-key: env:HOST
        secret-key: env:HOST
",
        expect![[r#"
            error: `a.b` is not a stream of NATS
             --> bartizan.yaml:4:59
              |
            4 |     - { id: s-a, nats: { url: 'nats://127.0.0.1', stream: a.b, subject: 'a.*' } }
              |                                                           ^^^
            help: write `stream: BARTIZAN`, without spaces and wildcards

            error: `a.*` is not a subject of NATS
             --> bartizan.yaml:4:73
              |
            4 |     - { id: s-a, nats: { url: 'nats://127.0.0.1', stream: a.b, subject: 'a.*' } }
              |                                                                         ^^^^^
            help: write `subject: bartizan.events`, without spaces and wildcards

            error: `a/b` is not the name of a bucket
             --> bartizan.yaml:6:53
              |
            6 | …'https://s3.example', bucket: a/b, access-key: env:HOST, secret-key: env:HOST }
              |                                ^^^
            help: write 3 to 63 lower-case letters, digits, `-` and `.`

            error: `a/../b` cannot begin the name of an object
              --> bartizan.yaml:11:17
               |
            11 |         prefix: a/../b
               |                 ^^^^^^
            help: write it like `bartizan/prod`, without `.`, `..` and empty parts
        "#]],
    );
}
