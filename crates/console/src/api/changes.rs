//! Changes that wait for a second person: listed, shown, approved, rejected. Who may decide is the store's to say,
//! what becomes weaker that of the implementation behind `EndpointAdmin`.

use std::collections::BTreeSet;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bartizan_core::error::{Class, Coded as _};
use bartizan_store::{Approved, Approver, ChangeKind, ChangeRecord, ChangeState};
use serde_json::{Value, json};

use super::blocking;
use crate::admin::{Admin, Change};
use crate::error::ConsoleError;
use crate::state::ConsoleState;

pub(crate) async fn list(State(state): State<ConsoleState>) -> Result<Response, ConsoleError> {
    let changes = blocking(move || Ok(state.store.list_changes()?)).await?;
    let changes: Vec<Value> = changes.iter().rev().map(view).collect();
    Ok(Json(json!({ "schema": "bartizan.changes/v1", "changes": changes })).into_response())
}

pub(crate) async fn show(
    State(state): State<ConsoleState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id = super::path(id)?;
    let change = blocking(move || Ok(state.store.get_change(&id)?)).await?;
    let mut reply = view(&change);
    if let Value::Object(fields) = &mut reply {
        let body = match change.kind {
            // An endpoint is JSON, a policy is YAML.
            ChangeKind::EndpointPut => serde_json::from_str(&change.body).unwrap_or(Value::Null),
            ChangeKind::EndpointDelete => Value::Null,
            ChangeKind::PolicyFile => change.body.into(),
        };
        fields.insert("schema".to_owned(), "bartizan.change/v1".into());
        fields.insert("body".to_owned(), body);
    }
    Ok(Json(reply).into_response())
}

pub(crate) async fn approve(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id = super::path(id)?;
    let by = Approver { kind: admin.identity.kind, hand: admin.hand() };
    let (endpoints, events) = (state.endpoints, state.events);
    let approving = move || Ok(endpoints.approve(&id, &by)?);
    let approved = match blocking(approving).await {
        Err(error) if error.class() == Class::Denied => {
            // Somebody tried to do alone what takes two.
            admin.note_refusal(&*events).await;
            return Err(error);
        }
        approved => approved?,
    };
    let (operation, status, change) = match approved {
        Approved::Done(change) => ("change-approved", StatusCode::OK, change),
        Approved::OneMore(change) => ("change-vouched", StatusCode::ACCEPTED, change),
        Approved::Void(change) => return Err(ConsoleError::ChangeVoid { id: change.id }),
    };
    blocking(move || {
        let reply = view(&change);
        if note(&admin, &*events, operation, status, &change) {
            return Ok((status, Json(reply)).into_response());
        }
        Err(ConsoleError::NotRecorded { undone: false })
    })
    .await
}

pub(crate) async fn reject(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id = super::path(id)?;
    blocking(move || {
        let change = state.store.reject_change(&id, &admin.hand())?;
        // It stays rejected when this fails: that is the safe side.
        if note(&admin, &*state.events, "change-rejected", StatusCode::OK, &change) {
            return Ok(Json(view(&change)).into_response());
        }
        Err(ConsoleError::NotRecorded { undone: false })
    })
    .await
}

/// The answer to a request that waits from now on.
pub(crate) fn proposed(
    state: &ConsoleState,
    admin: &Admin,
    change: &ChangeRecord,
    is_new: bool,
) -> Result<Response, ConsoleError> {
    let status = StatusCode::ACCEPTED;
    // One that nobody knows of must not wait. What was sent once more is known.
    if is_new && !note(admin, &*state.events, "change-proposed", status, change) {
        let undone = state.store.void_change(&change.id).is_ok();
        return Err(ConsoleError::NotRecorded { undone });
    }
    Ok((status, Json(view(change))).into_response())
}

fn note(
    admin: &Admin,
    events: &dyn bartizan_core::event::EventSink,
    operation: &str,
    status: StatusCode,
    change: &ChangeRecord,
) -> bool {
    let endpoint = change.endpoint();
    let event = Change {
        operation,
        status: status.as_u16(),
        endpoint: endpoint.as_ref().map(bartizan_core::id::Name::as_str),
        subject: None,
        detail: Some(describe_change(change)),
    };
    admin.record(events, event)
}

/// The change and the kinds of what becomes weaker, for `detail` of events.
pub fn describe_change(change: &ChangeRecord) -> String {
    let weaker = weaker(change);
    let kinds = weaker.as_array().into_iter().flatten().filter_map(|it| it.get("kind"));
    let kinds: BTreeSet<&str> = kinds.filter_map(Value::as_str).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
    let ChangeRecord { id, kind, name, .. } = change;
    match kind {
        ChangeKind::PolicyFile => format!("change {id}, to policy {name}: {kinds}"),
        ChangeKind::EndpointPut | ChangeKind::EndpointDelete => format!("change {id}: {kinds}"),
    }
}

fn weaker(change: &ChangeRecord) -> Value {
    serde_json::from_str(&change.weaknesses).unwrap_or(Value::Null)
}

fn view(change: &ChangeRecord) -> Value {
    let time = |at| bartizan_core::time::format(at);
    let waits = change.state == ChangeState::Waiting;
    json!({
        "id": change.id,
        "kind": change.kind.name(),
        "name": change.name,
        "state": change.state.name(),
        "proposer": change.proposer.as_ref().map(|hand| &hand.principal),
        "created": time(change.created),
        "expires": time(change.expires),
        "decider": change.decider,
        "decided": change.decided.map(time),
        "approvals_missing": match (waits, &change.proposer) {
            (false, _) => 0,
            (true, Some(_)) => 1,
            (true, None) => 2,
        },
        "weaker": weaker(change),
    })
}
