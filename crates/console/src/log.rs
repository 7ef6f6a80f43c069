//! The event log for those who follow it: paths and bytes of C2SP's tlog-tiles below `/ledger`.
//!
//! Hashes and the checkpoint say nothing about what was recorded and are open, so that anybody can
//! witness the log. Entries are events, and for admins.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::api::{blocking, body};
use crate::error::ConsoleError;
use crate::state::{ConsoleState, WitnessAnswer};

pub(crate) async fn checkpoint(
    State(state): State<ConsoleState>,
) -> Result<Response, ConsoleError> {
    let note =
        blocking(move || Ok(state.log.checkpoint()?)).await?.ok_or(ConsoleError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

pub(crate) async fn hashes(
    State(state): State<ConsoleState>,
    Path((level, rest)): Path<(String, String)>,
) -> Result<Response, ConsoleError> {
    // INVARIANT: this route is open. Segments are decoded after the route was chosen, so that `%65ntries` comes here,
    // and what it stands for must not be read for it.
    let is_level = !level.is_empty() && level.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = rest.bytes().all(|byte| byte.is_ascii_digit() || b"x/.p".contains(&byte));
    if !is_level || !is_number {
        return Err(ConsoleError::NotFound);
    }
    tile(state, format!("tile/{level}/{rest}")).await
}

pub(crate) async fn entries(
    State(state): State<ConsoleState>,
    Path(rest): Path<String>,
) -> Result<Response, ConsoleError> {
    tile(state, format!("tile/entries/{rest}")).await
}

/// Signs a checkpoint of a log that this process witnesses (C2SP tlog-witness). Who submits needs no key: the
/// log has signed what is submitted.
pub(crate) async fn add_checkpoint(
    State(state): State<ConsoleState>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Response, ConsoleError> {
    let Some(witness) = state.witness.clone() else { return Err(ConsoleError::NotFound) };
    let submission = String::from_utf8(body(bytes)?.to_vec());
    let answer = match submission {
        Ok(submission) => blocking(move || Ok(witness.add_checkpoint(&submission))).await?,
        Err(_) => WitnessAnswer::Refused(400, "the submission is no text".to_owned()),
    };
    let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok(match answer {
        WitnessAnswer::Signed(lines) => (text, lines).into_response(),
        WitnessAnswer::Elsewhere(size) => {
            let size_type = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, size_type, format!("{size}\n")).into_response()
        }
        WitnessAnswer::Refused(status, why) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, text, format!("{why}\n")).into_response()
        }
    })
}

async fn tile(state: ConsoleState, path: String) -> Result<Response, ConsoleError> {
    let bytes =
        blocking(move || Ok(state.log.tile(&path)?)).await?.ok_or(ConsoleError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
