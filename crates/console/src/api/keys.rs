//! Keys: made, listed, revoked. A key is shown once, in the answer that makes it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bartizan_core::access::Scope;
use bartizan_core::tags::TagError;
use bartizan_core::{Name, Secret, Tags, principal};
use bartizan_store::{KeyRecord, NewKey, StoreError};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{blocking, body, duration};
use crate::admin::{Admin, Change};
use crate::error::ConsoleError;
use crate::state::ConsoleState;

/// What stands before the id of a session of short tokens, where an id of a key could stand.
const SESSION: &str = "session:";

/// Body of `POST /api/v1/keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateKey {
    /// `alice@example.com`, `sp:bot`.
    name: String,
    /// `client`, `admin`, `operator`, `auditor`, `viewer`.
    scope: String,
    #[serde(default)]
    note: Option<String>,
    /// `30d`.
    #[serde(default)]
    expires_in: Option<String>,
    /// The only endpoints that it opens.
    #[serde(default)]
    endpoints: Option<Vec<Name>>,
    /// What use with it is put down to: `{"team": "search"}`.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Body of `POST /api/v1/keys/{id}/replace`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceKey {
    /// How long the old key goes on to work: `24h`.
    #[serde(default)]
    overlap: Option<String>,
    /// When the new one stops working: `90d`.
    #[serde(default)]
    expires_in: Option<String>,
}

/// How long an old key works beside the one that takes its place, where nobody says.
const OVERLAP: Duration = Duration::from_hours(24);

pub(crate) async fn create(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Response, ConsoleError> {
    let new = new_key(super::json(&body(bytes)?)?)?;
    allowed(&admin, &state, new.scope).await?;
    let reply = blocking(move || {
        let maker = Some(admin.identity.key_id.as_str());
        let (record, secret) = state.store.create_key_by(new, maker)?;
        let undo = || state.store.revoke_key(&record.id).map(|_| ());
        recorded(&state, &admin, "key-created", &record, undo)?;
        Ok(with_key(&record, &secret))
    })
    .await?;
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

pub(crate) async fn replace(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Response, ConsoleError> {
    let id = super::path(id)?;
    let request: ReplaceKey = super::json(&body(bytes)?)?;
    let overlap = match &request.overlap {
        None => OVERLAP,
        Some(text) => duration("overlap", text)?.unsigned_abs(),
    };
    let expires = expiry(request.expires_in.as_deref())?;
    let old = found(&state, &id).await?;
    allowed(&admin, &state, old.scope).await?;
    let reply = blocking(move || {
        let maker = Some(admin.identity.key_id.as_str());
        let (record, secret) = state.store.replace_key_by(&id, overlap, expires, maker)?;
        let undo = || state.store.undo_replacement(&record, old.expires);
        recorded(&state, &admin, "key-replaced", &record, undo)?;
        Ok(with_key(&record, &secret))
    })
    .await?;
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

/// Refuses, and records that, when the key opens more than the admin may hand out or take away.
async fn allowed(admin: &Admin, state: &ConsoleState, scope: Scope) -> Result<(), ConsoleError> {
    let allowed = admin.must_change(scope);
    if allowed.is_err() {
        admin.note_refusal(&*state.events).await;
    }
    allowed
}

/// A key by its id.
async fn found(state: &ConsoleState, id: &str) -> Result<KeyRecord, ConsoleError> {
    let (store, id) = (Arc::clone(&state.store), id.to_owned());
    blocking(move || {
        let found = store.list_keys()?.into_iter().find(|record| record.id == id);
        let missing = || StoreError::KeyNotFound { id: id.clone() };
        Ok(found.ok_or_else(missing)?)
    })
    .await
}

/// Records that there is a new key; one that nobody knows of must not exist.
fn recorded(
    state: &ConsoleState,
    admin: &Admin,
    operation: &str,
    record: &KeyRecord,
    undo: impl FnOnce() -> Result<(), StoreError>,
) -> Result<(), ConsoleError> {
    let change = Change {
        operation,
        status: 201,
        endpoint: None,
        subject: Some(record.principal()),
        detail: Some(describe(record)),
    };
    if admin.record(state.events.as_ref(), change) {
        return Ok(());
    }
    let undone = undo().is_ok();
    Err(ConsoleError::NotRecorded { undone })
}

fn with_key(record: &KeyRecord, secret: &Secret) -> Value {
    let mut reply = view(record);
    if let Value::Object(fields) = &mut reply {
        fields.insert("key".to_owned(), secret.expose().into());
    }
    reply
}

pub(crate) async fn list(State(state): State<ConsoleState>) -> Result<Response, ConsoleError> {
    let keys = blocking(move || Ok(state.store.list_keys()?)).await?;
    let keys: Vec<Value> = keys.iter().map(view).collect();
    Ok(Json(json!({ "schema": "bartizan.keys/v1", "keys": keys })).into_response())
}

/// Ends the short tokens of a session.
async fn end_session(
    state: &ConsoleState,
    admin: Admin,
    session: String,
) -> Result<Response, ConsoleError> {
    allowed(&admin, state, Scope::Client).await?;
    let (store, events) = (Arc::clone(&state.store), Arc::clone(&state.events));
    blocking(move || {
        store.end_session(&session)?;
        let id = format!("{SESSION}{session}");
        let change = Change {
            operation: "session-ended",
            status: 200,
            endpoint: None,
            subject: None,
            detail: Some(id.clone()),
        };
        // It stays ended when this fails: that is the safe side.
        if !admin.record(events.as_ref(), change) {
            return Err(ConsoleError::NotRecorded { undone: false });
        }
        Ok(Json(json!({ "id": id, "state": "ended" })).into_response())
    })
    .await
}

pub(crate) async fn revoke(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id = super::path(id)?;
    if let Some(session) = id.strip_prefix(SESSION) {
        return end_session(&state, admin, session.to_owned()).await;
    }
    allowed(&admin, &state, found(&state, &id).await?.scope).await?;
    let record = blocking(move || {
        let record = state.store.revoke_key(&id)?;
        let change = Change {
            operation: "key-revoked",
            status: 200,
            endpoint: None,
            subject: Some(record.principal()),
            detail: Some(describe(&record)),
        };
        // The key stays revoked when this fails: that is the safe side.
        if !admin.record(state.events.as_ref(), change) {
            return Err(ConsoleError::NotRecorded { undone: false });
        }
        Ok(record)
    })
    .await?;
    Ok(Json(view(&record)).into_response())
}

fn new_key(request: CreateKey) -> Result<NewKey, ConsoleError> {
    let wrong = |field, reason: &str| ConsoleError::Field { field, reason: reason.to_owned() };
    let (kind, name) =
        principal::parse_qualified(&request.name).map_err(|reason| wrong("name", reason))?;
    let scope = Scope::from_name(&request.scope).ok_or_else(|| {
        wrong("scope", "takes `client`, `admin`, `operator`, `auditor` or `viewer`")
    })?;
    let expires = expiry(request.expires_in.as_deref())?;
    let mut tags = Tags::default();
    for (name, value) in &request.tags {
        let name = name.parse().map_err(tag)?;
        tags.add(name, value).map_err(tag)?;
    }
    let (name, note, endpoints) = (name.to_owned(), request.note, request.endpoints);
    Ok(NewKey { scope, kind, name, note, expires, endpoints, tags })
}

fn tag(error: TagError) -> ConsoleError {
    ConsoleError::Field { field: "tags", reason: error.to_string() }
}

/// The moment that lies so far ahead.
fn expiry(expires_in: Option<&str>) -> Result<Option<Timestamp>, ConsoleError> {
    let Some(text) = expires_in else { return Ok(None) };
    let at = bartizan_core::time::now().checked_add(duration("expires_in", text)?);
    let reason = || "lies too far ahead".to_owned();
    at.map(Some).map_err(|_| ConsoleError::Field { field: "expires_in", reason: reason() })
}

fn view(record: &KeyRecord) -> Value {
    let time = |time: Option<Timestamp>| time.map(bartizan_core::time::format);
    json!({
        "id": record.id,
        "name": record.principal(),
        "scope": record.scope.name(),
        "note": record.note,
        "created": time(Some(record.created)),
        "expires": time(record.expires),
        "revoked": time(record.revoked),
        "last_used": time(record.last_used),
        "endpoints": record.endpoints,
        "tags": record.tags,
        "replaces": record.replaces,
        "maker": record.maker,
    })
}

fn describe(record: &KeyRecord) -> String {
    format!("{} key {}", record.scope.name(), record.id)
}
