//! What claims have to say, and what comes of them.

use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::{ClaimTest, Issuer, JwtAlgorithm};
use serde_json::{Value, json};

use super::support::{NOW, Signer, at, claims, inline, inline_with, verify};
use crate::{Issuers, TokenError, Verified};

/// A provider, and tokens of it with one claim changed; `null` takes it away.
struct Changed {
    signer: Signer,
    issuers: Issuers,
}

impl Changed {
    fn new(change: impl FnOnce(&mut Issuer)) -> Self {
        let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
        let issuers = inline_with(&[&signer], change);
        Self { signer, issuers }
    }

    fn with(&self, changes: &[(&str, Value)]) -> Result<Verified, TokenError> {
        let mut claims = claims();
        for (claim, value) in changes {
            claims[*claim] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        verify(&self.issuers, &self.signer.token(&claims))
    }

    fn refusal(&self, changes: &[(&str, Value)]) -> Option<TokenError> {
        self.with(changes).err()
    }
}

#[test]
fn a_token_ends_on_the_second_and_the_skew() {
    let changed = Changed::new(|_| {});
    let ends =
        |second: i64| changed.refusal(&[("iat", json!(second - 10)), ("exp", json!(second))]);
    assert_eq!(ends(NOW - 59), None);
    assert_eq!(ends(NOW - 60), Some(TokenError::Expired));
    let exact = Changed::new(|issuer| issuer.clock_skew = std::time::Duration::ZERO);
    assert_eq!(exact.refusal(&[("exp", json!(NOW + 1))]), None);
    assert_eq!(exact.refusal(&[("exp", json!(NOW))]), Some(TokenError::Expired));
    let verified = changed.with(&[("exp", json!(NOW + 1))]).unwrap();
    assert_eq!(verified.expires, at(NOW + 1));
}

#[test]
fn a_token_begins_on_the_second_and_the_skew() {
    let changed = Changed::new(|_| {});
    let begins = |second: i64| changed.refusal(&[("nbf", json!(second))]);
    assert_eq!(begins(NOW - 1), None);
    assert_eq!(begins(NOW + 60), None);
    assert_eq!(begins(NOW + 61), Some(TokenError::NotYetValid));
    let issued = |second: i64| changed.refusal(&[("iat", json!(second))]);
    assert_eq!(issued(NOW + 60), None);
    assert_eq!(issued(NOW + 61), Some(TokenError::IssuedInFuture));
}

#[test]
fn a_token_has_an_end_and_does_not_live_too_long() {
    let changed = Changed::new(|_| {});
    let missing = TokenError::MissingClaim { claim: "exp".to_owned() };
    assert_eq!(changed.refusal(&[("exp", Value::Null)]), Some(missing));
    let limit = Issuer::DEFAULT_MAX_AGE;
    let (day, too_long) = (24 * 3600, Some(TokenError::LivesTooLong { limit }));
    let lives = |iat: Value, exp: i64| changed.refusal(&[("iat", iat), ("exp", json!(exp))]);
    assert_eq!(lives(json!(NOW - 60), NOW - 60 + day), None);
    assert_eq!(lives(json!(NOW - 60), NOW - 60 + day + 1), too_long);
    assert_eq!(lives(json!(0), NOW + 3600), too_long);
    // Without a beginning, it must not be able to live that long from now.
    assert_eq!(lives(Value::Null, NOW + 60 + day), None);
    assert_eq!(lives(Value::Null, NOW + 60 + day + 1), too_long);
    assert_eq!(lives(Value::Null, 253_402_207_200), too_long);
    assert_eq!(lives(json!(-377_705_023_201_i64), 253_402_207_200), too_long);
}

#[test]
fn times_are_numbers_whole_or_not() {
    let changed = Changed::new(|_| {});
    assert_eq!(changed.refusal(&[("exp", json!(NOW as f64 + 0.5)), ("nbf", json!(1.5e9))]), None);
    let verified = changed.with(&[("exp", json!(NOW as f64 + 0.5))]).unwrap();
    assert_eq!(verified.expires.as_millisecond(), NOW * 1000 + 500);
    for claim in ["exp", "nbf", "iat"] {
        let refusal = Some(TokenError::MalformedClaim { claim: claim.to_owned(), what: "no time" });
        for value in [
            json!("1800000000"),
            json!(true),
            json!([NOW]),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e300),
            json!(-1e300),
            // In milliseconds, as some issuers write it by mistake.
            json!(NOW * 1000),
        ] {
            assert_eq!(changed.refusal(&[(claim, value.clone())]), refusal, "{claim}: {value}");
        }
    }
}

#[test]
fn a_token_is_meant_for_us_among_others() {
    let changed = Changed::new(|_| {});
    let aud = |value| changed.refusal(&[("aud", value)]);
    assert_eq!(aud(json!("other")), None);
    assert_eq!(aud(json!(["someone", "bartizan"])), None);
    for others in [json!("someone"), json!([]), json!(["a", "b"]), json!(""), json!("Bartizan")] {
        assert_eq!(aud(others.clone()), Some(TokenError::Audience), "{others}");
    }
    assert_eq!(aud(Value::Null), Some(TokenError::MissingClaim { claim: "aud".to_owned() }));
    for wrong in [json!(1), json!({ "bartizan": 1 }), json!(["bartizan", 1])] {
        let refusal = aud(wrong.clone()).unwrap();
        assert!(matches!(refusal, TokenError::MalformedClaim { .. }), "{wrong}: {refusal}");
    }
}

#[test]
fn names_are_those_that_principals_can_have() {
    let changed = Changed::new(|_| {});
    let name = |name: Value| changed.with(&[("sub", name)]).map(|who| (who.kind, who.name));
    for fine in ["alice", "alice@example.com", "a", &"x".repeat(128), "Łukasz", "7c9e-a.b_c+d"] {
        assert_eq!(name(json!(fine)), Ok((PrincipalKind::User, fine.to_owned())));
    }
    for wrong in [
        "",
        "sp:bot",
        "sp:b",
        "sp:",
        "SP:bot",
        "sp:sp:bot",
        "group:admins",
        "alice\u{0}",
        "alice\n",
        "alice bob",
        "alice\u{202e}",
        "alice\u{200b}",
        "a/b",
        "*",
        &"x".repeat(129),
        &"é".repeat(65),
    ] {
        let refusal = name(json!(wrong)).unwrap_err();
        assert!(matches!(refusal, TokenError::Name { .. }), "{wrong:?}: {refusal}");
    }
    let missing = TokenError::MissingClaim { claim: "sub".to_owned() };
    assert_eq!(name(Value::Null), Err(missing));
    for wrong in [json!(7), json!(["alice"]), json!({}), json!(true)] {
        let refusal = name(wrong).unwrap_err();
        assert!(matches!(refusal, TokenError::MalformedClaim { .. }), "{refusal}");
    }
}

#[test]
fn an_address_that_the_issuer_does_not_vouch_for_names_nobody() {
    let changed = Changed::new(|issuer| issuer.user_claim = "email".to_owned());
    let email = ("email", json!("alice@example.com"));
    let with = |verified| changed.refusal(&[email.clone(), ("email_verified", verified)]);
    assert_eq!(with(json!(true)), None);
    assert_eq!(with(Value::Null), None);
    for not in [json!(false), json!("true"), json!(1)] {
        assert_eq!(with(not), Some(TokenError::EmailUnverified));
    }
    // Where the name is another claim, the address does not matter.
    let by_sub = Changed::new(|_| {});
    assert_eq!(by_sub.refusal(&[email.clone(), ("email_verified", json!(false))]), None);
}

#[test]
fn a_program_is_told_by_its_claim_and_never_by_its_name() {
    let kind = |value: Option<&str>, found: Value| {
        let test = ClaimTest { claim: "typ_of".to_owned(), value: value.map(str::to_owned) };
        let changed = Changed::new(|issuer| issuer.program = Some(test));
        changed.with(&[("sub", json!("bot")), ("typ_of", found)]).unwrap().kind
    };
    let (user, program) = (PrincipalKind::User, PrincipalKind::ServicePrincipal);
    for there in [json!("app"), json!(false), json!(0), json!([]), json!({})] {
        assert_eq!(kind(None, there), program);
    }
    assert_eq!(kind(None, Value::Null), user);
    assert_eq!(kind(Some("app"), json!("app")), program);
    assert_eq!(kind(Some("true"), json!(true)), program);
    assert_eq!(kind(Some("1"), json!(1)), program);
    for other in [json!("App"), json!("app "), json!(["app"]), json!({ "app": 1 }), Value::Null] {
        assert_eq!(kind(Some("app"), other), user);
    }
    let test = ClaimTest { claim: "azp".to_owned(), value: None };
    let changed = Changed::new(|issuer| issuer.program = Some(test));
    let prefixed = changed.refusal(&[("sub", json!("sp:bot")), ("azp", json!("x"))]).unwrap();
    assert!(matches!(prefixed, TokenError::Name { .. }), "{prefixed}");
}

#[test]
fn groups_are_those_that_policy_gives_a_name() {
    let changed = Changed::new(|issuer| {
        issuer.groups_claim = Some("groups".to_owned());
        let named = [("0001-admins", "admins"), ("0002-ops", "ops"), ("0003-sre", "ops")];
        issuer.groups =
            named.map(|(claimed, name)| (claimed.to_owned(), name.parse().unwrap())).into();
    });
    let groups = |value| {
        let verified = changed.with(&[("groups", value)])?;
        Ok::<_, TokenError>(verified.groups.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let none: [&str; 0] = [];
    // Whoever leaves them out would escape what is denied to a group.
    let refusal = groups(Value::Null).unwrap_err();
    assert!(matches!(refusal, TokenError::MissingClaim { .. }), "{refusal}");
    assert_eq!(groups(json!([])).unwrap(), none);
    assert_eq!(groups(json!("0001-admins")).unwrap(), ["admins"]);
    let all = json!(["0003-sre", "unknown", "0002-ops", "0001-admins", "0001-admins"]);
    assert_eq!(groups(all).unwrap(), ["admins", "ops"]);
    // The name in the policy is not what the issuer calls it.
    assert_eq!(groups(json!(["admins", "0001-Admins", ""])).unwrap(), none);
    for wrong in [json!(1), json!({ "0001-admins": true }), json!(["0001-admins", 2])] {
        let refusal = groups(wrong).unwrap_err();
        assert!(matches!(refusal, TokenError::MalformedClaim { .. }), "{refusal}");
    }
}

#[test]
fn tags_are_texts_of_claims_that_have_to_be_there() {
    let changed = Changed::new(|issuer| {
        issuer.tags = [("team".parse().unwrap(), "department".to_owned())].into();
    });
    let tags = |value| changed.with(&[("department", value)]).map(|verified| verified.tags);
    let team = "team".parse().unwrap();
    assert_eq!(tags(json!("Search & Ads")).unwrap().get(&team), Some("Search & Ads"));
    let refusal = tags(Value::Null).unwrap_err();
    assert!(matches!(refusal, TokenError::MissingClaim { .. }), "{refusal}");
    for wrong in [
        json!(""),
        json!(" x"),
        json!(["x"]),
        json!(1),
        json!("x\u{200b}y"),
        json!("x".repeat(129)),
    ] {
        let refusal = tags(wrong.clone()).unwrap_err();
        assert!(matches!(refusal, TokenError::MalformedClaim { .. }), "{wrong}: {refusal}");
    }
}

#[test]
fn groups_that_are_kept_elsewhere_are_not_taken_for_none() {
    let names = ("_claim_names", json!({ "groups": "src1" }));
    let with_groups = Changed::new(|issuer| issuer.groups_claim = Some("groups".to_owned()));
    let refusal = with_groups.refusal(std::slice::from_ref(&names)).unwrap();
    assert!(matches!(refusal, TokenError::MalformedClaim { .. }), "{refusal}");
    let others = [("_claim_names", json!({ "other": "src1" })), ("groups", json!([]))];
    assert_eq!(with_groups.refusal(&others), None);
    assert_eq!(Changed::new(|_| {}).refusal(&[names]), None);
}

#[test]
fn a_token_that_is_bound_to_a_key_is_not_taken_without_it() {
    let bound = ("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }));
    let refusal = Changed::new(|_| {}).refusal(&[bound]).unwrap();
    assert!(matches!(refusal, TokenError::MalformedClaim { claim, .. } if claim == "cnf"));
    assert_eq!(Changed::new(|_| {}).refusal(&[("cnf", json!(null))]), None);
}

#[test]
fn claims_that_policy_does_not_name_are_ignored() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let mut claims = claims();
    claims["groups"] = json!(["admins"]);
    claims["roles"] = json!({ "bartizan": ["admin"] });
    claims["scope"] = json!("admin");
    claims["kind"] = json!("service-principal");
    let verified = verify(&inline(&[&signer]), &signer.token(&claims)).unwrap();
    assert_eq!((verified.kind, verified.groups), (PrincipalKind::User, Vec::new()));
}
