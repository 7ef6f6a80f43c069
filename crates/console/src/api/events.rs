//! Events, read back for admins.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::{blocking, duration};
use crate::error::ConsoleError;
use crate::state::{ConsoleState, EventFilter};

const DEFAULT_SINCE: &str = "1h";
const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1_000;

/// Query of `GET /api/v1/events`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// How far back, such as `1h`.
    since: Option<String>,
    /// The newest so many.
    limit: Option<usize>,
}

pub(crate) async fn list(
    State(state): State<ConsoleState>,
    uri: Uri,
) -> Result<Response, ConsoleError> {
    let Query(query) = Query::<EventsQuery>::try_from_uri(&uri)
        .map_err(|rejection| ConsoleError::Query(rejection.body_text()))?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST).contains(&limit) {
        let reason = format!("takes 1 to {MOST}");
        return Err(ConsoleError::Field { field: "limit", reason });
    }
    let back = duration("since", query.since.as_deref().unwrap_or(DEFAULT_SINCE))?;
    let since = bartizan_core::time::now().saturating_sub(back).unwrap_or(jiff::Timestamp::MIN);
    let filter = EventFilter { since, limit };
    let events = blocking(move || Ok(state.event_query.events(filter)?)).await?;
    Ok(Json(json!({ "schema": "bartizan.events/v1", "events": events })).into_response())
}
