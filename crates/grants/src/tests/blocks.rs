//! Blocks that holders write with other libraries: the documented ones narrow, all others are refused.

use bartizan_core::money::NanoUsd;
use biscuit_auth::KeyPair;
use biscuit_auth::builder::{BlockBuilder, Scope};

use super::support::{Asked, after, append, foreign, hosts, mint, names, token, verify};
use crate::{Budget, GrantError, Reach};

#[test]
fn documented_checks_narrow() {
    let parent = mint(Reach::default());
    let check = |datalog: &str, expected: Reach| {
        let child = append(&parent, datalog);
        assert_eq!(verify(&child).unwrap().grant().reach, expected, "{datalog}");
    };
    let all = Reach::default;
    check(
        r#"check if endpoint($e), {"chat", "embed"}.contains($e) or without("endpoint")"#,
        Reach {
            endpoints: Some(["chat", "embed"].map(|name| name.parse().unwrap()).into()),
            ..all()
        },
    );
    check(
        r#"check if tool($t), {"search"}.contains($t) or tool($t), $t.starts_with("github.") or without("tool")"#,
        Reach { tools: Some(names(&["search", "github.*"])), ..all() },
    );
    check(
        r#"check if table($x), $x.starts_with("hr.") or without("table")"#,
        Reach { tables: Some(names(&["hr.*"])), ..all() },
    );
    check(
        r#"check if without("host") or host($h), $h.ends_with(".corp.example")
             or host($i), {"example.org"}.contains($i)"#,
        Reach { hosts: Some(hosts(&["example.org", "*.corp.example"])), ..all() },
    );
    check(
        r#"check if tokens($n), $n <= 100000 or without("tokens");
           check if nano_usd($n), $n <= 5 or without("nano_usd")"#,
        Reach { budget: Budget { tokens: Some(100_000), cost: Some(NanoUsd(5)) }, ..all() },
    );
    check("", all());
    let short = append(&parent, "check if time($t), $t <= 2026-11-01T12:05:00Z");
    assert_eq!(verify(&short).unwrap().grant().expires, after(300));
}

#[test]
fn checks_of_one_block_all_count() {
    let child = append(
        &mint(Reach::default()),
        r#"check if tool($t), {"a", "b"}.contains($t) or without("tool");
           check if tool($t), {"b", "c"}.contains($t) or without("tool");
           check if time($t), $t <= 2026-11-01T12:05:00Z;
           check if time($t), $t <= 2026-11-01T12:04:00Z;"#,
    );
    let verified = verify(&child).unwrap();
    assert_eq!(verified.grant().reach.tools, Some(names(&["b"])));
    assert_eq!(verified.grant().expires, after(240));
}

#[test]
fn whatever_is_no_limit_is_refused() {
    let parent = mint(super::support::reach());
    let asked = Asked { endpoint: Some("other".to_owned()), ..Asked::default() };
    assert!(!asked.is_open(&parent));
    for datalog in [
        // Facts and rules, which could make checks pass.
        r#"endpoint("other")"#,
        r#"without("endpoint")"#,
        r#"group("admins")"#,
        r#"tag("team", "other")"#,
        r#"endpoint("other") <- principal($kind, $name)"#,
        r#"without("endpoint") <- time($t)"#,
        // What changes which facts a check sees.
        "check if time($t), $t <= 2026-11-01T12:05:00Z trusting authority",
        // Other kinds of checks.
        r#"check all tool($t), {"a"}.contains($t) or without("tool")"#,
        r#"reject if tool("a")"#,
        "check if true",
        r#"check if endpoint("chat")"#,
        // Documented ones, not quite.
        r#"check if tool($t), {"a"}.contains($t)"#,
        r#"check if tool($t), {"a"}.contains($t) or without("table")"#,
        r#"check if tool($t), {"a"}.contains($t) or without("tool", 1)"#,
        r#"check if tool($t), {"a"}.contains($t) or without("tool") or without("tool")"#,
        r#"check if tool($t), {"a"}.contains($t) or tool($t), {"b"}.contains($t) or without("tool")"#,
        r#"check if tool($t), {"a"}.contains($t) or table($t), {"a"}.contains($t) or without("tool")"#,
        r#"check if tool($t), table($t), {"a"}.contains($t) or without("tool")"#,
        r#"check if tool($t), table($u), {"a"}.contains($u) or without("tool")"#,
        r#"check if tool($t), {"a"}.contains($t), true or without("tool")"#,
        r#"check if tool($t), !{"a"}.contains($t) or without("tool")"#,
        r#"check if tool($t), {"a"}.contains($t) || true or without("tool")"#,
        r#"check if tool($t), ["a"].contains($t) or without("tool")"#,
        r#"check if tool($t), {1}.contains($t) or without("tool")"#,
        r#"check if tool($t), {,}.contains($t) or without("tool")"#,
        r#"check if tool($t), {"a."}.contains($t) or without("tool")"#,
        r#"check if tool($t), {"a.*"}.contains($t) or without("tool")"#,
        r#"check if tool($t), $t.contains("a") or without("tool")"#,
        r#"check if tool($t), $t.matches("a") or without("tool")"#,
        r#"check if tool($t), $t.ends_with(".a") or without("tool")"#,
        r#"check if tool($t), $t.starts_with("a") or without("tool")"#,
        r#"check if tool($t), $t.starts_with(".") or without("tool")"#,
        r#"check if tool($t), $t.starts_with("") or without("tool")"#,
        r#"check if tool($t), "a.".starts_with($t) or without("tool")"#,
        r#"check if tool($t, $t), {"a"}.contains($t) or without("tool")"#,
        r#"check if without("tool")"#,
        r#"check if host($h), $h.starts_with("a.") or without("host")"#,
        r#"check if host($h), $h.ends_with("corp.example") or without("host")"#,
        r#"check if host($h), {"Example.org"}.contains($h) or without("host")"#,
        r#"check if host($h), {"example.org:443"}.contains($h) or without("host")"#,
        r#"check if endpoint($e), $e.starts_with("a.") or without("endpoint")"#,
        r#"check if endpoint($e), {"a"}.contains($e) or endpoint($e), $e.starts_with("a.") or without("endpoint")"#,
        r#"check if endpoint($e), {"a"}.contains($e) or endpoint($e), $e.ends_with(".a") or without("endpoint")"#,
        r#"check if host($h), $h.ends_with(".Corp.example") or without("host")"#,
        r#"check if host($h), $h.ends_with(".10.0.0.1") or without("host")"#,
        r#"check if endpoint($e), {"a b"}.contains($e) or without("endpoint")"#,
        r#"check if tokens($n), $n <= -1 or without("tokens")"#,
        r#"check if tokens($n), $n >= 1 or without("tokens")"#,
        r#"check if tokens($n), 1 <= $n or without("tokens")"#,
        r#"check if tokens($n), $n <= "1" or without("tokens")"#,
        r#"check if tokens($n), $n <= 2026-11-01T12:05:00Z or without("tokens")"#,
        r#"check if tokens($n), $n <= 1 or tokens($n), $n <= 2 or without("tokens")"#,
        "check if tokens($n), $n <= 1",
        "check if time($t), $t < 2026-11-01T12:05:00Z",
        "check if time($t), $t >= 2026-11-01T12:05:00Z",
        "check if time($t), $t <= 1",
        r#"check if time($t), $t <= 2026-11-01T12:05:00Z or without("time")"#,
        "check if time($t), $t <= 2026-11-01T12:05:00Z or time($t), $t <= 2026-11-01T12:06:00Z",
        r#"check if principal($n), {"a"}.contains($n) or without("principal")"#,
    ] {
        let child = append(&parent, datalog);
        assert_eq!(verify(&child), Err(GrantError::Block { number: 1 }), "{datalog}");
        assert!(!asked.is_open(&child), "{datalog}");
    }
    let child = append(&append(&parent, ""), "check if true");
    assert_eq!(verify(&child), Err(GrantError::Block { number: 2 }));
}

#[test]
fn blocks_that_look_elsewhere_are_refused() {
    let parent = foreign(&mint(Reach::default())).unwrap();
    let check = "check if time($t), $t <= 2026-11-01T12:05:00Z";
    for scope in [Scope::Previous, Scope::Authority, Scope::PublicKey(KeyPair::new().public())] {
        let block = BlockBuilder::new().code(check).unwrap().scope(scope);
        let child = token(&parent.append(block).unwrap().to_vec().unwrap());
        assert_eq!(verify(&child), Err(GrantError::Block { number: 1 }));
    }
}

#[test]
fn sets_and_checks_are_bounded() {
    let parent = mint(Reach::default());
    let set = |n: usize| {
        let names: Vec<String> = (0..n).map(|n| format!("\"t{n}\"")).collect();
        format!(r#"check if tool($t), {{{}}}.contains($t) or without("tool");"#, names.join(","))
    };
    assert!(verify(&append(&parent, &set(64))).is_ok());
    assert_eq!(verify(&append(&parent, &set(65))), Err(GrantError::Block { number: 1 }));
    let checks = |n: usize| {
        let times = (0..n).map(|n| format!("check if time($t), $t <= 2026-11-01T12:09:{n:0>2}Z"));
        times.collect::<Vec<_>>().join(";")
    };
    assert!(verify(&append(&parent, &checks(16))).is_ok());
    assert_eq!(verify(&append(&parent, &checks(17))), Err(GrantError::Block { number: 1 }));
}
