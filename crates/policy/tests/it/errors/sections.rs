//! Where to listen, prices, the event log, telemetry.

use expect_test::expect;

use super::check;

#[test]
fn an_empty_data_dir() {
    check(
        "version: 1
data-dir: ''
",
        expect![[r#"
            error: `data-dir` is empty
             --> bartizan.yaml:2:11
              |
            2 | data-dir: ''
              |           ^^
            help: write `data-dir: ./bartizan-data`
        "#]],
    );
}

#[test]
fn a_wrong_address() {
    check(
        "version: 1
listen: { gateway: localhost:8080 }
",
        expect![[r#"
            error: `localhost:8080` is not an address to listen on
             --> bartizan.yaml:2:20
              |
            2 | listen: { gateway: localhost:8080 }
              |                    ^^^^^^^^^^^^^^
            help: write IP and port, such as `127.0.0.1:8080` or `[::1]:8080`
        "#]],
    );
}

#[test]
fn one_address_twice() {
    check(
        "version: 1
listen: { gateway: 127.0.0.1:9000, console: 127.0.0.1:9000 }
",
        expect![[r#"
            error: gateway and console both listen on `127.0.0.1:9000`
             --> bartizan.yaml:2:45
              |
            2 | listen: { gateway: 127.0.0.1:9000, console: 127.0.0.1:9000 }
              |                                             ^^^^^^^^^^^^^^
            help: give one of them another port
        "#]],
    );
}

#[test]
fn a_wrong_price() {
    check(
        "version: 1
prices: { m: { input: cheap, output: -1 } }
",
        expect![[r#"
            error: `cheap` is not an amount in US dollars
             --> bartizan.yaml:2:23
              |
            2 | prices: { m: { input: cheap, output: -1 } }
              |                       ^^^^^
            help: write digits with at most nine decimals, such as `0.25`

            error: `-1` is not an amount in US dollars
             --> bartizan.yaml:2:38
              |
            2 | prices: { m: { input: cheap, output: -1 } }
              |                                      ^^
            help: write digits with at most nine decimals, such as `0.25`
        "#]],
    );
}

#[test]
fn a_wrong_size() {
    check(
        "version: 1
ledger: { segment: 64MB }
",
        expect![[r#"
            error: `64MB` is not a size
             --> bartizan.yaml:2:20
              |
            2 | ledger: { segment: 64MB }
              |                    ^^^^
            help: write a number with `KiB`, `MiB` or `GiB`, such as `64MiB`
        "#]],
    );
}

#[test]
fn a_tiny_segment() {
    check(
        "version: 1
ledger: { segment: 1KiB }
",
        expect![[r#"
            error: a segment of the event log is smaller than 4KiB
             --> bartizan.yaml:2:20
              |
            2 | ledger: { segment: 1KiB }
              |                    ^^^^
            help: write `segment: 64MiB`
        "#]],
    );
}

#[test]
fn a_log_smaller_than_a_segment() {
    check(
        "version: 1
ledger: { segment: 1GiB, total: 1MiB }
",
        expect![[r#"
            error: the whole event log is smaller than one segment of it
             --> bartizan.yaml:2:33
              |
            2 | ledger: { segment: 1GiB, total: 1MiB }
              |                                 ^^^^
            help: give `total` at least twice `segment`
        "#]],
    );
}

#[test]
fn a_wrong_way_to_fail() {
    check(
        "version: 1
ledger: { on-failure: ignore }
",
        expect![[r#"
            error: `ignore` is not a way to fail
             --> bartizan.yaml:2:23
              |
            2 | ledger: { on-failure: ignore }
              |                       ^^^^^^
            help: known here: `deny`, `buffer`
        "#]],
    );
}

#[test]
fn a_log_that_is_not_kept() {
    check(
        "version: 1
ledger: { keep: 12h, durability: sometimes, areas: { egress: { durability: strict } } }
",
        expect![[r#"
            error: unknown key `egress`
             --> bartizan.yaml:2:54
              |
            2 | ledger: { keep: 12h, durability: sometimes, areas: { egress: { durability: strict } } }
              |                                                      ^^^^^^
            help: known here: `gateway`, `admin`
        "#]],
    );
}

#[test]
fn entries_kept_for_no_time() {
    check(
        "version: 1
ledger: { keep: 12h, durability: sometimes }
",
        expect![[r#"
            error: `12h` is not a time to keep entries
             --> bartizan.yaml:2:17
              |
            2 | ledger: { keep: 12h, durability: sometimes }
              |                 ^^^
            help: write days, from `1d` to `3653d`

            error: `sometimes` is not a durability
             --> bartizan.yaml:2:34
              |
            2 | ledger: { keep: 12h, durability: sometimes }
              |                                  ^^^^^^^^^
            help: known here: `batched`, `strict`
        "#]],
    );
}

#[test]
fn wrong_witnesses() {
    check(
        "version: 1
ledger:
  witnesses:
    - { id: w-a, url: 'ftp://a.example', key: a.example+1234abcd+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA }
    - { id: w-a, url: 'https://b.example', key: b.example }
    - { id: w-c, url: 'https://c.example', key: a.example+1234abcd+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA }
  witness-for: [log.vkey]
",
        expect![[r#"
            error: `ftp://a.example` is not an http address
             --> bartizan.yaml:4:23
              |
            4 |     - { id: w-a, url: 'ftp://a.example', key: ••••••••••••••••••••••••••••••••••••••••••••••••••••••…
              |                       ^^^^^^^^^^^^^^^^^
            help: write an address such as `https://api.example.com/v1`

            error: two witnesses have the id `w-a`
             --> bartizan.yaml:5:13
              |
            5 |     - { id: w-a, url: 'https://b.example', key: ••••••••• }
              |             ^^^
            help: give each its own; it names the witness in logs

            error: `b.example` is not the public key of a log or witness
             --> bartizan.yaml:5:49
              |
            5 |     - { id: w-a, url: 'https://b.example', key: ••••••••• }
              |                                                 ^^^^^^^^^
            help: write what `bartizan audit key` or `bartizan audit key --witness` prints there

            error: two witnesses have one key, and would count as two
             --> bartizan.yaml:6:49
              |
            6 | …rl: 'https://c.example', key: ••••••••••••••••••••••••••••••••••••••••••••••••••••••••••••••• }
              |                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: name each witness once

            error: `log.vkey` is not the public key of a log or witness
             --> bartizan.yaml:7:17
              |
            7 |   witness-for: [log.vkey]
              |                 ^^^^^^^^
            help: write what `bartizan audit key` or `bartizan audit key --witness` prints there
        "#]],
    );
}

#[test]
fn a_wrong_collector() {
    check(
        "version: 1
telemetry: { otlp-endpoint: 127.0.0.1:4318 }
",
        expect![[r#"
            error: `127.0.0.1:4318` is not an http address
             --> bartizan.yaml:2:29
              |
            2 | telemetry: { otlp-endpoint: 127.0.0.1:4318 }
              |                             ^^^^^^^^^^^^^^
            help: write an address such as `https://api.example.com/v1`
        "#]],
    );
}
