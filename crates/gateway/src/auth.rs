//! Who asks: the key of a request and the principal behind it.

use std::sync::Arc;

use bartizan_core::access::{Identify, Scope, Unrecognised};
use bartizan_core::settings::Settings;
use bartizan_core::{Name, Principal, Secret};
use http::HeaderMap;

use crate::error::GatewayError;

/// A caller who was recognised.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) qualified: String,
    scope: Scope,
    endpoints: Option<Arc<[Name]>>,
}

impl Caller {
    /// A client with a key that opens everything.
    #[cfg(test)]
    pub(crate) fn of(principal: Principal) -> Self {
        let qualified = principal.qualified();
        Self { principal, qualified, scope: Scope::Client, endpoints: None }
    }

    /// Whether the key itself opens an endpoint, whatever the policy says about its holder.
    pub(crate) fn reaches(&self, endpoint: &Name) -> bool {
        self.endpoints.as_ref().is_none_or(|only| only.contains(endpoint))
    }

    /// Refuses keys that manage Bartizan.
    pub(crate) fn check_scope(&self) -> Result<(), GatewayError> {
        if self.scope == Scope::Client { Ok(()) } else { Err(GatewayError::KeyScope) }
    }
}

/// Recognises the caller by `Authorization: Bearer`, `x-api-key` or `api-key`. Nothing else of a
/// request speaks about identity.
pub(crate) async fn identify(
    headers: &HeaderMap,
    keys: &dyn Identify,
    settings: &Settings,
) -> Result<Caller, GatewayError> {
    let credential = credential(headers).ok_or_else(|| missing(headers))?;
    let identity = match keys.identify(&credential) {
        Err(Unrecognised::Token { may_wait: true, .. }) => {
            keys.wait(&credential).await;
            keys.identify(&credential)?
        }
        identified => identified?,
    };
    let mut groups = identity.groups;
    groups.extend_from_slice(settings.access.groups_of(identity.kind, &identity.name));
    groups.sort_unstable();
    groups.dedup();
    let principal = Principal { kind: identity.kind, name: identity.name, groups };
    let qualified = principal.qualified();
    let (scope, endpoints) = (identity.scope, identity.endpoints);
    Ok(Caller { principal, qualified, scope, endpoints })
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

/// What to tell who sent no key that could be read.
fn missing(headers: &HeaderMap) -> GatewayError {
    match headers.get(http::header::AUTHORIZATION) {
        Some(value) if value.as_bytes().trim_ascii().starts_with(b"bzc_") => {
            GatewayError::SchemeMissing
        }
        _ => GatewayError::KeyMissing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_its_scheme_is_told_apart_from_no_key() {
        let said = |authorization: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = authorization {
                let value = http::HeaderValue::from_static(value);
                headers.insert(http::header::AUTHORIZATION, value);
            }
            assert!(credential(&headers).is_none());
            missing(&headers).to_string()
        };
        assert!(said(Some("bzc_x")).contains("`Bearer ` is missing"));
        assert!(said(Some("Basic bzc_x")).starts_with("no key was given; send"));
        assert!(said(None).starts_with("no key was given; send"));
    }
}
