//! What every request passes before a handler sees it: request id, headers that protect browsers,
//! a time limit, the name it was sent to, and for admin routes the key or the session.

mod session;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use bartizan_core::access::{Identity, Right, Scope, Unrecognised};
use bartizan_core::id::RequestId;
use bartizan_core::redact::Secret;

use crate::admin::Admin;
use crate::error::ConsoleError;
use crate::login::Cookie;
use crate::pages;
use crate::routes::REQUEST_TIMEOUT;
use crate::state::ConsoleState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-bartizan-request-id");

/// Set on every answer. `no-store` since answers hold keys and the state of a moment.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
         object-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    // With `no-referrer`, browsers would not say where a form comes from (`Origin: null`).
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Gives the request its id, and the answer its headers.
pub(crate) async fn frame(mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // An id is ASCII, so this never fails.
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

/// Ends requests that take too long, reading the body included.
pub(crate) async fn time_limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ConsoleError::Timeout.into_response(),
    }
}

/// Refuses requests that were sent to another name.
pub(crate) async fn check_host(
    State(state): State<ConsoleState>,
    request: Request,
    next: Next,
) -> Response {
    let mut named = request.headers().get_all(header::HOST).iter();
    let allowed = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().is_ok_and(|host| state.hosts.allow(host)),
        _ => false,
    };
    // A request target with a name of its own overrides the header, so it must pass too.
    let target = request.uri().authority();
    if allowed && target.is_none_or(|target| state.hosts.allow(target.as_str())) {
        next.run(request).await
    } else {
        ConsoleError::Host.into_response()
    }
}

/// Lets those pass whose key or session has a right, before anything of the body is read.
pub(crate) async fn require(
    State((state, right)): State<(ConsoleState, Right)>,
    request: Request,
    next: Next,
) -> Response {
    // Not recorded as an event: anyone could push older events out of the log.
    let (admin, mut request) = match admit(&state, request).await {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response(),
    };
    let scope = admin.identity.scope;
    if !scope.may(right) {
        admin.note_refusal(&*state.events).await;
        return ConsoleError::NotAllowed { scope }.into_response();
    }
    request.extensions_mut().insert(admin);
    next.run(request).await
}

/// Lets everybody pass who may do something here, by key or session, and answers others with a page.
pub(crate) async fn require_somebody(
    State(state): State<ConsoleState>,
    request: Request,
    next: Next,
) -> Response {
    let is_page = request.method() == Method::GET && is_without_key(request.headers());
    let (admin, mut request) = match admit(&state, request).await {
        Ok(admitted) => admitted,
        Err(ConsoleError::NoSession | ConsoleError::NoKey) if is_page && state.login.is_some() => {
            return Redirect::to("/login").into_response();
        }
        Err(error) => return pages::refusal(&error),
    };
    let scope = admin.identity.scope;
    if scope == Scope::Client {
        admin.note_refusal(&*state.events).await;
        return pages::refusal(&ConsoleError::NotAllowed { scope });
    }
    request.extensions_mut().insert(admin);
    next.run(request).await
}

/// Lets forms pass that come from pages of this console, while the policy lets people sign in.
pub(crate) async fn require_own_page(
    State(state): State<ConsoleState>,
    request: Request,
    next: Next,
) -> Response {
    let Some(login) = &state.login else { return ConsoleError::NotFound.into_response() };
    if !session::is_own_page(request.headers(), login) {
        return pages::refusal(&ConsoleError::ForeignPage);
    }
    next.run(request).await
}

/// Who is behind a request: whoever has the key that it brings along, else whose session it is.
async fn admit(state: &ConsoleState, request: Request) -> Result<(Admin, Request), ConsoleError> {
    let request_id = request.extensions().get().copied().unwrap_or_else(RequestId::new);
    if let Some(login) = &state.login
        && is_without_key(request.headers())
        && let Some(token) = Cookie::Session.find(request.headers(), login)
    {
        let (identity, session) = session::of(state, login, &token).await?;
        let request = session::check(request, login, &session).await?;
        return Ok((Admin { identity, request_id, session: Some(session) }, request));
    }
    let identity = identify(state, request.headers())?;
    Ok((Admin { identity, request_id, session: None }, request))
}

/// Who has a page open that everybody may see.
pub(crate) async fn visitor(state: &ConsoleState, headers: &HeaderMap) -> Option<Admin> {
    let login = state.login.as_ref()?;
    if !is_without_key(headers) {
        return None;
    }
    let token = Cookie::Session.find(headers, login)?;
    let (identity, session) = session::of(state, login, &token).await.ok()?;
    Some(Admin { identity, request_id: RequestId::new(), session: Some(session) })
}

fn is_without_key(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::AUTHORIZATION)
}

fn identify(state: &ConsoleState, headers: &HeaderMap) -> Result<Identity, ConsoleError> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(ConsoleError::NoKey);
    };
    let value = value.to_str().map_err(|_| ConsoleError::NoKey)?;
    let (scheme, credential) = value.split_once(' ').ok_or(ConsoleError::NoKey)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ConsoleError::NoKey);
    }
    let identified = state.identify.identify(&Secret::new(credential.trim()));
    identified.map_err(|why| match why {
        Unrecognised::Away => ConsoleError::KeysAway,
        Unrecognised::Unknown | Unrecognised::Token { .. } => ConsoleError::UnknownKey,
    })
}
