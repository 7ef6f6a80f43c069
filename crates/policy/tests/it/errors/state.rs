//! Servers that several gateways share: addresses, passwords, what happens without them.

use expect_test::expect;

use super::check;

#[test]
fn postgres_without_a_user() {
    check(
        "version: 1
state: { postgres: { url: 'postgres://db.example/state' } }
",
        expect![[r#"
            error: `postgres://db.example/state` names no user and database
             --> bartizan.yaml:2:27
              |
            2 | state: { postgres: { url: 'postgres://db.example/state' } }
              |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `postgres://USER@db.example/DATABASE`
        "#]],
    );
}

#[test]
fn postgres_without_a_database() {
    check(
        "version: 1
state: { postgres: { url: 'postgres://me@db.example' } }
",
        expect![[r#"
            error: `postgres://me@db.example` names no user and database
             --> bartizan.yaml:2:27
              |
            2 | state: { postgres: { url: 'postgres://me@db.example' } }
              |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `postgres://USER@db.example/DATABASE`
        "#]],
    );
}

#[test]
fn an_address_of_something_else() {
    check(
        "version: 1
state: { postgres: { url: 'mysql://me@db.example/state' } }
",
        expect![[r#"
            error: this is not the address of a database of PostgreSQL
             --> bartizan.yaml:2:27
              |
            2 | state: { postgres: { url: ••••••••••••••••••••••••••••• } }
              |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `postgres://USER@db.example/DATABASE`
        "#]],
    );
}

#[test]
fn a_password_in_the_address() {
    check(
        "version: 1
state: { postgres: { url: 'postgres://me:VERYSECRET@db.example/state' } }
",
        expect![[r#"
            error: the address holds a password
             --> bartizan.yaml:2:27
              |
            2 | state: { postgres: { url: ••••••••••••••••••••••••••••••••••••••••••• } }
              |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: remove what stands before `@` from `:` on; it goes into `password` as a reference
        "#]],
    );
}

#[test]
fn a_password_that_is_no_reference() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', password: VERYSECRET } }
",
        expect![[r#"
            error: `password` holds a credential itself
             --> bartizan.yaml:2:55
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', password: •••••••••• } }
              |                                                       ^^^^^^^^^^
            help: keep it out of the policy: write `password: env:NAME`, `password: file:PATH` or `password: secret:NAME`
        "#]],
    );
}

#[test]
fn redis_in_the_clear_on_another_machine() {
    check(
        "version: 1
state: { redis: { url: 'redis://redis.example' } }
",
        expect![[r#"
            error: whoever is on the way could read and change what is kept there
             --> bartizan.yaml:2:24
              |
            2 | state: { redis: { url: 'redis://redis.example' } }
              |                        ^^^^^^^^^^^^^^^^^^^^^^^
            help: write `rediss://`, or accept the risk with `danger-allow-plain: true`
        "#]],
    );
}

#[test]
fn a_database_of_redis_that_is_no_number() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1/cache' } }
",
        expect![[r#"
            error: `cache` is not the number of a database
             --> bartizan.yaml:2:24
              |
            2 | state: { redis: { url: 'redis://127.0.0.1/cache' } }
              |                        ^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `rediss://redis.example:6379/0` or `redis://127.0.0.1`
        "#]],
    );
}

#[test]
fn certificates_for_a_connection_without_tls() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', ca: Cargo.toml } }
",
        expect![[r#"
            error: `ca` is for TLS, and this address uses none
             --> bartizan.yaml:2:49
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', ca: Cargo.toml } }
              |                                                 ^^^^^^^^^^
            help: remove `ca`, or write `rediss://`
        "#]],
    );
}

#[test]
fn a_share_of_nobody_knows_how_many() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', when-away: count-alone } }
",
        expect![[r#"
            error: `count-alone` gives each gateway a share, and `gateways` does not say how many there are
             --> bartizan.yaml:2:56
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', when-away: count-alone } }
              |                                                        ^^^^^^^^^^^
            help: add `gateways: 2`
        "#]],
    );
}

#[test]
fn a_number_of_gateways_that_nothing_needs() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', gateways: 2 } }
",
        expect![[r#"
            error: `gateways` is for `when-away: count-alone`
             --> bartizan.yaml:2:55
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', gateways: 2 } }
              |                                                       ^
            help: remove it, or add `when-away: count-alone`
        "#]],
    );
}

#[test]
fn no_gateways_at_all() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', when-away: count-alone, gateways: 0 } }
",
        expect![[r#"
            error: 0 is no number of gateways
             --> bartizan.yaml:2:79
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', when-away: count-alone, gateways: 0 } }
              |                                                                               ^
            help: write 1 to 1000
        "#]],
    );
}

#[test]
fn a_word_for_when_nobody_counts() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', when-away: allow } }
",
        expect![[r#"
            error: `allow` is not something to do when nobody counts
             --> bartizan.yaml:2:56
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', when-away: allow } }
              |                                                        ^^^^^
            help: known here: `deny`, `count-alone`
        "#]],
    );
}

#[test]
fn a_prefix_that_would_move_keys() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', prefix: 'a{b}' } }
",
        expect![[r#"
            error: `a{b}` cannot begin a key
             --> bartizan.yaml:2:53
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', prefix: 'a{b}' } }
              |                                                     ^^^^^^
            help: write 1 to 64 letters, digits and `-_.:`
        "#]],
    );
}

#[test]
fn a_wait_that_holds_up_everybody() {
    check(
        "version: 1
state: { redis: { url: 'redis://127.0.0.1', timeout: 60s } }
",
        expect![[r#"
            error: every request would wait for a server that is away for more than 10 s
             --> bartizan.yaml:2:54
              |
            2 | state: { redis: { url: 'redis://127.0.0.1', timeout: 60s } }
              |                                                      ^^^
            help: write `timeout: 250ms`
        "#]],
    );
}

#[test]
fn certificates_that_are_not_there() {
    check(
        "version: 1
state: { postgres: { url: 'postgres://me@db.example/state', ca: nowhere.pem } }
",
        expect![[r#"
            error: no such file: `nowhere.pem`
             --> bartizan.yaml:2:65
              |
            2 | state: { postgres: { url: 'postgres://me@db.example/state', ca: nowhere.pem } }
              |                                                                 ^^^^^^^^^^^
            help: name a file of certificates in PEM; a relative path starts at the folder of the policy file
        "#]],
    );
}

#[test]
fn a_trust_that_ends_before_the_next_look() {
    check(
        "version: 1
state: { postgres: { url: 'postgres://me@127.0.0.1/state', trust-for: 1s } }
",
        expect![[r#"
            error: keys would not be known from one look at the database to the next
             --> bartizan.yaml:2:71
              |
            2 | state: { postgres: { url: 'postgres://me@127.0.0.1/state', trust-for: 1s } }
              |                                                                       ^^
            help: write `trust-for: 5m`
        "#]],
    );
}
