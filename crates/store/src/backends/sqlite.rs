//! State in one SQLite file.
//!
//! Calls block on the disk for milliseconds. All of them share one connection, since changes are rare and requests
//! ask the index in memory instead.

mod login;
mod schema;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use crate::backend::{Backend, ChangeRow, KeyRow, ReadKey, Rows, Work, timestamp};
use crate::changes::ChangeRecord;
use crate::endpoints::EndpointRecord;
use crate::error::StoreError;
use crate::key::{KeyHash, KeyRecord};

#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    /// Opens the file, which is created when missing, readable by its owner alone.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open(path)? })
    }
}

impl Backend for Sqlite {
    fn version(&mut self) -> Result<i64, StoreError> {
        // SQLite's counter of changes made by other connections.
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    fn read(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        work(&mut Open(&self.connection))
    }

    fn change(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        work(&mut Open(&transaction))?;
        Ok(transaction.commit()?)
    }

    fn change_quietly(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        self.change(work)
    }

    fn note_uses(&mut self, uses: &[(String, i64)]) -> Result<(), StoreError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (id, at) in uses {
            transaction.execute(
                "UPDATE keys SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1",
                (id, at),
            )?;
        }
        Ok(transaction.commit()?)
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        // Pages are written over when they are freed; the log that still holds them is emptied.
        let is_busy = |row: &Row<'_>| row.get::<_, bool>(0);
        if self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], is_busy)? {
            return Err(StoreError::Read);
        }
        Ok(())
    }
}

struct Open<'c>(&'c Connection);

impl Rows for Open<'_> {
    fn each_key(&mut self) -> Result<Vec<ReadKey>, StoreError> {
        let query = format!("SELECT {} FROM keys ORDER BY id", KeyRow::COLUMNS);
        let mut statement = self.0.prepare(&query)?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let key = KeyRow {
                id: row.get(0)?,
                scope: row.get(1)?,
                kind: row.get(2)?,
                name: row.get(3)?,
                note: row.get(4)?,
                created: row.get(5)?,
                expires: row.get(6)?,
                revoked: row.get(7)?,
                last_used: row.get(8)?,
                endpoints: row.get(9)?,
                replaces: row.get(10)?,
                maker: row.get(11)?,
                tags: row.get(13)?,
            };
            let hash = row.get(12)?;
            keys.push(key.read().map(|record| (hash, record)));
        }
        Ok(keys)
    }

    fn insert_key(&mut self, record: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO keys
             (id, hash, scope, kind, name, note, created, expires, endpoints, replaces, maker, tags)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            (
                &record.id,
                hash,
                record.scope.name(),
                record.kind.name(),
                &record.name,
                &record.note,
                record.created.as_microsecond(),
                record.expires.map(jiff::Timestamp::as_microsecond),
                record.endpoints_joined(),
                &record.replaces,
                &record.maker,
                record.tags_joined(),
            ),
        )?;
        Ok(())
    }

    fn set_expires(&mut self, id: &str, at: Option<i64>) -> Result<(), StoreError> {
        self.0.execute("UPDATE keys SET expires = ?2 WHERE id = ?1", (id, at))?;
        Ok(())
    }

    fn set_revoked(&mut self, id: &str, at: i64) -> Result<(), StoreError> {
        self.0.execute("UPDATE keys SET revoked = ?2 WHERE id = ?1", (id, at))?;
        Ok(())
    }

    fn delete_key(&mut self, id: &str) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM keys WHERE id = ?1", [id])?;
        Ok(())
    }

    fn ended_sessions(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        let mut statement = self.0.prepare("SELECT id, until FROM ended_sessions")?;
        let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let sessions = statement.query_map([], pair)?.collect::<Result<_, _>>()?;
        Ok(sessions)
    }

    fn end_session(&mut self, id: &str, until: i64, now: i64) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM ended_sessions WHERE until < ?1", [now])?;
        self.0.execute(
            "INSERT INTO ended_sessions (id, until) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)",
            (id, until),
        )?;
        Ok(())
    }

    fn endpoints(&mut self) -> Result<Vec<EndpointRecord>, StoreError> {
        let mut statement =
            self.0.prepare("SELECT name, body, updated FROM endpoints ORDER BY name")?;
        let records = statement.query_map([], endpoint)?.collect::<Result<_, _>>()?;
        Ok(records)
    }

    fn endpoint(&mut self, name: &str) -> Result<Option<EndpointRecord>, StoreError> {
        let query = "SELECT name, body, updated FROM endpoints WHERE name = ?1";
        Ok(self.0.query_row(query, [name], endpoint).optional()?)
    }

    fn put_endpoint(&mut self, name: &str, body: &str, updated: i64) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO endpoints (name, body, updated) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body, updated = excluded.updated",
            (name, body, updated),
        )?;
        Ok(())
    }

    fn delete_endpoint(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM endpoints WHERE name = ?1", [name])? > 0)
    }

    fn changes(&mut self) -> Result<Vec<ChangeRecord>, StoreError> {
        let query = format!("SELECT {} FROM changes ORDER BY id", ChangeRow::COLUMNS_SHORT);
        let mut statement = self.0.prepare(&query)?;
        let rows = statement.query_map([], change)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(ChangeRow::read).collect()
    }

    fn change(&mut self, id: &str) -> Result<Option<ChangeRecord>, StoreError> {
        let query = format!("SELECT {} FROM changes WHERE id = ?1", ChangeRow::COLUMNS);
        let row = self.0.query_row(&query, [id], change).optional()?;
        row.map(ChangeRow::read).transpose()
    }

    fn insert_change(&mut self, change: &ChangeRecord) -> Result<(), StoreError> {
        let proposer = change.proposer.as_ref();
        self.0.execute(
            "INSERT INTO changes
             (id, kind, name, body, against, target, proposer, proposer_key, weaknesses, created, expires, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            (
                &change.id,
                change.kind.name(),
                &change.name,
                &change.body,
                &change.against,
                &change.target,
                proposer.map(|hand| &hand.principal),
                proposer.map(|hand| &hand.key),
                &change.weaknesses,
                change.created.as_microsecond(),
                change.expires.as_microsecond(),
                change.state.name(),
            ),
        )?;
        Ok(())
    }

    fn update_change(&mut self, change: &ChangeRecord) -> Result<(), StoreError> {
        let proposer = change.proposer.as_ref();
        self.0.execute(
            "UPDATE changes SET proposer = ?2, proposer_key = ?3, expires = ?4, state = ?5, decider = ?6, decided = ?7
             WHERE id = ?1",
            (
                &change.id,
                proposer.map(|hand| &hand.principal),
                proposer.map(|hand| &hand.key),
                change.expires.as_microsecond(),
                change.state.name(),
                &change.decider,
                change.decided.map(jiff::Timestamp::as_microsecond),
            ),
        )?;
        Ok(())
    }

    fn delete_change(&mut self, id: &str) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM changes WHERE id = ?1", [id])?;
        Ok(())
    }
}

fn change(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        name: row.get(2)?,
        body: row.get(3)?,
        against: row.get(4)?,
        target: row.get(5)?,
        proposer: row.get(6)?,
        proposer_key: row.get(7)?,
        weaknesses: row.get(8)?,
        created: row.get(9)?,
        expires: row.get(10)?,
        state: row.get(11)?,
        decider: row.get(12)?,
        decided: row.get(13)?,
    })
}

fn endpoint(row: &Row<'_>) -> rusqlite::Result<EndpointRecord> {
    let updated = timestamp(row.get(2)?);
    Ok(EndpointRecord { name: row.get(0)?, body: row.get(1)?, updated })
}

#[cfg(test)]
mod tests;
