//! Brings the tables up to date.

use tokio_postgres::Client;

use super::Waiting;
use crate::error::StoreError;

/// Names the lock that one gateway holds while it changes tables.
const LOCK: i64 = 0x6261_7274_697A;

/// Step `n` leads from format `n` to `n + 1`; `bartizan.format` holds the format. Steps are only ever added. Times are
/// microseconds since 1970, UTC.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE bartizan.revision (
        -- There is one row.
        single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single),
        number BIGINT NOT NULL
    );
    INSERT INTO bartizan.revision (number) VALUES (1);
    CREATE TABLE bartizan.keys (
        id        TEXT PRIMARY KEY,
        hash      BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
        scope     TEXT NOT NULL,
        kind      TEXT NOT NULL,
        name      TEXT NOT NULL,
        note      TEXT,
        created   BIGINT NOT NULL,
        expires   BIGINT,
        revoked   BIGINT,
        last_used BIGINT,
        -- Names with commas between, which no name has.
        endpoints TEXT,
        -- Id of the key whose place it took.
        replaces  TEXT
    );
    CREATE TABLE bartizan.endpoints (
        name    TEXT PRIMARY KEY,
        body    TEXT NOT NULL,
        updated BIGINT NOT NULL
    );
    CREATE TABLE bartizan.ended_sessions (
        id    TEXT PRIMARY KEY,
        until BIGINT NOT NULL
    );
",
    "
    -- Id of the key with which it was made.
    ALTER TABLE bartizan.keys ADD COLUMN maker TEXT;
    CREATE TABLE bartizan.changes (
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
        created      BIGINT NOT NULL,
        expires      BIGINT NOT NULL,
        state        TEXT NOT NULL,
        decider      TEXT,
        decided      BIGINT
    );
",
    "
    CREATE TABLE bartizan.accounts (
        name           TEXT PRIMARY KEY,
        scope          TEXT NOT NULL,
        created        BIGINT NOT NULL,
        -- Hash of the code with which somebody makes the account theirs, and until when it is good.
        enrolment      BYTEA CHECK (length(enrolment) = 32),
        enrolment_ends BIGINT,
        password       TEXT,
        -- Sealed.
        totp           BYTEA,
        -- The last step of which a code was used.
        totp_step      BIGINT NOT NULL DEFAULT 0,
        -- Hashes of what known browsers have, the newest first.
        browsers       BYTEA NOT NULL DEFAULT '',
        -- Tries since the last success, and from when on there may be another: those of known browsers, and others.
        known_tries    BIGINT NOT NULL DEFAULT 0,
        known_again    BIGINT NOT NULL DEFAULT 0,
        other_tries    BIGINT NOT NULL DEFAULT 0,
        other_again    BIGINT NOT NULL DEFAULT 0,
        last_login     BIGINT
    );
    CREATE TABLE bartizan.console_sessions (
        id        TEXT PRIMARY KEY,
        hash      BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
        name      TEXT NOT NULL,
        scope     TEXT NOT NULL,
        -- Id of the issuer that signed the person in; absent for an account.
        issuer    TEXT,
        created   BIGINT NOT NULL,
        last_used BIGINT NOT NULL,
        ends      BIGINT NOT NULL
    );
    CREATE TABLE bartizan.used_logins (
        hash  BYTEA PRIMARY KEY CHECK (length(hash) = 32),
        until BIGINT NOT NULL
    );
",
    "
    -- `NAME=VALUE` on each line.
    ALTER TABLE bartizan.keys ADD COLUMN tags TEXT;
",
];

/// Runs the steps that are missing; of several gateways that start at once, one does.
pub(super) fn migrate(waiting: &Waiting<'_>, client: &mut Client) -> Result<(), StoreError> {
    let transaction = waiting.on(client.transaction())?;
    waiting.on(transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]))?;
    let is_there = |query: &str| -> Result<bool, StoreError> {
        Ok(waiting.on(transaction.query_one(query, &[]))?.try_get(0)?)
    };
    if !is_there("SELECT to_regclass('bartizan.format') IS NOT NULL")? {
        // An administrator may have made the schema, where the user may not.
        if !is_there("SELECT to_regnamespace('bartizan') IS NOT NULL")? {
            waiting.on(transaction.batch_execute("CREATE SCHEMA bartizan"))?;
        }
        waiting.on(transaction.batch_execute(
            "CREATE TABLE bartizan.format (
                 single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single),
                 number BIGINT NOT NULL
             );
             INSERT INTO bartizan.format (number) VALUES (0);",
        ))?;
    }
    let found = "SELECT number FROM bartizan.format";
    let found: i64 = waiting.on(transaction.query_one(found, &[]))?.try_get(0)?;
    let missing = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    let Some(missing) = missing else {
        let place = "of PostgreSQL".to_owned();
        return Err(StoreError::TooNew { place, found, known: newest_format() });
    };
    for step in missing {
        waiting.on(transaction.batch_execute(step))?;
    }
    let format = "UPDATE bartizan.format SET number = $1";
    waiting.on(transaction.execute(format, &[&newest_format()]))?;
    waiting.on(transaction.commit())
}

fn newest_format() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}
