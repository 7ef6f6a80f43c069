//! Which published keys are taken.

use std::sync::Arc;

use aws_lc_rs::rsa::{self, KeySize};
use bartizan_core::Coded as _;
use bartizan_core::settings::{IssuerKeys, JwtAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::support::{Pair, Signer, Web, base64, claims, issuer, verify};
use crate::{DOCUMENT_BYTES, Issuers, JsonError, KeySetError, KeysError, TokenError};

/// The provider with this document, all algorithms allowed.
fn with_document(document: &str) -> Result<Issuers, KeySetError> {
    let issuer = issuer(IssuerKeys::Inline(document.to_owned()));
    match Issuers::new(vec![issuer], Arc::new(Web::default())) {
        Ok(issuers) => Ok(issuers),
        Err(KeysError::Inline { source, .. }) => Err(source),
        Err(other) => panic!("{other}"),
    }
}

fn with_keys(keys: &[Value]) -> Result<Issuers, KeySetError> {
    with_document(&json!({ "keys": keys }).to_string())
}

fn changed(key: &Value, member: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[member] = value;
    key
}

#[test]
fn a_key_that_shows_its_secret_is_left_out() {
    let [signer, other] = ["k1", "k2"].map(|id| Signer::new(JwtAlgorithm::Es256, id));
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [json!(base64([1; 32])), json!(""), Value::Null] {
            let shown = changed(&signer.key(), member, value);
            let alone = with_keys(std::slice::from_ref(&shown)).map(drop);
            assert_eq!(alone, Err(KeySetError::NoneUsable), "{member}");
            let issuers = with_keys(&[shown, other.key()]).unwrap();
            assert!(verify(&issuers, &other.token(&claims())).is_ok());
            let refused = verify(&issuers, &signer.token(&claims()));
            assert!(matches!(refused, Err(TokenError::UnknownKey { .. })), "{member}");
        }
    }
}

#[test]
fn a_key_is_used_for_what_it_is_for() {
    let signer = Signer::new(JwtAlgorithm::Rs256, "k1");
    let key = signer.key();
    for (member, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!(["encrypt", "verify"])),
        ("alg", json!("RS256")),
        ("x5c", json!(["not looked at"])),
    ] {
        let issuers = with_keys(&[changed(&key, member, value.clone())]).unwrap();
        assert!(verify(&issuers, &signer.token(&claims())).is_ok(), "{member}: {value}");
    }
    for (member, value) in [
        ("use", json!("enc")),
        ("use", json!("")),
        ("use", json!(["sig"])),
        ("key_ops", json!([])),
        ("key_ops", json!(["sign", "encrypt"])),
        ("key_ops", json!("verify")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("alg", json!("ES256")),
        ("kid", json!(1)),
    ] {
        let refused = with_keys(&[changed(&key, member, value.clone())]).map(drop);
        assert_eq!(refused, Err(KeySetError::NoneUsable), "{member}: {value}");
    }
    let issuers = with_keys(&[changed(&key, "alg", json!("PS256"))]).unwrap();
    assert_eq!(verify(&issuers, &signer.token(&claims())), Err(TokenError::AlgorithmOfKey));
}

#[test]
fn a_key_has_to_fit_an_algorithm_of_the_policy() {
    let signer = Signer::new(JwtAlgorithm::Es256, "k1");
    let mut issuer = issuer(IssuerKeys::Inline(super::support::document(&[&signer])));
    issuer.algorithms = [JwtAlgorithm::Rs256, JwtAlgorithm::Es384].into();
    let error = Issuers::new(vec![issuer], Arc::new(Web::default())).unwrap_err();
    assert!(matches!(&error, KeysError::Inline { source: KeySetError::NoneUsable, .. }), "{error}");
    assert_eq!(error.code(), "bartizan::identity::keys-inline");
}

#[test]
fn rsa_keys_are_neither_small_nor_huge_nor_odd_in_form() {
    let key = |n: &[u8], e: &[u8]| json!({ "kty": "RSA", "n": base64(n), "e": base64(e) });
    let taken = |n: &[u8], e: &[u8]| with_keys(&[key(n, e)]).is_ok();
    let modulus = |bytes: usize, first: u8| {
        let mut n = vec![0xa5; bytes];
        n[0] = first;
        n
    };
    let (fine, e) = (modulus(256, 0x80), [1, 0, 1]);
    assert!(taken(&fine, &e));
    assert!(taken(&modulus(1024, 0xff), &e));
    assert!(!taken(&modulus(256, 0x7f), &e), "2,047 bits");
    assert!(!taken(&modulus(128, 0xff), &e));
    assert!(!taken(&modulus(1025, 0x01), &e), "8,193 bits");
    assert!(!taken(&modulus(16 << 10, 0xff), &e));
    assert!(!taken(&[&[0], fine.as_slice()].concat(), &e), "a zero in front");
    assert!(!taken(&[], &e));
    let mut even = fine.clone();
    *even.last_mut().unwrap() = 0xa4;
    assert!(!taken(&even, &e));
    assert!(taken(&fine, &[0xff, 0xff, 0xff, 0xff]));
    for e in [&[][..], &[0], &[1], &[3], &[1, 0, 0], &[1, 0, 2], &[0, 1, 0, 1], &[1, 0, 0, 0, 1]] {
        assert!(!taken(&fine, e), "{e:?}");
    }
}

#[test]
fn large_rsa_keys_work() {
    let mut signer = Signer::new(JwtAlgorithm::EdDsa, "k1");
    signer.pair = Pair::Rsa(rsa::KeyPair::generate(KeySize::Rsa4096).unwrap());
    signer.algorithm = JwtAlgorithm::Ps512;
    let issuers = with_keys(&[signer.key()]).unwrap();
    assert!(verify(&issuers, &signer.token(&claims())).is_ok());
}

#[test]
fn points_are_whole_and_on_their_curve() {
    let p256 = Signer::new(JwtAlgorithm::Es256, "k1").key();
    let p384 = Signer::new(JwtAlgorithm::Es384, "k1").key();
    let ed25519 = Signer::new(JwtAlgorithm::EdDsa, "k1").key();
    for key in [&p256, &p384, &ed25519] {
        assert!(with_keys(std::slice::from_ref(key)).is_ok());
    }
    // The same key with its type in front (RFC 8410, section 4), which the library below would take too.
    let raw = URL_SAFE_NO_PAD.decode(ed25519["x"].as_str().unwrap()).unwrap();
    let typed = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), &raw].concat();
    for wrong in [
        changed(&p256, "crv", json!("P-384")),
        changed(&p256, "crv", json!("P-521")),
        changed(&p256, "crv", json!("secp256k1")),
        changed(&p256, "crv", json!("p-256")),
        changed(&p384, "crv", json!("P-256")),
        changed(&p256, "kty", json!("RSA")),
        changed(&p256, "kty", json!("oct")),
        changed(&p256, "kty", json!("OKP")),
        changed(&p256, "kty", Value::Null),
        changed(&p256, "y", p256["x"].clone()),
        changed(&p256, "y", json!(base64([0; 32]))),
        changed(&p256, "y", json!(base64([7; 31]))),
        changed(&p256, "y", json!(base64([7; 33]))),
        changed(&p256, "y", Value::Null),
        changed(&p256, "x", json!(format!("{}=", p256["x"].as_str().unwrap()))),
        changed(&ed25519, "crv", json!("Ed448")),
        changed(&ed25519, "crv", json!("X25519")),
        changed(&ed25519, "x", json!(base64([7; 31]))),
        changed(&ed25519, "x", json!(base64(typed))),
        changed(&ed25519, "kty", json!("EC")),
        json!("k1"),
        json!({}),
        Value::Null,
    ] {
        assert_eq!(
            with_keys(std::slice::from_ref(&wrong)).map(drop),
            Err(KeySetError::NoneUsable),
            "{wrong}"
        );
        assert!(with_keys(&[wrong.clone(), p256.clone()]).is_ok(), "{wrong}");
    }
}

#[test]
fn a_set_has_bounds() {
    let key = Signer::new(JwtAlgorithm::EdDsa, "k1").key();
    let named = |count: usize| {
        (0..count).map(|id| changed(&key, "kid", json!(id.to_string()))).collect::<Vec<_>>()
    };
    assert!(with_keys(&named(64)).is_ok());
    assert_eq!(with_keys(&named(65)).map(drop), Err(KeySetError::TooMany { limit: 64 }));
    let padded = |bytes: usize| {
        let document = json!({ "keys": [key] }).to_string();
        let padding = " ".repeat(bytes - document.len());
        with_document(&format!("{document}{padding}")).map(drop)
    };
    let limit_bytes = DOCUMENT_BYTES;
    assert_eq!(padded(limit_bytes as usize), Ok(()));
    assert_eq!(padded(limit_bytes as usize + 1), Err(KeySetError::TooLarge { limit_bytes }));
    for (document, error) in [
        ("", KeySetError::Json(JsonError::Invalid)),
        ("[]", KeySetError::Json(JsonError::NoObject)),
        (r#"{"keys":[],"keys":[]}"#, KeySetError::Json(JsonError::Twice)),
        (r#"{"keys":[{"kty":"RSA","kty":"EC"}]}"#, KeySetError::Json(JsonError::Twice)),
        ("{}", KeySetError::NoKeys),
        (r#"{"keys":{}}"#, KeySetError::NoKeys),
        (r#"{"keys":[]}"#, KeySetError::NoneUsable),
    ] {
        assert_eq!(with_document(document).map(drop), Err(error), "{document}");
    }
}

#[test]
fn no_two_issuers_are_one() {
    let key = Signer::new(JwtAlgorithm::EdDsa, "k1");
    let one = issuer(IssuerKeys::Inline(super::support::document(&[&key])));
    let mut other = one.clone();
    other.id = "other".parse().unwrap();
    let error = Issuers::new(vec![one, other], Arc::new(Web::default())).unwrap_err();
    assert!(matches!(error, KeysError::Twice { .. }), "{error}");
}
