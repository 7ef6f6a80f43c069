//! The admin API under `/api/v1`: what its handlers share.

pub(crate) mod changes;
pub(crate) mod endpoints;
pub(crate) mod events;
pub(crate) mod inference;
pub(crate) mod keys;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::error::ConsoleError;

/// Largest body, in bytes. An endpoint with every guardrail takes a few KiB.
pub(crate) const BODY_BYTES: usize = 256 << 10;

/// Runs work that waits for the disk where it holds up no other request.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConsoleError> + Send + 'static,
) -> Result<T, ConsoleError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "task failed");
        ConsoleError::Task
    })?
}

/// The body, read within its cap.
pub(crate) fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, ConsoleError> {
    body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ConsoleError::BodyTooLarge { limit_bytes: BODY_BYTES }
        } else {
            ConsoleError::BodyUnreadable
        }
    })
}

/// The body as JSON. Unknown and repeated fields are errors where the type says so.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ConsoleError> {
    serde_json::from_slice(bytes).map_err(ConsoleError::Json)
}

/// The parameter of a path; what is no UTF-8 names nothing.
pub(crate) fn path(
    path: Result<axum::extract::Path<String>, PathRejection>,
) -> Result<String, ConsoleError> {
    path.map(|axum::extract::Path(value)| value).map_err(|_| ConsoleError::NotFound)
}

/// A duration of at most ten years.
pub(crate) fn duration(
    field: &'static str,
    text: &str,
) -> Result<jiff::SignedDuration, ConsoleError> {
    const LONGEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(10 * 365 * 24);
    let wrong = |reason| ConsoleError::Field { field, reason };
    let duration = bartizan_core::time::parse_duration(text).map_err(wrong)?;
    match jiff::SignedDuration::try_from(duration) {
        Ok(duration) if duration.is_positive() && duration <= LONGEST => Ok(duration),
        _ => Err(wrong("takes more than nothing and at most 3650d".to_owned())),
    }
}
