//! The start page: what runs here, for a person who opened the port in a browser, and who they are.
//!
//! It shows nothing secret, asks for nothing, and needs no script.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::Visitor;
use crate::api::blocking;
use crate::door;
use crate::error::ConsoleError;
use crate::state::{About, ConsoleState};

const STYLE: &str = include_str!("../../assets/console.css");

#[derive(Template)]
#[template(path = "start.html")]
struct Start<'a> {
    visitor: Option<Visitor>,
    can_sign_in: bool,
    about: &'a About,
    endpoints: Option<&'a [String]>,
}

/// The page at `/`.
pub(crate) async fn page(
    State(state): State<ConsoleState>,
    headers: HeaderMap,
) -> Result<Response, ConsoleError> {
    let visitor = door::visitor(&state, &headers).await.as_ref().and_then(Visitor::of);
    let can_sign_in = state.login.is_some();
    let about = state.about.clone();
    let endpoints = blocking(move || Ok(state.endpoints.list())).await?;
    if let Err(error) = &endpoints {
        tracing::warn!(%error, "endpoints cannot be listed");
    }
    let names = endpoints.ok().as_ref().and_then(names);
    let page = Start { visitor, can_sign_in, about: &about, endpoints: names.as_deref() };
    super::html(StatusCode::OK, &page)
}

/// The style sheet of the pages.
pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Names in a list of endpoints; nothing when it is no such list.
fn names(endpoints: &Value) -> Option<Vec<String>> {
    let name = |endpoint: &Value| Some(endpoint.get("name")?.as_str()?.to_owned());
    endpoints.as_array()?.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(about: &About, endpoints: Option<&[String]>) -> String {
        Start { visitor: None, can_sign_in: true, about, endpoints }.render().unwrap()
    }

    #[test]
    fn what_others_wrote_is_shown_as_text() {
        let about = About {
            version: "<script>alert(1)</script>".to_owned(),
            gateway_url: "\"><img src=x>".to_owned(),
        };
        let page = render(&about, Some(&["<b onclick='x'>&".to_owned()]));
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b "));
        assert!(page.contains("<code>&#60;b onclick=&#39;x&#39;&#62;&#38;</code>"), "{page}");
    }

    #[test]
    fn says_when_there_is_no_endpoint_and_when_it_cannot_know() {
        let about = About { version: "1".to_owned(), gateway_url: String::new() };
        assert!(render(&about, Some(&[])).contains("bartizan init"));
        assert!(render(&about, None).contains("cannot be listed"));
        assert_eq!(names(&json!([{ "name": "a" }])), Some(vec!["a".to_owned()]));
        assert_eq!(names(&json!({ "name": "a" })), None);
        assert_eq!(names(&json!([{ "title": "a" }])), None);
    }
}
