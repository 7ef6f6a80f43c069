//! One key of the policy, and a key of its own for each use: HKDF with SHA-256 (RFC 5869).

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, hmac};
use bartizan_core::operator::MaskKey;
use zeroize::Zeroizing;

/// Keeps what is derived here apart from what anybody else derives from the same key.
const SALT: &[u8] = b"bartizan mask-key, version 1";

/// The cryptography refused a key.
#[derive(Debug, thiserror::Error)]
#[error("no key could be derived from `mask-key`")]
pub struct KeyError(#[source] Unspecified);

impl From<Unspecified> for KeyError {
    fn from(cause: Unspecified) -> Self {
        Self(cause)
    }
}

/// 32 bytes for a purpose. Purposes are apart: who learns one of these keys learns no other.
pub(super) fn derive(key: &MaskKey, purpose: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT);
    let info = [purpose.as_bytes()];
    let mut bytes = Zeroizing::new([0; 32]);
    salt.extract(key.secret().expose().as_bytes())
        .expand(&info, hkdf::HKDF_SHA256)?
        .fill(bytes.as_mut_slice())?;
    Ok(bytes)
}

/// A key to authenticate with.
pub(super) fn for_hmac(key: &MaskKey, purpose: &str) -> Result<hmac::Key, KeyError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, derive(key, purpose)?.as_slice()))
}

/// HMAC of several parts. Each goes with its length, so that no byte can move from one to the next.
pub(super) fn mac(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::super::tests::key;
    use super::*;

    #[test]
    fn every_purpose_has_its_own_key() {
        let purposes = ["hash", "encrypt", "encrypt id", "format-preserving", "synthetic"];
        let keys: std::collections::BTreeSet<[u8; 32]> =
            purposes.iter().map(|purpose| *derive(&key(), purpose).unwrap()).collect();
        assert_eq!(keys.len(), purposes.len());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = for_hmac(&key(), "hash").unwrap();
        assert_ne!(mac(&key, &[b"ab", b"c"]).as_ref(), mac(&key, &[b"a", b"bc"]).as_ref());
    }
}
