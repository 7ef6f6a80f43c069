//! The session of a request, and that what it changes was wanted by the person: a page of another site can make their
//! browser send requests, and cannot read what this console's pages hold.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{self, HeaderMap, HeaderName};
use bartizan_core::access::Identity;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_store::SESSION;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use crate::admin::Session;
use crate::api::blocking;
use crate::error::ConsoleError;
use crate::login::{FORM_BYTES, Login, csrf_token};
use crate::state::ConsoleState;

/// What programs send in place of a field of a form.
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// The field of forms.
const CSRF_FIELD: &str = "csrf";
/// Where a request comes from, as browsers say it (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Length of what stands for a session: 32 bytes in base64url.
const TOKEN_LEN: usize = 43;

/// Few look for sessions at once: everybody can send something that looks like one, and keys are in the same database.
static LOOKING: Semaphore = Semaphore::const_new(4);

/// The session that a cookie stands for, and whose it is.
pub(super) async fn of(
    state: &ConsoleState,
    login: &Login,
    token: &Secret,
) -> Result<(Identity, Session), ConsoleError> {
    if token.expose().len() != TOKEN_LEN {
        return Err(ConsoleError::NoSession);
    }
    let _looking = LOOKING.acquire().await.map_err(|_| ConsoleError::Task)?;
    let (store, lasting, wanted) = (state.store.clone(), login.lasting, token.clone());
    let found = blocking(move || Ok(store.console_session(&wanted, lasting)?)).await?;
    // Whoever signed in as the policy does not let people sign in any more has to do it again.
    let record = found.filter(|record| login.takes(record.issuer.as_deref()));
    let record = record.ok_or(ConsoleError::NoSession)?;
    let identity = Identity {
        key_id: match &record.issuer {
            None => format!("{SESSION}account:{}", record.id),
            Some(issuer) => format!("{SESSION}issuer:{issuer}:{}", record.id),
        },
        kind: PrincipalKind::User,
        name: record.name.clone(),
        groups: Vec::new(),
        scope: record.scope,
        endpoints: None,
        expires: None,
        tags: Arc::default(),
        token: None,
    };
    Ok((identity, Session { csrf: csrf_token(token), record }))
}

/// Lets a request of a session pass that changes nothing, or was sent by a page of this console.
pub(super) async fn check(
    request: Request,
    login: &Login,
    session: &Session,
) -> Result<Request, ConsoleError> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(request);
    }
    if !is_own_page(request.headers(), login) {
        return Err(ConsoleError::ForeignPage);
    }
    let mut given = request.headers().get_all(CSRF_HEADER).iter();
    let (token, request) = match (given.next(), given.next()) {
        (Some(token), None) => (token.as_bytes().to_vec(), request),
        (Some(_), Some(_)) => return Err(ConsoleError::ForeignPage),
        (None, _) => from_form(request).await?,
    };
    if token.ct_eq(session.csrf.as_bytes()).into() {
        return Ok(request);
    }
    Err(ConsoleError::ForeignPage)
}

/// Whether a browser says that a page of this console sent a request. Programs can say so too; they have no cookie of
/// somebody else.
pub(super) fn is_own_page(headers: &HeaderMap, login: &Login) -> bool {
    let site = only(headers, &FETCH_SITE);
    let origin = only(headers, &header::ORIGIN);
    let (Ok(site), Ok(origin)) = (site, origin) else { return false };
    let fits = |found: Option<&[u8]>, wanted: &str| {
        found.is_none_or(|found| found.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    (site.is_some() || origin.is_some())
        && fits(site, "same-origin")
        && fits(origin, login.origin())
}

/// The value of a header that may stand there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h [u8]>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value.as_bytes())),
        (Some(_), Some(_)) => Err(()),
    }
}

/// The field of a form, which is read and put back.
async fn from_form(request: Request) -> Result<(Vec<u8>, Request), ConsoleError> {
    let (head, body) = request.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Err(ConsoleError::ForeignPage);
    }
    let too_large = ConsoleError::BodyTooLarge { limit_bytes: FORM_BYTES };
    let bytes = to_bytes(body, FORM_BYTES).await.map_err(|_| too_large)?;
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_bytes(&bytes).map_err(|_| ConsoleError::Form)?;
    let mut tokens = fields.into_iter().filter(|(name, _)| name == CSRF_FIELD);
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => {
            Ok((token.into_bytes(), Request::from_parts(head, Body::from(bytes))))
        }
        _ => Err(ConsoleError::ForeignPage),
    }
}
