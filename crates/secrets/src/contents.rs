//! What the store holds, and how it changes. No files, no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use zeroize::{Zeroize as _, Zeroizing};

use crate::document::{self, SealMark};
use crate::error::{SealError, SecretsError};
use crate::keyring::KeyId;
use crate::name::{RandomId, SecretName, VersionId};
use crate::record::SecretRecord;
use crate::sealer::Sealer;

/// Longest value, in bytes: a private key with its chain of certificates takes some 16 KiB.
pub const VALUE_BYTES: usize = 64 << 10;
/// Most secrets of a store; each change writes all of them.
pub const SECRETS_MAX: usize = 10_000;
/// Most versions of a secret, with the current one: one more than rotations that anybody overlaps.
pub const VERSIONS_MAX: usize = 16;
/// Longest note, in bytes.
pub const NOTE_BYTES: usize = 1024;
/// Longest overlap of two values: what is good for longer was not rotated.
pub const OVERLAP_MAX: Duration = Duration::from_secs(366 * 86_400);

/// All secrets of a store.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    /// Which store it is; made by chance with the first change.
    pub(crate) store: RandomId,
    /// Changes so far.
    pub(crate) serial: u64,
    /// What the file was sealed with before, the last one last.
    pub(crate) history: Vec<SealMark>,
    pub(crate) entries: BTreeMap<SecretName, Entry>,
}

/// One secret.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) note: Option<String>,
    pub(crate) created: Timestamp,
    /// INVARIANT: never empty; the first is the current one and the only one without an end.
    pub(crate) versions: Vec<Version>,
}

/// One value of a secret.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) id: VersionId,
    pub(crate) set: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    /// When its overlap with the next ends; absent for the current one.
    pub(crate) until: Option<Timestamp>,
    pub(crate) sealed: Vec<u8>,
}

impl Version {
    fn is_expired_at(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn overlaps_at(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

impl Entry {
    fn current(&self, name: &SecretName) -> Result<&Version, SecretsError> {
        self.versions.first().ok_or_else(|| not_found(name))
    }

    /// Where the newest earlier value stands that is still given out.
    fn previous(&self, now: Timestamp) -> Option<usize> {
        self.versions
            .iter()
            .position(|version| version.overlaps_at(now) && !version.is_expired_at(now))
    }

    fn record(&self, name: &SecretName, now: Timestamp) -> Result<SecretRecord, SecretsError> {
        let current = self.current(name)?;
        let previous = self.previous(now).and_then(|at| self.versions.get(at));
        Ok(SecretRecord {
            name: name.clone(),
            note: self.note.clone(),
            version: current.id,
            created: self.created,
            set: current.set,
            expires: current.expires,
            previous_until: previous.and_then(|version| version.until),
            sealed_by: Sealer::key_id(&current.sealed).map_err(SecretsError::Seal)?,
        })
    }
}

impl Contents {
    pub(crate) fn empty() -> Result<Self, SecretsError> {
        let (history, entries) = (Vec::new(), BTreeMap::new());
        Ok(Self { store: RandomId::new()?, serial: 0, history, entries })
    }

    pub(crate) fn get(
        &self,
        sealer: &Sealer,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<Secret, SecretsError> {
        let entry = self.entry(name)?;
        let current = entry.current(name)?;
        match current.expires {
            Some(expired) if current.is_expired_at(now) => {
                Err(SecretsError::Expired { name: name.to_string(), expired })
            }
            _ => self.reveal(sealer, name, entry, current),
        }
    }

    pub(crate) fn previous(
        &self,
        sealer: &Sealer,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<Option<Secret>, SecretsError> {
        let entry = self.entry(name)?;
        let version = entry.previous(now).and_then(|at| entry.versions.get(at));
        version.map(|version| self.reveal(sealer, name, entry, version)).transpose()
    }

    pub(crate) fn record(
        &self,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<SecretRecord, SecretsError> {
        self.entry(name)?.record(name, now)
    }

    pub(crate) fn records(&self, now: Timestamp) -> Result<Vec<SecretRecord>, SecretsError> {
        self.entries.iter().map(|(name, entry)| entry.record(name, now)).collect()
    }

    pub(crate) fn keys_in_use(&self) -> Result<BTreeSet<KeyId>, SealError> {
        let versions = self.entries.values().flat_map(|entry| &entry.versions);
        versions.map(|version| Sealer::key_id(&version.sealed)).collect()
    }

    /// Opens every value, so that one that cannot be opened is noticed before somebody needs it.
    pub(crate) fn verify(&self, sealer: &Sealer) -> Result<(), SealError> {
        for (name, entry) in &self.entries {
            for version in &entry.versions {
                sealer.open(&self.place(name, entry, version), &version.sealed)?;
            }
        }
        Ok(())
    }

    pub(crate) fn set(
        &mut self,
        sealer: &Sealer,
        name: &SecretName,
        value: &Secret,
        note: Option<String>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), SecretsError> {
        if self.entries.contains_key(name) {
            return Err(SecretsError::Exists { name: name.to_string() });
        }
        if self.entries.len() >= SECRETS_MAX {
            return Err(SecretsError::TooMany);
        }
        let control = |note: &String| note.chars().any(char::is_control);
        if note.as_ref().is_some_and(|note| note.len() > NOTE_BYTES || control(note)) {
            return Err(SecretsError::Note);
        }
        let version = new_version(expires, now)?;
        let mut entry = Entry { note, created: now, versions: Vec::new() };
        entry.versions.push(self.seal(sealer, name, &entry, version, value)?);
        self.entries.insert(name.clone(), entry);
        Ok(())
    }

    pub(crate) fn rotate(
        &mut self,
        sealer: &Sealer,
        name: &SecretName,
        value: &Secret,
        overlap: Duration,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), SecretsError> {
        if overlap > OVERLAP_MAX {
            return Err(SecretsError::OverlapTooLong);
        }
        let until = now.checked_add(overlap).map_err(|_| SecretsError::OverlapTooLong)?;
        let entry = self.entry(name)?;
        if self.reveal(sealer, name, entry, entry.current(name)?)? == *value {
            return Err(SecretsError::SameValue { name: name.to_string() });
        }
        let version = new_version(expires, now)?;
        let version = self.seal(sealer, name, entry, version, value)?;
        let versions = &mut self.entry_mut(name)?.versions;
        if overlap.is_zero() {
            // Nobody rotates so but to be rid of what leaked, and what was good before may have leaked with it.
            versions.clear();
        }
        for before in versions.iter_mut().take(1) {
            before.until = Some(until);
        }
        versions.insert(0, version);
        versions.truncate(VERSIONS_MAX);
        Ok(())
    }

    pub(crate) fn rollback(
        &mut self,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<(), SecretsError> {
        let entry = self.entry_mut(name)?;
        let none = || SecretsError::NoPrevious { name: name.to_string() };
        let at = entry.previous(now).ok_or_else(none)?;
        if at == 0 || at >= entry.versions.len() {
            return Err(none());
        }
        let mut back = entry.versions.remove(at);
        let until = back.until.take();
        for given_up in entry.versions.iter_mut().take(1) {
            given_up.until = until;
        }
        entry.versions.insert(0, back);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &SecretName) -> Result<(), SecretsError> {
        self.entries.remove(name).map(drop).ok_or_else(|| not_found(name))
    }

    /// Seals every value again, and says how many there are.
    pub(crate) fn rekey(&mut self, sealer: &Sealer) -> Result<usize, SecretsError> {
        let mut again = BTreeMap::new();
        let mut values = 0;
        for (name, entry) in &self.entries {
            let mut new = entry.clone();
            for version in &mut new.versions {
                let place = self.place(name, entry, version);
                let plain = sealer.open(&place, &version.sealed).map_err(SecretsError::Seal)?;
                version.sealed = sealer.seal(&place, &plain).map_err(SecretsError::Seal)?;
                values += 1;
            }
            again.insert(name.clone(), new);
        }
        self.entries = again;
        Ok(values)
    }

    /// Forgets values whose overlap has ended.
    pub(crate) fn drop_ended(&mut self, now: Timestamp) {
        for entry in self.entries.values_mut() {
            entry.versions.retain(|version| version.until.is_none() || version.overlaps_at(now));
        }
    }

    fn entry(&self, name: &SecretName) -> Result<&Entry, SecretsError> {
        self.entries.get(name).ok_or_else(|| not_found(name))
    }

    fn entry_mut(&mut self, name: &SecretName) -> Result<&mut Entry, SecretsError> {
        self.entries.get_mut(name).ok_or_else(|| not_found(name))
    }

    fn seal(
        &self,
        sealer: &Sealer,
        name: &SecretName,
        entry: &Entry,
        mut version: Version,
        value: &Secret,
    ) -> Result<Version, SecretsError> {
        let plain = value.expose().as_bytes();
        if plain.is_empty() || plain.len() > VALUE_BYTES {
            return Err(SecretsError::Value);
        }
        let place = self.place(name, entry, &version);
        version.sealed = sealer.seal(&place, plain).map_err(SecretsError::Seal)?;
        Ok(version)
    }

    fn reveal(
        &self,
        sealer: &Sealer,
        name: &SecretName,
        entry: &Entry,
        version: &Version,
    ) -> Result<Secret, SecretsError> {
        let place = self.place(name, entry, version);
        let mut plain: Zeroizing<Vec<u8>> =
            sealer.open(&place, &version.sealed).map_err(SecretsError::Seal)?;
        match String::from_utf8(std::mem::take(&mut *plain)) {
            Ok(value) => Ok(Secret::new(value)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(SecretsError::Seal(SealError::Damaged))
            }
        }
    }

    /// What a value is bound to: all that never changes about it. What does is bound by the seal of the file.
    fn place(&self, name: &SecretName, entry: &Entry, version: &Version) -> Vec<u8> {
        let time = |time: Timestamp| time.as_nanosecond().to_be_bytes();
        let expires = version.expires.map(time);
        document::bind(&[
            b"value",
            self.store.bytes(),
            name.as_str().as_bytes(),
            &time(entry.created),
            version.id.bytes(),
            &time(version.set),
            expires.as_ref().map_or(&[], <[u8; 16]>::as_slice),
        ])
    }
}

fn new_version(expires: Option<Timestamp>, now: Timestamp) -> Result<Version, SecretsError> {
    if expires.is_some_and(|expires| expires <= now) {
        return Err(SecretsError::AlreadyExpired);
    }
    Ok(Version { id: VersionId::new()?, set: now, expires, until: None, sealed: Vec::new() })
}

fn not_found(name: &SecretName) -> SecretsError {
    SecretsError::NotFound { name: name.to_string() }
}
