//! The state of one data folder: keys here, endpoints in the file beside.
//!
//! Calls block on the disk for milliseconds; async callers run them on a blocking thread. All of
//! them share one connection, since changes are rare and requests ask the [`KeyIndex`] instead.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use jiff::Timestamp;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use rusqlite::{Connection, Row, TransactionBehavior};
use uuid::Uuid;

use crate::error::StoreError;
use crate::index::KeyIndex;
use crate::key::{self, KeyHash, KeyRecord, NewKey};
use crate::schema;

const KEY_COLUMNS: &str =
    "id, scope, kind, name, note, created, expires, revoked, last_used, endpoints, replaces, hash";

/// Keys and endpoints, kept in one SQLite file.
#[derive(Debug)]
pub struct Store {
    state: Mutex<State>,
    index: Arc<KeyIndex>,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    /// SQLite's counter of changes made by other connections, as of the last reload.
    data_version: i64,
}

impl Store {
    /// Opens the state file, which is created when missing, readable by its owner alone.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Open`], [`StoreError::TooNew`], or what reading the keys
    /// can end in.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = schema::open(path)?;
        let data_version = data_version(&connection)?;
        let store = Self {
            state: Mutex::new(State { connection, data_version }),
            index: Arc::new(KeyIndex::default()),
        };
        store.reload(&store.state.lock())?;
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
        let (record, secret, hash) = made(new, None)?;
        let state = self.state.lock();
        insert(&state.connection, &record, hash)?;
        self.reload(&state)?;
        Ok((record, secret))
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
        let now = bartizan_core::time::now();
        let mut state = self.state.lock();
        let transaction =
            state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = all_keys(&transaction)?.into_iter().find(|(_, record)| record.id == id);
        let Some((_, old)) = found else {
            return Err(StoreError::KeyNotFound { id: id.to_owned() });
        };
        if !old.works_at(now) {
            return Err(StoreError::KeyEnded { id: id.to_owned() });
        }
        // One that was to live for a month is followed by one that lives for a month.
        let lifetime = old.expires.map(|expires| expires.duration_since(old.created));
        let expires = expires.or_else(|| now.checked_add(lifetime?).ok());
        let KeyRecord { scope, kind, name, note, endpoints, .. } = old.clone();
        let new = NewKey { scope, kind, name, note, expires, endpoints };
        let (record, secret, hash) = made(new, Some(id.to_owned()))?;
        let end = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        let end = old.expires.map_or(end, |expires| expires.min(end));
        insert(&transaction, &record, hash)?;
        transaction
            .execute("UPDATE keys SET expires = ?2 WHERE id = ?1", (id, end.as_microsecond()))?;
        transaction.commit()?;
        self.reload(&state)?;
        Ok((record, secret))
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
        let mut state = self.state.lock();
        let transaction =
            state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now = bartizan_core::time::now().as_microsecond();
        transaction.execute("UPDATE keys SET revoked = ?2 WHERE id = ?1", (&new.id, now))?;
        transaction.execute(
            "UPDATE keys SET expires = ?2 WHERE id = ?1",
            (&new.replaces, old_expires.map(Timestamp::as_microsecond)),
        )?;
        transaction.commit()?;
        self.reload(&state)
    }

    /// All keys ever made, oldest first, revoked and expired ones included.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn list_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let keys = all_keys(&self.database())?;
        Ok(keys.into_iter().map(|(_, record)| record).collect())
    }

    /// Ends a key at once. Revoking it again changes nothing and is no error.
    ///
    /// # Errors
    /// [`StoreError::KeyNotFound`], [`StoreError::LastAdminKey`] when nobody could manage Bartizan
    /// any more, [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn revoke_key(&self, id: &str) -> Result<KeyRecord, StoreError> {
        let now = timestamp(bartizan_core::time::now().as_microsecond());
        let mut state = self.state.lock();
        let transaction =
            state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = all_keys(&transaction)?;
        let works = |record: &KeyRecord| record.scope == Scope::Admin && record.works_at(now);
        let ends = keys.iter().find(|(_, record)| record.id == id).and_then(|(_, r)| r.expires);
        // One that ends sooner is about to leave nobody: it may just have been replaced by this one.
        let lasts = |record: &KeyRecord| {
            record.expires.is_none_or(|other| ends.is_some_and(|end| other >= end))
        };
        let others_work =
            keys.iter().any(|(_, record)| record.id != id && works(record) && lasts(record));
        let found = keys.into_iter().map(|(_, record)| record).find(|record| record.id == id);
        let Some(mut record) = found else {
            return Err(StoreError::KeyNotFound { id: id.to_owned() });
        };
        if record.revoked.is_some() {
            return Ok(record);
        }
        if works(&record) && !others_work {
            return Err(StoreError::LastAdminKey);
        }
        transaction
            .execute("UPDATE keys SET revoked = ?2 WHERE id = ?1", (id, now.as_microsecond()))?;
        transaction.commit()?;
        record.revoked = Some(now);
        self.reload(&state)?;
        Ok(record)
    }

    /// Removes every key of a principal (`alice@example.com`, `sp:bot`), whose name is then nowhere in the
    /// file, and says how many there were.
    ///
    /// # Errors
    /// [`StoreError::LastAdminKey`] when nobody could manage Bartizan any more, [`StoreError::Read`] when the
    /// keys are gone and the name may not be, [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn forget(&self, principal: &str) -> Result<usize, StoreError> {
        let now = bartizan_core::time::now();
        let mut state = self.state.lock();
        let transaction =
            state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = all_keys(&transaction)?.into_iter().map(|(_, record)| record);
        let (theirs, others): (Vec<_>, Vec<_>) =
            keys.partition(|record| record.principal() == principal);
        let works = |record: &KeyRecord| record.scope == Scope::Admin && record.works_at(now);
        if theirs.iter().any(works) && !others.iter().any(works) {
            return Err(StoreError::LastAdminKey);
        }
        for record in &theirs {
            transaction.execute("DELETE FROM keys WHERE id = ?1", [&record.id])?;
        }
        transaction.commit()?;
        // Pages are written over when they are freed; the log that still holds them is emptied.
        self.reload(&state)?;
        let is_busy = |row: &Row<'_>| row.get::<_, bool>(0);
        if state.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], is_busy)? {
            return Err(StoreError::Read);
        }
        Ok(theirs.len())
    }

    /// Writes down when keys were last used, and takes over what other processes changed.
    ///
    /// To be called about once a second: it writes nothing while no key was used for the first time
    /// in a minute, and asking for changes costs microseconds.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn maintain(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        let found = data_version(&state.connection)?;
        if found != state.data_version {
            self.reload(&state)?;
            state.data_version = found;
        }
        let uses = self.index.unstored_uses();
        if uses.is_empty() {
            return Ok(());
        }
        let transaction =
            state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (id, at) in &uses {
            transaction.execute(
                "UPDATE keys SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1",
                (id, at),
            )?;
        }
        transaction.commit()?;
        self.index.mark_stored(&uses);
        Ok(())
    }

    pub(crate) fn database(&self) -> MappedMutexGuard<'_, Connection> {
        MutexGuard::map(self.state.lock(), |state| &mut state.connection)
    }

    /// Brings the index in step; the caller holds the lock, so that changes arrive in order.
    fn reload(&self, state: &State) -> Result<(), StoreError> {
        self.index.replace(all_keys(&state.connection)?);
        Ok(())
    }
}

/// A key that is not in the database yet.
fn made(new: NewKey, replaces: Option<String>) -> Result<(KeyRecord, Secret, KeyHash), StoreError> {
    let created = timestamp(bartizan_core::time::now().as_microsecond());
    new.check(created)?;
    let (secret, hash) = key::generate(new.scope)?;
    let NewKey { scope, kind, name, note, expires, endpoints } = new;
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
        replaces,
    };
    Ok((record, secret, hash))
}

fn insert(connection: &Connection, record: &KeyRecord, hash: KeyHash) -> Result<(), StoreError> {
    let endpoints = record
        .endpoints
        .as_ref()
        .map(|names| names.iter().map(Name::as_str).collect::<Vec<_>>().join(","));
    connection.execute(
        "INSERT INTO keys (id, hash, scope, kind, name, note, created, expires, endpoints, replaces)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            &record.id,
            hash,
            record.scope.name(),
            record.kind.name(),
            &record.name,
            &record.note,
            record.created.as_microsecond(),
            record.expires.map(Timestamp::as_microsecond),
            endpoints,
            &record.replaces,
        ),
    )?;
    Ok(())
}

/// Times come from this crate and are in range; a damaged one becomes 1970.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

fn all_keys(connection: &Connection) -> Result<Vec<(KeyHash, KeyRecord)>, StoreError> {
    let mut statement =
        connection.prepare(&format!("SELECT {KEY_COLUMNS} FROM keys ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(key_of(row)?);
    }
    Ok(keys)
}

fn key_of(row: &Row<'_>) -> Result<(KeyHash, KeyRecord), StoreError> {
    let id: String = row.get("id")?;
    let scope: String = row.get("scope")?;
    let kind: String = row.get("kind")?;
    let known_kinds = [PrincipalKind::User, PrincipalKind::ServicePrincipal];
    let kind = known_kinds.into_iter().find(|known| known.name() == kind);
    let (Some(scope), Some(kind)) = (Scope::from_name(&scope), kind) else {
        return Err(StoreError::Damaged { table: "keys", id });
    };
    let endpoints = match row.get::<_, Option<String>>("endpoints")? {
        None => None,
        Some(names) => match names.split(',').map(str::parse).collect() {
            Ok(names) => Some(names),
            // Without its bounds a key would open more than it may.
            Err(_) => return Err(StoreError::Damaged { table: "keys", id }),
        },
    };
    let time = |column: &str| row.get::<_, Option<i64>>(column).map(|micros| micros.map(timestamp));
    let record = KeyRecord {
        scope,
        kind,
        name: row.get("name")?,
        note: row.get("note")?,
        created: timestamp(row.get("created")?),
        expires: time("expires")?,
        revoked: time("revoked")?,
        last_used: time("last_used")?,
        endpoints,
        replaces: row.get("replaces")?,
        id,
    };
    Ok((row.get("hash")?, record))
}

#[cfg(test)]
mod tests {
    use bartizan_core::access::Identify as _;
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_key_is_recognised_at_once_and_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let (record, secret) = {
            let store = Store::open(&path).unwrap();
            assert_eq!(store.list_keys().unwrap(), []);
            let (record, secret) = store.create_key(client("bot")).unwrap();
            assert!(store.key_index().identify(&secret).is_ok());
            (record, secret)
        };
        let store = Store::open(&path).unwrap();
        assert_eq!(store.list_keys().unwrap(), std::slice::from_ref(&record));
        let identity = store.key_index().identify(&secret).unwrap();
        assert_eq!((identity.key_id, identity.name), (record.id.clone(), "bot".to_owned()));
        assert_eq!(record.principal(), "sp:bot");
    }

    #[test]
    fn the_key_itself_is_nowhere_in_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let (_, secret) = store.create_key(client("bot")).unwrap();
        let random = secret.expose().strip_prefix("bzc_").unwrap().as_bytes().to_vec();
        let mut files = 0;
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let file = std::fs::File::open(entry.unwrap().path()).unwrap();
            let bytes = bartizan_core::limits::read_capped(file, 10 << 20).unwrap();
            assert!(!bytes.windows(random.len()).any(|window| window == random));
            files += 1;
        }
        assert!(files >= 2, "the log file of the database must be looked at too");
    }

    #[test]
    fn a_revoked_key_stops_working_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let index = store.key_index();
        let (kept, kept_secret) = store.create_key(client("kept")).unwrap();
        let (record, secret) = store.create_key(client("bot")).unwrap();
        let revoked = store.revoke_key(&record.id).unwrap();
        assert!(revoked.revoked.is_some());
        assert!(index.identify(&secret).is_err());
        assert!(index.identify(&kept_secret).is_ok());
        assert_eq!(store.revoke_key(&record.id).unwrap(), revoked);
        assert_eq!(store.list_keys().unwrap(), [kept, revoked]);
        assert!(matches!(store.revoke_key("nobody"), Err(StoreError::KeyNotFound { .. })));
    }

    #[test]
    fn the_last_admin_key_that_works_cannot_be_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let admin = |expires| NewKey { scope: Scope::Admin, expires, ..client("root") };
        let (first, _) = store.create_key(admin(None)).unwrap();
        let soon = bartizan_core::time::now() + SignedDuration::from_millis(30);
        let (expiring, _) = store.create_key(admin(Some(soon))).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(40));
        assert!(matches!(store.revoke_key(&first.id), Err(StoreError::LastAdminKey)));
        store.revoke_key(&expiring.id).unwrap();
        store.create_key(admin(None)).unwrap();
        store.revoke_key(&first.id).unwrap();
    }

    #[test]
    fn a_principal_that_is_forgotten_is_nowhere_in_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let index = store.key_index();
        let (_, alice) = store.create_key(client("forgotten-bot")).unwrap();
        store.create_key(client("forgotten-bot")).unwrap();
        let (kept, bob) = store.create_key(client("kept-bot")).unwrap();
        assert_eq!(store.forget("forgotten-bot").unwrap(), 0, "a user of that name is another");
        assert_eq!(store.forget("sp:forgotten-bot").unwrap(), 2);
        assert!(index.identify(&alice).is_err());
        assert!(index.identify(&bob).is_ok());
        assert_eq!(store.list_keys().unwrap(), [kept]);
        let says = |name: &str| {
            std::fs::read_dir(dir.path()).unwrap().any(|entry| {
                let file = std::fs::File::open(entry.unwrap().path()).unwrap();
                let bytes = bartizan_core::limits::read_capped(file, 10 << 20).unwrap();
                bytes.windows(name.len()).any(|window| window == name.as_bytes())
            })
        };
        assert!(says("kept-bot") && !says("forgotten-bot"));
        let (_, _) = store.create_key(NewKey { scope: Scope::Admin, ..client("root") }).unwrap();
        assert!(matches!(store.forget("sp:root"), Err(StoreError::LastAdminKey)));
    }

    #[test]
    fn changes_by_another_process_arrive_with_maintenance() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let server = Store::open(&path).unwrap();
        let command_line = Store::open(&path).unwrap();
        let (record, secret) = command_line.create_key(client("bot")).unwrap();
        assert!(server.key_index().identify(&secret).is_err());
        server.maintain().unwrap();
        assert!(server.key_index().identify(&secret).is_ok());
        command_line.revoke_key(&record.id).unwrap();
        server.maintain().unwrap();
        assert!(server.key_index().identify(&secret).is_err());
    }

    #[test]
    fn the_last_use_is_written_by_maintenance_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let (record, secret) = store.create_key(client("bot")).unwrap();
        store.key_index().identify(&secret).unwrap();
        assert_eq!(store.list_keys().unwrap()[0].last_used, None);
        store.maintain().unwrap();
        let used = store.list_keys().unwrap()[0].last_used.unwrap();
        assert!(used >= record.created);
        store.key_index().identify(&secret).unwrap();
        store.maintain().unwrap();
        assert_eq!(store.list_keys().unwrap()[0].last_used, Some(used));
    }

    #[test]
    fn a_full_disk_is_told_from_a_damaged_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        store.database().pragma_update(None, "max_page_count", 1).unwrap();
        let error = (0..200).find_map(|_| store.create_key(client("bot")).err()).unwrap();
        assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    }

    #[test]
    fn a_damaged_row_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let (record, _) = store.create_key(client("bot")).unwrap();
        store.database().execute("UPDATE keys SET scope = 'root'", []).unwrap();
        let error = store.list_keys().unwrap_err();
        assert!(matches!(error, StoreError::Damaged { id, .. } if id == record.id));
    }

    #[test]
    fn a_key_is_narrowed_to_its_endpoints_and_stays_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let only: Vec<Name> = vec!["a".parse().unwrap(), "b.c".parse().unwrap()];
        let new = NewKey { endpoints: Some(only.clone()), ..client("bot") };
        let (made, secret) = Store::open(&path).unwrap().create_key(new).unwrap();
        assert_eq!(made.endpoints.as_ref(), Some(&only));
        let store = Store::open(&path).unwrap();
        assert_eq!(store.list_keys().unwrap()[0], made);
        let endpoints = |secret: &Secret| store.key_index().identify(secret).unwrap().endpoints;
        assert_eq!(endpoints(&secret).as_deref(), Some(only.as_slice()));
        let (_, next) = store.replace_key(&made.id, Duration::ZERO, None).unwrap();
        assert_eq!(endpoints(&next).as_deref(), Some(only.as_slice()));
        // Bounds that cannot be read open nothing.
        let state = store.state.lock();
        state.connection.execute("UPDATE keys SET endpoints = 'a b'", []).unwrap();
        drop(state);
        assert!(matches!(Store::open(&path), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn somebody_can_always_manage_bartizan_after_the_overlap_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let hour = Duration::from_hours(1);
        let admin = |name: &str| NewKey { scope: Scope::Admin, ..client(name) };
        let (old, _) = store.create_key(admin("root")).unwrap();
        let (new, _) = store.replace_key(&old.id, hour, None).unwrap();
        // The old one works for an hour, and then nobody would.
        assert!(matches!(store.revoke_key(&new.id), Err(StoreError::LastAdminKey)));
        store.revoke_key(&old.id).unwrap();
        let (other, _) = store.create_key(admin("other")).unwrap();
        store.revoke_key(&new.id).unwrap();
        assert!(matches!(store.revoke_key(&other.id), Err(StoreError::LastAdminKey)));
    }

    #[test]
    fn a_replacement_lives_as_long_as_what_it_replaces_and_can_be_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let now = bartizan_core::time::now();
        let month = Duration::from_hours(24 * 30);
        let expires = timestamp((now + month).as_microsecond());
        let (old, secret) =
            store.create_key(NewKey { expires: Some(expires), ..client("bot") }).unwrap();
        let (new, next) = store.replace_key(&old.id, Duration::ZERO, None).unwrap();
        let lives = new.expires.unwrap().duration_since(now).unsigned_abs();
        assert!(lives >= month && lives < month + Duration::from_mins(1), "{lives:?}");
        store.undo_replacement(&new, old.expires).unwrap();
        assert!(store.key_index().identify(&secret).is_ok());
        assert!(store.key_index().identify(&next).is_err());
        assert_eq!(store.list_keys().unwrap()[0], old);
    }

    #[test]
    fn a_replaced_key_works_for_the_overlap_and_no_longer_than_it_would_have() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let now = bartizan_core::time::now();
        let hour = Duration::from_hours(1);
        let in_a_minute = timestamp((now + Duration::from_mins(1)).as_microsecond());
        let (free, old) = store.create_key(client("free")).unwrap();
        let (bound, _) =
            store.create_key(NewKey { expires: Some(in_a_minute), ..client("bound") }).unwrap();
        let (new, secret) = store.replace_key(&free.id, hour, None).unwrap();
        assert_eq!(new.replaces.as_deref(), Some(free.id.as_str()));
        store.replace_key(&bound.id, hour, None).unwrap();
        let ends = |id: &str| {
            let keys = store.list_keys().unwrap();
            keys.into_iter().find(|key| key.id == id).unwrap().expires
        };
        assert_eq!(ends(&bound.id), Some(in_a_minute));
        let left = ends(&free.id).unwrap().duration_since(now).unsigned_abs();
        assert!(left >= hour && left < hour + Duration::from_secs(30), "{left:?}");
        assert!(store.key_index().identify(&old).is_ok());
        assert!(store.key_index().identify(&secret).is_ok());
        store.revoke_key(&free.id).unwrap();
        let ended = store.replace_key(&free.id, hour, None);
        assert!(matches!(ended, Err(StoreError::KeyEnded { .. })));
        let none = store.replace_key("none", hour, None);
        assert!(matches!(none, Err(StoreError::KeyNotFound { .. })));
    }

    fn client(name: &str) -> NewKey {
        NewKey {
            scope: Scope::Client,
            kind: PrincipalKind::ServicePrincipal,
            name: name.to_owned(),
            note: Some("for a test".to_owned()),
            expires: None,
            endpoints: None,
        }
    }
}
