//! Enrolment: a person with a code from an admin chooses a password and sets up the codes of their phone.
//!
//! The secret of codes comes to be when the form is first sent, and travels sealed in the form until it is confirmed:
//! nothing is kept of an enrolment that is not finished.

use std::time::Instant;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use bartizan_core::id::RequestId;
use bartizan_core::redact::Secret;
use bartizan_store::AccountRecord;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::api::blocking;
use crate::error::ConsoleError;
use crate::login::{
    Kept, Login, Password, Peer, Seal, TotpSecret, Whose, place_of_codes, read_form, svg,
};
use crate::pages;
use crate::pages::sign_in::login_of;
use crate::state::ConsoleState;

/// Longest code that is looked at, in bytes.
const CODE_BYTES: usize = 128;

/// Query of a link for enrolment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    #[serde(default)]
    code: String,
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct CodePage<'a> {
    visitor: Option<pages::Visitor>,
    code: &'a str,
}

#[derive(Template)]
#[template(path = "enrol_account.html")]
struct AccountPage<'a> {
    visitor: Option<pages::Visitor>,
    code: &'a str,
    name: &'a str,
    scope: &'static str,
    sealed: &'a str,
    secret: &'a str,
    uri: &'a str,
    picture: Option<(String, usize)>,
    wrong: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "enrolled.html")]
struct Done<'a> {
    visitor: Option<pages::Visitor>,
    name: &'a str,
}

/// What a person sends, at first the code alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolForm {
    code: String,
    #[serde(default)]
    sealed: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    again: Option<String>,
    #[serde(default)]
    totp: Option<String>,
}

/// The page at `/login/enrol`.
pub(crate) async fn page(
    State(state): State<ConsoleState>,
    link: Result<Query<Link>, QueryRejection>,
) -> Response {
    pages::answer(first(&state, link))
}

fn first(
    state: &ConsoleState,
    link: Result<Query<Link>, QueryRejection>,
) -> Result<Response, ConsoleError> {
    seal_of(login_of(state)?)?;
    let Query(link) = link.map_err(|_| ConsoleError::Form)?;
    let code = link.code.get(..CODE_BYTES).unwrap_or(&link.code);
    pages::html(StatusCode::OK, &CodePage { visitor: None, code })
}

/// The forms at `/login/enrol`.
pub(crate) async fn submit(State(state): State<ConsoleState>, request: Request) -> Response {
    pages::answer(enrol(&state, request).await)
}

async fn enrol(state: &ConsoleState, request: Request) -> Result<Response, ConsoleError> {
    let login = login_of(state)?;
    let seal = seal_of(login)?;
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().copied();
    if !login.desk.pace.admit(peer, Instant::now()) {
        return Err(ConsoleError::TooManyTries);
    }
    let form: EnrolForm = read_form(&head, body).await?;
    let code = Secret::new(form.code.trim());
    let Some(account) = account_of(state, &code).await? else {
        return Err(refused(state, login, &head).await);
    };
    let place = format!("enrol:{}:{}", account.name, code.expose());
    let (secret, sealed) = match form.sealed {
        None => {
            let secret = TotpSecret::random()?;
            blocking(move || {
                let sealed = seal.seal(&place, secret.bytes())?;
                Ok((secret, URL_SAFE_NO_PAD.encode(sealed)))
            })
            .await?
        }
        Some(given) => {
            let sealed = URL_SAFE_NO_PAD.decode(&given).map_err(|_| ConsoleError::Form)?;
            // What was not sealed here for this code is no secret of this form.
            let open = move || seal.open(&place, &sealed).map_err(|_| ConsoleError::Form);
            (TotpSecret::from_bytes(blocking(open).await?), given)
        }
    };
    let wrong = match (form.password, form.again, form.totp) {
        (Some(password), Some(again), Some(totp)) => {
            let step = secret.step_of(Secret::new(totp).expose(), bartizan_core::time::now());
            match (Password::new(Secret::new(password), &Secret::new(again)), step) {
                (Ok(password), Some(step)) => {
                    return finish(state, login, &head, code, password, &secret, step).await;
                }
                (Err(wrong), _) => Some(wrong),
                (Ok(_), None) => Some("The code does not fit. Is the clock of the phone right?"),
            }
        }
        _ => None,
    };
    let (base32, uri) = (secret.base32(), secret.uri(&account.name));
    let page = AccountPage {
        visitor: None,
        code: code.expose(),
        name: &account.name,
        scope: account.scope.name(),
        sealed: &sealed,
        secret: &base32,
        picture: svg(&uri),
        uri: &uri,
        wrong,
    };
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    pages::html(status, &page)
}

async fn finish(
    state: &ConsoleState,
    login: &Login,
    head: &Parts,
    code: Secret,
    password: Password,
    secret: &TotpSecret,
    step: u64,
) -> Result<Response, ConsoleError> {
    let password = login.desk.hashers.hash(password).await?;
    let (seal, bytes) = (seal_of(login)?, zeroize::Zeroizing::new(secret.bytes().to_vec()));
    let store = state.store.clone();
    let enrolled = blocking(move || {
        let Some(account) = store.account_to_enrol(&code)? else { return Ok(None) };
        let sealed = seal.seal(&place_of_codes(&account.name), &bytes)?;
        Ok(store.enrol(&code, &password, &sealed, step)?)
    })
    .await?;
    let Some(account) = enrolled else { return Err(refused(state, login, head).await) };
    let (events, request) = (state.events.clone(), request_of(head));
    let name = account.name.clone();
    // The account stays as it is when this fails: nobody could do it again, and nobody signs in unseen.
    blocking(move || {
        let kept = Kept {
            operation: "account-enrolled",
            request,
            name: &name,
            subject: Some(&name),
            status: 200,
            detail: format!("{} account", account.scope.name()),
        };
        if kept.record(&*events) {
            return Ok(());
        }
        Err(ConsoleError::NotRecorded { undone: false })
    })
    .await?;
    pages::html(StatusCode::OK, &Done { visitor: None, name: &account.name })
}

async fn account_of(
    state: &ConsoleState,
    code: &Secret,
) -> Result<Option<AccountRecord>, ConsoleError> {
    if code.expose().len() > CODE_BYTES {
        return Ok(None);
    }
    let (store, code) = (state.store.clone(), code.clone());
    blocking(move || Ok(store.account_to_enrol(&code)?)).await
}

async fn refused(state: &ConsoleState, login: &Login, head: &Parts) -> ConsoleError {
    let refused = ConsoleError::Enrolment;
    let why = "the code for enrolment is not known, was used or has ended";
    let refusals = &login.desk.refusals;
    refusals.record(&*state.events, request_of(head), Whose::Enrolment, &refused, why).await;
    refused
}

fn request_of(head: &Parts) -> RequestId {
    head.extensions.get().copied().unwrap_or_else(RequestId::new)
}

fn seal_of(login: &Login) -> Result<std::sync::Arc<dyn Seal>, ConsoleError> {
    login.accounts.clone().ok_or(ConsoleError::NotFound)
}
