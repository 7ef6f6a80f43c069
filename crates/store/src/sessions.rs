//! Sessions of people at the console. Only the hash is kept of what stands for one in a browser.

use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::redact::Secret;
use jiff::Timestamp;
use uuid::Uuid;

use crate::accounts::{self, NewLogin};
use crate::backend::Rows;
use crate::backend::login::TokenHash;
use crate::backend::timestamp;
use crate::error::StoreError;
use crate::store::Store;

/// Most sessions of a person at once; the oldest ends when there would be more.
pub const SESSIONS_MAX: usize = 16;

/// Least time between two notes of when a session was last used.
const NOTED_EVERY: Duration = Duration::from_secs(30);
/// How long it is remembered that a login of an identity provider was used: longer than one takes.
const USED_REMEMBERED: Duration = Duration::from_hours(1);

/// When sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// After so much time without a request.
    pub idle: Duration,
    /// After so much time.
    pub total: Duration,
}

/// A session that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Name of the person.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
    /// Id of the issuer that signed them in; absent for an account.
    pub issuer: Option<String>,
}

/// A session, without what stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Public id, safe to log and to show; ids sort by beginning.
    pub id: String,
    /// Name of the person.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
    /// Id of the issuer that signed them in; absent for an account.
    pub issuer: Option<String>,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, to half a minute.
    pub last_used: Timestamp,
    /// When it ends at the latest.
    pub ends: Timestamp,
}

impl SessionRecord {
    fn is_over(&self, lasting: Lasting, now: Timestamp) -> bool {
        let idle_end = self.last_used.checked_add(lasting.idle).unwrap_or(Timestamp::MAX);
        // What the policy says now holds for sessions from before, too.
        let total_end = self.created.checked_add(lasting.total).unwrap_or(Timestamp::MAX);
        now >= self.ends || now >= idle_end || now >= total_end
    }
}

impl Store {
    /// Begins a session of somebody whom an identity provider signed in; none where this login was used before.
    /// `login` is what the browser had while the person was there.
    ///
    /// # Errors
    /// [`StoreError::Random`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn begin_session(
        &self,
        new: &NewSession,
        login: &Secret,
        lasting: Lasting,
    ) -> Result<Option<NewLogin>, StoreError> {
        let (token, token_hash) = accounts::token("")?;
        let login = accounts::hash(login);
        let now = bartizan_core::time::now();
        let until = now.checked_add(USED_REMEMBERED).unwrap_or(Timestamp::MAX);
        self.change_quietly(|rows| {
            if !rows.use_login(&login, until.as_microsecond())? {
                return Ok(None);
            }
            let session = insert(rows, new, &token_hash, lasting, now)?;
            Ok(Some(NewLogin { token: token.clone(), browser: None, session }))
        })
    }

    /// The session that something stands for, if it goes on: notes that it was used. The scope of an account is the one
    /// that it has now; who has none any more has no session.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn console_session(
        &self,
        token: &Secret,
        lasting: Lasting,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let hash = accounts::hash(token);
        let now = timestamp(bartizan_core::time::now().as_microsecond());
        let found = self.read(|rows| {
            let session = rows.session(&hash)?.filter(|session| !session.is_over(lasting, now));
            match session {
                Some(session) => of_whom_it_is(rows, session),
                None => Ok(None),
            }
        })?;
        let Some(mut session) = found else { return Ok(None) };
        let noted_every = NOTED_EVERY.min(lasting.idle / 4);
        if now.duration_since(session.last_used).unsigned_abs() >= noted_every {
            self.change_quietly(|rows| rows.set_session_used(&session.id, now.as_microsecond()))?;
            session.last_used = session.last_used.max(now);
        }
        Ok(Some(session))
    }

    /// All sessions that go on, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn list_console_sessions(
        &self,
        lasting: Lasting,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let now = bartizan_core::time::now();
        self.read(|rows| {
            let sessions = rows.sessions()?.into_iter();
            let live: Vec<_> = sessions.filter(|session| !session.is_over(lasting, now)).collect();
            let whose = live.into_iter().map(|session| of_whom_it_is(rows, session));
            let whose: Vec<Option<SessionRecord>> = whose.collect::<Result<_, _>>()?;
            Ok(whose.into_iter().flatten().collect())
        })
    }

    /// Ends a session at once.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`], [`StoreError::Database`].
    pub fn end_console_session(&self, id: &str) -> Result<(), StoreError> {
        let was_there = self.change_quietly(|rows| rows.delete_session(id))?;
        if was_there { Ok(()) } else { Err(StoreError::SessionNotFound { id: id.to_owned() }) }
    }
}

/// The session with the scope of its account as it is now; none where there is no such account any more.
fn of_whom_it_is(
    rows: &mut dyn Rows,
    mut session: SessionRecord,
) -> Result<Option<SessionRecord>, StoreError> {
    if session.issuer.is_some() {
        return Ok(Some(session));
    }
    let account = rows.account(&session.name)?.map(|account| account.record);
    let account =
        account.filter(|account| account.is_enrolled && account.created <= session.created);
    Ok(account.map(|account| {
        session.scope = account.scope;
        session
    }))
}

/// Begins a session, and forgets what is over.
pub(crate) fn insert(
    rows: &mut dyn Rows,
    new: &NewSession,
    hash: &TokenHash,
    lasting: Lasting,
    now: Timestamp,
) -> Result<SessionRecord, StoreError> {
    let used_since = now.checked_sub(lasting.idle).unwrap_or(Timestamp::MIN);
    rows.forget_old(now.as_microsecond(), used_since.as_microsecond())?;
    let is_theirs =
        |session: &SessionRecord| session.name == new.name && session.issuer == new.issuer;
    let theirs = rows.sessions()?.into_iter().filter(is_theirs);
    for session in theirs.skip(SESSIONS_MAX - 1).collect::<Vec<_>>() {
        rows.delete_session(&session.id)?;
    }
    let now = timestamp(now.as_microsecond());
    let ends = now.checked_add(lasting.total).unwrap_or(Timestamp::MAX);
    let session = SessionRecord {
        id: Uuid::now_v7().to_string(),
        name: new.name.clone(),
        scope: new.scope,
        issuer: new.issuer.clone(),
        created: now,
        last_used: now,
        ends: timestamp(ends.as_microsecond()),
    };
    rows.insert_session(&session, hash)?;
    Ok(session)
}
