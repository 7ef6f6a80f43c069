//! One public key as issuers publish it (JSON Web Key, RFC 7517), parsed for each algorithm that it may check.

use std::collections::BTreeSet;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    VerificationAlgorithm,
};
use bartizan_core::settings::JwtAlgorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::json::Object;

/// Sizes of RSA keys, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Public exponents of RSA keys. All but the odd ones above 2^16 are refused (FIPS 186-5, appendix A.1.1); the
/// upper bound keeps checks cheap.
const RSA_EXPONENTS: std::ops::RangeInclusive<u32> = 0x0001_0001..=u32::MAX;
/// Length of a coordinate on P-256, in bytes.
const P256_BYTES: usize = 32;
/// Length of a coordinate on P-384, in bytes.
const P384_BYTES: usize = 48;
/// Length of a key for Ed25519, in bytes.
const ED25519_BYTES: usize = 32;
/// Marks a point of which both coordinates are given (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Members that only the holder of a key should know (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key, ready for use.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) id: Option<String>,
    /// What it can check, one entry for each algorithm; not empty.
    pub(crate) checks: Vec<(JwtAlgorithm, ParsedPublicKey)>,
}

/// Why an entry of a set is no key for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// It is for something else, or of a kind that is not known. That is fine.
    OtherUse,
    /// Somebody should look at it.
    Faulty(&'static str),
}

impl Key {
    /// Reads an entry of a set of keys for an issuer that signs by these algorithms.
    pub(crate) fn read(
        entry: &Value,
        algorithms: &BTreeSet<JwtAlgorithm>,
    ) -> Result<Self, LeftOut> {
        let entry = entry.as_object().ok_or(LeftOut::Faulty("it is no object"))?;
        // Whoever has read it can sign in the name of the issuer, and many have.
        if PRIVATE.iter().any(|member| entry.contains_key(*member)) {
            return Err(LeftOut::Faulty("it shows a secret"));
        }
        let only = checks_signatures(entry)?;
        let material = Material::read(entry)?;
        let id = text(entry, "kid")?.map(str::to_owned);
        let algorithms = algorithms.iter().copied();
        let checks = algorithms
            .filter(|algorithm| only.is_none_or(|only| only == *algorithm))
            .filter_map(|algorithm| Some((algorithm, material.parse(algorithm)?)))
            .map(|(algorithm, key)| Ok((algorithm, key?)))
            .collect::<Result<Vec<_>, LeftOut>>()?;
        if checks.is_empty() {
            return Err(LeftOut::OtherUse);
        }
        Ok(Self { id, checks })
    }

    /// The key for one algorithm.
    pub(crate) fn for_algorithm(&self, algorithm: JwtAlgorithm) -> Option<&ParsedPublicKey> {
        self.checks.iter().find(|(fits, _)| *fits == algorithm).map(|(_, key)| key)
    }
}

/// What makes a key.
enum Material {
    /// Takes part in several algorithms.
    Rsa(PublicKeyComponents<Vec<u8>>),
    /// A point of a curve, which has one algorithm.
    Point(JwtAlgorithm, &'static dyn VerificationAlgorithm, Vec<u8>),
}

impl Material {
    fn read(entry: &Object) -> Result<Self, LeftOut> {
        match (text(entry, "kty")?, text(entry, "crv")?) {
            (Some("RSA"), _) => rsa(bytes(entry, "n")?, bytes(entry, "e")?).map(Self::Rsa),
            (Some("EC"), Some("P-256")) => {
                let point = point(entry, P256_BYTES)?;
                Ok(Self::Point(JwtAlgorithm::Es256, &ECDSA_P256_SHA256_FIXED, point))
            }
            (Some("EC"), Some("P-384")) => {
                let point = point(entry, P384_BYTES)?;
                Ok(Self::Point(JwtAlgorithm::Es384, &ECDSA_P384_SHA384_FIXED, point))
            }
            (Some("OKP"), Some("Ed25519")) => {
                let point = coordinate(entry, "x", ED25519_BYTES)?;
                Ok(Self::Point(JwtAlgorithm::EdDsa, &ED25519, point))
            }
            _ => Err(LeftOut::OtherUse),
        }
    }

    /// The key for an algorithm, if this is a key for it.
    fn parse(&self, algorithm: JwtAlgorithm) -> Option<Result<ParsedPublicKey, LeftOut>> {
        let parsed = match self {
            Self::Rsa(components) => components.to_parsed_public_key(rsa_parameters(algorithm)?),
            Self::Point(only, check, point) if *only == algorithm => {
                ParsedPublicKey::new(*check, point)
            }
            Self::Point(..) => return None,
        };
        Some(parsed.map_err(|_| LeftOut::Faulty("it is no key")))
    }
}

const fn rsa_parameters(algorithm: JwtAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        JwtAlgorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        JwtAlgorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        JwtAlgorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        JwtAlgorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        JwtAlgorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        JwtAlgorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        JwtAlgorithm::Es256 | JwtAlgorithm::Es384 | JwtAlgorithm::EdDsa => None,
    }
}

/// The one algorithm that a key is for, where it says one (RFC 7517, sections 4.2 to 4.4).
fn checks_signatures(entry: &Object) -> Result<Option<JwtAlgorithm>, LeftOut> {
    if text(entry, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(LeftOut::OtherUse);
    }
    match entry.get("key_ops") {
        None => {}
        Some(Value::Array(operations)) if operations.iter().any(|name| name == "verify") => {}
        Some(Value::Array(_)) => return Err(LeftOut::OtherUse),
        Some(_) => return Err(LeftOut::Faulty("its `key_ops` are no list")),
    }
    match text(entry, "alg")? {
        None => Ok(None),
        Some(name) => JwtAlgorithm::from_name(name).map(Some).ok_or(LeftOut::OtherUse),
    }
}

fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<PublicKeyComponents<Vec<u8>>, LeftOut> {
    // The fewest bytes have to be used (RFC 7518, section 2, `Base64urlUInt`).
    let zeros = n.first().map_or(8, |first| first.leading_zeros() as usize);
    if zeros == 8 || n.last().is_none_or(|last| last % 2 == 0) {
        return Err(LeftOut::Faulty("its modulus is none"));
    }
    if !RSA_BITS.contains(&(8 * n.len() - zeros)) {
        return Err(LeftOut::Faulty("its modulus has less than 2,048 or more than 8,192 bits"));
    }
    let exponent = match e.as_slice() {
        [] | [0, ..] => None,
        bytes if bytes.len() <= size_of::<u32>() => {
            Some(bytes.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)))
        }
        _ => None,
    };
    if !exponent.is_some_and(|e| RSA_EXPONENTS.contains(&e) && e % 2 == 1) {
        return Err(LeftOut::Faulty("its exponent is not an odd number above 65,536 of 32 bits"));
    }
    Ok(PublicKeyComponents { n, e })
}

/// A point of a curve; whether it is on the curve is seen when it is parsed.
fn point(entry: &Object, length: usize) -> Result<Vec<u8>, LeftOut> {
    let (x, y) = (coordinate(entry, "x", length)?, coordinate(entry, "y", length)?);
    Ok([&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat())
}

/// A number of a fixed length, zeros in front included (RFC 7518, section 6.2.1.2).
fn coordinate(entry: &Object, member: &str, length: usize) -> Result<Vec<u8>, LeftOut> {
    let bytes = bytes(entry, member)?;
    if bytes.len() == length {
        return Ok(bytes);
    }
    Err(LeftOut::Faulty("its point is not as long as those of its curve"))
}

fn bytes(entry: &Object, member: &str) -> Result<Vec<u8>, LeftOut> {
    let text = text(entry, member)?.ok_or(LeftOut::Faulty("it is not whole"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| LeftOut::Faulty("a number of it is not base64url"))
}

fn text<'e>(entry: &'e Object, member: &str) -> Result<Option<&'e str>, LeftOut> {
    match entry.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(LeftOut::Faulty("a member of it that should be a text is none")),
    }
}
