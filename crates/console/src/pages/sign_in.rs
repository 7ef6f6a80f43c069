//! Signing in with an account: name, password and a code that is good once.
//!
//! Whatever is wrong, the answer says the same and comes after the same time, so that nobody learns which names there
//! are.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use bartizan_core::id::RequestId;
use bartizan_core::redact::Secret;
use bartizan_store::{LoginTry, NewLogin};
use serde::Deserialize;
use tokio::time::Instant;

use crate::api::blocking;
use crate::error::ConsoleError;
use crate::login::place_of_codes;
use crate::login::{Cookie, Kept, Login, Peer, TotpSecret, Whose, read_form};
use crate::pages;
use crate::state::ConsoleState;

/// When a refusal is answered, counted from the request: later than any that is not held up by others.
const REFUSED_AFTER: Duration = Duration::from_secs(1);
/// Longest name that is looked for, in bytes.
const NAME_BYTES: usize = 128;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    visitor: Option<pages::Visitor>,
    accounts: bool,
    provider: Option<&'a str>,
    is_refused: bool,
}

/// What a person typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    name: String,
    password: String,
    code: String,
}

/// The page at `/login`.
pub(crate) async fn page(State(state): State<ConsoleState>) -> Response {
    pages::answer(show(&state, StatusCode::OK, false))
}

/// The form at `/login`.
pub(crate) async fn submit(State(state): State<ConsoleState>, request: Request) -> Response {
    pages::answer(sign_in(&state, request).await)
}

async fn sign_in(state: &ConsoleState, request: Request) -> Result<Response, ConsoleError> {
    let began = Instant::now();
    let login = login_of(state)?;
    if login.accounts.is_none() {
        return Err(ConsoleError::NotFound);
    }
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().copied();
    let id = head.extensions.get().copied().unwrap_or_else(RequestId::new);
    if !login.desk.pace.admit(peer, began.into_std()) {
        let refused = ConsoleError::TooManyTries;
        let why = "too many tries from one place";
        let (events, refusals) = (&*state.events, &login.desk.refusals);
        refusals.record(events, id, Whose::Nobody, &refused, why).await;
        return Err(refused);
    }
    let form: LoginForm = read_form(&head, body).await?;
    let LoginForm { name, password, code } = form;
    let (password, code) = (Secret::new(password), Secret::new(code));
    let name = name.trim().to_owned();
    let browser = Cookie::Browser.find(&head.headers, login);
    let before = Cookie::Session.find(&head.headers, login);
    match judge(state, login, &name, password, &code, browser).await? {
        Judged::Refused { is_known, why } => {
            let whose = if is_known { Whose::Account(&name) } else { Whose::Nobody };
            let refused = ConsoleError::LoginRefused;
            let (events, refusals) = (&*state.events, &login.desk.refusals);
            refusals.record(events, id, whose, &refused, why).await;
            tokio::time::sleep_until(began + REFUSED_AFTER).await;
            show(state, refused.status(), true)
        }
        Judged::Fine(new) => {
            let browser = new.browser.clone().ok_or(ConsoleError::Task)?;
            let token = enter(state, login, id, *new, before, 303).await?;
            let cookies =
                [Cookie::Session.set(&token, login), Cookie::Browser.set(&browser, login)];
            pages::with_cookies(pages::go("/"), cookies)
        }
    }
}

/// What becomes of a try.
enum Judged {
    Refused { is_known: bool, why: &'static str },
    Fine(Box<NewLogin>),
}

async fn judge(
    state: &ConsoleState,
    login: &Login,
    name: &str,
    password: Secret,
    code: &Secret,
    browser: Option<Secret>,
) -> Result<Judged, ConsoleError> {
    let refused = |is_known, why| Ok(Judged::Refused { is_known, why });
    // First: who finds no place has not tried, and what an account allows is not used up.
    let turn = login.desk.hashers.line_up()?;
    let begun = if name.len() <= NAME_BYTES {
        let (store, name, browser) = (state.store.clone(), name.to_owned(), browser.clone());
        blocking(move || Ok(store.begin_login(&name, browser.as_ref())?)).await?
    } else {
        LoginTry::Unknown
    };
    let (kept, totp, early) = match begun {
        LoginTry::Check { password, totp } => (Some(password), Some(totp), false),
        LoginTry::TooEarly => (None, None, true),
        LoginTry::Unknown => (None, None, false),
    };
    // Also where there is nothing to fit: it takes as long.
    let fits = turn.verify(password, kept.clone()).await?;
    if early {
        return refused(true, "too early after other tries");
    }
    let (Some(kept), Some(sealed)) = (kept, totp) else {
        return refused(false, "there is no such account");
    };
    if !fits {
        return refused(true, "the password or the code does not fit");
    }
    let seal = login.accounts.clone().ok_or(ConsoleError::NotFound)?;
    let place = place_of_codes(name);
    let (seal_again, sealed_before) = (seal.clone(), sealed.clone());
    let opened = blocking(move || Ok(seal.open(&place, &sealed)?)).await?;
    let secret = TotpSecret::from_bytes(opened);
    let Some(step) = secret.step_of(code.expose(), bartizan_core::time::now()) else {
        return refused(true, "the password or the code does not fit");
    };
    let (store, lasting, name) = (state.store.clone(), login.lasting, name.to_owned());
    let new = blocking(move || {
        let new = store.finish_login(&name, &kept, step, browser.as_ref(), lasting)?;
        if new.is_some() && seal_again.needs_reseal(&sealed_before) {
            let again = seal_again.seal(&place_of_codes(&name), secret.bytes());
            let again = again
                .map_err(ConsoleError::from)
                .and_then(|again| Ok(store.reseal_codes(&name, &sealed_before, &again)?));
            // The person is signed in, and the older key still opens it.
            if let Err(error) = again {
                tracing::warn!(%error, "the code of an account is not sealed anew");
            }
        }
        Ok(new)
    })
    .await?;
    match new {
        Some(new) => Ok(Judged::Fine(Box::new(new))),
        None => refused(true, "the code was used before"),
    }
}

/// Says in the log that a session begins, and ends the one that the browser had before. What the log does not take did
/// not happen.
pub(super) async fn enter(
    state: &ConsoleState,
    login: &Login,
    request: RequestId,
    new: NewLogin,
    before: Option<Secret>,
    status: u16,
) -> Result<Secret, ConsoleError> {
    let (store, events, lasting) = (state.store.clone(), state.events.clone(), login.lasting);
    blocking(move || {
        let NewLogin { token, session, .. } = new;
        let how = match &session.issuer {
            None => "with an account".to_owned(),
            Some(issuer) => format!("by {issuer}"),
        };
        let detail = format!("{}, {how}: console-session:{}", session.scope.name(), session.id);
        let kept = Kept {
            operation: "login",
            request,
            name: &session.name,
            subject: None,
            status,
            detail,
        };
        if !kept.record(&*events) {
            let undone = store.end_console_session(&session.id).is_ok();
            return Err(ConsoleError::NotRecorded { undone });
        }
        if let Some(before) = before
            && let Some(old) = store.console_session(&before, lasting)?
        {
            store.end_console_session(&old.id)?;
        }
        Ok(token)
    })
    .await
}

/// How people sign in, where they do.
pub(super) fn login_of(state: &ConsoleState) -> Result<&Login, ConsoleError> {
    state.login.as_ref().ok_or(ConsoleError::NotFound)
}

fn show(
    state: &ConsoleState,
    status: StatusCode,
    is_refused: bool,
) -> Result<Response, ConsoleError> {
    let login = login_of(state)?;
    let provider = login.provider.as_deref().map(crate::login::SignInProvider::name);
    let accounts = login.accounts.is_some();
    pages::html(status, &LoginPage { visitor: None, accounts, provider, is_refused })
}
