//! People who sign in to the console.

use expect_test::expect;

use super::check;

#[test]
fn nobody_can_sign_in() {
    check(
        "version: 1
console: { login: {} }
",
        expect![[r#"
            error: `login` lets nobody sign in
             --> bartizan.yaml:2:19
              |
            2 | console: { login: {} }
              |                   ^
            help: add `accounts: true` or `oidc: { … }`, or remove it
        "#]],
    );
}

#[test]
fn accounts_that_are_off_are_nobody() {
    check(
        "version: 1
console:
  login: { accounts: false, session: { idle: 5m } }
",
        expect![[r#"
            error: `login` lets nobody sign in
             --> bartizan.yaml:3:10
              |
            3 |   login: { accounts: false, session: { idle: 5m } }
              |          ^
            help: add `accounts: true` or `oidc: { … }`, or remove it
        "#]],
    );
}

#[test]
fn passwords_in_the_clear() {
    check(
        "version: 1
listen: { console: '0.0.0.0:8081' }
console: { login: { accounts: true } }
",
        expect![[r#"
            error: people would sign in at `0.0.0.0:8081` in the clear: passwords and sessions could be read on the way
             --> bartizan.yaml:3:19
              |
            3 | console: { login: { accounts: true } }
              |                   ^
            help: add `listen: { tls: { … } }`, or let the console listen on a loopback address behind a proxy with TLS
        "#]],
    );
}

#[test]
fn an_address_with_a_path() {
    check(
        "version: 1
console: { login: { accounts: true, address: 'https://console.example/bartizan' } }
",
        expect![[r#"
            error: `https://console.example/bartizan` is more than scheme, host and port
             --> bartizan.yaml:2:46
              |
            2 | console: { login: { accounts: true, address: 'https://console.example/bartizan' } }
              |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write it like `https://console.example`
        "#]],
    );
}

#[test]
fn an_address_in_the_clear() {
    check(
        "version: 1
console: { login: { accounts: true, address: 'http://console.example' } }
",
        expect![[r#"
            error: `http://console.example` could be anybody: nobody proves who they are over plain http
             --> bartizan.yaml:2:46
              |
            2 | console: { login: { accounts: true, address: 'http://console.example' } }
              |                                              ^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `https://`
        "#]],
    );
}

#[test]
fn an_address_to_which_the_console_does_not_answer() {
    check(
        "version: 1
console: { login: { accounts: true, address: 'https://console.example' } }
",
        expect![[r#"
            error: the console does not answer to `console.example`
             --> bartizan.yaml:2:46
              |
            2 | console: { login: { accounts: true, address: 'https://console.example' } }
              |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^
            help: add it: `listen: { console-names: [console.example] }`
        "#]],
    );
}

#[test]
fn a_session_that_ends_at_once() {
    check(
        "version: 1
console: { login: { accounts: true, session: { idle: 5s } } }
",
        expect![[r#"
            error: people would be signed out while they read a page
             --> bartizan.yaml:2:54
              |
            2 | console: { login: { accounts: true, session: { idle: 5s } } }
              |                                                      ^^
            help: write `idle: 30m`
        "#]],
    );
}

#[test]
fn a_session_that_is_idle_for_longer_than_it_lasts() {
    check(
        "version: 1
console: { login: { accounts: true, session: { idle: 2h, total: 1h } } }
",
        expect![[r#"
            error: a session that may be idle for longer than it lasts never ends by that
             --> bartizan.yaml:2:54
              |
            2 | console: { login: { accounts: true, session: { idle: 2h, total: 1h } } }
              |                                                      ^^
            help: make `idle` shorter than `total`
        "#]],
    );
}

#[test]
fn a_session_without_a_time() {
    check(
        "version: 1
console: { login: { accounts: true, session: { total: soon } } }
",
        expect![[r#"
            error: `soon` is not a time to wait
             --> bartizan.yaml:2:55
              |
            2 | console: { login: { accounts: true, session: { total: soon } } }
              |                                                       ^^^^
            help: write a number with `ms`, `s`, `m` or `h`, from `1ms` to `24h`
        "#]],
    );
}

#[test]
fn an_issuer_that_is_not_there() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: crop, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#"
            error: no issuer is named `crop`
             --> bartizan.yaml:3:37
              |
            3 | …e: { login: { oidc: { issuer: crop, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: {…
              |                                ^^^^
            help: did you mean `corp`?
        "#]],
    );
}

#[test]
fn an_issuer_where_there_is_none() {
    check(
        "version: 1
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#"
            error: no issuer is named `corp`
             --> bartizan.yaml:2:37
              |
            2 | …e: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: {…
              |                                ^^^^
            help: add it to `identity: { issuers: [ … ] }`
        "#]],
    );
}

#[test]
fn a_client_secret_that_is_no_reference() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: VERYSECRET, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#"
            error: `client-secret` holds a credential itself
             --> bartizan.yaml:3:79
              |
            3 | …-id: bartizan, client-secret: ••••••••••, roles: { claim: groups, admin: [ops] } } } }
              |                                ^^^^^^^^^^
            help: keep it out of the policy: write `client-secret: env:NAME`, `client-secret: file:PATH` or `client-secret: secret:NAME`
        "#]],
    );
}

#[test]
fn roles_for_nobody() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups } } } }
",
        expect![[r#"
            error: `roles` lets nobody in
             --> bartizan.yaml:3:106
              |
            3 | …t: env:OPENAI_API_KEY, roles: { claim: groups } } } }
              |                                ^
            help: name a group, such as `admin: [sec-admins]`
        "#]],
    );
}

#[test]
fn a_group_with_two_roles() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops], viewer: [ops] } } } }
",
        expect![[r#"
            error: `ops` is listed twice, as `admin` too
             --> bartizan.yaml:3:146
              |
            3 | …roups, admin: [ops], viewer: [ops] } } } }
              |                                ^^^
            help: keep one of the two
        "#]],
    );
}

#[test]
fn a_role_that_calls_models() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, client: [ops] } } } }
",
        expect![[r#"
            error: unknown key `client`
             --> bartizan.yaml:3:123
              |
            3 | …_KEY, roles: { claim: groups, client: [ops] } } } }
              |                                ^^^^^^
            help: known here: `claim`, `admin`, `operator`, `auditor`, `viewer`
        "#]],
    );
}

#[test]
fn a_token_endpoint_in_the_clear() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, token-endpoint: 'http://id.example/token', roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#"
            error: `http://id.example/token` could be anybody: nobody proves who they are over plain http
             --> bartizan.yaml:3:115
              |
            3 | …ENAI_API_KEY, token-endpoint: 'http://id.example/token', roles: { claim: groups, admin: [ops] } } } …
              |                                ^^^^^^^^^^^^^^^^^^^^^^^^^
            help: write `https://`
        "#]],
    );
}

#[test]
fn a_scope_that_is_none() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, scopes: ['a b'], roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#"
            error: `a b` cannot be the name of a scope
             --> bartizan.yaml:3:108
              |
            3 | … env:OPENAI_API_KEY, scopes: ['a b'], roles: { claim: groups, admin: [ops] } } } }
              |                                ^^^^^
            help: write 1 to 64 visible characters, such as `groups`
        "#]],
    );
}

#[test]
fn nowhere_to_come_back_to() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
listen: { console: '0.0.0.0:8081', tls: { certificate: 'file:c.pem', key: 'file:k.pem' } }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#"
            error: the identity provider sends people back to an address, and `login` names none
             --> bartizan.yaml:4:37
              |
            4 | …e: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: {…
              |                                ^^^^
            help: add `address: https://console.example`
        "#]],
    );
}

#[test]
fn a_key_that_login_does_not_have() {
    check(
        "version: 1
console: { login: { accounts: true, passwords: true } }
",
        expect![[r#"
            error: unknown key `passwords`
             --> bartizan.yaml:2:37
              |
            2 | console: { login: { accounts: true, passwords: true } }
              |                                     ^^^^^^^^^
            help: known here: `address`, `accounts`, `oidc`, `session`
        "#]],
    );
}
