//! Pages for people, written by the server and readable without a script. What others wrote is escaped by the
//! templates.

pub(crate) mod enrol;
pub(crate) mod provider;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod start;

use askama::Template;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use crate::admin::Admin;
use crate::error::ConsoleError;

/// Who is signed in, as every page shows it.
pub(crate) struct Visitor {
    name: String,
    scope: &'static str,
    /// What forms bring along.
    csrf: String,
}

impl Visitor {
    /// Somebody with a session; who comes with a key sends no forms.
    fn of(admin: &Admin) -> Option<Self> {
        let session = admin.session.as_ref()?;
        Some(Self {
            name: admin.identity.name.clone(),
            scope: admin.identity.scope.name(),
            csrf: session.csrf.clone(),
        })
    }
}

/// A page that says what is wrong.
#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal<'a> {
    visitor: Option<Visitor>,
    said: &'a str,
    help: &'a str,
    code: &'a str,
}

/// A page that sends the browser on. Browsers do not follow a redirect to another site from a form, and do not send a
/// strict cookie behind one from another site; they do from a page.
#[derive(Template)]
#[template(path = "onward.html")]
struct Onward<'a> {
    visitor: Option<Visitor>,
    said: &'a str,
    to: &'a str,
}

/// A request that a page refuses.
pub(crate) fn refusal(error: &ConsoleError) -> Response {
    let (said, code) = (sentence(&error.said()), bartizan_core::error::Coded::code(error));
    let page = Refusal { visitor: None, said: &said, help: &sentence(error.help()), code };
    match html(error.status(), &page) {
        Ok(page) => page,
        Err(failed) => failed.into_response(),
    }
}

/// What a handler of a page answers.
pub(crate) fn answer(answered: Result<Response, ConsoleError>) -> Response {
    answered.unwrap_or_else(|error| refusal(&error))
}

fn html(status: StatusCode, page: &impl Template) -> Result<Response, ConsoleError> {
    Ok((status, Html(page.render()?)).into_response())
}

/// Errors have the form of errors, and people read sentences.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest).chain(['.']).collect(),
        None => String::new(),
    }
}

/// To another page, after a form.
fn go(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// Adds cookies to an answer. Without one the person would be signed in and not know it.
fn with_cookies(
    mut response: Response,
    cookies: impl IntoIterator<Item = Option<HeaderValue>>,
) -> Result<Response, ConsoleError> {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie.ok_or(ConsoleError::Task)?);
    }
    Ok(response)
}
