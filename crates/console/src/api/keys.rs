//! Keys: made, listed, revoked. A key is shown once, in the answer that makes it.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bartizan_core::access::Scope;
use bartizan_core::principal;
use bartizan_store::{KeyRecord, NewKey};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{blocking, body, duration};
use crate::admin::{Admin, Change};
use crate::error::ConsoleError;
use crate::state::ConsoleState;

/// Body of `POST /api/v1/keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateKey {
    /// `alice@example.com`, `sp:bot`.
    name: String,
    /// `client` or `admin`.
    scope: String,
    #[serde(default)]
    note: Option<String>,
    /// `30d`.
    #[serde(default)]
    expires_in: Option<String>,
}

pub(crate) async fn create(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Response, ConsoleError> {
    let new = new_key(super::json(&body(bytes)?)?)?;
    let reply = blocking(move || {
        let (record, secret) = state.store.create_key(new)?;
        let change = Change {
            operation: "key-created",
            status: 201,
            endpoint: None,
            subject: Some(record.principal()),
            detail: Some(describe(&record)),
        };
        if !admin.record(state.events.as_ref(), change) {
            // A key that nobody knows of must not exist.
            let undone = state.store.revoke_key(&record.id).is_ok();
            return Err(ConsoleError::NotRecorded { undone });
        }
        let mut reply = view(&record);
        if let Value::Object(fields) = &mut reply {
            fields.insert("key".to_owned(), secret.expose().into());
        }
        Ok(reply)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

pub(crate) async fn list(State(state): State<ConsoleState>) -> Result<Response, ConsoleError> {
    let keys = blocking(move || Ok(state.store.list_keys()?)).await?;
    let keys: Vec<Value> = keys.iter().map(view).collect();
    Ok(Json(json!({ "schema": "bartizan.keys/v1", "keys": keys })).into_response())
}

pub(crate) async fn revoke(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id = super::path(id)?;
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
    let scope = Scope::from_name(&request.scope)
        .ok_or_else(|| wrong("scope", "takes `client` or `admin`"))?;
    let expires = match &request.expires_in {
        None => None,
        Some(text) => Some(
            bartizan_core::time::now()
                .checked_add(duration("expires_in", text)?)
                .map_err(|_| wrong("expires_in", "lies too far ahead"))?,
        ),
    };
    Ok(NewKey { scope, kind, name: name.to_owned(), note: request.note, expires })
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
    })
}

fn describe(record: &KeyRecord) -> String {
    format!("{} key {}", record.scope.name(), record.id)
}
