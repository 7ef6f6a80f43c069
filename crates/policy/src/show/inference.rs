//! `inference-log:` as text for people.

use std::fmt::{self, Write};

use bartizan_core::settings::{Endpoint, InferenceLog, InferenceStore};

use super::{duration, size};

/// Of all endpoints together; nothing where it says what it says anyway.
pub(super) fn write(out: &mut String, store: &InferenceStore) -> fmt::Result {
    if *store == InferenceStore::DEFAULT {
        return Ok(());
    }
    writeln!(out, "inference-log:")?;
    writeln!(out, "  segment: {}", size(store.segment_bytes))?;
    writeln!(out, "  total: {}", size(store.total_bytes))
}

/// Of one endpoint.
pub(super) fn write_endpoint(out: &mut String, endpoint: &Endpoint) -> fmt::Result {
    let Some(InferenceLog { keep, percent, on_failure }) = endpoint.inference_log else {
        return Ok(());
    };
    let (keep, on_failure) = (duration(keep), on_failure.name());
    writeln!(
        out,
        "    inference-log: {{ keep: {keep}, share: {percent}%, on-failure: {on_failure} }}"
    )
}
