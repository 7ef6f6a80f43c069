//! What several gateways share: what it becomes, and how it is shown.

use std::time::Duration;

use bartizan_core::settings::{Shared, WhenAway};
use bartizan_policy::{Sources, load_shared};
use expect_test::expect;

use super::{load, variable};

const STATE: &str = "version: 1
state:
  postgres:
    url: postgres://bartizan@db.example/state
    password: env:OPENAI_API_KEY
    trust-for: 90s
  redis:
    url: rediss://[::1]:6380/2
    password: env:OPENAI_API_KEY
    prefix: eu-west
    timeout: 50ms
    when-away: count-alone
    gateways: 3
";

#[test]
fn servers_become_what_the_policy_says() {
    let Shared { postgres, redis } = load(STATE).unwrap().shared;
    let postgres = postgres.unwrap();
    assert_eq!((postgres.server.host.as_str(), postgres.server.port), ("db.example", 5432));
    assert_eq!(postgres.server.user.as_deref(), Some("bartizan"));
    assert_eq!(postgres.database, "state");
    assert!(postgres.server.tls.is_some(), "what leaves this machine is encrypted");
    assert_eq!(postgres.trust_for, Duration::from_secs(90));
    let redis = redis.unwrap();
    assert_eq!((redis.server.host.as_str(), redis.server.port), ("::1", 6380));
    assert_eq!((redis.database, redis.prefix.as_str()), (2, "eu-west"));
    assert_eq!(redis.when_away, WhenAway::CountAlone { gateways: 3 });
}

#[test]
fn on_this_machine_plain_connections_are_fine_and_defaults_are_safe() {
    let near = "version: 1
state:
  postgres: { url: 'postgres://me@127.0.0.1:5433/db' }
  redis: { url: 'redis://localhost' }
";
    let Shared { postgres, redis } = load(near).unwrap().shared;
    let (postgres, redis) = (postgres.unwrap(), redis.unwrap());
    assert_eq!((postgres.server.tls, redis.server.tls), (None, None));
    assert_eq!(postgres.trust_for, Duration::from_secs(300));
    assert_eq!((redis.server.port, redis.database), (6379, 0));
    assert_eq!((redis.when_away, redis.timeout), (WhenAway::Deny, Duration::from_millis(250)));
}

#[test]
fn what_is_allowed_in_the_clear_is_not_put_in_the_clear() {
    let text = "version: 1
state:
  postgres: { url: 'postgres://me@db.example/db', danger-allow-plain: true }
  redis: { url: 'rediss://redis.example', danger-allow-plain: true }
";
    let Shared { postgres, redis } = load(text).unwrap().shared;
    assert!(postgres.unwrap().server.tls.is_none() && redis.unwrap().server.tls.is_some());
}

#[test]
fn are_shown_without_passwords() {
    let shown = bartizan_policy::show(&load(STATE).unwrap());
    let (_, state) = shown.split_once("state:\n").unwrap();
    expect![[r#"
          postgres:
            url: "postgres://bartizan@db.example:5432/state"
            password: ‹set›
            trust-for: 90s
          redis:
            url: "rediss://[::1]:6380/2"
            password: ‹set›
            prefix: eu-west
            timeout: 50ms
            when-away: count-alone
            gateways: 3
        telemetry: {}
    "#]]
    .assert_eq(state);
    assert!(!shown.contains("sk-test"));
}

#[test]
fn commands_beside_the_gateway_read_this_part_alone() {
    // Credentials of providers need not be at hand for them.
    let text = format!("{STATE}providers: {{ p: {{ openai: {{ api-key: env:NOT_THERE }} }} }}\n");
    assert!(load(&text).is_err());
    let shared = load_shared(&text, "bartizan.yaml", "".as_ref(), Sources::of(&variable)).unwrap();
    assert_eq!(shared, load(STATE).unwrap().shared);
}
