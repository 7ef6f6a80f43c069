//! Keys of those who sign notes, and how they are written down.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Signature;

/// Bytes of a public key, and of the seed of a private one.
const KEY_BYTES: usize = 32;
/// Bytes of the time before the signature of a cosigner.
const TIME_BYTES: usize = 8;
/// Last time that a cosigner may name, in seconds since 1970 (C2SP tlog-cosignature).
const LATEST: u64 = i64::MAX as u64;
/// Longest name, in bytes.
const NAME_BYTES: usize = 255;
/// Begins a private key in text.
const PRIVATE: &str = "PRIVATE+KEY+";

/// Why a key or a name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct KeyError {
    what: &'static str,
}

const fn wrong(what: &'static str) -> KeyError {
    KeyError { what }
}

/// Name of a key: not empty, without spaces and plus signs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > NAME_BYTES || name.contains(bad) {
            return Err(wrong("the name of a key has 1 to 255 bytes, no spaces and no `+`"));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a key signs. The number is that of C2SP's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519 over the text: for whoever wrote it.
    Ed25519 = 1,
    /// Ed25519 over a time and the text: for whoever saw it (C2SP tlog-cosignature).
    Cosignature = 4,
}

/// What is needed to check signatures of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: KeyName,
    algorithm: Algorithm,
    public: [u8; KEY_BYTES],
}

impl VerifyingKey {
    /// Name of the key.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key by itself.
    #[must_use]
    pub const fn public(&self) -> &[u8; KEY_BYTES] {
        &self.public
    }

    /// Tells keys of one name apart; made so that another key hardly has the same by accident.
    #[must_use]
    pub fn id(&self) -> u32 {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(self.name.as_str())
            .chain_update([b'\n', self.algorithm as u8])
            .chain_update(self.public)
            .finalize()
            .into();
        hash.first_chunk().map_or(0, |id| u32::from_be_bytes(*id))
    }

    /// Checks a signature of a text, and gives the time that a cosigner put into it.
    ///
    /// # Errors
    /// [`KeyError`], when it is not by this key.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, KeyError> {
        let key = UnparsedPublicKey::new(&ED25519, self.public);
        let forged = |_| wrong("the signature is not by this key");
        match self.algorithm {
            Algorithm::Ed25519 => {
                key.verify(text.as_bytes(), signature).map_err(forged)?;
                Ok(None)
            }
            Algorithm::Cosignature => {
                let (time, signature) = signature
                    .split_first_chunk::<TIME_BYTES>()
                    .ok_or(wrong("the signature has no time"))?;
                let time = u64::from_be_bytes(*time);
                if time > LATEST {
                    return Err(wrong("the time of the signature is none"));
                }
                key.verify(cosigned(time, text).as_bytes(), signature).map_err(forged)?;
                Ok(Some(time))
            }
        }
    }
}

/// What a cosigner signs.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// As C2SP writes it: `<name>+<id>+<algorithm and key>`.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.algorithm as u8];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{:08x}+{}", self.name, self.id(), STANDARD.encode(key))
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, algorithm, public) = parse(text)?;
        let key = Self { name, algorithm, public: *public };
        if key.id() != id {
            return Err(wrong("the key does not fit the number behind its name"));
        }
        Ok(key)
    }
}

/// Signs notes.
pub struct SigningKey {
    seed: Zeroizing<[u8; KEY_BYTES]>,
    pair: Ed25519KeyPair,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError`], when the system has no random numbers.
    pub fn generate(name: KeyName, algorithm: Algorithm) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(seed.as_mut_slice())
            .map_err(|_| wrong("the system gives no random numbers"))?;
        Self::of(name, algorithm, seed)
    }

    fn of(
        name: KeyName,
        algorithm: Algorithm,
        seed: Zeroizing<[u8; KEY_BYTES]>,
    ) -> Result<Self, KeyError> {
        let refused = wrong("the private key cannot be used");
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| refused.clone())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| refused)?;
        Ok(Self { seed, pair, verifying: VerifyingKey { name, algorithm, public } })
    }

    /// What others need to check its signatures.
    #[must_use]
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs a text. A cosigner says that it saw it at `time`, in seconds since 1970; other keys say
    /// nothing about the time.
    #[must_use]
    pub fn sign(&self, text: &str, time: u64) -> Signature {
        let VerifyingKey { name, algorithm, .. } = &self.verifying;
        let bytes = match algorithm {
            Algorithm::Ed25519 => self.pair.sign(text.as_bytes()).as_ref().to_vec(),
            Algorithm::Cosignature => {
                let mut bytes = time.to_be_bytes().to_vec();
                bytes.extend_from_slice(self.pair.sign(cosigned(time, text).as_bytes()).as_ref());
                bytes
            }
        };
        Signature { name: name.clone(), id: self.verifying.id(), bytes }
    }

    /// The key in text, as Go's `note` package writes it. Keep it where nobody else can read it.
    #[must_use]
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let mut key = Zeroizing::new(vec![self.verifying.algorithm as u8]);
        key.extend_from_slice(self.seed.as_slice());
        let key = Zeroizing::new(STANDARD.encode(key.as_slice()));
        let VerifyingKey { name, .. } = &self.verifying;
        Zeroizing::new(format!("{PRIVATE}{name}+{:08x}+{}", self.verifying.id(), key.as_str()))
    }

    /// Reads what [`SigningKey::to_secret_text`] writes.
    ///
    /// # Errors
    /// [`KeyError`], when it is anything else.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix(PRIVATE).ok_or(wrong("this is no private key"))?;
        let (name, id, algorithm, seed) = parse(rest)?;
        let key = Self::of(name, algorithm, seed)?;
        if key.verifying.id() != id {
            return Err(wrong("the key does not fit the number behind its name"));
        }
        Ok(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.verifying.to_string()).finish()
    }
}

type Parsed = (KeyName, u32, Algorithm, Zeroizing<[u8; KEY_BYTES]>);

fn parse(text: &str) -> Result<Parsed, KeyError> {
    let malformed = wrong("a key is written as `<name>+<8 hexadecimal digits>+<base64>`");
    // Base64 may hold plus signs, names may not.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed);
    };
    let is_hex = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u32::from_str_radix(id, 16).ok().filter(|_| is_hex).ok_or(malformed.clone())?;
    let key = Zeroizing::new(STANDARD.decode(key).map_err(|_| malformed.clone())?);
    let (algorithm, key) = key.split_first().ok_or(malformed)?;
    let algorithm = match algorithm {
        1 => Algorithm::Ed25519,
        4 => Algorithm::Cosignature,
        _ => return Err(wrong("only Ed25519 keys are known, for notes and for cosignatures")),
    };
    let key = key.try_into().map_err(|_| wrong("an Ed25519 key has 32 bytes"))?;
    Ok((name.parse()?, id, algorithm, Zeroizing::new(key)))
}
