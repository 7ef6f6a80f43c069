//! Speed of recognising a caller by a token, signature and claims.
//!
//! `cargo bench -p bartizan-identity --bench verify`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

use std::pin::Pin;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use bartizan_core::settings::{Issuer, IssuerKeys, JwtAlgorithm};
use bartizan_core::time::{self, Timestamp};
use bartizan_identity::{FetchError, FetchKeys, Issuers};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use divan::Bencher;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

const ISSUER: &str = "https://id.example/realm";

#[divan::bench]
fn es256(bencher: Bencher<'_, '_>) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref().split_at(1).1.split_at(32);
    let key = json!({ "kty": "EC", "crv": "P-256", "x": base64(x), "y": base64(y) });
    let sign = |message: &[u8]| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    verify(bencher, JwtAlgorithm::Es256, &key, sign);
}

#[divan::bench]
fn rs256_2048(bencher: Bencher<'_, '_>) {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    // `SEQUENCE { INTEGER n, INTEGER e }`: both headers have a fixed length for a key of this size, and the
    // exponent is 65,537.
    let n = pair.public_key().as_ref()[9..265].to_vec();
    let key = json!({ "kty": "RSA", "n": base64(&n), "e": "AQAB" });
    let sign = |message: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    verify(bencher, JwtAlgorithm::Rs256, &key, sign);
}

#[divan::bench]
fn ed25519(bencher: Bencher<'_, '_>) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key()) });
    verify(bencher, JwtAlgorithm::EdDsa, &key, |message| pair.sign(message).as_ref().to_vec());
}

/// What is refused before any signature: what a flood of foreign tokens costs.
#[divan::bench]
fn unknown_issuer(bencher: Bencher<'_, '_>) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key()) });
    let issuers = issuers(JwtAlgorithm::EdDsa, &key);
    let mut claims = claims();
    claims["iss"] = "https://other.example".into();
    let token = format!("{}.{}", message(JwtAlgorithm::EdDsa, &claims), base64([0; 64]));
    let now = time::now();
    bencher.bench_local(|| issuers.verify(divan::black_box(&token), now).is_err());
}

fn verify(
    bencher: Bencher<'_, '_>,
    algorithm: JwtAlgorithm,
    key: &Value,
    sign: impl Fn(&[u8]) -> Vec<u8>,
) {
    let issuers = issuers(algorithm, key);
    let message = message(algorithm, &claims());
    let token = format!("{message}.{}", base64(sign(message.as_bytes())));
    let now = time::now();
    issuers.verify(&token, now).unwrap();
    bencher.bench_local(|| issuers.verify(divan::black_box(&token), now).is_ok());
}

fn issuers(algorithm: JwtAlgorithm, key: &Value) -> Issuers {
    let issuer = Issuer {
        id: "idp".parse().unwrap(),
        url: ISSUER.to_owned(),
        audiences: ["bartizan".to_owned()].into(),
        algorithms: [algorithm].into(),
        keys: IssuerKeys::Inline(json!({ "keys": [key] }).to_string()),
        user_claim: Issuer::DEFAULT_USER_CLAIM.to_owned(),
        groups_claim: Some("groups".to_owned()),
        program: None,
        groups: [("0001-admins".to_owned(), "admins".parse().unwrap())].into(),
        tags: [].into(),
        clock_skew: Issuer::DEFAULT_CLOCK_SKEW,
        max_age: Issuer::DEFAULT_MAX_AGE,
    };
    Issuers::new(vec![issuer], Arc::new(Nobody)).unwrap()
}

/// As many claims as an access token of a large provider has.
fn claims() -> Value {
    let now: Timestamp = time::now();
    json!({
        "iss": ISSUER,
        "aud": ["bartizan", "account"],
        "sub": "alice@example.com",
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": now.as_second() + 3600,
        "jti": "0191e7a0-0000-7000-8000-000000000000",
        "azp": "console",
        "scope": "openid profile email",
        "email": "alice@example.com",
        "email_verified": true,
        "name": "Alice Example",
        "groups": ["0001-admins", "0002-everybody", "0003-staff"],
    })
}

fn message(algorithm: JwtAlgorithm, claims: &Value) -> String {
    let header = json!({ "alg": algorithm.name(), "typ": "at+jwt" });
    format!("{}.{}", base64(header.to_string()), base64(claims.to_string()))
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Is never asked.
struct Nobody;

impl FetchKeys for Nobody {
    fn fetch(
        &self,
        _url: &str,
        _cap_bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + '_>> {
        Box::pin(std::future::ready(Err("nobody is there".into())))
    }
}
