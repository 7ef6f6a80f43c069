//! Root keys of an issuer: the one that signs, those before it that still verify, and what others need to verify.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use bartizan_core::private;
use bartizan_core::private::Lock;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::disk::{self, Exposure};
use crate::ed25519::{KeyBytes, generate_pair, public_key};
use crate::error::KeysError;
use crate::json::Members;
use crate::{CLOCK_SKEW, MAX_LIFETIME};

/// Most keys that are held: tokens live for minutes, and keys for months.
const MAX_KEYS: usize = 16;
/// Largest document with keys, in bytes.
const DOCUMENT_BYTES: usize = 64 << 10;
/// For how long others may verify with a set of keys that they do not read again: so long a key is good elsewhere
/// that was retired here.
pub const JWKS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What a file of keys says that it is.
const SCHEMA: &str = "bartizan.grant-keys/v1";

/// The keys of an issuer, its secret included.
#[derive(Debug)]
pub struct SigningKeys {
    newest: Newest,
    /// Those before, without their secrets.
    older: Vec<PublicKey>,
}

/// The key that signs.
struct Newest {
    public: PublicKey,
    seed: Zeroizing<KeyBytes>,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Newest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.public.fmt(f)
    }
}

impl SigningKeys {
    /// A fresh key.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn generate() -> Result<Self, KeysError> {
        Ok(Self { newest: Newest::generate()?, older: Vec::new() })
    }

    /// Reads a file that [`SigningKeys::change`] or [`SigningKeys::load_or_make`] wrote. A link is followed, a pipe is
    /// not waited for.
    ///
    /// # Errors
    /// [`KeysError`], also where others than the owner may do anything with the file, or where it belongs neither to
    /// this user nor to root; root may also read what belongs to the owner of its folder.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let failed = |source| KeysError::File { path: path.to_owned(), source };
        let file = private::open(path).map_err(failed)?;
        match disk::exposure(path, &file).map_err(failed)? {
            Exposure::None => {}
            Exposure::Mode => return Err(KeysError::Exposed { path: path.to_owned() }),
            Exposure::Owner => return Err(KeysError::Owner { path: path.to_owned() }),
        }
        Self::from_json(&disk::read(&file, DOCUMENT_BYTES).map_err(failed)?)
    }

    /// Reads a file, or makes it with a fresh key where there is none. Of all who do so at once, all get the same
    /// keys. Waits like [`SigningKeys::change`], but only where there is none.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn load_or_make(path: &Path) -> Result<Self, KeysError> {
        if let Some(keys) = Self::load_if_there(path)? {
            return Ok(keys);
        }
        let _lock = lock(path)?;
        if let Some(keys) = Self::load_if_there(path)? {
            return Ok(keys);
        }
        let keys = Self::generate()?;
        keys.put(path)?;
        Ok(keys)
    }

    /// Changes the keys in a file, and gives them back as they are then, with what `edit` says. Holds a lock beside
    /// the file (`.lock`) from reading to writing, so that of several processes that change it none loses what
    /// another did, on file systems that know locks. Waits at most 10 s for them.
    ///
    /// The file is replaced in one step and only its owner may read it: whoever reads sees these keys or those before.
    ///
    /// # Errors
    /// [`KeysError`], also that of `edit`; then the file is as it was. Only where the folder cannot be synced at the
    /// end may the change be there.
    pub fn change<T>(
        path: &Path,
        edit: impl FnOnce(&mut Self) -> Result<T, KeysError>,
    ) -> Result<(Self, T), KeysError> {
        let _lock = lock(path)?;
        let mut keys = Self::load(path)?;
        let made = edit(&mut keys)?;
        keys.put(path)?;
        Ok((keys, made))
    }

    fn load_if_there(path: &Path) -> Result<Option<Self>, KeysError> {
        match Self::load(path) {
            Err(KeysError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// The caller holds the lock.
    fn put(&self, path: &Path) -> Result<(), KeysError> {
        let failed = |source| KeysError::File { path: path.to_owned(), source };
        private::put(path, self.to_json().as_bytes()).map(drop).map_err(failed)
    }

    /// Makes a fresh key, which signs from now on. Those before verify until the last token that they signed has
    /// expired, and their secrets are forgotten here: a process that signs has to read the file again, since what it
    /// signs with the key before is refused from then on. Whoever has only the [published keys](PublicKeys::to_jwks) has to read
    /// them again before it verifies what the fresh key signs. Says its id.
    ///
    /// Part of [`SigningKeys::change`], unless there is no file.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn rotate(&mut self, now: Timestamp) -> Result<u32, KeysError> {
        self.older.retain(|key| key.verifies(now));
        if self.older.len() + 1 >= MAX_KEYS {
            return Err(KeysError::TooMany { limit: MAX_KEYS });
        }
        let mut fresh = Newest::generate()?;
        // The id is a hint, and should not lead to another key.
        while self.public().has(fresh.public.id) {
            fresh = Newest::generate()?;
        }
        let mut before = std::mem::replace(&mut self.newest, fresh).public;
        // Tokens are good for all of their last second.
        let longest = MAX_LIFETIME + CLOCK_SKEW + Duration::from_secs(1);
        before.until = Some(now.checked_add(longest).unwrap_or(Timestamp::MAX));
        self.older.push(before);
        Ok(self.newest.public.id)
    }

    /// Forgets a key at once, with all tokens that it signed. Elsewhere they are good until the
    /// [published keys](PublicKeys::to_jwks) are read again, at most [`JWKS_LIFETIME`].
    ///
    /// Part of [`SigningKeys::change`], unless there is no file.
    ///
    /// # Errors
    /// [`KeysError`], also for the key that signs.
    pub fn retire(&mut self, id: u32) -> Result<(), KeysError> {
        if self.newest.public.id == id {
            return Err(KeysError::Newest { id });
        }
        let before = self.older.len();
        self.older.retain(|key| key.id != id);
        if self.older.len() == before { Err(KeysError::Unknown { id }) } else { Ok(()) }
    }

    /// Id of the key that signs.
    pub fn id(&self) -> u32 {
        self.newest.public.id
    }

    /// What others need to verify tokens.
    pub fn public(&self) -> PublicKeys {
        let keys = std::iter::once(&self.newest.public).chain(&self.older);
        PublicKeys { keys: keys.cloned().collect() }
    }

    pub(crate) fn pair(&self) -> &Ed25519KeyPair {
        &self.newest.pair
    }

    /// Keys with a known secret.
    #[cfg(test)]
    pub(crate) fn from_seed(seed: KeyBytes) -> Self {
        Self { newest: Newest::new(Zeroizing::new(seed)).unwrap(), older: Vec::new() }
    }

    fn to_json(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.newest.seed));
        let older = self.older.iter().map(StoredKey::of).collect();
        let stored = Stored { schema: SCHEMA.into(), secret: &secret, older };
        // INVARIANT: texts, numbers and times become JSON.
        Zeroizing::new(serde_json::to_string_pretty(&stored).unwrap_or_default())
    }

    fn from_json(text: &str) -> Result<Self, KeysError> {
        let format = |what| KeysError::Format { what };
        let stored: Stored<'_> =
            serde_json::from_str(text).map_err(|_| format("the file is not one of keys"))?;
        if stored.schema != SCHEMA {
            return Err(format("the file is of another version"));
        }
        if stored.older.len() >= MAX_KEYS {
            return Err(KeysError::TooMany { limit: MAX_KEYS });
        }
        let seed = Zeroizing::new(URL_SAFE_NO_PAD.decode(stored.secret).unwrap_or_default());
        let seed: KeyBytes = seed.as_slice().try_into().map_err(|_| format("a key is no key"))?;
        let newest = Newest::new(Zeroizing::new(seed)).ok_or(format("a key is no key"))?;
        let older: Option<Vec<PublicKey>> = stored.older.iter().map(StoredKey::read).collect();
        Ok(Self { newest, older: older.ok_or(format("a key is no key"))? })
    }
}

impl Newest {
    fn generate() -> Result<Self, KeysError> {
        let (seed, _) = generate_pair().ok_or(KeysError::Random)?;
        Self::new(seed).ok_or(KeysError::Random)
    }

    fn new(seed: Zeroizing<KeyBytes>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).ok()?;
        let bytes = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { public: PublicKey::new(bytes, None)?, seed, pair })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    schema: String,
    #[serde(borrow)]
    secret: &'a str,
    older: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    public: String,
    until: Option<Timestamp>,
}

impl StoredKey {
    fn of(key: &PublicKey) -> Self {
        Self { public: URL_SAFE_NO_PAD.encode(key.bytes), until: key.until }
    }

    fn read(&self) -> Option<PublicKey> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.public).ok()?;
        PublicKey::new(bytes.try_into().ok()?, self.until)
    }
}

/// The public keys of an issuer. Cheap to clone; whoever has them can verify tokens without the issuer.
#[derive(Debug, Clone)]
pub struct PublicKeys {
    keys: Arc<[PublicKey]>,
}

#[derive(Clone)]
struct PublicKey {
    id: u32,
    bytes: KeyBytes,
    /// The last moment at which it verifies; absent where it signs, in the process that has its secret.
    until: Option<Timestamp>,
    parsed: ParsedPublicKey,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey")
            .field("id", &self.id)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl PublicKey {
    fn new(bytes: KeyBytes, until: Option<Timestamp>) -> Option<Self> {
        let parsed = public_key(&bytes)?;
        let id = digest(&SHA256, &bytes).as_ref().first_chunk().copied().unwrap_or_default();
        Some(Self { id: u32::from_be_bytes(id), bytes, until, parsed })
    }

    fn verifies(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now <= until)
    }
}

impl PublicKeys {
    /// Reads what [`PublicKeys::to_jwks`] wrote. No key verifies past the end that it says there, so the set has to be
    /// read again within [`JWKS_LIFETIME`], and after each change of the keys.
    ///
    /// # Errors
    /// [`KeysError`], also where a key says no end.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeysError> {
        let format = |what| KeysError::Format { what };
        let document = (json.len() <= DOCUMENT_BYTES).then(|| Members::read(json)).flatten();
        let entries = document.as_ref().and_then(|document| document.objects("keys"));
        let entries = entries.ok_or(format("it is no set of JSON Web Keys"))?;
        if entries.len() > MAX_KEYS {
            return Err(KeysError::TooMany { limit: MAX_KEYS });
        }
        let keys: Option<Vec<PublicKey>> = entries.iter().map(read_jwk).collect();
        let keys = keys.ok_or(format("a key is no public key for Ed25519 with an end"))?;
        if keys.is_empty() {
            return Err(format("there are no keys"));
        }
        Ok(Self { keys: keys.into() })
    }

    /// The keys as a set of JSON Web Keys (RFC 7517), the newest first. `kid` is the root key id of tokens in
    /// decimal digits; `exp` says in seconds since 1970 until when a key verifies. For the key that signs, that is
    /// [`JWKS_LIFETIME`] from now: whoever has the set reads it again before.
    pub fn to_jwks(&self, now: Timestamp) -> String {
        let horizon = now.checked_add(JWKS_LIFETIME).unwrap_or(Timestamp::MAX);
        let entries: Vec<serde_json::Value> =
            self.keys.iter().map(|key| write_jwk(key, key.until.unwrap_or(horizon))).collect();
        serde_json::json!({ "keys": entries }).to_string()
    }

    /// Ids of the keys, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().map(|key| key.id)
    }

    fn has(&self, id: u32) -> bool {
        self.ids().any(|known| known == id)
    }

    /// The key with an id, if it still verifies.
    pub(crate) fn find(&self, id: u32, now: Timestamp) -> Option<&ParsedPublicKey> {
        self.keys.iter().find(|key| key.id == id && key.verifies(now)).map(|key| &key.parsed)
    }
}

fn write_jwk(key: &PublicKey, until: Timestamp) -> serde_json::Value {
    serde_json::json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(key.bytes),
        "kid": key.id.to_string(),
        "use": "sig",
        "exp": until.as_second(),
    })
}

fn read_jwk(jwk: &Members<'_>) -> Option<PublicKey> {
    let is = |member, expected| jwk.text(member).as_deref() == Some(expected);
    if !is("kty", "OKP") || !is("crv", "Ed25519") || jwk.has("d") {
        return None;
    }
    let until = Timestamp::from_second(jwk.integer("exp")?).ok()?;
    let bytes = URL_SAFE_NO_PAD.decode(jwk.text("x")?).ok()?.try_into().ok()?;
    let key = PublicKey::new(bytes, Some(until))?;
    is("kid", &key.id.to_string()).then_some(key)
}

fn lock(path: &Path) -> Result<Lock, KeysError> {
    private::lock(path).map_err(|source| match source.kind() {
        io::ErrorKind::TimedOut => KeysError::Locked { path: path.to_owned() },
        _ => KeysError::File { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests;
