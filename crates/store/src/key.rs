//! Keys: how they are made, what is kept of them, how a presented one is hashed.

use bartizan_core::access::Scope;
use bartizan_core::id::Name;
use bartizan_core::principal::{self, Principal, PrincipalKind};
use bartizan_core::redact::Secret;
use bartizan_core::tags::{TagError, Tags};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;

/// Longest note, in bytes.
pub const NOTE_BYTES: usize = 1024;

/// Most endpoints that a key is narrowed to.
const ENDPOINTS_MAX: usize = 64;
/// Random bytes of a key.
const KEY_BYTES: usize = 32;
/// Prefix and the 43 characters that 32 bytes take in base64url.
const CREDENTIAL_LEN: usize = 4 + 43;

/// SHA-256 of a whole credential, prefix included. A slow hash would add nothing: there is no way
/// to guess 256 random bits.
pub(crate) type KeyHash = [u8; 32];

/// What a new key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What the key may do.
    pub scope: Scope,
    /// Person or program that holds it.
    pub kind: PrincipalKind,
    /// Name of the holder, without prefix.
    pub name: String,
    /// Why it exists, in the words of whoever made it; at most [`NOTE_BYTES`].
    pub note: Option<String>,
    /// When it stops working; never, when absent.
    pub expires: Option<Timestamp>,
    /// The only endpoints that it opens; all that the policy opens to its holder, when absent.
    pub endpoints: Option<Vec<Name>>,
    /// What use with it is put down to.
    pub tags: Tags,
}

impl NewKey {
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), StoreError> {
        let qualified = qualified(self.kind, &self.name);
        match principal::parse_qualified(&qualified) {
            Ok((kind, name)) if kind == self.kind && name == self.name => {}
            Ok(_) => return Err(StoreError::Principal("the name of a principal has no prefix")),
            Err(reason) => return Err(StoreError::Principal(reason)),
        }
        if self.note.as_ref().is_some_and(|note| note.len() > NOTE_BYTES) {
            return Err(StoreError::NoteTooLong);
        }
        let endpoints = self.endpoints.as_ref();
        if endpoints.is_some_and(|names| names.is_empty() || names.len() > ENDPOINTS_MAX) {
            return Err(StoreError::KeyEndpoints("a key is narrowed to 1 to 64 endpoints"));
        }
        if endpoints.is_some() && self.scope != Scope::Client {
            return Err(StoreError::KeyEndpoints("only a client key is narrowed to endpoints"));
        }
        if !self.tags.is_empty() && self.scope != Scope::Client {
            return Err(StoreError::KeyTags);
        }
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err(StoreError::AlreadyExpired);
        }
        Ok(())
    }
}

/// What is known about a key: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Public id, safe to log; ids sort by creation.
    pub id: String,
    /// What the key may do.
    pub scope: Scope,
    /// Person or program that holds it.
    pub kind: PrincipalKind,
    /// Name of the holder, without prefix.
    pub name: String,
    /// Why it exists.
    pub note: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last used, to the minute and written with a delay.
    pub last_used: Option<Timestamp>,
    /// The only endpoints that it opens.
    pub endpoints: Option<Vec<Name>>,
    /// What use with it is put down to.
    pub tags: Tags,
    /// Id of the key whose place it took.
    pub replaces: Option<String>,
    /// Id of the key with which it was made; absent for one that was made where the state is: at the first start, or on
    /// the command line.
    pub maker: Option<String>,
}

impl KeyRecord {
    /// The holder in the form policy uses: `alice@example.com`, `sp:bot`.
    pub fn principal(&self) -> String {
        qualified(self.kind, &self.name)
    }

    /// The endpoints that it opens as rows have them: with commas between.
    pub(crate) fn endpoints_joined(&self) -> Option<String> {
        let names = self.endpoints.as_ref()?;
        Some(names.iter().map(Name::as_str).collect::<Vec<_>>().join(","))
    }

    /// The tags as rows have them: `NAME=VALUE` on each line.
    pub(crate) fn tags_joined(&self) -> Option<String> {
        let tags = self.tags.iter().map(|(name, value)| format!("{name}={value}"));
        (!self.tags.is_empty()).then(|| tags.collect::<Vec<_>>().join("\n"))
    }

    /// Whether the key opens anything at the given time.
    pub fn works_at(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// Reads what [`KeyRecord::tags_joined`] writes.
pub(crate) fn read_tags(text: &str) -> Result<Tags, TagError> {
    let mut tags = Tags::default();
    text.split('\n').try_for_each(|tag| tags.add_written(tag))?;
    Ok(tags)
}

/// Makes a credential of 256 random bits: `bzc_…` for clients, `bza_…` for the console port, so that secret
/// scanners can find a leaked one and people can tell them apart.
pub(crate) fn generate(scope: Scope) -> Result<(Secret, KeyHash), StoreError> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(StoreError::Random)?;
    let text = format!("{}{}", prefix(scope), URL_SAFE_NO_PAD.encode(bytes));
    let hash = Sha256::digest(&text).into();
    Ok((Secret::new(text), hash))
}

/// Hash of a credential, or nothing when it cannot be one of ours.
pub(crate) fn hash(credential: &Secret) -> Option<KeyHash> {
    let text = credential.expose();
    let ours = Scope::ALL.map(prefix);
    let fits = text.len() == CREDENTIAL_LEN && ours.iter().any(|prefix| text.starts_with(prefix));
    fits.then(|| Sha256::digest(text).into())
}

const fn prefix(scope: Scope) -> &'static str {
    match scope {
        Scope::Client => "bzc_",
        Scope::Admin | Scope::Operator | Scope::Auditor | Scope::Viewer => "bza_",
    }
}

fn qualified(kind: PrincipalKind, name: &str) -> String {
    Principal { kind, name: name.to_owned(), groups: Vec::new() }.qualified()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_43_random_characters_behind_their_prefix() {
        for (scope, prefix) in [(Scope::Client, "bzc_"), (Scope::Admin, "bza_")] {
            let mut seen = HashSet::new();
            for _ in 0..100 {
                let (key, key_hash) = generate(scope).unwrap();
                let random = key.expose().strip_prefix(prefix).unwrap();
                assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32, "{random}");
                assert_eq!(hash(&key), Some(key_hash));
                assert!(seen.insert(key_hash), "the same key twice");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_not_hashed() {
        let key = generate(Scope::Client).unwrap().0.expose().to_owned();
        let tail = key.strip_prefix("bzc_").unwrap();
        for wrong in ["", "bzc_", tail, &format!("{key}x"), &format!("bzx_{tail}")] {
            assert_eq!(hash(&Secret::new(wrong)), None, "{wrong}");
        }
        assert_eq!(hash(&Secret::new("x".repeat(10 << 20))), None);
    }

    #[test]
    fn refuses_names_notes_and_times_that_make_no_sense() {
        let now = bartizan_core::time::now();
        let good = NewKey {
            scope: Scope::Client,
            kind: PrincipalKind::User,
            name: "alice@example.com".to_owned(),
            note: None,
            expires: None,
            endpoints: None,
            tags: Tags::default(),
        };
        good.check(now).unwrap();
        for name in ["", "a b", "sp:bot", "<b>"] {
            let wrong = NewKey { name: name.to_owned(), ..good.clone() };
            assert!(matches!(wrong.check(now), Err(StoreError::Principal(_))), "{name}");
        }
        let wrong = NewKey { note: Some("x".repeat(NOTE_BYTES + 1)), ..good.clone() };
        assert!(matches!(wrong.check(now), Err(StoreError::NoteTooLong)));
        let narrowed = NewKey { endpoints: Some(vec!["a".parse().unwrap()]), ..good.clone() };
        narrowed.check(now).unwrap();
        for wrong in [
            NewKey { endpoints: Some(Vec::new()), ..good.clone() },
            NewKey { scope: Scope::Admin, ..narrowed },
        ] {
            assert!(matches!(wrong.check(now), Err(StoreError::KeyEndpoints(_))));
        }
        let mut tags = Tags::default();
        tags.add_written("team=search").unwrap();
        let tagged = NewKey { tags, ..good.clone() };
        tagged.check(now).unwrap();
        let wrong = NewKey { scope: Scope::Operator, ..tagged };
        assert!(matches!(wrong.check(now), Err(StoreError::KeyTags)));
        let wrong = NewKey { expires: Some(now), ..good };
        assert!(matches!(wrong.check(now), Err(StoreError::AlreadyExpired)));
    }
}
