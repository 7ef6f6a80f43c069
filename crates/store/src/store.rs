//! Keys and endpoints: what may be done with them, whichever database keeps them.
//!
//! Calls block for milliseconds, and for seconds where a database does not answer; async callers run them on a
//! blocking thread.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bartizan_core::access::Scope;
use bartizan_core::redact::Secret;
use bartizan_core::settings::Postgres as PostgresSettings;
use jiff::Timestamp;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::backend::{Backend, Rows, timestamp};
use crate::backends::postgres::Postgres;
use crate::backends::sqlite::Sqlite;
use crate::changes;
use crate::error::StoreError;
use crate::index::KeyIndex;
use crate::key::{self, KeyHash, KeyRecord, NewKey};

/// Longer than any token of a session lives, also one that is made by a gateway that has not heard of its end.
const SESSION_REMEMBERED: Duration = Duration::from_hours(1);

/// Keys and endpoints, in a file of one process or in a database that several share.
#[derive(Debug)]
pub struct Store {
    state: Mutex<State>,
    index: Arc<KeyIndex>,
    /// Stands for the endpoints as they were at the last look. Nobody waits for the database to read it.
    endpoints: AtomicU64,
    /// How long the index counts after the database was last heard; absent where it is a file.
    trust_for: Option<Duration>,
}

#[derive(Debug)]
struct State {
    backend: Box<dyn Backend>,
    /// As of the last reload.
    version: i64,
}

impl Store {
    /// Opens the state file, which is created when missing, readable by its owner alone.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Open`], [`StoreError::TooNew`], or what reading the keys
    /// can end in.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with(Box::new(Sqlite::open(path)?), None)
    }

    /// Connects to a database of PostgreSQL, and makes the tables where there are none. Once connected, a connection
    /// that is lost is made again by whatever needs it.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Certificates`], [`StoreError::TooNew`], or what reading the keys can
    /// end in.
    pub fn connect(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Self::with(Box::new(Postgres::connect(settings)?), Some(settings.trust_for))
    }

    pub(crate) fn with(
        mut backend: Box<dyn Backend>,
        trust_for: Option<Duration>,
    ) -> Result<Self, StoreError> {
        let version = backend.version()?;
        let state = Mutex::new(State { backend, version });
        let endpoints = AtomicU64::new(0);
        let store = Self { state, index: Arc::new(KeyIndex::default()), endpoints, trust_for };
        let heard = Instant::now();
        store.reload(&mut store.state.lock())?;
        store.look_at_endpoints(&mut store.state.lock())?;
        store.trust(heard);
        Ok(store)
    }

    /// The keys in memory; stays in step with this store.
    pub fn key_index(&self) -> Arc<KeyIndex> {
        Arc::clone(&self.index)
    }

    /// Makes a key. The secret is returned here and nowhere else; only its hash is kept.
    ///
    /// # Errors
    /// [`StoreError::Principal`], [`StoreError::NoteTooLong`], [`StoreError::AlreadyExpired`],
    /// [`StoreError::Random`], [`StoreError::Database`].
    pub fn create_key(&self, new: NewKey) -> Result<(KeyRecord, Secret), StoreError> {
        self.create_key_by(new, None)
    }

    /// [`Store::create_key`] by the holder of a key, which is remembered: whoever makes a key knows it.
    ///
    /// # Errors
    /// Those of [`Store::create_key`].
    pub fn create_key_by(
        &self,
        new: NewKey,
        maker: Option<&str>,
    ) -> Result<(KeyRecord, Secret), StoreError> {
        let (record, secret, hash) = made(new, None, maker)?;
        self.change(|rows| rows.insert_key(&record, &hash))?;
        Ok((record, secret))
    }

    /// Makes a key unless there ever was one of its scope: of several gateways that begin with an empty database, one
    /// makes it.
    ///
    /// # Errors
    /// Those of [`Store::create_key`].
    pub fn create_first_key(&self, new: NewKey) -> Result<Option<(KeyRecord, Secret)>, StoreError> {
        let (record, secret, hash) = made(new, None, None)?;
        let is_first = self.change(|rows| {
            let is_first = rows.keys()?.iter().all(|(_, known)| known.scope != record.scope);
            if is_first {
                rows.insert_key(&record, &hash)?;
            }
            Ok(is_first)
        })?;
        Ok(is_first.then_some((record, secret)))
    }

    /// Makes a key in the place of one that works: for the same holder, with the same rights. The old one goes on to
    /// work for `overlap`, and no longer than it would have. Both come to be in one step.
    ///
    /// # Errors
    /// [`StoreError::KeyNotFound`], [`StoreError::KeyEnded`] when it does not work any more, and those of
    /// [`Store::create_key`].
    pub fn replace_key(
        &self,
        id: &str,
        overlap: Duration,
        expires: Option<Timestamp>,
    ) -> Result<(KeyRecord, Secret), StoreError> {
        self.replace_key_by(id, overlap, expires, None)
    }

    /// [`Store::replace_key`] by the holder of a key, which is remembered.
    ///
    /// # Errors
    /// Those of [`Store::replace_key`].
    pub fn replace_key_by(
        &self,
        id: &str,
        overlap: Duration,
        expires: Option<Timestamp>,
        maker: Option<&str>,
    ) -> Result<(KeyRecord, Secret), StoreError> {
        let now = bartizan_core::time::now();
        self.change(|rows| {
            let old = found(rows, id)?;
            if !old.works_at(now) {
                return Err(StoreError::KeyEnded { id: id.to_owned() });
            }
            // One that was to live for a month is followed by one that lives for a month.
            let lifetime = old.expires.map(|expires| expires.duration_since(old.created));
            let expires = expires.or_else(|| now.checked_add(lifetime?).ok());
            let KeyRecord { scope, kind, name, note, endpoints, tags, .. } = old.clone();
            let new = NewKey { scope, kind, name, note, expires, endpoints, tags };
            let (record, secret, hash) = made(new, Some(id.to_owned()), maker)?;
            let end = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
            let end = old.expires.map_or(end, |expires| expires.min(end));
            rows.insert_key(&record, &hash)?;
            rows.set_expires(id, Some(end.as_microsecond()))?;
            Ok((record, secret))
        })
    }

    /// Takes back a replacement that nobody has heard of: the new key ends, and the old one works for as long as it
    /// would have.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn undo_replacement(
        &self,
        new: &KeyRecord,
        old_expires: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let now = bartizan_core::time::now().as_microsecond();
        self.change(|rows| {
            rows.set_revoked(&new.id, now)?;
            match &new.replaces {
                Some(old) => rows.set_expires(old, old_expires.map(Timestamp::as_microsecond)),
                None => Ok(()),
            }
        })
    }

    /// All keys ever made, oldest first, revoked and expired ones included.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn list_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let keys = self.read(|rows| rows.keys())?;
        Ok(keys.into_iter().map(|(_, record)| record).collect())
    }

    /// Ends a key at once. Revoking it again changes nothing and is no error.
    ///
    /// # Errors
    /// [`StoreError::KeyNotFound`], [`StoreError::LastAdminKey`] when nobody could manage Bartizan
    /// any more, [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn revoke_key(&self, id: &str) -> Result<KeyRecord, StoreError> {
        let now = timestamp(bartizan_core::time::now().as_microsecond());
        self.change(|rows| {
            let mut record = found(rows, id)?;
            if record.revoked.is_some() {
                return Ok(record);
            }
            let works = |record: &KeyRecord| record.scope == Scope::Admin && record.works_at(now);
            // One that ends sooner is about to leave nobody: it may just have been replaced by this one.
            let lasts = |other: &KeyRecord| {
                other.expires.is_none_or(|at| record.expires.is_some_and(|end| at >= end))
            };
            let others_work = rows
                .keys()?
                .iter()
                .any(|(_, other)| other.id != id && works(other) && lasts(other));
            if works(&record) && !others_work {
                return Err(StoreError::LastAdminKey);
            }
            rows.set_revoked(id, now.as_microsecond())?;
            record.revoked = Some(now);
            Ok(record)
        })
    }

    /// Ends a session: no token of it is taken any more, here at once and elsewhere within a second. It is forgotten when
    /// none of them can be good any more.
    ///
    /// # Errors
    /// [`StoreError::KeyNotFound`] for what can be no session, [`StoreError::Database`].
    pub fn end_session(&self, id: &str) -> Result<(), StoreError> {
        // As tokens write it, so that another way to write it ends nothing unnoticed.
        if id.parse::<Uuid>().ok().is_none_or(|uuid| uuid.to_string() != id) {
            return Err(StoreError::KeyNotFound { id: id.to_owned() });
        }
        let now = bartizan_core::time::now();
        let until = now.checked_add(SESSION_REMEMBERED).unwrap_or(Timestamp::MAX);
        self.change(|rows| rows.end_session(id, until.as_microsecond(), now.as_microsecond()))
    }

    /// Removes every key of a principal (`alice@example.com`, `sp:bot`), and their account and sessions, whose name is then nowhere in the
    /// file, and says how many keys there were. What a server of PostgreSQL keeps besides its tables is its own business.
    ///
    /// # Errors
    /// [`StoreError::LastAdminKey`] when nobody could manage Bartizan any more, [`StoreError::Read`] when the
    /// keys are gone and the name may not be, [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn forget(&self, principal: &str) -> Result<usize, StoreError> {
        let now = bartizan_core::time::now();
        let count = self.change(|rows| {
            let keys = rows.keys()?.into_iter().map(|(_, record)| record);
            let (theirs, others): (Vec<_>, Vec<_>) =
                keys.partition(|record| record.principal() == principal);
            let works = |record: &KeyRecord| record.scope == Scope::Admin && record.works_at(now);
            if theirs.iter().any(works) && !others.iter().any(works) {
                return Err(StoreError::LastAdminKey);
            }
            for record in &theirs {
                rows.delete_key(&record.id)?;
            }
            changes::forget(rows, principal)?;
            rows.delete_account(principal)?;
            rows.delete_sessions_of_name(principal)?;
            Ok(theirs.len())
        })?;
        self.state.lock().backend.sweep()?;
        Ok(count)
    }

    /// Writes down when keys were last used, and takes over what other processes changed.
    ///
    /// To be called about twice a second: it writes nothing while no key was used for the first time
    /// in a minute, and asking for changes costs microseconds, or a round trip to the server.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`], [`StoreError::Connect`].
    pub fn maintain(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        let heard = Instant::now();
        let found = state.backend.version()?;
        if found != state.version {
            self.reload(&mut state)?;
            self.look_at_endpoints(&mut state)?;
            state.version = found;
        }
        self.trust(heard);
        let uses = self.index.unstored_uses();
        if uses.is_empty() {
            return Ok(());
        }
        state.backend.note_uses(&uses)?;
        self.index.mark_stored(&uses);
        Ok(())
    }

    /// A number that changes when endpoints do, also by others; as of the last [`Store::maintain`], or the last change
    /// made here.
    pub fn endpoints_state(&self) -> u64 {
        self.endpoints.load(Ordering::Acquire)
    }

    pub(crate) fn read<T: Send>(
        &self,
        work: impl FnMut(&mut dyn Rows) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        done(work, |work| self.state.lock().backend.read(work))
    }

    /// Changes keys in one step; the index follows before anybody else changes anything.
    fn change<T: Send>(
        &self,
        work: impl FnMut(&mut dyn Rows) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock();
        let changed = done(work, |work| state.backend.change(work))?;
        self.reload(&mut state)?;
        Ok(changed)
    }

    /// Changes accounts and sessions in one step, which no index holds.
    pub(crate) fn change_quietly<T: Send>(
        &self,
        work: impl FnMut(&mut dyn Rows) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        done(work, |work| self.state.lock().backend.change_quietly(work))
    }

    /// Changes endpoints in one step.
    pub(crate) fn change_endpoints<T: Send>(
        &self,
        work: impl FnMut(&mut dyn Rows) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock();
        let changed = done(work, |work| state.backend.change(work))?;
        self.look_at_endpoints(&mut state)?;
        Ok(changed)
    }

    fn look_at_endpoints(&self, state: &mut State) -> Result<(), StoreError> {
        let endpoints = done(|rows| rows.endpoints(), |work| state.backend.read(work))?;
        let mut hasher = DefaultHasher::new();
        for endpoint in &endpoints {
            (&endpoint.name, &endpoint.body).hash(&mut hasher);
        }
        self.endpoints.store(hasher.finish(), Ordering::Release);
        Ok(())
    }

    /// Brings the index in step; the caller holds the lock, so that changes arrive in order.
    fn reload(&self, state: &mut State) -> Result<(), StoreError> {
        let keys = done(|rows| rows.each_key(), |work| state.backend.read(work))?;
        let usable = keys.into_iter().filter_map(|key| match key {
            Ok(key) => Some(key),
            // It opens nothing; the others go on to work, and revocations to count.
            Err(error) => {
                tracing::error!(%error, "a key is left out");
                None
            }
        });
        let sessions = done(|rows| rows.ended_sessions(), |work| state.backend.read(work))?;
        self.index.replace(usable.collect());
        self.index.replace_ended(sessions.into_iter().map(|(id, _)| id).collect());
        Ok(())
    }

    /// The index says what the database said at this moment.
    fn trust(&self, heard: Instant) {
        if let Some(trust_for) = self.trust_for {
            self.index.trust_until(heard + trust_for);
        }
    }
}

/// Runs work that has a result on a backend, which knows of none.
fn done<T: Send>(
    mut work: impl FnMut(&mut dyn Rows) -> Result<T, StoreError> + Send,
    run: impl FnOnce(crate::backend::Work<'_>) -> Result<(), StoreError>,
) -> Result<T, StoreError> {
    let mut result = Err(StoreError::Read);
    run(&mut |rows| {
        result = Ok(work(rows)?);
        Ok(())
    })?;
    result
}

fn found(rows: &mut dyn Rows, id: &str) -> Result<KeyRecord, StoreError> {
    let mut keys = rows.keys()?.into_iter().map(|(_, record)| record);
    keys.find(|record| record.id == id).ok_or_else(|| StoreError::KeyNotFound { id: id.to_owned() })
}

/// A key that is not in the database yet.
fn made(
    new: NewKey,
    replaces: Option<String>,
    maker: Option<&str>,
) -> Result<(KeyRecord, Secret, KeyHash), StoreError> {
    let created = timestamp(bartizan_core::time::now().as_microsecond());
    new.check(created)?;
    let (secret, hash) = key::generate(new.scope)?;
    let NewKey { scope, kind, name, note, expires, endpoints, tags } = new;
    let record = KeyRecord {
        id: Uuid::now_v7().to_string(),
        scope,
        kind,
        name,
        note,
        created,
        // To the precision that is stored, so that what is returned equals what is listed.
        expires: expires.map(|expires| timestamp(expires.as_microsecond())),
        revoked: None,
        last_used: None,
        endpoints,
        tags,
        replaces,
        maker: maker.map(str::to_owned),
    };
    Ok((record, secret, hash))
}
