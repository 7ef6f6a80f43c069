//! Endpoints: listed, shown, made, removed. What they mean is left to the implementation behind
//! `EndpointAdmin`.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bartizan_core::id::Name;
use serde_json::json;

use super::{blocking, body, changes};
use crate::admin::{Admin, Change};
use crate::error::ConsoleError;
use crate::state::{Asked, ConsoleState};

pub(crate) async fn list(State(state): State<ConsoleState>) -> Result<Response, ConsoleError> {
    let endpoints = blocking(move || Ok(state.endpoints.list()?)).await?;
    let reply = json!({ "schema": "bartizan.endpoints/v1", "endpoints": endpoints });
    Ok(Json(reply).into_response())
}

pub(crate) async fn get(
    State(state): State<ConsoleState>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let name = parse(name)?;
    let endpoint = blocking(move || Ok(state.endpoints.get(&name)?)).await?;
    Ok(Json(endpoint).into_response())
}

pub(crate) async fn put(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    name: Result<Path<String>, PathRejection>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Response, ConsoleError> {
    let name = parse(name)?;
    let bytes = body(bytes)?;
    // The implementation reads the text; here it only has to be one JSON object.
    super::json::<serde_json::Map<String, serde_json::Value>>(&bytes)?;
    let text = String::from_utf8(bytes.into()).map_err(|_| ConsoleError::BodyUnreadable)?;
    blocking(move || {
        let asked = state.endpoints.put(&name, &text, &admin.hand())?;
        answer(&state, &admin, "endpoint-changed", &name, asked)
    })
    .await
}

pub(crate) async fn delete(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let name = parse(name)?;
    blocking(move || {
        let asked = state.endpoints.delete(&name, &admin.hand())?;
        answer(&state, &admin, "endpoint-removed", &name, asked)
    })
    .await
}

fn answer(
    state: &ConsoleState,
    admin: &Admin,
    operation: &str,
    name: &Name,
    asked: Asked,
) -> Result<Response, ConsoleError> {
    match asked {
        Asked::Done(endpoint) => {
            record(state, admin, operation, name)?;
            Ok(Json(endpoint).into_response())
        }
        Asked::Waits { change, is_new } => changes::proposed(state, admin, &change, is_new),
    }
}

fn parse(name: Result<Path<String>, PathRejection>) -> Result<Name, ConsoleError> {
    let wrong = |error: bartizan_core::id::IdError| ConsoleError::Field {
        field: "name",
        reason: error.to_string(),
    };
    super::path(name)?.parse().map_err(wrong)
}

fn record(
    state: &ConsoleState,
    admin: &Admin,
    operation: &str,
    name: &Name,
) -> Result<(), ConsoleError> {
    let endpoint = Some(name.as_str());
    let change = Change { operation, status: 200, endpoint, subject: None, detail: None };
    if admin.record(state.events.as_ref(), change) {
        Ok(())
    } else {
        Err(ConsoleError::NotRecorded { undone: false })
    }
}
