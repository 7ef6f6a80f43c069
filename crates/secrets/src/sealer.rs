//! Data that is encrypted so that a change of it, or of where it belongs, is noticed.
//!
//! AES-256-GCM-SIV (RFC 8452): should a random nonce ever come twice, all that shows is whether the same data was
//! sealed for the same place twice. Sealed data has this form:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of the form, 1 |
//! | 4 | id of the master key |
//! | 12 | nonce, random |
//! | as many as the data | the data, encrypted |
//! | 16 | tag |
//!
//! How long the data is stays visible.

use std::fmt;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::keyring::KeyId;

/// First byte of sealed data.
const VERSION: u8 = 1;
/// Version and id of the key.
const HEAD_LEN: usize = 1 + 4;
/// What stands before the encrypted data.
const BODY_AT: usize = HEAD_LEN + NONCE_LEN;
/// Bytes of the tag.
const TAG_LEN: usize = 16;

/// Seals data for one purpose, and opens what was sealed for it. Made by [`Keyring::derive`](crate::Keyring::derive).
///
/// Keys are shared by no two purposes, and overwritten when the sealer is dropped. One current key is good for
/// 2^48 pieces of data.
pub struct Sealer {
    purpose: String,
    current: SubKey,
    older: Vec<SubKey>,
}

/// The key that a master key has for one purpose.
pub(crate) struct SubKey {
    id: KeyId,
    key: LessSafeKey,
}

impl SubKey {
    pub(crate) const fn new(id: KeyId, key: LessSafeKey) -> Self {
        Self { id, key }
    }
}

impl Sealer {
    pub(crate) const fn new(purpose: String, current: SubKey, older: Vec<SubKey>) -> Self {
        Self { purpose, current, older }
    }

    /// What the keys are for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Id of the master key with which data is sealed.
    pub fn current(&self) -> KeyId {
        self.current.id
    }

    /// Seals data for the place that `aad` names: it is not part of what comes out, and has to be the same when it is
    /// opened. What comes out is 33 bytes longer than the data.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let head = head(self.current.id);
        // INVARIANT: as long as it gets, so that no data is left where it lay before.
        let mut sealed = Zeroizing::new(Vec::with_capacity(BODY_AT + plain.len() + TAG_LEN));
        sealed.extend_from_slice(&head);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let body = sealed.get_mut(BODY_AT..).ok_or(SealError::Refused)?;
        let (nonce, aad) = (Nonce::assume_unique_for_key(nonce), bound(head, aad));
        let tag = self.current.key.seal_in_place_separate_tag(nonce, aad, body);
        let tag = tag.map_err(|_| SealError::Refused)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens sealed data of the place that `aad` names. The data is overwritten when it is dropped.
    ///
    /// # Errors
    /// [`SealError`], when it was not sealed so: nothing of it comes out.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = Self::key_id(sealed)?;
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        let key = keys.find(|key| key.id == id).ok_or(SealError::UnknownKey { id })?;
        let (nonce, body) = sealed
            .get(HEAD_LEN..)
            .and_then(<[u8]>::split_first_chunk::<NONCE_LEN>)
            .ok_or(SealError::TooShort)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let opened = key.key.open_in_place(Nonce::from(nonce), bound(head(id), aad), &mut plain);
        let len = opened.map_err(|_| SealError::Damaged)?.len();
        plain.truncate(len);
        Ok(plain)
    }

    /// Whether data is not sealed with the current master key, so that it has to be sealed again before older ones
    /// are retired. True for what is not sealed at all.
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        Self::key_id(sealed) != Ok(self.current.id)
    }

    /// Id of the master key that data says it is sealed with, which nothing has verified.
    ///
    /// # Errors
    /// [`SealError::TooShort`] and [`SealError::Version`].
    pub fn key_id(sealed: &[u8]) -> Result<KeyId, SealError> {
        match sealed.split_first_chunk::<HEAD_LEN>() {
            Some((&[VERSION, a, b, c, d], rest)) if rest.len() >= NONCE_LEN + TAG_LEN => {
                Ok(KeyId::from_bytes([a, b, c, d]))
            }
            Some((&[found, ..], _)) if found != VERSION => Err(SealError::Version { found }),
            _ => Err(SealError::TooShort),
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older: Vec<KeyId> = self.older.iter().map(|key| key.id).collect();
        f.debug_struct("Sealer")
            .field("purpose", &self.purpose)
            .field("current", &self.current.id)
            .field("older", &older)
            .finish()
    }
}

fn head(id: KeyId) -> [u8; HEAD_LEN] {
    let [a, b, c, d] = id.bytes();
    [VERSION, a, b, c, d]
}

/// The head is bound too. It has one length, so that where it ends is never in doubt.
fn bound(head: [u8; HEAD_LEN], aad: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([&head, aad].concat())
}

#[cfg(test)]
mod tests {
    use bartizan_core::Secret;
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::Keyring;
    use crate::keyring::tests::key_text;

    fn sealer(keys: &[u8], purpose: &str) -> Sealer {
        let lines: Vec<String> = keys.iter().map(|start| key_text(*start)).collect();
        Keyring::parse(&Secret::new(lines.join("\n"))).unwrap().derive(purpose).unwrap()
    }

    #[test]
    fn has_the_form_that_is_written_above() {
        let keys = sealer(&[0], "test");
        let sealed = keys.seal(b"place", b"words").unwrap();
        assert_eq!(sealed.len(), 33 + b"words".len());
        assert_eq!(sealed[0], 1);
        assert_eq!(sealed[1..5], keys.current().bytes());
        assert_eq!(Sealer::key_id(&sealed), Ok(keys.current()));
        assert_ne!(keys.seal(b"place", b"words").unwrap(), sealed, "each has its own nonce");
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let keys = sealer(&[0, 100], "test");
        let sealed = keys.seal(b"place", b"some words").unwrap();
        for at in 0..sealed.len() {
            for mask in [1, 0x80, 0xff] {
                let mut changed = sealed.clone();
                changed[at] ^= mask;
                let error = keys.open(b"place", &changed).unwrap_err();
                match at {
                    0 => assert!(matches!(error, SealError::Version { .. })),
                    1..5 => assert!(matches!(error, SealError::UnknownKey { .. })),
                    _ => assert_eq!(error, SealError::Damaged),
                }
            }
            assert!(keys.open(b"place", &sealed[..at]).is_err(), "{at}");
        }
        let longer = [sealed, vec![0]].concat();
        assert_eq!(keys.open(b"place", &longer), Err(SealError::Damaged));
    }

    #[test]
    fn opens_in_its_place_for_its_purpose_and_with_its_key_alone() {
        let [mine, others] = ["test", "other"].map(|purpose| sealer(&[0, 100], purpose));
        let sealed = mine.seal(b"place", b"words").unwrap();
        assert_eq!(*mine.open(b"place", &sealed).unwrap(), b"words");
        for elsewhere in [&b"plac"[..], b"places", b"", b"Place"] {
            assert_eq!(mine.open(elsewhere, &sealed), Err(SealError::Damaged));
        }
        assert_eq!(others.open(b"place", &sealed), Err(SealError::Damaged));
        let id = mine.current();
        assert_eq!(
            sealer(&[100], "test").open(b"place", &sealed),
            Err(SealError::UnknownKey { id })
        );
        // The other key of the ring, under the id of this one.
        let mut relabelled = sealer(&[100], "test").seal(b"place", b"words").unwrap();
        relabelled[1..5].copy_from_slice(&id.bytes());
        assert_eq!(mine.open(b"place", &relabelled), Err(SealError::Damaged));
    }

    #[test]
    fn says_what_has_to_be_sealed_again() {
        let [new, old] = [&[0, 100][..], &[100]].map(|keys| sealer(keys, "test"));
        let before = old.seal(b"", b"words").unwrap();
        assert!(new.needs_reseal(&before) && !old.needs_reseal(&before));
        assert_eq!(*new.open(b"", &before).unwrap(), b"words");
        assert!(!new.needs_reseal(&new.seal(b"", b"words").unwrap()));
        for none in [&b""[..], b"\x01", b"words that were never sealed by anybody"] {
            assert!(new.needs_reseal(none));
        }
    }

    #[test]
    fn what_is_too_short_is_told_from_what_is_too_new() {
        let open = |sealed: &[u8]| sealer(&[0], "test").open(b"", sealed).unwrap_err();
        assert_eq!(open(b""), SealError::TooShort);
        assert_eq!(open(&[1; 32]), SealError::TooShort);
        assert_eq!(open(&[2; 32]), SealError::Version { found: 2 });
        assert_eq!(open(&[0; 40]), SealError::Version { found: 0 });
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(
            aad in prop::collection::vec(any::<u8>(), 0..64),
            plain in prop::collection::vec(any::<u8>(), 0..512),
        ) {
            let sealer = sealer(&[0], "test");
            let sealed = sealer.seal(&aad, &plain).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + 33);
            prop_assert_eq!(&*sealer.open(&aad, &sealed).unwrap(), &plain);
            if plain.len() > 3 {
                prop_assert!(!sealed.windows(plain.len()).any(|window| window == plain));
            }
        }

        #[test]
        fn nothing_else_opens(
            aad in prop::collection::vec(any::<u8>(), 0..16),
            mut sealed in prop::collection::vec(any::<u8>(), 0..128),
            forge_head in any::<bool>(),
        ) {
            let sealer = sealer(&[0], "test");
            if forge_head && sealed.len() > 5 {
                sealed[..5].copy_from_slice(&head(sealer.current()));
            }
            prop_assert!(sealer.open(&aad, &sealed).is_err());
        }
    }
}
