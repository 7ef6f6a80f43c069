//! The event log for those who follow it: paths and bytes of C2SP's tlog-tiles below `/ledger`.
//!
//! Hashes and the checkpoint say nothing about what was recorded and are open, so that anybody can
//! witness the log. Entries are events, and for admins.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::api::blocking;
use crate::error::ConsoleError;
use crate::state::ConsoleState;

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
    tile(state, format!("tile/{level}/{rest}")).await
}

pub(crate) async fn entries(
    State(state): State<ConsoleState>,
    Path(rest): Path<String>,
) -> Result<Response, ConsoleError> {
    tile(state, format!("tile/entries/{rest}")).await
}

async fn tile(state: ConsoleState, path: String) -> Result<Response, ConsoleError> {
    let bytes =
        blocking(move || Ok(state.log.tile(&path)?)).await?.ok_or(ConsoleError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
