//! Signing in at an identity provider: the way there, and the way back.

use std::time::Instant;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use bartizan_core::error::{Class, Coded as _};
use bartizan_core::id::RequestId;
use bartizan_core::redact::Secret;
use bartizan_store::NewSession;
use serde::Deserialize;

use crate::api::blocking;
use crate::error::ConsoleError;
use crate::login::{
    CameBack, Cookie, Login, Peer, Person, Whose, begin_flow, read_form, resume_flow,
};
use crate::pages::sign_in::{enter, login_of};
use crate::pages::{self, Onward};
use crate::state::ConsoleState;

/// Longest code of a provider that is passed on, in bytes.
const CODE_BYTES: usize = 4 << 10;

/// The form has no fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leave {}

/// What a provider sends along. Providers add fields of their own; each of these stands there once.
#[derive(Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    iss: Option<String>,
}

/// The form at `/login/provider`.
pub(crate) async fn leave(State(state): State<ConsoleState>, request: Request) -> Response {
    pages::answer(send(&state, request).await)
}

async fn send(state: &ConsoleState, request: Request) -> Result<Response, ConsoleError> {
    let login = login_of(state)?;
    let provider = login.provider.clone().ok_or(ConsoleError::NotFound)?;
    let (head, body) = request.into_parts();
    if !login.desk.pace.admit(head.extensions.get::<Peer>().copied(), Instant::now()) {
        return Err(ConsoleError::TooManyTries);
    }
    let Leave {} = read_form(&head, body).await?;
    let (flow, kept) = begin_flow(login, bartizan_core::time::now())?;
    let to = provider.begin(&flow).await?;
    let said = format!("On to {}.", provider.name());
    let page = pages::html(StatusCode::OK, &Onward { visitor: None, said: &said, to: &to })?;
    pages::with_cookies(page, [Cookie::Flow.set(&kept, login)])
}

/// The page at `/login/callback`.
pub(crate) async fn come_back(
    State(state): State<ConsoleState>,
    back: Result<Query<Back>, QueryRejection>,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    pages::answer(arrive(&state, back, &head).await)
}

async fn arrive(
    state: &ConsoleState,
    back: Result<Query<Back>, QueryRejection>,
    head: &Parts,
) -> Result<Response, ConsoleError> {
    let login = login_of(state)?;
    let provider = login.provider.clone().ok_or(ConsoleError::NotFound)?;
    let id = head.extensions.get().copied().unwrap_or_else(RequestId::new);
    let Some(kept) = Cookie::Flow.find(&head.headers, login) else {
        return Err(refuse(state, login, id, ConsoleError::LoginReturn, "no login was begun").await);
    };
    let came = match came(back) {
        Ok(came) => came,
        Err(error) => {
            return Err(refuse(state, login, id, error, "the provider sent no code").await);
        }
    };
    let now = bartizan_core::time::now();
    let Some(flow) = resume_flow(&kept, &came.0, login, now) else {
        let why = "the login was begun elsewhere, or took too long";
        return Err(refuse(state, login, id, ConsoleError::LoginReturn, why).await);
    };
    // Not before: any page can send a browser here, and would use up the tries of whoever sits before it.
    if !login.desk.pace.admit(head.extensions.get::<Peer>().copied(), Instant::now()) {
        return Err(ConsoleError::TooManyTries);
    }
    let Person { name, scope } = match provider.finish(&flow, came.1).await {
        Ok(person) => person,
        Err(error) => {
            let why = error.code;
            tracing::warn!(%error, code = why, "nobody is signed in");
            let refused = match error.class() {
                Class::Unauthenticated => ConsoleError::NotSignedIn,
                _ => ConsoleError::Admin(error),
            };
            return Err(refuse(state, login, id, refused, why).await);
        }
    };
    let new = NewSession { name, scope, issuer: Some(provider.name().to_owned()) };
    let (store, lasting) = (state.store.clone(), login.lasting);
    let begun = blocking(move || Ok(store.begin_session(&new, &kept, lasting)?)).await?;
    let Some(begun) = begun else {
        let why = "the login was used before";
        return Err(refuse(state, login, id, ConsoleError::LoginReturn, why).await);
    };
    let before = Cookie::Session.find(&head.headers, login);
    let token = enter(state, login, id, begun, before, 200).await?;
    let onward = Onward { visitor: None, said: "You are signed in.", to: "/" };
    let page = pages::html(StatusCode::OK, &onward)?;
    pages::with_cookies(page, [Cookie::Session.set(&token, login), Cookie::Flow.unset(login)])
}

/// State, and what goes to the provider. What a provider says in place of a code is not repeated: anybody can say it.
fn came(back: Result<Query<Back>, QueryRejection>) -> Result<(String, CameBack), ConsoleError> {
    let Query(Back { state, code, iss }) = back.map_err(|_| ConsoleError::NotSignedIn)?;
    let code = code.filter(|code| !code.is_empty() && code.len() <= CODE_BYTES);
    let (Some(state), Some(code)) = (state, code) else { return Err(ConsoleError::NotSignedIn) };
    Ok((state, CameBack { code: Secret::new(code), issuer: iss }))
}

async fn refuse(
    state: &ConsoleState,
    login: &Login,
    request: RequestId,
    refused: ConsoleError,
    why: &str,
) -> ConsoleError {
    let refusals = &login.desk.refusals;
    refusals.record(&*state.events, request, Whose::Provider, &refused, why).await;
    refused
}
