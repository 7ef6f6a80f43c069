//! An identity provider in miniature: key pairs, tokens, and the documents that it would serve.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaSignatureEncoding,
};
use bartizan_core::settings::{Issuer, IssuerKeys, JwtAlgorithm};
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{FetchError, FetchKeys, Issuers, TokenError, Verified};

/// `iss` of the provider.
pub(super) const ISSUER: &str = "https://id.example/realm";
/// When tokens are looked at, in seconds since 1970.
pub(super) const NOW: i64 = 1_800_000_000;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair with a name and the algorithm that it signs by.
pub(super) struct Signer {
    pub(super) pair: Pair,
    pub(super) algorithm: JwtAlgorithm,
    pub(super) id: Option<&'static str>,
}

pub(super) enum Pair {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn new(algorithm: JwtAlgorithm, id: &'static str) -> Self {
        let pair = match algorithm {
            JwtAlgorithm::Es256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
            }
            JwtAlgorithm::Es384 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
            }
            JwtAlgorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().unwrap()),
            _ => Pair::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap()),
        };
        Self { pair, algorithm, id: Some(id) }
    }

    /// The public key, as the provider would publish it.
    pub(super) fn key(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let [n, e] = rsa_components(pair.public_key().as_ref());
                json!({ "kty": "RSA", "n": base64(n), "e": base64(e) })
            }
            Pair::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": base64(x), "y": base64(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key()) })
            }
        };
        if let Some(id) = self.id {
            key["kid"] = id.into();
        }
        key
    }

    pub(super) fn header(&self) -> Value {
        let mut header = json!({ "alg": self.algorithm.name(), "typ": "JWT" });
        if let Some(id) = self.id {
            header["kid"] = id.into();
        }
        header
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// A token with a header of one's own.
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64(header), base64(claims));
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", base64(signature))
    }

    pub(super) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static RsaSignatureEncoding = match self.algorithm {
                    JwtAlgorithm::Rs384 => &RSA_PKCS1_SHA384,
                    JwtAlgorithm::Rs512 => &RSA_PKCS1_SHA512,
                    JwtAlgorithm::Ps256 => &RSA_PSS_SHA256,
                    JwtAlgorithm::Ps384 => &RSA_PSS_SHA384,
                    JwtAlgorithm::Ps512 => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// The two numbers of an `RSAPublicKey` (RFC 8017, appendix A.1.1), without zeros in front.
pub(super) fn rsa_components(der: &[u8]) -> [&[u8]; 2] {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, start) = match der[1] {
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            0x81 => (usize::from(der[2]), 3),
            short => (usize::from(short), 2),
        };
        der[start..].split_at(length)
    }
    let (sequence, _) = element(der);
    let (n, rest) = element(sequence);
    let (e, _) = element(rest);
    [n, e].map(|number| if number[0] == 0 { &number[1..] } else { number })
}

/// Claims that are fine at [`NOW`].
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": "bartizan",
        "sub": "alice@example.com",
        "iat": NOW - 60,
        "exp": NOW + 3600,
    })
}

pub(super) fn document(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.key()).collect::<Vec<_>>() }).to_string()
}

/// What policy would say of the provider, with these keys.
pub(super) fn issuer(keys: IssuerKeys) -> Issuer {
    Issuer {
        id: "idp".parse().unwrap(),
        url: ISSUER.to_owned(),
        audiences: BTreeSet::from(["bartizan".to_owned(), "other".to_owned()]),
        algorithms: JwtAlgorithm::ALL.into(),
        keys,
        user_claim: Issuer::DEFAULT_USER_CLAIM.to_owned(),
        groups_claim: None,
        program: None,
        groups: [].into(),
        tags: [].into(),
        clock_skew: Issuer::DEFAULT_CLOCK_SKEW,
        max_age: Issuer::DEFAULT_MAX_AGE,
    }
}

/// The provider alone, with keys in the policy. Nothing is ever fetched for it.
pub(super) fn inline(signers: &[&Signer]) -> Issuers {
    inline_with(signers, |_| {})
}

pub(super) fn inline_with(signers: &[&Signer], change: impl FnOnce(&mut Issuer)) -> Issuers {
    let mut issuer = issuer(IssuerKeys::Inline(document(signers)));
    change(&mut issuer);
    Issuers::new(vec![issuer], Arc::new(Web::default())).unwrap()
}

/// What becomes of a token at [`NOW`].
pub(super) fn verify(issuers: &Issuers, token: &str) -> Result<Verified, TokenError> {
    issuers.verify(token, at(NOW))
}

/// Documents by URL, and how often somebody asked.
#[derive(Default)]
pub(super) struct Web {
    documents: Mutex<HashMap<String, String>>,
    asked: AtomicUsize,
    takes: Duration,
}

impl Web {
    /// Where each answer takes this long.
    pub(super) fn slow(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    pub(super) fn put(&self, url: &str, document: impl Into<String>) {
        self.documents.lock().unwrap().insert(url.to_owned(), document.into());
    }

    pub(super) fn remove(&self, url: &str) {
        self.documents.lock().unwrap().remove(url);
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl FetchKeys for Web {
    fn fetch(
        &self,
        url: &str,
        _cap_bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + '_>> {
        let url = url.to_owned();
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            let document = self.documents.lock().unwrap().get(&url).cloned();
            document.map(String::into_bytes).ok_or_else(|| "404".into())
        })
    }
}
