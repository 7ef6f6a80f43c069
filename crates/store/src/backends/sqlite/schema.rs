//! Opens the database file and brings its tables up to date.

use std::io;
use std::path::Path;
use std::time::Duration;

use bartizan_core::private;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{StoreError, is_full};

/// How long a statement waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Step `n` leads from format `n` to `n + 1`; SQLite's `user_version` holds the format. Steps are
/// only ever added. Times are microseconds since 1970, UTC.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE keys (
        id        TEXT PRIMARY KEY,
        hash      BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
        scope     TEXT NOT NULL,
        kind      TEXT NOT NULL,
        name      TEXT NOT NULL,
        note      TEXT,
        created   INTEGER NOT NULL,
        expires   INTEGER,
        revoked   INTEGER,
        last_used INTEGER
    ) STRICT;
    CREATE TABLE endpoints (
        name    TEXT PRIMARY KEY,
        body    TEXT NOT NULL,
        updated INTEGER NOT NULL
    ) STRICT;
",
    "
    -- Names with commas between, which no name has; and the id of the key whose place it took.
    ALTER TABLE keys ADD COLUMN endpoints TEXT;
    ALTER TABLE keys ADD COLUMN replaces TEXT;
",
    "
    CREATE TABLE ended_sessions (
        id    TEXT PRIMARY KEY,
        until INTEGER NOT NULL
    ) STRICT;
",
    "
    -- Id of the key with which it was made.
    ALTER TABLE keys ADD COLUMN maker TEXT;
    CREATE TABLE changes (
        id           TEXT PRIMARY KEY,
        kind         TEXT NOT NULL,
        name         TEXT NOT NULL,
        body         TEXT NOT NULL,
        -- What it was compared with, and what it leads to where the body does not say.
        against      TEXT NOT NULL,
        target       TEXT NOT NULL,
        proposer     TEXT,
        proposer_key TEXT,
        weaknesses   TEXT NOT NULL,
        created      INTEGER NOT NULL,
        expires      INTEGER NOT NULL,
        state        TEXT NOT NULL,
        decider      TEXT,
        decided      INTEGER
    ) STRICT;
",
    "
    CREATE TABLE accounts (
        name           TEXT PRIMARY KEY,
        scope          TEXT NOT NULL,
        created        INTEGER NOT NULL,
        -- Hash of the code with which somebody makes the account theirs, and until when it is good.
        enrolment      BLOB CHECK (length(enrolment) = 32),
        enrolment_ends INTEGER,
        password       TEXT,
        -- Sealed.
        totp           BLOB,
        -- The last step of which a code was used.
        totp_step      INTEGER NOT NULL DEFAULT 0,
        -- Hashes of what known browsers have, the newest first.
        browsers       BLOB NOT NULL DEFAULT x'',
        -- Tries since the last success, and from when on there may be another: those of known browsers, and others.
        known_tries    INTEGER NOT NULL DEFAULT 0,
        known_again    INTEGER NOT NULL DEFAULT 0,
        other_tries    INTEGER NOT NULL DEFAULT 0,
        other_again    INTEGER NOT NULL DEFAULT 0,
        last_login     INTEGER
    ) STRICT;
    CREATE TABLE console_sessions (
        id        TEXT PRIMARY KEY,
        hash      BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
        name      TEXT NOT NULL,
        scope     TEXT NOT NULL,
        -- Id of the issuer that signed the person in; absent for an account.
        issuer    TEXT,
        created   INTEGER NOT NULL,
        last_used INTEGER NOT NULL,
        ends      INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE used_logins (
        hash  BLOB PRIMARY KEY CHECK (length(hash) = 32),
        until INTEGER NOT NULL
    ) STRICT;
",
    "
    -- `NAME=VALUE` on each line.
    ALTER TABLE keys ADD COLUMN tags TEXT;
",
];

/// Opens the file, which is created when missing, for its owner alone.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    create_private(path).map_err(|source| StoreError::File { path: path.to_owned(), source })?;
    let failed = |source| {
        if is_full(&source) {
            StoreError::Full(source)
        } else {
            StoreError::Open { path: path.to_owned(), source }
        }
    };
    // Without the URI flag a path that starts with `file:` is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    match migrate(&mut connection).map_err(failed)? {
        Ok(()) => Ok(connection),
        Err(found) => Err(StoreError::TooNew {
            place: format!("file `{}`", path.display()),
            found,
            known: newest_format(),
        }),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A key whose creation was answered exists after a power cut, and a revoked one stays revoked.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is removed is to be gone.
    connection.pragma_update(None, "secure_delete", true)?;
    // A file that someone else prepared must not run functions from its schema.
    connection.pragma_update(None, "trusted_schema", false)
}

/// Runs the steps that are missing. The inner error is a format newer than all of them.
fn migrate(connection: &mut Connection) -> rusqlite::Result<Result<(), i64>> {
    // Immediate, so that of two processes that start at once one does the work.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..))
    else {
        return Ok(Err(found));
    };
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", newest_format())?;
    transaction.commit().map(Ok)
}

fn newest_format() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// SQLite gives its `-wal` and `-shm` files the mode of the main file, so this covers all three.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::make_folder(folder)?;
    }
    let file = private::file().create(true).truncate(false).write(true).open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_file_is_durable_private_and_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/state.db");
        let connection = open(&path).unwrap();
        let pragma = |name: &str| -> String {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .map(|value| format!("{value:?}"))
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
        assert_eq!(pragma("synchronous"), "Integer(2)");
        assert_eq!(pragma("foreign_keys"), "Integer(1)");
        assert_eq!(pragma("user_version"), format!("Integer({})", MIGRATIONS.len()));
        #[cfg(unix)]
        for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        std::fs::write(&path, "not a database, and long enough to be looked at".repeat(50))
            .unwrap();
        assert!(matches!(open(&path), Err(StoreError::Open { .. })));
    }
}
