//! What the store needs of a database, whichever it is.
//!
//! The store decides; a backend keeps rows. Every kind is held to the same suite of tests.

pub(crate) mod login;

use std::fmt::Debug;

use bartizan_core::access::Scope;
use bartizan_core::principal::PrincipalKind;
use jiff::Timestamp;

use crate::changes::{ChangeKind, ChangeRecord, ChangeState, Hand};
use crate::endpoints::EndpointRecord;
use crate::error::StoreError;
use crate::key::{KeyHash, KeyRecord, read_tags};

/// Something to do with rows.
pub(crate) type Work<'w> = &'w mut (dyn FnMut(&mut dyn Rows) -> Result<(), StoreError> + Send);

/// A database.
pub(crate) trait Backend: Debug + Send {
    /// A number that differs from before when somebody else has changed anything that counts.
    fn version(&mut self) -> Result<i64, StoreError>;

    /// Reads.
    fn read(&mut self, work: Work<'_>) -> Result<(), StoreError>;

    /// Changes everything that the work changes in one step, or nothing. Nobody else changes anything meanwhile.
    fn change(&mut self, work: Work<'_>) -> Result<(), StoreError>;

    /// Changes in one step what no index holds: nobody else need hear of it.
    fn change_quietly(&mut self, work: Work<'_>) -> Result<(), StoreError>;

    /// Notes when keys were last used, in microseconds since 1970. A change of no consequence to others.
    fn note_uses(&mut self, uses: &[(String, i64)]) -> Result<(), StoreError>;

    /// Sees to it that what was removed is not in the files of the database any more, as far as it can.
    fn sweep(&mut self) -> Result<(), StoreError>;
}

/// A key as its row was read, with its hash.
pub(crate) type ReadKey = Result<(KeyHash, KeyRecord), StoreError>;

/// The rows of a database while it is read or changed. Times are microseconds since 1970, UTC.
pub(crate) trait Rows: login::LoginRows {
    /// All keys, by id, which is in the order in which they were made. A row that no version writes is an error of
    /// its own.
    fn each_key(&mut self) -> Result<Vec<ReadKey>, StoreError>;

    /// All keys; an error when a row is damaged.
    fn keys(&mut self) -> Result<Vec<(KeyHash, KeyRecord)>, StoreError> {
        self.each_key()?.into_iter().collect()
    }

    fn insert_key(&mut self, record: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError>;

    fn set_expires(&mut self, id: &str, at: Option<i64>) -> Result<(), StoreError>;

    fn set_revoked(&mut self, id: &str, at: i64) -> Result<(), StoreError>;

    fn delete_key(&mut self, id: &str) -> Result<(), StoreError>;

    /// Sessions whose tokens are not taken any more, each with the moment from which on it may be forgotten.
    fn ended_sessions(&mut self) -> Result<Vec<(String, i64)>, StoreError>;

    /// Ends a session, and forgets those that may be forgotten at `now`.
    fn end_session(&mut self, id: &str, until: i64, now: i64) -> Result<(), StoreError>;

    /// All endpoints, by name.
    fn endpoints(&mut self) -> Result<Vec<EndpointRecord>, StoreError>;

    fn endpoint(&mut self, name: &str) -> Result<Option<EndpointRecord>, StoreError>;

    fn put_endpoint(&mut self, name: &str, body: &str, updated: i64) -> Result<(), StoreError>;

    /// False when there was none.
    fn delete_endpoint(&mut self, name: &str) -> Result<bool, StoreError>;

    /// All changes, the oldest first, without their bodies.
    fn changes(&mut self) -> Result<Vec<ChangeRecord>, StoreError>;

    fn change(&mut self, id: &str) -> Result<Option<ChangeRecord>, StoreError>;

    fn insert_change(&mut self, change: &ChangeRecord) -> Result<(), StoreError>;

    /// Writes what may change about one: proposer, end, state and decider.
    fn update_change(&mut self, change: &ChangeRecord) -> Result<(), StoreError>;

    fn delete_change(&mut self, id: &str) -> Result<(), StoreError>;
}

/// A change as its row has it.
pub(crate) struct ChangeRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) body: String,
    pub(crate) against: String,
    pub(crate) target: String,
    pub(crate) proposer: Option<String>,
    pub(crate) proposer_key: Option<String>,
    pub(crate) weaknesses: String,
    pub(crate) created: i64,
    pub(crate) expires: i64,
    pub(crate) state: String,
    pub(crate) decider: Option<String>,
    pub(crate) decided: Option<i64>,
}

impl ChangeRow {
    /// Columns in the order in which rows are read, with their bodies.
    pub(crate) const COLUMNS: &str = "id, kind, name, body, against, target, proposer, proposer_key, weaknesses, created, expires, state, decider, decided";
    /// The same without what is long.
    pub(crate) const COLUMNS_SHORT: &str = "id, kind, name, '' AS body, against, target, proposer, proposer_key, weaknesses, created, expires, state, decider, decided";

    /// The change, if the row says what a row can say.
    pub(crate) fn read(self) -> Result<ChangeRecord, StoreError> {
        let (kind, state) =
            (ChangeKind::from_name(&self.kind), ChangeState::from_name(&self.state));
        let (Some(kind), Some(state)) = (kind, state) else {
            return Err(StoreError::Damaged { table: "changes", id: self.id });
        };
        let proposer = match (self.proposer, self.proposer_key) {
            (Some(principal), Some(key)) => Some(Hand { principal, key }),
            (None, None) => None,
            // Whoever approves has to be another than somebody who is known.
            _ => return Err(StoreError::Damaged { table: "changes", id: self.id }),
        };
        Ok(ChangeRecord {
            id: self.id,
            kind,
            name: self.name,
            body: self.body,
            against: self.against,
            target: self.target,
            proposer,
            weaknesses: self.weaknesses,
            created: timestamp(self.created),
            expires: timestamp(self.expires),
            state,
            decider: self.decider,
            decided: self.decided.map(timestamp),
        })
    }
}

/// A key as its row has it.
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) scope: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) created: i64,
    pub(crate) expires: Option<i64>,
    pub(crate) revoked: Option<i64>,
    pub(crate) last_used: Option<i64>,
    /// Names with commas between, which no name has.
    pub(crate) endpoints: Option<String>,
    pub(crate) replaces: Option<String>,
    pub(crate) maker: Option<String>,
    /// `NAME=VALUE` on each line.
    pub(crate) tags: Option<String>,
}

impl KeyRow {
    /// Columns in the order in which rows are read.
    pub(crate) const COLUMNS: &str = "id, scope, kind, name, note, created, expires, revoked, last_used, endpoints, replaces, maker, hash, tags";

    /// The key, if the row says what a row can say.
    pub(crate) fn read(self) -> Result<KeyRecord, StoreError> {
        let Self { id, scope, kind, .. } = self;
        let known_kinds = [PrincipalKind::User, PrincipalKind::ServicePrincipal];
        let kind = known_kinds.into_iter().find(|known| known.name() == kind);
        let (Some(scope), Some(kind)) = (Scope::from_name(&scope), kind) else {
            return Err(StoreError::Damaged { table: "keys", id });
        };
        let endpoints = match self.endpoints {
            None => None,
            Some(names) => match names.split(',').map(str::parse).collect() {
                Ok(names) => Some(names),
                // Without its bounds a key would open more than it may.
                Err(_) => return Err(StoreError::Damaged { table: "keys", id }),
            },
        };
        // Without its tags its use would count for nobody's budget.
        let tags = self.tags.as_deref().map(read_tags).transpose();
        let Ok(tags) = tags else { return Err(StoreError::Damaged { table: "keys", id }) };
        Ok(KeyRecord {
            scope,
            kind,
            name: self.name,
            note: self.note,
            created: timestamp(self.created),
            expires: self.expires.map(timestamp),
            revoked: self.revoked.map(timestamp),
            last_used: self.last_used.map(timestamp),
            endpoints,
            replaces: self.replaces,
            maker: self.maker,
            tags: tags.unwrap_or_default(),
            id,
        })
    }
}

/// Times come from this crate and are in range; a damaged one becomes 1970.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
