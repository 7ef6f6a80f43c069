//! Forms of pages: read within a cap, each field once, none that is not asked for.

use axum::body::{Body, to_bytes};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ConsoleError;

/// Largest form, in bytes: a password twice, each byte as three characters, and a little more.
pub(crate) const FORM_BYTES: usize = 12 << 10;

/// The fields of a form.
pub(crate) async fn read<T: DeserializeOwned>(head: &Parts, body: Body) -> Result<T, ConsoleError> {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(ConsoleError::Form);
    }
    let too_large = ConsoleError::BodyTooLarge { limit_bytes: FORM_BYTES };
    let bytes = to_bytes(body, FORM_BYTES).await.map_err(|_| too_large)?;
    // What is wrong with it could repeat what was typed.
    serde_urlencoded::from_bytes(&bytes).map_err(|_| ConsoleError::Form)
}
