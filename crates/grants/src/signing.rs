//! Root keys of an issuer: the one that signs, those before it that still verify, and what others need to verify.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use bartizan_core::limits::read_text_file;
use bartizan_core::private;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::container::{KeyBytes, generate_pair};
use crate::error::KeysError;
use crate::json::Members;
use crate::{CLOCK_SKEW, MAX_LIFETIME};

/// Most keys that are held: tokens live for minutes, and keys for months.
const MAX_KEYS: usize = 16;
/// Largest document with keys, in bytes.
const DOCUMENT_BYTES: u64 = 64 << 10;
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

    /// Reads a file that [`SigningKeys::save`] wrote.
    ///
    /// # Errors
    /// [`KeysError`], also where others than the owner may read the file.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let file = |source| KeysError::File { path: path.to_owned(), source };
        if is_exposed(path).map_err(file)? {
            return Err(KeysError::Exposed { path: path.to_owned() });
        }
        let text = Zeroizing::new(read_text_file(path, DOCUMENT_BYTES).map_err(file)?);
        Self::from_json(&text)
    }

    /// Reads a file, or makes it with a fresh key where there is none. Only one process may own the folder:
    /// of two that make the file at once, one has its keys replaced.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn load_or_make(path: &Path) -> Result<Self, KeysError> {
        match Self::load(path) {
            Err(KeysError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let keys = Self::generate()?;
                keys.save(path)?;
                Ok(keys)
            }
            other => other,
        }
    }

    /// Writes the keys to a file that only its owner may read, in one step: whoever reads sees these keys or those
    /// before.
    ///
    /// # Errors
    /// [`KeysError::File`].
    pub fn save(&self, path: &Path) -> Result<(), KeysError> {
        let file = |source| KeysError::File { path: path.to_owned(), source };
        replace(path, self.to_json().as_bytes()).map_err(file)
    }

    /// Makes a fresh key, which signs from now on. Those before verify until the last token that they signed has
    /// expired, and their secrets are forgotten. Has to be saved.
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
        before.until =
            now.checked_add(MAX_LIFETIME).and_then(|time| time.checked_add(CLOCK_SKEW)).ok();
        self.older.push(before);
        Ok(self.newest.public.id)
    }

    /// Forgets a key at once, with all tokens that it signed. Has to be saved.
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
    /// The last moment at which it verifies; absent while it signs.
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
        let parsed = ParsedPublicKey::new(&ED25519, bytes).ok()?;
        let id = digest(&SHA256, &bytes).as_ref().first_chunk().copied().unwrap_or_default();
        Some(Self { id: u32::from_be_bytes(id), bytes, until, parsed })
    }

    fn verifies(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now <= until)
    }
}

impl PublicKeys {
    /// Reads what [`PublicKeys::to_jwks`] wrote.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeysError> {
        let format = |what| KeysError::Format { what };
        let document = (json.len() as u64 <= DOCUMENT_BYTES).then(|| Members::read(json)).flatten();
        let entries = document.as_ref().and_then(|document| document.objects("keys"));
        let entries = entries.ok_or(format("it is no set of JSON Web Keys"))?;
        if entries.len() > MAX_KEYS {
            return Err(KeysError::TooMany { limit: MAX_KEYS });
        }
        let keys: Option<Vec<PublicKey>> = entries.iter().map(read_jwk).collect();
        let keys = keys.ok_or(format("a key is no public key for Ed25519"))?;
        if keys.is_empty() {
            return Err(format("there are no keys"));
        }
        Ok(Self { keys: keys.into() })
    }

    /// The keys as a set of JSON Web Keys (RFC 7517), the newest first. `kid` is the root key id of tokens in
    /// decimal digits; `exp` says in seconds since 1970 until when a key verifies.
    pub fn to_jwks(&self) -> String {
        let entries: Vec<serde_json::Value> = self.keys.iter().map(write_jwk).collect();
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

fn write_jwk(key: &PublicKey) -> serde_json::Value {
    let mut jwk = serde_json::json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(key.bytes),
        "kid": key.id.to_string(),
        "use": "sig",
    });
    if let (Some(until), Some(jwk)) = (key.until, jwk.as_object_mut()) {
        jwk.insert("exp".to_owned(), until.as_second().into());
    }
    jwk
}

fn read_jwk(jwk: &Members<'_>) -> Option<PublicKey> {
    let is = |member, expected| jwk.text(member).as_deref() == Some(expected);
    if !is("kty", "OKP") || !is("crv", "Ed25519") || jwk.has("d") {
        return None;
    }
    let until = match jwk.integer("exp") {
        Some(seconds) => Some(Timestamp::from_second(seconds).ok()?),
        None if jwk.has("exp") => return None,
        None => None,
    };
    let key = PublicKey::new(URL_SAFE_NO_PAD.decode(jwk.text("x")?).ok()?.try_into().ok()?, until)?;
    is("kid", &key.id.to_string()).then_some(key)
}

/// Puts a small private file in its place in one step.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let new = folder.join(name);
    if !folder.as_os_str().is_empty() {
        private::make_folder(folder)?;
    }
    // Made anew each time: what lies there may be a link to somewhere else, or open to others.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private::file().create_new(true).write(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    // Windows cannot open a folder like a file, and does not need it.
    if cfg!(unix) && !folder.as_os_str().is_empty() {
        fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Whether others than the owner may do anything with a file.
#[cfg(unix)]
fn is_exposed(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|_| false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_file_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys").join("grants.json");
        let keys = SigningKeys::load_or_make(&path).unwrap();
        assert_eq!(SigningKeys::load_or_make(&path).unwrap().id(), keys.id());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(SigningKeys::load(&path), Err(KeysError::Exposed { .. })));
        }
    }

    #[test]
    fn the_newest_signs_and_those_before_verify_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grants.json");
        let mut keys = SigningKeys::generate().unwrap();
        let first = keys.id();
        let second = keys.rotate(now()).unwrap();
        keys.save(&path).unwrap();
        let mut keys = SigningKeys::load(&path).unwrap();
        assert_eq!(
            (keys.id(), keys.public().ids().collect::<Vec<_>>()),
            (second, vec![second, first])
        );
        let last = now() + MAX_LIFETIME + CLOCK_SKEW;
        assert!(keys.public().find(first, last).is_some());
        assert!(keys.public().find(first, last + MAX_LIFETIME).is_none());
        assert!(keys.public().find(second, last + MAX_LIFETIME).is_some());
        assert!(matches!(keys.retire(second), Err(KeysError::Newest { .. })));
        keys.retire(first).unwrap();
        assert!(keys.public().find(first, now()).is_none());
        assert!(matches!(keys.retire(first), Err(KeysError::Unknown { .. })));
    }

    #[test]
    fn only_so_many_keys_are_held() {
        let mut keys = SigningKeys::generate().unwrap();
        for _ in 1..MAX_KEYS {
            keys.rotate(now()).unwrap();
        }
        assert!(matches!(keys.rotate(now()), Err(KeysError::TooMany { .. })));
        assert!(keys.rotate(now() + 2 * MAX_LIFETIME).is_ok());
        assert_eq!(keys.public().ids().count(), 2);
    }

    #[test]
    fn public_keys_travel_without_the_secret() {
        let mut keys = SigningKeys::generate().unwrap();
        keys.rotate(now()).unwrap();
        let secret = URL_SAFE_NO_PAD.encode(*keys.newest.seed);
        let jwks = keys.public().to_jwks();
        assert!(!jwks.contains(&secret));
        let read = PublicKeys::from_jwks(jwks.as_bytes()).unwrap();
        assert_eq!(read.to_jwks(), jwks);
        assert!(keys.to_json().contains(&secret));
        assert!(!format!("{keys:?} {read:?}").contains(&secret));
        let private = jwks.replacen("\"kty\"", "\"d\":\"AA\",\"kty\"", 1);
        for wrong in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{}]}"#, &private] {
            assert!(PublicKeys::from_jwks(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_broken_file_is_no_fresh_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grants.json");
        for text in [
            "",
            "{}",
            r#"{"schema":"x","secret":"","older":[]}"#,
            r#"{"schema":"bartizan.grant-keys/v1","secret":"AA","older":[]}"#,
        ] {
            replace(&path, text.as_bytes()).unwrap();
            assert!(
                matches!(SigningKeys::load_or_make(&path), Err(KeysError::Format { .. })),
                "{text}"
            );
        }
    }
}
