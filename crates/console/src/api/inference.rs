//! What was asked and answered, shown to admins. Who reads whose exchange is in the event log before it is shown.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bartizan_core::event::{EventSink, Recorded};
use bartizan_core::id::RequestId;

use super::{blocking, path};
use crate::admin::Admin;
use crate::error::ConsoleError;
use crate::state::{ConsoleState, FoundPayload};

/// Operation of the event of a read.
const READ: &str = "payload-read";

pub(crate) async fn get(
    State(state): State<ConsoleState>,
    Extension(admin): Extension<Admin>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ConsoleError> {
    let id: RequestId = path(id)?.parse().map_err(|_| ConsoleError::Field {
        field: "request-id",
        reason: "takes the id of a request, as in `x-bartizan-request-id`".to_owned(),
    })?;
    let shown = blocking(move || {
        let FoundPayload { whose, document } = state.payloads.payload(id)?;
        note(&admin, &state.events, id, whose)?;
        Ok(document)
    });
    Ok(Json(shown.await?).into_response())
}

/// Says in the event log who reads whose exchange.
fn note(
    admin: &Admin,
    events: &Arc<dyn EventSink>,
    id: RequestId,
    whose: String,
) -> Result<(), ConsoleError> {
    let mut event = admin.event(READ);
    event.status = Some(200);
    event.subject = Some(whose);
    event.detail = Some(format!("request {id}"));
    events.record(&event).and_then(Recorded::wait).map_err(|error| {
        tracing::error!(%error, "a read of the inference log is not recorded, and nothing is shown");
        ConsoleError::ReadNotRecorded
    })
}
