//! What is taken.

use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::JwtAlgorithm;
use serde_json::json;

use super::support::{ISSUER, NOW, Signer, at, claims, inline, inline_with, verify};
use crate::{Issuers, TokenError, Verified};

#[test]
fn takes_tokens_by_every_algorithm() {
    for algorithm in JwtAlgorithm::ALL {
        let signer = Signer::new(algorithm, "k1");
        let issuers = inline_with(&[&signer], |issuer| issuer.algorithms = [algorithm].into());
        let verified = verify(&issuers, &signer.token(&claims()));
        let token_id = verified.as_ref().map(|who| who.token_id.clone()).unwrap_or_default();
        let expected = Verified {
            issuer: "idp".parse().unwrap(),
            kind: PrincipalKind::User,
            name: "alice@example.com".to_owned(),
            groups: Vec::new(),
            tags: std::sync::Arc::default(),
            expires: at(NOW + 3600),
            token_id,
        };
        assert_eq!(verified, Ok(expected), "{algorithm:?}");
    }
}

#[test]
fn takes_id_tokens_and_access_tokens() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let issuers = inline(&[&signer]);
    let mut header = signer.header();
    header.as_object_mut().unwrap().remove("typ");
    let token =
        |header: &serde_json::Value| signer.sign(&header.to_string(), &claims().to_string());
    assert!(verify(&issuers, &token(&header)).is_ok());
    for kind in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"] {
        header["typ"] = kind.into();
        assert!(verify(&issuers, &token(&header)).is_ok(), "{kind}");
    }
    for kind in ["", "JOSE", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWT ", "text/jwt"] {
        header["typ"] = kind.into();
        assert_eq!(verify(&issuers, &token(&header)), Err(TokenError::Type), "{kind}");
    }
}

#[test]
fn a_token_may_leave_the_key_unnamed_where_there_is_one() {
    let [mut one, mut other] = ["k1", "k2"].map(|id| Signer::new(JwtAlgorithm::Es256, id));
    let (alone, both) = (inline(&[&one]), inline(&[&one, &other]));
    let named = other.token(&claims());
    (one.id, other.id) = (None, None);
    let (alone_without, both_without) = (inline(&[&one]), inline(&[&one, &other]));
    let token = one.token(&claims());
    assert!(verify(&alone, &token).is_ok());
    assert!(verify(&alone_without, &token).is_ok());
    let unnamed = TokenError::KeyUnnamed { issuer: "idp".parse().unwrap() };
    assert_eq!(verify(&both, &token), Err(unnamed.clone()));
    assert_eq!(verify(&both_without, &token), Err(unnamed));
    assert!(verify(&both, &named).is_ok());
    let unknown = TokenError::UnknownKey { issuer: "idp".parse().unwrap() };
    assert_eq!(verify(&alone_without, &named), Err(unknown));
}

#[test]
fn two_keys_of_one_name_are_told_apart_by_their_algorithm() {
    let [first, second] =
        [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa].map(|algorithm| Signer::new(algorithm, "k1"));
    let issuers = inline(&[&first, &second]);
    assert!(verify(&issuers, &first.token(&claims())).is_ok());
    assert!(verify(&issuers, &second.token(&claims())).is_ok());
    let again = Signer::new(JwtAlgorithm::Es256, "k1");
    let issuers = inline(&[&first, &again]);
    assert!(verify(&issuers, &first.token(&claims())).is_ok());
    assert_eq!(verify(&issuers, &again.token(&claims())), Err(TokenError::Signature));
}

#[test]
fn the_id_of_a_token_is_that_of_what_was_signed() {
    let signer = Signer::new(JwtAlgorithm::Es256, "k1");
    let issuers = inline(&[&signer]);
    let id = |token: &str| verify(&issuers, token).unwrap().token_id;
    // ECDSA signs the same bytes differently each time.
    let (first, second) = (signer.token(&claims()), signer.token(&claims()));
    assert_ne!(first, second);
    assert_eq!(id(&first), id(&second));
    let mut other = claims();
    other["jti"] = "1".into();
    let other = id(&signer.token(&other));
    assert_ne!(id(&first), other);
    assert!(other.len() == 16 && other.bytes().all(|byte| byte.is_ascii_hexdigit()), "{other}");
}

#[test]
fn what_is_no_token_does_not_look_like_one() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let token = signer.token(&claims());
    assert!(Issuers::looks_like_token(&token));
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    assert!(Issuers::looks_like_token(&format!("{unsigned}.")), "it has to be refused as a token");
    for other in
        ["", "eyJ", "bza_0123456789", "eyJa.b", "a.b.c", "eyJa.b.c.d", "eyJa.b c.d", ISSUER]
    {
        assert!(!Issuers::looks_like_token(other), "{other}");
    }
}

#[test]
fn each_issuer_speaks_for_itself_alone() {
    let [mine, theirs] = ["k1", "k1"].map(|id| Signer::new(JwtAlgorithm::EdDsa, id));
    let document = |signer| super::support::document(&[signer]);
    let issuer = |id: &str, url: &str, signer| {
        let keys = bartizan_core::settings::IssuerKeys::Inline(document(signer));
        let mut issuer = super::support::issuer(keys);
        (issuer.id, issuer.url) = (id.parse().unwrap(), url.to_owned());
        issuer
    };
    let other = "https://other.example";
    let issuers = vec![issuer("mine", ISSUER, &mine), issuer("theirs", other, &theirs)];
    let issuers =
        Issuers::new(issuers, std::sync::Arc::default() as std::sync::Arc<super::support::Web>);
    let issuers = issuers.unwrap();
    let mut about_other = claims();
    about_other["iss"] = json!(other);
    let issuer_of = |token: &str| verify(&issuers, token).map(|who| who.issuer.to_string());
    assert_eq!(issuer_of(&mine.token(&claims())), Ok("mine".to_owned()));
    assert_eq!(issuer_of(&theirs.token(&about_other)), Ok("theirs".to_owned()));
    assert_eq!(issuer_of(&theirs.token(&claims())), Err(TokenError::Signature));
    assert_eq!(issuer_of(&mine.token(&about_other)), Err(TokenError::Signature));
    for stranger in
        ["https://id.example/realm/", "https://ID.example/realm", "", "https://id.example"]
    {
        about_other["iss"] = json!(stranger);
        assert_eq!(issuer_of(&mine.token(&about_other)), Err(TokenError::UnknownIssuer));
    }
    about_other["iss"] = json!([ISSUER]);
    assert_eq!(issuer_of(&mine.token(&about_other)), Err(TokenError::UnknownIssuer));
    about_other.as_object_mut().unwrap().remove("iss");
    let missing = TokenError::MissingClaim { claim: "iss".to_owned() };
    assert_eq!(issuer_of(&mine.token(&about_other)), Err(missing));
}
