//! Keys for data that is to be destroyed by itself: whoever destroys a key has destroyed all that was sealed with it,
//! wherever that lies.
//!
//! A data key is 256 random bits. It is kept wrapped, that is sealed by a [`Sealer`]; where master keys are changed, only
//! what is wrapped is sealed again. What a data key seals (AES-256-GCM-SIV, RFC 8452) has this form:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of the form, 1 |
//! | 12 | nonce, random |
//! | as many as the data | the data, encrypted |
//! | 16 | tag |
//!
//! How long the data is stays visible. Nothing is compressed: how long compressed text is says what stands in it.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::sealer::Sealer;

/// First byte of what is sealed.
const VERSION: u8 = 1;
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of the tag.
const TAG_LEN: usize = 16;
/// What stands before the encrypted data.
const BODY_AT: usize = 1 + NONCE_LEN;

/// A key that seals data of its own. It is overwritten when it is dropped.
pub struct DataKey {
    bits: Box<Zeroizing<[u8; KEY_BYTES]>>,
    key: LessSafeKey,
}

impl DataKey {
    /// How much longer sealed data is than the data.
    pub const OVERHEAD: usize = BODY_AT + TAG_LEN;

    /// A fresh key.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn generate() -> Result<Self, SealError> {
        let mut bits = Box::new(Zeroizing::new([0; KEY_BYTES]));
        getrandom::fill(&mut **bits).map_err(SealError::Random)?;
        Self::new(bits)
    }

    fn new(bits: Box<Zeroizing<[u8; KEY_BYTES]>>) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &**bits).map_err(|_| SealError::Refused)?;
        Ok(Self { bits, key: LessSafeKey::new(key) })
    }

    /// The key, sealed for the place that `aad` names.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn wrap(&self, sealer: &Sealer, aad: &[u8]) -> Result<Vec<u8>, SealError> {
        sealer.seal(aad, self.bits.as_slice())
    }

    /// The key that was wrapped for the place that `aad` names.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn unwrap(sealer: &Sealer, aad: &[u8], wrapped: &[u8]) -> Result<Self, SealError> {
        let opened = sealer.open(aad, wrapped)?;
        let mut bits = Box::new(Zeroizing::new([0; KEY_BYTES]));
        if opened.len() != KEY_BYTES {
            return Err(SealError::Damaged);
        }
        bits.copy_from_slice(&opened);
        Self::new(bits)
    }

    /// Seals data for the place that `aad` names, behind what `out` holds already.
    ///
    /// # Errors
    /// [`SealError::Random`]; then nothing is added.
    pub fn seal_onto(&self, aad: &[u8], plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let before = out.len();
        // INVARIANT: as long as it gets, so that no data is left where it lay before.
        out.reserve(plain.len() + Self::OVERHEAD);
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        let body_at = out.len();
        out.extend_from_slice(plain);
        let sealed = out.get_mut(body_at..).ok_or(SealError::Refused).and_then(|body| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self.key.seal_in_place_separate_tag(nonce, bound(aad), body);
            tag.map_err(|_| SealError::Refused)
        });
        match sealed {
            Ok(tag) => {
                out.extend_from_slice(tag.as_ref());
                Ok(())
            }
            Err(error) => {
                out.truncate(before);
                Err(error)
            }
        }
    }

    /// Opens sealed data of the place that `aad` names. The data is overwritten when it is dropped.
    ///
    /// # Errors
    /// [`SealError`], when it was not sealed so: nothing of it comes out.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::TooShort)?;
        if *version != VERSION {
            return Err(SealError::Version { found: *version });
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::TooShort)?;
        if body.len() < TAG_LEN {
            return Err(SealError::TooShort);
        }
        let mut plain = Zeroizing::new(body.to_vec());
        let opened = self.key.open_in_place(Nonce::from(nonce), bound(aad), &mut plain);
        let len = opened.map_err(|_| SealError::Damaged)?.len();
        plain.truncate(len);
        Ok(plain)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

fn bound(aad: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([&[VERSION], aad].concat())
}

#[cfg(test)]
mod tests {
    use bartizan_core::Secret;
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::Keyring;
    use crate::keyring::tests::key_text;

    fn sealer(start: u8) -> Sealer {
        Keyring::parse(&Secret::new(key_text(start))).unwrap().derive("test").unwrap()
    }

    fn sealed(key: &DataKey, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        key.seal_onto(aad, plain, &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_sealed_stands_behind_what_was_there() {
        let key = DataKey::generate().unwrap();
        let mut out = b"before".to_vec();
        key.seal_onto(b"place", b"words", &mut out).unwrap();
        assert_eq!(out.len(), 6 + 5 + DataKey::OVERHEAD);
        assert_eq!((&out[..6], out[6]), (&b"before"[..], VERSION));
        assert_eq!(*key.open(b"place", &out[6..]).unwrap(), b"words");
        assert!(!out.windows(5).any(|window| window == b"words"));
    }

    #[test]
    fn a_wrapped_key_opens_what_it_sealed_and_no_other_does() {
        let key = DataKey::generate().unwrap();
        let words = sealed(&key, b"place", b"words");
        let wrapped = key.wrap(&sealer(0), b"alice").unwrap();
        let again = DataKey::unwrap(&sealer(0), b"alice", &wrapped).unwrap();
        assert_eq!(*again.open(b"place", &words).unwrap(), b"words");
        assert!(DataKey::unwrap(&sealer(0), b"bob", &wrapped).is_err());
        assert!(DataKey::unwrap(&sealer(100), b"alice", &wrapped).is_err());
        assert!(DataKey::generate().unwrap().open(b"place", &words).is_err());
        // What is no key is none, however it was sealed.
        let short = sealer(0).seal(b"alice", b"short").unwrap();
        assert_eq!(DataKey::unwrap(&sealer(0), b"alice", &short).unwrap_err(), SealError::Damaged);
        assert_eq!(format!("{key:?}"), "DataKey");
    }

    #[test]
    fn every_changed_byte_every_cut_and_every_other_place_is_noticed() {
        let key = DataKey::generate().unwrap();
        let words = sealed(&key, b"place", b"some words");
        for at in 0..words.len() {
            let mut changed = words.clone();
            changed[at] ^= 1;
            assert!(key.open(b"place", &changed).is_err(), "{at}");
            assert!(key.open(b"place", &words[..at]).is_err(), "{at}");
        }
        for elsewhere in [&b"plac"[..], b"places", b""] {
            assert_eq!(key.open(elsewhere, &words), Err(SealError::Damaged));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(
            aad in prop::collection::vec(any::<u8>(), 0..64),
            plain in prop::collection::vec(any::<u8>(), 0..512),
        ) {
            let key = DataKey::generate().unwrap();
            prop_assert_eq!(&*key.open(&aad, &sealed(&key, &aad, &plain)).unwrap(), &plain);
        }

        #[test]
        fn nothing_else_opens(sealed in prop::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(DataKey::generate().unwrap().open(b"", &sealed).is_err());
        }
    }
}
