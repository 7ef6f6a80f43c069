//! Master keys, and the keys that are derived from them for one purpose each.
//!
//! A master key is 256 random bits, written as `bzk1_` and 43 characters of base64url, so that secret scanners can
//! find a leaked one. A text of keys has one in each line: the first is the current one, with which all is sealed;
//! the others still open what was sealed before. Lines that are empty or begin with `#` say nothing.
//!
//! A master key encrypts nothing itself. [`Keyring::derive`] makes a key for each purpose (HKDF-SHA256, RFC 5869), so
//! that what was sealed for one cannot be passed off as another's, and says nothing about the rest.
//!
//! To rotate: [`add_to_file`], have every process read the file again, seal all data again
//! ([`SecretStore::rekey`](crate::SecretStore::rekey), and [`Sealer::needs_reseal`] for data elsewhere), then
//! [`retire_in_file`]. What is still sealed with a key that is gone cannot be opened by anybody.

mod file;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use bartizan_core::redact::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::KeyringError;
use crate::sealer::{Sealer, SubKey};

pub use file::{add_to_file, make_file, retire_in_file};

/// What every written key begins with.
pub const KEY_PREFIX: &str = "bzk1_";
/// Most keys of a keyring: one a month for five years, should nobody ever retire one.
pub const KEYS_MAX: usize = 64;
/// Longest text of keys, in bytes: all keys, and long comments.
pub const KEYS_TEXT_BYTES: u64 = 64 << 10;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// What the digits of a key take in base64url.
const KEY_DIGITS: usize = 43;
/// Longest purpose, in bytes.
const PURPOSE_BYTES: usize = 64;
/// Separates these keys from all others that are ever derived from the same bits (RFC 5869, section 3.1).
const SALT: &[u8] = b"bartizan keyring v1";
/// What the id of a key is made for.
const FOR_ID: &[u8] = b"id";
/// What a key of a purpose is made for, followed by the purpose.
const FOR_PURPOSE: &[u8] = b"purpose/";

/// Public id of a master key, safe to log: eight hexadecimal digits, from which nothing about the key follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 4]);

impl KeyId {
    pub(crate) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no id of a key: eight of 0-9 and a-f.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a master key has eight of 0-9 and a-f")]
pub struct KeyIdError;

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u32::from_str_radix(text, 16) {
            Ok(number) if text.len() == 8 && digits => Ok(Self(number.to_be_bytes())),
            _ => Err(KeyIdError),
        }
    }
}

/// The master keys, the current one first. Their bits are never shown, and overwritten when the ring is dropped.
pub struct Keyring {
    current: Key,
    older: Vec<Key>,
}

impl Keyring {
    /// Reads keys from a text with one in each line, the current one first.
    ///
    /// # Errors
    /// [`KeyringError`], with the number of a line and never what stands there.
    pub fn parse(text: &Secret) -> Result<Self, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        for (line, key) in lines(text.expose()) {
            let Some(key) = key? else { continue };
            // Two keys of one id could not be told apart in what they sealed.
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeyringError::Twice { line, id: key.id });
            }
            if keys.len() == KEYS_MAX {
                return Err(KeyringError::TooMany);
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(KeyringError::Empty)?;
        Ok(Self { current, older: keys.collect() })
    }

    /// Reads keys from a file of at most [`KEYS_TEXT_BYTES`] that nobody but its owner may read, who is this user or
    /// root. Root may also read what belongs to the owner of its folder. Where the file is replaced meanwhile, the new
    /// one is read, once.
    ///
    /// # Errors
    /// [`KeyringError`]; [`KeyringError::OpenToOthers`] where the mode of the file gives others any right, and
    /// [`KeyringError::Owner`] where it belongs to somebody else.
    pub fn open(path: &std::path::Path) -> Result<Self, KeyringError> {
        file::keyring(path, &file::open(path)?)
    }

    /// Id of the key with which data is sealed.
    pub fn current(&self) -> KeyId {
        self.current.id
    }

    /// Ids of all keys, the current one first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().map(|key| key.id).collect()
    }

    /// Keys for one purpose, such as `inference-log`: 1 to 64 of a-z, 0-9 and `-`. The same keyring and purpose
    /// always give the same keys.
    ///
    /// # Errors
    /// [`KeyringError::Purpose`].
    pub fn derive(&self, purpose: &str) -> Result<Sealer, KeyringError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if purpose.is_empty() || purpose.len() > PURPOSE_BYTES || !purpose.bytes().all(plain) {
            return Err(KeyringError::Purpose);
        }
        let mut keys = self.keys().map(|key| key.sub_key(purpose));
        let current = keys.next().ok_or(KeyringError::Empty)??;
        let older = keys.collect::<Result<_, _>>()?;
        Ok(Sealer::new(purpose.to_owned(), current, older))
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.ids()).finish()
    }
}

/// One master key. Its bits lie in one place, from which they are not moved.
struct Key {
    id: KeyId,
    bits: Box<Zeroizing<[u8; KEY_BYTES]>>,
}

impl Key {
    fn new(bits: Box<Zeroizing<[u8; KEY_BYTES]>>) -> Result<Self, KeyringError> {
        let mut out = Zeroizing::new([0; KEY_BYTES]);
        expand(&bits, &[FOR_ID], &mut *out)?;
        let hash = digest(&SHA256, &*out);
        let id = hash.as_ref().first_chunk().copied().ok_or(KeyringError::Derive)?;
        Ok(Self { id: KeyId(id), bits })
    }

    fn generate() -> Result<Self, KeyringError> {
        let mut bits = Box::new(Zeroizing::new([0; KEY_BYTES]));
        getrandom::fill(&mut **bits).map_err(KeyringError::Random)?;
        Self::new(bits)
    }

    /// The key in its written form.
    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(KEY_PREFIX.len() + KEY_DIGITS));
        text.push_str(KEY_PREFIX);
        URL_SAFE_NO_PAD.encode_string(self.bits.as_slice(), &mut text);
        text
    }

    fn sub_key(&self, purpose: &str) -> Result<SubKey, KeyringError> {
        let mut out = Zeroizing::new([0; KEY_BYTES]);
        expand(&self.bits, &[FOR_PURPOSE, purpose.as_bytes()], &mut *out)?;
        let key = UnboundKey::new(&AES_256_GCM_SIV, &*out).map_err(|_| KeyringError::Derive)?;
        Ok(SubKey::new(self.id, LessSafeKey::new(key)))
    }
}

/// The lines of a text, from 1, each with its key; none in one that is empty or a comment.
fn lines(text: &str) -> impl Iterator<Item = (usize, Result<Option<Key>, KeyringError>)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, parse_line(index + 1, line)))
}

fn parse_line(line: usize, text: &str) -> Result<Option<Key>, KeyringError> {
    let text = text.trim_ascii();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let malformed = || KeyringError::Malformed { line };
    let digits = text.strip_prefix(KEY_PREFIX).ok_or_else(malformed)?;
    if digits.len() != KEY_DIGITS {
        return Err(malformed());
    }
    let mut bits = Box::new(Zeroizing::new([0; KEY_BYTES]));
    match URL_SAFE_NO_PAD.decode_slice(digits, &mut **bits) {
        Ok(KEY_BYTES) => {}
        _ => return Err(malformed()),
    }
    // Such as a template that was never filled in.
    let first = bits.first().copied();
    if bits.iter().all(|byte| Some(*byte) == first) {
        return Err(KeyringError::Guessable { line });
    }
    Key::new(bits).map(Some)
}

/// HKDF-SHA256 of a master key.
fn expand(bits: &[u8; KEY_BYTES], info: &[&[u8]], out: &mut [u8]) -> Result<(), KeyringError> {
    struct Bytes(usize);
    impl KeyType for Bytes {
        fn len(&self) -> usize {
            self.0
        }
    }
    let key = Salt::new(HKDF_SHA256, SALT).extract(bits);
    let made = key.expand(info, Bytes(out.len())).and_then(|made| made.fill(out));
    made.map_err(|_| KeyringError::Derive)
}
