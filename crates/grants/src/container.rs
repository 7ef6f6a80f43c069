//! A token taken apart: blocks of which each is signed by the key that the one before names, and the secret of
//! the last key, which lets the holder add a block.
//!
//! Signatures are those of the Biscuit specification 3.3 in version 0 (which is written, because every library
//! knows it) and version 1. Keys are Ed25519, and none for which anybody can sign. Blocks that somebody else signed
//! besides are refused.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use zeroize::Zeroizing;

use crate::ed25519::{KeyBytes, generate_pair, is_weak, public_key, verifies};
use crate::error::{GrantError, WriteError};
use crate::wire::{Fields, Malformed, Message};

/// Most blocks of a token, the first included.
pub const MAX_BLOCKS: usize = 16;

/// Number of the algorithm in the format of tokens.
const ALGORITHM_ED25519: u64 = 0;

/// Bytes of a signature.
pub(crate) type SignatureBytes = [u8; 64];

/// A token taken apart. Nobody has checked who made it.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    /// Which key of the issuer is said to have signed the first block.
    pub(crate) root_key_id: u32,
    /// At least one, at most [`MAX_BLOCKS`].
    pub(crate) blocks: Vec<SignedBlock<'a>>,
    proof: Proof<'a>,
}

/// A block, and the signature on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedBlock<'a> {
    /// What it says.
    pub(crate) data: &'a [u8],
    next_key: &'a KeyBytes,
    /// By the key that the block before names.
    pub(crate) signature: &'a SignatureBytes,
    version: u32,
}

/// That whoever shows the token got all of it: a block cannot be left off without the secret of the block
/// before.
#[derive(Clone, Copy)]
enum Proof<'a> {
    /// The secret of the last key.
    Secret(&'a KeyBytes),
    /// A signature by it. Nobody can add a block.
    Seal(&'a SignatureBytes),
}

impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(…)",
            Self::Seal(_) => "Seal(…)",
        })
    }
}

impl<'a> Container<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`GrantError`] about its form.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, GrantError> {
        let mut token = Fields::new(bytes);
        let root_key_id = token.number(1)?.ok_or(GrantError::UnknownKey)?;
        let root_key_id = u32::try_from(root_key_id).map_err(|_| Malformed)?;
        let mut blocks = vec![SignedBlock::parse(token.message(2)?.ok_or(Malformed)?)?];
        while let Some(block) = token.message(3)? {
            if blocks.len() == MAX_BLOCKS {
                return Err(GrantError::TooManyBlocks { limit: MAX_BLOCKS });
            }
            blocks.push(SignedBlock::parse(block)?);
        }
        let mut proof = token.message(4)?.ok_or(Malformed)?;
        token.end()?;
        let secret = proof.bytes(1)?;
        let seal = proof.bytes(2)?;
        proof.end()?;
        let proof = match (secret, seal) {
            (Some(secret), None) => Proof::Secret(secret.try_into().map_err(|_| Malformed)?),
            (None, Some(seal)) => Proof::Seal(seal.try_into().map_err(|_| Malformed)?),
            _ => return Err(GrantError::Malformed),
        };
        Ok(Self { root_key_id, blocks, proof })
    }

    /// Checks that a root key made the first block, each block the key of the next, and that none was left off.
    ///
    /// # Errors
    /// [`GrantError::Signature`].
    pub(crate) fn verify(&self, root: &ParsedPublicKey) -> Result<(), GrantError> {
        let mut message = Vec::new();
        let mut before: Option<SignedBlock<'_>> = None;
        for block in &self.blocks {
            message.clear();
            block.signed_message(before.as_ref(), &mut message);
            let is_signed = match before {
                None => verifies(root, &message, block.signature),
                Some(before) => verifies(&parse_key(before.next_key)?, &message, block.signature),
            };
            if !is_signed {
                return Err(GrantError::Signature);
            }
            before = Some(*block);
        }
        let last = before.ok_or(GrantError::Malformed)?;
        match self.proof {
            Proof::Secret(secret) => {
                Ed25519KeyPair::from_seed_and_public_key(secret, last.next_key)
                    .map_err(|_| GrantError::Signature)?;
            }
            Proof::Seal(seal) => {
                message.clear();
                message.extend_from_slice(last.data);
                last.push_key(&mut message);
                message.extend_from_slice(last.signature);
                if !verifies(&parse_key(last.next_key)?, &message, seal) {
                    return Err(GrantError::Signature);
                }
            }
        }
        Ok(())
    }

    /// The token with one block more.
    ///
    /// # Errors
    /// [`WriteError`], when no block can be added.
    pub(crate) fn append(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, WriteError> {
        let Proof::Secret(secret) = self.proof else { return Err(WriteError::Sealed) };
        if self.blocks.len() >= MAX_BLOCKS {
            return Err(WriteError::TooManyBlocks { limit: MAX_BLOCKS });
        }
        let key = Ed25519KeyPair::from_seed_unchecked(secret).map_err(|_| GrantError::Signature)?;
        let last = self.blocks.last().ok_or(GrantError::Malformed)?;
        if key.public_key().as_ref() != last.next_key {
            return Err(GrantError::Signature.into());
        }
        // Where a block is signed in version 1, those behind it are.
        let version = self.blocks.iter().map(|block| block.version).max().unwrap_or_default();
        let next = NextKey::generate()?;
        let added = next.sign(&key, data, version, Some(last));
        let mut token = Message::default().number(1, self.root_key_id.into());
        for (position, block) in self.blocks.iter().enumerate() {
            token = token.message(if position == 0 { 2 } else { 3 }, &block.write());
        }
        Ok(Zeroizing::new(token.message(3, &added).message(4, &next.proof()).into_bytes()))
    }
}

/// A token of one block.
///
/// # Errors
/// [`WriteError::Random`].
pub(crate) fn sign_first(
    root_key_id: u32,
    root: &Ed25519KeyPair,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let next = NextKey::generate()?;
    let block = next.sign(root, data, 0, None);
    let token = Message::default().number(1, root_key_id.into());
    Ok(Zeroizing::new(token.message(2, &block).message(4, &next.proof()).into_bytes()))
}

/// The key that a new block names.
struct NextKey {
    seed: Zeroizing<KeyBytes>,
    public: KeyBytes,
}

impl NextKey {
    fn generate() -> Result<Self, WriteError> {
        let (seed, pair) = generate_pair().ok_or(WriteError::Random)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| WriteError::Random)?;
        Ok(Self { seed, public })
    }

    fn sign(
        &self,
        by: &Ed25519KeyPair,
        data: &[u8],
        version: u32,
        before: Option<&SignedBlock<'_>>,
    ) -> Message {
        let unsigned = SignedBlock { data, next_key: &self.public, signature: &[0; 64], version };
        let mut message = Vec::new();
        unsigned.signed_message(before, &mut message);
        unsigned.write_with(by.sign(&message).as_ref())
    }

    fn proof(&self) -> Message {
        Message::default().bytes(1, &*self.seed)
    }
}

impl<'a> SignedBlock<'a> {
    fn parse(block: Fields<'a>) -> Result<Self, GrantError> {
        let mut block = block;
        let data = block.bytes(1)?.ok_or(Malformed)?;
        let mut key = block.message(2)?.ok_or(Malformed)?;
        if key.number(1)? != Some(ALGORITHM_ED25519) {
            return Err(GrantError::Algorithm);
        }
        let next_key = key.bytes(2)?.ok_or(Malformed)?;
        key.end()?;
        let signature = block.bytes(3)?.ok_or(Malformed)?;
        if block.message(4)?.is_some() {
            return Err(GrantError::ThirdParty);
        }
        let version = match block.number(5)? {
            None => 0,
            Some(1) => 1,
            Some(_) => return Err(GrantError::Malformed),
        };
        block.end()?;
        let next_key = next_key.try_into().map_err(|_| Malformed)?;
        if is_weak(next_key) {
            return Err(GrantError::WeakKey);
        }
        let signature = signature.try_into().map_err(|_| Malformed)?;
        Ok(Self { data, next_key, signature, version })
    }

    /// What the signature is over.
    fn signed_message(&self, before: Option<&SignedBlock<'_>>, message: &mut Vec<u8>) {
        if self.version == 0 {
            message.extend_from_slice(self.data);
            self.push_key(message);
            return;
        }
        message.extend_from_slice(b"\0BLOCK\0\0VERSION\0");
        message.extend_from_slice(&self.version.to_le_bytes());
        message.extend_from_slice(b"\0PAYLOAD\0");
        message.extend_from_slice(self.data);
        message.extend_from_slice(b"\0ALGORITHM\0");
        message.extend_from_slice(&(ALGORITHM_ED25519 as u32).to_le_bytes());
        message.extend_from_slice(b"\0NEXTKEY\0");
        message.extend_from_slice(self.next_key);
        if let Some(before) = before {
            message.extend_from_slice(b"\0PREVSIG\0");
            message.extend_from_slice(before.signature);
        }
    }

    fn push_key(&self, message: &mut Vec<u8>) {
        message.extend_from_slice(&(ALGORITHM_ED25519 as u32).to_le_bytes());
        message.extend_from_slice(self.next_key);
    }

    fn write(&self) -> Message {
        self.write_with(self.signature)
    }

    fn write_with(&self, signature: &[u8]) -> Message {
        let key = Message::default().number(1, ALGORITHM_ED25519).bytes(2, self.next_key);
        let block = Message::default().bytes(1, self.data).message(2, &key).bytes(3, signature);
        if self.version == 0 { block } else { block.number(5, self.version.into()) }
    }
}

fn parse_key(key: &KeyBytes) -> Result<ParsedPublicKey, GrantError> {
    public_key(key).ok_or(GrantError::Signature)
}

#[cfg(test)]
mod tests {
    use biscuit_auth::builder::Algorithm;
    use biscuit_auth::{Biscuit, PublicKey};

    use super::*;

    /// A block that says nothing, in version 3 of the language.
    const BLOCK: [u8; 2] = [0x18, 3];

    #[test]
    fn both_versions_of_signatures_are_those_of_the_reference() {
        let (_, root) = generate_pair().unwrap();
        let public = public_key(root.public_key().as_ref().try_into().unwrap()).unwrap();
        let there = PublicKey::from_bytes(root.public_key().as_ref(), Algorithm::Ed25519).unwrap();
        for version in [0, 1] {
            let next = NextKey::generate().unwrap();
            let first = next.sign(&root, &BLOCK, version, None);
            let token = Message::default().number(1, 7).message(2, &first);
            let mut token = token.message(4, &next.proof()).into_bytes();
            for _ in 0..3 {
                let parsed = Container::parse(&token).unwrap();
                assert!(parsed.blocks.iter().all(|block| block.version == version));
                assert_eq!(parsed.verify(&public), Ok(()));
                let read = Biscuit::from(&token, there).unwrap();
                assert_eq!(read.to_vec().unwrap(), token);
                let sealed = read.seal().unwrap().to_vec().unwrap();
                assert_eq!(Container::parse(&sealed).unwrap().verify(&public), Ok(()));
                token = parsed.append(&BLOCK).unwrap().to_vec();
            }
        }
    }

    #[test]
    fn a_block_is_signed_in_the_version_that_it_names() {
        let (_, root) = generate_pair().unwrap();
        let public = public_key(root.public_key().as_ref().try_into().unwrap()).unwrap();
        let next = NextKey::generate().unwrap();
        let parts = |version: u32, named: u32| {
            let unsigned =
                SignedBlock { data: &BLOCK, next_key: &next.public, signature: &[0; 64], version };
            let mut message = Vec::new();
            unsigned.signed_message(None, &mut message);
            let named = SignedBlock { version: named, ..unsigned };
            let block = named.write_with(root.sign(&message).as_ref());
            let token = Message::default().number(1, 7).message(2, &block);
            token.message(4, &next.proof()).into_bytes()
        };
        for (version, named) in [(0, 0), (1, 1), (0, 1), (1, 0), (2, 2)] {
            let bytes = parts(version, named);
            let verified = Container::parse(&bytes).and_then(|token| token.verify(&public));
            assert_eq!(verified.is_ok(), version == named && version < 2, "{version} {named}");
        }
    }
}
