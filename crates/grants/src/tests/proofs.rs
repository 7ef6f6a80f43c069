//! Proofs of the key that a token is bound to.

use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use bartizan_core::redact::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::support::{after, mint, now, reach};
use crate::grant::Thumbprint;
use crate::{Binding, PROOF_BYTES, Presented, ProofError, ProofKey, Proofs};

const URL: &str = "https://gate.example/v1/chat/completions";

/// A holder, a token and a server.
struct World {
    key: ProofKey,
    token: Secret,
    binding: Binding,
    proofs: Proofs,
    steady: Instant,
}

impl World {
    fn new() -> Self {
        let key = ProofKey::generate().unwrap();
        let steady = Instant::now();
        let proofs = Proofs::new(1024, after(-1000), steady);
        Self { binding: key.binding(), key, token: mint(reach()), proofs, steady }
    }

    fn verify(&self, proof: &str) -> Result<(), ProofError> {
        self.verify_at(proof, "POST", URL)
    }

    fn verify_at(&self, proof: &str, method: &str, url: &str) -> Result<(), ProofError> {
        let request =
            Presented { method, url, token: Some(&self.token), binding: Some(&self.binding) };
        self.proofs.verify(proof, &request, now(), self.steady)
    }

    fn header(&self) -> Value {
        let jwk: Value = serde_json::from_str(&self.key.jwk()).unwrap();
        json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk })
    }

    fn claims(&self) -> Value {
        let ath = Thumbprint::of(self.token.expose().as_bytes()).to_string();
        json!({ "jti": "id-1", "htm": "POST", "htu": URL, "iat": now().as_second(), "ath": ath })
    }

    fn with_header(&self, change: impl FnOnce(&mut Value)) -> Result<(), ProofError> {
        let mut header = self.header();
        change(&mut header);
        self.verify(&self.key.sign(&header.to_string(), &self.claims().to_string()))
    }

    fn with_claims(&self, change: impl FnOnce(&mut Value)) -> Result<(), ProofError> {
        let mut claims = self.claims();
        change(&mut claims);
        self.verify(&self.key.sign(&self.header().to_string(), &claims.to_string()))
    }
}

#[test]
fn the_holder_of_the_key_proves_it_once() {
    let world = World::new();
    let proof = world.key.prove("POST", &format!("{URL}?a=b#c"), &world.token, now()).unwrap();
    assert!(!proof.contains(world.token.expose()));
    assert_eq!(world.verify(&proof), Ok(()));
    assert_eq!(world.verify(&proof), Err(ProofError::Replayed));
    let next = world.key.prove("POST", URL, &world.token, now()).unwrap();
    assert_eq!(world.verify(&next), Ok(()));
}

#[test]
fn a_restart_makes_no_proof_good_again() {
    let world = World::new();
    let proof = world.key.prove("POST", URL, &world.token, now()).unwrap();
    assert_eq!(world.verify(&proof), Ok(()));
    let later = now() + Duration::from_millis(300);
    let again = World { proofs: Proofs::new(1024, later, world.steady), ..world };
    let request = Presented {
        method: "POST",
        url: URL,
        token: Some(&again.token),
        binding: Some(&again.binding),
    };
    let verify = |proof: &str, second| {
        let passed = Duration::from_secs(second);
        again.proofs.verify(proof, &request, later + passed, again.steady + passed)
    };
    assert_eq!(verify(&proof, 0), Err(ProofError::Forgotten));
    assert_eq!(verify(&proof, 59), Err(ProofError::Forgotten));
    let new = again.key.prove("POST", URL, &again.token, after(1)).unwrap();
    assert_eq!(verify(&new, 1), Ok(()));
}

#[test]
fn checking_a_proof_does_not_use_it() {
    let world = World::new();
    let proof = world.key.prove("POST", URL, &world.token, now()).unwrap();
    let request = Presented {
        method: "POST",
        url: URL,
        token: Some(&world.token),
        binding: Some(&world.binding),
    };
    let check = |second| Proofs::check(&proof, &request, after(second));
    let (first, second) = (check(0).unwrap(), check(60).unwrap());
    assert_eq!(first, second);
    assert_eq!(world.proofs.remember(&first, world.steady), Ok(()));
    assert_eq!(world.proofs.remember(&second, world.steady), Err(ProofError::Replayed));
    assert_eq!(world.verify(&proof), Err(ProofError::Replayed), "wherever it comes from");
    assert_eq!(check(61), Err(ProofError::Time));
}

#[test]
fn the_mark_is_the_same_everywhere_and_lasts_as_long_as_any_gateway_takes_the_proof() {
    let world = World::new();
    let marked = |key: &ProofKey, id: &str| {
        let mut claims = world.claims();
        claims["jti"] = id.into();
        let mut header = world.header();
        header["jwk"] = serde_json::from_str(&key.jwk()).unwrap();
        let proof = key.sign(&header.to_string(), &claims.to_string());
        let binding = key.binding();
        let request = Presented {
            method: "POST",
            url: URL,
            token: Some(&world.token),
            binding: Some(&binding),
        };
        Proofs::check(&proof, &request, now()).unwrap()
    };
    let other = ProofKey::generate().unwrap();
    let one = marked(&world.key, "id-1");
    let by_hand = [world.binding.thumbprint().as_bytes().as_slice(), b"id-1"].concat();
    assert_eq!(one.mark(), Thumbprint::of(&by_hand).as_bytes());
    assert_eq!(one.mark(), marked(&world.key, "id-1").mark());
    assert_ne!(one.mark(), marked(&world.key, "id-2").mark());
    assert_ne!(one.mark(), marked(&other, "id-1").mark());
    // The last moment by a clock that is a minute behind.
    assert!(one.remember_until() > after(60 + 60) && one.remember_until() <= after(60 + 60 + 1));
}

#[test]
fn a_stolen_token_is_worth_nothing() {
    let world = World::new();
    let thief = ProofKey::generate().unwrap();
    let proof = thief.prove("POST", URL, &world.token, now()).unwrap();
    assert_eq!(world.verify(&proof), Err(ProofError::OtherKey));
    // The key of the holder in front of what the thief signed.
    let (_, rest) = proof.split_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.encode(world.header().to_string());
    assert_eq!(world.verify(&format!("{header}.{rest}")), Err(ProofError::Signature));
    // A proof does not stand in for a certificate.
    let certificate = Binding::Certificate(*world.binding.thumbprint());
    let request = Presented {
        method: "POST",
        url: URL,
        token: Some(&world.token),
        binding: Some(&certificate),
    };
    let proof = world.key.prove("POST", URL, &world.token, now()).unwrap();
    let refused = world.proofs.verify(&proof, &request, now(), world.steady);
    assert_eq!(refused, Err(ProofError::OtherKey));
}

#[test]
fn a_proof_is_for_one_request() {
    let world = World::new();
    let proof = || world.key.prove("POST", URL, &world.token, now()).unwrap();
    let check = |method, url, expected| {
        assert_eq!(world.verify_at(&proof(), method, url), expected, "{method} {url}");
    };
    check("POST", "HTTPS://Gate.Example:443/v1/chat/completions?x=1", Ok(()));
    check("GET", URL, Err(ProofError::Method));
    check("post", URL, Err(ProofError::Method));
    check("POST", "https://gate2.example/v1/chat/completions", Err(ProofError::Url));
    check("POST", "http://gate.example/v1/chat/completions", Err(ProofError::Url));
    check("POST", "https://gate.example:8443/v1/chat/completions", Err(ProofError::Url));
    check("POST", "https://gate.example/v1/messages", Err(ProofError::Url));
    check("POST", "https://gate.example/v1/chat/Completions", Err(ProofError::Url));
    check("POST", "/v1/chat/completions", Err(ProofError::Url));
    let other = world.key.prove("POST", URL, &mint(reach()), now()).unwrap();
    assert_eq!(world.verify(&other), Err(ProofError::Token));
}

#[test]
fn a_proof_is_of_now() {
    let world = World::new();
    for (second, expected) in
        [(-61, Err(ProofError::Time)), (-60, Ok(())), (60, Ok(())), (61, Err(ProofError::Time))]
    {
        let proof = world.key.prove("POST", URL, &world.token, after(second)).unwrap();
        assert_eq!(world.verify(&proof), expected, "{second}");
    }
    for time in [json!("now"), json!(null), json!(true)] {
        let refused = world.with_claims(|claims| claims["iat"] = time);
        assert_eq!(refused, Err(ProofError::Member { member: "iat" }));
    }
    for time in [json!(1e300), json!(u64::MAX), json!(-1), json!(i64::MIN)] {
        assert_eq!(world.with_claims(|claims| claims["iat"] = time), Err(ProofError::Time));
    }
}

#[test]
fn headers_are_what_they_should_be() {
    let world = World::new();
    let check = |change: fn(&mut Value), expected| {
        assert_eq!(world.with_header(change), Err(expected));
    };
    check(|header| header["typ"] = "JWT".into(), ProofError::Type);
    check(|header| drop(header.as_object_mut().unwrap().remove("typ")), ProofError::Type);
    for algorithm in ["none", "HS256", "RS256", "ES384", "eddsa", "ES256"] {
        let refused = world.with_header(|header| header["alg"] = algorithm.into());
        assert_eq!(refused, Err(ProofError::Algorithm), "{algorithm}");
    }
    check(|header| header["crit"] = json!(["exp"]), ProofError::Critical);
    check(|header| header["crit"] = Value::Null, ProofError::Critical);
    check(|header| header["jwk"]["d"] = "AA".into(), ProofError::PrivateKey);
    check(|header| header["jwk"] = json!([]), ProofError::Member { member: "jwk" });
    check(|header| header["jwk"]["crv"] = "Ed448".into(), ProofError::Member { member: "jwk" });
    check(
        |header| drop(header.as_object_mut().unwrap().remove("jwk")),
        ProofError::Member { member: "jwk" },
    );
    assert_eq!(world.with_header(|header| header["kid"] = "any".into()), Ok(()));
}

#[test]
fn members_stand_once() {
    let world = World::new();
    let (header, claims) = (world.header().to_string(), world.claims().to_string());
    let twice = header.replacen('{', r#"{"alg":"EdDSA","#, 1);
    let refused = world.verify(&world.key.sign(&twice, &claims));
    assert_eq!(refused, Err(ProofError::Malformed { part: "header" }));
    let twice = claims.replacen('{', r#"{"htm":"GET","#, 1);
    let refused = world.verify(&world.key.sign(&header, &twice));
    assert_eq!(refused, Err(ProofError::Malformed { part: "payload" }));
    let twice = header.replacen(r#"{"crv""#, r#"{"crv":"Ed25519","crv""#, 1);
    assert_ne!(twice, header);
    let refused = world.verify(&world.key.sign(&twice, &claims));
    assert_eq!(refused, Err(ProofError::Member { member: "jwk" }));
}

#[test]
fn claims_are_there_and_of_their_kind() {
    let world = World::new();
    for member in ["jti", "htm", "htu", "ath", "iat"] {
        let refused =
            world.with_claims(|claims| drop(claims.as_object_mut().unwrap().remove(member)));
        assert_eq!(refused, Err(ProofError::Member { member }));
        let refused = world.with_claims(|claims| claims[member] = json!(["a"]));
        assert_eq!(refused, Err(ProofError::Member { member }));
    }
    for id in [String::new(), "a".repeat(129)] {
        let refused = world.with_claims(|claims| claims["jti"] = id.into());
        assert_eq!(refused, Err(ProofError::Member { member: "jti" }));
    }
    let long = world.with_claims(|claims| claims["x"] = "a".repeat(PROOF_BYTES).into());
    assert_eq!(long, Err(ProofError::TooLong { limit_bytes: PROOF_BYTES }));
}

#[test]
fn proofs_by_p256_are_taken() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": part(x), "y": part(y) });
    let mut world = World::new();
    world.binding = Binding::of_jwk(jwk.to_string().as_bytes()).unwrap();
    let sign = |algorithm: &str| {
        let header = json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": jwk }).to_string();
        let claims = world.claims().to_string();
        let message = format!("{}.{}", part(header.as_bytes()), part(claims.as_bytes()));
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", part(signature.as_ref()))
    };
    assert_eq!(world.verify(&sign("EdDSA")), Err(ProofError::Algorithm));
    assert_eq!(world.verify(&sign("ES256")), Ok(()));
    // ECDSA gives another signature each time; the id is what is remembered.
    assert_eq!(world.verify(&sign("ES256")), Err(ProofError::Replayed));
}

#[test]
fn each_character_of_a_proof_counts() {
    let world = World::new();
    let proof = world.key.prove("POST", URL, &world.token, now()).unwrap();
    for at in 0..proof.len() {
        let other = if proof.as_bytes()[at] == b'A' { "B" } else { "A" };
        let bent = format!("{}{other}{}", &proof[..at], &proof[at + 1..]);
        let error = world.verify(&bent).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&proof[proof.len() - 20..]));
    }
    for text in ["", ".", "..", "a.b", "a.b.c.d", &proof.replace('.', "")] {
        assert!(matches!(world.verify(text), Err(ProofError::Malformed { .. })), "{text}");
    }
    assert_eq!(world.verify(&proof), Ok(()));
}

#[test]
fn a_refused_proof_takes_no_room() {
    let world = World::new();
    let world = World { proofs: Proofs::new(1, after(-1000), world.steady), ..world };
    let refused = world.with_claims(|claims| claims["htm"] = "GET".into());
    assert_eq!(refused, Err(ProofError::Method));
    assert_eq!(world.with_claims(|_| {}), Ok(()));
    let full = world.with_claims(|claims| claims["jti"] = "id-2".into());
    assert_eq!(full, Err(ProofError::Full));
}

#[test]
fn keys_are_kept_and_not_shown() {
    let key = ProofKey::generate().unwrap();
    let again = ProofKey::from_secret(&key.secret()).unwrap();
    assert_eq!(again.binding(), key.binding());
    assert!(!format!("{key:?}").contains(key.secret().expose()));
    for wrong in ["", "AA", &key.secret().expose()[1..]] {
        assert!(ProofKey::from_secret(&Secret::new(wrong)).is_err());
    }
}
