//! The keys in memory: what every request asks, with no lock and no I/O.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use bartizan_core::access::{Identify, Identity, Unrecognised};
use bartizan_core::redact::Secret;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::key::{self, KeyHash, KeyRecord};

/// Uses within this time of the last noted one are not noted.
const USE_RESOLUTION_MICROS: i64 = 60_000_000;

/// Recognises keys. Follows every change that its `Store` makes at once, and those of other
/// processes when [`Store::maintain`](crate::Store::maintain) runs.
#[derive(Debug, Default)]
pub struct KeyIndex {
    trust: Trust,
    by_hash: ArcSwap<HashMap<KeyHash, Entry>>,
    /// When each key that was not revoked ends, by its id.
    ends: ArcSwap<HashMap<String, Option<Timestamp>>>,
    /// Sessions whose tokens are not taken any more.
    ended: ArcSwap<HashSet<String>>,
}

#[derive(Debug)]
struct Entry {
    hash: KeyHash,
    identity: Identity,
    expires: Option<Timestamp>,
    uses: Arc<Uses>,
}

/// How long the keys count as they are known here, where they are kept elsewhere.
#[derive(Debug)]
struct Trust {
    began: Instant,
    /// Milliseconds after `began`; the largest number for ever.
    until: AtomicU64,
}

impl Default for Trust {
    fn default() -> Self {
        Self { began: Instant::now(), until: AtomicU64::new(u64::MAX) }
    }
}

impl Trust {
    fn holds(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until == u64::MAX || self.began.elapsed().as_millis() < u128::from(until)
    }
}

/// When a key was last used, in microseconds since 1970; 0 for never. Outlives the entry, so that
/// a change to one key forgets nothing about the others.
#[derive(Debug, Default)]
struct Uses {
    last: AtomicI64,
    stored: AtomicI64,
}

impl KeyIndex {
    /// Whether a key works, by its id.
    ///
    /// # Errors
    /// [`Unrecognised::Away`] when nobody knows.
    pub fn works(&self, id: &str, now: Timestamp) -> Result<bool, Unrecognised> {
        if !self.trust.holds() {
            return Err(Unrecognised::Away);
        }
        let ends = self.ends.load();
        Ok(ends.get(id).is_some_and(|end| end.is_none_or(|end| now < end)))
    }

    /// Whether tokens of a session are not taken any more.
    ///
    /// # Errors
    /// [`Unrecognised::Away`] when nobody knows.
    pub fn has_ended(&self, session: &str) -> Result<bool, Unrecognised> {
        if !self.trust.holds() {
            return Err(Unrecognised::Away);
        }
        Ok(self.ended.load().contains(session))
    }

    /// Replaces all sessions that have ended.
    pub(crate) fn replace_ended(&self, sessions: HashSet<String>) {
        self.ended.store(Arc::new(sessions));
    }

    /// Replaces all keys. Revoked ones are left out; expired ones stay, since time decides there.
    pub(crate) fn replace(&self, keys: Vec<(KeyHash, KeyRecord)>) {
        let known: HashMap<String, Arc<Uses>> = self
            .by_hash
            .load()
            .values()
            .map(|entry| (entry.identity.key_id.clone(), Arc::clone(&entry.uses)))
            .collect();
        let keys: Vec<_> =
            keys.into_iter().filter(|(_, record)| record.revoked.is_none()).collect();
        let ends = keys.iter().map(|(_, record)| (record.id.clone(), record.expires)).collect();
        self.ends.store(Arc::new(ends));
        let entries = keys
            .into_iter()
            .map(|(hash, record)| {
                let uses = known.get(&record.id).cloned().unwrap_or_else(|| {
                    let stored = record.last_used.map_or(0, Timestamp::as_microsecond);
                    Arc::new(Uses { last: stored.into(), stored: stored.into() })
                });
                (hash, Entry::new(hash, record, uses))
            })
            .collect();
        self.by_hash.store(Arc::new(entries));
    }

    /// Keys count as they are known here until this moment.
    pub(crate) fn trust_until(&self, until: Instant) {
        let after = until.saturating_duration_since(self.trust.began).as_millis();
        let after = u64::try_from(after).unwrap_or(u64::MAX - 1);
        self.trust.until.store(after, Ordering::Relaxed);
    }

    /// Keys used since the last call of [`KeyIndex::mark_stored`]: id and time.
    pub(crate) fn unstored_uses(&self) -> Vec<(String, i64)> {
        let by_hash = self.by_hash.load();
        by_hash
            .values()
            .filter_map(|entry| {
                let last = entry.uses.last.load(Ordering::Relaxed);
                (last > entry.uses.stored.load(Ordering::Relaxed))
                    .then(|| (entry.identity.key_id.clone(), last))
            })
            .collect()
    }

    /// Notes that these uses are in the database.
    pub(crate) fn mark_stored(&self, uses: &[(String, i64)]) {
        let stored: HashMap<&str, i64> = uses.iter().map(|(id, at)| (id.as_str(), *at)).collect();
        for entry in self.by_hash.load().values() {
            if let Some(at) = stored.get(entry.identity.key_id.as_str()) {
                entry.uses.stored.store(*at, Ordering::Relaxed);
            }
        }
    }

    /// The identity behind a key that works at a time.
    fn identify_at(&self, credential: &Secret, now: Timestamp) -> Option<Identity> {
        let hash = key::hash(credential)?;
        let by_hash = self.by_hash.load();
        // The time this look-up takes depends on the hash, which says nothing useful about the key;
        // the comparison that decides takes the same time for every key.
        let entry = by_hash.get(&hash)?;
        if !bool::from(entry.hash.ct_eq(&hash)) {
            return None;
        }
        if entry.expires.is_some_and(|expires| expires <= now) {
            return None;
        }
        entry.uses.note(now);
        Some(entry.identity.clone())
    }
}

impl Identify for KeyIndex {
    fn identify(&self, credential: &Secret) -> Result<Identity, Unrecognised> {
        if !self.trust.holds() {
            return Err(Unrecognised::Away);
        }
        self.identify_at(credential, bartizan_core::time::now()).ok_or(Unrecognised::Unknown)
    }
}

impl Entry {
    fn new(hash: KeyHash, record: KeyRecord, uses: Arc<Uses>) -> Self {
        let KeyRecord { id: key_id, scope, kind, name, expires, endpoints, tags, .. } = record;
        let endpoints = endpoints.map(Arc::from);
        let groups = Vec::new();
        let tags = Arc::new(tags);
        let identity = Identity {
            key_id,
            kind,
            name,
            groups,
            scope,
            endpoints,
            expires: None,
            tags,
            token: None,
        };
        Self { hash, identity, expires, uses }
    }
}

impl Uses {
    /// One load for most requests; the cache line is written once a minute.
    fn note(&self, now: Timestamp) {
        let now = now.as_microsecond();
        if now.saturating_sub(self.last.load(Ordering::Relaxed)) >= USE_RESOLUTION_MICROS {
            self.last.store(now, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::access::Scope;
    use bartizan_core::principal::PrincipalKind;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_works_until_the_moment_it_expires() {
        let (index, key) = index_with(|record| record.expires = Some(at(100)));
        assert!(index.identify_at(&key, at(99)).is_some());
        assert_eq!(index.identify_at(&key, at(100)), None);
    }

    #[test]
    fn a_revoked_key_is_unknown() {
        let (index, key) = index_with(|record| record.revoked = Some(at(1)));
        assert_eq!(index.identify_at(&key, at(2)), None);
    }

    #[test]
    fn uses_are_noted_once_a_minute_and_survive_a_reload() {
        let (index, key) = index_with(|_| {});
        assert!(index.unstored_uses().is_empty());
        for second in [1_000, 1_001, 1_059] {
            index.identify_at(&key, at(second)).unwrap();
        }
        let uses = index.unstored_uses();
        assert_eq!(uses, [("k1".to_owned(), 1_000_000_000)]);
        let hash = key::hash(&key).unwrap();
        index.replace(vec![(hash, record())]);
        assert_eq!(index.unstored_uses(), uses);
        index.mark_stored(&uses);
        assert!(index.unstored_uses().is_empty());
        index.identify_at(&key, at(1_060)).unwrap();
        assert_eq!(index.unstored_uses(), [("k1".to_owned(), 1_060_000_000)]);
    }

    proptest! {
        #[test]
        fn only_the_exact_key_is_recognised(position in 0..47_usize, character in "[ -~]") {
            let (index, key) = index_with(|_| {});
            let mut other = key.expose().to_owned();
            other.replace_range(position..=position, &character);
            let expected = other == key.expose();
            let found = index.identify_at(&Secret::new(other), at(1)).is_some();
            prop_assert_eq!(found, expected);
        }
    }

    fn index_with(change: impl FnOnce(&mut KeyRecord)) -> (KeyIndex, Secret) {
        let (key, hash) = key::generate(Scope::Client).unwrap();
        let mut record = record();
        change(&mut record);
        let index = KeyIndex::default();
        index.replace(vec![(hash, record)]);
        (index, key)
    }

    fn record() -> KeyRecord {
        KeyRecord {
            id: "k1".to_owned(),
            scope: Scope::Client,
            kind: PrincipalKind::User,
            name: "alice".to_owned(),
            note: None,
            created: at(0),
            expires: None,
            revoked: None,
            last_used: None,
            endpoints: None,
            tags: bartizan_core::Tags::default(),
            replaces: None,
            maker: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }
}
