//! Tokens as they are meant to be.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::tags::Tags;

use super::support::{
    after, append, authority, bytes, foreign, keys, mint, names, now, reach, request, token, verify,
};
use crate::{
    Authority, Binding, Budget, GrantError, MAX_BLOCKS, MAX_LIFETIME, Narrowing, PublicKeys, Reach,
    Revocations, TOKEN_BYTES, WriteError, looks_like_one, narrow,
};

#[test]
fn says_what_was_asked() {
    let (token, grant) = authority().mint(request(reach()), now()).unwrap();
    assert!(looks_like_one(&token));
    let verified = verify(&token).unwrap();
    assert_eq!(*verified.grant(), grant);
    assert_eq!(grant.principal().qualified(), "alice@example.com");
    assert_eq!(grant.groups, ["analysts", "staff"].map(|name| name.parse().unwrap()));
    assert_eq!((grant.issued, grant.expires), (now(), after(600)));
    assert_eq!(grant.session.get_version_num(), 7);
    assert_eq!(grant.reach, reach());
    assert_eq!(verified.blocks().len(), 1);
    assert_eq!(verified.allowances()[0].budget, reach().budget);
    assert!(verified.notes().is_empty());
}

#[test]
fn tags_stay_however_a_token_is_narrowed() {
    let mut tags = Tags::default();
    for tag in ["team=search", "land=Österreich", "project=R&D, phase 2"] {
        tags.add_written(tag).unwrap();
    }
    let mut tagged = request(Reach::default());
    tagged.tags = Arc::new(tags.clone());
    let (token, grant) = authority().mint(tagged, now()).unwrap();
    assert_eq!(*grant.tags, tags);
    assert_eq!(*verify(&token).unwrap().grant(), grant);
    let narrowed = narrow(&token, &Narrowing { expires: Some(after(60)), ..Narrowing::default() });
    let narrowed = narrowed.unwrap();
    assert_eq!(*verify(&narrowed).unwrap().grant().tags, tags);
}

#[test]
fn the_session_goes_on_and_programs_have_tokens_too() {
    let (_, first) = authority().mint(request(Reach::default()), now()).unwrap();
    let mut again = request(Reach::default());
    again.session = Some(first.session);
    again.kind = PrincipalKind::ServicePrincipal;
    again.name = "support-bot".to_owned();
    again.binding = Binding::of_certificate(b"a certificate");
    let (token, grant) = authority().mint(again, now()).unwrap();
    let verified = verify(&token).unwrap();
    assert_eq!((verified.grant(), grant.session), (&grant, first.session));
    assert!(grant.binding.is_certificate(b"a certificate"));
    assert!(!grant.binding.is_certificate(b"another") && !first.binding.is_certificate(b"x"));
}

#[test]
fn is_good_for_fifteen_minutes_at_most() {
    let mut long = request(Reach::default());
    long.lifetime = Duration::from_secs(86_400);
    let (token, grant) = authority().mint(long, now()).unwrap();
    assert_eq!(grant.expires, now() + MAX_LIFETIME);
    assert!(authority().verify(&token, after(900)).is_ok());
    assert_eq!(authority().verify(&token, after(901)), Err(GrantError::Expired));
    assert!(authority().verify(&token, after(-60)).is_ok());
    assert_eq!(authority().verify(&token, after(-61)), Err(GrantError::NotYet));
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let check = |change: fn(&mut crate::MintRequest), expected: WriteError| {
        let mut request = request(Reach::default());
        change(&mut request);
        assert_eq!(authority().mint(request, now()).unwrap_err(), expected);
    };
    check(|request| request.name = "sp:bot".to_owned(), WriteError::Principal);
    check(|request| request.name = "a".repeat(129), WriteError::Principal);
    check(|request| request.name = String::new(), WriteError::Principal);
    check(|request| request.session = Some(uuid::Uuid::nil()), WriteError::Session);
    check(|request| request.lifetime = Duration::from_millis(999), WriteError::Lifetime);
    check(
        |request| request.groups = (0..65).map(|n| format!("g{n}").parse().unwrap()).collect(),
        WriteError::TooMany { of: "groups", limit: 64 },
    );
    check(
        |request| request.reach.endpoints = Some([].into()),
        WriteError::Empty { of: "endpoints" },
    );
    check(
        |request| {
            let long: Vec<String> = (0..64).map(|n| format!("{n:0>120}")).collect();
            request.reach.tools = Some(names(&long.iter().map(String::as_str).collect::<Vec<_>>()));
        },
        WriteError::TooLong { limit_bytes: TOKEN_BYTES },
    );
}

#[test]
fn narrows_without_the_issuer() {
    let token = mint(reach());
    let narrowing = Narrowing {
        reach: Reach {
            tools: Some(names(&["github.issues.*", "search", "mail.*"])),
            budget: Budget { tokens: Some(500), cost: None },
            ..Reach::default()
        },
        expires: Some(after(120)),
        note: Some("reader (agent 2)".to_owned()),
    };
    let child = narrow(&token, &narrowing).unwrap();
    let verified = verify(&child).unwrap();
    let grant = verified.grant();
    assert_eq!(grant.reach.tools, Some(names(&["github.issues.*", "search"])));
    assert_eq!(grant.reach.endpoints, reach().endpoints);
    assert_eq!(grant.reach.budget, Budget { tokens: Some(500), ..reach().budget });
    assert_eq!(grant.expires, after(120));
    assert_eq!(verified.notes(), ["reader (agent 2)"]);
    let budgets: Vec<Budget> = verified.allowances().iter().map(|at| at.budget).collect();
    assert_eq!(budgets, [reach().budget, narrowing.reach.budget]);
    assert_eq!(verified.allowances()[0].block, verify(&token).unwrap().blocks()[0]);
    assert_eq!(authority().verify(&child, after(121)), Err(GrantError::Expired));
    assert!(authority().verify(&token, after(121)).is_ok());
}

#[test]
fn narrowings_that_make_no_sense_are_refused() {
    let token = mint(reach());
    let check = |narrowing: Narrowing, expected: WriteError| {
        assert_eq!(narrow(&token, &narrowing).unwrap_err(), expected);
    };
    check(Narrowing::default(), WriteError::Nothing);
    let tools = Some(names(&["mail.*"]));
    let none_left =
        Narrowing { reach: Reach { tools, ..Reach::default() }, ..Narrowing::default() };
    check(none_left, WriteError::NothingLeft { of: "tools" });
    for note in [String::new(), "a\nb".to_owned(), "a".repeat(129)] {
        check(Narrowing { note: Some(note), ..Narrowing::default() }, WriteError::Note);
    }
    check(Narrowing { expires: Some(after(-1)), ..Narrowing::default() }, WriteError::Lifetime);
    let no_token = narrow(
        &Secret::new("bzt_AAAA"),
        &Narrowing { note: Some("a".into()), ..Narrowing::default() },
    );
    assert_eq!(no_token.unwrap_err(), WriteError::Token(GrantError::UnknownKey));
}

#[test]
fn has_sixteen_blocks_at_most() {
    let narrowing = Narrowing { note: Some("again".to_owned()), ..Narrowing::default() };
    let mut token = mint(Reach::default());
    for blocks in 2..=MAX_BLOCKS {
        token = narrow(&token, &narrowing).unwrap();
        assert_eq!(verify(&token).unwrap().blocks().len(), blocks);
    }
    let limit = MAX_BLOCKS;
    assert_eq!(narrow(&token, &narrowing).unwrap_err(), WriteError::TooManyBlocks { limit });
    let more = append(&token, "");
    assert_eq!(verify(&more), Err(GrantError::TooManyBlocks { limit }));
}

#[test]
fn sealed_tokens_work_and_stay_as_they_are() {
    let sealed = token(&foreign(&mint(reach())).unwrap().seal().unwrap().to_vec().unwrap());
    assert_eq!(verify(&sealed).unwrap().grant().reach, reach());
    let narrowing = Narrowing { note: Some("a".to_owned()), ..Narrowing::default() };
    assert_eq!(narrow(&sealed, &narrowing).unwrap_err(), WriteError::Sealed);
    let mut bent = bytes(&sealed);
    *bent.last_mut().unwrap() ^= 1;
    assert_eq!(verify(&token(&bent)), Err(GrantError::Signature));
}

#[test]
fn older_keys_verify_until_they_are_retired() {
    let mut keys = keys();
    let (old, _) = Authority::new(keys).mint(request(reach()), now()).unwrap();
    keys = super::support::keys();
    keys.rotate(now()).unwrap();
    let exported = keys.public().to_jwks(now());
    let elsewhere = PublicKeys::from_jwks(exported.as_bytes()).unwrap();
    assert!(keys.public().verify(&old, now()).is_ok());
    assert!(elsewhere.verify(&old, now()).is_ok());
    let first = super::support::keys().id();
    keys.retire(first).unwrap();
    let authority = Authority::new(keys);
    assert_eq!(authority.verify(&old, now()), Err(GrantError::UnknownKey));
    let (new, _) = authority.mint(request(reach()), now()).unwrap();
    assert!(elsewhere.verify(&new, now()).is_ok());
    assert_eq!(verify(&new), Err(GrantError::UnknownKey));
}

#[test]
fn revoked_tokens_and_what_came_of_them_are_refused() {
    let token = mint(reach());
    let narrowing = Narrowing { note: Some("a".to_owned()), ..Narrowing::default() };
    let (child, sibling) =
        (narrow(&token, &narrowing).unwrap(), narrow(&token, &narrowing).unwrap());
    let until = Revocations::until(now(), Duration::ZERO);
    let check = |revocations: &Revocations, expected: [bool; 3]| {
        for (token, expected) in [&token, &child, &sibling].into_iter().zip(expected) {
            let verified = verify(token).unwrap();
            assert_eq!(revocations.is_revoked(&verified), expected);
            let checked = authority().verify_unless_revoked(token, revocations, now());
            assert_eq!(checked == Err(GrantError::Revoked), expected);
        }
    };
    let mut revocations = Revocations::default();
    check(&revocations, [false, false, false]);
    revocations.revoke(*verify(&child).unwrap().blocks().last().unwrap(), until, now()).unwrap();
    check(&revocations, [false, true, false]);
    revocations.revoke(verify(&token).unwrap().blocks()[0], until, now()).unwrap();
    check(&revocations, [true, true, true]);
    let mut revocations = Revocations::default();
    revocations.revoke_origin("key-7f3b".parse().unwrap(), until, now()).unwrap();
    check(&revocations, [false, false, false]);
    revocations.revoke_origin("key-7f3a".parse().unwrap(), until, now()).unwrap();
    check(&revocations, [true, true, true]);
}

#[test]
fn revoked_blocks_are_refused_before_a_signature_is_checked() {
    let token = mint(reach());
    let mut revocations = Revocations::default();
    let first = verify(&token).unwrap().blocks()[0];
    revocations.revoke(first, Revocations::until(now(), Duration::ZERO), now()).unwrap();
    let mut keys = keys();
    keys.rotate(now()).unwrap();
    keys.retire(super::support::keys().id()).unwrap();
    let checked = keys.public().verify_unless_revoked(&token, &revocations, now());
    assert_eq!(checked, Err(GrantError::Revoked));
    assert_eq!(foreign(&token).unwrap().revocation_identifiers(), [first.as_bytes().to_vec()]);
}
