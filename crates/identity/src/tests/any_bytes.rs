//! Whatever comes, somebody says no to it, and nothing breaks.

use std::sync::{Arc, LazyLock};

use bartizan_core::settings::{IssuerKeys, JwtAlgorithm};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{ISSUER, Signer, Web, base64, claims, inline_with, issuer, verify};
use crate::Issuers;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new(JwtAlgorithm::EdDsa, "k1"));
static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| {
    inline_with(&[&SIGNER], |issuer| issuer.groups_claim = Some("groups".to_owned()))
});

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!(ISSUER)),
        Just(json!("k1")),
        Just(json!("EdDSA")),
        Just(json!("EC")),
        Just(json!("P-256")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|members| json!(members)),
        ]
    })
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(prop::sample::select(names), value(), 0..6)
        .prop_map(|members| json!(members))
}

const HEADER: &[&str] = &["alg", "kid", "typ", "crit", "jwk", "jku"];
const CLAIMS: &[&str] =
    &["iss", "aud", "sub", "exp", "nbf", "iat", "groups", "_claim_names", "email"];
const KEY: &[&str] = &["kty", "crv", "x", "y", "n", "e", "d", "use", "alg", "kid", "key_ops"];

proptest! {
    #[test]
    fn no_text_is_a_token(text in any::<String>()) {
        let _ = Issuers::looks_like_token(&text);
        prop_assert!(verify(&ISSUERS, &text).is_err());
    }

    #[test]
    fn no_three_parts_are_a_token(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..96), 3)) {
        let token = parts.iter().map(base64).collect::<Vec<_>>().join(".");
        prop_assert!(verify(&ISSUERS, &token).is_err());
    }

    #[test]
    fn nothing_is_taken_that_was_not_signed(
        header in object(HEADER),
        claims in object(CLAIMS),
        signature in prop::collection::vec(any::<u8>(), 64),
    ) {
        let [header, claims] = [header, claims].map(|part| base64(part.to_string()));
        let token = format!("{header}.{claims}.{}", base64(signature));
        prop_assert!(Issuers::looks_like_token(&token) || token.starts_with("e30"));
        prop_assert!(verify(&ISSUERS, &token).is_err());
    }

    /// Here the issuer signs nonsense: whatever is taken names the one whom the claims name.
    #[test]
    fn what_is_taken_is_what_was_signed(changes in object(CLAIMS)) {
        let mut claims = claims();
        for (claim, value) in changes.as_object().unwrap() {
            claims[claim] = value.clone();
        }
        if let Ok(verified) = verify(&ISSUERS, &SIGNER.token(&claims)) {
            prop_assert_eq!(Some(verified.name.as_str()), claims["sub"].as_str());
            prop_assert!(!verified.name.contains(|c: char| c == ':' || c.is_control()));
            prop_assert_eq!(claims["iss"].as_str(), Some(ISSUER));
        }
    }

    #[test]
    fn no_bytes_bent_in_place_are_a_token(position in any::<prop::sample::Index>(), byte in b'!'..=b'~') {
        let mut claims = claims();
        claims["groups"] = json!([]);
        let token = SIGNER.token(&claims);
        let mut bytes = token.clone().into_bytes();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        let bent = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(verify(&ISSUERS, &bent).is_ok(), bent == token);
    }

    #[test]
    fn no_set_of_keys_breaks_anything(keys in prop::collection::vec(object(KEY), 0..4)) {
        let keys = IssuerKeys::Inline(json!({ "keys": keys }).to_string());
        let _ = Issuers::new(vec![issuer(keys)], Arc::new(Web::default()));
    }
}
