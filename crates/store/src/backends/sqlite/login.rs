//! Accounts and sessions in SQLite.

use rusqlite::{OptionalExtension as _, Row};

use super::Open;
use crate::backend::login::{
    ACCOUNT, Account, AccountRow, LoginRows, SESSION, SessionRow, Tally, TokenHash, Tries,
};
use crate::error::StoreError;
use crate::sessions::SessionRecord;

impl LoginRows for Open<'_> {
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let query = format!("SELECT {ACCOUNT} FROM accounts ORDER BY name");
        let mut statement = self.0.prepare(&query)?;
        let rows: Vec<AccountRow> = statement.query_map([], account)?.collect::<Result<_, _>>()?;
        rows.into_iter().map(AccountRow::read).collect()
    }

    fn account(&mut self, name: &str) -> Result<Option<Account>, StoreError> {
        let query = format!("SELECT {ACCOUNT} FROM accounts WHERE name = ?1");
        let row = self.0.query_row(&query, [name], account).optional()?;
        row.map(AccountRow::read).transpose()
    }

    fn insert_account(
        &mut self,
        name: &str,
        scope: &str,
        created: i64,
    ) -> Result<bool, StoreError> {
        let insert = "INSERT INTO accounts (name, scope, created) VALUES (?1, ?2, ?3)
                      ON CONFLICT (name) DO NOTHING";
        Ok(self.0.execute(insert, (name, scope, created))? > 0)
    }

    fn delete_account(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM accounts WHERE name = ?1", [name])? > 0)
    }

    fn set_enrolment(&mut self, name: &str, hash: &TokenHash, ends: i64) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE accounts SET enrolment = ?2, enrolment_ends = ?3, password = NULL, totp = NULL,
                 browsers = x'', known_tries = 0, known_again = 0, other_tries = 0, other_again = 0
             WHERE name = ?1",
            (name, hash, ends),
        )?;
        Ok(())
    }

    fn set_credentials(
        &mut self,
        name: &str,
        password: &str,
        totp: &[u8],
        step: i64,
    ) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE accounts SET enrolment = NULL, enrolment_ends = NULL, password = ?2, totp = ?3,
                 totp_step = ?4
             WHERE name = ?1",
            (name, password, totp, step),
        )?;
        Ok(())
    }

    fn set_totp(&mut self, name: &str, totp: &[u8]) -> Result<(), StoreError> {
        self.0.execute("UPDATE accounts SET totp = ?2 WHERE name = ?1", (name, totp))?;
        Ok(())
    }

    fn set_tally(&mut self, name: &str, whose: Tries, tally: Tally) -> Result<(), StoreError> {
        let update = match whose {
            Tries::Known => {
                "UPDATE accounts SET known_tries = ?2, known_again = ?3 WHERE name = ?1"
            }
            Tries::Other => {
                "UPDATE accounts SET other_tries = ?2, other_again = ?3 WHERE name = ?1"
            }
        };
        self.0.execute(update, (name, tally.tries, tally.again))?;
        Ok(())
    }

    fn note_login(
        &mut self,
        name: &str,
        step: i64,
        browsers: &[u8],
        now: i64,
    ) -> Result<bool, StoreError> {
        let noted = self.0.execute(
            "UPDATE accounts SET totp_step = ?2, browsers = ?3, last_login = ?4
             WHERE name = ?1 AND totp_step < ?2",
            (name, step, browsers, now),
        )?;
        Ok(noted > 0)
    }

    fn sessions(&mut self) -> Result<Vec<SessionRecord>, StoreError> {
        let query = format!("SELECT {SESSION} FROM console_sessions ORDER BY id DESC");
        let mut statement = self.0.prepare(&query)?;
        let rows: Vec<SessionRow> = statement.query_map([], session)?.collect::<Result<_, _>>()?;
        rows.into_iter().map(SessionRow::read).collect()
    }

    fn session(&mut self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        let query = format!("SELECT {SESSION} FROM console_sessions WHERE hash = ?1");
        let row = self.0.query_row(&query, [hash], session).optional()?;
        row.map(SessionRow::read).transpose()
    }

    fn insert_session(
        &mut self,
        session: &SessionRecord,
        hash: &TokenHash,
    ) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO console_sessions (id, hash, name, scope, issuer, created, last_used, ends)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                &session.id,
                hash,
                &session.name,
                session.scope.name(),
                &session.issuer,
                session.created.as_microsecond(),
                session.last_used.as_microsecond(),
                session.ends.as_microsecond(),
            ),
        )?;
        Ok(())
    }

    fn set_session_used(&mut self, id: &str, at: i64) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE console_sessions SET last_used = max(last_used, ?2) WHERE id = ?1",
            (id, at),
        )?;
        Ok(())
    }

    fn delete_session(&mut self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM console_sessions WHERE id = ?1", [id])? > 0)
    }

    fn delete_sessions_of_account(&mut self, name: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM console_sessions WHERE name = ?1 AND issuer IS NULL";
        self.0.execute(delete, [name])?;
        Ok(())
    }

    fn delete_sessions_of_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM console_sessions WHERE name = ?1", [name])?;
        Ok(())
    }

    fn forget_old(&mut self, now: i64, used_since: i64) -> Result<(), StoreError> {
        let delete = "DELETE FROM console_sessions WHERE ends <= ?1 OR last_used < ?2";
        self.0.execute(delete, (now, used_since))?;
        self.0.execute("DELETE FROM used_logins WHERE until <= ?1", [now])?;
        Ok(())
    }

    fn use_login(&mut self, hash: &TokenHash, until: i64) -> Result<bool, StoreError> {
        let insert = "INSERT INTO used_logins (hash, until) VALUES (?1, ?2)
                      ON CONFLICT (hash) DO NOTHING";
        Ok(self.0.execute(insert, (hash, until))? > 0)
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        name: row.get(0)?,
        scope: row.get(1)?,
        created: row.get(2)?,
        enrolment: row.get(3)?,
        enrolment_ends: row.get(4)?,
        password: row.get(5)?,
        totp: row.get(6)?,
        browsers: row.get(7)?,
        known: Tally { tries: row.get(8)?, again: row.get(9)? },
        other: Tally { tries: row.get(10)?, again: row.get(11)? },
        last_login: row.get(12)?,
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: row.get(0)?,
        name: row.get(1)?,
        scope: row.get(2)?,
        issuer: row.get(3)?,
        created: row.get(4)?,
        last_used: row.get(5)?,
        ends: row.get(6)?,
    })
}
