//! What an attacker sends.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PSS_SHA256,
};
use bartizan_core::Coded as _;
use bartizan_core::error::Class;
use bartizan_core::settings::{IssuerKeys, JwtAlgorithm};
use serde_json::{Value, json};

use super::support::{
    ISSUER, NOW, Pair, Signer, Web, at, base64, claims, document, inline, inline_with, issuer,
    rsa_components, verify,
};
use crate::{Issuers, JsonError, TOKEN_BYTES, TokenError};

#[test]
fn refuses_tokens_that_nobody_signed() {
    let signer = Signer::new(JwtAlgorithm::Rs256, "k1");
    let issuers = inline(&[&signer]);
    for name in ["none", "None", "NONE", "nOnE", "", "HS256", "rs256", "RS256\0", "Ed25519"] {
        let header = base64(json!({ "alg": name, "kid": "k1" }).to_string());
        let message = format!("{header}.{}", base64(claims().to_string()));
        for signature in [Vec::new(), signer.signature(message.as_bytes())] {
            let token = format!("{message}.{}", base64(signature));
            assert_eq!(verify(&issuers, &token), Err(TokenError::Algorithm), "{name}");
        }
    }
    let message = signer.token(&claims());
    let (message, _) = message.rsplit_once('.').unwrap();
    assert_eq!(verify(&issuers, &format!("{message}.")), Err(TokenError::Signature));
    assert_eq!(verify(&issuers, message), Err(TokenError::Parts));
}

/// With a library that takes the algorithm from the token, the public key becomes the secret.
#[test]
fn a_public_key_is_no_secret() {
    let signer = Signer::new(JwtAlgorithm::Rs256, "k1");
    let issuers = inline(&[&signer]);
    let Pair::Rsa(pair) = &signer.pair else { unreachable!() };
    let der = pair.public_key().as_ref();
    let document = document(&[&signer]);
    for secret in [der, rsa_components(der)[0], document.as_bytes(), b""] {
        let header = base64(json!({ "alg": "HS256", "kid": "k1" }).to_string());
        let message = format!("{header}.{}", base64(claims().to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let token = format!("{message}.{}", base64(hmac::sign(&key, message.as_bytes())));
        assert_eq!(verify(&issuers, &token), Err(TokenError::Algorithm));
    }
}

#[test]
fn an_algorithm_has_to_be_allowed_and_that_of_the_key() {
    let [rsa, ec] = [(JwtAlgorithm::Rs256, "rsa"), (JwtAlgorithm::Es256, "ec")]
        .map(|(algorithm, id)| Signer::new(algorithm, id));
    let issuers = inline_with(&[&rsa, &ec], |issuer| {
        issuer.algorithms = [JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::Es384].into();
    });
    let with = |signer: &Signer, algorithm: &str, id: &str| {
        let header = json!({ "alg": algorithm, "kid": id }).to_string();
        verify(&issuers, &signer.sign(&header, &claims().to_string())).err()
    };
    assert_eq!(with(&rsa, "RS256", "rsa"), None);
    assert_eq!(with(&rsa, "RS256", "ec"), Some(TokenError::AlgorithmOfKey));
    assert_eq!(with(&ec, "ES256", "rsa"), Some(TokenError::AlgorithmOfKey));
    assert_eq!(with(&ec, "ES384", "ec"), Some(TokenError::AlgorithmOfKey));
    assert_eq!(with(&rsa, "PS256", "rsa"), Some(TokenError::Algorithm));
    assert_eq!(with(&ec, "EdDSA", "ec"), Some(TokenError::Algorithm));

    // The other padding, under the name of this one.
    let message = format!("{}.{}", base64(rsa.header().to_string()), base64(claims().to_string()));
    let Pair::Rsa(pair) = &rsa.pair else { unreachable!() };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    let token = format!("{message}.{}", base64(signature));
    assert_eq!(verify(&issuers, &token), Err(TokenError::Signature));
}

#[test]
fn signatures_on_curves_have_one_form() {
    let signer = Signer::new(JwtAlgorithm::Es256, "k1");
    let issuers = inline(&[&signer]);
    let message =
        format!("{}.{}", base64(signer.header().to_string()), base64(claims().to_string()));
    let with =
        |signature: &[u8]| verify(&issuers, &format!("{message}.{}", base64(signature))).map(drop);
    let Pair::Ec(pair) = &signer.pair else { unreachable!() };
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let der = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let der = der.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let fixed = signer.signature(message.as_bytes());
    assert_eq!(with(&fixed), Ok(()));
    let longer = [&fixed[..], &[0]].concat();
    let shorter = &fixed[..63];
    // Zeros make a signature of everything in a library that does not look (CVE-2022-21449).
    for wrong in [der.as_ref(), &longer, shorter, &[0; 64], &[], &[0xff; 64]] {
        assert_eq!(with(wrong), Err(TokenError::Signature));
    }
}

#[test]
fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let [issuer_key, own] = ["k1", "k1"].map(|id| Signer::new(JwtAlgorithm::EdDsa, id));
    let web = Arc::new(Web::default());
    let url = "https://evil.example/keys";
    web.put(url, document(&[&own]));
    let keys = IssuerKeys::Inline(document(&[&issuer_key]));
    let issuers = Issuers::new(vec![issuer(keys)], Arc::clone(&web) as _).unwrap();
    for (member, value) in [
        ("jwk", own.key()),
        ("jku", url.into()),
        ("x5u", url.into()),
        ("x5c", json!([base64("certificate")])),
        ("x5t", "thumbprint".into()),
    ] {
        let with = |signer: &Signer| {
            let mut header = signer.header();
            header[member] = value.clone();
            verify(&issuers, &signer.sign(&header.to_string(), &claims().to_string())).map(drop)
        };
        assert_eq!(with(&own), Err(TokenError::Signature), "{member}");
        assert_eq!(with(&issuer_key), Ok(()), "{member}");
    }
    assert_eq!(web.asked(), 0);
}

#[test]
fn a_header_is_read_in_one_way_only() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let issuers = inline(&[&signer]);
    let with = |header: &str| verify(&issuers, &signer.sign(header, &claims().to_string())).err();
    let json = |source| Some(TokenError::Json { part: "header", source });
    assert_eq!(with(r#"{"alg":"EdDSA","kid":"k1"}"#), None);
    assert_eq!(with(r#"{"alg":"none","alg":"EdDSA","kid":"k1"}"#), json(JsonError::Twice));
    assert_eq!(with(r#"{"alg":"EdDSA","kid":"k1","\u006bid":"k1"}"#), json(JsonError::Twice));
    assert_eq!(with(r#"{"alg":"EdDSA","kid":"k1","x":{"a":1,"a":2}}"#), json(JsonError::Twice));
    assert_eq!(with(r#"{"alg":"EdDSA","kid":"k1"} {}"#), json(JsonError::Invalid));
    assert_eq!(with(r#"["alg"]"#), json(JsonError::NoObject));
    for critical in ["[]", r#"["exp"]"#, r#"["b64"]"#, "null", r#""exp""#] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"k1","crit":{critical}}}"#);
        assert_eq!(with(&header), Some(TokenError::Critical), "{critical}");
    }
    let member = |member| Some(TokenError::Header { member });
    assert_eq!(with(r#"{"alg":["EdDSA"],"kid":"k1"}"#), member("alg"));
    assert_eq!(with(r#"{"alg":"EdDSA","kid":1}"#), member("kid"));
    assert_eq!(with(r#"{"alg":"EdDSA","kid":null}"#), member("kid"));
    assert_eq!(with(r#"{"alg":"EdDSA","typ":{}}"#), member("typ"));
    assert_eq!(with("{}"), Some(TokenError::Algorithm));
    let unknown = TokenError::UnknownKey { issuer: "idp".parse().unwrap() };
    for id in ["", "K1", "k1 ", "k2"] {
        let header = json!({ "alg": "EdDSA", "kid": id }).to_string();
        assert_eq!(with(&header), Some(unknown.clone()), "{id}");
    }
}

#[test]
fn claims_are_read_in_one_way_only() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let issuers = inline(&[&signer]);
    let header = signer.header().to_string();
    let twice = claims().to_string().replacen('{', r#"{"sub":"bob","#, 1);
    let source = JsonError::Twice;
    let expected = Err(TokenError::Json { part: "payload", source });
    assert_eq!(verify(&issuers, &signer.sign(&header, &twice)), expected);
    // A token inside of a token.
    let nested = signer.sign(&header, &signer.token(&claims()));
    let source = JsonError::Invalid;
    assert_eq!(verify(&issuers, &nested), Err(TokenError::Json { part: "payload", source }));
}

#[test]
fn only_the_very_bytes_that_were_signed_are_taken() {
    for algorithm in [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256] {
        let signer = Signer::new(algorithm, "k1");
        let issuers = inline(&[&signer]);
        let token = signer.token(&claims());
        assert!(verify(&issuers, &token).is_ok());
        for position in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                let bent = String::from_utf8(bytes).unwrap();
                assert!(verify(&issuers, &bent).is_err(), "{algorithm:?} {position} {bit}");
            }
            let mut cut = token.clone();
            cut.remove(position);
            assert!(verify(&issuers, &cut).is_err(), "{algorithm:?} {position}");
        }
    }
}

#[test]
fn base64_has_one_form() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let issuers = inline(&[&signer]);
    let token = signer.token(&claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (kept, last) = signature.split_at(signature.len() - 1);
    let wrong = TokenError::Base64 { part: "signature" };
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // 64 bytes leave four bits of the last letter unused: 15 others stand for the same bytes.
    let value = alphabet.find(last).unwrap();
    for other in (0..64).filter(|other| other >> 4 == value >> 4 && *other != value) {
        let bent = format!("{message}.{kept}{}", &alphabet[other..=other]);
        assert_eq!(verify(&issuers, &bent), Err(wrong.clone()), "{other}");
    }
    for bent in ["=", "==", "\n", " ", "A"] {
        assert!(verify(&issuers, &format!("{token}{bent}")).is_err(), "{bent:?}");
        assert!(verify(&issuers, &format!("{bent}{token}")).is_err(), "{bent:?}");
    }
}

#[test]
fn the_form_is_looked_at_before_anything_else() {
    let issuers = inline(&[&Signer::new(JwtAlgorithm::EdDsa, "k1")]);
    let long = "a".repeat(TOKEN_BYTES + 1);
    let too_long = TokenError::TooLong { limit_bytes: TOKEN_BYTES };
    assert_eq!(verify(&issuers, &long), Err(too_long));
    for parts in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "....", "."] {
        assert_eq!(verify(&issuers, parts), Err(TokenError::Parts), "{parts}");
    }
    assert_eq!(verify(&issuers, "a.b.c"), Err(TokenError::Base64 { part: "header" }));
    assert_eq!(verify(&issuers, "é.e30.e30"), Err(TokenError::Base64 { part: "header" }));
    let source = JsonError::Invalid;
    assert_eq!(verify(&issuers, ".."), Err(TokenError::Json { part: "header", source }));
}

#[test]
fn a_refusal_repeats_nothing_of_the_token() {
    const MARK: &str = "marked-value";
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let issuers = inline_with(&[&signer], |issuer| issuer.groups_claim = Some("groups".to_owned()));
    let mut codes = std::collections::BTreeSet::new();
    let mut refused = |token: &str| {
        let error = verify(&issuers, token).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let said = format!("{error} {source} {error:?}");
        assert!(!said.contains(MARK), "{said}");
        assert_eq!(error.class(), Class::Unauthenticated);
        codes.insert(error.code());
    };
    for (member, value) in [
        ("iss", json!(MARK)),
        ("aud", json!(MARK)),
        ("aud", json!({ MARK: MARK })),
        ("exp", json!(MARK)),
        ("iat", json!(NOW + 3600)),
        ("iat", json!(NOW - 48 * 3600)),
        ("exp", json!(NOW - 3600)),
        ("sub", json!(format!("{MARK} "))),
        ("sub", json!([MARK])),
        ("groups", json!({ MARK: MARK })),
    ] {
        let mut claims = claims();
        claims[member] = value;
        refused(&signer.token(&claims));
    }
    for (member, value) in [("alg", MARK), ("kid", MARK), ("typ", MARK), ("crit", MARK)] {
        let mut header = signer.header();
        header[member] = Value::from(value);
        refused(&signer.sign(&header.to_string(), &claims().to_string()));
    }
    refused(&format!("{}.{MARK}", signer.token(&claims())));
    refused(&signer.sign(MARK, MARK));
    refused(&signer.sign(&signer.header().to_string(), &format!(r#"{{"{MARK}":1,"{MARK}":1}}"#)));
    let stranger = Signer::new(JwtAlgorithm::EdDsa, "k1");
    refused(&stranger.token(&claims()));
    assert!(codes.iter().all(|code| code.starts_with("bartizan::identity::token-")));
    assert_eq!(codes.len(), 11, "{codes:?}");
}

#[test]
fn a_signature_is_of_header_and_claims_together() {
    let signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let issuers = inline(&[&signer]);
    let mut other = claims();
    other["sub"] = "bob@example.com".into();
    let [mine, others] = [claims(), other].map(|claims| signer.token(&claims));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let ([header, claims, _], [_, _, signature]) = (
        <[String; 3]>::try_from(parts(&mine)).unwrap(),
        <[String; 3]>::try_from(parts(&others)).unwrap(),
    );
    let mixed = format!("{header}.{claims}.{signature}");
    assert_eq!(issuers.verify(&mixed, at(NOW)), Err(TokenError::Signature));
    assert!(mine.len() < TOKEN_BYTES && ISSUER.len() < mine.len());
}
