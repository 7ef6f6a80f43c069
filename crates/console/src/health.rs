//! Health, readiness and metrics: for machines, open to everyone who reaches the port.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::api::blocking;
use crate::error::ConsoleError;
use crate::state::ConsoleState;

/// The process is up.
pub(crate) async fn healthz() -> Response {
    Json(json!({ "status": "up" })).into_response()
}

/// The process can serve; 503 when a check does not hold.
pub(crate) async fn readyz(State(state): State<ConsoleState>) -> Result<Response, ConsoleError> {
    let checks = blocking(move || Ok(state.readiness.checks())).await?;
    // No check at all would say nothing about the process, and silence is never a pass.
    let ready = !checks.is_empty() && checks.iter().all(|check| check.state.is_ok());
    let (status, word) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not-ready")
    };
    let checks: Vec<_> = checks
        .into_iter()
        .map(|check| match check.state {
            Ok(()) => json!({ "name": check.name, "ok": true }),
            Err(detail) => json!({ "name": check.name, "ok": false, "detail": detail }),
        })
        .collect();
    Ok((status, Json(json!({ "status": word, "checks": checks }))).into_response())
}

/// Metrics in the `OpenMetrics` text format.
pub(crate) async fn metrics(State(state): State<ConsoleState>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.metrics.text()).into_response()
}
