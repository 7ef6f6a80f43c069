//! Public keys of holders as they write them (JSON Web Key, RFC 7517): Ed25519 and P-256.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ed25519;
use crate::error::ProofError;
use crate::grant::{Binding, Thumbprint};
use crate::json::Members;

/// Bytes of a key for Ed25519, and of a coordinate on P-256.
const PART_BYTES: usize = 32;
/// Marks a point of which both coordinates are given (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Members that only the holder of a key should know (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Longest key that is read, in bytes.
const JWK_BYTES: usize = 4 << 10;

/// How a proof is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// By Ed25519 (RFC 8037, section 3.1).
    EdDsa,
    /// By ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
}

impl Algorithm {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "EdDSA" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

/// A public key of a holder.
#[derive(Debug)]
pub(crate) struct Jwk {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: ParsedPublicKey,
    pub(crate) thumbprint: Thumbprint,
}

impl Jwk {
    /// Reads a key.
    ///
    /// # Errors
    /// [`ProofError::PrivateKey`], or [`ProofError::Member`] for whatever is no public key of a kind that is known,
    /// and for keys for which anybody can sign.
    pub(crate) fn read(jwk: &Members<'_>) -> Result<Self, ProofError> {
        let wrong = || ProofError::Member { member: "jwk" };
        if PRIVATE.iter().any(|member| jwk.has(member)) {
            return Err(ProofError::PrivateKey);
        }
        if jwk.has("use") && jwk.text("use").as_deref() != Some("sig") {
            return Err(wrong());
        }
        let text = |member| jwk.text(member).ok_or_else(wrong);
        let (kind, curve, x) = (text("kty")?, text("crv")?, part(&text("x")?).ok_or_else(wrong)?);
        let (algorithm, name, key, canonical) = match (kind.as_str(), curve.as_str()) {
            ("OKP", "Ed25519") => {
                (Algorithm::EdDsa, "EdDSA", ed25519::public_key(&x), ed25519_text(&x))
            }
            ("EC", "P-256") => {
                let y = part(&text("y")?).ok_or_else(wrong)?;
                let point = [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat();
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok();
                (Algorithm::Es256, "ES256", key, p256_text(&x, &y))
            }
            _ => return Err(wrong()),
        };
        if jwk.has("alg") && jwk.text("alg").as_deref() != Some(name) {
            return Err(wrong());
        }
        let key = key.ok_or_else(wrong)?;
        Ok(Self { algorithm, key, thumbprint: Thumbprint::of(canonical.as_bytes()) })
    }
}

impl Binding {
    /// The binding to a public key, given as a JSON Web Key for Ed25519 or P-256 (thumbprint of RFC 7638).
    ///
    /// # Errors
    /// [`ProofError::PrivateKey`], or [`ProofError::Member`] for whatever is no such key, or one of small order, for
    /// which anybody can sign.
    pub fn of_jwk(json: &[u8]) -> Result<Self, ProofError> {
        let members = (json.len() <= JWK_BYTES).then(|| Members::read(json)).flatten();
        let members = members.ok_or(ProofError::Member { member: "jwk" })?;
        Ok(Self::Key(Jwk::read(&members)?.thumbprint))
    }
}

/// The public key as JSON, with the members that count for the thumbprint (RFC 7638, section 3.2; RFC 8037,
/// appendix A.3).
pub(crate) fn ed25519_text(key: &[u8]) -> String {
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(key))
}

fn p256_text(x: &[u8], y: &[u8]) -> String {
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
}

fn part(text: &str) -> Option<[u8; PART_BYTES]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.2.
    const ED25519_JWK: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// RFC 9449, figure 2.
    const P256_JWK: &str = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;

    #[test]
    fn thumbprints_are_those_of_the_specifications() {
        // RFC 8037, appendix A.3, and RFC 9449, figure 15.
        for (jwk, expected) in [
            (ED25519_JWK, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
            (P256_JWK, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
        ] {
            let binding = Binding::of_jwk(jwk.as_bytes()).unwrap();
            assert_eq!(
                (binding.method(), binding.thumbprint().to_string().as_str()),
                ("jkt", expected)
            );
        }
    }

    #[test]
    fn secrets_are_refused_whatever_they_are() {
        for member in [r#""d":"AA""#, r#""d":null"#, r#""k":"AA""#, r#""oth":[]"#] {
            let jwk = ED25519_JWK.replace('}', &format!(",{member}}}"));
            assert_eq!(Binding::of_jwk(jwk.as_bytes()), Err(ProofError::PrivateKey), "{member}");
        }
    }

    #[test]
    fn other_keys_are_refused() {
        let point = P256_JWK.replace("9VE4jf", "8VE4jf");
        for jwk in [
            "{}",
            "[]",
            &ED25519_JWK.replace("Ed25519", "X25519"),
            &ED25519_JWK.replace("OKP", "EC"),
            &ED25519_JWK.replace("HURo", "HUR"),
            &ED25519_JWK.replace("HURo", "HURp"),
            &ED25519_JWK.replace('}', r#","use":"enc"}"#),
            &ED25519_JWK.replace('}', r#","alg":"ES256"}"#),
            &ED25519_JWK.replace('}', r#","x":"AA"}"#),
            &P256_JWK.replace("P-256", "secp256k1"),
            // Not on the curve.
            &point,
        ] {
            let error = Binding::of_jwk(jwk.as_bytes()).unwrap_err();
            assert_eq!(error, ProofError::Member { member: "jwk" }, "{jwk}");
        }
    }

    #[test]
    fn keys_for_which_anybody_signs_are_refused() {
        for key in crate::ed25519::weak_keys() {
            let error = Binding::of_jwk(ed25519_text(&key).as_bytes()).unwrap_err();
            assert_eq!(error, ProofError::Member { member: "jwk" }, "{key:02x?}");
        }
    }
}
