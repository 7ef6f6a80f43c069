//! How people sign in to the console: what it becomes, and how it is shown.

use std::time::Duration;

use bartizan_core::access::Scope;
use expect_test::expect;

use super::load;

const LOGIN: &str = "version: 1
listen: { console-names: ['*.example'] }
identity:
  issuers:
    - { id: corp, issuer: 'https://id.example', audiences: [api], user: email, program: { claim: azp },
        groups: { claim: groups, map: { devs: devs } } }
groups: { devs: [] }
console:
  login:
    address: https://Console.example:8443
    accounts: true
    oidc:
      issuer: corp
      client-id: bartizan
      client-secret: env:OPENAI_API_KEY
      scopes: [openid, email, groups]
      roles: { claim: groups, admin: [sec-admins], operator: [platform], auditor: [audit, sec], viewer: [staff] }
    session: { idle: 10m, total: 8h }
";

#[test]
fn a_login_becomes_what_the_policy_says() {
    let settings = load(LOGIN).unwrap();
    let login = settings.login.unwrap();
    assert_eq!(login.address.as_deref(), Some("https://console.example:8443"));
    assert!(login.accounts);
    assert_eq!((login.idle, login.total), (Duration::from_mins(10), Duration::from_hours(8)));
    let oidc = login.oidc.unwrap();
    assert_eq!(oidc.client_secret.expose(), "sk-test-0");
    assert_eq!(oidc.scopes, ["email", "groups"]);
    // An ID token is for this client alone, is about a person, and opens no group of the policy.
    let issuer = &oidc.issuer;
    assert_eq!(issuer.audiences.iter().collect::<Vec<_>>(), ["bartizan"]);
    assert!(issuer.groups.is_empty() && issuer.groups_claim.is_none());
    assert_eq!(issuer.user_claim, "email");
    assert!(
        settings.issuers[0].audiences.contains("api"),
        "tokens for the gateway stay as they are"
    );
    for (theirs, scope) in [
        (&["staff", "audit", "other"][..], Some(Scope::Auditor)),
        (&["staff", "sec-admins"], Some(Scope::Admin)),
        (&["platform"], Some(Scope::Operator)),
        (&["other", "Staff", "staff "], None),
        (&[], None),
    ] {
        assert_eq!(oidc.scope_of(theirs.iter().copied()), scope, "{theirs:?}");
    }
}

#[test]
fn without_it_nobody_signs_in_and_defaults_are_safe() {
    assert_eq!(load("version: 1\n").unwrap().login, None);
    assert_eq!(load("version: 1\nconsole: {}\n").unwrap().login, None);
    let login =
        load("version: 1\nconsole: { login: { accounts: true } }\n").unwrap().login.unwrap();
    assert_eq!((login.idle, login.total), (Duration::from_mins(30), Duration::from_hours(12)));
    assert!(login.oidc.is_none() && login.address.is_none());
    let short = "version: 1\nconsole: { login: { accounts: true, session: { total: 10m } } }\n";
    let login = load(short).unwrap().login.unwrap();
    assert_eq!((login.idle, login.total), (Duration::from_mins(10), Duration::from_mins(10)));
}

#[test]
fn is_shown_without_the_secret() {
    let shown = bartizan_policy::show(&load(LOGIN).unwrap());
    let (_, login) = shown.split_once("console:\n").unwrap();
    expect![[r#"
          login:
            address: https://console.example:8443
            accounts: true
            oidc:
              issuer: corp
              client-id: bartizan
              client-secret: ‹set›
              scopes: [email, groups]
              roles:
                claim: groups
                admin: [sec-admins]
                operator: [platform]
                auditor: [audit, sec]
                viewer: [staff]
            session:
              idle: 600s
              total: 28800s
        telemetry: {}
    "#]]
    .assert_eq(login);
    assert!(!shown.contains("sk-test"));
}
