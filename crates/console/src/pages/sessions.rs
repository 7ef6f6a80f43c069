//! Sessions: one's own, and for those who may change keys of the console everybody's.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use bartizan_core::access::Right;
use bartizan_core::time::Timestamp;
use bartizan_store::{SessionRecord, StoreError};

use crate::admin::{Admin, Session};
use crate::api::blocking;
use crate::error::ConsoleError;
use crate::login::{Cookie, Kept};
use crate::pages::sign_in::login_of;
use crate::pages::{self, Visitor};
use crate::state::ConsoleState;

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    visitor: Option<Visitor>,
    sees_all: bool,
    sessions: Vec<Row>,
}

/// A session as the page shows it.
struct Row {
    id: String,
    name: String,
    scope: &'static str,
    how: String,
    created: String,
    last_used: String,
    ends: String,
    is_this: bool,
}

/// The page at `/sessions`.
pub(crate) async fn page(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
) -> Response {
    pages::answer(list(&state, &admin).await)
}

async fn list(state: &ConsoleState, admin: &Admin) -> Result<Response, ConsoleError> {
    let sessions = visible(state, admin).await?;
    let this = admin.session.as_ref().map(|session| session.record.id.as_str());
    let row = |session: SessionRecord| Row {
        is_this: this == Some(session.id.as_str()),
        id: session.id,
        name: session.name,
        scope: session.scope.name(),
        how: session.issuer.unwrap_or_else(|| "account".to_owned()),
        created: minute(session.created),
        last_used: minute(session.last_used),
        ends: minute(session.ends),
    };
    let page = SessionsPage {
        visitor: Visitor::of(admin),
        sees_all: sees_all(admin),
        sessions: sessions.into_iter().map(row).collect(),
    };
    pages::html(StatusCode::OK, &page)
}

/// The form at `/sessions/{id}/end`.
pub(crate) async fn end(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    pages::answer(end_one(&state, &admin, id).await)
}

async fn end_one(
    state: &ConsoleState,
    admin: &Admin,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id = crate::api::path(id)?;
    let found = visible(state, admin).await?.into_iter().find(|session| session.id == id);
    let session = found.ok_or(StoreError::SessionNotFound { id })?;
    leave(state, admin, "session-ended", session).await?;
    Ok(pages::go("/sessions"))
}

/// The form at `/logout`.
pub(crate) async fn logout(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
) -> Response {
    pages::answer(end_this(&state, &admin).await)
}

async fn end_this(state: &ConsoleState, admin: &Admin) -> Result<Response, ConsoleError> {
    let login = login_of(state)?;
    // A key is not signed out: it is revoked.
    let Some(Session { record, .. }) = &admin.session else { return Err(ConsoleError::NoSession) };
    leave(state, admin, "logout", record.clone()).await?;
    pages::with_cookies(pages::go("/"), [Cookie::Session.unset(login)])
}

/// Ends a session, and says so in the log. It stays ended when that fails: that is the safe side.
async fn leave(
    state: &ConsoleState,
    admin: &Admin,
    operation: &'static str,
    session: SessionRecord,
) -> Result<(), ConsoleError> {
    let (store, events) = (state.store.clone(), state.events.clone());
    let admin = admin.clone();
    blocking(move || {
        match store.end_console_session(&session.id) {
            // Somebody else was faster.
            Ok(()) | Err(StoreError::SessionNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let principal = admin.event(operation).principal.unwrap_or_default();
        let kept = Kept {
            operation,
            request: admin.request_id,
            name: &principal,
            subject: Some(&session.name),
            status: 303,
            detail: format!("console-session:{}", session.id),
        };
        if kept.record(&*events) {
            return Ok(());
        }
        Err(ConsoleError::NotRecorded { undone: false })
    })
    .await
}

/// The sessions that somebody may see and end.
async fn visible(state: &ConsoleState, admin: &Admin) -> Result<Vec<SessionRecord>, ConsoleError> {
    let login = login_of(state)?;
    let (store, lasting, admin) = (state.store.clone(), login.lasting, admin.clone());
    blocking(move || {
        let mut sessions = store.list_console_sessions(lasting)?;
        if !sees_all(&admin) {
            let own = admin.session.as_ref().map(|session| &session.record);
            sessions.retain(|session| {
                own.is_some_and(|own| own.name == session.name && own.issuer == session.issuer)
            });
        }
        Ok(sessions)
    })
    .await
}

/// Who may end keys that open the console may end sessions there.
fn sees_all(admin: &Admin) -> bool {
    admin.identity.scope.may(Right::ChangeConsoleKeys)
}

/// To the minute, in UTC.
fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
