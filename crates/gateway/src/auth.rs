//! Who asks: the key of a request and the principal behind it.

use bartizan_core::access::{Identify, Scope};
use bartizan_core::settings::{Endpoint, Settings, Subject};
use bartizan_core::{Principal, Secret};
use http::HeaderMap;

use crate::error::GatewayError;

/// A caller who was recognised.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) qualified: String,
    scope: Scope,
}

impl Caller {
    /// Refuses keys that manage Bartizan.
    pub(crate) fn check_scope(&self) -> Result<(), GatewayError> {
        if self.scope == Scope::Client { Ok(()) } else { Err(GatewayError::KeyScope) }
    }
}

/// Recognises the caller by `Authorization: Bearer`, `x-api-key` or `api-key`. Nothing else of a
/// request speaks about identity.
pub(crate) fn identify(
    headers: &HeaderMap,
    keys: &dyn Identify,
    settings: &Settings,
) -> Result<Caller, GatewayError> {
    let credential = credential(headers).ok_or(GatewayError::KeyMissing)?;
    let identity = keys.identify(&credential).ok_or(GatewayError::KeyUnknown)?;
    let groups = settings.groups_of(identity.kind, &identity.name);
    let principal = Principal { kind: identity.kind, name: identity.name, groups };
    let qualified = principal.qualified();
    Ok(Caller { principal, qualified, scope: identity.scope })
}

fn credential(headers: &HeaderMap) -> Option<Secret> {
    let bearer = headers.get(http::header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let plain = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim().to_owned());
    bearer
        .or_else(|| plain("x-api-key"))
        .or_else(|| plain("api-key"))
        .filter(|token| !token.is_empty())
        .map(Secret::new)
}

/// Whether the endpoint is open to the caller.
pub(crate) fn may_call(caller: &Principal, endpoint: &Endpoint) -> bool {
    endpoint.allow.is_empty()
        || endpoint.allow.iter().any(|subject| match subject {
            Subject::Principal(member) => member.kind == caller.kind && member.name == caller.name,
            Subject::Group(group) => caller.groups.contains(group),
        })
}
