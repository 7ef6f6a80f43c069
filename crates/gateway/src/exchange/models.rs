//! The list of models: the endpoints that the caller may use.

use bartizan_core::Name;
use serde_json::json;

use crate::auth::Caller;
use crate::error::GatewayError;
use crate::gateway::Snapshot;

/// The list, or one entry of it.
pub(super) fn answer(
    snapshot: &Snapshot,
    caller: &Caller,
    name: Option<&str>,
) -> Result<String, GatewayError> {
    let entry =
        |name: &str| json!({ "id": name, "object": "model", "created": 0, "owned_by": "bartizan" });
    let mut open = snapshot.seen_by(caller).map(Name::as_str);
    match name {
        None => {
            Ok(json!({ "object": "list", "data": open.map(entry).collect::<Vec<_>>() }).to_string())
        }
        Some(asked) => open
            .find(|name| *name == asked)
            .map(|name| entry(name).to_string())
            .ok_or_else(|| GatewayError::ModelUnknown {
                model: asked.chars().take(128).collect(),
                known: snapshot.endpoint_names(caller),
            }),
    }
}
