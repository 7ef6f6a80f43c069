//! People who sign in to the console.

use expect_test::expect;

use super::check;

#[test]
fn nobody_can_sign_in() {
    check(
        "version: 1
console: { login: {} }
",
        expect![[r#""#]],
    );
}

#[test]
fn accounts_that_are_off_are_nobody() {
    check(
        "version: 1
console:
  login: { accounts: false, session: { idle: 5m } }
",
        expect![[r#""#]],
    );
}

#[test]
fn passwords_in_the_clear() {
    check(
        "version: 1
listen: { console: '0.0.0.0:8081' }
console: { login: { accounts: true } }
",
        expect![[r#""#]],
    );
}

#[test]
fn an_address_with_a_path() {
    check(
        "version: 1
console: { login: { accounts: true, address: 'https://console.example/bartizan' } }
",
        expect![[r#""#]],
    );
}

#[test]
fn an_address_in_the_clear() {
    check(
        "version: 1
console: { login: { accounts: true, address: 'http://console.example' } }
",
        expect![[r#""#]],
    );
}

#[test]
fn an_address_to_which_the_console_does_not_answer() {
    check(
        "version: 1
console: { login: { accounts: true, address: 'https://console.example' } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_session_that_ends_at_once() {
    check(
        "version: 1
console: { login: { accounts: true, session: { idle: 5s } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_session_that_is_idle_for_longer_than_it_lasts() {
    check(
        "version: 1
console: { login: { accounts: true, session: { idle: 2h, total: 1h } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_session_without_a_time() {
    check(
        "version: 1
console: { login: { accounts: true, session: { total: soon } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn an_issuer_that_is_not_there() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: crop, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn an_issuer_where_there_is_none() {
    check(
        "version: 1
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_client_secret_that_is_no_reference() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: VERYSECRET, roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn roles_for_nobody() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_group_with_two_roles() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, admin: [ops], viewer: [ops] } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_role_that_calls_models() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, roles: { claim: groups, client: [ops] } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_token_endpoint_in_the_clear() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, token-endpoint: 'http://id.example/token', roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#""#]],
    );
}

#[test]
fn a_scope_that_is_none() {
    check(
        "version: 1
identity: { issuers: [{ id: corp, issuer: 'https://id.example', audiences: [api] }] }
console: { login: { oidc: { issuer: corp, client-id: bartizan, client-secret: env:OPENAI_API_KEY, scopes: ['a b'], roles: { claim: groups, admin: [ops] } } } }
",
        expect![[r#""#]],
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
        expect![[r#""#]],
    );
}

#[test]
fn a_key_that_login_does_not_have() {
    check(
        "version: 1
console: { login: { accounts: true, passwords: true } }
",
        expect![[r#""#]],
    );
}
