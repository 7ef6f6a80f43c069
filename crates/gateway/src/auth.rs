//! Who asks: the key of a request and the principal behind it.

use std::sync::Arc;

use bartizan_core::access::{Identify, Presented, Scope, TokenBounds, Unrecognised};
use bartizan_core::settings::Settings;
use bartizan_core::{Name, Principal, Secret, Tags};
use http::HeaderMap;
use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::uri::Authority;

use crate::error::GatewayError;

/// Proves that the sender of a token has the key that it is bound to (RFC 9449).
const PROOF: HeaderName = HeaderName::from_static("dpop");

/// Headers that a key or token may be in.
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// A caller who was recognised.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) qualified: String,
    /// Names the credential in logs.
    pub(crate) credential: String,
    scope: Scope,
    endpoints: Option<Arc<[Name]>>,
    /// What its use is put down to: by its key or token, and by the endpoint where that says nothing.
    pub(crate) tags: Arc<Tags>,
    /// What a short token bounds besides.
    pub(crate) token: Option<Arc<TokenBounds>>,
}

/// What is known of a connection besides what is said on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    pub(crate) is_encrypted: bool,
    /// The certificate that the client showed, in DER.
    pub(crate) certificate: Option<Arc<[u8]>>,
}

impl Caller {
    /// A client with a key that opens everything.
    #[cfg(test)]
    pub(crate) fn of(principal: Principal) -> Self {
        let qualified = principal.qualified();
        Self {
            principal,
            qualified,
            credential: String::new(),
            scope: Scope::Client,
            endpoints: None,
            tags: Arc::default(),
            token: None,
        }
    }

    /// Whether the key itself opens an endpoint, whatever the policy says about its holder.
    pub(crate) fn reaches(&self, endpoint: &Name) -> bool {
        self.endpoints.as_ref().is_none_or(|only| only.contains(endpoint))
    }

    /// Adds the tags of an endpoint. They take the place of none that the caller has.
    pub(crate) fn at(&mut self, endpoint: &Tags) {
        if !endpoint.is_empty() {
            self.tags = Arc::new(self.tags.or(endpoint));
        }
    }

    /// Refuses keys that manage Bartizan.
    pub(crate) fn check_scope(&self) -> Result<(), GatewayError> {
        if self.scope == Scope::Client { Ok(()) } else { Err(GatewayError::KeyScope) }
    }
}

/// Recognises the caller by `Authorization: Bearer` or `DPoP`, `x-api-key` or `api-key`, and without any of these by
/// the certificate of the connection. Nothing else speaks about identity.
pub(crate) async fn identify(
    head: &Parts,
    keys: &dyn Identify,
    settings: &Settings,
) -> Result<Caller, GatewayError> {
    let given = credential(&head.headers);
    let is_missing = given.is_none();
    let credential = given.unwrap_or_else(|| Secret::new(String::new()));
    let request = presented(head, &credential);
    // A key that cannot be read is no leave to be somebody else.
    let is_keyless = CREDENTIALS.iter().all(|name| !head.headers.contains_key(*name));
    if is_missing && !(is_keyless && request.certificate.is_some()) {
        return Err(missing(&head.headers));
    }
    let identity = match keys.identify_request(&request) {
        // No certificate stands for a caller here.
        Err(Unrecognised::Unknown) if is_missing => return Err(missing(&head.headers)),
        Err(Unrecognised::Token { may_wait: true, .. }) => {
            keys.wait(&credential).await;
            keys.identify_request(&request)?
        }
        identified => identified?,
    };
    let mut groups = identity.groups;
    groups.extend_from_slice(settings.access.groups_of(identity.kind, &identity.name));
    groups.sort_unstable();
    groups.dedup();
    let principal = Principal { kind: identity.kind, name: identity.name, groups };
    let qualified = principal.qualified();
    let (scope, endpoints, token) = (identity.scope, identity.endpoints, identity.token);
    let (tags, credential) = (identity.tags, identity.key_id);
    Ok(Caller { principal, qualified, credential, scope, endpoints, tags, token })
}

/// What a request says about its sender.
pub(crate) fn presented<'a>(head: &'a Parts, credential: &'a Secret) -> Presented<'a> {
    let text = |name: HeaderName| {
        let mut values = head.headers.get_all(name).iter();
        // Of two, nobody knows which is meant.
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok()
    };
    let authority = head.uri.authority().map(Authority::as_str);
    let peer = head.extensions.get::<Peer>();
    Presented {
        credential,
        method: head.method.as_str(),
        path: head.uri.path(),
        authority: authority.or_else(|| text(HOST)).unwrap_or_default(),
        is_encrypted: peer.is_some_and(|peer| peer.is_encrypted),
        proof: text(PROOF),
        certificate: peer.and_then(|peer| peer.certificate.as_deref()),
    }
}

fn credential(headers: &HeaderMap) -> Option<Secret> {
    let bearer = headers.get(http::header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let is_known = ["bearer", "dpop"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        is_known.then(|| token.trim().to_owned())
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
