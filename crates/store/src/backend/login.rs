//! The rows of people who sign in: accounts, their sessions, and logins that were used.

use bartizan_core::access::Scope;

use super::timestamp;
use crate::accounts::AccountRecord;
use crate::error::StoreError;
use crate::sessions::SessionRecord;

/// SHA-256 of something random that only its holder has.
pub(crate) type TokenHash = [u8; 32];

/// Whose tries are counted apart from those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Those of browsers that signed in before.
    Known,
    /// Those of all others.
    Other,
}

/// Tries of an account: how many since the last success, and from when on there may be another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) tries: i64,
    pub(crate) again: i64,
}

/// An account with what only the store needs.
pub(crate) struct Account {
    pub(crate) record: AccountRecord,
    pub(crate) enrolment: Option<TokenHash>,
    pub(crate) password: Option<String>,
    pub(crate) totp: Option<Vec<u8>>,
    /// Hashes of what known browsers have, one behind the other.
    pub(crate) browsers: Vec<u8>,
    pub(crate) known: Tally,
    pub(crate) other: Tally,
}

/// Rows of accounts and sessions. Times are microseconds since 1970, UTC.
pub(crate) trait LoginRows {
    /// All accounts, by name.
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError>;

    /// One account. Inside of a change, nobody else changes it until that ends.
    fn account(&mut self, name: &str) -> Result<Option<Account>, StoreError>;

    /// False when there is one of this name.
    fn insert_account(&mut self, name: &str, scope: &str, created: i64)
    -> Result<bool, StoreError>;

    /// False when there was none.
    fn delete_account(&mut self, name: &str) -> Result<bool, StoreError>;

    /// Takes away password, code, known browsers and tries, and lets somebody make the account theirs.
    fn set_enrolment(&mut self, name: &str, hash: &TokenHash, ends: i64) -> Result<(), StoreError>;

    /// Sets what the account signs in with, and ends the enrolment.
    fn set_credentials(
        &mut self,
        name: &str,
        password: &str,
        totp: &[u8],
        step: i64,
    ) -> Result<(), StoreError>;

    fn set_totp(&mut self, name: &str, totp: &[u8]) -> Result<(), StoreError>;

    fn set_tally(&mut self, name: &str, whose: Tries, tally: Tally) -> Result<(), StoreError>;

    /// Notes a login: the step of its code and the browsers that are known now. False when a code of this step, or a
    /// later one, was used before.
    fn note_login(
        &mut self,
        name: &str,
        step: i64,
        browsers: &[u8],
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Sessions, the newest first.
    fn sessions(&mut self) -> Result<Vec<SessionRecord>, StoreError>;

    fn session(&mut self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError>;

    fn insert_session(
        &mut self,
        session: &SessionRecord,
        hash: &TokenHash,
    ) -> Result<(), StoreError>;

    fn set_session_used(&mut self, id: &str, at: i64) -> Result<(), StoreError>;

    /// False when there was none.
    fn delete_session(&mut self, id: &str) -> Result<bool, StoreError>;

    /// Ends the sessions of an account.
    fn delete_sessions_of_account(&mut self, name: &str) -> Result<(), StoreError>;

    /// Ends the sessions of everybody of this name, whoever signed them in.
    fn delete_sessions_of_name(&mut self, name: &str) -> Result<(), StoreError>;

    /// Forgets sessions that ended, or were not used since `used_since`, and logins that nobody could use again.
    fn forget_old(&mut self, now: i64, used_since: i64) -> Result<(), StoreError>;

    /// False when it was used before.
    fn use_login(&mut self, hash: &TokenHash, until: i64) -> Result<bool, StoreError>;
}

/// Columns of an account in the order in which rows are read.
pub(crate) const ACCOUNT: &str = "name, scope, created, enrolment, enrolment_ends, password, totp, browsers, known_tries, known_again, other_tries, other_again, last_login";

/// Columns of a session in the order in which rows are read.
pub(crate) const SESSION: &str = "id, name, scope, issuer, created, last_used, ends";

/// An account as its row has it.
pub(crate) struct AccountRow {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) created: i64,
    pub(crate) enrolment: Option<Vec<u8>>,
    pub(crate) enrolment_ends: Option<i64>,
    pub(crate) password: Option<String>,
    pub(crate) totp: Option<Vec<u8>>,
    pub(crate) browsers: Vec<u8>,
    pub(crate) known: Tally,
    pub(crate) other: Tally,
    pub(crate) last_login: Option<i64>,
}

impl AccountRow {
    /// The account, if the row says what a row can say.
    pub(crate) fn read(self) -> Result<Account, StoreError> {
        let scope = Scope::from_name(&self.scope).filter(|scope| *scope != Scope::Client);
        let enrolment = self.enrolment.as_deref().map(TokenHash::try_from).transpose();
        let (Some(scope), Ok(enrolment)) = (scope, enrolment) else {
            return Err(StoreError::Damaged { table: "accounts", id: self.name });
        };
        Ok(Account {
            record: AccountRecord {
                name: self.name,
                scope,
                created: timestamp(self.created),
                is_enrolled: self.password.is_some() && self.totp.is_some(),
                enrolment_ends: self.enrolment_ends.map(timestamp),
                last_login: self.last_login.map(timestamp),
                locked_until: (self.other.again > 0).then(|| timestamp(self.other.again)),
            },
            enrolment,
            password: self.password,
            totp: self.totp,
            browsers: self.browsers,
            known: self.known,
            other: self.other,
        })
    }
}

/// A session as its row has it.
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) issuer: Option<String>,
    pub(crate) created: i64,
    pub(crate) last_used: i64,
    pub(crate) ends: i64,
}

impl SessionRow {
    /// The session, if the row says what a row can say.
    pub(crate) fn read(self) -> Result<SessionRecord, StoreError> {
        let scope = Scope::from_name(&self.scope).filter(|scope| *scope != Scope::Client);
        let Some(scope) = scope else {
            return Err(StoreError::Damaged { table: "console_sessions", id: self.id });
        };
        Ok(SessionRecord {
            id: self.id,
            name: self.name,
            scope,
            issuer: self.issuer,
            created: timestamp(self.created),
            last_used: timestamp(self.last_used),
            ends: timestamp(self.ends),
        })
    }
}
