//! Accounts and sessions in PostgreSQL.

use tokio_postgres::{GenericClient, Row};

use super::Open;
use crate::backend::login::{
    ACCOUNT, Account, AccountRow, LoginRows, SESSION, SessionRow, Tally, TokenHash, Tries,
};
use crate::error::StoreError;
use crate::sessions::SessionRecord;

impl<C: GenericClient> LoginRows for Open<'_, '_, C> {
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let query = format!("SELECT {ACCOUNT} FROM bartizan.accounts ORDER BY name COLLATE \"C\"");
        self.query(&query, &[])?.iter().map(account).collect()
    }

    fn account(&mut self, name: &str) -> Result<Option<Account>, StoreError> {
        if name.contains('\0') {
            // PostgreSQL has no text with it, and so no such name.
            return Ok(None);
        }
        // Locked to the end of the change, so that of several gateways one decides after the other.
        let query = format!("SELECT {ACCOUNT} FROM bartizan.accounts WHERE name = $1 FOR UPDATE");
        self.query(&query, &[&name])?.first().map(account).transpose()
    }

    fn insert_account(
        &mut self,
        name: &str,
        scope: &str,
        created: i64,
    ) -> Result<bool, StoreError> {
        let insert = "INSERT INTO bartizan.accounts (name, scope, created) VALUES ($1, $2, $3)
                      ON CONFLICT (name) DO NOTHING";
        Ok(self.execute(insert, &[&name, &scope, &created])? > 0)
    }

    fn delete_account(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(self.execute("DELETE FROM bartizan.accounts WHERE name = $1", &[&name])? > 0)
    }

    fn set_enrolment(&mut self, name: &str, hash: &TokenHash, ends: i64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE bartizan.accounts SET enrolment = $2, enrolment_ends = $3, password = NULL,
                 totp = NULL, browsers = '', known_tries = 0, known_again = 0, other_tries = 0,
                 other_again = 0
             WHERE name = $1",
            &[&name, &hash.as_slice(), &ends],
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
        self.execute(
            "UPDATE bartizan.accounts SET enrolment = NULL, enrolment_ends = NULL, password = $2,
                 totp = $3, totp_step = $4
             WHERE name = $1",
            &[&name, &password, &totp, &step],
        )?;
        Ok(())
    }

    fn set_totp(&mut self, name: &str, totp: &[u8]) -> Result<(), StoreError> {
        self.execute("UPDATE bartizan.accounts SET totp = $2 WHERE name = $1", &[&name, &totp])?;
        Ok(())
    }

    fn set_tally(&mut self, name: &str, whose: Tries, tally: Tally) -> Result<(), StoreError> {
        let update = match whose {
            Tries::Known => {
                "UPDATE bartizan.accounts SET known_tries = $2, known_again = $3 WHERE name = $1"
            }
            Tries::Other => {
                "UPDATE bartizan.accounts SET other_tries = $2, other_again = $3 WHERE name = $1"
            }
        };
        self.execute(update, &[&name, &tally.tries, &tally.again])?;
        Ok(())
    }

    fn note_login(
        &mut self,
        name: &str,
        step: i64,
        browsers: &[u8],
        now: i64,
    ) -> Result<bool, StoreError> {
        let noted = self.execute(
            "UPDATE bartizan.accounts SET totp_step = $2, browsers = $3, last_login = $4
             WHERE name = $1 AND totp_step < $2",
            &[&name, &step, &browsers, &now],
        )?;
        Ok(noted > 0)
    }

    fn sessions(&mut self) -> Result<Vec<SessionRecord>, StoreError> {
        let query = format!(
            "SELECT {SESSION} FROM bartizan.console_sessions ORDER BY id COLLATE \"C\" DESC"
        );
        self.query(&query, &[])?.iter().map(session).collect()
    }

    fn session(&mut self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        let query = format!("SELECT {SESSION} FROM bartizan.console_sessions WHERE hash = $1");
        self.query(&query, &[&hash.as_slice()])?.first().map(session).transpose()
    }

    fn insert_session(
        &mut self,
        session: &SessionRecord,
        hash: &TokenHash,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO bartizan.console_sessions
             (id, hash, name, scope, issuer, created, last_used, ends)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &session.id,
                &hash.as_slice(),
                &session.name,
                &session.scope.name(),
                &session.issuer,
                &session.created.as_microsecond(),
                &session.last_used.as_microsecond(),
                &session.ends.as_microsecond(),
            ],
        )?;
        Ok(())
    }

    fn set_session_used(&mut self, id: &str, at: i64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE bartizan.console_sessions SET last_used = greatest(last_used, $2) WHERE id = $1",
            &[&id, &at],
        )?;
        Ok(())
    }

    fn delete_session(&mut self, id: &str) -> Result<bool, StoreError> {
        if id.contains('\0') {
            return Ok(false);
        }
        Ok(self.execute("DELETE FROM bartizan.console_sessions WHERE id = $1", &[&id])? > 0)
    }

    fn delete_sessions_of_account(&mut self, name: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM bartizan.console_sessions WHERE name = $1 AND issuer IS NULL";
        self.execute(delete, &[&name])?;
        Ok(())
    }

    fn delete_sessions_of_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM bartizan.console_sessions WHERE name = $1", &[&name])?;
        Ok(())
    }

    fn forget_old(&mut self, now: i64, used_since: i64) -> Result<(), StoreError> {
        let delete = "DELETE FROM bartizan.console_sessions WHERE ends <= $1 OR last_used < $2";
        self.execute(delete, &[&now, &used_since])?;
        self.execute("DELETE FROM bartizan.used_logins WHERE until <= $1", &[&now])?;
        Ok(())
    }

    fn use_login(&mut self, hash: &TokenHash, until: i64) -> Result<bool, StoreError> {
        let insert = "INSERT INTO bartizan.used_logins (hash, until) VALUES ($1, $2)
                      ON CONFLICT (hash) DO NOTHING";
        Ok(self.execute(insert, &[&hash.as_slice(), &until])? > 0)
    }
}

fn account(row: &Row) -> Result<Account, StoreError> {
    let row = AccountRow {
        name: row.try_get(0)?,
        scope: row.try_get(1)?,
        created: row.try_get(2)?,
        enrolment: row.try_get(3)?,
        enrolment_ends: row.try_get(4)?,
        password: row.try_get(5)?,
        totp: row.try_get(6)?,
        browsers: row.try_get(7)?,
        known: Tally { tries: row.try_get(8)?, again: row.try_get(9)? },
        other: Tally { tries: row.try_get(10)?, again: row.try_get(11)? },
        last_login: row.try_get(12)?,
    };
    row.read()
}

fn session(row: &Row) -> Result<SessionRecord, StoreError> {
    let row = SessionRow {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        scope: row.try_get(2)?,
        issuer: row.try_get(3)?,
        created: row.try_get(4)?,
        last_used: row.try_get(5)?,
        ends: row.try_get(6)?,
    };
    row.read()
}
